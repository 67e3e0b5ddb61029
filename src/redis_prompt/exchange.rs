//! One line on its way: its replies, and what comes while it waits for them.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use super::conversation::Kind;
use super::wire::{Lost, Wire};
use crate::redis_cli::reply::format_resp_to;
use crate::redis_cli::resp::Resp;

/// How often somebody who waits is asked whether to go on.
const ASKED_EVERY: Duration = Duration::from_millis(100);
const READING: &str = "Reading messages... (press Ctrl-C to quit)";

/// What goes on while a line runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meanwhile<'a> {
    /// There is no reply yet, so long after the line was sent; told about ten times a second.
    Waiting(Duration),
    /// What comes without being the reply, to be shown at once: the messages of SUBSCRIBE and MONITOR, and what
    /// a server pushes after HELLO 3.
    Message(&'a str),
}

/// Is told what goes on; `Break` cancels the line.
pub type Watch<'a> = dyn FnMut(Meanwhile<'_>) -> ControlFlow<()> + 'a;

/// Why a line has no reply.
pub(super) enum NoReply {
    Lost(Lost),
    TimedOut,
    Cancelled,
}

/// One line on its way.
pub(super) struct Exchange<'a, 'w> {
    pub(super) words: &'a [Vec<u8>],
    pub(super) kind: Kind,
    pub(super) began: Instant,
    pub(super) deadline: Instant,
    pub(super) watch: &'a mut Watch<'w>,
}

impl Exchange<'_, '_> {
    /// What came for the line that was sent on `wire`: as text, and the last value of it.
    pub(super) fn reply(&mut self, wire: &mut Wire) -> Result<(String, Resp), NoReply> {
        match self.kind {
            Kind::Subscribes => self.follow(wire, Some(READING)),
            Kind::Monitors => self.follow(wire, None),
            Kind::Confirms(_) | Kind::Plain | Kind::Refused(_) => self.replies(wire),
        }
    }

    /// The line's own replies; what the server pushes before them is shown at once, as redis-cli does.
    fn replies(&mut self, wire: &mut Wire) -> Result<(String, Resp), NoReply> {
        let (expected, are_confirmed) = match self.kind {
            Kind::Confirms(channels) => (channels.max(1), true),
            _ => (1, false),
        };
        let mut lines = Vec::new();
        loop {
            let value = self.next(wire)?;
            if let Resp::Push(items) = &value
                && !(are_confirmed && is_confirmation(items))
            {
                self.show(&pushed(items))?;
                continue;
            }
            lines.push(format_resp_to(self.words, &value));
            // `QUEUED` inside MULTI is one for all.
            let is_one_for_all = matches!(value, Resp::Error(_) | Resp::Status(_));
            if lines.len() == expected || is_one_for_all {
                return Ok((lines.join("\n"), value));
            }
        }
    }

    /// Shows what comes until somebody cancels or the server refuses.
    fn follow(&mut self, wire: &mut Wire, first: Option<&str>) -> Result<(String, Resp), NoReply> {
        if let Some(first) = first {
            self.show(first)?;
        }
        loop {
            let value = self.next(wire)?;
            let text = format_resp_to(self.words, &value);
            if matches!(value, Resp::Error(_)) {
                return Ok((text, value));
            }
            self.show(&text)?;
        }
    }

    fn next(&mut self, wire: &mut Wire) -> Result<Resp, NoReply> {
        loop {
            let left = self.deadline.saturating_duration_since(Instant::now());
            match wire.receive(left.min(ASKED_EVERY)).map_err(NoReply::Lost)? {
                Some(value) => return Ok(value),
                None if left.is_zero() => return Err(NoReply::TimedOut),
                None => self.tell(Meanwhile::Waiting(self.began.elapsed()))?,
            }
        }
    }

    fn show(&mut self, text: &str) -> Result<(), NoReply> {
        self.tell(Meanwhile::Message(text))
    }

    fn tell(&mut self, news: Meanwhile<'_>) -> Result<(), NoReply> {
        match (self.watch)(news) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(NoReply::Cancelled),
        }
    }
}

/// `subscribe`, `punsubscribe` and their like, the first of a push's items.
fn is_confirmation(items: &[Resp]) -> bool {
    matches!(items.first(), Some(Resp::Bulk(kind)) if kind.ends_with(b"subscribe"))
}

/// What a server says without being asked: the keys that a tracking client has to forget, or anything else.
fn pushed(items: &[Resp]) -> String {
    match items {
        [Resp::Bulk(kind), Resp::Array(keys)] if kind == b"invalidate" => {
            let name = |key: &Resp| match key {
                Resp::Bulk(bytes) => format!("'{}'", String::from_utf8_lossy(bytes)),
                other => format_resp_to::<&str>(&[], other),
            };
            let names: Vec<String> = keys.iter().map(name).collect();
            format!("-> invalidate: {}", names.join(", "))
        }
        items => format_resp_to::<&str>(&[], &Resp::Push(items.to_vec())),
    }
}
