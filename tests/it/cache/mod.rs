//! What is installed into the cache, and what answers, pip's settings and other users do to it.

mod answers;
mod pip;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use crate::support::{Ended, Place, cache};

/// Passes `creating-snapshots`.
const RIGHT: &str = "import redis\nclient = redis.Redis()\nclient.save()\nclient.bgsave()\nprint('Manual snapshot triggered.')\n";
/// Does not.
const EMPTY: &str = "import redis\nprint('Manual snapshot triggered.')\n";

/// A place with a cache of its own.
struct Cache {
    place: Place,
    directory: PathBuf,
}

impl Cache {
    /// An empty one.
    fn new() -> Self {
        let place = Place::new();
        let directory = place.work().join("cache");
        Self { place, directory }
    }

    /// One with a copy of the environment that other tests use, so that nothing is installed; `None`, and `test` is said to
    /// be skipped, where this machine's Python needs none.
    fn installed(test: &str) -> Option<Self> {
        let Some(entry) = shared_entry() else {
            use std::io::Write as _;
            let _ = writeln!(std::io::stderr(), "skipped: {test}: python3 has the packages itself");
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
        let mut command = self.place.command(arguments);
        command.env("XDG_CACHE_HOME", &self.directory).stdin(Stdio::null());
        command
    }

    fn run(&self, arguments: &[&str]) -> Ended {
        Ended::from(self.command(arguments).output().unwrap())
    }

    fn check_command(&self, answer: &str) -> Command {
        let path = self.place.file("answers/a.py", answer);
        self.command(&["check", "creating-snapshots", path.to_str().unwrap()])
    }

    fn check(&self, answer: &str) -> Ended {
        Ended::from(self.check_command(answer).output().unwrap())
    }

    /// The only directory in it.
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
    let find = || {
        let ended = Place::new().run(&["doctor"]);
        if ended.stdout.contains("this Python imports it") {
            return None;
        }
        let (verdict, code) = Place::new().check("creating-snapshots", "a.py", RIGHT);
        assert_eq!(code, 0, "{verdict:#}");
        // The one that was used last, if there are several.
        let mut entries = directories(&cache().join("redislings"));
        entries.retain(|entry| {
            let requirements = std::fs::read_to_string(entry.join("requirements.txt"));
            requirements.is_ok_and(|text| text.starts_with("redis==7.0.1 --hash"))
        });
        entries.pop()
    };
    ENTRY.get_or_init(find).as_ref()
}

/// Where the wheels of the shipped course are: a package index without a network.
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
