//! Runs Python answers: finds an interpreter, and routes its programs to the lesson's server.

mod folder;
mod probe;
mod zygote;

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use tokio_util::sync::CancellationToken;

use self::folder::{PrivateFile, PrivateFolder};
use self::probe::{HELP, PROBE_LIMIT, import_names, is_alone, not_runnable, probe_within};
use self::zygote::Zygote;
use super::evidence::{ProgramEnd, Run};
use super::{inherited, program};
use crate::cache::{self, Installation, Installed, Installer};
use crate::cleanup;
use crate::error::{EnvironmentError, EnvironmentErrorKind};
use crate::lesson::course::Package;
use crate::progress_event::ProgressEvent;
use crate::sanitize::ShownPath as _;
use crate::server::Endpoint;
use crate::server::source::on_path;

pub use self::probe::{Probe, probe};

/// Every Python that an answer starts imports this at start-up: it redirects connections to port
/// 6379 to the lesson's server.
const SITECUSTOMIZE: &str = include_str!("python/sitecustomize.py");
/// Does the same for a `redis-cli` that a program starts.
const REDIS_CLI: &str = include_str!("python/redis_cli_shim.sh");
/// The program `server`, by which an answer stops and starts its server.
const SERVER: &str = include_str!("python/server.sh");
/// The folder of the virtual environment in its cache entry.
const VENV: &str = "venv";

/// The variable that says where the program `server` leaves its requests.
const CONTROL: &str = "REDISLINGS_CONTROL";

/// An interpreter that can import the course's packages.
#[derive(Debug, Clone)]
pub struct Python {
    program: PathBuf,
    /// The course's packages, which the interpreter can import.
    packages: Vec<Package>,
    /// The folder with [`SITECUSTOMIZE`].
    site: PrivateFolder,
    /// The folder with [`SERVER`], and with [`REDIS_CLI`] if there is a real `redis-cli`.
    shims: PrivateFolder,
    /// Present if answers run in forks.
    zygote: Option<Arc<Zygote>>,
}

/// The state of the cache entry for this interpreter and these packages.
pub fn installed(probe: &Probe, packages: &[Package]) -> Result<Installed, EnvironmentError> {
    cache::installed(&environment_name(probe, packages))
}

/// The name of the cache entry for this interpreter and these packages.
fn environment_name(probe: &Probe, packages: &[Package]) -> String {
    let key = format!("{} {}", probe.identity, requirements(packages));
    format!("python-{}", cache::hexadecimal(&Sha256::digest(key.as_bytes())[..6]))
}

