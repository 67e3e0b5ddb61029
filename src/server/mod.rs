//! Real servers, fresh for every attempt: started, watched, killed, restarted, removed.
//!
//! This module depends on no other stage. Only [`container`] uses testcontainers.

pub mod address;
pub mod bundled;
pub mod by_version;
pub mod client;
mod configuration;
pub mod container;
mod disk;
mod ending;
mod endpoint;
mod files;
pub mod info;
pub mod info_fields;
pub mod log;
mod options;
mod process;
mod server_host;
mod session_lock;
pub mod source;
pub mod versions;

use std::path::Path;
use std::time::{Duration, Instant};

use redis::{ConnectionInfo, Value};
use tokio_util::sync::CancellationToken;

use self::container::Hosted;
use self::endpoint::{checker_target, target};
use self::options::Options;
use self::process::Process;
use self::server_host::ServerHost;

pub use address::Address;
pub use client::{CallError, Client};
pub use disk::Disk;
pub use ending::Ending;
pub use endpoint::Endpoint;
pub use files::{FileName, ServerFile};
pub use info::ServerInfo;
pub use log::BgsaveEnd;
pub use source::{Chosen, Source, Wanted};
pub use versions::ServerVersion;

use crate::error::EnvironmentError;
use crate::sanitize::ShownPath as _;

const READY_DEADLINE: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(3);
/// How often to check whether a server that does not answer yet has ended. Most are ready earlier.
const END_POLL: Duration = Duration::from_millis(15);
/// The name of a server's snapshot file: the default of `dbfilename`, which lessons can't set.
pub const DUMP_FILE: &str = "dump.rdb";

/// How a server ended unexpectedly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// `it ended with exit status 0`.
    pub what: String,
    /// By SIGKILL, which no command of Redis sends: the environment's fault (out of memory), not
    /// the answer's.
    pub killed: bool,
}

/// A server that outlives us, so that the user can inspect it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreservedServer {
    /// Where clients can reach it.
    pub endpoint: Endpoint,
    /// The command that ends it and removes its files.
    pub end: String,
}

/// A fresh server, or the user's server at an address. A fresh one is ended and removed when
/// dropped.
#[derive(Debug)]
pub struct Server {
    host: Box<dyn ServerHost>,
    client: Client,
    options: Options,
    source: Source,
    version: String,
    name: String,
    cancel: CancellationToken,
    disk: Disk,
    /// From just before it was stopped the last time.
    last_info: Option<ServerInfo>,
    /// From just after it was started again the last time.
    started_again: Option<ServerInfo>,
}

impl Server {
    /// Starts one with the lesson's settings. A server at an address is neither started nor
    /// configured.
    pub fn start(source: &Source, settings: &[(String, String)]) -> Result<Self, EnvironmentError> {
        Self::start_on(source, settings, &[], CancellationToken::new())
    }

    /// Starts another server from the same source with the same settings.
    pub fn another(&self) -> Result<Self, EnvironmentError> {
        self.another_with(&self.options.settings)
    }

    /// Starts another server from the same source with these settings.
    pub fn another_with(&self, settings: &[(String, String)]) -> Result<Self, EnvironmentError> {
        Self::start_on(&self.source, settings, &[], self.cancel.clone())
    }

    /// Starts one that loads a snapshot: `dump` is the content of another server's `dump.rdb`.
    pub fn start_from_dump(
        source: &Source,
        settings: &[(String, String)],
        dump: &[u8],
    ) -> Result<Self, EnvironmentError> {
        let files = [ServerFile::dump(dump.to_owned())];
        Self::start_on(source, settings, &files, CancellationToken::new())
    }

    /// The same from this server's source, with what cancels this one.
    pub fn another_from_dump(
        &self,
        settings: &[(String, String)],
        dump: &[u8],
    ) -> Result<Self, EnvironmentError> {
        self.another_from_files(settings, &[ServerFile::dump(dump.to_owned())])
    }

    /// The same with these files.
    pub fn another_from_files(
        &self,
        settings: &[(String, String)],
        files: &[ServerFile],
    ) -> Result<Self, EnvironmentError> {
        Self::start_on(&self.source, settings, files, self.cancel.clone())
    }

