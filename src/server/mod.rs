//! Real servers, fresh for every attempt: started, watched, killed, started again, removed.
//!
//! `server` knows no other stage. Only [`container`] names testcontainers.

pub mod address;
pub mod bundled;
pub mod client;
pub mod container;
pub mod log;
pub mod matching;
mod options;
mod process;
mod session_lock;
pub mod snapshot;
pub mod source;
pub mod versions;

use std::time::{Duration, Instant};

use redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo as _, RedisConnectionInfo, Value};

pub use address::Address;
pub use client::{CallError, Client};
pub use log::BgsaveEnd;
pub use snapshot::Snapshot;
pub use source::{Chosen, Source, Wanted};
pub use versions::ServerVersion;

use crate::error::WorldError;

const READY_DEADLINE: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(3);

/// How a server ended that should not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// `it ended with exit status 0`.
    pub what: String,
    /// By SIGKILL, which no command of Redis sends: the world's doing (out of memory), not the answer's.
    pub killed: bool,
}

#[derive(Debug)]
enum Host {
    Container(Box<container::Container>),
    Process(Box<process::Process>),
    Address(Box<Address>),
}

/// A server that nobody used before, except behind an address. Ended and removed when dropped.
#[derive(Debug)]
pub struct Server {
    host: Host,
    client: Client,
    version: String,
    name: String,
}

impl Server {
    /// Starts one with the lesson's settings. Behind an address nothing is started and no setting is given.
    pub fn start(source: &Source, settings: &[(String, String)]) -> Result<Self, WorldError> {
        let host = match source {
            Source::Container(image) => {
                Host::Container(Box::new(container::Container::start(image, settings)?))
            }
            Source::Process { program, .. } => {
                Host::Process(Box::new(process::Process::start(program, settings)?))
            }
            Source::Address(address) => {
                address.inspect()?;
                Host::Address(address.clone())
            }
        };
        let client = Client::that_asks_again(target(&host));
        let mut server = Self { host, client, version: String::new(), name: String::new() };
        server.wait_until_it_answers()?;
        let snapshot =
            server.snapshot(READY_DEADLINE).map_err(|error| server.failure(&error.to_string()))?;
        server.version = snapshot.server();
        server.name = format!("{} ({})", server.version, source.kind());
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

    /// Where an answer finds it.
    pub fn endpoint(&self) -> Endpoint {
        match &self.host {
            Host::Container(container) => Endpoint::local(container.port()),
            Host::Process(process) => Endpoint::local(process.port()),
            Host::Address(address) => Endpoint {
                host: address.host().to_owned(),
                port: address.port(),
                url: address.url.clone(),
            },
        }
    }

    /// For an answer's own connection.
    pub fn target(&self) -> ConnectionInfo {
        target(&self.host)
    }

    /// The checker's connection.
    pub fn client(&mut self) -> &mut Client {
        &mut self.client
    }

    /// LASTSAVE and INFO now.
    pub fn snapshot(&mut self, limit: Duration) -> Result<Snapshot, CallError> {
        Snapshot::take(&mut self.client, limit)
    }

    /// Whether it is ours, to be killed and configured.
    pub fn is_ours(&self) -> bool {
        !matches!(self.host, Host::Address(_))
    }

    /// SIGKILL, as in a crash of the machine: a running background save dies too.
    pub fn kill(&mut self) -> Result<(), WorldError> {
        match &mut self.host {
            Host::Container(container) => container.kill(),
            Host::Process(process) => {
                process.kill();
                Ok(())
            }
            Host::Address(_) => Err(WorldError::new(
                "a server behind an address is never killed",
                "leave `--server` out: redislings then starts a server itself",
            )),
        }
    }

    /// Starts the killed server again, on the files it left.
    pub fn restart(&mut self) -> Result<(), WorldError> {
        match &mut self.host {
            Host::Container(container) => container.restart()?,
            Host::Process(process) => process.restart()?,
            Host::Address(_) => {}
        }
        self.client = Client::that_asks_again(target(&self.host));
        self.wait_until_it_answers()
    }

    /// How the server ended, if it did by itself or by the answer's doing.
    pub fn ended(&mut self) -> Option<Ended> {
        match &mut self.host {
            Host::Container(container) => container.ended(),
            Host::Process(process) => process.ended(),
            Host::Address(_) => None,
        }
    }

    /// What the server logged since its last start; `None` behind an address.
    pub fn log(&self) -> Option<String> {
        match &self.host {
            Host::Container(container) => Some(container.log()),
            Host::Process(process) => Some(process.log()),
            Host::Address(_) => None,
        }
    }

    /// The engine's name for it, where it is a container.
    pub fn container_id(&self) -> Option<&str> {
        match &self.host {
            Host::Container(container) => Some(container.id()),
            Host::Process(_) | Host::Address(_) => None,
        }
    }

    fn wait_until_it_answers(&mut self) -> Result<(), WorldError> {
        let deadline = Instant::now() + READY_DEADLINE;
        loop {
            let answer = self.client.call(&["PING"], Duration::from_secs(1));
            match answer {
                // While it loads its dump, the answer is an error: LOADING.
                Ok(Value::SimpleString(_)) => return Ok(()),
                _ if Instant::now() > deadline => {
                    let seconds = READY_DEADLINE.as_secs();
                    return Err(self.failure(&format!("it did not answer PING within {seconds} s")));
                }
                _ => {}
            }
            if let Some(ended) = self.ended() {
                return Err(self.failure(&ended.what));
            }
            std::thread::park_timeout(POLL);
        }
    }

    fn failure(&self, why: &str) -> WorldError {
        let log = self.log().map(|log| log::tail(&log, 5)).filter(|tail| !tail.trim().is_empty());
        let help = match log {
            Some(tail) => format!("its log ends with:\n{tail}\nsee `redislings doctor`"),
            None => "see `redislings doctor`".to_owned(),
        };
        WorldError::new(format!("the server can't be used: {why}"), help)
    }
}

/// Where an answer finds its server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// A name or an address; 127.0.0.1 for servers of ours.
    pub host: String,
    /// The TCP port.
    pub port: u16,
    /// `redis://host:port`, with user, password and database where an address has them.
    pub url: String,
}

impl Endpoint {
    fn local(port: u16) -> Self {
        Self { host: "127.0.0.1".to_owned(), port, url: format!("redis://127.0.0.1:{port}") }
    }
}

fn target(host: &Host) -> ConnectionInfo {
    match host {
        Host::Container(container) => local_target(container.port()),
        Host::Process(process) => local_target(process.port()),
        Host::Address(address) => address.target(),
    }
}

#[expect(clippy::expect_used, reason = "a TCP address always is connection info")]
fn local_target(port: u16) -> ConnectionInfo {
    // CLIENT SETINFO would stand in the evidence.
    let settings = RedisConnectionInfo::default().set_skip_set_lib_name();
    let address = ConnectionAddr::Tcp("127.0.0.1".to_owned(), port);
    address
        .into_connection_info()
        .expect("a TCP address is connection info")
        .set_redis_settings(settings)
}
