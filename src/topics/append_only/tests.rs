use super::super::{is_busy, pending};
use super::*;
use crate::attempt::evidence::{BrokenLog, LoadFailure, LogContents};
use crate::lesson::Moment;
use crate::redis_cli::words;
use crate::topics::snapshots::tests::scene::{OK, Scene, scene};
use crate::verdict::Diagnosed;
use crate::verdict::tests::exercise;

fn info(fields: &str) -> ServerInfo {
    ServerInfo::of(0, fields)
}

#[test]
fn a_rewrite_that_runs_or_is_scheduled_is_waited_for() {
    let before = info("");
    for fields in ["aof_rewrite_in_progress:1\n", "aof_rewrite_scheduled:1\n"] {
        assert_eq!(pending(&info(fields), &before), Some(&REWRITE), "{fields}");
    }
    let rests = "aof_rewrite_in_progress:0\naof_rewrite_scheduled:0\n";
    assert!(!is_busy(&info(rests), &before));
}

#[test]
fn a_lax_setting_and_a_crash_are_a_race() {
    let with = |crash: &str, fsync: &str| {
        let check = "[[check]]\nid = \"c\"\nreply = { \"GET a\" = \"1\" }\n";
        advice(&exercise(&format!("{crash}[server]\nappendfsync = \"{fsync}\"\n{check}")))
    };
    assert!(with("crash = \"exit\"\n", "everysec").is_some());
    assert!(with("crash = \"exit\"\n", "always").is_none());
    assert!(with("crash = \"exit\"\n", "no").is_none());
    assert!(with("", "everysec").is_none());
}

const BEGUN: &str = "+Background append only file rewriting started";
const SWITCH: (&str, &str) = ("CONFIG SET appendonly yes", OK);
const RUNS: &str = "aof_enabled:1\naof_rewrite_in_progress:1\n";
const QUIET: &str =
    "[[check]]\nid = \"c\"\nat = \"exit\"\ninfo = { aof_rewrite_in_progress = 0 }\n";

fn switched_on(sent: &[(&str, &str)]) -> Scene {
    let scene = scene("[[check]]\nid = \"c\"\nconfig = { appendonly = \"yes\" }\n", sent);
    scene.info("aof_enabled:0\n").change(|evidence| {
        for now in evidence.looks.values_mut().flatten() {
            now.config.insert("appendonly".to_owned(), "no".to_owned());
        }
    })
}

#[test]
fn the_first_log_takes_its_time() {
    scene(QUIET, &[SWITCH]).info(RUNS).is("first-log-not-awaited", 0);
    let again = [SWITCH, ("BGREWRITEAOF", BEGUN)];
    scene(QUIET, &again).info(RUNS).is("rewrite-not-awaited", 1);
    let waits = "aof_enabled:1\naof_rewrite_in_progress:0\naof_rewrite_scheduled:1\n";
    let scheduled = "[[check]]\nid = \"c\"\nat = \"exit\"\ninfo = { aof_rewrite_scheduled = 0 }\n";
    scene(scheduled, &[SWITCH]).info(waits).is("rewrite-only-scheduled", 0);
    // Nobody knows what began it.
    scene(QUIET, &[("SET a 1", OK)]).info(RUNS).has_no_cause();
}

#[test]
fn info_said_that_the_log_is_written() {
    let said = |runs: &str| format!("$aof_rewrite_in_progress:{runs}\r\n");
    let (runs, rests) = (said("1"), said("0"));
    let sent = |reply| [SWITCH, ("INFO persistence", reply)];
    scene(QUIET, &sent(&runs)).info(RUNS).is("ended-though-info-said-rewriting", 1);
    scene(QUIET, &sent(&rests)).info(RUNS).is("first-log-not-awaited", 0);
}

const BACK: &str = "[[check]]\nid = \"c\"\nat = \"crash\"\nreply = { \"MGET order:1 order:2\" = \"\"\"\n\
     1) \"a\"\n2) \"b\"\n\"\"\" }\n";

/// What the check finds after the crash, and the log that the answer has left.
fn left(sent: &[(&str, &str)], entries: &[&str], broken: Option<BrokenLog>) -> Scene {
    let words = |line: &&str| words::split(line).unwrap();
    let log = LogContents { entries: entries.iter().map(words).collect(), broken };
    scene(BACK, sent)
        .setting("appendonly", "yes")
        .answers("MGET order:1 order:2", "*2\r\n$-1\r\n$-1")
        .change(|evidence| evidence.log = Some(log))
}

