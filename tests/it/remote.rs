//! An engine on another machine: here the local engine behind a TCP forwarder on an address other
//! than 127.0.0.1.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Shutdown, TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::UnixStream;
use std::process::{Child, Stdio};
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::{Ended, Workspace, image, unmet, wait_until};

/// The URL of the engine over TCP, for as long as the tests run.
fn engine_at(address: IpAddr) -> String {
    let listener = TcpListener::bind((address, 0)).unwrap();
    let url = format!("tcp://{}", listener.local_addr().unwrap());
    in_background(move || {
        for client in listener.incoming().flatten() {
            forward(client, UnixStream::connect(image::engine_socket()).unwrap());
        }
    });
    url
}

fn forward(client: TcpStream, engine: UnixStream) {
    let (from_client, to_engine) = (client.try_clone().unwrap(), engine.try_clone().unwrap());
    in_background(move || {
        let _ = std::io::copy(&mut &from_client, &mut &to_engine);
        let _ = to_engine.shutdown(Shutdown::Write);
    });
    in_background(move || {
        let _ = std::io::copy(&mut &engine, &mut &client);
        let _ = client.shutdown(Shutdown::Both);
    });
}

fn in_background(work: impl FnOnce() + Send + 'static) {
    thread::Builder::new().name("forward".into()).spawn(work).unwrap();
}

/// An address of this machine other than 127.0.0.1, with or without a network.
fn an_address_of_this_machine() -> IpAddr {
    match outgoing_address() {
        Ok(address) if !address.is_loopback() => address,
        _ => IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2)),
    }
}

/// The local address of packets to the Internet. Nothing is sent: connecting a UDP socket only
/// chooses the route.
fn outgoing_address() -> std::io::Result<IpAddr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9))?;
    Ok(socket.local_addr()?.ip())
}

struct Remote {
    workspace: Workspace,
    engine: String,
    address: IpAddr,
    image: &'static str,
}

impl Remote {
    fn new(test: &str) -> Option<Self> {
        Self::at(an_address_of_this_machine(), test)
    }

    fn at(address: IpAddr, test: &str) -> Option<Self> {
        let image = image::for_test(test)?;
        Some(Self { workspace: Workspace::new(), engine: engine_at(address), address, image })
    }

    fn command(&self, exercise: &str, name: &str, answer: &str) -> std::process::Command {
        let path = self.workspace.file(name, answer);
        let arguments = ["check", exercise, path.to_str().unwrap(), "--format", "json"];
        let mut command = self.workspace.command(&arguments);
        command.args(["--server", "container", "--image", self.image]);
        command.env("DOCKER_HOST", &self.engine).stdin(Stdio::null());
        command
    }

    /// Calls `look` with the id of the container while a server runs in it.
    fn while_a_server_runs(&self, look: impl Fn(&str)) {
        let slow = "import redis, time\nredis.Redis().set('a', '1')\ntime.sleep(300)\n";
        // The time limit of this exercise is long enough to look.
        let mut command = self.command("save-blocks-everyone", "slow.py", slow);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        wait_until("a server answers", || {
            // On a busy machine the time limit may end it too early.
            if child.try_wait().unwrap().is_some() {
                child = command.spawn().unwrap();
            }
            self.containers().first().is_some_and(|id| !answers(self, id).is_empty())
        });
        let id = self.containers().remove(0);
        look(&id);
        end(&mut child);
        wait_until("the container is gone", || !image::exists(&id));
    }

    /// The containers of the session that runs in this workspace.
    fn containers(&self) -> Vec<String> {
        for name in self.workspace.leftovers() {
            if name.starts_with("redislings-") {
                return image::containers_of(&name);
            }
        }
        Vec::new()
    }

    fn check(&self, exercise: &str, name: &str, answer: &str) -> (serde_json::Value, String) {
        let output = self.command(exercise, name, answer).output().unwrap();
        let Ended { stdout, stderr, .. } = Ended::from(output);
        let json = serde_json::from_str(&stdout);
        (json.unwrap_or_else(|error| panic!("{error} in: {stdout}{stderr}")), stdout)
    }
}

