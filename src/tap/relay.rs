//! Bytes from a client to the server and back, unchanged, and a copy of them into the book.

use std::borrow::Cow;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nix::errno::Errno;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::book::Book;
use super::gate::Gate;
use super::peer;
use crate::cleanup::lock;

const BUFFER_BYTES: usize = 64 * 1024;
/// A client that comes while the server is restarted waits so long for it, and so long to be connected.
const SERVER_LIMIT: Duration = Duration::from_secs(2);
/// After a failed `accept`: no file descriptor was left, perhaps.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);
/// What a machine may lack for one more connection, which is no answer's fault: open files, memory, ports.
const SHORTAGES: [Errno; 5] =
    [Errno::EMFILE, Errno::ENFILE, Errno::ENOBUFS, Errno::ENOMEM, Errno::EADDRNOTAVAIL];

/// The server behind the tap.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub(super) host: String,
    pub(super) port: u16,
    /// Its default user's.
    pub(super) password: Option<String>,
}

#[derive(Debug)]
pub(super) struct Relay {
    pub(super) book: Mutex<Book>,
    /// Changes whenever another server, or none, stands behind the tap.
    target: watch::Sender<Option<Target>>,
    /// Clients that are connected to us and wait for a server.
    waiting: AtomicUsize,
    /// What this machine lacked for a client's connection.
    shortage: Mutex<Option<Errno>>,
    /// Where commands are held back.
    gate: Mutex<Option<Arc<Gate>>>,
}

impl Relay {
    pub(super) fn new() -> Self {
        Self {
            book: Mutex::new(Book::new()),
            target: watch::Sender::new(None),
            waiting: AtomicUsize::new(0),
            shortage: Mutex::new(None),
            gate: Mutex::new(None),
        }
    }

    /// What this machine lacked for a client's connection since this was asked last.
    pub(super) fn take_shortage(&self) -> Option<Errno> {
        lock(&self.shortage).take()
    }

    pub(super) fn hold_at(&self, gate: Option<Arc<Gate>>) {
        *lock(&self.gate) = gate;
    }

    async fn pass_the_gate(&self) {
        let gate = lock(&self.gate).clone();
        if let Some(gate) = gate {
            gate.pass().await;
        }
    }

    fn note_shortage(&self, error: &std::io::Error) {
        let lacked = error.raw_os_error().map(Errno::from_raw).filter(|it| SHORTAGES.contains(it));
        if lacked.is_some() {
            *lock(&self.shortage) = lacked;
        }
    }

    /// Connections to the server before are closed.
    pub(super) fn lead_to(&self, target: Option<Target>) {
        self.target.send_replace(target);
    }

    pub(super) fn is_awaited(&self) -> bool {
        self.waiting.load(Ordering::SeqCst) > 0
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
        let mut target = self.target.subscribe();
        self.waiting.fetch_add(1, Ordering::SeqCst);
        let is_there = tokio::time::timeout(SERVER_LIMIT, target.wait_for(Option::is_some)).await;
        self.waiting.fetch_sub(1, Ordering::SeqCst);
        let Ok(Ok(server)) = is_there.map(|there| there.map(|there| there.clone())) else { return };
        let Some(server) = server else { return };
        let auth = server.password.as_deref().map(auth);
        let connected = tokio::time::timeout(SERVER_LIMIT, connect(&server, auth.as_deref())).await;
        let server = match connected {
            Ok(Ok(server)) => server,
            Ok(Err(error)) => return self.note_shortage(&error),
            Err(_) => return,
        };
        let id = lock(&self.book).open(auth);
        tokio::select! {
            () = self.pass(id, client, server) => {}
            // Another server stands there now, or none.
            _ = target.changed() => {}
        }
        lock(&self.book).close(id);
    }

    /// Until the server closes the connection, or the client does and the server has nothing more to say.
    async fn pass(&self, id: u64, mut client: TcpStream, mut server: TcpStream) {
        // A small command must not wait for a larger packet.
        let _ = client.set_nodelay(true).and_then(|()| server.set_nodelay(true));
        let (from_client, mut to_client) = client.split();
        let (from_server, mut to_server) = server.split();
        let commands = async {
            self.pass_on(from_client, &mut to_server, id, Book::commands).await;
            // The replies to what was sent may still come.
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = commands => {}
            () = self.pass_on(from_server, &mut to_client, id, Book::replies) => {}
        }
    }

    /// Passes bytes on until there are no more. They are written down first: whoever has read a reply may rely on
    /// it standing in the book.
    async fn pass_on(
        &self,
        mut from: ReadHalf<'_>,
        to: &mut WriteHalf<'_>,
        id: u64,
        write_down: for<'b> fn(&mut Book, u64, &'b [u8]) -> Cow<'b, [u8]>,
    ) {
        let mut buffer = vec![0; BUFFER_BYTES];
        while let Ok(count @ 1..) = from.read(&mut buffer).await {
            let passed = write_down(&mut lock(&self.book), id, &buffer[..count]);
            self.pass_the_gate().await;
            if to.write_all(&passed).await.is_err() {
                break;
            }
        }
        let _ = to.shutdown().await;
    }
}

/// The command by which the relay, and nobody behind it, says the password.
fn auth(password: &str) -> Arc<[u8]> {
    format!("*2\r\n$4\r\nAUTH\r\n${}\r\n{password}\r\n", password.len()).into_bytes().into()
}

/// Connects, and says the password if there is one. A server that is just busy answers that later.
async fn connect(target: &Target, auth: Option<&[u8]>) -> std::io::Result<TcpStream> {
    let mut server = TcpStream::connect((target.host.as_str(), target.port)).await?;
    server.write_all(auth.unwrap_or_default()).await?;
    Ok(server)
}
