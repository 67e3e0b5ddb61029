//! Saves that fail and work again, on servers of every version, as processes and in containers.

use std::time::Duration;

use redis::Value;
use redislings::server::{Disk, Server, Source};

use crate::support::redis_server::of_several_versions;
use crate::support::{image, wait_until};

const LIMIT: Duration = Duration::from_secs(5);

fn processes() -> Vec<Source> {
    let programs = of_several_versions().into_iter().map(|(_, program)| program);
    programs.map(|program| Source::Process { program, bundled: false }).collect()
}

fn call(server: &mut Server, line: &str) -> Value {
    let words: Vec<&str> = line.split(' ').collect();
    server.client().call(&words, LIMIT).unwrap()
}

fn is_error(value: &Value) -> bool {
    matches!(value, Value::ServerError(_))
}

/// A save fails and leaves the old file; after that saves work.
fn assert_that_saves_fail_for_a_while(source: &Source) {
    let save_points = [("save".to_owned(), "3600 1".to_owned())];
    let mut server = Server::start(source, &save_points).unwrap();
    let name = server.name().to_owned();
    call(&mut server, "SET a old");
    call(&mut server, "SAVE");
    let old = server.dump().unwrap().unwrap();

    server.set_disk(Disk::Refuses).unwrap();
    assert!(is_error(&call(&mut server, "SAVE")), "{name}");
    call(&mut server, "BGSAVE");
    wait_until("the background save has failed", || {
        let info = server.info(LIMIT).unwrap();
        info.field("rdb_last_bgsave_status") == Some("err")
    });
    assert!(is_error(&call(&mut server, "SET a new")), "{name}: MISCONF");
    assert_eq!(server.dump().unwrap().as_ref(), Some(&old), "{name}");
    assert_eq!(server.dump_bytes().unwrap(), Some(old.len() as u64), "{name}");

    server.set_disk(Disk::Works).unwrap();
    assert_eq!(server.dump().unwrap().as_ref(), Some(&old), "{name}");
    assert_eq!(call(&mut server, "SAVE"), Value::Okay, "{name}");
    assert_eq!(call(&mut server, "SET a new"), Value::Okay, "{name}");
}

/// A server that was killed starts from its old file, and saves fail again.
fn assert_that_a_killed_server_has_its_old_file(source: &Source) {
    let mut server = Server::start(source, &[]).unwrap();
    let name = server.name().to_owned();
    call(&mut server, "SET a old");
    call(&mut server, "SAVE");
    server.set_disk(Disk::Refuses).unwrap();
    server.kill().unwrap();
    server.restart(&[]).unwrap();
    assert_eq!(call(&mut server, "GET a"), Value::BulkString(b"old".to_vec()), "{name}");
    assert!(is_error(&call(&mut server, "SAVE")), "{name}");
}

#[test]
fn saves_of_a_process_fail_and_work_again() {
    for source in processes() {
        assert_that_saves_fail_for_a_while(&source);
        assert_that_a_killed_server_has_its_old_file(&source);
    }
}

#[test]
fn saves_in_a_container_fail_and_work_again() {
    let Some(image) = image::for_test("saves_in_a_container_fail_and_work_again") else { return };
    let source = image::source(image);
    assert_that_saves_fail_for_a_while(&source);
    assert_that_a_killed_server_has_its_old_file(&source);
}

#[test]
fn a_disk_that_never_held_a_file_holds_none_afterwards() {
    for source in processes() {
        let mut server = Server::start(&source, &[]).unwrap();
        for disk in [Disk::Refuses, Disk::Refuses, Disk::Works, Disk::Works] {
            server.set_disk(disk).unwrap();
            assert_eq!(server.dump().unwrap(), None);
        }
    }
}