#[test]
fn an_answer_needs_no_password_and_sees_none() {
    let Some(remote) = Remote::new("an_answer_needs_no_password_and_sees_none") else { return };
    let answer = "import redis\nclient = redis.Redis(host='localhost', port=6379)\nclient.save()\n\
        client.bgsave()\nprint('Manual snapshot triggered.')\n";
    for (name, text) in [("a.py", answer), ("a.redis", "SAVE\nBGSAVE\n")] {
        let (verdict, text) = remote.check("creating-snapshots", name, text);
        assert_eq!(verdict["outcome"], "passed", "{verdict:#}");
        assert!(text.contains("BGSAVE") && !text.to_uppercase().contains("AUTH"), "{text}");
    }
}

#[test]
fn a_crash_at_a_remote_engine_loses_what_was_not_saved() {
    let name = "a_crash_at_a_remote_engine_loses_what_was_not_saved";
    let Some(remote) = Remote::new(name) else { return };
    let paid = "SET order:1001 paid\nSET order:1002 paid\nSET order:1003 paid\n";
    let exercise = "trigger-snapshots-manually";
    let (verdict, _) = remote.check(exercise, "a.redis", &format!("{paid}SAVE\n"));
    assert_eq!(verdict["outcome"], "passed", "{verdict:#}");
    let (verdict, _) = remote.check(exercise, "a.redis", &format!("SAVE\n{paid}"));
    assert_eq!(unmet(&verdict), ["orders-survive-the-crash"], "{verdict:#}");
}

#[test]
fn an_answer_that_changes_the_password_is_locked_out() {
    let name = "an_answer_that_changes_the_password_is_locked_out";
    let Some(remote) = Remote::new(name) else { return };
    let answer = "import redis\nredis.Redis().config_set('requirepass', 'x')\ntry:\n    \
        redis.Redis().ping()\nexcept redis.exceptions.AuthenticationError as error:\n    \
        print(error)\n";
    let (verdict, text) = remote.check("creating-snapshots", "a.py", answer);
    assert_eq!(verdict["outcome"], "failed", "{verdict:#}");
    // A client that speaks RESP3 begins with HELLO, and hears of it there.
    let says = ["Authentication required.", "client already authenticated"];
    assert!(says.iter().any(|says| text.contains(says)), "{text}");
}

#[test]
fn a_published_port_needs_a_password() {
    let Some(remote) = Remote::new("a_published_port_needs_a_password") else { return };
    remote.while_a_server_runs(|id| {
        let published = image::published(id);
        assert!(!published.is_empty());
        assert!(published.iter().all(|(address, _)| address == "0.0.0.0"), "{published:?}");
        for answer in answers(&remote, id) {
            assert!(answer.starts_with("-NOAUTH"), "{answer}");
        }
    });
}

#[test]
fn an_engine_by_tcp_on_this_machine_publishes_on_127_0_0_1_only() {
    let name = "an_engine_by_tcp_on_this_machine_publishes_on_127_0_0_1_only";
    let Some(remote) = Remote::at(IpAddr::V4(Ipv4Addr::LOCALHOST), name) else { return };
    remote.while_a_server_runs(|id| {
        let published = image::published(id);
        assert!(!published.is_empty());
        assert!(published.iter().all(|(address, _)| address == "127.0.0.1"), "{published:?}");
        assert!(answers(&remote, id).iter().all(|answer| answer.starts_with("-NOAUTH")));
    });
    let (verdict, _) = remote.check("creating-snapshots", "a.redis", "SAVE\nBGSAVE\n");
    assert_eq!(verdict["outcome"], "passed", "{verdict:#}");
}

/// The replies to PING from the published ports that have a server.
fn answers(remote: &Remote, id: &str) -> Vec<String> {
    let ports = image::published(id).into_iter();
    ports.filter_map(|(_, port)| ping(remote.address, &port)).collect()
}

fn ping(address: IpAddr, port: &str) -> Option<String> {
    let mut server = TcpStream::connect((address, port.parse().ok()?)).ok()?;
    server.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    server.write_all(b"PING\r\n").ok()?;
    let mut reply = [0; 128];
    let count = server.read(&mut reply).ok()?;
    (count > 0).then(|| String::from_utf8_lossy(&reply[..count]).into_owned())
}

fn end(child: &mut Child) {
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), Signal::SIGTERM).unwrap();
    child.wait().unwrap();
}
