//! A line of the journal: an attempt or an exploration, reduced to what reports need. The structs
//! here are the format.

use serde::{Deserialize, Serialize};

use super::evidence::{self, GistLine};
use super::lanes;
use crate::attempt::evidence::{Evidence, Run};
use crate::lesson::{Exercise, Language};
use crate::relay::Timeline;
use crate::verdict::{Finding, Outcome, Pointer, Verdict};

/// The maximum number of command lines; important commands are kept beyond it.
const COMMANDS: usize = 200;
/// The maximum length of a command or a reply, in characters.
const LONGEST_LINE: usize = 2_000;
/// The maximum length of a program's output, in characters.
const LONGEST_OUTPUT: usize = 4_000;
/// The maximum length of an answer, in characters.
const LONGEST_ANSWER: usize = 100_000;

/// One attempt or exploration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JournalEntry {
    /// The id of the session.
    pub session: String,
    /// When it ended: seconds since 1970, UTC.
    pub at: i64,
    /// The heading of the step.
    pub title: String,
    /// `redis 7.0.15 (process)`.
    #[serde(default)]
    pub server: String,
    /// `None` for an exploration at the prompt.
    pub attempt: Option<Attempt>,
    /// The commands that Redis received.
    #[serde(default)]
    pub commands: Vec<JournalCommand>,
    /// How many more commands the relay did not record.
    #[serde(default)]
    pub left_out: u64,
}

/// A judged answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    /// The exercise's id.
    pub exercise: String,
    /// `None` if other clients were the answer, so that there is no text.
    pub answer: Option<JournalAnswer>,
    #[serde(default)]
    pub stdout: String,
    #[serde(default)]
    pub stderr: String,
    #[serde(default)]
    pub checks: Vec<JournalCheck>,
    /// Why the answer failed, if that is known.
    pub cause: Option<String>,
    /// The table of changes.
    #[serde(default)]
    pub changes: Vec<JournalChange>,
    /// What the snapshot file alone holds, if a check asks for it.
    pub dump: Option<String>,
    /// How long other clients waited, if a check asks for it.
    pub waits: Option<String>,
    /// The lanes over one time axis, as text, if order or waiting matters.
    #[serde(default)]
    pub picture: Option<String>,
}

/// The text that the student wrote or typed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JournalAnswer {
    #[serde(with = "AnswerLanguage")]
    pub language: Language,
    /// Cut if it is very long.
    pub text: String,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Language", rename_all = "kebab-case")]
enum AnswerLanguage {
    Python,
    Redis,
}

/// A command, or repetitions of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JournalCommand {
    /// When it arrived, in microseconds since the start.
    pub at_us: u64,
    /// From 1; 0 for a mark of the runner.
    pub connection: u32,
    /// The command as it would be typed, and its number of repetitions.
    pub command: String,
    /// The reply in one line.
    pub reply: String,
    /// Whether it is evidence for the cause.
    #[serde(default)]
    pub marked: bool,
    /// How many commands before it are left out.
    #[serde(default)]
    pub skipped: usize,
}

/// A check and its outcome.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JournalCheck {
    #[serde(with = "CheckOutcome")]
    pub outcome: Outcome,
    /// The sentence for the student.
    pub says: String,
    pub expected: String,
    pub found: String,
    /// The author's advice.
    pub otherwise: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Outcome", rename_all = "kebab-case")]
enum CheckOutcome {
    Met,
    Unmet,
    NotReached,
}

/// A row of the table of changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JournalChange {
    /// The name that Redis uses.
    pub field: String,
    /// Before the answer; may be empty.
    pub before: String,
    pub after: String,
    /// Whether it is evidence for the cause.
    #[serde(default)]
    pub marked: bool,
}

impl JournalEntry {
    /// Adds a judged answer.
    #[must_use]
    pub fn with_attempt(
        mut self,
        exercise: &Exercise,
        answer: Option<(&str, Language)>,
        evidence: &Evidence,
        verdict: &Verdict,
    ) -> Self {
        let pointers = evidence::pointers(verdict);
        let changes = evidence::rows(evidence, pointers).into_iter().map(change).collect();
        // Typed commands have no output: the transcript has their replies.
        let (stdout, stderr) = match &evidence.run {
            Run::Typed(_) => ("", ""),
            Run::Program(program) => (program.stdout.text.as_str(), program.stderr.text.as_str()),
        };
        self.attempt = Some(Attempt {
            exercise: exercise.id.clone(),
            answer: answer.map(|(text, language)| JournalAnswer {
                language,
                text: cut(text, LONGEST_ANSWER),
            }),
            stdout: cut(stdout, LONGEST_OUTPUT),
            stderr: cut(stderr, LONGEST_OUTPUT),
            checks: verdict.findings.iter().map(check).collect(),
            cause: verdict.diagnosis.as_ref().map(|diagnosis| diagnosis.cause.clone()),
            changes,
            dump: evidence::held_by_the_dump(evidence),
            waits: evidence.waits.as_ref().map(evidence::numbers),
            picture: lanes::exported(evidence, verdict),
        });
        self.with_commands(&evidence.timeline, pointers)
    }

    /// Adds what Redis saw; `pointers` mark the evidence for the cause.
    #[must_use]
    pub fn with_commands(self, transcript: &Timeline, pointers: &[Pointer]) -> Self {
        let lines = evidence::gist(transcript, pointers, COMMANDS);
        let commands = lines.iter().map(command).collect();
        Self { commands, left_out: transcript.left_out, ..self }
    }

    /// A line of the journal, without a line break.
    pub fn line(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }

    /// Reads a line of the journal; `None` if it is damaged.
    pub fn of_line(line: &[u8]) -> Option<Self> {
        serde_json::from_slice(line).ok()
    }
}

impl Attempt {
    /// Whether all checks are met.
    pub fn passed(&self) -> bool {
        self.checks.iter().all(|check| check.outcome == Outcome::Met)
    }
}

fn command(line: &GistLine<'_>) -> JournalCommand {
    JournalCommand {
        at_us: u64::try_from(evidence::shown_at(line.first).as_micros()).unwrap_or(u64::MAX),
        connection: line.first.connection().unwrap_or(0),
        command: cut(&line.command, LONGEST_LINE),
        reply: cut(&line.reply, LONGEST_LINE),
        marked: line.marked,
        skipped: line.skipped,
    }
}

fn check(finding: &Finding) -> JournalCheck {
    JournalCheck {
        outcome: finding.outcome,
        says: finding.says.clone(),
        expected: cut(&finding.expected, LONGEST_LINE),
        found: cut(&finding.found, LONGEST_LINE),
        otherwise: finding.otherwise.clone(),
    }
}

fn change(row: evidence::Row) -> JournalChange {
    JournalChange { field: row.field, before: row.before, after: row.after, marked: row.marked }
}

/// The beginning of a long text, and the number of characters left out.
fn cut(text: &str, characters: usize) -> String {
    match text.char_indices().nth(characters) {
        None => text.to_owned(),
        Some((end, _)) => {
            format!("{}… ({} more characters)", &text[..end], text[end..].chars().count())
        }
    }
}
