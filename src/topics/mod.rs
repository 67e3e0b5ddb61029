//! What only one topic of Redis needs: each topic is a folder and a line in [`TOPICS`]. The rest of
//! the program asks this table.

mod append_only;
mod expirations;
mod pubsub;
pub mod snapshots;
mod streams;
#[cfg(test)]
mod toy;

use crate::attempt::evidence::{Evidence, Observation};
use crate::checks::Kind;
use crate::error::EnvironmentError;
use crate::lesson::{Check, Exercise};
use crate::server::{Server, ServerInfo};
use crate::verdict::changes::Change;
use crate::verdict::diagnosis::{Diagnosis, Facts, Symptom};
use crate::verdict::work::WorkSpan;

pub const TOPICS: &[&Topic] = &[
    &snapshots::TOPIC,
    &append_only::TOPIC,
    &streams::TOPIC,
    &expirations::TOPIC,
    &pubsub::TOPIC,
    #[cfg(test)]
    &toy::TOPIC,
];

/// What a topic adds to the engine.
pub struct Topic {
    /// Its kinds of checks.
    pub checks: &'static [&'static Kind],
    /// Its work in the background. An attempt has settled when none of it runs any more.
    pub background: &'static [BackgroundWork],
    /// INFO fields that no longer depend on time once everything has settled.
    pub timeless_fields: &'static [&'static str],
    /// INFO fields that a server reports only at times, so that nothing can be concluded from their
    /// being missing.
    pub fields_that_come_and_go: &'static [&'static str],
    /// INFO fields that say `ok` unless the server failed to write a file; only the server's log
    /// completes them.
    pub write_status_fields: &'static [&'static str],
    /// INFO fields that the transcript shows of INFO's reply.
    pub shown_fields: &'static [&'static str],
    /// Commands after which data is on disk, or on its way there, in upper case.
    pub durable_commands: &'static [&'static str],
    /// Commands during which other clients wait, in upper case; `diagnoses` say so.
    pub known_blockers: &'static [&'static str],
    /// Commands that a program sends while it waits, besides INFO, in upper case.
    pub status_commands: &'static [&'static str],
    /// Pairs of commands that a mutant exchanges: one and the other in its place, in upper case.
    pub swaps: &'static [(&'static str, &'static str)],
    /// Whether the exercise or the text of the answer has anything to do with what [`get_ready`]
    /// waits for.
    ///
    /// [`get_ready`]: Self::get_ready
    pub needs_ready: fn(&Exercise, answer: &str) -> bool,
    /// Waits until the server is ready for an attempt.
    pub get_ready: fn(&mut Server) -> Result<(), EnvironmentError>,
    /// Why a lesson cannot give this setting this value: what to write instead.
    pub refuse_setting: fn(name: &str, value: &str) -> Option<&'static str>,
    /// Whether an attempt needs a server that has just started.
    pub needs_new_server: fn(&Exercise) -> bool,
    /// An error if the machine made such a server too old before the answer began.
    pub ensure_still_new: fn(&Exercise, &mut Server, &ServerInfo) -> Result<(), EnvironmentError>,
    /// What the exercise's author should think about: a fact and a help.
    pub advice: fn(&Exercise) -> Option<(&'static str, &'static str)>,
    /// A setting of the lesson that the answer must leave alone, because the evidence depends on
    /// it.
    pub protected_setting: fn(&Exercise) -> Option<&'static str>,
    /// Whether this setting only makes work in the background slower, and the exercise does not see
    /// that.
    pub only_slows: fn(setting: &str, &Exercise) -> bool,
    /// Why the evidence is invalid.
    pub why_invalid: fn(&Exercise, &Evidence) -> Option<String>,
    /// An error if the machine changed the evidence of an answer that ended in time.
    pub ensure_undisturbed: fn(&Server, &Evidence) -> Result<(), EnvironmentError>,
    /// An error if the machine, not the answer, made background work too long; the last argument
    /// says whether the answer ran out of time.
    pub ensure_quick_enough:
        fn(&Exercise, &Evidence, is_overdue: bool) -> Result<(), EnvironmentError>,
    /// An error if something that decides cannot be seen on this server.
    pub ensure_visible: fn(&Server, &Exercise, &Evidence) -> Result<(), EnvironmentError>,
    /// Whether the server did work that no command asked for.
    pub acted_by_itself: fn(now: &ServerInfo, before: &ServerInfo) -> bool,
    /// The truth about an INFO field whose value is not the whole of it.
    pub what_info_misses:
        fn(field: &str, value: &str, now: &Observation, evidence: &Evidence) -> Option<String>,
    /// Why no second server could load the file, for the topic whose file it is.
    pub why_not_restored: fn(&Evidence) -> Option<String>,
    /// Rows of the table of changes; the server was looked at if `now` is there.
    pub changes: fn(&Evidence, now: Option<&ServerInfo>) -> Vec<Change>,
    /// What went on for a while, such as a save, in the order in which it began; nothing where the
    /// evidence leaves any doubt about what ran when.
    pub work: fn(&Evidence) -> Vec<WorkSpan>,
    /// How the end of background work stands in the server's log.
    pub log_row: fn(&Observation) -> Option<&'static str>,
    /// What an unmet check shows, besides what its subject says.
    pub symptoms: fn(&Check, &Facts<'_>) -> Vec<Symptom>,
    /// Whether the check misses what this command would have done: it was not run, or was refused
    /// at the index, and nothing made up for it.
    pub misses: fn(&Facts<'_>, command: &[Vec<u8>], index: Option<usize>) -> bool,
    /// The command that wrote the file that the checks look into.
    pub last_write_of_file: fn(&Facts<'_>) -> Option<usize>,
    pub diagnoses: &'static [Diagnosis],
}

impl Topic {
    /// A topic that adds nothing, for the fields that a topic has no use for.
    pub const NONE: Self = Self {
        checks: &[],
        background: &[],
        timeless_fields: &[],
        fields_that_come_and_go: &[],
        write_status_fields: &[],
        shown_fields: &[],
        durable_commands: &[],
        known_blockers: &[],
        status_commands: &[],
        swaps: &[],
        needs_ready: |_, _| false,
        get_ready: |_| Ok(()),
        refuse_setting: |_, _| None,
        needs_new_server: |_| false,
        ensure_still_new: |_, _, _| Ok(()),
        advice: |_| None,
        protected_setting: |_| None,
        only_slows: |_, _| false,
        why_invalid: |_, _| None,
        ensure_undisturbed: |_, _| Ok(()),
        ensure_quick_enough: |_, _, _| Ok(()),
        ensure_visible: |_, _, _| Ok(()),
        acted_by_itself: |_, _| false,
        why_not_restored: |_| None,
        what_info_misses: |_, _, _, _| None,
        changes: |_, _| Vec::new(),
        work: |_| Vec::new(),
        log_row: |_| None,
        symptoms: |_, _| Vec::new(),
        misses: |_, _, _| false,
        last_write_of_file: |_| None,
        diagnoses: &[],
    };
}

/// Work that a server does in the background, and that answers and lessons wait for.
pub struct BackgroundWork {
    /// Without an article: `background save`.
    pub name: &'static str,
    /// The command that begins it, in lower case.
    pub begun_by: &'static str,
    /// The line of a `redis` answer that waits for its end, if it has one of its own.
    pub wait_line: Option<&'static str>,
    /// The trigger of a `[[meanwhile]]` that fires when it has begun.
    pub begin_trigger: &'static str,
    /// The trigger of a `[[meanwhile]]` that fires at its end.
    pub end_trigger: &'static str,
    /// Whether it runs, or was accepted and has not begun.
    pub is_pending: fn(now: &ServerInfo, before: &ServerInfo) -> bool,
    /// Whether INFO says that it runs.
    pub is_running: fn(&ServerInfo) -> bool,
    /// How many keys are done, and of how many; 0 of 0 if the server does not report it.
    pub progress: fn(&ServerInfo) -> (i64, i64),
    /// How often it has begun since the server's start.
    pub begun: fn(&ServerInfo) -> i64,
}

impl BackgroundWork {
    /// The reply to [`Self::wait_line`].
    pub fn none_runs(&self) -> String {
        format!("no {} runs", self.name)
    }

    /// Whether this line begins it, if it succeeds.
    pub fn is_begun_by(&self, line: &str) -> bool {
        let name = line.split_whitespace().next();
        name.is_some_and(|name| name.eq_ignore_ascii_case(self.begun_by))
    }

    /// How often it has begun since `before`.
    pub fn begun_since(&self, now: &ServerInfo, before: &ServerInfo) -> usize {
        usize::try_from((self.begun)(now) - (self.begun)(before)).unwrap_or(0)
    }

    /// How often it has ended since `before`.
    pub fn ended_since(&self, now: &ServerInfo, before: &ServerInfo) -> usize {
        let pending = usize::from((self.is_pending)(now, before));
        self.begun_since(now, before).saturating_sub(pending)
    }
}

impl PartialEq for BackgroundWork {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for BackgroundWork {}

impl std::fmt::Debug for BackgroundWork {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// The background work of all topics.
pub fn background() -> impl Iterator<Item = &'static BackgroundWork> {
    TOPICS.iter().flat_map(|topic| topic.background)
}

/// Commands after which data is on disk, or on its way there, in upper case.
pub fn durable_commands() -> impl Iterator<Item = &'static str> {
    TOPICS.iter().flat_map(|topic| topic.durable_commands.iter().copied())
}

/// Whether a command of this upper case name is one of [`durable_commands`].
pub fn is_durable(name: &str) -> bool {
    durable_commands().any(|known| known == name)
}

/// Commands during which other clients wait, in upper case.
pub fn known_blockers() -> impl Iterator<Item = &'static str> {
    TOPICS.iter().flat_map(|topic| topic.known_blockers.iter().copied())
}

/// Whether a command of this upper case name is one of [`known_blockers`].
pub fn is_known_blocker(name: &str) -> bool {
    known_blockers().any(|known| known == name)
}

/// Commands that a program sends while it waits, in upper case.
pub fn status_commands() -> impl Iterator<Item = &'static str> {
    std::iter::once("INFO")
        .chain(TOPICS.iter().flat_map(|topic| topic.status_commands.iter().copied()))
}

