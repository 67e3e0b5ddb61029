//! Slips that markdown or TOML let pass, and what an author should think about.

use super::*;

/// [`EXERCISE`] with a Python solution.
fn with_python(solution: &str) -> String {
    format!(
        "{EXERCISE}\n```python starter fails=saved\npass\n```\n\n```python solution\n{solution}```\n"
    )
}

#[test]
fn a_comment_that_swallows_a_heading_was_not_closed() {
    let source = "# L\n\n<!-- note\nintro\n\n## Swallowed\n\n```redis\nPING\n```\n\n<!-- b -->\n";
    assert_told(source, "warning: 3:1: this comment hides `## Swallowed`: was it closed?");
    assert_told(
        "# L\n\n<!-- note\n",
        "warning: 3:1: the comment is never closed (end it with `-->`)",
    );
    assert!(told("# L\n\n<!-- a note\nof two lines -->\n").is_empty());
}

#[test]
fn a_role_behind_another_language_is_a_problem() {
    let help = "write `redis`, and then the other words after spaces";
    assert_told(
        &with("redis solution", "redis-cli solution"),
        &format!("24:4: unknown language `redis-cli` ({help})"),
    );
    assert_told(
        "```redis,wrong,fails=x\nPING\n```\n",
        "1:4: unknown language `redis,wrong,fails=x`",
    );
    assert_told("```text solution\nPING\n```\n", "1:4: unknown language `text`");
    assert!(told("```text norun\nPING\n```\n").is_empty());
}

#[test]
fn another_word_for_a_language_is_told_to_be_text() {
    let told_of = |info: &str| told(&format!("```{info}\n1\n```\n"));
    for info in ["python3", "{python}", "{.python}", "python,ignore", "python{1}"] {
        let expected = format!("warning: 1:4: the block `{info}` is taken for text and not run");
        assert!(
            told_of(info).iter().any(|told| told.starts_with(&expected)),
            "{:?}",
            told_of(info)
        );
    }
    for info in ["text", "json", "sh", "rust"] {
        assert_eq!(told_of(info), Vec::<String>::new(), "{info}");
    }
}

#[test]
fn front_matter_is_no_step_and_gives_the_title() {
    let lesson = lesson("---\ntitle: Saving data\ntags: [a]\n---\n\nText.\n\n## Step\n\nMore.\n");
    assert_eq!((lesson.title.as_str(), lesson.steps.len()), ("Saving data", 2));
}

#[test]
fn an_indented_block_with_a_role_is_a_problem() {
    let source = format!("{EXERCISE}\n    ```redis wrong fails=saved\n    PING\n    ```\n");
    assert_told(&source, "28:5: the block is indented by four spaces or more");
}

#[test]
fn one_slip_is_one_problem() {
    let slip = with("redis solution", "redis soluton");
    assert_eq!(told(&slip), ["24:10: unknown word `soluton` (did you mean `solution`?)"]);
    let slip = with("toml exercise", "toml excercise");
    assert_eq!(told(&slip), ["9:9: unknown word `excercise` (did you mean `exercise`?)"]);
    let slip = with("id = \"saved\"", "id = 3");
    assert_eq!(told(&slip), ["13:6: `id` must be a string, not an integer"]);
}

#[test]
fn an_unclosed_task_is_named() {
    let source = with("Do it.", "Do it. <!-- task: do-it")
        .replace("calls = { save = 1 }", "calls = { save = 1 }\ncovers = \"do-it\"");
    assert_told(&source, "7:8: the comment is never closed (end it with ` -->`)");
}

#[test]
fn a_command_that_redis_does_not_know_is_not_counted() {
    let source = with_subject("calls = { sav = 0 }");
    assert_told(&source, "13:6: Redis has no command `SAV` (did you mean `save`?)");
}

#[test]
fn a_check_of_a_program_needs_a_python_solution() {
    let expected = "warning: 13:6: `saved` needs a program, and no `python` solution is here";
    assert_told(&with_subject("stdout = \"x\""), expected);
}

#[test]
fn a_solution_that_sleeps_is_a_race() {
    let source = with_python("import redis, time\nredis.Redis().save()\ntime.sleep(2.15)\n");
    assert_told(&source, "warning: 35:1: a solution that waits for a fixed time is a race");
    let source = with_python("import redis, time\nwhile 1:\n    time.sleep(2.15)\n");
    assert!(!told(&source).iter().any(|told| told.contains("race")), "{:?}", told(&source));
}

#[test]
fn a_wrong_answer_that_is_the_starter_says_nothing_new() {
    let source = format!("{EXERCISE}\n```redis wrong fails=saved\nSET a 1\n```\n");
    assert_told(&source, "warning: 28:10: this wrong answer is the same as the starter above");
}

#[test]
fn a_key_that_ends_soon_is_told_if_a_check_asks_for_it() {
    let setup = "```redis setup\nSET lock 1 EX 30\nSET other 1 EX 30\n```\n";
    let source = format!("{}\n{setup}", with_subject("reply = { \"GET lock\" = \"1\" }"));
    assert_told(&source, "warning: 29:1: the key `lock` ends after 30 s");
    assert!(!told(&source).iter().any(|told| told.contains("`other`")), "{:?}", told(&source));
}

#[test]
fn a_save_point_is_a_pair_of_numbers() {
    let server =
        |save: &str| with("[[check]]", &format!("[server]\nsave = \"{save}\"\n\n[[check]]"));
    assert_told(&server("60"), "13:8: `save` cannot be `60` (write pairs of seconds");
    assert!(told(&server("3600 1 60 1000")).is_empty());
}

#[test]
fn an_exercise_names_its_servers() {
    let servers =
        |text: &str| with("id = \"saving\"", &format!("id = \"saving\"\nservers = [{text}]"));
    assert!(told(&servers("\"redis 7.0\", \"valkey 9\"")).is_empty());
    assert_told(&servers("\"redis-7\""), "11:12: `redis-7` is not a server and its version");
}

#[test]
fn a_check_that_only_shows_needs_no_wrong_answer() {
    let shows = |fails: &str| {
        let more = "\n[[check]]\nid = \"shown\"\nshows = true\ncalls = { get = 0 }";
        let source = with("calls = { save = 1 }", &format!("calls = {{ save = 1 }}\n{more}"));
        source.replace("fails=saved", fails)
    };
    assert!(told(&shows("fails=saved")).is_empty(), "{:?}", told(&shows("fails=saved")));
    assert_says(
        &shows("fails=shown"),
        "`shown` only shows something: nothing may fail on it alone",
    );
}

#[test]
fn very_many_problems_in_one_line_are_a_few() {
    let line =
        (0..2000).fold(String::new(), |line, task| line + &format!("x <!-- task: t-{task} --> "));
    assert_eq!(told(&with("Do it.", &line)).len(), 20);
}

#[test]
fn a_heading_without_a_space_is_told() {
    assert_problem("# L\n\n##Step\n", "warning: 3:1: `##Step` is no heading (write `## Step`)");
    assert!(told("# L\n\n#redis is a tag\n").is_empty());
}

#[test]
fn an_unclosed_quote_is_one_problem() {
    let source = with_subject("reply = { 'GET a = \"1\" }\nsays = \"x\"\notherwise = \"y\"");
    assert_eq!(told(&source).iter().filter(|told| told.contains("invalid TOML")).count(), 1);
}
