//! Protection against other users, answers and unusual files.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use nix::sys::stat::Mode;
use nix::unistd::{Uid, mkfifo};
use redislings::relay::{Port, Relay};
use redislings::server::Server;

use crate::support::terminal::{ROOMY, Student};
use crate::support::{Ended, Workspace, local_server, local_source, report_skipped};

/// A user id that no user of the machine has, but that root can start programs with.
const STRANGER: &str = "65534";

fn started() -> (Server, Relay) {
    let server = Server::start(&local_source(), &[]).unwrap();
    let relay = Relay::open(Port::Free).unwrap();
    let endpoint = server.endpoint();
    relay.route_to(&endpoint.host, endpoint.port, endpoint.password);
    (server, relay)
}

/// The first lines of the replies to these commands.
fn asks(port: u16, commands: &str, lines: usize) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.write_all(commands.as_bytes()).unwrap();
    let mut replies = String::new();
    let mut reader = BufReader::new(stream);
    for _ in 0..lines {
        assert!(reader.read_line(&mut replies).unwrap() > 0, "{replies}");
    }
    replies
}

/// Whether this test can run programs as another user; if not, reports that it is skipped.
fn can_be_a_stranger(test: &str) -> bool {
    let can = Uid::effective().is_root()
        && Command::new("setpriv")
            .arg("--version")
            .output()
            .is_ok_and(|output| output.status.success());
    if !can {
        report_skipped(test, "it needs root and setpriv");
    }
    can
}

