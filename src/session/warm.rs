//! A server that is started before it is needed.

use std::sync::mpsc::{self, Receiver};
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
    server: Receiver<Option<Server>>,
}

impl Warm {
    /// Begins to start a server with these settings. `None` for a server of the student's own,
    /// which is not started and not contacted before it is needed.
    pub(super) fn start(source: &Source, settings: &[(String, String)]) -> Option<Self> {
        if matches!(source, Source::Address(_)) {
            return None;
        }
        let (sender, server) = mpsc::channel();
        let (source, settings) = (source.clone(), settings.to_vec());
        let for_thread = settings.clone();
        // Without a thread, the server is started when it is needed.
        thread::Builder::new()
            .name("warm".into())
            .spawn(move || {
                // An error is dropped: if it persists, the start on demand reports it.
                let _ = sender.send(fresh(&source, &for_thread).ok());
            })
            .ok()?;
        Some(Self { settings, server })
    }

    /// Whether the server has the settings that an exercise needs.
    pub(super) fn fits(&self, settings: &[(String, String)]) -> bool {
        self.settings == settings
    }

    /// Waits for the server. `None` if it did not start or has ended since.
    pub(super) fn take(self) -> Option<Server> {
        let mut server = self.server.recv().ok().flatten()?;
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
