//! Messages to an answer, and what its commands were answered, on real servers.

use crate::support::Workspace;

/// An exercise `e` with these checks, solutions and wrong answers.
fn workspace(checks: &str, answers: &str) -> Workspace {
    let workspace = Workspace::new();
    let lesson = format!(
        "# L\n\n## E\n\n```toml exercise\nid = \"e\"\n\n{checks}```\n\n> [!TIP]\n> look\n\n{answers}"
    );
    workspace.file("course/01-l.md", lesson);
    workspace
}

fn check(id: &str, subject: &str) -> String {
    format!("[[check]]\nid = \"{id}\"\n{subject}\n\n")
}

const SOLUTION: &str =
    "```redis solution\nSUBSCRIBE orders\nPUBLISH orders \"order:1 paid\"\n```\n";
const HEARD: &str = "received = { orders = [\"order:1 paid\"] }";

fn judged(workspace: &Workspace, name: &str, answer: &str) -> (serde_json::Value, i32) {
    workspace.check_with("e", name, answer, &["--lessons", "course"])
}

/// The codes of answers in Redis commands.
fn codes(workspace: &Workspace, answers: &[&str]) -> Vec<i32> {
    answers.iter().map(|answer| judged(workspace, "a.redis", answer).1).collect()
}

#[test]
fn a_redis_answer_hears_what_it_publishes() {
    let workspace = workspace(&check("c", HEARD), SOLUTION);
    let publish = "PUBLISH orders \"order:1 paid\"\n";
    let right = [
        format!("SUBSCRIBE orders\n{publish}"),
        format!("PSUBSCRIBE ord*\n{publish}"),
        format!("SUBSCRIBE news orders\nPUBLISH news x\n{publish}UNSUBSCRIBE orders\n{publish}"),
        format!("SUBSCRIBE orders\nMULTI\n{publish}EXEC\n"),
        format!("HELLO 3\nSUBSCRIBE orders\n{publish}"),
    ];
    let wrong = [
        format!("{publish}SUBSCRIBE orders\n"),
        format!("SUBSCRIBE orders\n{publish}{publish}"),
        "SUBSCRIBE orders\nPUBLISH orders \"order:2 paid\"\n".to_owned(),
        format!("SUBSCRIBE Orders\n{publish}"),
        format!("SUBSCRIBE orders\nPSUBSCRIBE *\n{publish}"),
        "PING\n".to_owned(),
    ];
    assert_eq!(codes(&workspace, &right.each_ref().map(String::as_str)), [0; 5]);
    assert_eq!(codes(&workspace, &wrong.each_ref().map(String::as_str)), [1; 6]);
}

#[test]
fn the_messages_stand_below_the_line_that_they_came_with() {
    let workspace = workspace(&check("c", HEARD), SOLUTION);
    let answer =
        workspace.file("a.redis", "SUBSCRIBE orders\nPUBLISH orders \"order:2 paid\"\nPING\n");
    let arguments = ["check", "e", answer.to_str().unwrap(), "--lessons", "course", "--transcript"];
    let text = workspace.run(&arguments).stdout;
    assert!(text.contains("◄ message orders \"order:2 paid\""), "{text}");
    assert!(text.contains("found     on orders: order:2 paid"), "{text}");
    let mut command = workspace.command(&arguments);
    let ascii = command.env("LC_ALL", "C").output().unwrap();
    let text = String::from_utf8(ascii.stdout).unwrap();
    assert!(text.contains("< message orders \"order:2 paid\""), "{text}");
}

#[test]
fn what_the_runner_sends_to_hear_everything_is_neither_counted_nor_shown() {
    let checks = check("once", "calls = { ping = 1 }") + &check("c", HEARD);
    let workspace = workspace(&checks, SOLUTION);
    let answer = "SUBSCRIBE orders\nPUBLISH orders \"order:1 paid\"\nPING\n";
    let (json, code) = judged(&workspace, "a.redis", answer);
    assert_eq!(code, 0, "{json:#}");
    let exchanges = json["transcript"]["exchanges"].as_array().unwrap();
    let commands: Vec<&str> =
        exchanges.iter().map(|exchange| exchange["command"].as_str().unwrap()).collect();
    assert_eq!(commands, ["SUBSCRIBE orders", "PUBLISH orders \"order:1 paid\"", "PING"]);
    let three = "HELLO 3\nSUBSCRIBE orders\nPUBLISH orders \"order:1 paid\"\nPING\n";
    assert_eq!(judged(&workspace, "a.redis", three).1, 0);
}

