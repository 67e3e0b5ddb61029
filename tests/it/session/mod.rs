//! The session at a real pseudo-terminal, as a student sees it.

mod assistance;
mod endings;
mod failures;
mod late;
mod linear;
mod prompt;
mod screens;
mod servers;
mod sizes;
mod ticking;
mod walk;

use std::net::SocketAddr;
use std::time::Duration;

use redis::IntoConnectionInfo as _;
use redislings::server::Client;

use crate::support::terminal::{END, Size, Student, Terminal, USUAL};

const FIRST: &str = "creating-snapshots";

/// Passes the first exercise, and differs from the author's solution.
const RIGHT: &str = r#"import redis

# Mine.
client = redis.Redis(host="localhost", port=6379)
client.save()
client.bgsave()
print("Manual snapshot triggered.")
"#;

const PASSED: &str = "passed; nothing hurries you";

/// Starts where the student stopped.
fn resumes(student: &Student) -> Terminal {
    resumes_on(student, USUAL)
}

fn resumes_on(student: &Student, size: Size) -> Terminal {
    let terminal = student.starts_redislings(size);
    terminal.sees("welcome back");
    terminal
}

/// Turns pages until the text is seen.
fn turns_pages_to(terminal: &mut Terminal, text: &str) {
    for _ in 0..40 {
        let screen = terminal.text();
        if screen.contains(text) {
            return;
        }
        let below = screen.lines().find(|row| row.contains(" more · space"));
        let below = below.unwrap_or_else(|| panic!("no `{text}` up to the end\n{screen}"));
        terminal.presses(" ");
        terminal.sees_no_more(below);
    }
    panic!("no end of pages\n{}", terminal.text());
}

/// Somebody else at the address that the exercise's text names at its end.
fn another_client(terminal: &mut Terminal) -> Client {
    sees_the_address(terminal);
    client_at(address(terminal))
}

/// The text gets its end when a server is found.
fn sees_the_address(terminal: &mut Terminal) {
    let is_there = |terminal: &mut Terminal| {
        terminal.presses(END);
        terminal.comes_to_see("127.0.0.1:")
    };
    assert!((0..10).any(|_| is_there(terminal)), "no address\n{}", terminal.text());
}

/// The address that stands on the screen.
fn address(terminal: &Terminal) -> SocketAddr {
    let screen = terminal.text();
    let address = screen.rsplit("127.0.0.1:").next().unwrap();
    let port: String = address.chars().take_while(char::is_ascii_digit).collect();
    SocketAddr::from(([127, 0, 0, 1], port.parse().unwrap()))
}

fn client_at(address: SocketAddr) -> Client {
    Client::new(format!("redis://{address}").into_connection_info().unwrap())
}

fn asks(client: &mut Client, commands: &[&str]) {
    for command in commands {
        let words: Vec<&str> = command.split(' ').collect();
        client.call(&words, Duration::from_secs(20)).unwrap();
    }
}

/// Opens the Redis prompt.
fn plays(terminal: &mut Terminal) {
    terminal.presses("p");
    terminal.is_asked_for_a_command();
}