#[test]
fn a_log_that_no_start_reads_is_told_with_its_place() {
    let refused = |broken: BrokenLog| {
        let scene = left(&[], &["SET order:1 a"], Some(broken));
        let why = LoadFailure::Because("the server did not start again".to_owned());
        let scene = scene.change(|evidence| {
            evidence.looks.insert(Moment::Crash, Err(why));
        });
        scene.diagnosed().unwrap()
    };
    let not_an_entry = refused(BrokenLog::NotAnEntry("$3".to_owned()));
    assert_cause(
        "log-can-not-be-read",
        &not_an_entry,
        "after `SET order:1`, there is the line `$3`, where",
    );
    let empty = refused(BrokenLog::NotAnEntry(String::new()));
    assert_cause(
        "log-can-not-be-read",
        &empty,
        "there is an empty line, where an entry has to begin",
    );
    let half = refused(BrokenLog::NotWhole("mlh".to_owned()));
    assert_cause(
        "log-can-not-be-read",
        &half,
        "after `SET order:1`, an entry is not whole: it contains `mlh`",
    );
    let text = refused(BrokenLog::LineEnd("*3".to_owned()));
    assert_cause(
        "log-can-not-be-read",
        &text,
        r"the line `*3` ends with `\n` alone, and Redis writes `\r\n`",
    );
}

fn assert_cause(id: &str, diagnosed: &Diagnosed, part: &str) {
    assert_eq!(diagnosed.id, id);
    assert!(diagnosed.cause.contains(part), "{}", diagnosed.cause);
}

#[test]
fn a_broken_log_is_no_cause_where_no_start_has_read_it() {
    left(&[], &[], Some(BrokenLog::LineEnd("*3".to_owned())))
        .failed("KeyError: 'a'")
        .never("log-can-not-be-read");
    let refused = "server: Bad file format reading the append only file";
    let then = |error: &str| {
        left(&[], &[], Some(BrokenLog::LineEnd("*3".to_owned())))
            .failed(&format!("{refused}\n{error}"))
    };
    then("NameError: name 'x' is not defined").never("log-can-not-be-read");
    then("subprocess.CalledProcessError: Command '['server', 'start']' returned 1")
        .seen_nowhere("log-can-not-be-read");
}

#[test]
fn a_flush_in_the_log_runs_again() {
    const PING: (&str, &str) = ("PING", "+PONG");
    let log = ["SET order:1 a", "SET order:2 b", "FLUSHALL", "SET order:3 c"];
    left(&[PING], &log, None).seen_nowhere("flush-in-the-log");
    let in_vain = ["FLUSHALL", "SET order:3 c"];
    left(&[PING], &in_vain, None).never("flush-in-the-log");
    let deleted = ["SET order:1 a", "SET order:2 b", "DEL order:1 order:2", "FLUSHALL"];
    left(&[PING], &deleted, None).never("flush-in-the-log");
    let elsewhere = ["SET order:1 a", "SET order:2 b", "SELECT 1", "FLUSHDB"];
    left(&[PING], &elsewhere, None).never("flush-in-the-log");
}

#[test]
fn a_rewrite_leaves_out_what_is_gone() {
    left(&[("BGREWRITEAOF", BEGUN)], &["SET order:3 c"], None).is("log-written-anew", 0);
    left(&[("BGREWRITEAOF", BEGUN)], &["SET order:1 a"], None).never("log-written-anew");
    let later = [("BGREWRITEAOF", BEGUN), ("FLUSHALL", OK)];
    left(&later, &["SET order:3 c"], None).never("log-written-anew");
}

#[test]
fn a_wait_for_snapshots_is_no_wait_for_the_log() {
    let typed = |lines: &[&str]| scene(QUIET, &[SWITCH]).info(RUNS).typed(lines);
    typed(&["CONFIG SET appendonly yes", "@WAIT"]).is("first-log-not-awaited", 0);
    let waits = crate::topics::wait_lines()[0];
    typed(&["CONFIG SET appendonly yes", waits]).is("waited-for-other-work", 0);
    typed(&[waits, "CONFIG SET appendonly yes"]).is("first-log-not-awaited", 0);
}

#[test]
fn only_one_setting_switches_the_log_on() {
    switched_on(&[("BGREWRITEAOF", BEGUN)]).is("rewrite-taken-for-the-switch", 0);
    switched_on(&[("CONFIG SET appendfsync always", OK)]).is("fsync-taken-for-the-switch", 0);
    switched_on(&[("SET a 1", OK)]).seen_nowhere("never-set");
}

#[test]
fn a_log_that_nobody_rewrites_stays_long() {
    let short = "[[check]]\nid = \"c\"\nat = \"exit\"\ninfo = { aof_current_size = \"< 100\" }\n";
    let long = "aof_enabled:1\naof_current_size:5000\n";
    scene(short, &[("GET a", "nil")]).info(long).seen_nowhere("nobody-asked-for-a-rewrite");
    scene(short, &[("BGREWRITEAOF", BEGUN)]).info(long).has_no_cause();
}
