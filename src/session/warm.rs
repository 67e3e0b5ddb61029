//! A server started before it is needed.

use std::sync::mpsc::{self, Receiver};
use std::thread::{self, JoinHandle};

use crate::attempt;
use crate::error::WorldError;
use crate::server::{Server, Source};

/// A fresh server that is started, and waits until its LASTSAVE can move, on a thread of its own.
pub(super) struct Warm {
    settings: Vec<(String, String)>,
    server: Receiver<Result<Server, WorldError>>,
    thread: Option<JoinHandle<()>>,
}

impl Warm {
    /// Begins to start one with these settings. Somebody's own server is not started: it is only asked when it is
    /// needed.
    pub(super) fn start(source: &Source, settings: &[(String, String)]) -> Option<Self> {
        if matches!(source, Source::Address(_)) {
            return None;
        }
        let (sender, server) = mpsc::channel();
        let (source, settings) = (source.clone(), settings.to_vec());
        let for_thread = settings.clone();
        let start = move || {
            let _ = sender.send(fresh(&source, &for_thread));
        };
        // Without a thread it is started when it is needed.
        let thread = thread::Builder::new().name("warm".into()).spawn(start).ok()?;
        Some(Self { settings, server, thread: Some(thread) })
    }

    /// Whether it is of use for an exercise with these settings.
    pub(super) fn fits(&self, settings: &[(String, String)]) -> bool {
        self.settings == settings
    }

    /// The server, when it is ready.
    pub(super) fn take(mut self) -> Result<Server, WorldError> {
        let server = self.server.recv();
        self.join();
        server
            .unwrap_or_else(|_| Err(WorldError::new("a server's start was given up", "try again")))
    }

    fn join(&mut self) {
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What is on its way when the session ends must have arrived, to be removed.
impl Drop for Warm {
    fn drop(&mut self) {
        self.join();
    }
}

/// Starts a server whose LASTSAVE can move.
pub(super) fn fresh(source: &Source, settings: &[(String, String)]) -> Result<Server, WorldError> {
    let mut server = Server::start(source, settings)?;
    if server.is_ours() {
        attempt::warm_up(&mut server)?;
    }
    Ok(server)
}
