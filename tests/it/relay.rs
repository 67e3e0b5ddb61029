//! The relay in front of real servers, and in front of one that sends arbitrary bytes.

use std::io::{BufRead as _, BufReader, Read as _, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use portable_pty::{CommandBuilder, MasterPty, PtySize, native_pty_system};
use redislings::redis_cli::reply;
use redislings::relay::{CommandOutcome, Exchange, Gate, Port, Relay, Timeline};
use redislings::server::Server;
use redislings::server::source::on_path;

use crate::support::redis_server::{ForeignServer, USUAL_PORT};
use crate::support::{DEADLINE, Workspace, local_source, report_skipped, wait_until};

/// A fresh server and a relay to it.
fn fixture() -> (Server, Relay) {
    let server = Server::start(&local_source(), &[]).unwrap();
    let relay = Relay::open(Port::Free).unwrap();
    route(&relay, &server);
    (server, relay)
}

fn route(relay: &Relay, server: &Server) {
    let endpoint = server.endpoint();
    relay.route_to(&endpoint.host, endpoint.port, endpoint.password);
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream
}

/// Sends the text and reads as many bytes as are expected.
fn exchange(stream: &mut TcpStream, sent: &str, expected: &str) {
    stream.write_all(sent.as_bytes()).unwrap();
    expect(stream, expected);
}

fn expect(stream: &mut TcpStream, expected: &str) {
    let mut got = vec![0; expected.len()];
    stream.read_exact(&mut got).unwrap();
    assert_eq!(String::from_utf8_lossy(&got), expected);
}

/// The exchanges as `SET k v → OK`.
fn lines(transcript: &Timeline) -> Vec<String> {
    transcript.exchanges.iter().map(line).collect()
}

fn line(exchange: &Exchange) -> String {
    let words: Vec<_> = exchange.words.iter().map(|word| String::from_utf8_lossy(word)).collect();
    let reply = match &exchange.reply {
        Some(reply) => reply::format(&reply.value),
        None => "-".to_owned(),
    };
    format!("{} → {reply}", words.join(" "))
}

#[test]
fn arbitrary_bytes_pass_unchanged() {
    let echo = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let relay = Relay::open(Port::Free).unwrap();
    relay.route_to("127.0.0.1", echo.local_addr().unwrap().port(), None);
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
    let mut client = connect(relay.address());
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
fn a_reply_that_is_held_while_its_connection_is_closed_never_comes() {
    let (_server, relay) = fixture();
    for _ in 0..20 {
        let gate = Arc::new(Gate::default());
        gate.look_before(false);
        gate.shut();
        relay.begin();
        relay.hold_at(Arc::clone(&gate));
        let mut client = connect(relay.address());
        client.write_all(b"PING\r\n").unwrap();
        wait_until("the reply is held", || gate.has_waiters());
        // As a kill of the server does, before the reply may pass.
        relay.connections().close();
        gate.open();
        let mut got = Vec::new();
        let _ = client.read_to_end(&mut got);
        assert_eq!(String::from_utf8_lossy(&got), "");
    }
}

/// A relay with a subscriber, and the server's end of its connection.
fn subscriber() -> (Relay, TcpStream, TcpStream) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let relay = Relay::open(Port::Free).unwrap();
    relay.route_to("127.0.0.1", listener.local_addr().unwrap().port(), None);
    relay.begin();
    let mut client = connect(relay.address());
    client.write_all(b"SUBSCRIBE orders\r\n").unwrap();
    let (mut server, _) = listener.accept().unwrap();
    let confirmation = "*3\r\n$9\r\nsubscribe\r\n$6\r\norders\r\n:1\r\n";
    exchange(&mut server, confirmation, "SUBSCRIBE orders\r\n");
    expect(&mut client, confirmation);
    (relay, client, server)
}

#[test]
fn messages_that_come_after_their_client_has_ended_are_recorded() {
    let (relay, client, mut server) = subscriber();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            server.read_to_end(&mut Vec::new()).unwrap();
            for _ in 0..3 {
                let before = relay.traffic();
                server.write_all(b"*3\r\n$7\r\nmessage\r\n$6\r\norders\r\n$4\r\npaid\r\n").unwrap();
                while relay.traffic() == before {
                    std::thread::yield_now();
                }
            }
            drop(server);
        });
        drop(client);
        relay.end();
    });
    let timeline = relay.timeline();
    // A busy machine may take too long for them. Then nobody may rely on what is there.
    assert!(timeline.messages.len() == 3 || timeline.messages_left_out > 0, "{timeline:?}");
}

#[test]
fn a_server_that_does_not_close_the_connection_may_have_sent_more() {
    let (relay, client, _server) = subscriber();
    drop(client);
    relay.end();
    assert_eq!(relay.timeline().messages_left_out, 1);
}