/// The output of a shell script that runs as another user.
fn as_a_stranger(script: &str) -> String {
    let mut command = Command::new("setpriv");
    command.args(["--reuid", STRANGER, "--regid", STRANGER, "--clear-groups"]);
    let output = command.args(["bash", "-c", script]).output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn a_server_port_needs_a_password_that_no_argument_shows() {
    let (server, relay) = started();
    let endpoint = server.endpoint();
    assert!(asks(endpoint.port, "PING\r\n", 1).starts_with("-NOAUTH"));
    assert_eq!(asks(relay.address().port(), "PING\r\n", 1), "+PONG\r\n");
    let processes = Command::new("ps").args(["-A", "-ww", "-o", "args="]).output().unwrap();
    let processes = String::from_utf8_lossy(&processes.stdout).into_owned();
    assert!(!processes.contains(&endpoint.password.unwrap()));
}

#[test]
fn reset_keeps_the_answer_logged_in() {
    let (_server, relay) = started();
    let commands = "SET a 1\r\nRESET\r\nGET a\r\nACL WHOAMI\r\n";
    let said = asks(relay.address().port(), commands, 6);
    assert_eq!(said, "+OK\r\n+RESET\r\n$1\r\n1\r\n$7\r\ndefault\r\n");
    let transcript = relay.timeline();
    assert!(transcript.exchanges.iter().all(|exchange| exchange.words[0] != b"AUTH"));
}

#[test]
fn another_user_of_the_machine_is_refused() {
    if !can_be_a_stranger("another_user_of_the_machine_is_refused") {
        return;
    }
    let (_server, relay) = started();
    let port = relay.address().port();
    let script = format!("exec 3<>/dev/tcp/127.0.0.1/{port}; echo PING >&3; head -n 1 <&3");
    let said = as_a_stranger(&script);
    assert!(said.starts_with("-NOPERM this is another user's lesson"), "{said}");
    assert_eq!(asks(port, "DBSIZE\r\n", 1), ":0\r\n");
}

#[test]
fn the_default_user_loads_no_modules_and_debugs_nothing() {
    let (_server, relay) = started();
    for command in ["DEBUG SLEEP 0", "MODULE LOAD /no/such.so", "MODULE LIST"] {
        let said = asks(relay.address().port(), &format!("{command}\r\n"), 1);
        assert!(said.starts_with('-'), "{command}: {said}");
    }
}

/// Prints whether it has a terminal, and then asks for a password there.
const ASKS: &str = "import getpass, os
try:
    os.open('/dev/tty', os.O_RDWR)
except OSError as error:
    print('no terminal:', error.errno)
print('leader:', os.getsid(0) == os.getpid())
getpass.getpass()
";

#[test]
fn a_program_has_no_terminal() {
    let student = Student::new();
    student.saves("asks.py", ASKS);
    let mut terminal = student.starts_redislings_with(ROOMY, |command| {
        command.args(["check", "creating-snapshots", "answers/asks.py"]);
    });
    terminal.sees("cause: the program asks for input");
    assert_eq!(terminal.ends().exit_code(), 1);
    let screen = terminal.text();
    // ENXIO.
    assert!(screen.contains("no terminal: 6") && screen.contains("leader: True"), "{screen}");
    assert!(!screen.contains("still running"), "{screen}");
}

/// The first solution runs in a fresh process, the second one in a fork.
const LEADERS: &str = r#"# L

## E

```toml exercise
id = "e"
[[check]]
id = "leads"
stdout = "leader"
```

> [!TIP]
> look

```python solution
import redis
import os
print('leader' if os.getsid(0) == os.getpid() else 'follower')
```

```python solution
import redis
import os
print('leader' if os.getsid(0) == os.getpid() else 'no leader')
```
"#;

#[test]
fn a_forked_program_has_no_terminal_either() {
    let workspace = Workspace::new();
    workspace.file("course/1.md", LEADERS);
    let words = ["verify", "--lessons", "course", "--server", local_server(), "--no-mutants"];
    let ended = workspace.run(&words);
    assert_eq!(ended.code, 0, "{ended:?}");
}

#[test]
fn secrets_reach_answers_only_with_pass_env() {
    let workspace = Workspace::new();
    let answer =
        workspace.file("a.py", "import os\nprint('token:', os.environ.get('GITHUB_TOKEN'))\n");
    let check = ["check", "creating-snapshots", answer.to_str().unwrap()];
    let cases: [(&[&str], &str); 2] =
        [(&[], "token: None"), (&["--pass-env", "GITHUB_TOKEN"], "token: sekrit")];
    for (more, expected) in cases {
        let mut command = workspace.command(&[&check[..], more].concat());
        let ended = Ended::from(command.env("GITHUB_TOKEN", "sekrit").output().unwrap());
        assert!(ended.stdout.contains(expected), "{ended:?}");
    }
}

/// A named pipe and a link to an endless device.
fn odd_files(folder: &Path) -> [std::path::PathBuf; 2] {
    let (pipe, endless) = (folder.join("pipe.py"), folder.join("endless.py"));
    mkfifo(&pipe, Mode::S_IRWXU).unwrap();
    symlink("/dev/zero", &endless).unwrap();
    [pipe, endless]
}

#[test]
fn only_a_regular_file_is_an_answer() {
    let workspace = Workspace::new();
    for path in odd_files(&workspace.work()) {
        let ended = workspace.run(&["check", "creating-snapshots", path.to_str().unwrap()]);
        assert_eq!(ended.code, 2, "{ended:?}");
        assert!(ended.stderr.contains("not a regular file"), "{ended:?}");
    }
}

#[test]
fn a_pipe_as_answer_does_not_freeze_the_session() {
    let student = Student::at("creating-snapshots");
    std::fs::create_dir_all(student.path("work/answers")).unwrap();
    mkfifo(&student.path("work/answers/creating-snapshots.py"), Mode::S_IRWXU).unwrap();
    let mut terminal = student.starts_redislings(ROOMY);
    terminal.sees("Creating snapshots");
    terminal.presses("c");
    terminal.sees("not a regular file");
    terminal.presses("q");
    assert_eq!(terminal.ends().exit_code(), 0);
}

#[test]
fn a_report_is_not_written_through_another_users_link() {
    if !can_be_a_stranger("a_report_is_not_written_through_another_users_link") {
        return;
    }
    let workspace = Workspace::new();
    let (mine, link) = (workspace.file("mine", "precious"), workspace.work().join("report.xml"));
    symlink(&mine, &link).unwrap();
    let chown = ["-h", STRANGER, link.to_str().unwrap()];
    assert!(Command::new("chown").args(chown).status().unwrap().success());
    for report in ["junit=report.xml", "jsonl=report.xml"] {
        let words = ["verify", "creating-snapshots/redis/solution-1", "--report", report];
        let ended = workspace.run(&words);
        assert_eq!(ended.code, 3, "{ended:?}");
        assert!(ended.stderr.contains("a link that another user has made"), "{ended:?}");
    }
    assert_eq!(std::fs::read_to_string(mine).unwrap(), "precious");
}
