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

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo as _, RedisConnectionInfo, Value};

pub use address::Address;
pub use client::{CallError, Client};
pub use log::BgsaveEnd;
pub use snapshot::Snapshot;
pub use source::{Chosen, Source, Wanted};
pub use versions::ServerVersion;

use crate::error::WorldError;
use crate::random;
use crate::sanitize::ShownPath as _;

const READY_DEADLINE: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(3);
/// Whether a server that does not answer yet has ended: most are ready before that is of interest.
const LOOK_AGAIN: Duration = Duration::from_millis(15);
/// The default of `dbfilename`, which lessons can't set.
const DUMP_FILE: &str = "dump.rdb";

/// How a server ended that should not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// `it ended with exit status 0`.
    pub what: String,
    /// By SIGKILL, which no command of Redis sends: the world's doing (out of memory), not the answer's.
    pub killed: bool,
}

/// A server of ours that outlives us, for whoever wants to look at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Where it is reached.
    pub endpoint: Endpoint,
    /// The command that ends it and removes what it leaves.
    pub end: String,
}

#[derive(Debug)]
enum Host {
    Container(Box<container::Hosted>),
    Process(Box<process::Process>),
    Address(Box<Address>),
}

/// A server that nobody used before, except behind an address. Ended and removed when dropped.
#[derive(Debug)]
pub struct Server {
    host: Host,
    client: Client,
    checker: CheckerUser,
    /// The default user's, on a server of ours: whoever else runs on this machine could reach its port.
    password: String,
    source: Source,
    settings: Vec<(String, String)>,
    version: String,
    name: String,
}

impl Server {
    /// Starts one with the lesson's settings. Behind an address nothing is started and no setting is given.
    pub fn start(source: &Source, settings: &[(String, String)]) -> Result<Self, WorldError> {
        Self::start_on(source, settings, None)
    }

    /// Starts another with the same settings, from the same source.
    pub fn another(&self) -> Result<Self, WorldError> {
        Self::start(&self.source, &self.settings)
    }

    /// Starts one that loads this snapshot file: the content of another server's `dump.rdb`.
    pub fn start_from_dump(
        source: &Source,
        settings: &[(String, String)],
        dump: &[u8],
    ) -> Result<Self, WorldError> {
        Self::start_on(source, settings, Some(dump))
    }