impl Python {
    /// The `python3` on PATH if it has the packages, otherwise one in a virtual environment in the
    /// cache; `report` receives the progress of its installation.
    pub fn find(
        packages: &[Package],
        report: &dyn Fn(ProgressEvent<'_>),
    ) -> Result<Self, EnvironmentError> {
        let probe = probe(packages)?;
        let program = if probe.has_packages() {
            PathBuf::from("python3")
        } else {
            environment(&probe, packages, report)?
        };
        let file = PrivateFile { name: "sitecustomize.py", text: SITECUSTOMIZE, mode: 0o600 };
        let site = PrivateFolder::new("python", vec![file])?;
        if site.path().to_string_lossy().contains(':') {
            // Python would split PYTHONPATH there, and would not redirect connections.
            let path = site.path().shown();
            let fact = format!("the temporary directory has a `:` in its name: `{path}`");
            return Err(EnvironmentError::new(fact, "set TMPDIR to a directory without one"));
        }
        Ok(Self { program, packages: packages.to_vec(), site, shims: shims()?, zygote: None })
    }

    /// The same Python with a warmed interpreter that has already imported `packages`:
    /// [`Self::run`] forks it, which saves Python's start and these imports for every answer.
    /// Several threads may use it at once; the interpreter ends with the last clone.
    ///
    /// A fork has memory, environment, descriptors and directory of its own, and nothing of an
    /// earlier answer. It differs from a fresh process in what only few programs look at:
    /// `packages` are imported already, and our frames lie below the program's. An answer that has
    /// other files beside it, which it could import, runs in a fresh process.
    ///
    /// # Errors
    ///
    /// If this Python prints something at its start, or its packages start threads: continue with
    /// `self`.
    pub fn warmed(&self, packages: &[Package]) -> Result<Self, EnvironmentError> {
        self.restore_files()?;
        let imports = import_names(packages);
        let zygote =
            Zygote::start(&self.program, &imports, self.environment(None)).map_err(|why| {
                let fact = format!("`{}` can't be kept warm: {why}", self.program.shown());
                EnvironmentError::new(fact, "each answer then starts its own Python")
            })?;
        Ok(Self { zygote: Some(Arc::new(zygote)), ..self.clone() })
    }

    /// Runs the file at `path` against the server at `endpoint`, until `limit` or `cancel` ends it.
    ///
    /// # Errors
    ///
    /// An error of the kind [`EnvironmentErrorKind::LostFork`] means that the answer may have run
    /// in part. It can be run again on a fresh server; this Python then uses fresh processes only.
    pub fn run(
        &self,
        path: &Path,
        endpoint: &Endpoint,
        limit: Duration,
        cancel: &CancellationToken,
    ) -> Result<program::FinishedProgram, EnvironmentError> {
        let directory = cleanup::private_directory("answer")?;
        self.run_in(directory, None, path, endpoint, limit, cancel)
    }

    /// The same in this private directory, which is removed with the result. `control` is where the
    /// program may ask for its server to be stopped.
    pub(super) fn run_in(
        &self,
        directory: PathBuf,
        control: Option<&Path>,
        path: &Path,
        endpoint: &Endpoint,
        limit: Duration,
        cancel: &CancellationToken,
    ) -> Result<program::FinishedProgram, EnvironmentError> {
        self.restore_files()?;
        let mut environment = self.environment(Some(endpoint));
        environment.extend(control.map(|control| (CONTROL.into(), control.into())));
        if let Some(zygote) = &self.zygote
            && is_alone(path)
            && let Some(finished) = zygote.run(path, &directory, &environment, limit, cancel)
        {
            return finished.map_err(|error| {
                // A signal that ends us also ends the fork.
                cleanup::stop_if_a_signal_came();
                let fact = format!("the fork that ran the answer was lost: {error}");
                EnvironmentError::new(fact, "try again").of(EnvironmentErrorKind::LostFork)
            });
        }
        let mut command = Command::new(&self.program);
        command.arg(path).env_clear().envs(environment);
        program::run(&mut command, &directory, limit, cancel)
            .map_err(|error| not_runnable(&self.program, &error.to_string()))
    }

    /// Restores the files that programs read, because another answer may have changed them.
    fn restore_files(&self) -> Result<(), EnvironmentError> {
        cache::ensure_intact(&self.program)?;
        self.site.restore()?;
        self.shims.restore()
    }

    /// An error if an answer failed because one of the course's packages is missing.
    pub(super) fn ensure_packages_present(&self, run: &Run) -> Result<(), EnvironmentError> {
        let Run::Program(run) = run else { return Ok(()) };
        let imports = import_names(&self.packages);
        if run.end == ProgramEnd::Exited(0) || !lacks_one_of(&imports, &run.stderr.text) {
            return Ok(());
        }
        let mut python = Command::new(&self.program);
        python.env_clear().envs(self.environment(None));
        let Some(why) = probe_within(PROBE_LIMIT, &mut python, &self.packages)?.import_error else {
            return Ok(());
        };
        let fact = format!("{} can no longer be imported: {why}", listed(&self.packages));
        let help = "try again: redislings then reinstalls what was changed in the cache; \
                    `redislings doctor` shows what is there";
        Err(EnvironmentError::new(fact, help))
    }

    /// An answer's environment, except [`program::MARK`].
    fn environment(&self, endpoint: Option<&Endpoint>) -> BTreeMap<OsString, OsString> {
        let mut environment = inherited::environment();
        // The next answer would load compiled files that an answer leaves there.
        environment.remove(OsStr::new("PYTHONPYCACHEPREFIX"));
        environment.insert("PYTHONPATH".into(), before(self.site.path(), "PYTHONPATH"));
        environment.insert("PYTHONUNBUFFERED".into(), "1".into());
        environment.insert("PYTHONIOENCODING".into(), "utf-8:replace".into());
        environment.insert("PYTHONDONTWRITEBYTECODE".into(), "1".into());
        environment.insert("PATH".into(), before(self.shims.path(), "PATH"));
        environment.insert("REDISLINGS_SHIMS".into(), self.shims.path().into());
        environment.remove(OsStr::new(CONTROL));
        if let Some(endpoint) = endpoint {
            environment.insert("REDIS_URL".into(), endpoint.url.clone().into());
            environment.insert("REDIS_HOST".into(), endpoint.host.clone().into());
            environment.insert("REDIS_PORT".into(), endpoint.port.to_string().into());
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
    report: &dyn Fn(ProgressEvent<'_>),
) -> Result<PathBuf, EnvironmentError> {
    let wanted = Installation {
        name: &environment_name(probe, packages),
        what: "the environment for Python",
        line: &format!("installing {} for Python into the cache, once", listed(packages)),
    };
    let entry = cache::install(&wanted, report, |entry| {
        let installer = Installer { what: wanted.what, help: HELP };
        fill(entry, packages, installer, report)
    })?;
    Ok(interpreter(&entry))
}

fn interpreter(entry: &Path) -> PathBuf {
    entry.join(VENV).join("bin/python")
}

/// Python is there; what is wanted of the index is the course's.
const OF_PACKAGES: &str = "the packages are those of `python.packages` in the course's `course.toml`: \
                           mend it if they do not exist, or `pip install` them yourself";

/// Creates the virtual environment without pip, which is ten times as large as all the rest.
fn fill(
    entry: &Path,
    packages: &[Package],
    installer: Installer<'_>,
    report: &dyn Fn(ProgressEvent<'_>),
) -> Result<(), EnvironmentError> {
    let (venv, python) = (entry.join(VENV), interpreter(entry));
    installer
        .run(Command::new("python3").args(["-m", "venv", "--without-pip"]).arg(&venv), report)?;
    let site_packages = site_packages(&venv).ok_or_else(|| {
        let fact =
            format!("`python3 -m venv` did not create `site-packages` in `{}`", venv.shown());
        EnvironmentError::new(fact, HELP)
    })?;
    let files = cache::Packages {
        requirements: &requirements(packages),
        options: &[],
        target: &site_packages,
    };
    let what = listed(packages);
    cache::install_packages(entry, &files, &Installer { what: &what, help: OF_PACKAGES }, report)?;
    // With unchecked hashes the files are the same after each installation, and Python compares no
    // times.
    let mut compile = Command::new(&python);
    compile.args(["-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash"]);
    compile.env_remove("PYTHONPYCACHEPREFIX").env_remove("PYTHONOPTIMIZE").arg(&site_packages);
    // A package may contain files that do not compile, as with pip; then Python only starts more
    // slowly.
    let _ = installer.run(&mut compile, report);
    match probe_within(PROBE_LIMIT, &mut Command::new(&python), packages)?.import_error {
        None => Ok(()),
        Some(why) => {
            let fact = format!("{what} can't be imported after the installation: {why}");
            Err(EnvironmentError::new(fact, HELP))
        }
    }
}

/// The path of `lib/python3.11/site-packages`, for any Python version.
fn site_packages(venv: &Path) -> Option<PathBuf> {
    let folders = std::fs::read_dir(venv.join("lib")).ok()?.flatten();
    folders.map(|folder| folder.path().join("site-packages")).find(|path| path.is_dir())
}

/// Whether a traceback says that one of these modules, or a part of one, cannot be imported.
fn lacks_one_of(modules: &[String], traceback: &str) -> bool {
    traceback.lines().filter(|line| is_import_error(line)).any(|error| {
        error.split('\'').skip(1).step_by(2).any(|quoted| {
            let module = quoted.split('.').next().unwrap_or(quoted);
            modules.iter().any(|name| name == module)
        })
    })
}

fn is_import_error(line: &str) -> bool {
    line.starts_with("ModuleNotFoundError: ") || line.starts_with("ImportError: ")
}

/// A folder with `server`, and our own `redis-cli` and `valkey-cli` as far as the real ones exist.
fn shims() -> Result<PrivateFolder, EnvironmentError> {
    let mut files: Vec<PrivateFile> = ["redis-cli", "valkey-cli"]
        .into_iter()
        .filter(|name| on_path(name).is_some())
        .map(|name| PrivateFile { name, text: REDIS_CLI, mode: 0o700 })
        .collect();
    files.push(PrivateFile { name: "server", text: SERVER, mode: 0o700 });
    PrivateFolder::new("shims", files)
}

/// `folder` followed by the variable's current value.
fn before(folder: &Path, variable: &str) -> OsString {
    let mut value = folder.as_os_str().to_owned();
    if let Some(old) = std::env::var_os(variable).filter(|old| !old.is_empty()) {
        value.push(":");
        value.push(old);
    }
    value
}

/// For people: `redis==8.1.0, async-timeout==5.0.1`.
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