    /// From now on, every wait for this server, and for those that [`Self::another`] starts, ends
    /// when this is cancelled. Such a server is of no further use.
    pub fn cancelled_by(&mut self, cancel: &CancellationToken) {
        self.cancel = cancel.clone();
        // The client stays: it knows its own calls.
        self.client.cancelled_by(cancel);
    }

    /// What ends every wait for this server.
    pub fn cancel(&self) -> &CancellationToken {
        &self.cancel
    }

    /// Another connection of the checker that may ask twice: see [`Client::that_asks_again`].
    pub fn observer(&self) -> Client {
        let mut client = Client::that_asks_again(self.checker_target());
        client.cancelled_by(&self.cancel);
        client
    }

    fn start_on(
        source: &Source,
        settings: &[(String, String)],
        files: &[ServerFile],
        cancel: CancellationToken,
    ) -> Result<Self, EnvironmentError> {
        let options = Options::new(settings);
        let host: Box<dyn ServerHost> = match source {
            Source::Container(hosts) => Box::new(Hosted::start(hosts, &options, files)?),
            Source::Process { program, .. } => Box::new(Process::start(program, &options, files)?),
            Source::Address(address) => {
                address.inspect()?;
                address.clone()
            }
        };
        let mut client = Client::that_asks_again(checker_target(source, &*host, &options));
        client.cancelled_by(&cancel);
        let (version, name, source) = (String::new(), String::new(), source.clone());
        let (disk, last_info) = (Disk::Works, None);
        let started_again = None;
        let mut server = Self {
            host,
            client,
            options,
            source,
            version,
            name,
            cancel,
            disk,
            last_info,
            started_again,
        };
        server.wait_until_it_answers()?;
        let info =
            server.info(READY_DEADLINE).map_err(|error| server.failure(&error.to_string()))?;
        server.version = info.server();
        server.name = format!("{} ({})", server.version, server.source.kind());
        Ok(server)
    }

    /// `redis 7.0.15`.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// `redis 7.0.15 (container)`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where clients can reach it.
    pub fn endpoint(&self) -> Endpoint {
        let (host, port) = self.host.address();
        let url = match &self.source {
            Source::Address(address) => address.url.clone(),
            _ => format!("redis://{host}:{port}"),
        };
        let password = self.is_ours().then(|| self.options.password.clone());
        Endpoint { host: host.to_owned(), port, url, password }
    }

    /// For connections other than the checker's. It has no password: on a server of ours the relay
    /// authenticates.
    pub fn target(&self) -> ConnectionInfo {
        target(&self.source, &*self.host)
    }

    /// For further connections of the checker.
    pub fn checker_target(&self) -> ConnectionInfo {
        checker_target(&self.source, &*self.host, &self.options)
    }

    pub fn client(&mut self) -> &mut Client {
        &mut self.client
    }

    /// Asks for LASTSAVE and INFO.
    pub fn info(&mut self, limit: Duration) -> Result<ServerInfo, CallError> {
        ServerInfo::take(&mut self.client, limit)
    }

    /// Whether we started it, so that it may be killed and configured.
    pub fn is_ours(&self) -> bool {
        !matches!(self.source, Source::Address(_))
    }

    /// Sends SIGKILL, as if the machine crashed: a running background save dies too.
    pub fn kill(&mut self) -> Result<(), EnvironmentError> {
        self.host.kill()?;
        // The server starts from its file, which our directory would hide. One that the answer has
        // made stays.
        if self.disk == Disk::Refuses { self.host.allow_saves() } else { Ok(()) }
    }

    /// Starts the killed or stopped server again, with the files that it left and these settings
    /// laid over its own.
    pub fn restart(&mut self, laid_over: &[(String, String)]) -> Result<(), EnvironmentError> {
        laid_over.clone_into(&mut self.options.laid_over);
        if self.disk == Disk::Refuses {
            self.host.allow_saves()?;
        }
        self.host.restart(&self.options)?;
        self.client = self.observer();
        self.wait_until_it_answers()?;
        self.started_again = self.info(READY_DEADLINE).ok();
        if self.disk == Disk::Refuses { self.host.refuse_saves() } else { Ok(()) }
    }

