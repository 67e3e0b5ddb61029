//! Where the connections of Python answers go.

use std::io::Write as _;
use std::net::TcpListener;

use crate::support::redis_server::{ForeignServer, USUAL_PORT};
use crate::support::{Place, unmet};

/// Each way in which code written for localhost:6379 connects.
const CONNECTIONS: [&str; 6] = [
    "redis.Redis(host='localhost', port=6379, db=0)",
    "redis.Redis(host='127.0.0.1')",
    "redis.Redis(host='::1')",
    "redis.from_url('redis://localhost')",
    "redis.from_url(os.environ['REDIS_URL'])",
    "redis.Redis(os.environ['REDIS_HOST'], int(os.environ['REDIS_PORT']))",
];

fn answer(connection: &str) -> String {
    let saves = "client.save()\nclient.bgsave()\nprint('Manual snapshot triggered.')";
    format!("import os, redis\nclient = {connection}\n{saves}\n")
}

#[test]
fn every_way_to_connect_reaches_the_lessons_server() {
    for connection in CONNECTIONS {
        let (verdict, _) = Place::new().check("creating-snapshots", "a.py", &answer(connection));
        assert_eq!(verdict["outcome"], "passed", "{connection}: {verdict:#}");
    }
}

#[test]
fn an_asyncio_client_reaches_the_lessons_server() {
    let answer = "import asyncio, redis.asyncio\nasync def main():\n    client = redis.asyncio.Redis()\n    await client.save()\n    await client.bgsave()\n    await client.aclose()\nasyncio.run(main())\nprint('Manual snapshot triggered.')\n";
    let (verdict, _) = Place::new().check("creating-snapshots", "a.py", answer);
    assert_eq!(verdict["outcome"], "passed", "{verdict:#}");
}

#[test]
fn another_redis_on_port_6379_is_never_touched() {
    let _usual = USUAL_PORT.lock();
    // Where the port is taken, it is taken by somebody whose Redis is none of a test's business.
    let is_free = TcpListener::bind(("127.0.0.1", 6379)).is_ok();
    if !is_free {
        let name = "another_redis_on_port_6379_is_never_touched";
        let _ = writeln!(std::io::stderr(), "skipped: {name}: port 6379 is taken");
        return;
    }
    let foreign = ForeignServer::start_on(6379);
    foreign.ask(&["SET", "mine", "untouched"]);
    let told = || {
        let stats = foreign.ask(&["INFO", "stats"]);
        let line = stats.lines().find(|line| line.starts_with("total_connections_received:"));
        line.unwrap().rsplit(':').next().unwrap().parse::<u32>().unwrap()
    };
    let before = told();
    for connection in CONNECTIONS {
        let (verdict, _) = Place::new().check("creating-snapshots", "a.py", &answer(connection));
        assert_eq!(verdict["outcome"], "passed", "{connection}: {verdict:#}");
    }
    for environment in ["None", "{}"] {
        let child = format!(
            "import subprocess, sys\nsave = [sys.executable, '-c', 'import redis; redis.Redis().save()']\nsubprocess.run(save, check=True, env={environment})\nprint('Manual snapshot triggered.')\n"
        );
        let (verdict, _) = Place::new().check("creating-snapshots", "a.py", &child);
        assert_eq!(unmet(&verdict), ["saved-in-the-background"], "{environment}: {verdict:#}");
    }
    for start in [
        "os.execve(sys.executable, save, {})",
        "os.waitpid(os.posix_spawn(sys.executable, save, {}), 0)",
    ] {
        let child = format!(
            "import os, sys\nprint('Manual snapshot triggered.', flush=True)\nsave = [sys.executable, '-c', 'import redis; redis.Redis().save()']\n{start}\n"
        );
        let (verdict, _) = Place::new().check("creating-snapshots", "a.py", &child);
        assert_eq!(unmet(&verdict), ["saved-in-the-background"], "{start}: {verdict:#}");
    }
    Place::new().run(&["doctor"]);
    // Each question of this test is one connection.
    assert_eq!(told(), before + 1);
    assert_eq!(foreign.ask(&["GET", "mine"]), "\"untouched\"");
}

#[test]
fn an_answer_runs_in_an_empty_directory_that_goes_with_it() {
    let answer = "import os\nassert os.listdir('.') == []\nopen('left-behind', 'w').write('x')\nprint('Manual snapshot triggered.')\n";
    let place = Place::new();
    let (verdict, _) = place.check("creating-snapshots", "a.py", answer);
    assert_eq!(unmet(&verdict), ["snapshot-is-new"], "{verdict:#}");
    assert_eq!(place.leftovers(), Vec::<String>::new());
}

#[test]
fn an_answer_may_be_called_like_the_package_without_breaking_the_next_one() {
    let place = Place::new();
    place.file("redis.py", "raise ImportError('not the real one')\n");
    let ended = place.run_with_input(
        &["check", "creating-snapshots", "-", "--language", "python"],
        &answer(CONNECTIONS[0]),
    );
    assert_eq!(ended.code, 0, "{ended:?}");
}

#[test]
fn a_traceback_names_the_students_own_file_and_line() {
    let place = Place::new();
    let path = place.file("mine.py", "x = 1\nraise ValueError('here')\n");
    let ended = place.run(&["check", "creating-snapshots", path.to_str().unwrap()]);
    assert!(ended.stdout.contains("mine.py\", line 2"), "{}", ended.stdout);
}

#[test]
fn endless_output_does_not_hold_the_verdict_up() {
    let answer = "for _ in range(200_000): print('x' * 100)\n";
    let (verdict, code) = Place::new().check("creating-snapshots", "a.py", answer);
    assert_eq!(code, 1);
    assert!(verdict.to_string().len() < 20_000);
}
