//! The same lines in redis-cli and at the prompt must give the same output.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use portable_pty::{CommandBuilder, PtySize};

use super::{executor, run};
use crate::support::redis_server::{ForeignServer, redis_cli};
use crate::support::terminal::Terminal;
use crate::support::{report_skipped, wait_until};

/// What redis-cli prints on a terminal for these lines.
fn printed_by(redis_cli: &Path, server: &ForeignServer, lines: &[&str]) -> String {
    let mut child = Command::new(redis_cli)
        .args(["-p", &server.port.to_string(), "--no-raw"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut keyboard = child.stdin.take().unwrap();
    keyboard.write_all(lines.join("\n").as_bytes()).unwrap();
    drop(keyboard);
    String::from_utf8_lossy(&child.wait_with_output().unwrap().stdout).trim_end().to_owned()
}

fn not_compared() {
    let why = "no redis-cli is on PATH to compare with, and no package has one for this machine";
    report_skipped("redis_prompt::lines", why);
}

/// Runs both on fresh servers, so that neither sees the other's writes.
fn assert_same(lines: &[&str]) {
    let Some(redis_cli) = redis_cli() else { return not_compared() };
    let expected = printed_by(&redis_cli, &ForeignServer::start(), lines);
    let server = ForeignServer::start();
    let mut executor = executor(&server);
    let replies = lines.iter().map(|line| run(&mut executor, line).text);
    let replies: Vec<String> = replies.filter(|text| !text.is_empty()).collect();
    assert_eq!(replies.join("\n"), expected);
}

#[test]
fn replies_look_as_in_redis_cli() {
    assert_same(&[
        "SET k \"it's\\n\\x00caf\u{e9}\"",
        "GET k",
        "GET nosuch",
        "INCR n",
        "LPUSH l a b c d e f g h i j k",
        "LRANGE l 0 -1",
        "LRANGE nosuch 0 -1",
        "EVAL 'return {1,{2,{3,\"x\"},{}},redis.error_reply(\"My  \
         Err\"),redis.status_reply(\"fine\")}' 0",
        "COMMAND INFO get",
        "HSET h a 1 b 2",
        "HGETALL h",
        "GET",
        "NOSUCH a b",
        "INCR k",
        "PING \"\"",
        "TYPE l",
    ]);
}

#[test]
fn resp3_replies_look_as_in_redis_cli() {
    assert_same(&[
        "ZADD z 0.1 m 3 n",
        "HSET h a 1 b 2",
        "SADD s a",
        "HELLO 3 SETNAME me",
        "CLIENT GETNAME",
        "ZSCORE z m",
        "ZRANGE z 0 -1 WITHSCORES",
        "HGETALL h",
        "HGETALL nosuch",
        "SMEMBERS s",
        "SMEMBERS nosuch",
        "GET nosuch",
        "EVAL 'redis.setresp(3); return {double=1e20}' 0",
        "EVAL 'redis.setresp(3); return {{map={a=1}},{set={b=true}}}' 0",
        "EVAL 'redis.setresp(3); return {set={a=true}}' 0",
        "EVAL 'redis.setresp(3); return true' 0",
        "EVAL 'redis.setresp(3); return {false, {double=0.1}}' 0",
        "EVAL 'redis.setresp(3); return {verbatim_string={format=\"txt\",string=\"a\\nb\"}}' 0",
        "LATENCY DOCTOR",
        "MEMORY DOCTOR",
        "CONFIG GET maxmemory-policy",
        "HELLO 2",
        "HGETALL h",
    ]);
}

#[test]
fn texts_are_printed_raw_where_redis_cli_does() {
    assert_same(&["MEMORY DOCTOR", "LATENCY DOCTOR", "LOLWUT VERSION 99", "CLUSTER INFO"]);
    let server = ForeignServer::start();
    let mut executor = executor(&server);
    for (line, begins) in [("INFO server", "# Server\n"), ("CLIENT LIST", "id=")] {
        let text = run(&mut executor, line).text;
        assert!(text.starts_with(begins) && !text.contains("\\r"), "{text}");
    }
}

#[test]
fn lines_are_split_as_by_redis_cli() {
    assert_same(&[
        "SET k 'a b'",
        "GET \"k",
        "GET \"k\"x",
        "   ",
        "3 INCR n",
        "0 PING",
        "-1 PING",
        "99999999999999999999 PING",
        "+2 PING",
        "12",
        "ECHO a\\nb",
        "ECHO 'it\\'s'",
    ]);
}

#[test]
fn transactions_and_databases_work_as_in_redis_cli() {
    assert_same(&[
        "MULTI",
        "SET a 1",
        "SELECT 1",
        "GET a",
        "EXEC",
        "GET a",
        "SELECT 0",
        "GET a",
        "MULTI",
        "GET",
        "EXEC",
        "WATCH a",
        "MULTI",
        "DISCARD",
        "DISCARD",
        "SELECT 99",
        "EXEC",
    ]);
}

#[test]
fn the_prompt_shows_database_and_transaction() {
    let server = ForeignServer::start();
    let mut executor = executor(&server);
    let mut prompts = vec![executor.prompt()];
    for line in ["SELECT 3", "MULTI", "SELECT 4", "EXEC", "MULTI", "SELECT 5", "DISCARD", "RESET"] {
        run(&mut executor, line);
        prompts.push(executor.prompt());
    }
    let expected = [
        "redis> ",
        "redis[3]> ",
        "redis[3](TX)> ",
        "redis[4](TX)> ",
        "redis[4]> ",
        "redis[4](TX)> ",
        "redis[5](TX)> ",
        "redis[4]> ",
        "redis> ",
    ];
    assert_eq!(prompts, expected);
}

#[test]
fn the_prompt_changes_as_in_redis_cli() {
    let Some(redis_cli) = redis_cli() else { return not_compared() };
    let server = ForeignServer::start();
    let mut command = CommandBuilder::new(redis_cli);
    command.args(["-p", &server.port.to_string()]);
    command.env("TERM", "xterm");
    command.env("REDISCLI_HISTFILE", "/dev/null");
    let size = PtySize { rows: 60, cols: 100, ..PtySize::default() };
    let mut terminal = Terminal::open(command, size);
    let mut executor = executor(&server);
    let address = format!("127.0.0.1:{}", server.port);
    let lines = [
        "SELECT 3",
        "MULTI",
        "SELECT 4",
        "EXEC",
        "WATCH a",
        "MULTI",
        "SELECT 5",
        "DISCARD",
        "SELECT x",
        "MULTI",
        "NOSUCH",
        "EXEC",
        "EXEC",
        "RESET",
        "SHUTDOWN NOSAVE",
    ];
    for (before, line) in lines.into_iter().enumerate() {
        let prompt = executor.prompt().replace("redis", &address);
        // redis-cli loses what is typed before its prompt.
        wait_until(&format!("the prompt `{prompt}` before `{line}`"), || {
            let text = terminal.text();
            let prompts: Vec<&str> = text.lines().filter(|row| row.starts_with(&address)).collect();
            prompts.len() == before + 1 && prompts[before].trim_end() == prompt.trim_end()
        });
        terminal.presses(format!("{line}\r").as_bytes());
        if line != "SHUTDOWN NOSAVE" {
            run(&mut executor, line);
        }
    }
    terminal.sees("not connected>");
    run(&mut executor, "PING");
    assert_eq!(executor.prompt(), "not connected> ");
}

#[test]
fn a_refused_subscription_ends_at_once_as_in_redis_cli() {
    assert_same(&["SUBSCRIBE", "PING"]);
}
