//! An innocent client: it sends PING every millisecond and writes down how long it has to wait.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::evidence::{Wait, Waits};
use crate::error::WorldError;
use crate::server::Server;

const PAUSE: Duration = Duration::from_millis(1);
/// Waits that are written down one by one.
const SLOW: Duration = Duration::from_millis(1);
const SLOW_KEPT: usize = 100_000;
/// How often a waiting client looks whether it may stop.
const PATIENCE: Duration = Duration::from_millis(20);
const PING: &[u8] = b"*1\r\n$4\r\nPING\r\n";

/// A client that runs beside an answer.
pub(super) struct Probe {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Waits>,
}

impl Probe {
    /// Connects and begins.
    pub(super) fn start(server: &Server) -> Result<Self, WorldError> {
        let endpoint = server.endpoint();
        let failed = |error: std::io::Error| {
            WorldError::new(
                format!("the client that measures waits can't run: {error}"),
                "try again",
            )
        };
        let address = (endpoint.host, endpoint.port);
        let connection = connect(&address).map_err(failed)?;
        let stop = Arc::new(AtomicBool::new(false));
        let (began, stopped) = (Instant::now(), Arc::clone(&stop));
        let ask = move || {
            Asking { address, began, stop: stopped, waits: Waits::default() }.run(connection)
        };
        let thread = thread::Builder::new().name("probe".into()).spawn(ask).map_err(failed)?;
        Ok(Self { stop, thread })
    }

    /// Asks no more; a reply that it still waits for is not waited for.
    pub(super) fn halt(&self) {
        self.stop.store(true, Ordering::SeqCst);
    }

    /// What it has seen, up to [`Self::halt`].
    pub(super) fn waits(self) -> Waits {
        self.halt();
        self.thread.join().unwrap_or_default()
    }
}

struct Asking {
    address: (String, u16),
    began: Instant,
    stop: Arc<AtomicBool>,
    waits: Waits,
}

impl Asking {
    fn run(mut self, connection: TcpStream) -> Waits {
        let mut connection = Some(connection);
        while !self.stop.load(Ordering::SeqCst) {
            let asked = Instant::now();
            // A connection that was closed in the middle (CLIENT KILL) is made anew: the wait goes on.
            while !self.stop.load(Ordering::SeqCst) {
                if connection.as_mut().is_some_and(|connection| self.has_answered(connection)) {
                    self.waits.pings += 1;
                    break;
                }
                if self.stop.load(Ordering::SeqCst) {
                    break;
                }
                connection = connect(&self.address).ok();
                if connection.is_none() {
                    thread::park_timeout(PAUSE);
                }
            }
            self.write_down(asked);
            thread::park_timeout(PAUSE);
        }
        self.waits.watched = self.began.elapsed();
        self.waits
    }

    /// One PING; any reply will do: an error is an answer too.
    fn has_answered(&self, connection: &mut TcpStream) -> bool {
        if connection.write_all(PING).is_err() {
            return false;
        }
        let mut reply = [0; 512];
        while !self.stop.load(Ordering::SeqCst) {
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

    fn write_down(&mut self, asked: Instant) {
        let took = asked.elapsed();
        let wait = Wait { at: asked.saturating_duration_since(self.began), took };
        if took > self.waits.longest.took {
            self.waits.longest = wait;
        }
        if took > SLOW && self.waits.slow.len() < SLOW_KEPT {
            self.waits.slow.push(wait);
        }
    }
}

fn is_timeout(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut)
}

fn connect(address: &(String, u16)) -> std::io::Result<TcpStream> {
    let connection = TcpStream::connect((address.0.as_str(), address.1))?;
    connection.set_nodelay(true)?;
    connection.set_read_timeout(Some(PATIENCE))?;
    Ok(connection)
}
