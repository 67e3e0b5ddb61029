//! The relay on 127.0.0.1 between clients and the Redis server. It records commands, replies
//! and messages.
//!
//! Its address stays the same for a whole session, even when the server is restarted. It passes
//! bytes on unchanged, even those that it cannot parse; it only sends the server's password for the
//! client. The checker has its own connection to the server, so the [`Timeline`] contains none of
//! the checker's commands.

mod order;
mod recorder;
mod replied;
mod connection;
mod decode;
mod event;
mod gate;
mod pass;
mod peer;
mod forward;
pub mod timeline;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Once};

use nix::sys::resource::{Resource, getrlimit, rlim_t, setrlimit};
use tokio::net::{TcpListener, TcpSocket};

pub use decode::resolve_transactions;
pub use event::{Event, Mark, Step, StepKind};
pub use gate::Gate;
pub use replied::{LastReply, Replies};
pub use timeline::{CommandOutcome, Exchange, Message, Reply, Shown, Timeline};

use crate::cleanup::lock;
use crate::error::EnvironmentError;
use crate::runtime::{block_on, relay_runtime};
use forward::{Forwarder, ServerTarget};

/// Redis' default port.
pub const USUAL_PORT: u16 = 6379;
/// Redis' own backlog. With a smaller one, a client that opens many connections at once would wait
/// seconds for some of them.
const BACKLOG: u32 = 511;
/// Enough for as many clients as Redis accepts.
const OPEN_FILES: rlim_t = 20_480;

/// The port of 127.0.0.1 to listen on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Port {
    /// 6379 if it is free, otherwise any free port.
    Usual,
    /// Any free port; 6379 is not tried.
    Free,
    /// Only this port.
    This(u16),
}

/// An open relay. Dropping it closes the port and every connection.
#[derive(Debug)]
pub struct Relay {
    address: SocketAddr,
    usual_port_is_taken: bool,
    forwarder: Arc<Forwarder>,
    accepting: tokio::task::JoinHandle<()>,
}

impl Relay {
    /// Starts to listen; no server is connected yet.
    pub fn open(port: Port) -> Result<Self, EnvironmentError> {
        allow_many_connections();
        let guard = relay_runtime().enter();
        let listener = listen(port).map_err(|error| {
            let fact = match port {
                Port::This(port) => format!("cannot listen on 127.0.0.1:{port}: {error}"),
                Port::Usual | Port::Free => format!("cannot listen on 127.0.0.1: {error}"),
            };
            EnvironmentError::new(fact, "free the port, or choose another with `--port`")
        })?;
        let address = listener.local_addr().map_err(|error| {
            EnvironmentError::new(format!("cannot listen on 127.0.0.1: {error}"), "try again")
        })?;
        let usual_port_is_taken = match port {
            Port::Usual => address.port() != USUAL_PORT,
            Port::This(port) => port != USUAL_PORT && is_taken(USUAL_PORT),
            Port::Free => false,
        };
        let forwarder = Arc::new(Forwarder::default());
        drop(guard);
        let accepting = relay_runtime().spawn(Arc::clone(&forwarder).accept(listener));
        Ok(Self { address, usual_port_is_taken, forwarder, accepting })
    }

    /// Stays the same while the relay is open.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether port 6379 belonged to another program when this relay was opened: clients that use
    /// the default port reach that program. Always false for [`Port::Free`].
    pub fn usual_port_is_taken(&self) -> bool {
        self.usual_port_is_taken
    }

    /// The same relay, for a server that is itself the student's own at port 6379 of this machine.
    #[must_use]
    pub fn before_the_usual_port(mut self) -> Self {
        self.usual_port_is_taken = false;
        self
    }

    /// Routes new connections to this server. The relay sends the password for them and does not
    /// record it.
    pub fn route_to(&self, host: &str, port: u16, password: Option<String>) {
        let target = ServerTarget { host: host.to_owned(), port, password };
        self.forwarder.refuses.store(false, Ordering::SeqCst);
        self.forwarder.target.send_replace(Some(target));
    }

    /// Closes all connections, and new ones at once: the server is stopped.
    pub fn refuse(&self) {
        self.forwarder.refuses.store(true, Ordering::SeqCst);
        self.disconnect();
    }

