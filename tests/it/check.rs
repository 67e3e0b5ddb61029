//! `redislings check`: verdicts on real answers, with a server process.

use crate::support::{Workspace, found, unmet};

/// The example of the lesson's source document.
const SAVE_THEN_BGSAVE: &str = r#"
import redis

client = redis.Redis(host='localhost', port=6379, db=0)
client.save()
client.bgsave()
print("Manual snapshot triggered.")
"#;

const PAID: &str = "SET order:1001 paid\nSET order:1002 paid\nSET order:1003 paid\n";

fn passes(exercise: &str, name: &str, answer: &str) {
    let (verdict, code) = Workspace::new().check(exercise, name, answer);
    assert_eq!((verdict["outcome"].as_str(), code), (Some("passed"), 0), "{verdict:#}");
}

fn fails_on(exercise: &str, name: &str, answer: &str, checks: &[&str]) -> serde_json::Value {
    let (verdict, code) = Workspace::new().check(exercise, name, answer);
    assert_eq!((verdict["outcome"].as_str(), code), (Some("failed"), 1), "{verdict:#}");
    assert_eq!(unmet(&verdict), checks, "{verdict:#}");
    verdict
}

#[test]
fn save_then_bgsave_passes_in_python() {
    passes("creating-snapshots", "a.py", SAVE_THEN_BGSAVE);
}

#[test]
fn save_then_bgsave_passes_in_redis() {
    passes("creating-snapshots", "a.redis", "# first the one\nsave\n\n  BGSAVE  \n");
}

fn keys(object: &serde_json::Value) -> Vec<String> {
    object.as_object().unwrap().keys().cloned().collect()
}

