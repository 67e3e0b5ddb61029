//! A client that sends PING every millisecond and records how long it has to wait.

use std::io::{Read as _, Write as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::thread;
use std::time::{Duration, Instant};

use super::background::{BackgroundTask, Shared};
use super::evidence::{Wait, Waits};
use crate::error::EnvironmentError;
use crate::server::Server;

const PAUSE: Duration = Duration::from_millis(1);
/// Longer waits are recorded one by one.
const SLOW: Duration = Duration::from_millis(1);
const SLOW_KEPT: usize = 100_000;
/// How often the client checks, while it waits for a reply, whether it must stop.
const STOP_POLL: Duration = Duration::from_millis(20);
const CONNECT_LIMIT: Duration = Duration::from_secs(1);
const PING: &[u8] = b"*1\r\n$4\r\nPING\r\n";

pub(super) fn start(server: &Server) -> Result<BackgroundTask<Waits>, EnvironmentError> {
    let target = ProbeTarget::of(server);
    let connection = target.connect().map_err(|error| {
        EnvironmentError::new(
            format!("the client that measures waits cannot connect: {error}"),
            "try again",
        )
    })?;
    let began = Instant::now();
    BackgroundTask::start("probe", move |shared| {
        WaitProbe { target, began, shared }.run(connection);
    })
}

struct WaitProbe<'s> {
    target: ProbeTarget,
    began: Instant,
    shared: &'s Shared<Waits>,
}

impl WaitProbe<'_> {
    fn run(self, connection: TcpStream) {
        let mut connection = Some(connection);
        while !self.shared.is_told_to_stop() {
            let asked = Instant::now();
            let answered = self.wait_for_a_reply(&mut connection);
            self.record(asked, answered);
            thread::park_timeout(PAUSE);
        }
        self.shared.note(|waits| waits.watched = self.began.elapsed());
    }

    /// Returns whether a reply came before the probe was stopped. Reconnects if the connection is
    /// closed meanwhile (CLIENT KILL); the wait continues.
    fn wait_for_a_reply(&self, connection: &mut Option<TcpStream>) -> bool {
        while !self.shared.is_told_to_stop() {
            if connection.as_mut().is_some_and(|connection| self.has_answered(connection)) {
                return true;
            }
            if self.shared.is_told_to_stop() {
                break;
            }
            *connection = self.target.connect().ok();
            if connection.is_none() {
                thread::park_timeout(PAUSE);
            }
        }
        false
    }

    /// Sends one PING. Any reply counts, even an error.
    fn has_answered(&self, connection: &mut TcpStream) -> bool {
        if connection.write_all(PING).is_err() {
            return false;
        }
        let mut reply = [0; 512];
        while !self.shared.is_told_to_stop() {
            match connection.read(&mut reply) {
                Ok(0) => return false,
                Ok(count) if reply[..count].contains(&b'\n') => return true,
                Ok(_) => {}
                Err(error) if is_timeout(&error) => {}
                Err(_) => return false,
            }
        }
        false
    }

    fn record(&self, asked: Instant, answered: bool) {
        let took = asked.elapsed();
        let wait = Wait { at: asked.saturating_duration_since(self.began), took };
        self.shared.note(|waits| {
            waits.pings += u64::from(answered);
            waits.watched = self.began.elapsed();
            if took > waits.longest.took {
                waits.longest = wait;
            }
            if took > SLOW && waits.slow.len() < SLOW_KEPT {
                waits.slow.push(wait);
            }
        });
    }
}

fn is_timeout(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut)
}

/// The server's address, and the AUTH command to send there first.
struct ProbeTarget {
    address: (String, u16),
    greeting: String,
}

impl ProbeTarget {
    /// Logs in as the checker's user, if there is one: without a login, a server may reply with
    /// errors, which INFO counts.
    fn of(server: &Server) -> Self {
        let endpoint = server.endpoint();
        let login = server.checker_target();
        let login = login.redis_settings();
        let greeting = match (login.username(), login.password()) {
            (Some(user), Some(password)) if server.is_ours() => {
                format!("AUTH {user} {password}\r\n")
            }
            _ => String::new(),
        };
        Self { address: (endpoint.host, endpoint.port), greeting }
    }

    fn connect(&self) -> std::io::Result<TcpStream> {
        let addresses = (self.address.0.as_str(), self.address.1).to_socket_addrs()?;
        let mut connection = addresses
            .map(|address| TcpStream::connect_timeout(&address, CONNECT_LIMIT))
            .reduce(Result::or)
            .unwrap_or_else(|| Err(std::io::ErrorKind::NotFound.into()))?;
        connection.set_nodelay(true)?;
        connection.set_read_timeout(Some(CONNECT_LIMIT))?;
        connection.write_all(self.greeting.as_bytes())?;
        if !self.greeting.is_empty() && connection.read(&mut [0; 512])? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        connection.set_read_timeout(Some(STOP_POLL))?;
        Ok(connection)
    }
}
