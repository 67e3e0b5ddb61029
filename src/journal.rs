//! The journal of the student's work: one line of JSON for each attempt and each exploration.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::attempt::evidence::Evidence;
use crate::disk;
use crate::error::EnvironmentError;
use crate::lesson::{Exercise, Language};
use crate::present::journal::JournalEntry;
use crate::relay::Timeline;
use crate::sanitize::ShownPath as _;
use crate::state;
use crate::verdict::Verdict;

/// The journal of one session.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    session: String,
}

/// The contents of the journal.
#[derive(Debug, Default)]
pub struct Entries {
    /// In the order in which they were written.
    pub entries: Vec<JournalEntry>,
    /// How many lines cannot be read.
    pub damaged: usize,
}

/// The user's own file: `~/.local/state/redislings/journal.jsonl`.
pub fn path_of_the_user() -> Result<PathBuf, EnvironmentError> {
    Ok(state::directory()?.join("journal.jsonl"))
}

impl Journal {
    /// For the session that began at `started`.
    pub fn of_the_user(started: SystemTime) -> Result<Self, EnvironmentError> {
        Ok(Self::at(&path_of_the_user()?, started))
    }

    /// The same, in another file.
    pub fn at(path: &Path, started: SystemTime) -> Self {
        // With the process id, because two sessions may begin in the same second.
        let session = format!("{}-{}", seconds(started), std::process::id());
        Self { path: path.to_owned(), session }
    }

    /// Adds an answer and its verdict. `title` is the step's title; `answer` is `None` if the
    /// student worked on the server with other clients.
    pub fn add_attempt(
        &self,
        exercise: &Exercise,
        title: &str,
        server: &str,
        answer: Option<(&str, Language)>,
        evidence: &Evidence,
        verdict: &Verdict,
    ) -> Result<(), EnvironmentError> {
        let entry = self.entry(title, server);
        self.add(&entry.with_attempt(exercise, answer, evidence, verdict))
    }

    /// Adds the commands that were tried at the prompt, if any.
    pub fn add_exploration(
        &self,
        title: &str,
        server: &str,
        timeline: &Timeline,
    ) -> Result<(), EnvironmentError> {
        if timeline.exchanges.is_empty() {
            return Ok(());
        }
        self.add(&self.entry(title, server).with_commands(timeline, &[]))
    }

    fn entry(&self, title: &str, server: &str) -> JournalEntry {
        JournalEntry {
            session: self.session.clone(),
            at: seconds(SystemTime::now()),
            title: title.to_owned(),
            server: server.to_owned(),
            attempt: None,
            commands: Vec::new(),
            left_out: 0,
        }
    }

    fn add(&self, entry: &JournalEntry) -> Result<(), EnvironmentError> {
        state::in_turn(&self.path.with_extension("lock"), || {
            let line = entry.line().map_err(std::io::Error::other)?;
            append(&self.path, &line)
        })
        .map_err(|error| unusable("write", &self.path, &error))
    }
}

/// Reads the journal; a missing file is an empty journal.
pub fn read(path: &Path) -> Result<Entries, EnvironmentError> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(unusable("read", path, &error)),
    };
    let mut journal = Entries::default();
    for line in bytes.split(|&byte| byte == b'\n').filter(|line| !line.trim_ascii().is_empty()) {
        match JournalEntry::of_line(line) {
            Some(entry) => journal.entries.push(entry),
            None => journal.damaged += 1,
        }
    }
    Ok(journal)
}

impl Entries {
    /// Only the entries of the session that wrote last.
    #[must_use]
    pub fn last_session(mut self) -> Self {
        let last = self.entries.last().map(|entry| entry.session.clone());
        self.entries.retain(|entry| Some(&entry.session) == last.as_ref());
        self
    }
}

/// Appends a line. First ends a line that a full disk or a crash has cut, so that only the cut line
/// is lost.
fn append(path: &Path, line: &str) -> std::io::Result<()> {
    // Answers may contain private data, so only the user may read the file.
    let mut file =
        OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path)?;
    let mut last = [b'\n'];
    // Reads nothing from an empty file.
    file.read_at(&mut last, file.metadata()?.len().saturating_sub(1))?;
    let end = if last == *b"\n" { "" } else { "\n" };
    file.write_all(format!("{end}{line}\n").as_bytes())
}

fn seconds(time: SystemTime) -> i64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs().cast_signed()
}

fn unusable(verb: &str, path: &Path, error: &std::io::Error) -> EnvironmentError {
    let fact = format!("cannot {verb} the journal `{}`: {error}", path.shown());
    let otherwise = "set XDG_STATE_HOME to another folder";
    EnvironmentError::new(fact, disk::help_to_write(error, otherwise))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::relay::{CommandOutcome, Exchange};

    fn timeline(command: &str) -> Timeline {
        let words = command.split(' ').map(|word| word.as_bytes().to_vec()).collect();
        let (at, outcome) = (Duration::ZERO, CommandOutcome::Unknown);
        let exchange = Exchange { at, connection: 1, words, reply: None, outcome };
        Timeline { exchanges: vec![exchange], ..Timeline::default() }
    }

    fn session(path: &Path, started: u64) -> Journal {
        Journal::at(path, UNIX_EPOCH + Duration::from_secs(started))
    }

    fn commands(kept: &Entries) -> Vec<&str> {
        kept.entries.iter().map(|entry| entry.commands[0].command.as_str()).collect()
    }

    #[test]
    fn no_file_is_an_empty_journal() {
        let folder = tempfile::tempdir().unwrap();
        let kept = read(&folder.path().join("journal.jsonl")).unwrap();
        assert!(kept.entries.is_empty() && kept.damaged == 0);
    }

    #[test]
    fn the_last_session_is_the_one_that_wrote_last() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/journal.jsonl");
        session(&path, 1).add_exploration("A", "redis", &timeline("GET a")).unwrap();
        let last = session(&path, 2);
        last.add_exploration("A", "redis", &timeline("GET b")).unwrap();
        last.add_exploration("A", "redis", &Timeline::default()).unwrap();
        last.add_exploration("A", "redis", &timeline("GET c")).unwrap();
        let kept = read(&path).unwrap();
        assert_eq!(commands(&kept), ["GET a", "GET b", "GET c"]);
        assert_eq!(commands(&kept.last_session()), ["GET b", "GET c"]);
    }

    #[test]
    fn a_damaged_line_costs_only_itself() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.jsonl");
        session(&path, 1).add_exploration("A", "redis", &timeline("GET a")).unwrap();
        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(b"{}\n\xff\n{\"session\":\"1\",\"at\":17").unwrap();
        session(&path, 1).add_exploration("A", "redis", &timeline("GET b")).unwrap();
        let kept = read(&path).unwrap();
        assert_eq!((commands(&kept), kept.damaged), (vec!["GET a", "GET b"], 3));
    }

    #[test]
    fn parallel_sessions_cut_no_line_of_each_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.jsonl");
        std::thread::scope(|scope| {
            for number in 0..4 {
                let journal = session(&path, number);
                scope.spawn(move || {
                    let long = timeline(&format!("SET k {}", "x".repeat(1500)));
                    for _ in 0..20 {
                        journal.add_exploration("A", "redis", &long).unwrap();
                    }
                });
            }
        });
        let kept = read(&path).unwrap();
        assert_eq!((kept.entries.len(), kept.damaged), (80, 0));
    }
}