    fn start_on(
        source: &Source,
        settings: &[(String, String)],
        dump: Option<&[u8]>,
    ) -> Result<Self, WorldError> {
        let (checker, password) = (CheckerUser::new(), random::word());
        let options = options::Options { settings, checker: &checker, password: &password };
        let host = match source {
            Source::Container(hosts) => {
                Host::Container(Box::new(container::Hosted::start(hosts, options, dump)?))
            }
            Source::Process { program, .. } => {
                Host::Process(Box::new(process::Process::start(program, options, dump)?))
            }
            Source::Address(address) => {
                address.inspect()?;
                Host::Address(address.clone())
            }
        };
        let client = Client::that_asks_again(checker_target(&host, &checker));
        let (version, name) = (String::new(), String::new());
        let (source, settings) = (source.clone(), settings.to_vec());
        let mut server = Self { host, client, checker, password, source, settings, version, name };
        server.wait_until_it_answers()?;
        let snapshot =
            server.snapshot(READY_DEADLINE).map_err(|error| server.failure(&error.to_string()))?;
        server.version = snapshot.server();
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

    /// Where an answer finds it.
    pub fn endpoint(&self) -> Endpoint {
        let password = Some(self.password.clone());
        match &self.host {
            Host::Container(container) => {
                Endpoint { password, ..Endpoint::at(container.host(), container.port()) }
            }
            Host::Process(process) => {
                Endpoint { password, ..Endpoint::at("127.0.0.1", process.port()) }
            }
            Host::Address(address) => Endpoint {
                host: address.host().to_owned(),
                port: address.port(),
                url: address.url.clone(),
                password: None,
            },
        }
    }

    /// For another connection than the checker's. To a server of ours only behind the tap, which says the password.
    pub fn target(&self) -> ConnectionInfo {
        target(&self.host)
    }

    /// For another connection of the checker's.
    pub fn checker_target(&self) -> ConnectionInfo {
        checker_target(&self.host, &self.checker)
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
        self.client = Client::that_asks_again(checker_target(&self.host, &self.checker));
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

    /// What the server logged since its last start; `None` behind an address, and where nobody can tell.
    pub fn log(&self) -> Option<String> {
        match &self.host {
            Host::Container(container) => container.log().ok(),
            Host::Process(process) => Some(process.log()),
            Host::Address(_) => None,
        }
    }

    /// Whether a signal has stopped it; what runs in a container or behind an address is not looked at.
    pub fn is_stopped(&self) -> bool {
        matches!(&self.host, Host::Process(process) if process.is_stopped())
    }

    /// An error where its directory has vanished: whatever it wrote there is lost, and it can't write any more. What
    /// runs in a container or behind an address is not looked at.
    pub fn check_directory(&self) -> Result<(), WorldError> {
        let Host::Process(process) = &self.host else { return Ok(()) };
        let directory = process.directory();
        if directory.is_dir() {
            return Ok(());
        }
        let fact = format!(
            "the server's directory `{}` was deleted or moved while the answer ran",
            directory.shown()
        );
        Err(WorldError::new(fact, "leave it where it is: the server writes its snapshots there"))
    }

    /// Tells of a full disk, by the log or by writing there; for a server that failed to write something.
    pub fn check_room(&self) -> Result<(), WorldError> {
        if let Some(line) = self.log().as_deref().and_then(log::full_disk) {
            let fact = format!("the server's disk is full: {line}");
            return Err(WorldError::new(fact, "free some space where its files are"));
        }
        match &self.host {
            Host::Container(container) => container.check_room(),
            Host::Process(_) => crate::cleanup::check_room(),
            Host::Address(_) => Ok(()),
        }
    }

    /// Where it came from, for another server of the same kind.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// The size of the file `dump.rdb` in its directory, in bytes; `None` where there is none, and behind an
    /// address.
    pub fn dump_bytes(&self) -> Result<Option<u64>, WorldError> {
        match &self.host {
            Host::Container(container) => container.dump_bytes(),
            Host::Process(process) => Ok(process.dump_bytes()),
            Host::Address(_) => Ok(None),
        }
    }

    /// The content of the file `dump.rdb` in its directory, if there is one; also of a killed server.
    pub fn dump(&self) -> Result<Option<Vec<u8>>, WorldError> {
        match &self.host {
            Host::Container(container) => container.dump(),
            Host::Process(process) => process.dump(),
            Host::Address(_) => Ok(None),
        }
    }

    /// The engine's name for the container that it runs in, if it does.
    pub fn container_id(&self) -> Option<&str> {
        match &self.host {
            Host::Container(container) => Some(container.container_id()),
            Host::Process(_) | Host::Address(_) => None,
        }
    }

    /// Lets it outlive us.
    pub fn keep(mut self) -> Result<Kept, WorldError> {
        if let Some(ended) = self.ended() {
            return Err(WorldError::new(
                format!("the server can't be kept: {}", ended.what),
                "its case ended it; look at the transcript",
            ));
        }
        let mut endpoint = self.endpoint();
        if let Some(password) = &endpoint.password {
            endpoint.url = format!("redis://:{password}@{}:{}", endpoint.host, endpoint.port);
        }
        let end = match self.host {
            Host::Process(process) => process.keep().map_err(|error| {
                WorldError::new(format!("the server can't be kept: {error}"), "free some space")
            })?,
            Host::Container(hosted) => hosted.keep()?,
            // It is not ours to end.
            Host::Address(_) => String::new(),
        };
        Ok(Kept { endpoint, end })
    }

    fn wait_until_it_answers(&mut self) -> Result<(), WorldError> {
        let deadline = Instant::now() + READY_DEADLINE;
        let mut looked = Instant::now();
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
            if looked.elapsed() > LOOK_AGAIN {
                if let Some(ended) = self.ended() {
                    return Err(self.failure(&ended.what));
                }
                looked = Instant::now();
            }
            std::thread::park_timeout(POLL);
        }
    }

    fn failure(&self, why: &str) -> WorldError {
        let log = self.log().unwrap_or_default();
        let why = log::dump_or(why, &log);
        let log = Some(log::tail(&log, 5)).filter(|tail| !tail.trim().is_empty());
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
    /// A name or an address; 127.0.0.1 for servers of ours, except on an engine elsewhere.
    pub host: String,
    /// The TCP port.
    pub port: u16,
    /// `redis://host:port`, with user, password and database where an address has them.
    pub url: String,
    /// What the tap has to say first, and nobody behind it.
    pub password: Option<String>,
}

impl Endpoint {
    /// The same server behind a relay at this address; user, password and database stay.
    #[must_use]
    pub fn behind(&self, relay: SocketAddr) -> Self {
        let (scheme, rest) = self.url.split_once("://").unwrap_or(("redis", &self.url));
        let (authority, path) = rest.find(['/', '?']).map_or((rest, ""), |at| rest.split_at(at));
        let login = authority.rfind('@').map_or("", |at| &authority[..=at]);
        let url = format!("{scheme}://{login}{relay}{path}");
        Self { host: relay.ip().to_string(), port: relay.port(), url, password: None }
    }

    fn at(host: &str, port: u16) -> Self {
        let url = format!("redis://{host}:{port}");
        Self { host: host.to_owned(), port, url, password: None }
    }
}

fn target(host: &Host) -> ConnectionInfo {
    match host {
        Host::Container(container) => target_at(container.host(), container.port()),
        Host::Process(process) => target_at("127.0.0.1", process.port()),
        Host::Address(address) => address.target(),
    }
}

/// On servers of ours the checker has a user of its own: an answer may lock the default user out (CONFIG SET
/// requirepass, ACL SETUSER), and the evidence must be read all the same (Redis facts 8).
fn checker_target(host: &Host, checker: &CheckerUser) -> ConnectionInfo {
    let target = target(host);
    match host {
        Host::Address(_) => target,
        Host::Container(_) | Host::Process(_) => {
            let settings = target.redis_settings().clone();
            let settings = settings.set_username(CheckerUser::NAME).set_password(&checker.password);
            target.set_redis_settings(settings)
        }
    }
}

/// The checker's own user of one server.
#[derive(Debug)]
struct CheckerUser {
    password: String,
}

impl CheckerUser {
    const NAME: &str = "checker";

    fn new() -> Self {
        // Against accidents, not against attacks: whoever can ask the server can read its memory too.
        Self { password: random::word() }
    }

    /// The value of the option `user`.
    fn rule(&self) -> String {
        format!("{} on >{} ~* &* +@all", Self::NAME, self.password)
    }
}

#[expect(clippy::expect_used, reason = "a TCP address always is connection info")]
fn target_at(host: &str, port: u16) -> ConnectionInfo {
    // CLIENT SETINFO would stand in the evidence.
    let settings = RedisConnectionInfo::default().set_skip_set_lib_name();
    let address = ConnectionAddr::Tcp(host.to_owned(), port);
    address
        .into_connection_info()
        .expect("a TCP address is connection info")
        .set_redis_settings(settings)
}
