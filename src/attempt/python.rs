//! Python answers: which interpreter, and how its programs reach the lesson's server.

mod folder;
mod forks;

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use self::folder::{PrivateFile, PrivateFolder};
use self::forks::Forks;
use super::evidence::{ProgramEnd, ProgramRun};
use super::{inherited, program};
use crate::cache::{self, Installation, Installed, Installer};
use crate::cleanup;
use crate::error::{WorldError, WorldErrorKind};
use crate::lesson::course::Package;
use crate::sanitize::ShownPath as _;
use crate::server::Endpoint;
use crate::server::source::on_path;
use crate::telling::Told;

/// Imported by every Python of an answer at its start: leads connections to port 6379 to the lesson's server.
const SITECUSTOMIZE: &str = include_str!("python/sitecustomize.py");
/// Does the same for `redis-cli` where a program starts it.
const REDIS_CLI: &str = include_str!("python/redis_cli_shim.sh");

/// In the cache's entry.
const VENV: &str = "venv";
/// Its first argument is the names of modules, with commas.
const PROBE: &str = "import sys
print(sys.version.split()[0], sys.executable)
for name in sys.argv[1].split(','):
    if name: __import__(name)";
/// The packages may come from a cold disk.
const PROBE_LIMIT: Duration = Duration::from_secs(60);

const HELP: &str = "install Python 3 with its `venv` module (`apt install python3 python3-venv`, \
                    `brew install python`), or `pip install redis` yourself";

/// An interpreter that can import the course's packages.
#[derive(Debug, Clone)]
pub struct Python {
    program: PathBuf,
    /// What every Python has of the course's packages.
    packages: Vec<Package>,
    /// With [`SITECUSTOMIZE`].
    site: PrivateFolder,
    /// Where `redis-cli` is replaced by [`REDIS_CLI`], if there is a real one.
    shims: Option<PrivateFolder>,
    /// Where answers run in forks.
    forks: Option<Arc<Forks>>,
}

/// What one look at a Python told.
#[derive(Debug, Clone)]
pub struct Probe {
    /// Version and path.
    pub identity: String,
    /// Why not all packages could be imported.
    pub import_error: Option<String>,
}

impl Probe {
    /// Whether all packages could be imported.
    pub fn has_packages(&self) -> bool {
        self.import_error.is_none()
    }
}

/// Looks at the `python3` on PATH.
pub fn probe(packages: &[Package]) -> Result<Probe, WorldError> {
    probe_within(PROBE_LIMIT, &mut Command::new("python3"), packages)
}

fn probe_within(
    limit: Duration,
    python: &mut Command,
    packages: &[Package],
) -> Result<Probe, WorldError> {
    let program = Path::new(python.get_program()).shown();
    let failed = |why: String| WorldError::new(format!("`{program}` can't be run: {why}"), HELP);
    // Not where the student's own `redis.py` may lie.
    let directory = cleanup::private_directory("probe")?;
    python.args(["-c", PROBE, &import_names(packages).join(",")]);
    python.env("PYTHONDONTWRITEBYTECODE", "1");
    let finished = program::run(python, &directory, limit);
    let run = finished.map_err(|error| failed(error.to_string()))?.collect();
    cleanup::stop_if_a_signal_came();
    let why = run.stderr.text.trim().lines().last().unwrap_or("it said nothing").to_owned();
    match (run.end, run.stdout.text.lines().next()) {
        (ProgramEnd::TimedOut, _) => {
            Err(failed(format!("it has not ended after {} s", limit.as_secs())))
        }
        (end, Some(identity)) => {
            let import_error = (end != ProgramEnd::Exited(0)).then_some(why);
            Ok(Probe { identity: identity.to_owned(), import_error })
        }
        (ProgramEnd::Signalled(signal), None) => {
            Err(failed(format!("it was ended by signal {signal}")))
        }
        (ProgramEnd::Exited(_), None) => Err(failed(run.stderr.text.trim().to_owned())),
    }
}

/// What the cache has for this interpreter and these packages.
pub fn installed(probe: &Probe, packages: &[Package]) -> Result<Installed, WorldError> {
    cache::installed(&environment_name(probe, packages))
}

