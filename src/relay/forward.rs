//! Forwards bytes between clients and the server, unchanged, and copies them to the recorder.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::socket::setsockopt;
use nix::sys::socket::sockopt::RcvBuf;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::gate::Gate;
use super::pass::POLL;
use super::peer;
use super::recorder::Recorder;
use crate::cleanup::lock;

/// How long a client waits for a server that is being restarted, and again to be connected to it.
const SERVER_LIMIT: Duration = Duration::from_secs(2);
/// The pause after a failed `accept`, when there may be no free file descriptor.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);
/// The system would let this buffer grow to as much as 32 MB. Then it would hold what a slow subscriber
/// has not read, and the server's limit for that would never be reached. The one towards the client
/// may grow: it keeps the messages whole while the relay has to wait for its turn.
const FROM_SERVER_BYTES: usize = 256 * 1024;
/// How long the server may take to close the connection of a subscriber that has ended: less than
/// a stall.
const ENDED_LIMIT: Duration = Duration::from_millis(200);
/// The machine lacks open files, memory or ports for another connection; not the answer's fault.
const SHORTAGES: [Errno; 5] =
    [Errno::EMFILE, Errno::ENFILE, Errno::ENOBUFS, Errno::ENOMEM, Errno::EADDRNOTAVAIL];

/// The server behind the relay.
#[derive(Debug, Clone)]
pub(super) struct ServerTarget {
    pub(super) host: String,
    pub(super) port: u16,
    /// The default user's password.
    pub(super) password: Option<String>,
}

#[derive(Debug, Default)]
pub(super) struct Forwarder {
    pub(super) recorder: Mutex<Recorder>,
    /// The server to connect clients to, if any. A change closes the connections to the previous
    /// one.
    pub(super) target: watch::Sender<Option<ServerTarget>>,
    /// How many connected clients wait for a server.
    pub(super) waiting: AtomicUsize,
    /// What this machine lacked for a client's connection.
    pub(super) shortage: Mutex<Option<Errno>>,
    /// Whether the server is stopped, so that clients are turned away at once.
    pub(super) refuses: AtomicBool,
    /// Where packets are held, if anywhere.
    pub(super) gate: Mutex<Option<Arc<Gate>>>,
}

impl Forwarder {
    /// The gate, if packets must wait there.
    pub(super) fn shut_gate(&self) -> Option<Arc<Gate>> {
        lock(&self.gate).clone().filter(|gate| gate.is_shut())
    }

    /// Waits until the server has closed the connections of subscribers that have ended. Returns
    /// whether it has; a busy server may take longer.
    pub(super) async fn wait_for_ended_subscribers(self: Arc<Self>) -> bool {
        let began = Instant::now();
        while began.elapsed() < ENDED_LIMIT {
            // Pauses first: the relay may not have read a client's end yet.
            tokio::time::sleep(POLL).await;
            if !lock(&self.recorder).has_ended_subscribers() {
                return true;
            }
        }
        false
    }

    fn note_shortage(&self, error: &std::io::Error) {
        let errno = error.raw_os_error().map(Errno::from_raw);
        if errno.is_some_and(|errno| SHORTAGES.contains(&errno)) {
            *lock(&self.shortage) = errno;
        }
    }

    pub(super) async fn accept(self: Arc<Self>, listener: TcpListener) {
        loop {
            match listener.accept().await {
                Ok((client, peer)) => {
                    let may_enter =
                        client.local_addr().is_ok_and(|local| peer::may_enter(local, peer));
                    if may_enter {
                        tokio::spawn(Arc::clone(&self).serve(client));
                    } else {
                        let _ = client.try_write(peer::REFUSAL);
                    }
                }
                Err(error) => {
                    self.note_shortage(&error);
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    async fn serve(self: Arc<Self>, client: TcpStream) {
        if self.refuses.load(Ordering::SeqCst) {
            return;
        }
        let mut target = self.target.subscribe();
        self.waiting.fetch_add(1, Ordering::SeqCst);
        let found = tokio::time::timeout(SERVER_LIMIT, target.wait_for(Option::is_some)).await;
        self.waiting.fetch_sub(1, Ordering::SeqCst);
        let Ok(Ok(server)) = found.map(|found| found.map(|server| server.clone())) else { return };
        let Some(server) = server else { return };
        let auth = server.password.as_deref().map(auth);
        let connected = tokio::time::timeout(SERVER_LIMIT, connect(&server, auth.as_deref())).await;
        let server = match connected {
            Ok(Ok(server)) => server,
            Ok(Err(error)) => return self.note_shortage(&error),
            Err(_) => return,
        };
        let id = lock(&self.recorder).open(auth);
        let route = target.clone();
        tokio::select! {
            () = self.pass(id, client, server, &route) => {}
            // The relay now routes to another server, or to none.
            _ = target.changed() => {}
        }
        lock(&self.recorder).close(id);
    }

    /// Passes bytes in both directions until the server closes the connection. When the client
    /// closes its side, the server may still reply.
    async fn pass(
        &self,
        id: u64,
        mut client: TcpStream,
        mut server: TcpStream,
        route: &watch::Receiver<Option<ServerTarget>>,
    ) {
        // A small command must not wait until it fills a packet.
        let _ = client.set_nodelay(true).and_then(|()| server.set_nodelay(true));
        let _ = setsockopt(&server, RcvBuf, &FROM_SERVER_BYTES);
        let (from_client, mut to_client) = client.split();
        let (from_server, mut to_server) = server.split();
        let turn = Mutex::new(None);
        let commands = async {
            if self.pass_commands(from_client, &mut to_server, id, &turn).await {
                lock(&self.recorder).client_has_ended(id);
            }
            // Replies to earlier commands may still come.
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = commands => {}
            server_ended = self.pass_replies(from_server, &mut to_client, id, &turn, route) => {
                if server_ended {
                    lock(&self.recorder).server_closed(id);
                }
            }
        }
    }
}

/// The AUTH command that the relay itself sends.
fn auth(password: &str) -> Arc<[u8]> {
    format!("*2\r\n$4\r\nAUTH\r\n${}\r\n{password}\r\n", password.len()).into_bytes().into()
}

/// Connects and sends AUTH, if there is a password. Does not wait for the reply, because the server
/// may be busy.
async fn connect(target: &ServerTarget, auth: Option<&[u8]>) -> std::io::Result<TcpStream> {
    let mut server = TcpStream::connect((target.host.as_str(), target.port)).await?;
    server.write_all(auth.unwrap_or_default()).await?;
    Ok(server)
}
