//! Installs packages into the cache with pip: only files with the pinned hashes, whatever the
//! user's pip settings are.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::tree::{self, WHEELS};
use super::{Installer, cannot_write};
use crate::cleanup::PassingDirectory;
use crate::error::EnvironmentError;
use crate::progress_event::ProgressEvent;

/// The pip settings that say where the package index is and how to reach it. Other settings could
/// make pip install nothing (`dry-run`), elsewhere (`target`, `root`, `user`), more
/// (`requirement`), or fail (`require-virtualenv`).
const REACHING_THE_INDEX: &str = "cache-dir cert client-cert default-timeout extra-index-url \
    find-links index-url keyring-provider no-cache-dir no-index proxy pypi-url resume-retries \
    retries timeout trusted-host";
/// Those of them that may be paths, relative to the user's directory.
const PATHS: [&str; 4] = ["cache-dir", "cert", "client-cert", "find-links"];
/// The sections of pip's settings that apply; later ones win.
const SECTIONS: [&str; 4] = ["global", "download", "install", ":env:"];

pub struct Packages<'p> {
    /// The lines of a requirements file, each with its hashes.
    pub requirements: &'p str,
    /// Further options of pip.
    pub options: &'p [&'p str],
    /// The directory for the packages, in the cache entry.
    pub target: &'p Path,
}

