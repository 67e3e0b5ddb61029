//! A user's own server, given by its address.

use crate::support::redis_server::ForeignServer;
use crate::support::{Workspace, unmet};

/// A lesson that needs neither a crash nor the snapshot file.
pub const LESSON: &str = "# L\n\n\
    ## E\n\n\
    ```toml exercise\n\
    id = \"both-ways\"\n\n\
    [[check]]\n\
    id = \"saved-in-the-foreground\"\n\
    calls = { save = \">= 1\" }\n\n\
    [[check]]\n\
    id = \"saved-in-the-background\"\n\
    calls = { bgsave = \">= 1\" }\n\n\
    [[check]]\n\
    id = \"ended-well\"\n\
    info = { rdb_last_bgsave_status = \"ok\" }\n\
    ```\n\n\
    ```redis setup\n\
    SET order:1001 paid\n\
    ```\n\n\
    > [!TIP]\n\
    > look\n\n\
    ```redis solution\n\
    SAVE\n\
    BGSAVE\n\
    ```\n\n\
    ```redis wrong fails=saved-in-the-background\n\
    SAVE\n\
    ```\n";

fn check(server: &ForeignServer, answer: &str, more: &[&str]) -> (serde_json::Value, i32) {
    let url = server.url();
    let arguments = [&["--lessons", "course", "--server", url.as_str()], more].concat();
    let workspace = Workspace::new();
    workspace.file("course/01-l.md", LESSON);
    workspace.check_with("both-ways", "a.redis", answer, &arguments)
}

#[test]
fn a_server_with_keys_is_refused() {
    let server = ForeignServer::start();
    server.ask(&["SET", "mine", "1"]);
    let (verdict, code) = check(&server, "SAVE\nBGSAVE\n", &[]);
    assert_eq!((verdict["outcome"].as_str(), code), (Some("unchecked"), 3));
    assert!(verdict["reason"].as_str().unwrap().contains("not empty"), "{verdict:#}");
}

#[test]
fn an_empty_server_is_used_and_left_empty() {
    let server = ForeignServer::start();
    for _ in 0..2 {
        let (verdict, code) = check(&server, "SAVE\nBGSAVE\n", &[]);
        assert_eq!((verdict["outcome"].as_str(), code), (Some("passed"), 0), "{verdict:#}");
        assert!(verdict["server"].as_str().unwrap().ends_with("(address)"));
    }
    assert_eq!(server.ask(&["DBSIZE"]), "(integer) 0");
}

#[test]
fn allowed_keys_are_kept() {
    let server = ForeignServer::start();
    server.ask(&["SET", "mine", "1"]);
    let (verdict, _) = check(&server, "SAVE\nBGSAVE\n", &["--allow-non-empty"]);
    assert_eq!(verdict["outcome"], "passed", "{verdict:#}");
    assert_eq!(server.ask(&["GET", "mine"]), "\"1\"");
    assert_eq!(server.ask(&["DBSIZE"]), "(integer) 1");
}

#[test]
fn setup_never_overwrites_a_key() {
    let server = ForeignServer::start();
    server.ask(&["SET", "order:1001", "mine"]);
    let (verdict, code) = check(&server, "SAVE\nBGSAVE\n", &["--allow-non-empty"]);
    assert_eq!(code, 3, "{verdict:#}");
    assert_eq!(server.ask(&["GET", "order:1001"]), "\"mine\"");
}

#[test]
fn setup_only_writes_new_keys() {
    let lesson = "# L\n\n## E\n\n```toml exercise\nid = \"e\"\n[[check]]\nid = \"saved\"\n\
        calls = { save = 1 }\n```\n\n```redis setup\nFLUSHALL\n```\n\n> [!TIP]\n> look\n\n\
        ```redis solution\nSAVE\n```\n\n```redis wrong fails=saved\nPING\n```\n";
    let server = ForeignServer::start();
    server.ask(&["SET", "mine", "1"]);
    let workspace = Workspace::new();
    workspace.file("course/01-l.md", lesson);
    let url = server.url();
    let arguments =
        ["check", "e", "-", "--lessons", "course", "--server", &url, "--allow-non-empty"];
    let ended = workspace.run_with_input(&arguments, "SAVE\n");
    assert_eq!(ended.code, 3, "{ended:?}");
    assert_eq!(server.ask(&["GET", "mine"]), "\"1\"");
}

#[test]
fn a_background_save_that_flushall_may_have_killed_cannot_be_judged_without_a_log() {
    let server = ForeignServer::start();
    let (verdict, code) = check(&server, "SAVE\nBGSAVE\nFLUSHALL\n", &[]);
    assert_eq!(code, 3, "{verdict:#}");
}

#[test]
fn an_exercise_that_needs_a_crash_cannot_be_checked() {
    let server = ForeignServer::start();
    let arguments = ["--server", &server.url()];
    let (verdict, code) =
        Workspace::new().check_with("trigger-snapshots-manually", "a.redis", "SAVE\n", &arguments);
    assert_eq!(code, 3);
    assert!(verdict["reason"].as_str().unwrap().contains("needs a crash"), "{verdict:#}");
    assert_eq!(server.ask(&["PING"]), "PONG");
}

#[test]
fn an_address_without_a_server_is_an_environment_error() {
    let (_, code) = Workspace::new().check_with(
        "creating-snapshots",
        "a.redis",
        "SAVE\n",
        &["--server", "redis://127.0.0.1:1"],
    );
    assert_eq!(code, 3);
}

#[test]
fn a_replica_is_refused() {
    let server = ForeignServer::start();
    server.ask(&["REPLICAOF", "127.0.0.1", "1"]);
    let (verdict, code) = check(&server, "SAVE\n", &[]);
    assert_eq!(code, 3);
    assert!(verdict["reason"].as_str().unwrap().contains("role"), "{verdict:#}");
}

#[test]
fn a_wrong_answer_fails() {
    let server = ForeignServer::start();
    let (verdict, code) = check(&server, "SAVE\n", &[]);
    assert_eq!((unmet(&verdict), code), (vec!["saved-in-the-background"], 1));
}

#[test]
fn an_unknown_server_kind_is_a_usage_error() {
    let workspace = Workspace::new();
    let ended = workspace.run(&["check", "creating-snapshots", "-", "--server", "dockr"]);
    assert_eq!(ended.code, 2);
    assert!(ended.stderr.contains("`--server dockr` is not known"), "{}", ended.stderr);
}

#[test]
fn an_exercise_that_needs_another_setting_cannot_be_checked() {
    let lesson = "# L\n\n## E\n\n```toml exercise\nid = \"e\"\n[server]\n\
        maxmemory-policy = \"allkeys-lru\"\n[[check]]\nid = \"saved\"\ncalls = { save = 1 }\n\
        ```\n\n> [!TIP]\n> look\n\n```redis solution\nSAVE\n```\n\n```redis wrong fails=saved\n\
        PING\n```\n";
    let server = ForeignServer::start();
    let workspace = Workspace::new();
    workspace.file("course/01-l.md", lesson);
    let url = server.url();
    let arguments = ["check", "e", "-", "--lessons", "course", "--server", &url];
    let ended = workspace.run_with_input(&arguments, "SAVE\n");
    assert_eq!(ended.code, 3, "{ended:?}");
    assert!(
        ended.stderr.contains("needs the setting `maxmemory-policy allkeys-lru`"),
        "{}",
        ended.stderr
    );
    server.ask(&["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"]);
    assert_eq!(workspace.run_with_input(&arguments, "SAVE\n").code, 0);
}
