//! The session at a real pseudo-terminal, as a student sees it.

mod assistance;
mod cancelling;
mod endings;
mod failures;
mod late;
mod pages;
mod linear;
mod prompt;
mod saves;
mod screens;
mod servers;
mod sizes;
mod stops;
mod ticking;
mod walk;

use std::net::SocketAddr;
use std::time::Duration;

use redis::{IntoConnectionInfo as _, Value};
use redislings::server::Client;

use crate::support::terminal::{Size, Student, Terminal, USUAL};
use crate::support::{DEADLINE, wait_until};

const FIRST: &str = "creating-snapshots";

/// Passes the first exercise, but differs from the author's solution.
const RIGHT: &str = r#"import redis

# Mine.
client = redis.Redis(host="localhost", port=6379)
client.save()
client.bgsave()
print("Manual snapshot triggered.")
"#;

/// An exercise whose checks, except one, can be judged while a student works on its server.
const SAVING: &str = "# Saving\n\n\
    ## Saving twice\n\n\
    Save in both ways.\n\n\
    ```toml exercise\n\
    id = \"saving-twice\"\n\n\
    [server]\n\
    rdb-key-save-delay = 100000\n\n\
    [[check]]\n\
    id = \"save\"\n\
    says = \"SAVE took a snapshot\"\n\
    calls = { save = \">= 1\" }\n\n\
    [[check]]\n\
    id = \"bgsave\"\n\
    says = \"BGSAVE began a snapshot\"\n\
    calls = { bgsave = \">= 1\" }\n\n\
    [[check]]\n\
    id = \"well\"\n\
    says = \"the background save ended well\"\n\
    info = { rdb_last_bgsave_status = \"ok\", rdb_bgsave_in_progress = 0 }\n\
    needs = [\"bgsave\"]\n\n\
    [[check]]\n\
    id = \"says-so\"\n\
    says = \"the program prints `Saved.`\"\n\
    stdout = \"Saved.\"\n\
    ```\n\n\
    ```redis setup\n\
    MSET order:1001 paid order:1002 paid order:1003 paid\n\
    ```\n\n\
    > [!TIP]\n\
    > look\n\n\
    ```python solution\n\
    import redis\n\
    client = redis.Redis()\n\
    client.save()\n\
    client.bgsave()\n\
    print(\"Saved.\")\n\
    ```\n\n\
    ```redis solution\n\
    SAVE\n\
    BGSAVE\n\
    ```\n";

/// Opens [`SAVING`].
fn opens_saving(student: &Student) -> Terminal {
    let folder = student.path("work/course");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("01-saving.md"), SAVING).unwrap();
    let mut terminal = student.starts_redislings_with(USUAL, |command| {
        command.env("REDISLINGS_LESSONS", folder.as_os_str());
    });
    terminal.sees("Welcome to redislings");
    terminal.presses("n");
    terminal.sees("Save in both ways.");
    terminal
}

/// What comes before the port of the exercise's server.
const CLIENT: &str = "redis-cli -p ";

const PASSED: &str = "compares with the solution";

/// Starts a session where the student stopped.
fn resumes(student: &Student) -> Terminal {
    resumes_on(student, USUAL)
}

fn resumes_on(student: &Student, size: Size) -> Terminal {
    let terminal = student.starts_redislings(size);
    terminal.sees("welcome back");
    terminal
}

/// The same for a student who has passed an exercise: the session first offers questions.
fn resumes_without_questions(student: &Student) -> Terminal {
    let mut terminal = student.starts_redislings(USUAL);
    skips_the_questions(&mut terminal);
    terminal
}

fn skips_the_questions(terminal: &mut Terminal) {
    terminal.sees("no grades");
    // Once the server is named: a key removes the line, and nothing brings it back later.
    terminal.sees("server: ");
    terminal.presses("n");
    terminal.sees_no_more("no grades");
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

/// Another client, at the address below the exercise's text.
fn another_client(terminal: &mut Terminal) -> Client {
    sees_the_address(terminal);
    client_at(address(terminal))
}

/// Another client there, once the server gives this answer: for a moment, the server of the
/// previous step may still be there.
fn on_the_server_with(terminal: &mut Terminal, question: &[&str], answer: &Value) -> Client {
    sees_the_address(terminal);
    let mut client = client_at(address(terminal));
    wait_until("the step's own server answers", || {
        let is_there = client.call(question, DEADLINE).is_ok_and(|reply| reply == *answer);
        if !is_there {
            client = client_at(address(terminal));
        }
        is_there
    });
    client
}

/// Waits for the address below the text. It appears when the server is ready.
fn sees_the_address(terminal: &Terminal) {
    terminal.sees(CLIENT);
}

/// The address on the screen or at the prompt.
fn address(terminal: &Terminal) -> SocketAddr {
    let screen = terminal.text();
    let mut after = [CLIENT, "127.0.0.1:"].into_iter().filter_map(|mark| screen.rsplit_once(mark));
    let port = after.next().unwrap().1.chars().take_while(char::is_ascii_digit);
    SocketAddr::from(([127, 0, 0, 1], port.collect::<String>().parse().unwrap()))
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
fn opens_the_prompt(terminal: &mut Terminal) {
    terminal.presses("p");
    terminal.is_asked_for_a_command();
}
