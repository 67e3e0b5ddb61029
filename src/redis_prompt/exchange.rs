//! One line and its replies, and the messages that arrive in between.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use super::conversation::CommandKind;
use super::wire::{Lost, Wire};
use crate::redis_cli::reply::format_resp_to;
use crate::resp::value::Resp;

/// How often the callback is asked whether to go on waiting.
const CALLBACK_INTERVAL: Duration = Duration::from_millis(100);
const READING: &str = "Reading messages... (press Ctrl-C to quit)";

/// What happens while a line runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhileWaiting<'a> {
    /// There is no reply yet, this long after the line was sent; reported about ten times a second.
    Waiting(Duration),
    /// A message to be shown at once: from SUBSCRIBE or MONITOR, or a push after HELLO 3.
    Message(&'a str),
}

/// Called while a line runs; `Break` cancels the line.
pub type WatchCallback<'a> = dyn FnMut(WhileWaiting<'_>) -> ControlFlow<()> + 'a;

/// Why a line has no reply.
pub(super) enum NoReply {
    Lost(Lost),
    TimedOut,
    Cancelled,
}

/// One line that is being run.
pub(super) struct PromptExchange<'a, 'w> {
    pub(super) words: &'a [Vec<u8>],
    pub(super) kind: CommandKind,
    pub(super) began: Instant,
    pub(super) deadline: Instant,
    pub(super) watch: &'a mut WatchCallback<'w>,
}

impl PromptExchange<'_, '_> {
    /// Reads the reply to the line that was sent on `wire`. Returns its text and its last value.
    pub(super) fn reply(&mut self, wire: &mut Wire) -> Result<(String, Resp), NoReply> {
        match self.kind {
            CommandKind::Subscribes => self.follow(wire, Some(READING)),
            CommandKind::Monitors => self.follow(wire, None),
            CommandKind::Confirms(_) | CommandKind::Plain | CommandKind::Refused(_) => {
                self.replies(wire)
            }
        }
    }

    /// Reads the line's own replies. A push before them is shown at once, as in redis-cli.
    fn replies(&mut self, wire: &mut Wire) -> Result<(String, Resp), NoReply> {
        let (expected, are_confirmed) = match self.kind {
            CommandKind::Confirms(channels) => (channels.max(1), true),
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
            // An error, and `QUEUED` inside MULTI, is the only reply for all channels.
            let is_only_reply = matches!(value, Resp::Error(_) | Resp::Status(_));
            if lines.len() == expected || is_only_reply {
                return Ok((lines.join("\n"), value));
            }
        }
    }

    /// Shows messages until the callback cancels or the server replies with an error.
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
            match wire.receive(left.min(CALLBACK_INTERVAL)).map_err(NoReply::Lost)? {
                Some(value) => return Ok(value),
                None if left.is_zero() => return Err(NoReply::TimedOut),
                None => self.notify(WhileWaiting::Waiting(self.began.elapsed()))?,
            }
        }
    }

    fn show(&mut self, text: &str) -> Result<(), NoReply> {
        self.notify(WhileWaiting::Message(text))
    }

    fn notify(&mut self, event: WhileWaiting<'_>) -> Result<(), NoReply> {
        match (self.watch)(event) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(NoReply::Cancelled),
        }
    }
}

/// Whether a push's first item is `subscribe`, `punsubscribe` or the like.
fn is_confirmation(items: &[Resp]) -> bool {
    matches!(items.first(), Some(Resp::Bulk(kind)) if kind.ends_with(b"subscribe"))
}

/// The text of a push: the keys that a tracking client must drop from its cache, or anything else.
fn pushed(items: &[Resp]) -> String {
    match items {
        [Resp::Bulk(kind), Resp::Array(keys)] if kind == b"invalidate" => {
            let names: Vec<String> = keys.iter().map(key_name).collect();
            format!("-> invalidate: {}", names.join(", "))
        }
        items => format_resp_to::<&str>(&[], &Resp::Push(items.to_vec())),
    }
}

fn key_name(key: &Resp) -> String {
    match key {
        Resp::Bulk(bytes) => format!("'{}'", String::from_utf8_lossy(bytes)),
        other => format_resp_to::<&str>(&[], other),
    }
}
