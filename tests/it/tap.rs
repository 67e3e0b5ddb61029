//! The tap before real servers, and before one that talks nonsense.

use std::io::{BufRead as _, BufReader, Read as _, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use portable_pty::{CommandBuilder, MasterPty, PtySize, native_pty_system};
use redislings::redis_cli::reply;
use redislings::server::source::{choose, on_path};
use redislings::server::{Server, Source, Wanted};
use redislings::tap::{Outcome, Port, Tap, Transcript};

use crate::support::redis_server::{ForeignServer, USUAL_PORT};
use crate::support::{DEADLINE, Place, local_server};

fn source() -> Source {
    let wanted = if local_server() == "process" { Wanted::Process } else { Wanted::Bundled };
    choose(&wanted, "", &|_| ()).unwrap().source
}

/// A fresh server and a tap that leads to it.
fn stand() -> (Server, Tap) {
    let server = Server::start(&source(), &[]).unwrap();
    let tap = Tap::open(Port::Free).unwrap();
    lead(&tap, &server);
    (server, tap)
}

fn lead(tap: &Tap, server: &Server) {
    let endpoint = server.endpoint();
    tap.lead_to(&endpoint.host, endpoint.port, endpoint.password);
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream
}

/// Sends all of it and reads as many bytes as are expected.
fn exchange(stream: &mut TcpStream, sent: &str, expected: &str) {
    stream.write_all(sent.as_bytes()).unwrap();
    expect(stream, expected);
}

fn expect(stream: &mut TcpStream, expected: &str) {
    let mut got = vec![0; expected.len()];
    stream.read_exact(&mut got).unwrap();
    assert_eq!(String::from_utf8_lossy(&got), expected);
}

/// `SET k v → OK`.
fn lines(transcript: &Transcript) -> Vec<String> {
    let line = |exchange: &redislings::tap::Exchange| {
        let words: Vec<_> =
            exchange.words.iter().map(|word| String::from_utf8_lossy(word)).collect();
        let reply = exchange.reply.as_ref().map_or("-".to_owned(), |it| reply::format(&it.value));
        format!("{} → {reply}", words.join(" "))
    };
    transcript.exchanges.iter().map(line).collect()
}

#[test]
fn bytes_pass_unchanged_also_when_they_mean_nothing() {
    let echo = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let tap = Tap::open(Port::Free).unwrap();
    tap.lead_to("127.0.0.1", echo.local_addr().unwrap().port(), None);
    let echoing = std::thread::Builder::new().spawn(move || {
        let (mut stream, _) = echo.accept().unwrap();
        let mut copy = stream.try_clone().unwrap();
        std::io::copy(&mut stream, &mut copy).unwrap();
    });
    let mut seed = 7_u32;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        seed.to_be_bytes()[0]
    })
    .take(300_000)
    .collect();
    let mut client = connect(tap.address());
    let mut writer = client.try_clone().unwrap();
    let sent = noise.clone();
    let writing = std::thread::Builder::new().spawn(move || {
        writer.write_all(&sent).unwrap();
        writer.shutdown(std::net::Shutdown::Write).unwrap();
    });
    let mut got = Vec::new();
    client.read_to_end(&mut got).unwrap();
    assert!(got == noise, "{} of {} bytes came back", got.len(), noise.len());
    writing.unwrap().join().unwrap();
    echoing.unwrap().join().unwrap();
}

#[test]
fn pipelines_transactions_and_errors_stand_in_the_transcript() {
    let (_server, tap) = stand();
    tap.begin();
    let mut client = connect(tap.address());
    exchange(
        &mut client,
        "SET k v\r\nINCR k\r\nMULTI\r\nSET a 1\r\nEXEC\r\n",
        "+OK\r\n-ERR value is not an integer or out of range\r\n+OK\r\n+QUEUED\r\n*1\r\n+OK\r\n",
    );
    let seen = tap.transcript();
    let outcomes: Vec<Outcome> = seen.exchanges.iter().map(|it| it.outcome).collect();
    assert_eq!(lines(&seen)[1], "INCR k → (error) ERR value is not an integer or out of range");
    let (done, refused) = (Outcome::Done, Outcome::Refused);
    assert_eq!(outcomes, [done, refused, done, done, done]);
}

