//! Lines that wait, unsolicited messages, and lost connections.

use std::io::Write as _;
use std::net::TcpListener;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use redis::IntoConnectionInfo as _;
use redislings::redis_prompt::{Executor, PromptOutcome, PromptReply, WhileWaiting};

use super::{LIMIT, executor, run};
use crate::support::redis_server::ForeignServer;
use crate::support::wait_until;

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
fn a_wait_can_be_cancelled_and_the_next_line_runs() {
    let server = ForeignServer::start();
    let mut executor = executor(&server);
    run(&mut executor, "SELECT 2");
    let began = Instant::now();
    let reply = executor.run("BLPOP nosuch 0", LIMIT, &mut |_| ControlFlow::Break(()));
    assert_eq!(reply, PromptReply { text: String::new(), end: PromptOutcome::Cancelled });
    assert!(began.elapsed() < Duration::from_secs(2));
    assert_eq!(run(&mut executor, "SET a 1").text, "OK");
    assert_eq!(executor.prompt(), "redis[2]> ");
    assert!(server.ask(&["INFO", "keyspace"]).contains("db2:keys=1"));
}

#[test]
fn a_time_limit_ends_the_wait() {
    let server = ForeignServer::start();
    let mut executor = executor(&server);
    let limit = Duration::from_millis(250);
    let reply = executor.run("BLPOP nosuch 0", limit, &mut |_| ControlFlow::Continue(()));
    assert_eq!(reply.end, PromptOutcome::TimedOut);
    assert_eq!(run(&mut executor, "PING").text, "PONG");
}

