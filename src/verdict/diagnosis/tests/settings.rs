use std::time::Duration;

use redis::Value;

use crate::attempt::evidence::Violation;
use crate::lesson::Moment;
use crate::redis_cli::reply::Printed;
use crate::topics::snapshots::tests::scene::{OK, Scene, scene};
use crate::verdict::tests::observation;

fn check(at: &str) -> String {
    format!(
        "[[check]]\nid = \"c\"\nat = \"{at}\"\nconfig = {{ maxmemory-policy = \"allkeys-lru\" }}\n"
    )
}

/// At each moment the setting has this value.
fn with(at: &str, sent: &[(&str, &str)], value: &str) -> Scene {
    let mut restarted = observation(0, "");
    restarted.config.insert("maxmemory-policy".to_owned(), value.to_owned());
    scene(&check(at), sent).change(|evidence| {
        evidence.looks.insert(Moment::Restart, Ok(restarted));
        for now in evidence.looks.values_mut().flatten() {
            now.config.insert("maxmemory-policy".to_owned(), value.to_owned());
        }
    })
}

const RIGHT: &str = "CONFIG SET maxmemory-policy allkeys-lru";
const WRONG: &str = "CONFIG SET maxmemory-policy allkeys-random";
const REWRITE: &str = "CONFIG REWRITE";

#[test]
fn another_value_was_set() {
    with("exit", &[(WRONG, OK)], "allkeys-random").is("set-otherwise", 0);
    with("exit", &[(RIGHT, OK), (WRONG, OK)], "allkeys-random").is("set-otherwise", 1);
    // Somebody else has set it.
    with("exit", &[(WRONG, OK)], "noeviction").has_no_cause();
}

#[test]
fn nobody_set_it() {
    with("exit", &[("SET a 1", OK)], "noeviction").seen_nowhere("never-set");
    let script = ("EVAL \"redis.call('CONFIG', 'SET', 'hz', 1)\" 0", OK);
    with("exit", &[script], "noeviction").has_no_cause();
}

#[test]
fn redis_refused_it() {
    let error = "-ERR CONFIG SET failed - argument couldn't be parsed";
    with("exit", &[(RIGHT, error)], "noeviction").is("setting-refused", 0);
    with("exit", &[(WRONG, error)], "noeviction").is("setting-refused", 0);
    let cause = with("exit", &[("CONFIG SET maxmemory-policy a b", error)], "noeviction");
    assert!(cause.diagnosed().unwrap().cause.ends_with("(a value of several words needs quotes)"));
}

#[test]
fn a_restart_reads_the_file() {
    with("restart", &[(RIGHT, OK)], "noeviction").is("setting-not-rewritten", 0);
    with("restart", &[(REWRITE, OK), (RIGHT, OK)], "noeviction").is("setting-not-rewritten", 1);
    with("restart", &[(RIGHT, OK), (REWRITE, OK)], "noeviction").has_no_cause();
}

#[test]
fn a_key_was_taken_away_for_a_while() {
    let asked = "[[check]]\nid = \"c\"\nat = \"always\"\nreply = { \"MGET a b\" = \"x\" }\n";
    let violated_at = |sent: &[(&str, &str)], millis| {
        let mut seen = observation(0, "");
        seen.replies.insert("MGET a b".to_owned(), Printed::new(&Value::Nil));
        let at = Duration::from_millis(millis);
        let violation = Violation { at, how: String::new(), seen };
        scene(asked, sent).setup("MSET a 1 b 1").change(|evidence| {
            evidence.violations.insert(0, violation);
        })
    };
    violated_at(&[("FLUSHALL", OK), ("MSET a 1 b 1", OK)], 50).is("taken-away-for-a-while", 0);
    violated_at(&[("GET a", "$1"), ("DEL b", ":1")], 150).is("taken-away-for-a-while", 1);
    violated_at(&[("SET a 2", OK), ("DEL b", ":1")], 50).never("taken-away-for-a-while");
    violated_at(&[("DEL c", ":0")], 50).never("taken-away-for-a-while");
}

#[test]
fn a_command_that_is_not_allowed() {
    let none = "[[check]]\nid = \"c\"\ncalls = { keys = 0 }\n";
    let counted = scene(none, &[("KEYS *", "$a")]).info("cmdstat_keys:calls=1\n");
    counted.is("unwanted-command", 0);
}
