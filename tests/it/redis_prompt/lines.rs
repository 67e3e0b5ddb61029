//! The same lines for redis-cli and for the prompt: what comes out is compared.

use std::io::Write as _;
use std::ops::ControlFlow;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use portable_pty::{CommandBuilder, PtySize};
use redis::IntoConnectionInfo as _;
use redislings::redis_prompt::{Executor, Meanwhile, Outcome, Reply};

use crate::support::redis_server::{ForeignServer, redis_cli};
use crate::support::terminal::Terminal;
use crate::support::wait_until;

const LIMIT: Duration = Duration::from_secs(20);

fn executor(server: &ForeignServer) -> Executor {
    Executor::new(server.url().into_connection_info().unwrap())
}

/// Runs a line that ends by itself; what comes meanwhile stands before the reply.
fn run(executor: &mut Executor, line: &str) -> Reply {
    let mut messages = Vec::new();
    let mut watch = |meanwhile: Meanwhile<'_>| {
        if let Meanwhile::Message(text) = meanwhile {
            messages.push(text.to_owned());
        }
        ControlFlow::Continue(())
    };
    let mut reply = executor.run(line, LIMIT, &mut watch);
    messages.extend(Some(reply.text).filter(|text| !text.is_empty()));
    reply.text = messages.join("\n");
    reply
}

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
    // Directly, since what a test prints is kept back where it passes.
    let why = "no redis-cli is on PATH to compare with, and no package has one for this machine";
    let _ = writeln!(std::io::stderr(), "skipped: {why}");
}

