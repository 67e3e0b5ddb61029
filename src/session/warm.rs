//! A server started before it is needed.

use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use crate::attempt;
use crate::error::WorldError;
use crate::server::{Server, Source};

/// For a sign of life of a server that nobody has asked anything for a while.
const ALIVE_LIMIT: Duration = Duration::from_secs(2);

/// A fresh server that is started, and waits until its LASTSAVE can move, on a thread of its own. Where nobody takes
/// it, it ends with that thread, or with the program ([`crate::cleanup`]).
pub(super) struct Warm {
    settings: Vec<(String, String)>,
    server: Receiver<Option<Server>>,
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
            // What is in the way will be told by whoever needs the server, if it is still there.
            let _ = sender.send(fresh(&source, &for_thread).ok());
        };
        // Without a thread it is started when it is needed.
        thread::Builder::new().name("warm".into()).spawn(start).ok()?;
        Some(Self { settings, server })
    }

    /// Whether it is of use for an exercise with these settings.
    pub(super) fn fits(&self, settings: &[(String, String)]) -> bool {
        self.settings == settings
    }

    /// The server, when it is ready. `None`: it did not start, or has ended since, perhaps an hour ago.
    pub(super) fn take(self) -> Option<Server> {
        let mut server = self.server.recv().ok().flatten()?;
        server.client().call(&["PING"], ALIVE_LIMIT).is_ok().then_some(server)
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
