//! A server that is started before it is needed.

use std::cell::{Cell, OnceCell};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use crate::attempt;
use crate::error::EnvironmentError;
use crate::server::{Server, Source};

/// How long a server that has been idle may take to answer PING.
const ALIVE_LIMIT: Duration = Duration::from_secs(2);

/// A fresh server, started by a thread of its own that also waits until it is ready for an attempt.
/// If nobody takes it, it ends with that thread, or with the program ([`crate::cleanup`]).
pub(super) struct Warm {
    settings: Vec<(String, String)>,
    /// While it exists, the start is put off.
    delay: Cell<Option<Sender<()>>>,
    starting: Receiver<Option<Server>>,
    /// Once the thread has ended: `None` if the server did not start.
    started: OnceCell<Option<Server>>,
}

impl Warm {
    /// Begins to start a server with these settings. `None` for a server of the student's own,
    /// which is not started and not contacted before it is needed.
    pub(super) fn start(source: &Source, settings: &[(String, String)]) -> Option<Self> {
        let warm = Self::start_in(Duration::ZERO, source, settings)?;
        warm.hurry();
        Some(warm)
    }

    /// The same after this delay, or when it is hurried.
    pub(super) fn start_in(
        delay: Duration,
        source: &Source,
        settings: &[(String, String)],
    ) -> Option<Self> {
        if matches!(source, Source::Address(_)) {
            return None;
        }
        let (sender, starting) = mpsc::channel();
        let (delaying, delayed) = mpsc::channel();
        let (source, settings) = (source.clone(), settings.to_vec());
        let for_thread = settings.clone();
        // Without a thread, the server is started when it is needed.
        thread::Builder::new()
            .name("warm".into())
            .spawn(move || {
                let _ = delayed.recv_timeout(delay);
                // An error is dropped: if it persists, the start on demand reports it.
                let _ = sender.send(fresh(&source, &for_thread).ok());
            })
            .ok()?;
        Some(Self {
            settings,
            delay: Cell::new(Some(delaying)),
            starting,
            started: OnceCell::new(),
        })
    }

    /// Begins the start now.
    pub(super) fn hurry(&self) {
        self.delay.take();
    }

    /// Whether the server has the settings that an exercise needs.
    pub(super) fn fits(&self, settings: &[(String, String)]) -> bool {
        self.settings == settings
    }

    /// Waits for the server for this long. Returns whether it has started, or has failed to.
    pub(super) fn is_ready(&self, limit: Duration) -> bool {
        if self.started.get().is_none() {
            match self.starting.recv_timeout(limit) {
                Ok(server) => drop(self.started.set(server)),
                Err(RecvTimeoutError::Disconnected) => drop(self.started.set(None)),
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
        self.started.get().is_some()
    }

    /// Waits for the server. `None` if it did not start or has ended since.
    pub(super) fn take(self) -> Option<Server> {
        let starting = || self.starting.recv().ok().flatten();
        let mut server = self.started.into_inner().unwrap_or_else(starting)?;
        server.client().call(&["PING"], ALIVE_LIMIT).is_ok().then_some(server)
    }
}

/// Starts a server that is ready for an attempt.
pub(super) fn fresh(
    source: &Source,
    settings: &[(String, String)],
) -> Result<Server, EnvironmentError> {
    let mut server = Server::start(source, settings)?;
    if server.is_ours() {
        attempt::warm_up(&mut server)?;
    }
    Ok(server)
}