/// Installs the packages into their directory in `entry`, from wheels that stay there: they can
/// repair the entry when no package index is reachable.
pub fn install(
    entry: &Path,
    packages: &Packages<'_>,
    installer: &Installer<'_>,
    report: &dyn Fn(ProgressEvent<'_>),
) -> Result<(), EnvironmentError> {
    let pip = Pip::find(installer, report)?;
    let requirements = entry.join("requirements.txt");
    fs::write(&requirements, packages.requirements).map_err(cannot_write(&requirements))?;
    let wheels = entry.join(WHEELS);
    let install_wheels = || {
        // pip would skip packages that are already there.
        tree::remove(packages.target).map_err(cannot_write(packages.target))?;
        let mut command = pip.command("install", &requirements, packages.options);
        command.args(["--no-compile", "--no-index", "--find-links"]).arg(&wheels);
        installer.run(command.arg("--target").arg(packages.target), report)
    };
    // An earlier installation may have left wheels.
    if wheels.exists() && install_wheels().is_ok() {
        return Ok(());
    }
    tree::remove(&wheels).map_err(cannot_write(&wheels))?;
    let mut command = pip.command("download", &requirements, packages.options);
    command.envs(pip.settings.iter().map(|(name, value)| (variable(name), value)));
    installer.run(command.arg("--dest").arg(&wheels), report)?;
    make_private(&wheels).map_err(cannot_write(&wheels))?;
    install_wheels()
}

/// Makes the directory and its files private, whatever the umask is.
fn make_private(directory: &Path) -> std::io::Result<()> {
    fs::set_permissions(directory, Permissions::from_mode(0o700))?;
    for entry in fs::read_dir(directory)? {
        fs::set_permissions(entry?.path(), Permissions::from_mode(0o600))?;
    }
    Ok(())
}

struct Pip {
    python: PathBuf,
    /// Where the package index is and how to reach it.
    settings: Vec<(String, String)>,
    /// May contain the virtual environment of pip.
    _directory: PassingDirectory,
}

impl Pip {
    /// Finds pip of the `python3` on PATH or, if that has none, creates a virtual environment with
    /// pip.
    fn find(
        installer: &Installer<'_>,
        report: &dyn Fn(ProgressEvent<'_>),
    ) -> Result<Self, EnvironmentError> {
        let directory = PassingDirectory::new("pip")?;
        let mut version = Command::new("python3");
        version.args(["-m", "pip", "--version"]).current_dir(directory.path());
        let has_pip = without_settings(&mut version).output().map_err(|error| {
            EnvironmentError::new(format!("`python3` can't be run: {error}"), installer.help)
        })?;
        let python = if has_pip.status.success() {
            PathBuf::from("python3")
        } else {
            let environment = directory.path().join("venv");
            let mut venv = Command::new("python3");
            without_settings(venv.args(["-m", "venv"]).arg(&environment));
            Installer { what: "pip", ..*installer }.run(&mut venv, report)?;
            environment.join("bin/python")
        };
        let settings = settings(&python, directory.path());
        Ok(Self { python, settings, _directory: directory })
    }

    fn command(&self, name: &str, requirements: &Path, options: &[&str]) -> Command {
        let mut command = Command::new(&self.python);
        command.args(["-m", "pip", name, "--quiet", "--require-hashes", "--only-binary", ":all:"]);
        command.args(options).arg("--requirement").arg(requirements);
        without_settings(&mut command);
        command
    }
}

/// Hides the user's configuration files and variables from pip, and forbids it to prompt.
fn without_settings(command: &mut Command) -> &mut Command {
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("PIP_") {
            command.env_remove(name);
        }
    }
    command.env("PIP_CONFIG_FILE", "/dev/null").env("PIP_NO_INPUT", "1");
    // Variables rather than options, since older versions of pip do not know all of them.
    command.env("PIP_DISABLE_PIP_VERSION_CHECK", "1").env("PIP_ROOT_USER_ACTION", "ignore")
}

/// The user's settings about the index, from files and variables. pip lists them, since it knows
/// where the files are.
fn settings(python: &Path, directory: &Path) -> Vec<(String, String)> {
    let variables: Vec<(String, String)> = std::env::vars()
        .filter_map(|(name, value)| {
            let name = name.strip_prefix("PIP_")?.to_lowercase().replace('_', "-");
            is_about_the_index(&name, &value).then_some((name, value))
        })
        .collect();
    let mut command = Command::new(python);
    without_settings(command.args(["-m", "pip", "config", "list"]));
    command.env_remove("PIP_CONFIG_FILE").current_dir(directory);
    if let Some(file) = std::env::var_os("PIP_CONFIG_FILE") {
        command.env("PIP_CONFIG_FILE", std::path::absolute(&file).unwrap_or_else(|_| file.into()));
    }
    command.envs(variables.iter().map(|(name, value)| (variable(name), value)));
    // A quiet pip would print no list either.
    command.env("PIP_QUIET", "0").env("PIP_VERBOSE", "0");
    let mut settings = match command.output() {
        Ok(output) if output.status.success() => {
            listed_settings(&String::from_utf8_lossy(&output.stdout))
        }
        _ => variables,
    };
    for (_, value) in settings.iter_mut().filter(|(name, _)| PATHS.contains(&name.as_str())) {
        *value = value.split_whitespace().map(absolute).collect::<Vec<_>>().join(" ");
    }
    settings
}

/// Reads lines such as `global.index-url='https://…'`.
fn listed_settings(list: &str) -> Vec<(String, String)> {
    let mut settings: Vec<(String, String)> = Vec::new();
    for section in SECTIONS {
        for line in list.lines() {
            let Some((name, value)) = setting_of(section, line) else { continue };
            if is_about_the_index(&name, &value) {
                settings.retain(|(other, _)| *other != name);
                settings.push((name, value));
            }
        }
    }
    settings
}

fn setting_of(section: &str, line: &str) -> Option<(String, String)> {
    let (key, value) = line.split_once('=')?;
    let name = key.strip_prefix(section)?.strip_prefix('.')?;
    Some((name.trim_start_matches('-').replace('_', "-"), unquoted(value)?))
}

fn is_about_the_index(name: &str, value: &str) -> bool {
    match name {
        // These values choose the trusted certificates; both settings have many other values.
        "use-feature" => value == "truststore",
        "use-deprecated" => value == "legacy-certs",
        _ => REACHING_THE_INDEX.split(' ').any(|known| known == name),
    }
}

/// Makes a relative path absolute, since pip runs in another directory.
fn absolute(word: &str) -> String {
    let path = Path::new(word).exists().then(|| std::path::absolute(word).ok()).flatten();
    path.map_or_else(|| word.to_owned(), |path| path.to_string_lossy().into_owned())
}

fn variable(name: &str) -> String {
    format!("PIP_{}", name.to_uppercase().replace('-', "_"))
}

/// The pinned package of which the index has other versions only, and the newest of those. An index
/// that can't be reached has none, and a version for another Python is there.
pub(super) fn unknown_version(errors: &str) -> Option<(&str, &str)> {
    const BEFORE: &str = "Could not find a version that satisfies the requirement ";
    let line = errors.lines().find_map(|line| Some(line.split_once(BEFORE)?.1))?;
    let (package, versions) = line.split_once(" (from versions: ")?;
    let package = package.split([' ', ';']).next()?;
    let version = package.split_once("==")?.1;
    let newest = versions.trim_end_matches(')').rsplit(", ").next()?;
    let is_for_another_python = errors.contains(&format!(" {version} Requires-Python"));
    (!matches!(newest, "none" | "") && !is_for_another_python).then_some((package, newest))
}

/// Reads a string literal of Python as one of JSON, which knows the escapes that settings about an
/// index need; `None` if it contains others.
fn unquoted(text: &str) -> Option<String> {
    let quote = text.chars().next().filter(|quote| "'\"".contains(*quote))?;
    let content = text.strip_prefix(quote)?.strip_suffix(quote)?;
    let content = content.replace(r"\'", "'").replace('"', r#"\""#);
    serde_json::from_str(&format!("\"{content}\"")).ok()
}

/// Reads pip's message about a file with a wrong hash: `…DO NOT MATCH THE HASHES…`, then for each
/// package `redis==8.1.0 from …:`, `Expected sha256 …`, `Expected     or …`, and `Got        …`.
pub(super) fn hash_mismatch(errors: &str) -> Option<EnvironmentError> {
    let (_, message) = errors.split_once("DO NOT MATCH THE HASHES")?;
    let (message, rest) = message.split_once(" Got ")?;
    let got = rest.split_whitespace().next()?;
    let mut lines = message.lines().skip(1).map(str::trim);
    let package = lines.next()?.split(" from ").next()?.trim_end_matches(':');
    let expected = lines.filter(|line| line.starts_with("Expected "));
    let expected: Vec<&str> = expected.filter_map(|line| line.split_whitespace().nth(2)).collect();
    let expected = expected.join(" or ");
    let fact = format!("`{package}` is not the pinned file: expected sha256 {expected}, got {got}");
    let help = "nothing from it was run; use another package index, or ask its operators";
    Some(EnvironmentError::new(fact, help))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_that_the_index_lacks_is_named() {
        let line = |versions: &str| {
            format!(
                "ERROR: Could not find a version that satisfies the requirement redis==99.9 (from \
                 versions: {versions})\nERROR: No matching distribution found for redis==99.9\n"
            )
        };
        let known = line("0.6.0, 8.0.1, 8.1.0");
        assert_eq!(unknown_version(&known), Some(("redis==99.9", "8.1.0")));
        assert_eq!(unknown_version(&line("none")), None);
        let ignored = "ERROR: Ignored the following versions that require a different python \
                       version: 99.9 Requires-Python >=3.40\n";
        assert_eq!(unknown_version(&(ignored.to_owned() + &known)), None);
    }

    #[test]
    fn only_settings_about_the_index_are_taken() {
        let list = ":env:.find-links='/opt/wheels'\n:env:.target='x'\ndownload.retries='1'\n\
            freeze.timeout='9'\nglobal.dry-run='1'\n\
            global.extra-index-url='\\nhttps://a\\nhttps://b'\n\
            global.find-links='/other'\ninstall.index-url=\"https://it's\"\n\
            global.use-feature='truststore'\nglobal.use-deprecated='legacy-resolver'\n";
        let named = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            listed_settings(list),
            [
                named("extra-index-url", "\nhttps://a\nhttps://b"),
                named("use-feature", "truststore"),
                named("retries", "1"),
                named("index-url", "https://it's"),
                named("find-links", "/opt/wheels"),
            ]
        );
    }

    #[test]
    fn a_file_that_is_not_the_pinned_one_is_named() {
        let errors = "WARNING: something else\nERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM \
            THE REQUIREMENTS FILE. If you have updated the package versions, please update the \
            hashes.\n    \
            redis==8.1.0 from https://a/redis-8.1.0-py3-none-any.whl (from -r r.txt (line 1)):\n\
            \x20       Expected sha256 aa\n        Expected     or bb\n\
            \x20            Got        cc\n\n";
        let error = hash_mismatch(errors).unwrap();
        let fact = "`redis==8.1.0` is not the pinned file: expected sha256 aa or bb, got cc";
        assert_eq!(error.fact, fact);
        assert_eq!(hash_mismatch("ERROR: No matching distribution found"), None);
    }
}
