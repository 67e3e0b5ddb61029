//! Bytes from a client to the server and back, unchanged, and a copy of them into the book.

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
                Ok((client, _)) => {
                    tokio::spawn(Arc::clone(&self).serve(client));
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
        let is_protected = server.password.is_some();
        let connected = tokio::time::timeout(SERVER_LIMIT, connect(&server)).await;
        let server = match connected {
            Ok(Ok(server)) => server,
            Ok(Err(error)) => return self.note_shortage(&error),
            Err(_) => return,
        };
        let id = lock(&self.book).open();
        tokio::select! {
            () = self.pass(id, client, server, is_protected) => {}
            // Another server stands there now, or none.
            _ = target.changed() => {}
        }
        lock(&self.book).close(id);
    }

    /// Until the server closes the connection, or the client does and the server has nothing more to say.
    async fn pass(
        &self,
        id: u64,
        mut client: TcpStream,
        mut server: TcpStream,
        is_protected: bool,
    ) {
        // A small command must not wait for a larger packet.
        let _ = client.set_nodelay(true).and_then(|()| server.set_nodelay(true));
        let (from_client, to_client) = client.split();
        let (mut from_server, mut to_server) = server.split();
        let write_down = |bytes: &[u8]| lock(&self.book).replies(id, bytes);
        let commands = async {
            let write_down = |bytes: &[u8]| lock(&self.book).commands(id, bytes);
            pass_on(from_client, &mut to_server, write_down, self).await;
            // The replies to what was sent may still come.
            std::future::pending::<()>().await;
        };
        let replies = async {
            let mut to_client = to_client;
            if is_protected {
                let said = after_auth(&mut from_server).await;
                if !said.is_empty() {
                    write_down(&said);
                }
                if to_client.write_all(&said).await.is_err() {
                    return;
                }
            }
            pass_on(from_server, &mut to_client, write_down, self).await;
        };
        tokio::select! {
            () = commands => {}
            () = replies => {}
        }
    }
}

/// Connects, and says the password if there is one. A server that is just busy answers that later.
async fn connect(target: &Target) -> std::io::Result<TcpStream> {
    let mut server = TcpStream::connect((target.host.as_str(), target.port)).await?;
    if let Some(password) = &target.password {
        let auth = format!("*2\r\n$4\r\nAUTH\r\n${}\r\n{password}\r\n", password.len());
        server.write_all(auth.as_bytes()).await?;
    }
    Ok(server)
}

/// What the server says first, without the reply to our AUTH. Where the answer has changed the password, its new
/// connections are refused as they would be without ours.
async fn after_auth(server: &mut ReadHalf<'_>) -> Vec<u8> {
    let mut said = Vec::new();
    let end = loop {
        if let Some(end) = said.windows(2).position(|pair| pair == b"\r\n") {
            break end + 2;
        }
        if !matches!(server.read_buf(&mut said).await, Ok(1..)) {
            return said;
        }
    };
    let is_ours = [&b"+OK"[..], b"-WRONGPASS", b"-ERR AUTH"];
    if is_ours.iter().any(|reply| said.starts_with(reply)) {
        said.drain(..end);
    }
    said
}

/// Passes bytes on until there are no more. They are written down first: whoever has read a reply may rely on
/// it standing in the book. `held_by`: whose gate they have to pass.
async fn pass_on(
    mut from: ReadHalf<'_>,
    to: &mut WriteHalf<'_>,
    write_down: impl Fn(&[u8]),
    held_by: &Relay,
) {
    let mut buffer = vec![0; BUFFER_BYTES];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        write_down(&buffer[..count]);
        held_by.pass_the_gate().await;
        if to.write_all(&buffer[..count]).await.is_err() {
            break;
        }
    }
    let _ = to.shutdown().await;
}