/// Runs a line until it has shown a message that ends with `last`. Calls `first` once it waits.
fn follow(executor: &mut Executor, line: &str, last: &str, first: impl FnOnce()) -> Vec<String> {
    let mut first = Some(first);
    let mut messages: Vec<String> = Vec::new();
    let reply = executor.run(line, LIMIT, &mut |meanwhile: WhileWaiting<'_>| {
        match (meanwhile, first.take()) {
            (WhileWaiting::Waiting(_), Some(first)) => first(),
            (WhileWaiting::Waiting(_), None) => {}
            (WhileWaiting::Message(text), not_yet) => {
                first = not_yet;
                messages.push(text.to_owned());
            }
        }
        let is_over = messages.last().is_some_and(|message| message.ends_with(last));
        if is_over { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert_eq!(reply.end, PromptOutcome::Cancelled);
    messages
}

#[test]
fn messages_are_shown_as_they_come_in_both_protocols() {
    let server = ForeignServer::start();
    for hello in ["HELLO 2", "HELLO 3"] {
        let mut executor = executor(&server);
        run(&mut executor, hello);
        let messages = follow(&mut executor, "SUBSCRIBE news", "\"it's\"", || {
            server.ask(&["PUBLISH", "news", "it's"]);
        });
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
fn monitor_shows_commands_of_other_clients() {
    let server = ForeignServer::start();
    let mut executor = executor(&server);
    let messages = follow(&mut executor, "MONITOR", "\"SET\" \"a\" \"1\"", || {
        server.ask(&["SET", "a", "1"]);
    });
    assert_eq!(messages[0], "OK");
    assert_eq!(run(&mut executor, "PING").text, "PONG");
}

#[test]
fn pushes_are_shown_before_the_reply() {
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
fn commands_that_take_over_the_connection_are_not_sent() {
    let server = ForeignServer::start();
    let mut executor = executor(&server);
    for line in ["SYNC", "psync ? -1", "SCRIPT DEBUG YES"] {
        let reply = run(&mut executor, line);
        assert!(
            reply.end == PromptOutcome::NotSent && reply.text.starts_with("(not sent: "),
            "{reply:?}"
        );
    }
    assert_eq!(run(&mut executor, "PING").text, "PONG");
}

#[test]
fn a_lost_server_is_reported_as_by_redis_cli() {
    let server = ForeignServer::start();
    let mut executor = executor(&server);
    run(&mut executor, "PING");
    server.ask(&["CLIENT", "KILL", "TYPE", "normal"]);
    let reply = run(&mut executor, "PING");
    assert_eq!(reply.text, "Error: Server closed the connection");
    assert_eq!(
        (reply.end, executor.prompt().as_str()),
        (PromptOutcome::NotConnected, "not connected> ")
    );
    assert_eq!(
        (run(&mut executor, "PING").text.as_str(), executor.prompt().as_str()),
        ("PONG", "redis> ")
    );
    assert_eq!(
        run(&mut executor, "SHUTDOWN NOSAVE"),
        PromptReply { text: String::new(), end: PromptOutcome::Replied }
    );
    assert_eq!(executor.prompt(), "not connected> ");
    let refused =
        format!("Could not connect to Redis at 127.0.0.1:{}: Connection refused", server.port);
    wait_until("nothing listens any more", || run(&mut executor, "PING").text == refused);
}

/// A client of a server that is not Redis: it sends these bytes on connect, and then nothing.
fn stranger(bytes: &'static [u8]) -> Executor {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("redis://{}", listener.local_addr().unwrap());
    std::thread::Builder::new()
        .spawn(move || {
            let (mut client, _) = listener.accept().unwrap();
            client.write_all(bytes).unwrap();
            // Until the other side closes.
            let _ = std::io::copy(&mut client, &mut std::io::sink());
        })
        .unwrap();
    Executor::new(url.into_connection_info().unwrap())
}

#[test]
fn a_server_that_is_not_redis_is_reported_as_by_redis_cli() {
    let reply = run(&mut stranger(b"HTTP/1.1 400 Bad Request\r\n"), "PING");
    assert_eq!(reply.text, "Error: Protocol error, got \"H\" as reply type byte");
    assert_eq!(reply.end, PromptOutcome::NotConnected);
}

#[test]
fn an_incomplete_reply_ends_at_the_time_limit() {
    let mut executor = stranger(b"$5\r\nhal");
    let limit = Duration::from_millis(250);
    let reply = executor.run("GET a", limit, &mut |_| ControlFlow::Continue(()));
    assert_eq!(reply.end, PromptOutcome::TimedOut);
}

#[test]
fn a_big_number_and_an_attribute_are_shown_where_redis_cli_gives_up() {
    let reply = "|1\r\n+ttl\r\n:3\r\n*2\r\n(3492890328409238509324850943850943825024385\r\n+b\r\n";
    let text = run(&mut stranger(reply.as_bytes()), "GET a").text;
    assert_eq!(text, "1) 3492890328409238509324850943850943825024385\n2) b");
}

/// A prompt of the user `ann` in database 4.
fn executor_as_ann(server: &ForeignServer, password: &str) -> Executor {
    let url = format!("redis://ann:{password}@127.0.0.1:{}/4", server.port);
    Executor::new(url.into_connection_info().unwrap())
}

#[test]
fn user_and_database_of_the_url_are_used() {
    let server = ForeignServer::start();
    server.ask(&["ACL", "SETUSER", "ann", "on", ">s3cret", "~*", "+@all"]);
    let mut executor = executor_as_ann(&server, "s3cret");
    assert_eq!(run(&mut executor, "ACL WHOAMI").text, "\"ann\"");
    assert_eq!(executor.prompt(), "redis[4]> ");
    let mut other = executor_as_ann(&server, "wrong");
    let reply = run(&mut other, "ACL WHOAMI");
    assert!(reply.text.starts_with("AUTH failed: WRONGPASS "), "{reply:?}");
    assert!(reply.text.ends_with("\n\"default\""), "{reply:?}");
}

#[test]
fn a_password_can_be_typed_after_the_connection_was_lost() {
    let server = ForeignServer::start();
    let mut executor = executor(&server);
    run(&mut executor, "SELECT 2");
    run(&mut executor, "CONFIG SET requirepass s3cret");
    run(&mut executor, "CLIENT KILL TYPE normal SKIPME no");
    run(&mut executor, "PING");
    let text = run(&mut executor, "AUTH s3cret").text;
    let expected = "SELECT 2 failed: NOAUTH Authentication required.\nOK";
    assert_eq!((text.as_str(), executor.prompt().as_str()), (expected, "redis> "));
    assert_eq!(run(&mut executor, "PING").text, "PONG");
}

#[test]
fn a_queued_command_has_one_reply() {
    let server = ForeignServer::start();
    let mut executor = executor(&server);
    run(&mut executor, "MULTI");
    assert_eq!(run(&mut executor, "UNSUBSCRIBE a b").text, "QUEUED");
    assert_eq!(run(&mut executor, "DISCARD").text, "OK");
    assert_eq!(run(&mut executor, "PING").text, "PONG");
}

#[test]
fn a_long_reply_is_complete() {
    let server = ForeignServer::start();
    let mut executor = executor(&server);
    let reply = run(&mut executor, "EVAL 'local t={} for i=1,50000 do t[i]=i end return t' 0").text;
    let lines: Vec<&str> = reply.lines().filter(|line| !line.starts_with('(')).collect();
    assert_eq!((lines.len(), lines[49_999]), (50_000, "50000) (integer) 50000"));
}
