//! An engine on another machine: here the local one, behind a forwarder on an address that is not 127.0.0.1.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Shutdown, TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::UnixStream;
use std::process::{Child, Stdio};
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::{Ended, Place, image, unmet, wait_until};

/// The engine by TCP, as long as the tests run.
fn engine_at(address: IpAddr) -> String {
    let listener = TcpListener::bind((address, 0)).unwrap();
    let url = format!("tcp://{}", listener.local_addr().unwrap());
    let forward = move || {
        for client in listener.incoming().flatten() {
            let engine = UnixStream::connect(engine_socket()).unwrap();
            let (from_client, to_engine) =
                (client.try_clone().unwrap(), engine.try_clone().unwrap());
            in_background(move || {
                let _ = std::io::copy(&mut &from_client, &mut &to_engine);
                let _ = to_engine.shutdown(Shutdown::Write);
            });
            in_background(move || {
                let _ = std::io::copy(&mut &engine, &mut &client);
                let _ = client.shutdown(Shutdown::Both);
            });
        }
    };
    in_background(forward);
    url
}

fn in_background(work: impl FnOnce() + Send + 'static) {
    thread::Builder::new().name("forward".into()).spawn(work).unwrap();
}

fn engine_socket() -> String {
    let given = std::env::var("DOCKER_HOST").unwrap_or_default();
    given.strip_prefix("unix://").unwrap_or("/var/run/docker.sock").to_owned()
}

/// Where packets to the world would leave; nothing is sent. Without a network another address of our own will do.
fn an_address_of_this_machine() -> IpAddr {
    let leaves_at = || {
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
        socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9))?;
        socket.local_addr()
    };
    let address = leaves_at().ok().map(|it| it.ip()).filter(|it| !it.is_loopback());
    address.unwrap_or(IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2)))
}

struct Remote {
    place: Place,
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
        Some(Self { place: Place::new(), engine: engine_at(address), address, image })
    }

    fn command(&self, exercise: &str, name: &str, answer: &str) -> std::process::Command {
        let path = self.place.file(name, answer);
        let arguments = ["check", exercise, path.to_str().unwrap(), "--format", "json"];
        let mut command = self.place.command(&arguments);
        command.args(["--server", "container", "--image", self.image]);
        command.env("DOCKER_HOST", &self.engine).stdin(Stdio::null());
        command
    }

    /// `look` is given its container.
    fn while_a_server_runs(&self, look: impl Fn(&str)) {
        let slow = "import redis, time\nredis.Redis().set('a', '1')\ntime.sleep(300)\n";
        // Its time limit leaves time to look.
        let mut command = self.command("save-blocks-everyone", "slow.py", slow);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let is_session = |name: &String| name.starts_with("redislings-");
        let containers = || {
            let session = self.place.leftovers().into_iter().find(is_session);
            session.map(|it| image::containers_of(&it)).unwrap_or_default()
        };
        wait_until("a server answers", || {
            // On a busy machine its time may have been over before anybody could look.
            if child.try_wait().unwrap().is_some() {
                child = command.spawn().unwrap();
            }
            containers().first().is_some_and(|id| !answers(self, id).is_empty())
        });
        let id = containers().remove(0);
        look(&id);
        end(&mut child);
        wait_until("the container is gone", || !image::exists(&id));
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
    let answer = "import redis\nclient = redis.Redis(host='localhost', port=6379)\nclient.save()\nclient.bgsave()\nprint('Manual snapshot triggered.')\n";
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
    let check = |text: &str| remote.check("trigger-snapshots-manually", "a.redis", text).0;
    let verdict = check(&format!("{paid}SAVE\n"));
    assert_eq!(verdict["outcome"], "passed", "{verdict:#}");
    let verdict = check(&format!("SAVE\n{paid}"));
    assert_eq!(unmet(&verdict), ["orders-survive-the-crash"], "{verdict:#}");
}

#[test]
fn an_answer_that_changes_the_password_is_locked_out_as_anywhere() {
    let name = "an_answer_that_changes_the_password_is_locked_out_as_anywhere";
    let Some(remote) = Remote::new(name) else { return };
    let answer = "import redis\nredis.Redis().config_set('requirepass', 'x')\ntry:\n    redis.Redis().ping()\nexcept redis.exceptions.AuthenticationError as error:\n    print(error)\n";
    let (verdict, text) = remote.check("creating-snapshots", "a.py", answer);
    assert_eq!(verdict["outcome"], "failed", "{verdict:#}");
    assert!(text.contains("Authentication required."), "{text}");
}

#[test]
fn a_port_that_others_reach_wants_a_password() {
    let Some(remote) = Remote::new("a_port_that_others_reach_wants_a_password") else { return };
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

/// What those published ports say to PING behind which there is a server.
fn answers(remote: &Remote, id: &str) -> Vec<String> {
    let ask = |port: String| {
        let mut server = TcpStream::connect((remote.address, port.parse().ok()?)).ok()?;
        server.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
        server.write_all(b"PING\r\n").ok()?;
        let mut reply = [0; 128];
        let count = server.read(&mut reply).ok()?;
        (count > 0).then(|| String::from_utf8_lossy(&reply[..count]).into_owned())
    };
    image::published(id).into_iter().filter_map(|(_, port)| ask(port)).collect()
}

fn end(child: &mut Child) {
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), Signal::SIGTERM).unwrap();
    child.wait().unwrap();
}