#[test]
fn an_example_dialogue_shows_the_messages() {
    let lesson = "# L\n\n```redis\n> SUBSCRIBE news\n1) \"subscribe\"\n2) \"news\"\n3) (integer) 1\n\
                  > PUBLISH news hello\n(integer) 1\n1) \"message\"\n2) \"news\"\n3) \"hello\"\n\
                  > PUBLISH other hello\n(integer) 0\n> UNSUBSCRIBE\n1) \"unsubscribe\"\n\
                  2) \"news\"\n3) (integer) 0\n> PUBLISH news bye\n(integer) 0\n```\n";
    let workspace = Workspace::new();
    workspace.file("course/01-l.md", lesson);
    let ended = workspace.run(&["verify", "--lessons", "course"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    workspace.file("course/01-l.md", "# L\n\n```redis\n> PING\nPONG\n> MONITOR\nOK\n```\n");
    let ended = workspace.run(&["verify", "--lessons", "course"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    let warning = "warning: `MONITOR` never ends: the block is not run\n  --> course/01-l.md:6\n";
    assert!(ended.stdout.contains(warning), "{}", ended.stdout);
}

/// A program without a client library.
const PYTHON: &str = r#"
import socket

def connect():
    return socket.create_connection(("localhost", 6379)).makefile("rwb", buffering=0)

def say(file, line):
    file.write(line.encode() + b"\r\n")
    return file.readline()

def listen(line):
    listener.write(line.encode() + b"\r\n")
    while listener.readline() != b":1\r\n":
        pass

def hear():
    while listener.readline() != b"bc\r\n":
        pass

listener, speaker = connect(), connect()
"#;

#[test]
fn a_program_hears_messages_in_both_protocols() {
    let checks = check("c", "received = { orders = [\"a\", \"b...\"] }");
    let workspace = workspace(&checks, "```python solution\nprint(1)\n```\n");
    for hello in ["", "listener.write(b'HELLO 3\\r\\n')\n"] {
        for (program, code) in [
            ("listen('SUBSCRIBE orders')\nP('a')\nP('bc')\nhear()\n", 0),
            ("P('a')\nlisten('SUBSCRIBE orders')\nP('bc')\nhear()\n", 1),
            ("listen('PSUBSCRIBE o*')\nP('a')\nP('bc')\nhear()\n", 0),
        ] {
            let publish = "P = lambda text: say(speaker, 'PUBLISH orders ' + text)\n";
            let program = format!("{PYTHON}{publish}{hello}{program}");
            let (json, found) = judged(&workspace, "a.py", &program);
            assert_eq!(found, code, "{program}: {json:#}");
        }
    }
}

#[test]
fn keyspace_notifications_are_messages() {
    let subject = "received = { \"__keyevent@0__:del\" = [\"k\"] }";
    let workspace = workspace(&check("c", subject), SOLUTION);
    let on = "CONFIG SET notify-keyspace-events KEA\nSET k 1\n";
    let listen = "SUBSCRIBE __keyevent@0__:del\n";
    let answers = [
        format!("{on}{listen}DEL k\n"),
        format!("{on}DEL k\n{listen}"),
        format!("{listen}DEL k\n"),
    ];
    assert_eq!(codes(&workspace, &answers.each_ref().map(String::as_str)), [0, 1, 1]);
}

#[test]
fn what_a_command_was_answered_is_judged() {
    let checks = check("c", "replied = { \"PUBLISH orders\" = \">= 1\" }")
        + &check("d", "reply = { \"GET heard-by\" = { replied = \"PUBLISH orders\" } }");
    let workspace = workspace(&checks, SOLUTION);
    let (json, code) = judged(&workspace, "a.redis", "PUBLISH orders x\nSET heard-by 1\n");
    assert_eq!(code, 1);
    assert_eq!(json["findings"][0]["found"], "PUBLISH orders → (integer) 0");
    let expected = "GET heard-by → what `PUBLISH orders` was answered";
    assert_eq!(json["findings"][1]["expected"], expected);
    let answers = [
        "SUBSCRIBE orders\nPUBLISH orders x\nSET heard-by 1\n",
        "SUBSCRIBE orders\nPSUBSCRIBE o*\nMULTI\nPUBLISH orders x\nEXEC\nSET heard-by 2\n",
        "SUBSCRIBE orders\nPUBLISH orders x\nSET heard-by 2\n",
    ];
    assert_eq!(codes(&workspace, &answers), [0, 0, 1]);
}

#[test]
fn a_command_that_did_nothing_can_be_told_from_one_that_did() {
    let subject = "sent = { order = [\"XREADGROUP\", { command = \"XACK s g\", reply = \"1\" }] }";
    let workspace = workspace(&check("c", subject), SOLUTION);
    let begin = "XADD s 1-0 a 1\nXGROUP CREATE s g 0\nXREADGROUP GROUP g c STREAMS s >\n";
    let answers = [format!("{begin}XACK s g 1-0\n"), format!("{begin}XACK s g 2-0\n")];
    assert_eq!(codes(&workspace, &answers.each_ref().map(String::as_str)), [0, 1]);
}
