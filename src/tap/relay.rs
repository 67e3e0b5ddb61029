//! Bytes from a client to the server and back, unchanged, and a copy of them into the book.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::book::Book;
use crate::cleanup::lock;

const BUFFER_BYTES: usize = 64 * 1024;
/// A client that comes while the server is restarted waits so long for it, and so long to be connected.
const SERVER_LIMIT: Duration = Duration::from_secs(2);
/// After a failed `accept`: no file descriptor was left, perhaps.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

type Target = Option<(String, u16)>;

#[derive(Debug)]
pub(super) struct Relay {
    pub(super) book: Mutex<Book>,
    /// Changes whenever another server, or none, stands behind the tap.
    target: watch::Sender<Target>,
    /// Clients that are connected to us and wait for a server.
    waiting: AtomicUsize,
}

impl Relay {
    pub(super) fn new() -> Self {
        Self {
            book: Mutex::new(Book::new()),
            target: watch::Sender::new(None),
            waiting: AtomicUsize::new(0),
        }
    }

    /// Connections to the server before are closed.
    pub(super) fn lead_to(&self, target: Target) {
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
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            }
        }
    }

    async fn serve(self: Arc<Self>, client: TcpStream) {
        let mut target = self.target.subscribe();
        self.waiting.fetch_add(1, Ordering::SeqCst);
        let is_there = tokio::time::timeout(SERVER_LIMIT, target.wait_for(Option::is_some)).await;
        self.waiting.fetch_sub(1, Ordering::SeqCst);
        let Ok(Ok(server)) = is_there.map(|there| there.map(|there| there.clone())) else { return };
        let Some((host, port)) = server else { return };
        let server = tokio::time::timeout(SERVER_LIMIT, TcpStream::connect((host, port))).await;
        let Ok(Ok(server)) = server else { return };
        let id = lock(&self.book).open();
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
        let (from_client, to_client) = client.split();
        let (from_server, to_server) = server.split();
        let commands = async {
            pass_on(from_client, to_server, |bytes| lock(&self.book).commands(id, bytes)).await;
            // The replies to what was sent may still come.
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = commands => {}
            () = pass_on(from_server, to_client, |bytes| lock(&self.book).replies(id, bytes)) => {}
        }
    }
}

/// Passes bytes on until there are no more. They are written down first: whoever has read a reply may rely on
/// it standing in the book.
async fn pass_on(mut from: ReadHalf<'_>, mut to: WriteHalf<'_>, write_down: impl Fn(&[u8])) {
    let mut buffer = vec![0; BUFFER_BYTES];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        write_down(&buffer[..count]);
        if to.write_all(&buffer[..count]).await.is_err() {
            break;
        }
    }
    let _ = to.shutdown().await;
}
