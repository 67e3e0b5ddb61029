//! Markdown that was written for something else: any of it loads, and what is not run is told.

use super::*;
use crate::lesson::{Example, Language};

fn examples(source: &str) -> Vec<Example> {
    lesson(source).steps.into_iter().flat_map(|step| step.examples).collect()
}

/// The problems of a text that loads.
fn warned(source: &str) -> Vec<String> {
    let (lesson, problems) = read(source);
    assert!(lesson.is_some(), "{source}\n{}", drawn(&problems));
    problems.iter().map(tell).collect()
}

#[test]
fn attributes_of_site_generators_are_no_words_of_ours() {
    for info in [
        "python copy",
        "python {hl_lines=[2]}",
        "py title=\"the solution, wrong\" linenums=\"1\"",
        "python {1,3-4} showLineNumbers",
        "python [solution.py]",
        "python :line-numbers",
        "redis copy start=5",
        "python {.wide #first}",
    ] {
        let source = format!("```{info}\nPING\n```\n");
        assert_eq!(warned(&source), Vec::<String>::new(), "{info}");
        assert_eq!(examples(&source).len(), 1, "{info}");
        let source = format!("{EXERCISE}\n{source}");
        assert_eq!(told(&source), Vec::<String>::new(), "{info}");
    }
}

#[test]
fn a_word_that_nobody_knows_is_an_error_only_in_an_exercise() {
    let source = "```python live\npass\n```\n";
    let told = warned(source);
    assert!(told[0].starts_with("warning: 1:11: unknown word `live`"), "{told:?}");
    assert_eq!(examples(source).len(), 1);
    assert_told(&format!("{EXERCISE}\n{source}"), "28:11: unknown word `live`");
}

#[test]
fn a_slip_in_a_role_is_an_error_everywhere() {
    for info in
        ["python soluton", "redis fail=a", "python solution=1", "py wrong:a", "redis fails:a"]
    {
        let (lesson, problems) = read(&format!("```{info}\nPING\n```\n"));
        assert!(lesson.is_none(), "{info}: {}", drawn(&problems));
    }
}

#[test]
fn a_role_in_brackets_is_an_error_in_an_exercise() {
    for info in ["python {solution}", "{python} solution", "{.redis .wrong}", "{r setup}"] {
        let source = format!("{EXERCISE}\n```{info}\nSAVE\n```\n");
        let (lesson, problems) = read(&source);
        assert!(lesson.is_none(), "{info}: {}", drawn(&problems));
    }
    assert_eq!(warned("```{r setup, include=FALSE}\nx\n```\n").len(), 1);
}

#[test]
fn a_solution_in_another_language_is_never_shown() {
    for info in [
        "redis-cli solution",
        "python3 solution",
        "redis,solution",
        "redis, solution",
        "{redis} solution",
        "redis-cli,wrong,fails=saved",
        "text solution",
        "bash solution",
        "js wrong",
        "Redis-CLI starter fails=saved",
        "console solution",
        "redis:solution",
        "redis\tsolution title=\"a",
    ] {
        let source = format!("{EXERCISE}\n```{info}\nSAVE\n```\n");
        let shown = lesson_text(&source);
        assert!(!shown.iter().any(|text| text.contains("SAVE\n```")), "{info}: {shown:?}");
    }
}

/// What a student reads of the exercise; nothing if it does not load.
fn lesson_text(source: &str) -> Vec<String> {
    let (Some(lesson), _) = read(source) else { return Vec::new() };
    let steps = lesson.steps.iter().flat_map(|step| &step.reading);
    steps.map(|span| lesson.source[span.clone()].to_owned()).collect()
}

#[test]
fn code_that_is_taken_for_text_is_told() {
    for info in [
        "python3",
        "Python3",
        "{python}",
        "{.python .numberLines}",
        "{#first .python}",
        "{code-cell} python",
        "{code-cell} ipython3",
        "{code-block} redis",
        "python,ignore",
        "python{1}",
        "ipython",
        "pycon",
        "doctest",
        "console",
        "shell-session",
        "redis-cli",
    ] {
        let told = warned(&format!("```{info}\nPING\n```\n"));
        assert_eq!(told.len(), 1, "{info}: {told:?}");
        assert!(told[0].contains("is taken for text and not run"), "{told:?}");
    }
    for info in ["text", "json", "sh", "rust", "{note}", "{eval-rst}", "console norun", "py3 norun"]
    {
        assert_eq!(warned(&format!("```{info}\nPING\n```\n")), Vec::<String>::new(), "{info}");
    }
}

#[test]
fn redis_commands_in_a_block_of_another_language_are_told() {
    for (info, line) in
        [("", "127.0.0.1:6379> GET a"), ("bash", "$ redis-cli GET a"), ("sh", "redis-cli PING x")]
    {
        let told = warned(&format!("```{info}\n{line}\n```\n"));
        assert!(told.concat().contains("2:1: the block shows Redis commands"), "{told:?}");
    }
    for (info, line) in [("text", "redis> GET a"), ("", "> quoted"), ("sh", "ls > a"), ("", "OK")] {
        assert_eq!(warned(&format!("```{info}\n{line}\n```\n")), Vec::<String>::new(), "{line}");
    }
}