/// The cache entry of the environment for this interpreter and these packages.
fn environment_name(probe: &Probe, packages: &[Package]) -> String {
    let key = format!("{} {}", probe.identity, requirements(packages));
    format!("python-{}", cache::hexadecimal(&Sha256::digest(key.as_bytes())[..6]))
}

impl Python {
    /// The `python3` on PATH if it has the packages, else one in a virtual environment in the cache;
    /// `telling` is called before that is made and while it goes on.
    pub fn find(packages: &[Package], telling: &dyn Fn(Told<'_>)) -> Result<Self, WorldError> {
        let probe = probe(packages)?;
        let program = if probe.has_packages() {
            PathBuf::from("python3")
        } else {
            environment(&probe, packages, telling)?
        };
        let file = PrivateFile { name: "sitecustomize.py", text: SITECUSTOMIZE, mode: 0o600 };
        let site = PrivateFolder::new("python", vec![file])?;
        if site.path().to_string_lossy().contains(':') {
            // PYTHONPATH would be split there, and connections would go where the answer says.
            let path = site.path().shown();
            let fact = format!("the temporary directory has a `:` in its name: `{path}`");
            return Err(WorldError::new(fact, "set TMPDIR to a directory without one"));
        }
        Ok(Self { program, packages: packages.to_vec(), site, shims: shims()?, forks: None })
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
        self.restore_files()?;
        let imports = import_names(packages);
        let forks =
            Forks::start(&self.program, &imports, self.environment(None)).map_err(|why| {
                let fact = format!("`{}` can't be kept warm: {why}", self.program.shown());
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
        self.restore_files()?;
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
            WorldError::new(format!("`{}` can't be run: {error}", self.program.shown()), HELP)
        })
    }

    /// What an answer has changed of the files that answers' programs read is no matter of the next one's.
    fn restore_files(&self) -> Result<(), WorldError> {
        cache::ensure_intact(&self.program)?;
        self.site.restore()?;
        self.shims.as_ref().map_or(Ok(()), PrivateFolder::restore)
    }

    /// An error where an answer failed for want of one of the course's packages, and there is none: nothing that the answer
    /// could do about.
    pub(super) fn refuse_missing_packages(&self, run: &ProgramRun) -> Result<(), WorldError> {
        let imports = import_names(&self.packages);
        if run.end == ProgramEnd::Exited(0) || !lacks_one_of(&imports, &run.stderr.text) {
            return Ok(());
        }
        let mut python = Command::new(&self.program);
        python.env_clear().envs(self.environment(None));
        let Some(why) = probe_within(PROBE_LIMIT, &mut python, &self.packages)?.import_error else {
            return Ok(());
        };
        let fact = format!("{} can't be imported any more: {why}", listed(&self.packages));
        let help = "try again: what was changed in the cache is then installed again; \
                    `redislings doctor` shows what is there";
        Err(WorldError::new(fact, help))
    }

    /// Everything that an answer's environment has but [`program::MARK`].
    fn environment(&self, endpoint: Option<&Endpoint>) -> BTreeMap<OsString, OsString> {
        let mut environment = inherited::environment();
        // Compiled files that an answer leaves there would be the next one's.
        environment.remove(OsStr::new("PYTHONPYCACHEPREFIX"));
        let mut set = |name: &str, value: OsString| environment.insert(name.into(), value);
        set("PYTHONPATH", before(self.site.path(), "PYTHONPATH"));
        set("PYTHONUNBUFFERED", "1".into());
        set("PYTHONIOENCODING", "utf-8:replace".into());
        set("PYTHONDONTWRITEBYTECODE", "1".into());
        if let Some(shims) = &self.shims {
            set("PATH", before(shims.path(), "PATH"));
            set("REDISLINGS_SHIMS", shims.path().into());
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

/// The interpreter of a virtual environment in the cache.
fn environment(
    probe: &Probe,
    packages: &[Package],
    telling: &dyn Fn(Told<'_>),
) -> Result<PathBuf, WorldError> {
    let wanted = Installation {
        name: &environment_name(probe, packages),
        what: "the environment for Python",
        line: &format!("installing {} for Python into the cache, once", listed(packages)),
    };
    let entry = cache::install(&wanted, telling, |entry| {
        let installer = Installer { what: wanted.what, help: HELP };
        fill(entry, packages, installer, telling)
    })?;
    Ok(interpreter(&entry))
}

fn interpreter(entry: &Path) -> PathBuf {
    entry.join(VENV).join("bin/python")
}

/// pip stays out of it: it is ten times as much as all the rest.
fn fill(
    entry: &Path,
    packages: &[Package],
    installer: Installer<'_>,
    telling: &dyn Fn(Told<'_>),
) -> Result<(), WorldError> {
    let (venv, python) = (entry.join(VENV), interpreter(entry));
    installer
        .run(Command::new("python3").args(["-m", "venv", "--without-pip"]).arg(&venv), telling)?;
    let site_packages = site_packages(&venv).ok_or_else(|| {
        let fact = format!("`python3 -m venv` made no `site-packages` in `{}`", venv.shown());
        WorldError::new(fact, HELP)
    })?;
    let files = cache::Packages {
        requirements: &requirements(packages),
        options: &[],
        target: &site_packages,
    };
    let what = listed(packages);
    cache::install_packages(entry, &files, &Installer { what: &what, ..installer }, telling)?;
    // So that they are the same however often it is installed, and Python compares no times.
    let mut compile = Command::new(&python);
    compile.args(["-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash"]);
    compile.env_remove("PYTHONPYCACHEPREFIX").env_remove("PYTHONOPTIMIZE").arg(&site_packages);
    // As with pip, a package may hold what does not compile; Python only starts more slowly then.
    let _ = installer.run(&mut compile, telling);
    match probe_within(PROBE_LIMIT, &mut Command::new(&python), packages)?.import_error {
        None => Ok(()),
        Some(why) => {
            let fact = format!("{what} can't be imported after the installation: {why}");
            Err(WorldError::new(fact, HELP))
        }
    }
}

/// `lib/python3.11/site-packages`.
fn site_packages(venv: &Path) -> Option<PathBuf> {
    let folders = std::fs::read_dir(venv.join("lib")).ok()?.flatten();
    folders.map(|folder| folder.path().join("site-packages")).find(|path| path.is_dir())
}

/// Whether a traceback says that one of these modules, or a part of one, can't be imported.
fn lacks_one_of(modules: &[String], traceback: &str) -> bool {
    let errors = traceback.lines().filter(|line| {
        line.starts_with("ModuleNotFoundError: ") || line.starts_with("ImportError: ")
    });
    errors.into_iter().any(|error| {
        error.split('\'').skip(1).step_by(2).any(|quoted| {
            let module = quoted.split('.').next().unwrap_or(quoted);
            modules.iter().any(|name| name == module)
        })
    })
}

/// `redis-cli` and `valkey-cli` of our own in front of the real ones, if there are any.
fn shims() -> Result<Option<PrivateFolder>, WorldError> {
    let files: Vec<PrivateFile> = ["redis-cli", "valkey-cli"]
        .into_iter()
        .filter(|name| on_path(name).is_some())
        .map(|name| PrivateFile { name, text: REDIS_CLI, mode: 0o700 })
        .collect();
    if files.is_empty() {
        return Ok(None);
    }
    PrivateFolder::new("shims", files).map(Some)
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
    packages.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_interpreter_gets_another_environment() {
        let packages = crate::lesson::course::default_packages();
        let probe = |identity: &str| Probe { identity: identity.to_owned(), import_error: None };
        let names = [
            environment_name(&probe("3.11"), &packages),
            environment_name(&probe("3.12"), &packages),
        ];
        assert_ne!(names[0], names[1]);
    }

    #[test]
    fn a_missing_package_of_the_course_is_seen_in_a_traceback() {
        let lacks =
            |last: &str| lacks_one_of(&["redis".to_owned()], &format!("Traceback\n{last}\n"));
        assert!(lacks("ModuleNotFoundError: No module named 'redis'"));
        assert!(lacks("ModuleNotFoundError: No module named 'redis.client'"));
        assert!(lacks("ImportError: cannot import name 'Redis' from 'redis' (unknown location)"));
        assert!(!lacks("ModuleNotFoundError: No module named 'rediss'"));
        assert!(!lacks("ValueError: 'redis'"));
    }
}