    /// Marks this moment in the recording.
    pub fn mark(&self, word: &'static str) {
        lock(&self.forwarder.recorder).mark(word);
    }

    /// Closes all connections. New ones wait briefly for a server and are closed if none comes.
    pub fn disconnect(&self) {
        self.forwarder.target.send_replace(None);
    }

    /// Whether a connected client is waiting for a server.
    pub fn is_awaited(&self) -> bool {
        self.forwarder.waiting.load(Ordering::SeqCst) > 0
    }

    /// A counter that changes with every command and every reply.
    pub fn traffic(&self) -> u64 {
        lock(&self.forwarder.recorder).traffic()
    }

    /// An error if this machine lacked resources for a connection through the relay since
    /// [`Self::begin`].
    pub fn check_connections(&self) -> Result<(), EnvironmentError> {
        let Some(lacked) = lock(&self.forwarder.shortage).take() else { return Ok(()) };
        let fact = format!("cannot connect the answer to the server: {}", lacked.desc());
        let help = "allow more open files (`ulimit -n`), run fewer at a time (`--jobs`), or close \
                    other programs; then try again";
        Err(EnvironmentError::new(fact, help))
    }

    /// Holds commands and replies at the gate from now until an answer begins.
    pub fn hold_at(&self, gate: Arc<Gate>) {
        lock(&self.forwarder.recorder).hand_out();
        *lock(&self.forwarder.gate) = Some(gate);
    }

    /// For a thread that works beside the answer.
    pub fn connections(&self) -> Connections {
        Connections(Arc::clone(&self.forwarder))
    }

    /// Begins a new recording, for the answer that begins now.
    pub fn begin(&self) {
        *lock(&self.forwarder.shortage) = None;
        *lock(&self.forwarder.gate) = None;
        lock(&self.forwarder.recorder).begin();
    }

    /// Ends the recording: later commands do not belong to the answer. What the server has sent to
    /// subscribers that have just ended does.
    pub fn end(&self) {
        let has_subscribers = lock(&self.forwarder.recorder).has_subscribers();
        // On the relay's own thread: after the first pause it has read all that had come before.
        let has_all = !has_subscribers
            || block_on(
                relay_runtime().spawn(Arc::clone(&self.forwarder).wait_for_ended_subscribers()),
            )
            .unwrap_or(false);
        lock(&self.forwarder.recorder).end(has_all);
    }

    /// Whether a command of this name came and has no reply yet.
    pub fn has_unanswered(&self, command: &str) -> bool {
        lock(&self.forwarder.recorder).has_unanswered(command)
    }

    /// Everything from [`Self::begin`] to [`Self::end`].
    pub fn timeline(&self) -> Timeline {
        decode::timeline(&lock(&self.forwarder.recorder))
    }
}

/// The connections that go through a relay.
#[derive(Debug, Clone)]
pub struct Connections(Arc<Forwarder>);

impl Connections {
    /// Closes all of them; later ones reach the same server.
    pub fn close(&self) {
        self.0.target.send_modify(|_| {});
    }

    /// A counter that changes with every command and every reply.
    pub fn traffic(&self) -> u64 {
        lock(&self.0.recorder).traffic()
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.accepting.abort();
        self.disconnect();
    }
}

fn listen(port: Port) -> std::io::Result<TcpListener> {
    match port {
        Port::Usual if !is_taken(USUAL_PORT) => {
            listen(Port::This(USUAL_PORT)).or_else(|_| listen(Port::Free))
        }
        Port::Usual | Port::Free => listen(Port::This(0)),
        Port::This(port) => bind(Ipv4Addr::LOCALHOST, port)?.listen(BACKLOG),
    }
}

/// Raises the limit of open files. Each connection takes two of them, and the default limit is
/// often so low that an answer with a few hundred connections would leave none for reading the
/// evidence.
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

/// Whether a program listens on this port. We do not connect, because another Redis must not see
/// us. We bind all addresses instead of 127.0.0.1: some systems would let us bind 127.0.0.1 beside
/// a server that listens on all addresses, and route that server's clients to us.
fn is_taken(port: u16) -> bool {
    bind(Ipv4Addr::UNSPECIFIED, port).is_err()
}

fn bind(address: Ipv4Addr, port: u16) -> std::io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(SocketAddr::from((address, port)))?;
    Ok(socket)
}