/// How much a server can send to a client that reads nothing.
fn taken_of_a_sender(sender: &TcpListener, address: SocketAddr) -> usize {
    let _client = connect(address);
    let (mut stream, _) = sender.accept().unwrap();
    // Long enough for a busy machine to pass on what it can.
    stream.set_write_timeout(Some(Duration::from_secs(1))).unwrap();
    let (piece, mut taken) = (vec![b'+'; 64 * 1024], 0);
    while let Ok(count) = stream.write(&piece) {
        taken += count;
    }
    taken
}

#[test]
fn a_client_that_reads_nothing_fills_the_relay_soon() {
    let sender = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = sender.local_addr().unwrap();
    let relay = Relay::open(Port::Free).unwrap();
    relay.route_to("127.0.0.1", address.port(), None);
    let direct = taken_of_a_sender(&sender, address);
    let relayed = taken_of_a_sender(&sender, relay.address());
    assert!(relayed < direct + (5 << 20), "{relayed} bytes, and {direct} without a relay");
}

#[test]
fn pipelines_transactions_and_errors_are_in_the_transcript() {
    let (_server, relay) = fixture();
    relay.begin();
    let mut client = connect(relay.address());
    exchange(
        &mut client,
        "SET k v\r\nINCR k\r\nMULTI\r\nSET a 1\r\nEXEC\r\n",
        "+OK\r\n-ERR value is not an integer or out of range\r\n+OK\r\n+QUEUED\r\n*1\r\n+OK\r\n",
    );
    let seen = relay.timeline();
    let outcomes: Vec<CommandOutcome> =
        seen.exchanges.iter().map(|exchange| exchange.outcome).collect();
    assert_eq!(lines(&seen)[1], "INCR k → (error) ERR value is not an integer or out of range");
    let (done, refused) = (CommandOutcome::Done, CommandOutcome::Refused);
    assert_eq!(outcomes, [done, refused, done, done, done]);
}

fn read_until(reader: &mut BufReader<TcpStream>, end: &str) -> String {
    let mut text = String::new();
    while !text.ends_with(end) {
        assert!(reader.read_line(&mut text).unwrap() > 0, "closed after {text}");
    }
    text
}

#[test]
fn resp3_pushes_and_a_blocked_client_pass() {
    let (_server, relay) = fixture();
    let (mut listener, mut other) = (connect(relay.address()), connect(relay.address()));
    listener.write_all(b"HELLO 3\r\nSUBSCRIBE news\r\n").unwrap();
    let mut reader = BufReader::new(listener.try_clone().unwrap());
    assert!(read_until(&mut reader, ":1\r\n").contains("$9\r\nsubscribe\r\n"));
    exchange(&mut other, "PUBLISH news hi\r\n", ":1\r\n");
    assert!(read_until(&mut reader, "hi\r\n").contains(">3\r\n$7\r\nmessage\r\n"));

    let mut blocked = connect(relay.address());
    blocked.write_all(b"BLPOP list 0\r\n").unwrap();
    exchange(&mut other, "RPUSH list x\r\n", ":1\r\n");
    expect(&mut blocked, "*2\r\n$4\r\nlist\r\n$1\r\nx\r\n");
}

#[test]
fn a_connection_that_the_server_closed_is_told_from_one_that_its_client_ended() {
    let (_server, relay) = fixture();
    relay.begin();
    let mut killed = BufReader::new(connect(relay.address()));
    killed.get_mut().write_all(b"CLIENT ID\r\n").unwrap();
    let id = read_until(&mut killed, "\r\n");
    let mut other = connect(relay.address());
    let kill = format!("CLIENT KILL ID {}\r\n", id.trim_start_matches(':').trim());
    exchange(&mut other, &kill, ":1\r\n");
    drop(other);
    wait_until("the connection is cut off", || !relay.timeline().cut_off.is_empty());
    assert_eq!(relay.timeline().cut_off.into_keys().collect::<Vec<u32>>(), [1]);
}

#[test]
fn replies_that_a_client_has_read_are_in_the_transcript() {
    let (_server, relay) = fixture();
    let mut client = connect(relay.address());
    for number in 0..200 {
        relay.begin();
        exchange(&mut client, &format!("SET k {number}\r\n"), "+OK\r\n");
        assert_eq!(lines(&relay.timeline()), [format!("SET k {number} → OK")]);
    }
}

