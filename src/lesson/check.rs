//! Checks as data: what to look at, when, and what to expect.

use std::fmt;
use std::time::Duration;

use super::Span;
use crate::redis_cli::words;
use crate::sanitize::clean;

/// The finding that an answer's program ended on its own without an error. Every exercise has it,
/// unless it checks `exit` itself.
pub const ENDS_WELL: &str = "ends-well";

/// The finding that the evidence can be trusted: same server, counters not reset.
pub const EVIDENCE_IS_VALID: &str = "evidence-is-valid";

/// The loader's warning about a check that no `fails=` names.
pub fn never_named(id: &str) -> String {
    format!("no starter or wrong answer fails on `{id}`")
}

/// One `[[check]]`.
#[derive(Debug, Clone)]
pub struct Check {
    /// Unique in its exercise; lower case letters, digits and `-`.
    pub id: String,
    /// The span of the id.
    pub span: Span,
    pub subject: Subject,
    /// The moment at which the subject is looked at.
    pub at: Moment,
    /// Checks that must be met first; otherwise this one is not reached.
    pub needs: Vec<String>,
    /// The author's sentence for the student.
    pub says: Option<String>,
    /// Shown when unmet.
    pub otherwise: Option<String>,
}

impl Check {
    /// The sentence that the student sees: the author's, else one generated from the subject.
    pub fn sentence(&self) -> String {
        match &self.says {
            Some(sentence) => sentence.clone(),
            // The expected text may hold control characters.
            None => clean(&self.subject.sentence(self.at)).into_owned(),
        }
    }
}

/// When evidence is taken, after the baseline `before`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Moment {
    /// The answer has just ended; a background save may still run.
    Exit,
    /// No background save runs any more, or the deadline for that has passed.
    Settled,
    /// The server was killed (SIGKILL) and started again from the same directory.
    Crash,
    /// The snapshot file alone was loaded by a second, clean server.
    Restore,
    /// The trigger of the exercise's [`super::Meanwhile`] with this index has fired.
    Meanwhile(usize),
}

impl Moment {
    /// The value of the key `at`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Exit => "exit",
            Self::Settled => "settled",
            Self::Crash => "crash",
            Self::Restore => "restore",
            Self::Meanwhile(_) => "meanwhile",
        }
    }
}

/// What a check looks at.
#[derive(Debug, Clone)]
pub enum Subject {
    /// `lastsave = "advanced"`.
    Lastsave(Lastsave),
    /// `calls = { save = 1 }`: successful calls since `before`, by lower case command name; the
    /// calls of several commands (`"save+bgsave"`) are added up.
    Calls(Vec<(Vec<String>, Comparison)>),
    /// `info = { rdb_last_bgsave_status = "ok" }`: fields of INFO.
    Info(Vec<(String, Expected)>),
    /// `reply = { "GET k" = "v" }`: a command and its reply, compared as redis-cli prints it.
    Reply(Vec<(String, String)>),
    /// `config = { save = "60 1000" }`: CONFIG GET.
    Config(Vec<(String, String)>),
    /// `stdout = "text"`; for programs only.
    Stdout(StdoutMatch),
    /// `exit = 0`: the program's exit status; for programs only.
    Exit(i32),
    /// `blocked = "< 200ms"`: the longest wait of another client while the answer ran.
    Blocked(WaitLimit),
    /// `sent = { order = ["SET", "BGSAVE"], refused = "SAVE" }`: what went through the relay.
    Sent(Vec<Sent>),
    /// `dump = { keys = ["order:1001"], holds = "before" }`: what the snapshot file alone holds.
    Dump(Dump),
}

impl Subject {
    /// Whether it is about the answer's process, which a `redis` answer does not have.
    pub fn is_about_the_program(&self) -> bool {
        matches!(self, Self::Stdout(_) | Self::Exit(_))
    }

    /// Whether it covers the whole run of the answer, in either language, and has no moment.
    pub fn is_about_the_run(&self) -> bool {
        matches!(self, Self::Blocked(_) | Self::Sent(_))
    }

