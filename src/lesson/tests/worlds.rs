//! `[[world]]`, `in` and `world=`.

use super::checks::exercise;
use super::*;
use crate::lesson::Exercise;

/// [`EXERCISE`] with two worlds, this in its check and this setup.
fn with_worlds(in_check: &str, setup: &str) -> String {
    let worlds = "[server]\nmaxmemory = \"1mb\"\nhz = 50\n\n[[world]]\nname = \"free\"\n\n\
                  [[world]]\nname = \"taken\"\nserver = { hz = 20 }\n";
    let source = with("id = \"saving\"\n", &format!("id = \"saving\"\n{worlds}\n"));
    let source = source.replacen("[[check]]\n", &format!("[[check]]\n{in_check}\n"), 1);
    let at = source.find("```redis").unwrap();
    format!("{}{setup}\n{}", &source[..at], &source[at..])
}

const SETUP: &str = "```redis setup world=taken\nSET b 2\n```\n\n```redis setup\nSET a 1\n```\n";

fn lines_of(exercise: &Exercise) -> Vec<&str> {
    exercise.setup.iter().map(|code| code.text.trim()).collect()
}

#[test]
fn a_world_lays_its_settings_and_its_setup_over_the_exercises() {
    let exercise = exercise(&with_worlds("", SETUP));
    let worlds = exercise.in_each_world();
    assert_eq!(worlds.len(), 2);
    let setting = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let all = [("free", "50", vec!["SET a 1"]), ("taken", "20", vec!["SET a 1", "SET b 2"])];
    for (world, (name, hz, setup)) in worlds.iter().zip(all) {
        assert_eq!(world.world.as_deref(), Some(name));
        assert_eq!(world.settings, [setting("maxmemory", "1mb"), setting("hz", hz)]);
        assert_eq!(lines_of(world), setup);
    }
    assert_eq!(lines_of(&exercise), ["SET a 1"]);
}

#[test]
fn a_check_in_a_world_is_not_asked_in_others() {
    let exercise = exercise(&with_worlds("in = \"taken\"", SETUP));
    let counts: Vec<usize> =
        exercise.in_each_world().iter().map(|world| world.checks.len()).collect();
    assert_eq!(counts, [exercise.checks.len() - 1, exercise.checks.len()]);
}

/// The same with a moment that comes in the world `taken`, and a check that looks at it.
fn with_a_moment(in_check: &str) -> String {
    let moment = "[[meanwhile]]\nid = \"now\"\nin = \"taken\"\nwhen = \"GET b\"\n\n[[check]]\n\
                  id = \"looks\"\nat = \"now\"\nreply = { \"GET b\" = \"2\" }\n";
    let source = with_worlds("", SETUP);
    source.replacen("[[check]]\n", &format!("{moment}{in_check}\n[[check]]\n"), 1)
}

#[test]
fn what_happens_in_one_world_happens_in_no_other() {
    let exercise = exercise(&with_a_moment("in = \"taken\"\n"));
    let worlds = exercise.in_each_world();
    let happens = worlds.iter().map(|world| world.includes(&world.meanwhile[0]));
    assert_eq!(happens.collect::<Vec<bool>>(), [false, true]);
    let by_hand = exercise.includes(&exercise.meanwhile[0]);
    assert!(!by_hand, "work by hand takes place in the first world");
}

#[test]
fn a_check_at_a_moment_of_one_world_is_asked_there() {
    let message = "it looks at a moment that comes only in the world `taken`";
    assert_says(&with_a_moment(""), message);
}

#[test]
fn an_exercise_with_worlds_is_not_passed_by_hand() {
    assert!(!exercise(&with_worlds("", SETUP)).may_be_typed());
}

#[test]
fn an_unknown_world_gets_a_suggestion() {
    assert_says(
        &with_worlds("in = \"takn\"", SETUP),
        "unknown world `takn` (did you mean `taken`?)",
    );
    let setup = "```redis setup world=fre\nSET a 1\n```\n";
    assert_says(&with_worlds("", setup), "unknown world `fre` (did you mean `free`?)");
    let nowhere =
        with("```redis solution", "```redis setup world=free\nSET a 1\n```\n\n```redis solution");
    assert_says(&nowhere, "unknown world `free` (describe it in the `toml exercise` block");
    let without = with("[[check]]\n", "[[check]]\nin = \"free\"\n");
    assert_says(&without, "the exercise has no worlds");
}

#[test]
fn a_world_is_for_setups() {
    let source = with("```redis solution", "```redis solution world=free");
    assert_says(&source, "`world=` has no effect here (only a `setup` belongs to a world)");
}

#[test]
fn one_world_is_none() {
    let source = with("id = \"saving\"\n", "id = \"saving\"\n[[world]]\nname = \"only\"\n");
    assert_says(&source, "`only` is the only world");
}

#[test]
fn a_need_stays_within_its_world() {
    let source = with_worlds("in = \"free\"", SETUP);
    let other = "[[check]]\nid = \"other\"\nin = \"taken\"\nneeds = [\"saved\"]\n\
                 reply = { \"GET a\" = \"1\" }\n\n[[check]]";
    let source = source.replacen("[[check]]", other, 1);
    assert_says(&source, "it needs `saved`, which is asked in another world");
}