/// Both on fresh servers, so that what one writes is nothing to the other.
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
        "EVAL 'return {1,{2,{3,\"x\"},{}},redis.error_reply(\"My  Err\"),redis.status_reply(\"fine\")}' 0",
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
fn replies_of_resp3_look_as_in_redis_cli() {
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
fn texts_that_redis_cli_prints_bare_are_bare() {
    assert_same(&["MEMORY DOCTOR", "LATENCY DOCTOR", "LOLWUT VERSION 99", "CLUSTER INFO"]);
    let server = ForeignServer::start();
    let mut executor = executor(&server);
    for (line, begins) in [("INFO server", "# Server\n"), ("CLIENT LIST", "id=")] {
        let text = run(&mut executor, line).text;
        assert!(text.starts_with(begins) && !text.contains("\\r"), "{text}");
    }
}

#[test]
fn lines_are_taken_apart_as_by_redis_cli() {
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
fn transactions_and_databases_go_as_in_redis_cli() {
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
fn the_prompt_changes_as_that_of_redis_cli() {
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
        // What is typed before redis-cli asks is lost.
        let is_asked = || {
            let text = terminal.text();
            let prompts: Vec<&str> = text.lines().filter(|it| it.starts_with(&address)).collect();
            prompts.len() == before + 1 && prompts[before].trim_end() == prompt.trim_end()
        };
        wait_until(&format!("the prompt `{prompt}` before `{line}`"), is_asked);
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
fn a_slow_reply_says_how_long_it_took() {
    let server = ForeignServer::start();
    let mut executor = executor(&server);
    let reply = run(&mut executor, "BLPOP nosuch 0.6");
    let (nil, took) = reply.text.split_once('\n').unwrap();
    assert!(nil == "(nil)" && took.starts_with("(0.") && took.ends_with("s)"), "{reply:?}");
    assert_eq!(run(&mut executor, "PING").text, "PONG");
}

#[test]
fn waiting_can_be_given_up_and_the_next_line_runs() {
    let server = ForeignServer::start();
    let mut executor = executor(&server);
    run(&mut executor, "SELECT 2");
    let began = Instant::now();
    let reply = executor.run("BLPOP nosuch 0", LIMIT, &mut |_| ControlFlow::Break(()));
    assert_eq!(reply, Reply { text: String::new(), end: Outcome::Cancelled });
    assert!(began.elapsed() < Duration::from_secs(2));
    assert_eq!(run(&mut executor, "SET a 1").text, "OK");
    assert_eq!(executor.prompt(), "redis[2]> ");
    assert!(server.ask(&["INFO", "keyspace"]).contains("db2:keys=1"));
}

#[test]
fn a_limit_ends_the_waiting() {
    let server = ForeignServer::start();
    let mut executor = executor(&server);
    let limit = Duration::from_millis(250);
    let reply = executor.run("BLPOP nosuch 0", limit, &mut |_| ControlFlow::Continue(()));
    assert_eq!(reply.end, Outcome::TimedOut);
    assert_eq!(run(&mut executor, "PING").text, "PONG");
}

/// Follows a line until it has shown a message that ends so; `first` is done once it follows.
fn follow(executor: &mut Executor, line: &str, last: &str, first: impl FnOnce()) -> Vec<String> {
    let mut first = Some(first);
    let mut messages: Vec<String> = Vec::new();
    let mut watch = |meanwhile: Meanwhile<'_>| {
        match (meanwhile, first.take()) {
            (Meanwhile::Waiting(_), Some(first)) => first(),
            (Meanwhile::Waiting(_), None) => {}
            (Meanwhile::Message(text), not_yet) => {
                first = not_yet;
                messages.push(text.to_owned());
            }
        }
        let is_over = messages.last().is_some_and(|message| message.ends_with(last));
        if is_over { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    assert_eq!(executor.run(line, LIMIT, &mut watch).end, Outcome::Cancelled);
    messages
}

#[test]
fn messages_are_shown_as_they_come_in_both_protocols() {
    let server = ForeignServer::start();
    for hello in ["HELLO 2", "HELLO 3"] {
        let mut executor = executor(&server);
        run(&mut executor, hello);
        let publish = || drop(server.ask(&["PUBLISH", "news", "it's"]));
        let messages = follow(&mut executor, "SUBSCRIBE news", "\"it's\"", publish);
        let expected = [
            "Reading messages... (press Ctrl-C to quit)",
            "1) \"subscribe\"\n2) \"news\"\n3) (integer) 1",
            "1) \"message\"\n2) \"news\"\n3) \"it's\"",
        ];
        assert_eq!(messages, expected, "{hello}");
        assert_eq!(run(&mut executor, "PING").text, "PONG");
    }
}

#[test]
fn a_refused_subscription_ends_at_once_as_in_redis_cli() {
    assert_same(&["SUBSCRIBE", "PING"]);
}

#[test]
fn what_others_do_is_monitored() {
    let server = ForeignServer::start();
    let mut executor = executor(&server);
    let set = || drop(server.ask(&["SET", "a", "1"]));
    let messages = follow(&mut executor, "MONITOR", "\"SET\" \"a\" \"1\"", set);
    assert_eq!(messages[0], "OK");
    assert_eq!(run(&mut executor, "PING").text, "PONG");
}

#[test]
fn pushes_stand_before_the_reply_and_are_no_reply() {
    let server = ForeignServer::start();
    let mut executor = executor(&server);
    for line in ["HELLO 3", "CLIENT TRACKING ON", "MGET a b"] {
        run(&mut executor, line);
    }
    server.ask(&["SET", "a", "1"]);
    assert_eq!(run(&mut executor, "PING").text, "-> invalidate: 'a'\nPONG");
    let unsubscribed = "1) \"unsubscribe\"\n2) \"x\"\n3) (integer) 0";
    assert_eq!(run(&mut executor, "UNSUBSCRIBE x").text, unsubscribed);
    assert_eq!(run(&mut executor, "PING").text, "PONG");
}

#[test]
fn what_would_take_the_connection_over_is_not_sent() {
    let server = ForeignServer::start();
    let mut executor = executor(&server);
    for line in ["SYNC", "psync ? -1", "SCRIPT DEBUG YES"] {
        let reply = run(&mut executor, line);
        assert!(
            reply.end == Outcome::NotSent && reply.text.starts_with("(not sent: "),
            "{reply:?}"
        );
    }
    assert_eq!(run(&mut executor, "PING").text, "PONG");
}

#[test]
fn a_lost_server_is_told_as_redis_cli_tells_it() {
    let server = ForeignServer::start();
    let mut executor = executor(&server);
    run(&mut executor, "PING");
    server.ask(&["CLIENT", "KILL", "TYPE", "normal"]);
    let reply = run(&mut executor, "PING");
    assert_eq!(reply.text, "Error: Server closed the connection");
    assert_eq!((reply.end, executor.prompt().as_str()), (Outcome::NotConnected, "not connected> "));
    assert_eq!(
        (run(&mut executor, "PING").text.as_str(), executor.prompt().as_str()),
        ("PONG", "redis> ")
    );
    assert_eq!(
        run(&mut executor, "SHUTDOWN NOSAVE"),
        Reply { text: String::new(), end: Outcome::Replied }
    );
    assert_eq!(executor.prompt(), "not connected> ");
    let refused =
        format!("Could not connect to Redis at 127.0.0.1:{}: Connection refused", server.port);
    wait_until("nothing listens any more", || run(&mut executor, "PING").text == refused);
}

#[test]
fn a_user_and_a_database_of_the_address_are_taken() {
    let server = ForeignServer::start();
    server.ask(&["ACL", "SETUSER", "ann", "on", ">s3cret", "~*", "+@all"]);
    let url = |password: &str| format!("redis://ann:{password}@127.0.0.1:{}/4", server.port);
    let mut executor = Executor::new(url("s3cret").into_connection_info().unwrap());
    assert_eq!(run(&mut executor, "ACL WHOAMI").text, "\"ann\"");
    assert_eq!(executor.prompt(), "redis[4]> ");
    let mut stranger = Executor::new(url("wrong").into_connection_info().unwrap());
    let reply = run(&mut stranger, "PING");
    assert!(reply.text.starts_with("(error) WRONGPASS "), "{reply:?}");
    assert_eq!(reply.end, Outcome::NotConnected);
}

#[test]
fn a_long_reply_is_whole() {
    let server = ForeignServer::start();
    let mut executor = executor(&server);
    let reply = run(&mut executor, "EVAL 'local t={} for i=1,50000 do t[i]=i end return t' 0").text;
    let lines: Vec<&str> = reply.lines().filter(|line| !line.starts_with('(')).collect();
    assert_eq!((lines.len(), lines[49_999]), (50_000, "50000) (integer) 50000"));
}