    /// Whether it looks at the answer's server at a moment.
    pub fn is_about_the_server(&self) -> bool {
        !self.is_about_the_program() && !self.is_about_the_run() && !matches!(self, Self::Dump(_))
    }

    /// Whether it compares with `before`. A restart in between makes that meaningless.
    pub fn compares_with_before(&self) -> bool {
        match self {
            Self::Lastsave(_) | Self::Calls(_) => true,
            Self::Info(fields) => {
                fields.iter().any(|(_, expected)| matches!(expected, Expected::MoreBy(_)))
            }
            Self::Reply(_)
            | Self::Config(_)
            | Self::Stdout(_)
            | Self::Exit(_)
            | Self::Blocked(_)
            | Self::Sent(_)
            | Self::Dump(_) => false,
        }
    }

    fn sentence(&self, at: Moment) -> String {
        let what = match self {
            Self::Lastsave(Lastsave::Advanced) => "LASTSAVE has advanced".to_owned(),
            Self::Lastsave(Lastsave::Unchanged) => "LASTSAVE is unchanged".to_owned(),
            Self::Calls(calls) => joined(calls, |(names, count)| {
                format!("successful calls of {}: {count}", names_of_calls(names))
            }),
            Self::Info(fields) => joined(fields, |(field, value)| format!("INFO {field}: {value}")),
            Self::Reply(replies) => {
                joined(replies, |(command, reply)| format!("`{command}` answers {reply}"))
            }
            Self::Config(settings) => {
                joined(settings, |(name, value)| format!("CONFIG GET {name}: {value}"))
            }
            Self::Stdout(text) => format!("the program prints {text}"),
            Self::Exit(status) => format!("the program ends with exit status {status}"),
            Self::Blocked(limit) => format!("the longest wait of another client: {limit}"),
            Self::Sent(sent) => sent.iter().map(Sent::to_string).collect::<Vec<_>>().join("; "),
            Self::Dump(dump) => format!("the snapshot file alone holds {dump}"),
        };
        match at {
            _ if !self.is_about_the_server() => what,
            Moment::Exit => format!("{what}, at the moment the answer ends"),
            Moment::Settled => what,
            Moment::Crash => format!("{what}, after a crash"),
            Moment::Restore => format!("{what}, when the snapshot file alone is loaded"),
            Moment::Meanwhile(_) => format!("{what}, while the answer runs"),
        }
    }
}

/// `SAVE or BGSAVE`.
pub fn names_of_calls(names: &[String]) -> String {
    names.iter().map(|name| name.to_uppercase()).collect::<Vec<_>>().join(" or ")
}

/// What the snapshot file alone must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dump {
    /// These keys, in database 0.
    pub keys: Vec<String>,
    /// `holds = "before"`: every key of every database as it was before the answer.
    pub all_from_before: bool,
}

impl fmt::Display for Dump {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = self.all_from_before.then_some("everything that was there before, unchanged");
        let parts: Vec<&str> =
            all.into_iter().chain(self.keys.iter().map(String::as_str)).collect();
        f.write_str(&parts.join(", "))
    }
}

fn joined<T>(items: &[T], text: impl Fn(&T) -> String) -> String {
    items.iter().map(text).collect::<Vec<_>>().join(", ")
}

/// What LASTSAVE must have done since `before`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lastsave {
    Advanced,
    Unchanged,
}

/// A number or a comparison written as a string: `1`, `">= 1"`, `"< 10"`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Comparison {
    pub relation: Relation,
    pub number: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// The number alone, or `"= 1"`.
    Is,
    /// `"!= 1"`.
    IsNot,
    /// `">= 1"`.
    AtLeast,
    /// `"> 1"`.
    MoreThan,
    /// `"<= 1"`.
    AtMost,
    /// `"< 1"`.
    LessThan,
}