#[test]
fn the_json_has_the_promised_shape() {
    let (verdict, _) = Workspace::new().check("creating-snapshots", "a.redis", "SAVE\n");
    let all = "cause changes dump exercise findings outcome server transcript waits";
    assert_eq!(keys(&verdict).join(" "), all);
    assert_eq!(keys(&verdict["findings"][0]), ["check", "expected", "found", "outcome"]);
    let outcomes: Vec<&str> = verdict["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| finding["outcome"].as_str().unwrap())
        .collect();
    let rest = ["not-reached"; 3];
    assert_eq!(outcomes, [&["met", "met", "unmet"][..], &rest[..]].concat());
    let server = verdict["server"].as_str().unwrap();
    assert!(server.ends_with("(process)") || server.ends_with("(bundled)"), "{server}");
}

#[test]
fn the_snapshot_file_alone_is_shown() {
    let answer = "SET order:before 1\nBGSAVE\nSET order:during 1\n@wait-bgsave\n";
    let (verdict, _) = Workspace::new().check("restore-from-the-dump", "a.redis", answer);
    assert_eq!(verdict["dump"]["state"], "loaded", "{verdict:#}");
    let keys: Vec<String> = serde_json::from_value(verdict["dump"]["keys"].clone()).unwrap();
    assert_eq!(keys, ["order:0", "order:before", "status"]);
}

#[test]
fn a_save_whose_client_gave_up_gets_no_time_to_finish_before_the_crash() {
    // Seven keys at half a second each: SAVE takes 3.5 s, and the client gives up long before, so
    // that the program's end may take a while on a busy machine.
    let answer = "import socket\nclient = socket.create_connection(('localhost', 6379))\n\
                  client.sendall(b'MSET order:1001 paid order:1002 paid order:1003 paid \
                  a 1 b 2 c 3 d 4\\r\\n')\n\
                  client.recv(100)\nclient.settimeout(1.3)\nclient.sendall(b'SAVE\\r\\n')\n\
                  try:\n    client.recv(100)\nexcept socket.timeout:\n    pass\n";
    let (verdict, _) = Workspace::new().check("trigger-snapshots-manually", "a.py", answer);
    assert_eq!(unmet(&verdict), ["orders-survive-the-crash"], "{verdict:#}");
}

#[test]
fn a_changed_and_restored_delay_is_detected() {
    let answer = "CONFIG SET rdb-key-save-delay 0\nSAVE\nCONFIG SET rdb-key-save-delay 200\n";
    let (verdict, _) = Workspace::new().check("save-blocks-everyone", "a.redis", answer);
    assert_eq!(unmet(&verdict), ["evidence-is-valid"], "{verdict:#}");
}

#[test]
fn a_wait_is_measured_and_its_cause_named() {
    let (verdict, _) = Workspace::new().check("save-blocks-everyone", "a.redis", "SAVE\n");
    assert_eq!(unmet(&verdict), ["nobody-waits"], "{verdict:#}");
    assert!(verdict["waits"]["longest_ms"].as_f64().unwrap() >= 2000.0, "{verdict:#}");
    assert_eq!(verdict["cause"]["id"], "save-blocks-everyone");
}

#[test]
fn only_printing_does_not_pass() {
    fails_on(
        "creating-snapshots",
        "a.py",
        "print('Manual snapshot triggered.')",
        &["snapshot-is-new"],
    );
}

#[test]
fn a_save_refused_while_bgsave_runs_does_not_count() {
    fails_on("creating-snapshots", "a.redis", "BGSAVE\nSAVE\n", &["saved-in-the-foreground"]);
}

#[test]
fn a_background_save_killed_by_flushall_has_not_ended_well() {
    let verdict = fails_on(
        "creating-snapshots",
        "a.redis",
        "SAVE\nBGSAVE\nFLUSHALL\n",
        &["background-save-succeeded"],
    );
    assert!(found(&verdict, "background-save-succeeded").contains("signal"), "{verdict:#}");
}

#[test]
fn the_printed_line_is_compared_as_a_line() {
    let answer = SAVE_THEN_BGSAVE.replace("triggered.", "triggered");
    fails_on("creating-snapshots", "a.py", &answer, &["says-so"]);
}

#[test]
fn counters_that_were_reset_make_the_evidence_invalid() {
    let verdict = fails_on(
        "creating-snapshots",
        "a.redis",
        "SAVE\nBGSAVE\nCONFIG RESETSTAT\n",
        &["evidence-is-valid"],
    );
    assert!(found(&verdict, "evidence-is-valid").contains("RESETSTAT"), "{verdict:#}");
}

#[test]
fn a_server_that_was_shut_down_makes_the_evidence_invalid() {
    let verdict = fails_on(
        "creating-snapshots",
        "a.redis",
        "SAVE\nSHUTDOWN NOSAVE\n",
        &["evidence-is-valid"],
    );
    assert!(found(&verdict, "evidence-is-valid").contains("gone"), "{verdict:#}");
}

#[test]
fn a_traceback_does_not_pass_whatever_the_checks_say() {
    let answer = format!("{SAVE_THEN_BGSAVE}\nraise ValueError('too late')\n");
    let verdict = fails_on("creating-snapshots", "a.py", &answer, &["ends-well"]);
    assert!(found(&verdict, "ends-well").contains("ValueError: too late"), "{verdict:#}");
}

#[test]
fn an_exit_status_does_not_pass_whatever_the_checks_say() {
    let answer = format!("{SAVE_THEN_BGSAVE}\nraise SystemExit(1)\n");
    fails_on("creating-snapshots", "a.py", &answer, &["ends-well"]);
}

#[test]
fn an_endless_program_is_ended_at_its_time_limit() {
    let answer = format!("{SAVE_THEN_BGSAVE}\nwhile True: pass\n");
    let verdict = fails_on("creating-snapshots", "a.py", &answer, &["ends-well"]);
    assert!(found(&verdict, "ends-well").contains("10 s"), "{verdict:#}");
}

#[test]
fn a_blocked_command_is_ended_at_its_time_limit() {
    fails_on("creating-snapshots", "a.redis", "SAVE\nBGSAVE\nBLPOP nothing 0\n", &["ends-well"]);
}

#[test]
fn an_ended_wait_for_the_background_save_passes() {
    passes("using-bgsave", "a.redis", "SET report:daily ready\nBGSAVE\n@wait-bgsave\n");
}

#[test]
fn not_waiting_for_the_background_save_is_seen() {
    fails_on(
        "using-bgsave",
        "a.redis",
        "SET report:daily ready\nBGSAVE\n",
        &["finished-before-the-end"],
    );
}

#[test]
fn a_background_save_that_is_only_scheduled_has_not_finished() {
    let answer = "SET report:daily ready\nMULTI\nBGSAVE\nEXEC\n";
    fails_on("using-bgsave", "a.redis", answer, &["finished-before-the-end"]);
}

#[test]
fn a_scheduled_background_save_can_be_waited_for() {
    passes(
        "using-bgsave",
        "a.redis",
        "SET report:daily ready\nMULTI\nBGSAVE\nEXEC\n@wait-bgsave\n",
    );
}

#[test]
fn save_is_not_used_where_it_would_block_the_shop() {
    fails_on("using-bgsave", "a.redis", "SET report:daily ready\nSAVE\n", &["save-is-not-used"]);
}

#[test]
fn a_report_written_after_the_snapshot_is_not_in_it() {
    let answer = "BGSAVE\n@wait-bgsave\nSET report:daily ready\n";
    fails_on("using-bgsave", "a.redis", answer, &["report-is-in-the-snapshot"]);
}

#[test]
fn saved_orders_survive_the_crash_by_either_command() {
    passes("trigger-snapshots-manually", "a.redis", &format!("{PAID}SAVE\n"));
    passes("trigger-snapshots-manually", "a.redis", &format!("{PAID}BGSAVE\n@wait-bgsave\n"));
}

#[test]
fn a_background_save_that_still_runs_is_lost_in_the_crash() {
    fails_on(
        "trigger-snapshots-manually",
        "a.redis",
        &format!("{PAID}BGSAVE\n"),
        &["snapshot-finished-in-time"],
    );
}

#[test]
fn orders_written_after_the_save_are_lost_in_the_crash() {
    fails_on(
        "trigger-snapshots-manually",
        "a.redis",
        &format!("SAVE\n{PAID}"),
        &["orders-survive-the-crash"],
    );
}

#[test]
fn orders_that_were_only_written_are_lost_in_the_crash() {
    fails_on("trigger-snapshots-manually", "a.redis", PAID, &["triggered-by-hand"]);
}

#[test]
fn commands_are_read_from_standard_input() {
    let arguments = ["check", "creating-snapshots", "-", "--verbose"];
    let ended = Workspace::new().run_with_input(&arguments, "SAVE\nBGSAVE\n");
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.stdout.contains("Background saving started"), "{}", ended.stdout);
}

