//! Expected values: what answers pass and fail by them, and how that is shown.

use crate::support::{Ended, Workspace};

/// An exercise `e` with this check and setup.
fn workspace(check: &str, setup: &str) -> Workspace {
    let workspace = Workspace::new();
    let lesson = format!(
        "# L\n\n## E\n\n```toml exercise\nid = \"e\"\n\n[[check]]\nid = \"c\"\n{check}\n```\n\n\
         > [!TIP]\n> look\n\n```redis setup\n{setup}\n```\n\n```redis solution\nSET k 1\n```\n\n\
         ```redis wrong fails=c\nPING\n```\n"
    );
    workspace.file("course/01-l.md", lesson);
    workspace
}

fn check(workspace: &Workspace, answer: &str, more: &[&str]) -> Ended {
    let path = workspace.file("answer.redis", answer);
    let path = path.to_str().unwrap().to_owned();
    let arguments = ["check", "e", &path, "--lessons", "course"];
    workspace.run(&[&arguments, more].concat())
}

fn judged(workspace: &Workspace, answer: &str) -> (serde_json::Value, i32) {
    let ended = check(workspace, answer, &["--format", "json"]);
    let json = serde_json::from_str(&ended.stdout);
    (json.unwrap_or_else(|error| panic!("{error} in {ended:?}")), ended.code)
}

#[test]
fn a_time_to_live_is_compared_as_a_number() {
    let workspace = workspace("reply = { \"TTL s\" = [\">= 1790\", \"<= 1800\"] }", "SET s 1");
    assert_eq!(judged(&workspace, "EXPIRE s 1800\n").1, 0);
    assert_eq!(judged(&workspace, "EXPIRE s 1700\n").1, 1);
    let (json, code) = judged(&workspace, "PERSIST s\n");
    assert_eq!(code, 1);
    let finding = &json["findings"][0];
    assert_eq!(finding["expected"], "TTL s → at least 1790 and at most 1800");
    assert_eq!(finding["found"], "TTL s → (integer) -1");
}

#[test]
fn dots_stand_for_ids_that_the_server_gives() {
    let check =
        "reply = { \"XRANGE s - +\" = '''\n1) 1) \"...\"\n   2) 1) \"a\"\n      2) \"1\"\n''' }";
    let workspace = workspace(check, "SET k 0");
    assert_eq!(judged(&workspace, "XADD s * a 1\n").1, 0);
    assert_eq!(judged(&workspace, "XADD s * a 1 b 2\n").1, 1);
    // Dots do not reach over the lines of an entry before it.
    assert_eq!(judged(&workspace, "XADD s * a 0\nXADD s * a 1\n").1, 1);
}

#[test]
fn info_is_compared_with_the_lines_that_redis_cli_prints() {
    let check = "reply = { \"INFO keyspace\" = '''\n# Keyspace\ndb0:keys=1,expires=0,...\n''' }";
    let workspace = workspace(check, "SET k 0");
    assert_eq!(judged(&workspace, "PING\n").1, 0);
    assert_eq!(judged(&workspace, "SET a 1\n").1, 1);
}

#[test]
fn a_regex_is_found_in_a_setting() {
    let workspace = workspace("config = { save = { matches = \"^60 \" } }", "PING");
    assert_eq!(judged(&workspace, "CONFIG SET save \"60 5\"\n").1, 0);
    assert_eq!(judged(&workspace, "CONFIG SET save \"61 5\"\n").1, 1);
}

const LIST: &str = "reply = { \"LRANGE l 0 -1\" = '''\n1) \"a\"\n2) \"b\"\n3) \"c\"\n''' }";

#[test]
fn a_reply_of_several_lines_is_shown_on_several_lines() {
    let workspace = workspace(LIST, "DEL l");
    let (json, code) = judged(&workspace, "RPUSH l a x c\n");
    assert_eq!(code, 1);
    let (expected, found) = (&json["findings"][0]["expected"], &json["findings"][0]["found"]);
    assert_eq!(*expected, "LRANGE l 0 -1:\n  1) \"a\"\n! 2) \"b\"\n  3) \"c\"");
    assert_eq!(*found, "LRANGE l 0 -1:\n  1) \"a\"\n! 2) \"x\"\n  3) \"c\"");
    let short = check(&workspace, "RPUSH l a x c\n", &[]).stdout;
    let margin = " ".repeat(16);
    let lines = ["LRANGE l 0 -1:", "  1) \"a\"", "! 2) \"x\"", "  3) \"c\""];
    let found = format!("      found     {}\n", lines.join(&format!("\n{margin}")));
    assert!(short.contains(&found), "{short}");
    let plain = check(&workspace, "RPUSH l a x c\n", &["--plain"]).stdout;
    let found = format!("  found: {}\n", lines.join("\n    "));
    assert!(plain.contains(&found), "{plain}");
}

