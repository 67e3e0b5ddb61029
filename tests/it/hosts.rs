//! Many fresh servers in one container.

use std::thread;
use std::time::{Duration, Instant};

use redis::Value;
use redislings::server::{Server, Source};

use crate::support::{image, redis_server, wait_until};

/// Part of the title of a server process and of its BGSAVE child: `redis-server *:41001`.
const SERVER: &str = " *:41";
const LIMIT: Duration = Duration::from_secs(5);

fn start(source: &Source) -> Server {
    Server::start(source, &[]).unwrap()
}

fn ask(server: &mut Server, words: &[&str]) -> Value {
    server.client().call(words, LIMIT).unwrap()
}

fn keys(server: &mut Server) -> String {
    redislings::redis_cli::reply::format(&ask(server, &["KEYS", "*"]))
}

#[test]
fn two_servers_in_one_container_share_nothing() {
    let Some(image) = image::for_test("two_servers_in_one_container_share_nothing") else { return };
    let source = image::source(image);
    let (mut one, mut other) = (start(&source), start(&source));
    assert_eq!(one.container_id(), other.container_id());
    assert_ne!(one.endpoint(), other.endpoint());
    ask(&mut one, &["SET", "of-one", "1"]);
    ask(&mut one, &["SAVE"]);
    assert_eq!(keys(&mut other), "(empty array)");
    assert!(one.dump_bytes().unwrap().is_some());
    assert_eq!(other.dump_bytes().unwrap(), None);
    let get_dir = ["CONFIG", "GET", "dir"];
    assert_ne!(ask(&mut one, &get_dir), ask(&mut other, &get_dir));
    assert!(one.log().unwrap().contains("DB saved on disk"));
    assert!(!other.log().unwrap().contains("DB saved on disk"));
    one.kill().unwrap();
    assert_eq!(keys(&mut other), "(empty array)");
    assert_eq!(other.ended(), None);
    assert!(one.ended().unwrap().killed);
}

#[test]
fn a_killed_server_loses_the_child_of_its_bgsave() {
    let name = "a_killed_server_loses_the_child_of_its_bgsave";
    let Some(image) = image::for_test(name) else { return };
    let slow = [("rdb-key-save-delay".to_owned(), "100000".to_owned())];
    let mut server = Server::start(&image::source(image), &slow).unwrap();
    for number in 0..5 {
        ask(&mut server, &["SET", &format!("key:{number}"), "1"]);
    }
    ask(&mut server, &["BGSAVE"]);
    assert_eq!(server.info(LIMIT).unwrap().number("rdb_bgsave_in_progress"), 1);
    let id = server.container_id().unwrap().to_owned();
    assert_eq!(image::processes(&id, SERVER).len(), 2);
    server.kill().unwrap();
    assert_eq!(image::processes(&id, SERVER), Vec::<String>::new());
    assert_eq!(server.dump_bytes().unwrap(), None);
}

#[test]
fn a_server_loads_the_snapshot_that_it_is_given() {
    let Some(image) = image::for_test("a_server_loads_the_snapshot_that_it_is_given") else {
        return;
    };
    let source = image::source(image);
    let mut first = start(&source);
    let value = "x".repeat(3_000_000);
    ask(&mut first, &["CONFIG", "SET", "rdbcompression", "no"]);
    ask(&mut first, &["SET", "long", &value]);
    ask(&mut first, &["SAVE"]);
    let dump = first.dump().unwrap().unwrap();
    assert!(dump.len() > value.len());
    assert_eq!(first.dump_bytes().unwrap(), u64::try_from(dump.len()).ok());
    let mut second = Server::start_from_dump(&source, &[], &dump).unwrap();
    assert_eq!(ask(&mut second, &["GET", "long"]), ask(&mut first, &["GET", "long"]));
    assert_eq!(second.dump().unwrap().unwrap(), dump);
}

#[test]
fn a_hundred_servers_run_one_after_another_in_one_container() {
    let name = "a_hundred_servers_run_one_after_another_in_one_container";
    let Some(image) = image::for_test(name) else { return };
    let source = image::source(image);
    source.make_room_for(4);
    let first = start(&source);
    let id = first.container_id().unwrap().to_owned();
    let mut used = std::collections::HashSet::new();
    for number in 0..100 {
        let mut server = start(&source);
        assert_eq!(server.container_id(), Some(id.as_str()));
        assert_eq!(keys(&mut server), "(empty array)", "server {number}");
        ask(&mut server, &["SET", "key", "1"]);
        used.insert(server.endpoint().port);
    }
    assert_eq!(used.len(), 3, "the port that was free for the longest time is next");
    assert_eq!(image::processes(&id, SERVER).len(), 1);
}

#[test]
fn a_second_container_is_started_when_the_first_is_full() {
    let name = "a_second_container_is_started_when_the_first_is_full";
    let Some(image) = image::for_test(name) else { return };
    let source = image::source(image);
    source.make_room_for(1);
    let (one, other) = (start(&source), start(&source));
    assert_ne!(one.container_id(), other.container_id());
}

