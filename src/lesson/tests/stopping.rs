//! Exercises that stop or restart their server, and files that are loaded.

use super::checks::exercise;
use super::*;
use crate::lesson::Moment;
use crate::runner_line::Place;

/// [`EXERCISE`] with these lines above its `[[check]]`, and this subject.
fn with_head(lines: &str, subject: &str) -> String {
    with_subject(subject).replacen("id = \"saving\"\n", &format!("id = \"saving\"\n{lines}\n"), 1)
}

const REPLY: &str = "reply = { \"GET a\" = \"1\" }";

#[test]
fn an_exercise_says_whether_its_answers_stop_the_server() {
    assert_eq!(exercise(EXERCISE).place(), Place::Anywhere);
    assert_eq!(exercise(&with_head("stop = true", REPLY)).place(), Place::WhereTheServerStops);
    assert_says(&with_head("stop = \"yes\"", REPLY), "`stop` must be `true` or `false`");
}

#[test]
fn only_answers_of_such_an_exercise_stop_it() {
    let stop = |head: &str| with_head(head, REPLY).replace("SAVE\n```\n", "@stop\n@start\n```\n");
    assert!(!told(&stop("stop = true")).iter().any(|problem| !problem.starts_with("warning")));
    assert_says(&stop(""), "`@stop` needs an exercise with `stop = true`");
}

#[test]
fn counters_of_a_server_that_stops_are_not_asked_for() {
    let help = "(check what the server holds: a `reply`, a `dump`)";
    for subject in ["calls = { save = 1 }", "info = { total_forks = \"+1\" }"] {
        assert_says(&with_head("stop = true", subject), help);
    }
    assert_says(&with_head("stop = true", "blocked = \"< 200ms\""), "waits can't be measured");
}

#[test]
fn settings_of_a_restart_are_read_like_those_of_the_server() {
    let restart = "[restart]\nappendonly = true\nhz = 10\n";
    let source = with_subject(REPLY).replace("[[check]]", &format!("{restart}\n[[check]]"));
    let settings = [("appendonly", "yes"), ("hz", "10")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(exercise(&source).restart, settings);
    assert_says(&source.replace("hz = 10", "port = 7"), "`port` cannot be set here");
    assert_says(&with_head("restart = 1", REPLY), "`restart` must be a table `[restart]`");
}

#[test]
fn a_restart_is_a_moment_of_its_own() {
    let restarts = with_subject(&format!("at = \"restart\"\n{REPLY}"));
    assert_eq!(exercise(&restarts).checks[0].at, Moment::Restart);
    assert_says(
        &with_head("crash = \"exit\"", &format!("at = \"restart\"\n{REPLY}")),
        "an exercise has a `crash` or a `restart`, not both",
    );
    assert_says(
        &with_subject("at = \"restart\"\ncalls = { save = 1 }"),
        "a server that was restarted",
    );
}

#[test]
fn each_file_is_loaded_once() {
    let check = |id: &str, from: &str| {
        format!("[[check]]\nid = \"{id}\"\nat = \"restore\"\nfrom = \"{from}\"\n{REPLY}\n")
    };
    let others = check("a", "@aof") + &check("b", "x.rdb") + &check("c", "@aof");
    let source = with_head("stop = true", REPLY)
        .replace("```\n\n> [!TIP]", &format!("{others}```\n\n> [!TIP]"));
    let exercise = exercise(&source);
    assert_eq!(exercise.loads, ["@aof", "x.rdb"]);
    let moments: Vec<Moment> = exercise.checks.iter().map(|check| check.at).collect();
    let load = Moment::RestoredFrom;
    assert_eq!(moments, [Moment::Settled, load(0), load(1), load(0)]);
}

#[test]
fn only_a_file_that_an_answer_can_have_is_loaded() {
    let from = |name: &str| format!("dump = {{ keys = [\"a\"] }}\nfrom = \"{name}\"");
    for name in ["/etc/passwd", "../dump", "a/b/c", ""] {
        let told = told(&with_head("stop = true", &from(name)));
        assert!(told.iter().any(|problem| !problem.starts_with("warning")), "{name}: {told:?}");
    }
    assert_says(&with_subject(&from("a.rdb")), "a `redis` answer has no folder");
    assert_says(
        &with_subject(&format!("{REPLY}\nfrom = \"@aof\"")),
        "a file is loaded at `restore` only",
    );
}

#[test]
fn a_setup_leaves_a_server_that_runs_unless_answers_start_it() {
    let setup = |lines: &str| format!("{EXERCISE}\n```redis setup\nSET a 1\n{lines}```\n");
    let message = "30:1: the setup leaves the server stopped";
    assert_told(&setup("@stop\n"), message);
    assert!(!told(&setup("@stop\n@start\n")).iter().any(|told| told.contains("leaves the server")));
    let stops = setup("@stop\n").replacen("id = \"saving\"\n", "id = \"saving\"\nstop = true\n", 1);
    assert!(!told(&stops).iter().any(|told| told.contains("leaves the server")));
}