#[test]
fn resp3_pushes_and_a_blocked_client_pass() {
    let (_server, tap) = stand();
    let (mut listener, mut other) = (connect(tap.address()), connect(tap.address()));
    listener.write_all(b"HELLO 3\r\nSUBSCRIBE news\r\n").unwrap();
    let mut reader = BufReader::new(listener.try_clone().unwrap());
    let mut until = |end: &str| {
        let mut text = String::new();
        while !text.ends_with(end) {
            assert!(reader.read_line(&mut text).unwrap() > 0, "closed after {text}");
        }
        text
    };
    assert!(until(":1\r\n").contains("$9\r\nsubscribe\r\n"));
    exchange(&mut other, "PUBLISH news hi\r\n", ":1\r\n");
    assert!(until("hi\r\n").contains(">3\r\n$7\r\nmessage\r\n"));

    let mut blocked = connect(tap.address());
    blocked.write_all(b"BLPOP list 0\r\n").unwrap();
    exchange(&mut other, "RPUSH list x\r\n", ":1\r\n");
    expect(&mut blocked, "*2\r\n$4\r\nlist\r\n$1\r\nx\r\n");
}

#[test]
fn what_a_client_has_read_stands_in_the_transcript() {
    let (_server, tap) = stand();
    let mut client = connect(tap.address());
    for number in 0..200 {
        tap.begin();
        exchange(&mut client, &format!("SET k {number}\r\n"), "+OK\r\n");
        assert_eq!(lines(&tap.transcript()), [format!("SET k {number} → OK")]);
    }
}

/// A `redis-cli` that stays at its prompt, in a terminal of its own: in a pipe it prints nothing before its end.
struct RedisCli {
    child: Box<dyn portable_pty::Child + Send + Sync>,
    keyboard: Box<dyn Write + Send>,
    printed: Receiver<Vec<u8>>,
    _terminal: Box<dyn MasterPty + Send>,
}

impl RedisCli {
    fn at(address: SocketAddr) -> Self {
        let pair = native_pty_system().openpty(PtySize::default()).unwrap();
        let mut command = CommandBuilder::new("redis-cli");
        command.args(["-h", "127.0.0.1", "-p", &address.port().to_string()]);
        // Plain lines, no editing; and nobody's history.
        command.env("TERM", "dumb");
        command.env("REDISCLI_HISTFILE", "/dev/null");
        let child = pair.slave.spawn_command(command).unwrap();
        let mut screen = pair.master.try_clone_reader().unwrap();
        let (sender, printed) = channel();
        let read = move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = screen.read(&mut buffer) {
                if sender.send(buffer[..count].to_vec()).is_err() {
                    break;
                }
            }
        };
        std::thread::Builder::new().spawn(read).unwrap();
        let keyboard = pair.master.take_writer().unwrap();
        let mut cli = Self { child, keyboard, printed, _terminal: pair.master };
        cli.until_the_prompt();
        cli
    }

    fn until_the_prompt(&mut self) -> String {
        let mut text = String::new();
        while !text.ends_with("> ") {
            let piece = self.printed.recv_timeout(DEADLINE);
            let piece = piece.unwrap_or_else(|_| panic!("no prompt after {text:?}"));
            text.push_str(&String::from_utf8_lossy(&piece));
        }
        text
    }

    /// Types a line; gives the first line of the reply.
    fn ask(&mut self, line: &str) -> String {
        writeln!(self.keyboard, "{line}").unwrap();
        let shown = self.until_the_prompt();
        // The terminal echoes what was typed.
        shown.lines().map(str::trim).find(|it| !it.is_empty() && *it != line).unwrap().to_owned()
    }
}