impl Relation {
    /// The words before the number in a sentence, with a trailing space.
    fn words(self) -> &'static str {
        match self {
            Self::Is => "",
            Self::IsNot => "not ",
            Self::AtLeast => "at least ",
            Self::MoreThan => "more than ",
            Self::AtMost => "at most ",
            Self::LessThan => "less than ",
        }
    }

    /// Splits a comparison into its sign and the rest; no sign is [`Relation::Is`].
    pub fn split(text: &str) -> (Self, &str) {
        let signs = [
            (">=", Self::AtLeast),
            ("<=", Self::AtMost),
            ("!=", Self::IsNot),
            (">", Self::MoreThan),
            ("<", Self::LessThan),
            ("=", Self::Is),
        ];
        let text = text.trim();
        for (sign, relation) in signs {
            if let Some(rest) = text.strip_prefix(sign) {
                return (relation, rest.trim());
            }
        }
        (Self::Is, text)
    }

    pub fn holds<T: PartialOrd>(self, found: T, limit: T) -> bool {
        match self {
            Self::Is => found == limit,
            Self::IsNot => found != limit,
            Self::AtLeast => found >= limit,
            Self::MoreThan => found > limit,
            Self::AtMost => found <= limit,
            Self::LessThan => found < limit,
        }
    }
}

impl Comparison {
    pub fn is(number: f64) -> Self {
        Self { relation: Relation::Is, number }
    }

    /// Reads `1`, `>= 1`, `< 0.5`; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let (relation, number) = Relation::split(text);
        let number: f64 = number.parse().ok()?;
        number.is_finite().then_some(Self { relation, number })
    }

    pub fn holds(self, found: f64) -> bool {
        self.relation.holds(found, self.number)
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.relation.words(), self.number)
    }
}

/// What an INFO field must be.
#[derive(Debug, Clone, PartialEq)]
pub enum Expected {
    Text(String),
    Number(Comparison),
    /// `"+1"`, `"-1"`: the change since `before`.
    MoreBy(f64),
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Number(comparison) => comparison.fmt(f),
            Self::MoreBy(difference) => write!(f, "{difference:+} compared with before"),
        }
    }
}

/// A time compared with a limit: `"< 200ms"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WaitLimit {
    pub relation: Relation,
    pub limit: Duration,
}

impl WaitLimit {
    /// Whether the longest wait satisfies the limit. Compares whole milliseconds, as the student
    /// sees them: one PING a millisecond is no more precise.
    pub fn holds(self, longest: Duration) -> bool {
        self.relation.holds(longest.as_millis(), self.limit.as_millis())
    }

    /// Whether the longest wait exceeds the limit, whether the check requires or forbids that.
    pub fn is_exceeded(self, longest: Duration) -> bool {
        let asks_for_more = matches!(self.relation, Relation::MoreThan | Relation::AtLeast);
        self.holds(longest) == asks_for_more
    }
}

impl fmt::Display for WaitLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{} ms", self.relation.words(), self.limit.as_millis())
    }
}

/// One thing that a transcript must show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sent {
    /// These commands succeeded in this order, with any others between them.
    Order(Vec<CommandStart>),
    /// This command was refused or failed at least once.
    Refused(CommandStart),
}

impl fmt::Display for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Order(starts) if starts.len() > 1 => {
                write!(f, "run with success, in this order: {}", in_order(starts))
            }
            Self::Order(starts) => write!(f, "run with success: {}", in_order(starts)),
            Self::Refused(start) => write!(f, "{start} refused at least once"),
        }
    }
}

/// `SET order:1001, then BGSAVE`.
pub fn in_order<T: fmt::Display>(parts: &[T]) -> String {
    parts.iter().map(T::to_string).collect::<Vec<_>>().join(", then ")
}

/// The beginning of a command line: `SET`, `SET order:1001`, `CONFIG SET`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandStart(pub Vec<Vec<u8>>);

impl AsRef<[Vec<u8>]> for CommandStart {
    fn as_ref(&self) -> &[Vec<u8>] {
        &self.0
    }
}

impl fmt::Display for CommandStart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&words::join(&self.0))
    }
}

/// What the program must print.
#[derive(Debug, Clone)]
pub enum StdoutMatch {
    /// These consecutive lines; white space at their ends is ignored.
    Lines(String),
    /// `{ matches = "regex" }`, found anywhere in the output.
    Regex(regex_lite::Regex),
}

impl fmt::Display for StdoutMatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lines(text) => write!(f, "`{text}`"),
            Self::Regex(regex) => write!(f, "something that matches `{regex}`"),
        }
    }
}
