//! What happened in an attempt, on one time axis, as plain values. All times count from the
//! answer's beginning.

use std::time::Duration;

use crate::attempt::evidence::Waits;

#[derive(Debug, Default)]
pub struct Picture {
    /// From top to bottom; none is empty.
    pub lanes: Vec<Lane>,
    /// What the lanes can't say, one fact each.
    pub notes: Vec<String>,
    /// Everything in words.
    pub story: Vec<Told>,
}

/// A sentence without its time and its full stop.
#[derive(Debug)]
pub struct Told {
    pub when: When,
    pub says: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    At(Duration),
    During(Duration, Duration),
    /// At a moment of which another sentence has told.
    Then(Duration),
    /// When everything was over.
    Afterwards,
}

impl Told {
    pub fn at(at: Duration, says: impl Into<String>) -> Self {
        Self { when: When::At(at), says: says.into() }
    }

    pub fn during(from: Duration, until: Duration, says: impl Into<String>) -> Self {
        Self { when: When::During(from, until), says: says.into() }
    }

    pub fn then(at: Duration, says: impl Into<String>) -> Self {
        Self { when: When::Then(at), says: says.into() }
    }

    pub fn afterwards(says: impl Into<String>) -> Self {
        Self { when: When::Afterwards, says: says.into() }
    }

    /// Where it stands in the story.
    pub fn order(&self) -> Duration {
        match self.when {
            When::At(at) | When::During(at, _) | When::Then(at) => at,
            When::Afterwards => Duration::MAX,
        }
    }
}

#[derive(Debug)]
pub struct Lane {
    pub label: Label,
    pub content: Content,
}

impl Lane {
    /// How many spans there are besides so many.
    pub fn spans_beyond(&self, most: usize) -> usize {
        match &self.content {
            Content::Spans(spans) => spans.len().saturating_sub(most),
            _ => 0,
        }
    }
}

/// The name of a lane: on a wide screen, and on a narrow one.
#[derive(Debug)]
pub struct Label(pub String, pub String);

impl Label {
    pub fn new(wide: &str, narrow: &str) -> Self {
        Self(wide.to_owned(), narrow.to_owned())
    }
}

#[derive(Debug)]
pub enum Content {
    Points(Vec<Point>),
    Spans(Vec<Span>),
    /// Measured waits of another client.
    Waits(Waits),
    /// A sign at a moment and text, which may need lines of its own.
    Caption {
        at: Duration,
        sign: char,
        look: Look,
        text: String,
    },
}

/// A command, or something else that the answer did.
#[derive(Debug)]
pub struct Point {
    pub at: Duration,
    /// How many commands it stands for.
    pub count: usize,
    pub trail: Option<Trail>,
    /// The label, from the most detailed form to the shortest.
    pub texts: [String; DETAILS],
    pub look: Look,
    /// The points with the least weight are left out first.
    pub weight: Weight,
    /// Whether it begins work, such as a save, or waits for it.
    pub is_about_work: bool,
}

pub const DETAILS: usize = 4;

/// What the answer did after the label's moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trail {
    /// It waited for a reply until then.
    Waits(Duration),
    /// It sent the command again and again until then.
    Repeats(Duration),
}

impl Trail {
    pub fn until(self) -> Duration {
        match self {
            Self::Waits(until) | Self::Repeats(until) => until,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    Read,
    Poll,
    Write,
    /// A write of a key that a check asks for after the crash.
    AskedKey,
    Refusal,
    Save,
    Evidence,
    End,
}

/// Something that goes on for a while.
#[derive(Debug)]
pub struct Span {
    pub from: Duration,
    /// Whether it began at `from`, or at some moment after it.
    pub begins_later: bool,
    /// Until then it surely went on.
    pub ran_until: Duration,
    /// By then it had ended; `None`: it had not, as far as one knows.
    pub until: Option<Duration>,
    pub edge: Edge,
    /// A moment at which something else happened.
    pub crossed_at: Option<Duration>,
    pub look: Look,
    /// In the span, where they fit.
    pub texts: Vec<SpanText>,
    /// After its end, where it fits.
    pub after: &'static str,
}

/// The right end of a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edge {
    Closed,
    Broken,
    Open,
}

/// Text for a part of a span.
#[derive(Debug)]
pub struct SpanText {
    pub from: Duration,
    pub until: Duration,
    /// From the longest to the shortest.
    pub choices: &'static [&'static str],
}

/// How something looks where there is colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    Plain,
    Faint,
    Command,
    /// Evidence for the cause.
    Marked,
    Bad,
    /// Done in the background.
    Child,
    /// Done by the server itself, or waited for.
    Wall,
    File,
}
