//! Random words in setups and checks.

use super::checks::exercise;
use super::*;
use crate::lesson::words::RandomWords;

fn with_setup(setup: &str, subject: &str) -> String {
    let setup = format!("```redis setup\n{setup}\n```\n\n```redis starter");
    with_subject(subject).replacen("```redis starter", &setup, 1)
}

#[test]
fn a_word_is_the_same_in_setup_and_checks() {
    let subject =
        "reply = { \"GET {word:k}\" = \"<{word:v}>\" }".replace("<{word:v}>", "a {word:v}");
    let exercise = exercise(&with_setup("SET {word:k} {word:v}", &subject));
    let words = exercise.new_words();
    assert_eq!(words.keys().collect::<Vec<_>>(), ["k", "v"]);
    let filled = exercise.with_words(&words);
    assert_eq!(filled.setup[0].text, format!("SET {} {}\n", words["k"], words["v"]));
    let replies = filled.checks[0].subject.expected_replies();
    assert_eq!(replies[0].0, format!("GET {}", words["k"]));
    assert_eq!(replies[0].1.exact(), Some(format!("a {}", words["v"]).as_str()));
}

#[test]
fn an_exercise_without_words_gets_none() {
    assert!(exercise(EXERCISE).new_words().is_empty());
}

#[test]
fn a_word_may_stand_in_every_expected_value() {
    let words = RandomWords::from([("v".to_owned(), "xyz".to_owned())]);
    for (subject, said) in [
        ("config = { save = \"{word:v}\" }", "CONFIG GET save: xyz"),
        ("stdout = \"heard {word:v}\"", "the program prints `heard xyz`"),
        (
            "stdout = { matches = \"^{word:v}$\" }",
            "the program prints something that matches `^xyz$`",
        ),
        ("replied = { GET = { text = \"{word:v}\" } }", "`GET` was answered xyz"),
        ("received = { news = [\"{word:v}...\"] }", "received on `news`: xyz..."),
    ] {
        let source = with_setup("SET k {word:v}", subject)
            .replace("```redis solution", "```python solution");
        let source = source.replace("```redis starter", "```python starter");
        let exercise = exercise(&source);
        assert_eq!(exercise.with_words(&words).checks[0].sentence(), said);
    }
}

#[test]
fn a_word_that_no_setup_gives_away_is_a_problem() {
    let source = with_setup("SET k {word:secret}", "reply = { \"GET k\" = \"{word:secre}\" }");
    assert_told(
        &source,
        "13:6: no setup and no `run` uses the word `secre` (did you mean `secret`?)",
    );
    let source = with_subject("reply = { \"GET k\" = \"{word:a}\" }");
    assert_told(&source, "13:6: no setup and no `run` uses the word `a` (write `{word:a}` into");
}

#[test]
fn a_word_in_another_place_or_written_wrong_is_a_problem() {
    let source = with_setup("SET k {word:a}", "sent = { order = [\"SET k {word:a}\"] }");
    assert_told(&source, "14:8: a random word cannot stand here");
    let source = with_setup("SET k {word:A b}", "calls = { set = 1 }");
    let told = told(&source).join("\n");
    assert!(told.contains("`{word:A b` is no word"), "{told}");
    let source = with_setup("SET k {word:a}", "reply = { \"GET k\" = \"{word:a\" }");
    assert_told(&source, "13:6: `{word:a` is no word");
}
