//! A line of the journal: an attempt or an exploration, reduced to what reports need. The structs
//! here are the format.

use serde::{Deserialize, Serialize};

use super::evidence::{self, GistLine};
use crate::attempt::evidence::{Evidence, Run};
use crate::lesson::{Exercise, Language};
use crate::relay::Transcript;
use crate::verdict::{self, Finding, Verdict};

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
}

/// The text that the student wrote or typed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JournalAnswer {
    pub language: AnswerLanguage,
    /// Cut if it is very long.
    pub text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AnswerLanguage {
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
    pub outcome: CheckOutcome,
    /// The sentence for the student.
    pub says: String,
    pub expected: String,
    pub found: String,
    /// The author's advice.
    pub otherwise: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CheckOutcome {
    Met,
    Unmet,
    /// A check that it needs is unmet.
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

/// When and where an attempt or an exploration took place.
#[derive(Debug, Clone, Copy)]
pub struct JournalTime<'a> {
    /// See [`JournalEntry::session`].
    pub session: &'a str,
    /// See [`JournalEntry::at`].
    pub at: i64,
    /// See [`JournalEntry::title`].
    pub title: &'a str,
    /// See [`JournalEntry::server`].
    pub server: &'a str,
}

impl JournalEntry {
    /// A judged answer.
    pub fn of_attempt(
        stamp: JournalTime<'_>,
        exercise: &Exercise,
        answer: Option<(&str, Language)>,
        evidence: &Evidence,
        verdict: &Verdict,
    ) -> Self {
        let pointers = evidence::pointers(verdict);
        let changes = evidence::rows(evidence, pointers).into_iter().map(change).collect();
        let (stdout, stderr) = printed(&evidence.run);
        let attempt = Attempt {
            exercise: exercise.id.clone(),
            answer: answer.map(self::answer),
            stdout,
            stderr,
            checks: verdict.findings.iter().map(check).collect(),
            cause: verdict.diagnosis.as_ref().map(|diagnosis| diagnosis.cause.clone()),
            changes,
            dump: evidence::held_by_the_dump(evidence),
            waits: evidence.waits.as_ref().map(evidence::numbers),
        };
        let lines = evidence::gist(&evidence.transcript, pointers, COMMANDS);
        Self::new(stamp, Some(attempt), &lines, &evidence.transcript)
    }

    /// Commands at the prompt, without a verdict.
    pub fn of_exploration(stamp: JournalTime<'_>, transcript: &Transcript) -> Self {
        Self::new(stamp, None, &evidence::gist(transcript, &[], COMMANDS), transcript)
    }

    fn new(
        stamp: JournalTime<'_>,
        attempt: Option<Attempt>,
        lines: &[GistLine<'_>],
        transcript: &Transcript,
    ) -> Self {
        Self {
            session: stamp.session.to_owned(),
            at: stamp.at,
            title: stamp.title.to_owned(),
            server: stamp.server.to_owned(),
            attempt,
            commands: lines.iter().map(command).collect(),
            left_out: transcript.left_out,
        }
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
        self.checks.iter().all(|check| check.outcome == CheckOutcome::Met)
    }
}

fn answer((text, language): (&str, Language)) -> JournalAnswer {
    let language = match language {
        Language::Python => AnswerLanguage::Python,
        Language::Redis => AnswerLanguage::Redis,
    };
    JournalAnswer { language, text: cut(text, LONGEST_ANSWER) }
}

/// Standard output and standard error. Typed commands have none: the transcript has their replies.
fn printed(run: &Run) -> (String, String) {
    match run {
        Run::Typed(_) => (String::new(), String::new()),
        Run::Program(program) => {
            (cut(&program.stdout.text, LONGEST_OUTPUT), cut(&program.stderr.text, LONGEST_OUTPUT))
        }
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
        outcome: match finding.outcome {
            verdict::Outcome::Met => CheckOutcome::Met,
            verdict::Outcome::Unmet => CheckOutcome::Unmet,
            verdict::Outcome::NotReached => CheckOutcome::NotReached,
        },
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
