//! Servers in containers on a real engine.

use std::time::Duration;

use redislings::server::Server;

use crate::support::{Workspace, image, unmet, wait_until};

fn check(image: &str, exercise: &str, name: &str, answer: &str) -> (serde_json::Value, i32) {
    Workspace::new().check_with(
        exercise,
        name,
        answer,
        &["--server", "container", "--image", image],
    )
}

#[test]
fn a_right_answer_passes_in_a_container() {
    let Some(image) = image::for_test("a_right_answer_passes_in_a_container") else { return };
    let answer = "import redis\nclient = redis.Redis(host='localhost', port=6379)\nclient.save()\n\
        client.bgsave()\nprint('Manual snapshot triggered.')\n";
    let (verdict, code) = check(image, "creating-snapshots", "a.py", answer);
    assert_eq!(code, 0, "{verdict:#}");
    assert!(verdict["server"].as_str().unwrap().ends_with("(container)"));
}

#[test]
fn a_crash_in_a_container_loses_what_was_not_saved() {
    let Some(image) = image::for_test("a_crash_in_a_container_loses_what_was_not_saved") else {
        return;
    };
    let paid = "SET order:1001 paid\nSET order:1002 paid\nSET order:1003 paid\n";
    let (verdict, _) =
        check(image, "trigger-snapshots-manually", "a.redis", &format!("{paid}SAVE\n"));
    assert_eq!(verdict["outcome"], "passed", "{verdict:#}");
    let (verdict, _) =
        check(image, "trigger-snapshots-manually", "a.redis", &format!("SAVE\n{paid}"));
    assert_eq!(unmet(&verdict), ["orders-survive-the-crash"], "{verdict:#}");
    let (verdict, _) =
        check(image, "trigger-snapshots-manually", "a.redis", &format!("{paid}BGSAVE\n"));
    assert_eq!(unmet(&verdict), ["snapshot-finished-in-time"], "{verdict:#}");
}

#[test]
fn a_container_log_shows_a_killed_background_save() {
    let Some(image) = image::for_test("a_container_log_shows_a_killed_background_save") else {
        return;
    };
    let (verdict, _) = check(image, "creating-snapshots", "a.redis", "SAVE\nBGSAVE\nFLUSHALL\n");
    assert_eq!(unmet(&verdict), ["background-save-succeeded"], "{verdict:#}");
}

#[test]
fn nothing_is_published_on_the_engines_own_network() {
    let Some(image) = image::for_test("nothing_is_published_on_the_engines_own_network") else {
        return;
    };
    let server = Server::start(&image::source(image), &[]).unwrap();
    let id = server.container_id().unwrap().to_owned();
    // Otherwise on 127.0.0.1 only, see `remote.rs`.
    let published = image::published(&id);
    let is_ours = server.endpoint().host != "127.0.0.1";
    assert!(
        published.iter().all(|(address, _)| !is_ours && address == "127.0.0.1"),
        "{published:?}"
    );
    assert_eq!(published.is_empty(), is_ours);
}

#[test]
fn a_panic_leaves_no_container() {
    let Some(image) = image::for_test("a_panic_leaves_no_container") else { return };
    let source = image::source(image);
    let (sender, receiver) = std::sync::mpsc::channel();
    let panicking = std::thread::Builder::new().spawn(move || {
        let server = Server::start(&source, &[]).unwrap();
        sender.send(server.container_id().unwrap().to_owned()).unwrap();
        panic!("as announced");
    });
    assert!(panicking.unwrap().join().is_err());
    assert!(!image::exists(&receiver.recv().unwrap()));
}

#[test]
fn a_killed_server_comes_back_with_its_snapshot_and_without_the_rest() {
    let Some(image) =
        image::for_test("a_killed_server_comes_back_with_its_snapshot_and_without_the_rest")
    else {
        return;
    };
    let mut server = Server::start(&image::source(image), &[]).unwrap();
    let limit = Duration::from_secs(5);
    for words in [&["SET", "early", "1"][..], &["SAVE"], &["SET", "late", "1"]] {
        server.client().call(words, limit).unwrap();
    }
    server.kill().unwrap();
    server.restart(&[]).unwrap();
    let keys = server.client().call(&["KEYS", "*"], limit).unwrap();
    assert_eq!(redislings::redis_cli::reply::format(&keys), "1) \"early\"");
}

#[test]
fn a_server_that_refuses_its_settings_is_reported_and_removed() {
    let name = "a_server_that_refuses_its_settings_is_reported_and_removed";
    let Some(image) = image::for_test(name) else { return };
    let settings = [("no-such-setting".to_owned(), "1".to_owned())];
    let before = image::all_containers();
    let error = Server::start(&image::source(image), &settings).unwrap_err();
    assert!(error.help.contains("no-such-setting"), "{error:?}");
    // Wait, because other tests may be removing their containers.
    wait_until("no ended container is left", || {
        let ids = image::all_containers();
        !ids.iter().any(|id| !before.contains(id) && image::is_ended(id))
    });
}