#[test]
fn a_secret_list_does_not_say_which_line_differs() {
    let workspace = workspace(&format!("secret = true\nsays = \"found\"\n{LIST}"), "DEL l");
    let (json, _) = judged(&workspace, "RPUSH l a x c\n");
    assert_eq!(json["findings"][0]["expected"], "found");
    assert_eq!(json["findings"][0]["found"], "LRANGE l 0 -1:\n  1) \"a\"\n  2) \"x\"\n  3) \"c\"");
    assert!(json["cause"].is_null(), "{json:#}");
}

#[test]
fn no_cause_tells_a_secret_value() {
    let secret = "secret = true\nsays = \"guessed\"\nreply = { \"GET guess\" = \"4711\" }";
    let workspace = workspace(secret, "DEL l");
    let text = check(&workspace, "SET guess 7\n", &["--verbose"]).stdout;
    assert!(text.contains("guessed") && !text.contains("4711"), "{text}");
}

/// No server has this option of GETRANGE, and none will know what it means.
const UNKNOWN: &str = "reply = { \"GET k\" = \"1\", \"OBJECT FREQ k x\" = \"1\" }";

#[test]
fn a_question_that_the_server_does_not_understand_is_no_fault_of_an_answer() {
    let workspace = workspace(UNKNOWN, "PING");
    let ended = check(&workspace, "SET k 1\n", &[]);
    assert_eq!(ended.code, 3, "{ended:?}");
    for part in
        ["`c` can't be judged: ", " answers `OBJECT FREQ k x` with `ERR ", "not your answer's"]
    {
        assert!(ended.stderr.contains(part), "{ended:?}");
    }
}

#[test]
fn a_question_that_the_server_does_not_understand_is_the_lessons_fault() {
    let workspace = workspace(UNKNOWN, "PING");
    let ended = workspace.run(&["verify", "--lessons", "course", "--no-mutants"]);
    assert_eq!(ended.code, 1, "{ended:?}");
    let text = ended.stdout;
    assert!(text.contains("the check `c` can't be judged: "), "{text}");
    assert!(text.contains("--> course/01-l.md:9"), "{text}");
    assert_eq!(text.matches("can't be judged").count(), 1, "{text}");
}

#[test]
fn printed_text_may_have_dots_numbers_and_more() {
    let workspace = Workspace::new();
    let lesson = |subject: &str| {
        format!(
            "# L\n\n## E\n\n```toml exercise\nid = \"e\"\n\n[[check]]\nid = \"c\"\n\
             stdout = {subject}\n```\n\n> [!TIP]\n> look\n\n```python solution\nprint(1)\n```\n"
        )
    };
    for (subject, program, code) in [
        ("\"packed ... orders\"", "print('packed 400 orders')", 0),
        ("\"packed ... orders\"", "print('  .. packed 400 orders')", 0),
        ("\"packed ... orders\"", "print('not packed 400 orders')", 1),
        ("\"packed ... orders\"", "print('packed 400 orders more')", 1),
        ("\"first\\n...\\nlast\"", "print('first\\n2\\n3\\nlast')", 0),
        ("[\"> 399\", \"< 401\"]", "print('packed')\nprint(400)", 0),
        ("\"> 400\"", "print('packed 401')\nprint(400)", 1),
        ("{ text = \"> 400\" }", "print('> 400')", 0),
        ("{ text = \"> 400\" }", "print(401)", 1),
        ("400", "print(400)", 0),
    ] {
        workspace.file("course/01-l.md", lesson(subject));
        let answer = workspace.file("answer.py", program);
        let path = answer.to_str().unwrap();
        let ended = workspace.run(&["check", "e", path, "--lessons", "course"]);
        assert_eq!(ended.code, code, "{subject} {program}: {ended:?}");
    }
}

#[test]
fn another_database_can_be_looked_at() {
    let workspace = workspace("db = 1\nreply = { \"GET k\" = \"1\" }", "SET k 1");
    assert_eq!(judged(&workspace, "SELECT 1\nSET k 1\n").1, 0);
    let (json, code) = judged(&workspace, "SET k 1\n");
    assert_eq!((code, &json["findings"][0]["found"]), (1, &"GET k (in database 1) → (nil)".into()));
    // The checker's own SELECT is not counted.
    let counted =
        "db = 1\nreply = { \"GET k\" = \"1\" }\n\n[[check]]\nid = \"d\"\ncalls = { select = 1 }";
    let workspace = self::workspace(counted, "SET k 1");
    assert_eq!(judged(&workspace, "SELECT 1\nSET k 1\n").1, 0);
}

#[test]
fn another_database_of_a_snapshot_can_be_looked_at() {
    let check = "db = 2\ndump = { keys = [\"k\"] }";
    let workspace = workspace(check, "SET k 1");
    assert_eq!(judged(&workspace, "SELECT 2\nSET k 1\nSAVE\n").1, 0);
    let (json, code) = judged(&workspace, "SET k 1\nSAVE\n");
    assert_eq!((code, &json["findings"][0]["found"]), (1, &"no k in database 2".into()));
}