#[test]
fn one_line_says_which_server_is_used_and_why() {
    let ended = Workspace::new().run_with_input(&["check", "creating-snapshots"], "SAVE\n");
    assert_eq!(
        ended.stderr.lines().filter(|line| line.contains("server: ")).count(),
        1,
        "{}",
        ended.stderr
    );
}

#[test]
fn every_attempt_gets_a_fresh_server() {
    let workspace = Workspace::new();
    workspace.check("trigger-snapshots-manually", "a.redis", &format!("{PAID}SAVE\n"));
    let (verdict, _) = workspace.check("trigger-snapshots-manually", "b.redis", "SAVE\n");
    assert_eq!(unmet(&verdict), ["orders-are-stored"]);
}

#[test]
fn nothing_is_left_behind() {
    let workspace = Workspace::new();
    workspace.check("trigger-snapshots-manually", "a.redis", &format!("{PAID}SAVE\n"));
    workspace.check("creating-snapshots", "a.py", SAVE_THEN_BGSAVE);
    assert_eq!(workspace.leftovers(), Vec::<String>::new());
}

#[test]
fn an_unknown_exercise_gets_a_suggestion() {
    let ended = Workspace::new().run(&["check", "creating-snapshot", "-"]);
    assert_eq!(ended.code, 2);
    assert!(ended.stderr.contains("did you mean `creating-snapshots`?"), "{}", ended.stderr);
}

#[test]
fn an_unreadable_answer_is_a_usage_error() {
    let ended = Workspace::new().run(&["check", "creating-snapshots", "missing.py"]);
    assert_eq!(ended.code, 2);
    assert!(ended.stderr.contains("`missing.py` can't be read"), "{}", ended.stderr);
}

#[test]
fn commands_that_are_not_utf_8_are_located() {
    let workspace = Workspace::new();
    workspace.file("a.redis", b"SAVE\nSET k \xff\n");
    let ended = workspace.run(&["check", "creating-snapshots", "a.redis"]);
    assert_eq!(ended.code, 2);
    assert!(ended.stderr.contains("`a.redis` is not UTF-8 text (line 2)"), "{}", ended.stderr);
}

#[test]
fn an_unknown_extension_needs_a_language() {
    let workspace = Workspace::new();
    workspace.file("answer.txt", "SAVE\nBGSAVE\n");
    assert_eq!(workspace.run(&["check", "creating-snapshots", "answer.txt"]).code, 2);
    assert_eq!(
        workspace.run(&["check", "creating-snapshots", "answer.txt", "--language", "redis"]).code,
        0
    );
}

#[test]
fn an_unavailable_image_is_an_environment_error() {
    let workspace = Workspace::new();
    let answer = workspace.file("a.redis", "SAVE\nBGSAVE\n");
    let image = "redislings-local/no-such-image:0";
    let arguments =
        ["check", "creating-snapshots", answer.to_str().unwrap(), "--server", "container"];
    let ended = workspace.run(&[&arguments[..], &["--image", image, "--format", "json"]].concat());
    assert_eq!(ended.code, 3, "{ended:?}");
    let verdict: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(verdict["outcome"], "unchecked");
    assert!(ended.stderr.contains("help: "), "{}", ended.stderr);
}

#[test]
fn without_a_terminal_the_session_says_what_to_use_instead() {
    let ended = Workspace::new().run(&[]);
    assert_eq!(ended.code, 2);
    assert!(ended.stderr.contains("redislings check EXERCISE FILE"), "{}", ended.stderr);
}

#[test]
fn the_list_names_every_exercise() {
    let ended = Workspace::new().run(&["list", "--format", "json"]);
    let list: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    let exercises = list["lessons"][0]["exercises"].as_array().unwrap();
    let ids: Vec<&str> =
        exercises.iter().map(|exercise| exercise["id"].as_str().unwrap()).collect();
    let all = [
        "creating-snapshots",
        "using-bgsave",
        "trigger-snapshots-manually",
        "save-blocks-everyone",
        "restore-from-the-dump",
    ];
    assert_eq!(ids, all);
}

