//! The tap: a relay on 127.0.0.1 between whoever asks Redis and the server, which writes down what is asked
//! and answered.
//!
//! One address for a whole session, whatever is restarted behind it. Bytes pass unchanged, also those that are
//! not understood; only the server's password is said for the client. Only those who ask for the lesson's server go through it: the checker has a connection of
//! its own, so nothing of what it does stands in the [`Transcript`].

mod book;
mod connection;
mod decode;
mod frames;
mod gate;
mod peer;
mod relay;
pub mod transcript;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Once};

use nix::sys::resource::{Resource, getrlimit, rlim_t, setrlimit};
use tokio::net::{TcpListener, TcpSocket};

pub use gate::Gate;
pub use transcript::{Exchange, Outcome, Reply, Shown, Transcript};

use crate::cleanup::lock;
use crate::error::WorldError;
use crate::runtime::relay_runtime;
use relay::{Relay, Target};

/// Where clients look for Redis.
pub const USUAL_PORT: u16 = 6379;
/// Redis's own: with fewer, who opens many connections at once would wait seconds for some of them.
const BACKLOG: u32 = 511;
/// For as many clients as Redis takes.
const OPEN_FILES: rlim_t = 20_480;

/// On which port of 127.0.0.1 to listen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Port {
    /// 6379 where nobody is there, else any free one.
    Usual,
    /// Any free one, without a look at 6379.
    Free,
    /// This one or none.
    This(u16),
}

/// An open relay. Closed when dropped, with every connection through it.
#[derive(Debug)]
pub struct Tap {
    address: SocketAddr,
    usual_port_is_taken: bool,
    relay: Arc<Relay>,
    accepting: tokio::task::JoinHandle<()>,
}

impl Tap {
    /// Begins to listen; leads nowhere yet.
    pub fn open(port: Port) -> Result<Self, WorldError> {
        allow_many_connections();
        let guard = relay_runtime().enter();
        let listener = listen(port).map_err(|error| {
            let fact = match port {
                Port::This(port) => format!("cannot listen on 127.0.0.1:{port}: {error}"),
                Port::Usual | Port::Free => format!("cannot listen on 127.0.0.1: {error}"),
            };
            WorldError::new(fact, "free the port, or choose another with `--port`")
        })?;
        let failed = |error: std::io::Error| {
            WorldError::new(format!("cannot listen on 127.0.0.1: {error}"), "try again")
        };
        let address = listener.local_addr().map_err(failed)?;
        let usual_port_is_taken = match port {
            Port::Usual => address.port() != USUAL_PORT,
            Port::This(port) => port != USUAL_PORT && is_taken(USUAL_PORT),
            Port::Free => false,
        };
        let relay = Arc::new(Relay::new());
        drop(guard);
        let accepting = relay_runtime().spawn(Arc::clone(&relay).accept(listener));
        Ok(Self { address, usual_port_is_taken, relay, accepting })
    }

    /// The same for as long as the tap is open.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether port 6379 belonged to another program when this was opened: clients that go there by habit reach that
    /// one. Not asked for [`Port::Free`].
    pub fn usual_port_is_taken(&self) -> bool {
        self.usual_port_is_taken
    }

    /// The same tap, before a server of the student's own that is itself at 6379 of this machine.
    #[must_use]
    pub fn before_the_usual_port(mut self) -> Self {
        self.usual_port_is_taken = false;
        self
    }

    /// New connections go to this server from now on. A password is said for them, and stands nowhere.
    pub fn lead_to(&self, host: &str, port: u16, password: Option<String>) {
        self.relay.lead_to(Some(Target { host: host.to_owned(), port, password }));
    }

    /// Closes all connections; new ones wait a moment for a server and are closed if there is none.
    pub fn lead_nowhere(&self) {
        self.relay.lead_to(None);
    }

    /// Whether a client is connected and waits for a server to stand here.
    pub fn is_awaited(&self) -> bool {
        self.relay.is_awaited()
    }

    /// Changes with every command and every reply that goes through.
    pub fn news(&self) -> u64 {
        lock(&self.relay.book).news()
    }

    /// An error where this machine lacked what a connection through the tap takes, since [`Self::begin`].
    pub fn check_connections(&self) -> Result<(), WorldError> {
        let Some(lacked) = self.relay.take_shortage() else { return Ok(()) };
        Err(WorldError::new(
            format!(
                "a connection to the server could not be made for the answer: {}",
                lacked.desc()
            ),
            "allow more open files (`ulimit -n`), run fewer at a time (`--jobs`), or close other programs; then try again",
        ))
    }

    /// From now until an answer begins, commands and replies go on only when the server was looked at.
    pub fn hold_at(&self, gate: Arc<Gate>) {
        self.relay.hold_at(Some(gate));
    }

    /// An answer begins: what was written down before is forgotten.
    pub fn begin(&self) {
        self.relay.take_shortage();
        self.relay.hold_at(None);
        lock(&self.relay.book).begin();
    }

    /// The answer has ended: what comes from now on is none of it.
    pub fn end(&self) {
        lock(&self.relay.book).end();
    }

    /// Whether a command of this name came and has not been answered up to now.
    pub fn has_unanswered(&self, command: &str) -> bool {
        lock(&self.relay.book).has_unanswered(command)
    }

    /// Everything from [`Self::begin`] to [`Self::end`].
    pub fn transcript(&self) -> Transcript {
        decode::transcript(&lock(&self.relay.book))
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.accepting.abort();
        self.lead_nowhere();
    }
}

fn listen(port: Port) -> std::io::Result<TcpListener> {
    match port {
        Port::Usual if !is_taken(USUAL_PORT) => {
            listen(Port::This(USUAL_PORT)).or_else(|_| listen(Port::Free))
        }
        Port::Usual | Port::Free => listen(Port::This(0)),
        Port::This(port) => {
            let socket = TcpSocket::new_v4()?;
            socket.set_reuseaddr(true)?;
            socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
            socket.listen(BACKLOG)
        }
    }
}

/// Each connection through the tap is two open files of ours: often so few are allowed, at first, that an
/// answer with some hundred connections would leave none to read the evidence with.
fn allow_many_connections() {
    static ALLOWED: Once = Once::new();
    ALLOWED.call_once(|| {
        let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return };
        let wanted = hard.min(OPEN_FILES);
        if soft < wanted {
            let _ = setrlimit(Resource::RLIMIT_NOFILE, wanted, hard);
        }
    });
}

/// Whether somebody listens there. Found out without a connection: another Redis there is none of our business.
/// Some systems let us bind 127.0.0.1 beside a server that listens on all addresses, and would lead that
/// server's clients to us; all addresses themselves can't be bound twice.
fn is_taken(port: u16) -> bool {
    let bind = || {
        let socket = TcpSocket::new_v4()?;
        socket.set_reuseaddr(true)?;
        socket.bind(SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)))
    };
    bind().is_err()
}
