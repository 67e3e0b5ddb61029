//! A container engine that disappears during a run.

use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use super::{LESSON, Running, WAITING, is_unchecked, outcome, verify, workspace};
use crate::support::{Ended, image, wait_until};

/// A proxy to the engine that a test can close.
struct Proxy {
    socket: PathBuf,
    shared: Arc<Shared>,
    _folder: tempfile::TempDir,
}

#[derive(Default)]
struct Shared {
    /// Connections are accepted, but nothing is forwarded any more.
    is_silent: AtomicBool,
    ends: Mutex<Vec<UnixStream>>,
}

impl Proxy {
    fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("engine");
        let listener = UnixListener::bind(&socket).unwrap();
        let shared = Arc::new(Shared::default());
        let forwarder = Arc::clone(&shared);
        in_background(move || {
            for client in listener.incoming().flatten() {
                accept(&forwarder, &client);
            }
        });
        Self { socket, shared, _folder: folder }
    }

    /// Forwards nothing any more, without closing a connection.
    fn stop_forwarding(&self) {
        self.shared.is_silent.store(true, Ordering::SeqCst);
    }

    /// Closes all connections and accepts no more.
    fn cut(&self) {
        std::fs::remove_file(&self.socket).unwrap();
        for end in self.shared.ends.lock().unwrap().iter() {
            let _ = end.shutdown(Shutdown::Both);
        }
    }
}

impl Shared {
    fn forward(&self, mut from: UnixStream, mut to: UnixStream) {
        use std::io::{Read as _, Write as _};
        let mut buffer = [0; 16 * 1024];
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            if self.is_silent.load(Ordering::SeqCst) {
                continue;
            }
            if to.write_all(&buffer[..count]).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Write);
    }
}

/// Connects a client to the engine and forwards both directions.
fn accept(shared: &Arc<Shared>, client: &UnixStream) {
    let engine = UnixStream::connect(image::engine_socket()).unwrap();
    let ends = [client, &engine].map(|stream| stream.try_clone().unwrap());
    shared.ends.lock().unwrap().extend(ends);
    for (from, to) in [(client, &engine), (&engine, client)] {
        let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
        let shared = Arc::clone(shared);
        in_background(move || shared.forward(from, to));
    }
}

fn in_background(work: impl FnOnce() + Send + 'static) {
    thread::Builder::new().name("proxy".into()).spawn(work).unwrap();
}

/// Verifies in containers and breaks the proxy to the engine while all cases wait.
fn verify_while(image: &str, break_proxy: impl FnOnce(&Proxy)) -> Ended {
    let (proxy, workspace) = (Proxy::open(), workspace(LESSON));
    let more = ["--no-mutants", "--server", "container", "--image", image];
    let mut command = verify(&workspace, &more);
    command.env("DOCKER_HOST", format!("unix://{}", proxy.socket.display()));
    let running = Running::waits(&workspace, command);
    let session = image::session_of(&workspace);
    assert_eq!(image::containers_of(&session).len(), 1);
    break_proxy(&proxy);
    let ended = running.go().end();
    // The container ends by itself when the engine notices the closed connection.
    proxy.cut();
    wait_until("no container is left", || image::containers_of(&session).is_empty());
    ended
}

#[test]
fn an_engine_that_disappears_fails_no_case_and_its_container_ends() {
    let name = "an_engine_that_disappears_fails_no_case_and_its_container_ends";
    let Some(image) = image::for_test(name) else { return };
    let ended = verify_while(image, |proxy| {
        for end in proxy.shared.ends.lock().unwrap().drain(..) {
            let _ = end.shutdown(Shutdown::Both);
        }
        std::fs::rename(&proxy.socket, proxy.socket.with_extension("gone")).unwrap();
        std::fs::write(&proxy.socket, "").unwrap();
    });
    let report = is_unchecked(&ended);
    for case in WAITING {
        assert_eq!(outcome(&report, case), "unchecked", "{case} in {report:#}");
    }
}

#[test]
fn an_engine_that_stops_answering_is_given_up_soon() {
    let name = "an_engine_that_stops_answering_is_given_up_soon";
    let Some(image) = image::for_test(name) else { return };
    let ended = verify_while(image, Proxy::stop_forwarding);
    let report = is_unchecked(&ended);
    assert!(ended.stdout.contains("can't be used: no answer within 30 s"), "{report:#}");
}