#[test]
fn threads_that_start_servers_share_one_container() {
    let Some(image) = image::for_test("threads_that_start_servers_share_one_container") else {
        return;
    };
    let source = image::source(image);
    source.make_room_for(3);
    let servers: Vec<Server> = thread::scope(|scope| {
        let starting: Vec<_> = (0..3).map(|_| scope.spawn(|| start(&source))).collect();
        starting.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let first = servers[0].container_id();
    assert!(servers.iter().all(|server| server.container_id() == first));
}

#[test]
fn the_container_ends_with_its_last_server_and_source() {
    let name = "the_container_ends_with_its_last_server_and_source";
    let Some(image) = image::for_test(name) else { return };
    let source = image::source(image);
    let server = start(&source);
    let id = server.container_id().unwrap().to_owned();
    drop(source);
    assert!(image::exists(&id), "a server holds it");
    let source = server.source().clone();
    drop(server);
    assert!(image::exists(&id), "a source holds it");
    drop(source);
    assert!(!image::exists(&id));
}

#[test]
fn a_lost_container_is_reported_at_once_and_replaced() {
    let name = "a_lost_container_is_reported_at_once_and_replaced";
    let Some(image) = image::for_test(name) else { return };
    let source = image::source(image);
    let mut server = start(&source);
    let id = server.container_id().unwrap().to_owned();
    image::kill(&id);
    let began = Instant::now();
    for error in [server.dump_bytes().unwrap_err(), server.restart(&[]).unwrap_err()] {
        assert!(error.fact.contains(&id[..12]), "{error:?}");
    }
    assert!(server.ended().unwrap().killed, "no answer did this");
    assert_eq!(server.log(), None);
    let mut next = start(&source);
    assert_eq!(keys(&mut next), "(empty array)");
    drop(server);
    assert!(began.elapsed() < LIMIT, "{:?}", began.elapsed());
    wait_until("the engine has removed it", || !image::exists(&id));
}

#[test]
fn the_exit_status_of_a_server_is_reported() {
    let Some(image) = image::for_test("the_exit_status_of_a_server_is_reported") else { return };
    let mut server = start(&image::source(image));
    let _ = server.client().call(&["SHUTDOWN", "NOSAVE"], LIMIT);
    wait_until("the server has ended", || server.ended().is_some());
    let ended = server.ended().unwrap();
    assert!(ended.what.contains("exit status 0") && !ended.killed, "{ended:?}");
}

#[test]
fn settings_reach_a_server_unchanged() {
    let Some(image) = image::for_test("settings_reach_a_server_unchanged") else { return };
    let word = "$HOME;`id`&*é";
    let settings = [("syslog-ident".to_owned(), word.to_owned())];
    let mut server = Server::start(&image::source(image), &settings).unwrap();
    let value = ask(&mut server, &["CONFIG", "GET", "syslog-ident"]);
    let Value::Array(pair) = value else { panic!("{value:?}") };
    assert_eq!(pair[1], Value::BulkString(word.into()));
}

#[test]
fn an_image_without_a_shell_is_named() {
    let Some(_) = image::for_test("an_image_without_a_shell_is_named") else { return };
    for (name, tools, lacks) in
        [("shell", &[][..], "`sh`"), ("tools", &["sh", "rm", "sleep"], "`head`, `mkdir`")]
    {
        let reference = format!("redislings-local/without-{name}:latest");
        image::make_with(&reference, &redis_server::program(), tools);
        let error = Server::start(&image::source(&reference), &[]).unwrap_err();
        assert!(error.fact.contains(&format!("the image `{reference}` has no ")), "{error:?}");
        assert!(error.fact.contains(lacks), "{error:?}");
    }
}

#[test]
fn nothing_in_a_container_is_root_or_may_become_it() {
    let name = "nothing_in_a_container_is_root_or_may_become_it";
    let Some(image) = image::for_test(name) else { return };
    let mut server = start(&image::source(image));
    ask(&mut server, &["SAVE"]);
    let found = image::inspect(server.container_id().unwrap());
    let host = found.host_config.unwrap();
    assert_eq!(host.cap_drop, Some(vec!["ALL".to_owned()]));
    assert_eq!(host.cap_add.unwrap_or_default(), Vec::<String>::new());
    assert_eq!(host.security_opt, Some(vec!["no-new-privileges".to_owned()]));
    assert!(host.pids_limit.is_some_and(|limit| limit > 0));
    assert!(host.memory.is_some_and(|limit| limit > 0));
    let user = found.config.unwrap().user.unwrap();
    assert!(!user.is_empty() && !user.starts_with("0:"), "{user}");
}

#[test]
fn server_arguments_hold_no_password() {
    let name = "server_arguments_hold_no_password";
    let Some(image) = image::for_test(name) else { return };
    let server = start(&image::source(image));
    let password = server.endpoint().password.unwrap();
    let id = server.container_id().unwrap();
    assert!(!image::processes(id, "").iter().any(|line| line.contains(&password)));
}
