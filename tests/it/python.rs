//! The connections of Python answers.

use crate::support::redis_server::ForeignServer;
use crate::support::{Workspace, unmet};

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
        let (verdict, _) =
            Workspace::new().check("creating-snapshots", "a.py", &answer(connection));
        assert_eq!(verdict["outcome"], "passed", "{connection}: {verdict:#}");
    }
}

#[test]
fn an_asyncio_client_reaches_the_lessons_server() {
    let answer = "import asyncio, redis.asyncio\nasync def main():\n    \
        client = redis.asyncio.Redis()\n    await client.save()\n    await client.bgsave()\n    \
        await client.aclose()\nasyncio.run(main())\nprint('Manual snapshot triggered.')\n";
    let (verdict, _) = Workspace::new().check("creating-snapshots", "a.py", answer);
    assert_eq!(verdict["outcome"], "passed", "{verdict:#}");
}

#[test]
fn another_redis_on_port_6379_is_never_touched() {
    let name = "another_redis_on_port_6379_is_never_touched";
    let Some((_usual, foreign)) = ForeignServer::on_the_usual_port(name) else { return };
    foreign.ask(&["SET", "mine", "untouched"]);
    let before = foreign.connections();
    for connection in CONNECTIONS {
        let (verdict, _) =
            Workspace::new().check("creating-snapshots", "a.py", &answer(connection));
        assert_eq!(verdict["outcome"], "passed", "{connection}: {verdict:#}");
    }
    for environment in ["None", "{}"] {
        let child = format!(
            "import subprocess, sys\n\
             save = [sys.executable, '-c', 'import redis; redis.Redis().save()']\n\
             subprocess.run(save, check=True, env={environment})\n\
             print('Manual snapshot triggered.')\n"
        );
        let (verdict, _) = Workspace::new().check("creating-snapshots", "a.py", &child);
        assert_eq!(unmet(&verdict), ["saved-in-the-background"], "{environment}: {verdict:#}");
    }
    for start in [
        "os.execve(sys.executable, save, {})",
        "os.waitpid(os.posix_spawn(sys.executable, save, {}), 0)",
    ] {
        let child = format!(
            "import os, sys\nprint('Manual snapshot triggered.', flush=True)\n\
             save = [sys.executable, '-c', 'import redis; redis.Redis().save()']\n{start}\n"
        );
        let (verdict, _) = Workspace::new().check("creating-snapshots", "a.py", &child);
        assert_eq!(unmet(&verdict), ["saved-in-the-background"], "{start}: {verdict:#}");
    }
    Workspace::new().run(&["doctor"]);
    // The question itself is one connection.
    assert_eq!(foreign.connections(), before + 1);
    assert_eq!(foreign.ask(&["GET", "mine"]), "\"untouched\"");
}

#[test]
fn an_answer_runs_in_an_empty_temporary_directory() {
    let answer = "import os\nassert os.listdir('.') == []\nopen('left-behind', 'w').write('x')\n\
        print('Manual snapshot triggered.')\n";
    let workspace = Workspace::new();
    let (verdict, _) = workspace.check("creating-snapshots", "a.py", answer);
    assert_eq!(unmet(&verdict), ["snapshot-is-new"], "{verdict:#}");
    assert_eq!(workspace.leftovers(), Vec::<String>::new());
}

#[test]
fn a_file_named_redis_py_does_not_shadow_the_package() {
    let workspace = Workspace::new();
    workspace.file("redis.py", "raise ImportError('not the real one')\n");
    let ended = workspace.run_with_input(
        &["check", "creating-snapshots", "-", "--language", "python"],
        &answer(CONNECTIONS[0]),
    );
    assert_eq!(ended.code, 0, "{ended:?}");
}

#[test]
fn a_traceback_names_the_students_own_file_and_line() {
    let workspace = Workspace::new();
    let path = workspace.file("mine.py", "x = 1\nraise ValueError('here')\n");
    let ended = workspace.run(&["check", "creating-snapshots", path.to_str().unwrap()]);
    assert!(ended.stdout.contains("mine.py, line 2"), "{}", ended.stdout);
}

#[test]
fn huge_output_does_not_delay_the_verdict() {
    let answer = "for _ in range(200_000): print('x' * 100)\n";
    let (verdict, code) = Workspace::new().check("creating-snapshots", "a.py", answer);
    assert_eq!(code, 1);
    assert!(verdict.to_string().len() < 20_000);
}
