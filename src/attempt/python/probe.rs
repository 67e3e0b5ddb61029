//! What `python3` is here.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::super::evidence::ProgramEnd;
use super::super::program;
use crate::cleanup;
use crate::error::EnvironmentError;
use crate::lesson::course::Package;
use crate::sanitize::ShownPath as _;

pub(super) const HELP: &str = "install Python 3 with its `venv` module (`apt install python3 python3-venv`, \
                    `brew install python`), or `pip install redis` yourself";
/// Its first argument is a comma-separated list of modules to import.
const PROBE: &str = "import sys
print(sys.version.split()[0], sys.executable)
for name in sys.argv[1].split(','):
    if name: __import__(name)";
/// The packages may come from a cold disk.
pub(super) const PROBE_LIMIT: Duration = Duration::from_secs(60);

/// An interpreter, and whether it can import the course's packages.
#[derive(Debug, Clone)]
pub struct Probe {
    /// Version and path.
    pub identity: String,
    /// Why not all packages could be imported.
    pub import_error: Option<String>,
}

impl Probe {
    pub fn has_packages(&self) -> bool {
        self.import_error.is_none()
    }
}

/// Probes the `python3` on PATH.
pub fn probe(packages: &[Package]) -> Result<Probe, EnvironmentError> {
    probe_within(PROBE_LIMIT, &mut Command::new("python3"), packages)
}

pub(super) fn probe_within(
    limit: Duration,
    python: &mut Command,
    packages: &[Package],
) -> Result<Probe, EnvironmentError> {
    let program = PathBuf::from(python.get_program());
    // Not in the working directory, which may contain the student's own `redis.py`.
    let directory = cleanup::private_directory("probe")?;
    python.args(["-c", PROBE, &import_names(packages).join(",")]);
    python.env("PYTHONDONTWRITEBYTECODE", "1");
    let finished = program::run(python, &directory, limit, &CancellationToken::new());
    let run = finished.map_err(|error| not_runnable(&program, &error.to_string()))?.collect();
    cleanup::stop_if_a_signal_came();
    let why = match (run.end, run.stdout.text.lines().next()) {
        (ProgramEnd::TimedOut, _) => format!("it did not end within {} s", limit.as_secs()),
        (end, Some(identity)) => {
            let last_line = run.stderr.text.trim().lines().last().unwrap_or("no error message");
            let import_error = (end != ProgramEnd::Exited(0)).then(|| last_line.to_owned());
            return Ok(Probe { identity: identity.to_owned(), import_error });
        }
        (ProgramEnd::Signalled(signal), None) => format!("it was ended by signal {signal}"),
        (ProgramEnd::Exited(_), None) => run.stderr.text.trim().to_owned(),
    };
    Err(not_runnable(&program, &why))
}

/// Whether nothing beside this file could be imported in place of what a fork has imported already.
pub(super) fn is_alone(path: &Path) -> bool {
    let folder = path.parent().and_then(|folder| std::fs::read_dir(folder).ok());
    folder.is_some_and(|entries| entries.count() == 1)
}

pub(super) fn not_runnable(program: &Path, why: &str) -> EnvironmentError {
    EnvironmentError::new(format!("`{}` can't be run: {why}", program.shown()), HELP)
}

/// The import names of those packages that are installed for every Python.
pub(super) fn import_names(packages: &[Package]) -> Vec<String> {
    packages.iter().filter_map(Package::import_name).collect()
}
