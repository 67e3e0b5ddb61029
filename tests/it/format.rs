//! What lessons can say beyond plain checks: each a lesson of its own in `tests/format`, with right
//! and wrong answers, which `verify` judges.

use crate::support::Workspace;
use crate::support::redis_server::ForeignServer;

const COURSE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/format");

fn verifies(lesson: &str, more: &[&str]) {
    let arguments = [&["verify", lesson, "--lessons", COURSE, "--format", "json"], more].concat();
    let ended = Workspace::new().run(&arguments);
    assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
}

#[test]
fn an_answer_holds_in_every_world() {
    verifies("worlds", &["--server", "process"]);
}

const RIGHT_WHERE_IT_IS_FREE: &str = "SET lock:report worker-1 NX EX 30\nRPUSH reports done\n";

fn checks(format: &[&str], server: &str) -> (String, String, i32) {
    let arguments = ["check", "a-lock", "-", "--lessons", COURSE, "--server", server];
    let arguments = [&arguments, format].concat();
    let ended = Workspace::new().run_with_input(&arguments, RIGHT_WHERE_IT_IS_FREE);
    (ended.stdout, ended.stderr, ended.code)
}

#[test]
fn a_verdict_shows_the_worlds_side_by_side() {
    let (verdict, _, code) = checks(&["--verbose", "--color", "never"], "process");
    assert_eq!(code, 1, "{verdict}");
    for line in [
        "✗ where somebody else has the lock, no report is written\n      taken  ✗ LLEN reports → \
         (integer) 1\n      expected  LLEN reports → 0\n",
        "✓ the lock has an owner in the end\n      free   ✓ EXISTS lock:report → (integer) 1\n      \
         taken  ✓ EXISTS lock:report → (integer) 1\n",
        "in the world `taken`:\n",
        "in the world `free`:\n",
    ] {
        assert!(verdict.contains(line), "{line}\nis not in\n{verdict}");
    }
}

#[test]
fn a_plain_verdict_names_the_worlds() {
    let (verdict, _, _) = checks(&["--plain"], "process");
    assert!(verdict.contains("in taken, not met: LLEN reports"), "{verdict}");
}

#[test]
fn json_names_the_world_of_what_is_unmet() {
    let (verdict, _, _) = checks(&["--format", "json"], "process");
    let verdict: serde_json::Value = serde_json::from_str(&verdict).unwrap();
    let found = crate::support::found(&verdict, "report-is-left");
    assert_eq!(found, "in `taken`: LLEN reports → (integer) 1");
}

#[test]
fn a_server_at_an_address_is_not_in_several_worlds() {
    let server = ForeignServer::start();
    let (_, why, code) = checks(&[], &server.url());
    assert_eq!(code, 3, "{why}");
    assert!(why.contains("it needs a server for each of its worlds"), "{why}");
}
