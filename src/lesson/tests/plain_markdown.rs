use super::*;
use crate::lesson::Language;

const PLAIN: &str = "# Lesson 4: Streams\n\n# Introduction 📸\n\nWelcome.\n\n---\n\n### Details\n\n\
    ```python\nimport redis\n```\n\nText.\n\n## Try *it* `now`\n\n```py\nprint(1)\n\n\n```\n\n\
    ## Nothing here yet\n\n## The end";

#[test]
fn plain_markdown_is_a_lesson_without_a_problem() {
    assert!(told(PLAIN).is_empty());
    assert_eq!(lesson(PLAIN).title, "Lesson 4: Streams");
}

#[test]
fn the_id_is_the_file_name_without_its_number_and_ending() {
    for (name, id) in [
        ("04-snapshotting.md", "snapshotting"),
        ("4_a-b.markdown", "a-b"),
        ("intro.md", "intro"),
        ("000_f59.txt", "f59"),
        ("2024.md", "2024"),
        ("7-.md", "7-"),
    ] {
        let (lesson, _) = parse(Path::new(name), "text".to_owned());
        assert_eq!(lesson.map(|lesson| lesson.id).as_deref(), Some(id));
    }
}

#[test]
fn a_lesson_without_a_title_is_called_by_its_id() {
    assert_eq!(lesson("text").title, "snapshotting");
}

#[test]
fn each_second_level_heading_begins_a_step() {
    let lesson = lesson(PLAIN);
    let titles: Vec<&str> = lesson.steps.iter().map(|step| step.title.as_str()).collect();
    assert_eq!(titles, ["Lesson 4: Streams", "Try it now", "Nothing here yet", "The end"]);
}

#[test]
fn the_text_before_the_first_step_is_a_step_only_if_there_is_text() {
    assert_eq!(lesson("# T\n\n## A\n").steps.len(), 1);
    assert_eq!(lesson("# T\n<!-- todo -->\n\n## A\n").steps.len(), 1);
    assert_eq!(lesson("# T\n\ntext\n\n## A\n").steps.len(), 2);
    assert_eq!(lesson("# T\n").steps.len(), 1);
}

#[test]
fn a_heading_in_a_quote_or_a_list_begins_no_step() {
    assert_eq!(lesson("> ## a\n\n- ## b\n\n```md\n## c\n```\n").steps.len(), 1);
}

#[test]
fn an_underlined_heading_begins_a_step_too() {
    let lesson = lesson("Title\n===\n\nText\n\nStep\n---\n\nMore\n");
    assert_eq!((lesson.title.as_str(), lesson.steps[1].title.as_str()), ("Title", "Step"));
}

#[test]
fn py_and_python_and_redis_are_examples_and_all_else_is_shown() {
    let lesson = lesson(
        "```py\n1\n```\n```Python\n2\n```\n```redis\nGET a\n```\n```\n3\n```\n```text\n\
         4\n```\n```python norun\n5\n```\n```toml\na = 1\n```\n    indented\n",
    );
    let languages: Vec<Language> =
        lesson.steps[0].examples.iter().map(|example| example.code.language).collect();
    assert_eq!(languages, [Language::Python, Language::Python, Language::Redis]);
}

#[test]
fn lines_with_a_prompt_make_a_dialogue() {
    let lesson =
        lesson("```redis\n# comment\n\n> SET a 1\nOK\n> KEYS *\n1) \"a\"\n2) ...\n\n> PING\n```\n");
    let dialogue = &lesson.steps[0].examples[0].dialogue;
    let pairs: Vec<(&str, &str)> = dialogue
        .iter()
        .map(|exchange| (exchange.command.as_str(), exchange.reply.as_str()))
        .collect();
    assert_eq!(pairs, [("SET a 1", "OK"), ("KEYS *", "1) \"a\"\n2) ..."), ("PING", "")]);
    assert_eq!(&lesson.source[dialogue[1].span.clone()], "> KEYS *");
}

#[test]
fn commands_without_a_prompt_are_no_dialogue() {
    assert!(lesson("```redis\nSET a 1\n```\n").steps[0].examples[0].dialogue.is_empty());
}

fn code(source: &str) -> String {
    lesson(source).steps[0].examples[0].code.text.clone()
}

#[test]
fn every_line_of_code_ends_with_a_line_break_also_in_crlf_files_and_lists() {
    assert_eq!(code("```py\r\na\r\n\r\n  b\r\n```\r\n"), "a\n\n  b\n");
    assert_eq!(code("- x\n  ```py\n  a\n\n    b\n  ```\n"), "a\n\n  b\n");
    assert_eq!(code("> ```py\n> a\n>\n> b\n> ```\n"), "a\n\nb\n");
    assert_eq!(code("   ```py\n   a\n\tb\n   ```\n"), "a\n b\n");
}

#[test]
fn the_whole_example_language_of_an_exercise_is_read() {
    let lesson = lesson(EXERCISE);
    let exercise = lesson.steps[1].exercise.as_ref().unwrap();
    assert!(told(EXERCISE).is_empty());
    assert_eq!(&lesson.source[exercise.span.clone()], "\"saving\"");
    assert_eq!(&lesson.source[exercise.checks[0].span.clone()], "\"saved\"");
    assert_eq!(exercise.hints, ["Try `SAVE`."]);
    assert_eq!(exercise.languages(), [Language::Redis]);
    assert_eq!(exercise.starters[0].fails, "saved");
    assert_eq!(exercise.solutions[0].text, "SAVE\n");
    assert!(lesson.source[exercise.solutions[0].span.clone()].ends_with("SAVE\n```"));
}

#[test]
fn a_carriage_return_alone_is_a_problem() {
    assert_problem(
        "a\nb\rc\n\r\n",
        "2:2: a carriage return without a line feed (save the file with Unix line endings)",
    );
}