/// A `redis-cli` at its prompt in a terminal of its own: in a pipe it prints nothing before it
/// ends.
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
        // Plain lines without editing, and no history.
        command.env("TERM", "dumb");
        command.env("REDISCLI_HISTFILE", "/dev/null");
        let child = pair.slave.spawn_command(command).unwrap();
        let mut screen = pair.master.try_clone_reader().unwrap();
        let (sender, printed) = channel();
        std::thread::Builder::new()
            .spawn(move || {
                let mut buffer = [0; 4096];
                while let Ok(count @ 1..) = screen.read(&mut buffer) {
                    if sender.send(buffer[..count].to_vec()).is_err() {
                        break;
                    }
                }
            })
            .unwrap();
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

    /// Types a line and returns the first line of the reply.
    fn ask(&mut self, line: &str) -> String {
        writeln!(self.keyboard, "{line}").unwrap();
        let shown = self.until_the_prompt();
        // The terminal echoes what was typed.
        shown.lines().map(str::trim).find(|row| !row.is_empty() && *row != line).unwrap().to_owned()
    }
}

impl Drop for RedisCli {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Crashes the server ten times while one client stays connected to the relay.
fn crash_ten_times(server: &mut Server) {
    let relay = Relay::open(Port::Free).unwrap();
    route(&relay, server);
    let mut cli = RedisCli::at(relay.address());
    for round in 1..=10 {
        assert_eq!(cli.ask(&format!("SET round {round}")), "OK");
        assert_eq!(cli.ask("SAVE"), "OK");
        assert_eq!(cli.ask(&format!("SET lost {round}")), "OK");
        server.kill().unwrap();
        relay.disconnect();
        server.restart(&[]).unwrap();
        route(&relay, server);
        // As without the relay: redis-cli finds its connection closed and connects again for the
        // next line.
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
    crash_ten_times(&mut Server::start(&local_source(), &[]).unwrap());
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
fn a_client_without_a_server_is_disconnected() {
    let relay = Relay::open(Port::Free).unwrap();
    let mut client = connect(relay.address());
    let mut nothing = Vec::new();
    assert!(client.read_to_end(&mut nothing).is_ok() && nothing.is_empty());
}

fn free_port() -> Port {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    Port::This(listener.local_addr().unwrap().port())
}

#[test]
fn the_usual_port_is_used_only_if_it_is_free() {
    let _usual = USUAL_PORT.lock();
    if TcpListener::bind(("127.0.0.1", 6379)).is_err() {
        let name = "the_usual_port_is_used_only_if_it_is_free";
        report_skipped(name, "port 6379 is taken");
        return;
    }
    assert!(!Relay::open(free_port()).unwrap().usual_port_is_taken());
    let relay = Relay::open(Port::Usual).unwrap();
    assert_eq!((relay.address().port(), relay.usual_port_is_taken()), (6379, false));
    let other = Relay::open(Port::Usual).unwrap();
    assert!(other.address().port() != 6379 && other.usual_port_is_taken());
    // A port that the user names is checked too; a free port has nothing to do with 6379.
    assert!(Relay::open(free_port()).unwrap().usual_port_is_taken());
    assert!(!Relay::open(Port::Free).unwrap().usual_port_is_taken());
    drop(relay);
    let foreign = ForeignServer::start_on(6379);
    let before = foreign.connections();
    assert!(Relay::open(Port::Usual).unwrap().usual_port_is_taken());
    assert_eq!(foreign.connections(), before + 1, "the foreign Redis was asked");
}

#[test]
fn a_port_in_use_is_an_environment_error() {
    let held = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let error = Relay::open(Port::This(held.local_addr().unwrap().port())).unwrap_err();
    assert!(error.fact.contains("cannot listen on 127.0.0.1:"), "{error:?}");
}

/// On a busy machine, transferring half a gigabyte twice takes longer than the usual ten seconds.
const LONG_LIMIT: &str = r#"# L

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
fn a_512_mb_value_passes_in_little_memory() {
    // SETRANGE makes a value of the largest size that Redis allows.
    let answer = "
import os, socket
def memory():
    with open(f'/proc/{os.getppid()}/status') as status:
        return next(int(line.split()[1]) for line in status if line.startswith('VmHWM'))
before = memory()
client = socket.create_connection(('localhost', 6379))
client.sendall(b'SETRANGE big 536870911 x\\r\\nGET big\\r\\nSAVE\\r\\nBGSAVE\\r\\n')
left = len(b':536870912\\r\\n$536870912\\r\\n') + 536870912 + \
        len(b'\\r\\n+OK\\r\\n+Background saving started\\r\\n')
while left > 0:
    left -= len(client.recv(min(left, 1 << 20)))
print('grown by', (memory() - before) // 1024, 'MB')
print('Manual snapshot triggered.')
";
    let workspace = Workspace::new();
    let (path, lesson) =
        (workspace.file("big.py", answer), workspace.file("lessons/1.md", LONG_LIMIT));
    let words = ["check", "e", path.to_str().unwrap(), "--lessons", lesson.to_str().unwrap()];
    let ended = workspace.run(&words);
    assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
    let grown = ended.stdout.split("grown by ").nth(1).and_then(|text| text.split(' ').next());
    let grown: u64 = grown.unwrap().parse().unwrap();
    assert!(grown < 40, "grown by {grown} MB");
}
