//! The threads of a session.

use std::os::unix::net::UnixStream;

use super::COURSE;
use crate::ask::{Ask, NoAnswer};
use crate::progress::Progress;
use crate::session::console::{Frame, ReadKey, Shown, Size};
use crate::session::{Console, FindRedis, SavedWork, run};

/// A console without keys.
struct NoKeys;

impl Ask for NoKeys {
    fn choose(&mut self, _: &str, _: &[String], _: usize) -> Result<usize, NoAnswer> {
        Err(NoAnswer::Cancelled)
    }

    fn confirm(&mut self, _: &str) -> Result<bool, NoAnswer> {
        Err(NoAnswer::Cancelled)
    }
}

impl Console for NoKeys {
    fn size(&self) -> Size {
        Size { columns: 80, rows: 24 }
    }

    fn show(&mut self, _: &Frame) -> Shown {
        Shown { top: 0, seen: 1, below: 0 }
    }

    fn read_key(&self) -> ReadKey {
        |_: &UnixStream| {
            loop {
                std::thread::park();
            }
        }
    }

    fn suspend_ui(&mut self) {}
    fn resume_ui(&mut self) {}
    fn suspend(&mut self) -> bool {
        false
    }
}

#[test]
fn a_panic_of_the_worker_ends_the_session() {
    let folder = tempfile::tempdir().unwrap();
    let (progress, _) = Progress::load(&folder.path().join("progress.toml")).unwrap();
    let panics: Box<FindRedis> = Box::new(|_| panic!("as a test wants it"));
    let ended = run(&COURSE, progress, SavedWork::default(), &mut NoKeys, panics, "");
    let error = ended.unwrap_err();
    assert!(error.fact.contains("bug"), "{error:?}");
}