impl Drop for RedisCli {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Ten crashes under the eyes of one client.
fn crash_ten_times(server: &mut Server) {
    let tap = Tap::open(Port::Free).unwrap();
    lead(&tap, server);
    let mut cli = RedisCli::at(tap.address());
    for round in 1..=10 {
        assert_eq!(cli.ask(&format!("SET round {round}")), "OK");
        assert_eq!(cli.ask("SAVE"), "OK");
        assert_eq!(cli.ask(&format!("SET lost {round}")), "OK");
        server.kill().unwrap();
        tap.lead_nowhere();
        server.restart().unwrap();
        lead(&tap, server);
        // As without the tap: redis-cli finds its connection closed, and connects anew for the next line.
        cli.ask("PING");
        assert_eq!(cli.ask("GET round"), format!("\"{round}\""));
        assert_eq!(cli.ask("EXISTS lost"), "(integer) 0");
    }
}

#[test]
fn a_redis_cli_stays_at_one_address_while_its_server_crashes_ten_times() {
    if on_path("redis-cli").is_none() {
        // `.ci/run` installs one with the server.
        return;
    }
    crash_ten_times(&mut Server::start(&source(), &[]).unwrap());
}

#[test]
fn a_redis_cli_stays_at_one_address_while_its_container_crashes_ten_times() {
    let name = "a_redis_cli_stays_at_one_address_while_its_container_crashes_ten_times";
    let Some(image) = crate::support::image::for_test(name) else { return };
    if on_path("redis-cli").is_some() {
        let source = crate::support::image::source(image);
        crash_ten_times(&mut Server::start(&source, &[]).unwrap());
    }
}

#[test]
fn a_client_without_a_server_is_let_go() {
    let tap = Tap::open(Port::Free).unwrap();
    let mut client = connect(tap.address());
    let mut nothing = Vec::new();
    assert!(client.read_to_end(&mut nothing).is_ok() && nothing.is_empty());
}

#[test]
fn the_usual_port_is_taken_where_it_is_free_and_left_where_it_is_not() {
    let _usual = USUAL_PORT.lock();
    if TcpListener::bind(("127.0.0.1", 6379)).is_err() {
        let name = "the_usual_port_is_taken_where_it_is_free_and_left_where_it_is_not";
        let _ = writeln!(std::io::stderr(), "skipped: {name}: port 6379 is taken");
        return;
    }
    let free_port = || {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        Port::This(listener.local_addr().unwrap().port())
    };
    assert!(!Tap::open(free_port()).unwrap().usual_port_is_taken());
    let tap = Tap::open(Port::Usual).unwrap();
    assert_eq!((tap.address().port(), tap.usual_port_is_taken()), (6379, false));
    let other = Tap::open(Port::Usual).unwrap();
    assert!(other.address().port() != 6379 && other.usual_port_is_taken());
    // Who names a port of their own is told too; who wants any has nothing to do with 6379.
    assert!(Tap::open(free_port()).unwrap().usual_port_is_taken());
    assert!(!Tap::open(Port::Free).unwrap().usual_port_is_taken());
    drop(tap);
    let foreign = ForeignServer::start_on(6379);
    let connections = || {
        let stats = foreign.ask(&["INFO", "stats"]);
        let line = stats.lines().find_map(|it| it.strip_prefix("total_connections_received:"));
        line.unwrap().trim().parse::<u32>().unwrap()
    };
    let before = connections();
    assert!(Tap::open(Port::Usual).unwrap().usual_port_is_taken());
    assert_eq!(connections(), before + 1, "somebody else's Redis was asked");
}

#[test]
fn a_port_that_is_taken_is_the_worlds_fault() {
    let held = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let error = Tap::open(Port::This(held.local_addr().unwrap().port())).unwrap_err();
    assert!(error.fact.contains("cannot listen on 127.0.0.1:"), "{error:?}");
}

/// Twice half a gigabyte takes more than the usual ten seconds on a busy machine.
const PATIENT: &str = r#"# L

## E

```toml exercise
id = "e"
time_limit = "100s"
[[check]]
id = "saved"
calls = { save = ">= 1" }
```

> [!TIP]
> look

```python solution
import redis
redis.Redis().save()
```
"#;

#[test]
fn a_value_of_512_mb_passes_and_redislings_stays_small() {
    // SETRANGE makes a value of the largest size that Redis allows.
    let answer = "
import os, socket
def memory():
    with open(f'/proc/{os.getppid()}/status') as status:
        return next(int(line.split()[1]) for line in status if line.startswith('VmHWM'))
before = memory()
client = socket.create_connection(('localhost', 6379))
client.sendall(b'SETRANGE big 536870911 x\\r\\nGET big\\r\\nSAVE\\r\\nBGSAVE\\r\\n')
left = len(b':536870912\\r\\n$536870912\\r\\n') + 536870912 + len(b'\\r\\n+OK\\r\\n+Background saving started\\r\\n')
while left > 0:
    left -= len(client.recv(min(left, 1 << 20)))
print('grown by', (memory() - before) // 1024, 'MB')
print('Manual snapshot triggered.')
";
    let place = Place::new();
    let (path, lesson) = (place.file("big.py", answer), place.file("lessons/1.md", PATIENT));
    let words = ["check", "e", path.to_str().unwrap(), "--lessons", lesson.to_str().unwrap()];
    let ended = place.run(&words);
    assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
    let grown = ended.stdout.split("grown by ").nth(1).and_then(|text| text.split(' ').next());
    let grown: u64 = grown.unwrap().parse().unwrap();
    assert!(grown < 40, "grown by {grown} MB");
}