#[test]
fn doctor_reports_everything() {
    let ended = Workspace::new().run(&["doctor"]);
    for thing in [
        "Docker engine",
        "image",
        "server on PATH",
        "bundled server",
        "Python",
        "redis package",
        "terminal",
    ] {
        assert!(ended.stdout.contains(thing), "{thing} is missing in:\n{}", ended.stdout);
    }
    assert_eq!(ended.code, 0, "{}", ended.stdout);
}

#[test]
fn killed_connections_do_not_blind_the_checker() {
    let answer = format!(
        "{SAVE_THEN_BGSAVE}\nclient.execute_command('CLIENT KILL TYPE normal SKIPME yes')\n"
    );
    passes("creating-snapshots", "a.py", &answer);
}

#[test]
fn pausing_the_server_does_not_hide_a_missing_wait() {
    let answer = "SET report:daily ready\nBGSAVE\nCLIENT PAUSE 2500 ALL\n";
    let checks = ["report-is-stored", "orders-are-kept", "finished-before-the-end"];
    let verdict = fails_on("using-bgsave", "a.redis", answer, &checks);
    assert!(found(&verdict, "finished-before-the-end").contains("too busy"), "{verdict:#}");
}

#[test]
fn a_busy_server_can_still_pass_the_crash_check() {
    passes(
        "trigger-snapshots-manually",
        "a.redis",
        &format!("{PAID}SAVE\nCLIENT PAUSE 2000 ALL\n"),
    );
}

#[test]
fn changing_the_save_delay_makes_the_evidence_invalid() {
    let answer = "SET report:daily ready\nCONFIG SET rdb-key-save-delay 0\nBGSAVE\n";
    let verdict = fails_on("using-bgsave", "a.redis", answer, &["evidence-is-valid"]);
    assert!(found(&verdict, "evidence-is-valid").contains("rdb-key-save-delay"), "{verdict:#}");
}

#[test]
fn a_process_that_holds_the_output_does_not_delay_the_crash() {
    let answer = "import os, redis, time\nclient = redis.Redis()\n\
        for number in (1001, 1002, 1003): client.set(f'order:{number}', 'paid')\n\
        os.posix_spawn('/bin/sh', ['sh', '-c', 'exec sleep 3'], dict(os.environ), setsid=True)\n\
        client.bgsave()\ntime.sleep(0.6)\n";
    fails_on("trigger-snapshots-manually", "a.py", answer, &["snapshot-finished-in-time"]);
}

#[test]
fn a_save_by_the_setup_does_not_count() {
    let lesson = "# L\n\n## E\n\n```toml exercise\nid = \"e\"\n[server]\n\
        rdb-key-save-delay = 1000000\n[[check]]\nid = \"new\"\nlastsave = \"advanced\"\n```\n\n\
        ```redis setup\nMSET a 1 b 1 c 1 d 1 e 1 f 1\nBGSAVE\n```\n\n> [!TIP]\n> look\n\n\
        ```redis solution\nBGSAVE\n@wait-bgsave\n```\n\n```redis wrong fails=new\nPING\n```\n";
    let workspace = Workspace::new();
    workspace.file("course/01-l.md", lesson);
    let ended = workspace.run_with_input(&["check", "e", "-", "--lessons", "course"], "PING\n");
    assert_eq!(ended.code, 1, "{ended:?}");
}

#[test]
fn a_line_between_megabytes_of_output_is_found() {
    let much = "for _ in range(60_000): print('x' * 100)\n";
    passes("creating-snapshots", "a.py", &format!("{much}{SAVE_THEN_BGSAVE}{much}"));
}

#[test]
fn a_forged_log_line_does_not_make_a_killed_save_end_well() {
    let forged =
        "EVAL \"redis.log(redis.LOG_WARNING, 'Background saving terminated with success')\" 0";
    let answer = format!("SAVE\nBGSAVE\nFLUSHALL\n@wait-bgsave\n{forged}\n");
    fails_on("creating-snapshots", "a.redis", &answer, &["background-save-succeeded"]);
}

#[test]
fn a_byte_order_mark_is_ignored() {
    passes("creating-snapshots", "a.redis", "\u{feff}SAVE\r\nBGSAVE\r\n");
}

#[test]
fn an_unwritable_result_is_an_environment_error() {
    // Only Linux has this device, which is always full.
    let Ok(full) = std::fs::OpenOptions::new().write(true).open("/dev/full") else { return };
    let workspace = Workspace::new();
    let status = workspace.command(&["list"]).stdout(full).status().unwrap();
    assert_eq!(status.code(), Some(3));
}
