//! One connection to a server, as redis-cli uses it: it sends what is typed and returns every value
//! that arrives.
//!
//! The `redis` crate's connection pairs every command with one reply and handles pushes internally,
//! which does not fit HELLO 3, SUBSCRIBE and MONITOR.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpStream, ToSocketAddrs as _};
use std::time::{Duration, Instant};

use redis::ConnectionAddr;

use crate::resp::value::{Replies, Resp};

/// The most that one read takes.
const PIECE_BYTES: usize = 64 * 1024;
/// A connection that takes longer will not succeed: the server is on this machine, or has just
/// answered.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);

/// Why there is nothing more to read, as redis-cli prints it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Lost {
    /// The server, or a proxy in front of it, has closed the connection.
    #[error("Error: Server closed the connection")]
    Closed,
    /// The bytes are not RESP, or a system call failed.
    #[error("Error: {0}")]
    Broken(String),
}

#[derive(Debug)]
pub(super) struct Wire {
    stream: TcpStream,
    replies: Replies,
    piece: Vec<u8>,
}

impl Wire {
    /// Connects within `limit`. The error is redis-cli's: `Could not connect to Redis at …`.
    pub(super) fn connect(address: &ConnectionAddr, limit: Duration) -> Result<Self, String> {
        Self::connect_within(address, limit)
            .map_err(|why| format!("Could not connect to Redis at {address}: {why}"))
    }

    fn connect_within(address: &ConnectionAddr, limit: Duration) -> Result<Self, String> {
        let ConnectionAddr::Tcp(host, port) = address else {
            return Err("only TCP addresses are supported".to_owned());
        };
        let deadline = Instant::now() + limit.min(CONNECT_LIMIT);
        let addresses = (host.as_str(), *port).to_socket_addrs();
        let mut why = "the host name has no address".to_owned();
        for address in addresses.map_err(|error| reason(&error))? {
            let left = deadline.saturating_duration_since(Instant::now());
            // The system refuses a zero timeout.
            match TcpStream::connect_timeout(&address, left.max(Duration::from_millis(1))) {
                Ok(stream) => return Ok(Self::of(stream)),
                Err(error) => why = reason(&error),
            }
        }
        Err(why)
    }

    fn of(stream: TcpStream) -> Self {
        // Without TCP_NODELAY a short command may wait for the reply to the one before, which is
        // only slower.
        let _ = stream.set_nodelay(true);
        Self { stream, replies: Replies::default(), piece: vec![0; PIECE_BYTES] }
    }

    /// Sends one command. Waits at most `limit` for a server that does not read.
    pub(super) fn send(&mut self, words: &[Vec<u8>], limit: Duration) -> Result<(), Lost> {
        let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
        for word in words {
            bytes.extend(format!("${}\r\n", word.len()).bytes());
            bytes.extend(word);
            bytes.extend(b"\r\n");
        }
        let limit = limit.max(Duration::from_millis(1));
        let sent = self.stream.set_write_timeout(Some(limit));
        sent.and_then(|()| self.stream.write_all(&bytes)).map_err(lost)
    }

    /// Ends sending, and waits until the server has read everything and closes the connection.
    pub(super) fn finish(&mut self, limit: Duration) {
        let deadline = Instant::now() + limit;
        if self.stream.shutdown(Shutdown::Write).is_err() {
            return;
        }
        while let Ok(Some(_)) = self.receive(deadline.saturating_duration_since(Instant::now())) {}
    }

    /// The next value, if it arrives within `timeout`.
    pub(super) fn receive(&mut self, timeout: Duration) -> Result<Option<Resp>, Lost> {
        let deadline = Instant::now() + timeout;
        loop {
            let next = self.replies.next_value();
            if let Some(value) = next.map_err(|error| Lost::Broken(error.to_string()))? {
                return Ok(Some(value));
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(None);
            }
            self.stream.set_read_timeout(Some(left)).map_err(lost)?;
            match self.stream.read(&mut self.piece) {
                Ok(0) => return Err(Lost::Closed),
                Ok(count) => self.replies.feed(&self.piece[..count]),
                Err(error) if is_timeout(error.kind()) => {}
                Err(error) => return Err(lost(error)),
            }
        }
    }
}

/// A read timeout is `WouldBlock` on some systems and `TimedOut` on others; an interrupted read is
/// repeated too.
fn is_timeout(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}

fn lost(error: std::io::Error) -> Lost {
    match error.kind() {
        ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe => {
            Lost::Closed
        }
        _ => Lost::Broken(reason(&error)),
    }
}

/// `Connection refused`, without Rust's ` (os error 111)`.
fn reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split_once(" (os error").map_or(text.clone(), |(reason, _)| reason.to_owned())
}