/// Pairs of commands that a mutant exchanges: one and the other in its place, in upper case.
pub fn swaps() -> impl Iterator<Item = (&'static str, &'static str)> {
    TOPICS.iter().flat_map(|topic| topic.swaps.iter().copied())
}

/// Why no second server could load the file.
pub fn why_not_restored(evidence: &Evidence) -> String {
    TOPICS.iter().find_map(|topic| (topic.why_not_restored)(evidence)).unwrap_or_default()
}

/// Background work that runs, or was accepted and has not begun.
pub fn pending(now: &ServerInfo, before: &ServerInfo) -> Option<&'static BackgroundWork> {
    background().find(|work| (work.is_pending)(now, before))
}

/// Whether any background work runs, or was accepted and has not begun.
pub fn is_busy(now: &ServerInfo, before: &ServerInfo) -> bool {
    pending(now, before).is_some()
}

/// The background work that this line waits for: in any case and with an optional comment after it,
/// as for Redis commands.
pub fn awaited_by(line: &str) -> Option<&'static BackgroundWork> {
    let word = line.split_whitespace().next().unwrap_or_default();
    let rest = line[word.len()..].trim_start();
    let is_whole = rest.is_empty() || rest.starts_with('#');
    background()
        .find(|work| is_whole && work.wait_line.is_some_and(|line| word.eq_ignore_ascii_case(line)))
}

/// The lines for the runner, as in `redis` answers.
pub fn wait_lines() -> Vec<&'static str> {
    background().filter_map(|work| work.wait_line).collect()
}

/// What a mark with this word says: `the background save has ended`.
pub fn mark_sentence(mark: &str) -> Option<String> {
    background().find_map(|work| match mark {
        mark if mark == work.begin_trigger => Some(format!("a {} has begun", work.name)),
        mark if mark == work.end_trigger => Some(format!("the {} has ended", work.name)),
        _ => None,
    })
}
