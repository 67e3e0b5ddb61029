//! The cache of installed packages: changes by answers, pip's settings and other users.

mod answers;
mod pip;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use crate::support::{Ended, Workspace, cache, report_skipped};

/// Passes `creating-snapshots`.
const RIGHT: &str = "import redis\n\
    client = redis.Redis()\n\
    client.save()\n\
    client.bgsave()\n\
    print('Manual snapshot triggered.')\n";
/// Does not pass `creating-snapshots`.
const EMPTY: &str = "import redis\nprint('Manual snapshot triggered.')\n";

/// A workspace with a private cache.
struct Cache {
    workspace: Workspace,
    directory: PathBuf,
}

impl Cache {
    fn new() -> Self {
        let workspace = Workspace::new();
        let directory = workspace.work().join("cache");
        Self { workspace, directory }
    }

    /// A copy of the environment that other tests use, so that nothing is installed. `None`, with
    /// a note that `test` is skipped, if this machine's Python needs no environment.
    fn installed(test: &str) -> Option<Self> {
        let Some(entry) = shared_entry() else {
            report_skipped(test, "python3 has the packages itself");
            return None;
        };
        Some(Self::with_copy_of(entry))
    }

    fn with_copy_of(entry: &Path) -> Self {
        let cache = Self::new();
        std::fs::create_dir_all(cache.directory.join("redislings")).unwrap();
        let mut copy = Command::new("cp");
        copy.arg("-Rp").arg(entry).arg(cache.directory.join("redislings"));
        assert!(copy.status().unwrap().success());
        cache
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.workspace.command(arguments);
        command.env("XDG_CACHE_HOME", &self.directory).stdin(Stdio::null());
        command
    }

    fn run(&self, arguments: &[&str]) -> Ended {
        Ended::from(self.command(arguments).output().unwrap())
    }

    fn check_command(&self, answer: &str) -> Command {
        let path = self.workspace.file("answers/a.py", answer);
        self.command(&["check", "creating-snapshots", path.to_str().unwrap()])
    }

    fn check(&self, answer: &str) -> Ended {
        Ended::from(self.check_command(answer).output().unwrap())
    }

    /// The only directory in the cache.
    fn entry(&self) -> PathBuf {
        directories(&self.directory.join("redislings")).pop().unwrap()
    }

    fn site_packages(&self) -> PathBuf {
        directories(&self.entry().join("venv/lib")).pop().unwrap().join("site-packages")
    }
}

fn directories(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    entries.filter(|entry| entry.file_type().unwrap().is_dir()).map(|entry| entry.path()).collect()
}

/// The environment of the shipped course in the cache that all tests share.
fn shared_entry() -> Option<&'static PathBuf> {
    static ENTRY: OnceLock<Option<PathBuf>> = OnceLock::new();
    ENTRY.get_or_init(find_shared_entry).as_ref()
}

fn find_shared_entry() -> Option<PathBuf> {
    let ended = Workspace::new().run(&["doctor"]);
    if ended.stdout.contains("this Python imports it") {
        return None;
    }
    let (verdict, code) = Workspace::new().check("creating-snapshots", "a.py", RIGHT);
    assert_eq!(code, 0, "{verdict:#}");
    // There may be several: take any of them.
    let mut entries = directories(&cache().join("redislings"));
    entries.retain(|entry| {
        let requirements = std::fs::read_to_string(entry.join("requirements.txt"));
        requirements.is_ok_and(|text| text.starts_with("redis==8.1.0 --hash"))
    });
    entries.pop()
}

/// The wheels of the shipped course: a package index without a network.
fn wheels() -> PathBuf {
    shared_entry().unwrap().join("wheels")
}

fn passed(ended: &Ended) {
    assert_eq!(ended.code, 0, "{ended:?}");
}

fn not_passed(ended: &Ended) {
    assert_eq!(ended.code, 1, "{ended:?}");
    assert!(ended.stdout.contains("not passed"), "{ended:?}");
}

fn unchecked(ended: &Ended, fact: &str) {
    assert_eq!(ended.code, 3, "{ended:?}");
    assert!(ended.stderr.contains(fact), "{fact} is not in {ended:?}");
    assert!(ended.stderr.contains("\nhelp: "), "{ended:?}");
}
