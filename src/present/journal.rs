//! A line of the journal: an attempt or an exploration, reduced to what can be told of it later. The structs here
//! are the format.

use serde::{Deserialize, Serialize};

use super::evidence::{self, Told};
use crate::attempt::evidence::{Evidence, Run};
use crate::lesson::{Exercise, Language};
use crate::tap::Transcript;
use crate::verdict::{self, Finding, Verdict};

/// So many lines of commands at most; what matters is told also beyond them.
const COMMANDS: usize = 200;
/// A command or a reply gets no longer, in characters.
const LONGEST_LINE: usize = 2_000;
/// What a program printed gets no longer.
const LONGEST_OUTPUT: usize = 4_000;
/// An answer gets no longer.
const LONGEST_ANSWER: usize = 100_000;

/// What was done once, and when.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// The same for all that was done in one session.
    pub session: String,
    /// When it had ended: seconds since 1970, UTC.
    pub at: i64,
    /// The heading of the step at which it was done.
    pub title: String,
    /// `redis 7.0.15 (process)`.
    #[serde(default)]
    pub server: String,
    /// `None`: an exploration at the prompt.
    pub attempt: Option<Attempt>,
    /// As Redis saw them.
    #[serde(default)]
    pub commands: Vec<Command>,
    /// How many commands more there were, of which nothing is known.
    #[serde(default)]
    pub left_out: u64,
}

/// A judged answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    /// The exercise's id.
    pub exercise: String,
    /// `None` where there is no text: other clients were the answer.
    pub answer: Option<Answer>,
    /// What a program printed.
    #[serde(default)]
    pub stdout: String,
    /// Its errors.
    #[serde(default)]
    pub stderr: String,
    /// Every check.
    #[serde(default)]
    pub checks: Vec<Check>,
    /// Why it falls short, if that is known.
    pub cause: Option<String>,
    /// The table of changes.
    #[serde(default)]
    pub changes: Vec<Change>,
    /// What the snapshot file alone holds, where a check asks.
    pub dump: Option<String>,
    /// Who had to wait how long, where a check asks.
    pub waits: Option<String>,
}

/// What the student wrote or typed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// The fence's word.
    pub language: AnswerLanguage,
    /// Whole, unless it is very long.
    pub text: String,
}

/// The language of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AnswerLanguage {
    /// A program.
    Python,
    /// Commands.
    Redis,
}

/// A command, or a run of the same one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Command {
    /// When it came, in microseconds since the beginning.
    pub at_us: u64,
    /// From 1; 0 for a mark of the runner's own.
    pub connection: u32,
    /// As it would be typed, and how often it came.
    pub command: String,
    /// What matters of the reply.
    pub reply: String,
    /// Whether the cause rests on it.
    #[serde(default)]
    pub marked: bool,
    /// How many commands before it are not told.
    #[serde(default)]
    pub skipped: usize,
}

/// A check and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// Met or not.
    pub outcome: CheckOutcome,
    /// The sentence for the student.
    pub says: String,
    /// In words.
    pub expected: String,
    /// In words.
    pub found: String,
    /// The author's advice.
    pub otherwise: Option<String>,
}

/// What became of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CheckOutcome {
    /// It is met.
    Met,
    /// It is not.
    Unmet,
    /// What it needs is unmet.
    NotReached,
}

/// A row of the table of changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// As Redis calls it.
    pub field: String,
    /// Before the answer; may be empty.
    pub before: String,
    /// After it.
    pub after: String,
    /// Whether the cause rests on it.
    #[serde(default)]
    pub marked: bool,
}

/// When and where something was done.
#[derive(Debug, Clone, Copy)]
pub struct Stamp<'a> {
    /// See [`Entry::session`].
    pub session: &'a str,
    /// See [`Entry::at`].
    pub at: i64,
    /// See [`Entry::title`].
    pub title: &'a str,
    /// See [`Entry::server`].
    pub server: &'a str,
}

impl Entry {
    /// An answer and the verdict on it.
    pub fn of_attempt(
        stamp: Stamp<'_>,
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
        let told = evidence::gist(&evidence.transcript, pointers, COMMANDS);
        Self::new(stamp, Some(attempt), &told, &evidence.transcript)
    }

    /// What was tried at the prompt, without a verdict.
    pub fn of_exploration(stamp: Stamp<'_>, transcript: &Transcript) -> Self {
        Self::new(stamp, None, &evidence::gist(transcript, &[], COMMANDS), transcript)
    }

    fn new(
        stamp: Stamp<'_>,
        attempt: Option<Attempt>,
        told: &[Told<'_>],
        transcript: &Transcript,
    ) -> Self {
        Self {
            session: stamp.session.to_owned(),
            at: stamp.at,
            title: stamp.title.to_owned(),
            server: stamp.server.to_owned(),
            attempt,
            commands: told.iter().map(command).collect(),
            left_out: transcript.left_out,
        }
    }

    /// As a line of the journal, without its end.
    pub fn line(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }

    /// Of a line of the journal; `None`: damaged.
    pub fn of_line(line: &[u8]) -> Option<Self> {
        serde_json::from_slice(line).ok()
    }
}

impl Attempt {
    /// Whether nothing is missing.
    pub fn passed(&self) -> bool {
        self.checks.iter().all(|check| check.outcome == CheckOutcome::Met)
    }
}

fn answer((text, language): (&str, Language)) -> Answer {
    let language = match language {
        Language::Python => AnswerLanguage::Python,
        Language::Redis => AnswerLanguage::Redis,
    };
    Answer { language, text: cut(text, LONGEST_ANSWER) }
}

/// What typed commands were answered is told by the transcript.
fn printed(run: &Run) -> (String, String) {
    match run {
        Run::Typed(_) => (String::new(), String::new()),
        Run::Program(program) => {
            (cut(&program.stdout.text, LONGEST_OUTPUT), cut(&program.stderr.text, LONGEST_OUTPUT))
        }
    }
}

fn command(told: &Told<'_>) -> Command {
    Command {
        at_us: u64::try_from(told.first.at.as_micros()).unwrap_or(u64::MAX),
        connection: told.first.connection,
        command: cut(&told.command, LONGEST_LINE),
        reply: cut(&told.reply, LONGEST_LINE),
        marked: told.marked,
        skipped: told.skipped,
    }
}

fn check(finding: &Finding) -> Check {
    Check {
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

fn change(row: evidence::Row) -> Change {
    Change { field: row.field, before: row.before, after: row.after, marked: row.marked }
}

/// The beginning, and how much is missing.
fn cut(text: &str, characters: usize) -> String {
    match text.char_indices().nth(characters) {
        None => text.to_owned(),
        Some((end, _)) => {
            format!("{}… ({} more characters)", &text[..end], text[end..].chars().count())
        }
    }
}