#[test]
fn alerts_of_others_are_plain_quotes() {
    for alert in ["[!INFO]", "[!div class=\"next\"]", "[!VIDEO https://a.b/c]", "[!QUESTION]"] {
        assert_eq!(warned(&format!("> {alert}\n> x\n")), Vec::<String>::new(), "{alert}");
        assert_told(&format!("{EXERCISE}\n> {alert}\n> x\n"), "28:5: unknown alert");
    }
    for alert in ["[!NOTE] A title", "[!tip]- Folded", "[!TPI]"] {
        assert_eq!(warned(&format!("> {alert}\n> x\n")).len(), 1, "{alert}");
    }
}

#[test]
fn every_prompt_of_redis_cli_begins_a_command() {
    for prompt in ["> ", "redis> ", "127.0.0.1:6379> ", "localhost:6379[1]> ", "redis 10.0.0.1:1> "]
    {
        let source =
            format!("```redis\n{prompt}SET a 1\nOK\n{prompt}GET a\n\"1\"\n{prompt}\n```\n");
        let dialogue = examples(&source).remove(0).dialogue;
        let pairs: Vec<(&str, &str)> =
            dialogue.iter().map(|sent| (sent.command.as_str(), sent.reply.as_str())).collect();
        assert_eq!(pairs, [("SET a 1", "OK"), ("GET a", "\"1\"")], "{prompt}");
        assert_eq!(warned(&source), Vec::<String>::new());
    }
}

#[test]
fn a_prompt_in_an_answer_is_an_error() {
    let source = with("SAVE\n```\n", "127.0.0.1:6379> SAVE\n```\n");
    assert_told(&source, "25:1: `127.0.0.1:6379> ` is a prompt, not a command");
}

#[test]
fn a_python_session_is_not_run() {
    let told = warned("```python\n>>> 1 + 1\n2\n```\n");
    assert!(told.concat().contains("2:1: `>>>` is Python's prompt"), "{told:?}");
    assert!(examples("```python\n>>> 1 + 1\n2\n```\n").is_empty());
}

#[test]
fn a_block_that_can_not_be_run_is_an_error_only_in_an_exercise() {
    for block in ["```redis\nSET a \"x\n```\n", "```redis\nMONITOR\n```\n", "```py\n\n```\n"] {
        let told = warned(block);
        assert!(told.concat().contains(": the block is not run"), "{told:?}");
        assert!(examples(block).is_empty());
        assert!(read(&format!("{EXERCISE}\n{block}")).0.is_none(), "{block}");
    }
}

#[test]
fn a_comment_or_a_block_without_an_end_is_an_error_only_beside_an_exercise() {
    for rest in ["<!-- note\n\n## Old\n", "<!--\n## Old\n-->\n", "```py\nx\n"] {
        assert!(!warned(&format!("# L\n\n{rest}")).is_empty());
        assert!(read(&format!("{EXERCISE}\n## More\n\n{rest}")).0.is_none(), "{rest}");
        // The exercise may be what it hides.
        let hidden = format!("# L\n\n{rest}\n{EXERCISE}");
        assert!(rest.ends_with("-->\n") || read(&hidden).0.is_none(), "{rest}");
    }
}

#[test]
fn an_example_goes_on_from_the_one_of_its_language_above() {
    let source = "```python\nr = 1\n```\n\n```redis\nPING\n```\n\n## B\n\n```python continued\n\
                  r += 1\n```\n\n```python continued copy\nprint(r)\n```\n";
    let codes: Vec<String> = examples(source).iter().map(Example::whole_code).collect();
    assert_eq!(codes, ["r = 1\n", "PING\n", "r = 1\nr += 1\n", "r = 1\nr += 1\nprint(r)\n"]);
    let source = "```redis\n> SET a 1\nOK\n```\n\n```redis continued\n> GET a\n\"1\"\n```\n";
    let last = examples(source).remove(1);
    assert_eq!(last.code.language, Language::Redis);
    assert_eq!((last.whole_code().as_str(), last.dialogue.len()), ("SET a 1\nGET a\n", 1));
}

#[test]
fn continued_needs_an_example_above() {
    assert_problem(
        "```redis\nPING\n```\n\n```python continued\nx\n```\n",
        "5:11: `continued` goes on from nothing (there is no `python` example above it)",
    );
    assert_told("```python norun continued\nx\n```\n", "1:17: `continued` has no effect here");
    assert_told("```python continue\nx\n```\n", "1:11: unknown word `continue` (did you mean");
}

#[test]
fn a_file_that_holds_nothing_loads_and_is_told() {
    for source in ["", " \n\n", "---\ntitle: A\n---\n"] {
        assert!(warned(source)[0].starts_with("warning: 1:1: the lesson is empty"), "{source}");
    }
    assert_eq!(lesson("---\ntitle: A\n---\n").title, "A");
}