    /// What it said of itself when it was started again the last time; `None` if it never was.
    pub fn started_again(&self) -> Option<&ServerInfo> {
        self.started_again.as_ref()
    }

    /// How the server ended; `None` while it runs, and at an address.
    pub fn ended(&mut self) -> Option<Ended> {
        self.host.ended()
    }

    /// The server's log since its last start; `None` at an address, or if it can't be read.
    pub fn log(&self) -> Option<String> {
        self.host.log()
    }

    /// Whether a signal has stopped it; always false in a container and at an address.
    pub fn is_stopped(&self) -> bool {
        self.host.is_stopped()
    }

    /// Fails if its directory is gone: its files are lost, and it can't write any more. Not checked
    /// in a container or at an address.
    pub fn check_directory(&self) -> Result<(), EnvironmentError> {
        let Some(directory) = self.host.directory().filter(|directory| !directory.is_dir()) else {
            return Ok(());
        };
        let fact = format!(
            "the server's directory `{}` was deleted or moved while the answer ran",
            directory.shown()
        );
        Err(EnvironmentError::new(fact, "leave it in place: the server writes its snapshots there"))
    }

    /// Fails if the disk is full, by the server's log or by a test write. Use it after the server
    /// failed to write something.
    pub fn check_room(&self) -> Result<(), EnvironmentError> {
        if let Some(line) = self.log().as_deref().and_then(log::full_disk) {
            let fact = format!("the server's disk is full: {line}");
            return Err(EnvironmentError::new(fact, "free some space on its disk"));
        }
        self.host.check_room()
    }

    /// Where it came from, to start another server of the same kind.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// The size of its `dump.rdb` in bytes; `None` if there is none, and at an address.
    pub fn dump_bytes(&self) -> Result<Option<u64>, EnvironmentError> {
        self.host.dump_bytes()
    }

    /// The content of its `dump.rdb`, also after it was killed; `None` if there is none, and at an
    /// address.
    pub fn dump(&self) -> Result<Option<Vec<u8>>, EnvironmentError> {
        self.host.dump()
    }

    /// The directory of its files, if that is on this machine.
    pub fn directory(&self) -> Option<&Path> {
        self.host.directory()
    }

    /// The engine's id of its container, if it runs in one.
    pub fn container_id(&self) -> Option<&str> {
        self.host.container_id()
    }

    /// Lets the server outlive us.
    pub fn keep(mut self) -> Result<PreservedServer, EnvironmentError> {
        if let Some(ended) = self.ended() {
            return Err(EnvironmentError::new(
                format!("the server can't be kept: {}", ended.what),
                "the case ended it; see the transcript",
            ));
        }
        let mut endpoint = self.endpoint();
        if let Some(password) = &endpoint.password {
            endpoint.url = format!("redis://:{password}@{}:{}", endpoint.host, endpoint.port);
        }
        Ok(PreservedServer { endpoint, end: self.host.keep()? })
    }

    fn wait_until_it_answers(&mut self) -> Result<(), EnvironmentError> {
        let deadline = Instant::now() + READY_DEADLINE;
        let mut checked = Instant::now();
        loop {
            let answer = self.client.call(&["PING"], Duration::from_secs(1));
            match answer {
                // While it loads its dump, it answers with the error LOADING.
                Ok(Value::SimpleString(_)) => return Ok(()),
                Err(error @ CallError::Cancelled) => return Err(self.failure(&error.to_string())),
                _ if Instant::now() > deadline => {
                    let seconds = READY_DEADLINE.as_secs();
                    return Err(self.failure(&format!("it did not answer PING within {seconds} s")));
                }
                _ => {}
            }
            if checked.elapsed() > END_POLL {
                if let Some(ended) = self.ended() {
                    return Err(self.failure(&ended.what));
                }
                checked = Instant::now();
            }
            std::thread::park_timeout(POLL);
        }
    }

    fn failure(&self, why: &str) -> EnvironmentError {
        let log = self.log().unwrap_or_default();
        let fact = format!("the server can't be used: {}", log::reason(why, &log));
        EnvironmentError::new(fact, log::with_tail(&log, "see `redislings doctor`"))
    }
}
