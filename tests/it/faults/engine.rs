//! An engine that is gone in the middle.

use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use super::{LESSON, Running, WAITING, is_unchecked, outcome, place, verify};
use crate::support::{Ended, image, wait_until};

/// A way to the engine that can be closed.
struct Way {
    socket: PathBuf,
    shared: Arc<Shared>,
    _folder: tempfile::TempDir,
}

#[derive(Default)]
struct Shared {
    /// Connections are taken, and nothing is passed on any more.
    is_silent: AtomicBool,
    ends: Mutex<Vec<UnixStream>>,
}

impl Way {
    fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("engine");
        let listener = UnixListener::bind(&socket).unwrap();
        let shared = Arc::new(Shared::default());
        let way = Arc::clone(&shared);
        in_background(move || {
            for client in listener.incoming().flatten() {
                let engine = UnixStream::connect(engine_socket()).unwrap();
                way.ends
                    .lock()
                    .unwrap()
                    .extend([&client, &engine].map(|it| it.try_clone().unwrap()));
                for (from, to) in [(&client, &engine), (&engine, &client)] {
                    let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    let way = Arc::clone(&way);
                    in_background(move || way.pass_on(from, to));
                }
            }
        });
        Self { socket, shared, _folder: folder }
    }

    /// Nothing comes through any more, and nobody can tell why.
    fn fall_silent(&self) {
        self.shared.is_silent.store(true, Ordering::SeqCst);
    }

    /// All connections end, and nobody answers.
    fn cut(&self) {
        std::fs::remove_file(&self.socket).unwrap();
        for end in self.shared.ends.lock().unwrap().iter() {
            let _ = end.shutdown(Shutdown::Both);
        }
    }
}

impl Shared {
    fn pass_on(&self, mut from: UnixStream, mut to: UnixStream) {
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

fn in_background(work: impl FnOnce() + Send + 'static) {
    thread::Builder::new().name("way".into()).spawn(work).unwrap();
}

fn engine_socket() -> String {
    let given = std::env::var("DOCKER_HOST").unwrap_or_default();
    given.strip_prefix("unix://").unwrap_or("/var/run/docker.sock").to_owned()
}

/// The run's end and its session, where this befalls the way to the engine while all cases wait.
fn verify_while(image: &str, befalls: impl FnOnce(&Way)) -> Ended {
    let (way, place) = (Way::open(), place(LESSON));
    let more = ["--no-mutants", "--server", "container", "--image", image];
    let mut command = verify(&place, &more);
    command.env("DOCKER_HOST", format!("unix://{}", way.socket.display()));
    let running = Running::waits(&place, command);
    let session = image::session_of(&place);
    assert_eq!(image::containers_of(&session).len(), 1);
    befalls(&way);
    let ended = running.go().end();
    // It ends by itself when the engine hears that nobody is at the other end.
    way.cut();
    wait_until("no container is left", || image::containers_of(&session).is_empty());
    ended
}

#[test]
fn an_engine_that_is_gone_in_the_middle_lets_no_case_fail_and_its_container_ends() {
    let name = "an_engine_that_is_gone_in_the_middle_lets_no_case_fail_and_its_container_ends";
    let Some(image) = image::for_test(name) else { return };
    let ended = verify_while(image, |way| {
        for end in way.shared.ends.lock().unwrap().drain(..) {
            let _ = end.shutdown(Shutdown::Both);
        }
        std::fs::rename(&way.socket, way.socket.with_extension("gone")).unwrap();
        std::fs::write(&way.socket, "").unwrap();
    });
    let report = is_unchecked(&ended);
    for case in WAITING {
        assert_eq!(outcome(&report, case), "unchecked", "{case} in {report:#}");
    }
}

#[test]
fn an_engine_that_falls_silent_in_the_middle_is_not_waited_for_long() {
    let name = "an_engine_that_falls_silent_in_the_middle_is_not_waited_for_long";
    let Some(image) = image::for_test(name) else { return };
    let ended = verify_while(image, Way::fall_silent);
    let report = is_unchecked(&ended);
    assert!(ended.stdout.contains("can't be used: no answer within 30 s"), "{report:#}");
}
