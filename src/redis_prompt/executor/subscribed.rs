//! A connection that is subscribed while the lines of an answer go on on another one.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use super::{ConnectionState, Executor, Lost, PromptOutcome, PromptReply};
use crate::redis_cli::reply::format_resp_to;
use crate::redis_cli::words;
use crate::resp::value::Resp;

/// How often a wait may end early.
const TICK: Duration = Duration::from_millis(20);

impl Executor {
    /// Sends a line such as SUBSCRIBE, if there is one, and returns all that has come on this
    /// connection up to now. To know that nothing more is on its way, it sends a PING with a word
    /// that begins with `barrier`: the server answers it behind the messages. `wait` is called again
    /// and again meanwhile, and may end that.
    pub fn run_subscribed(
        &mut self,
        line: Option<&str>,
        barrier: &str,
        limit: Duration,
        wait: &mut dyn FnMut() -> ControlFlow<()>,
    ) -> PromptReply {
        let deadline = Instant::now() + limit;
        let mut texts = Vec::new();
        let end = match self.connect(deadline) {
            Err(text) => {
                texts.push(text);
                PromptOutcome::NotConnected
            }
            Ok(complaints) => {
                texts.extend(complaints);
                self.exchange_subscribed((line, barrier), deadline, &mut texts, wait)
            }
        };
        if end == PromptOutcome::NotConnected {
            self.connection = ConnectionState::Lost;
        }
        PromptReply { text: texts.join("\n"), end }
    }

    fn exchange_subscribed(
        &mut self,
        (line, barrier): (Option<&str>, &str),
        deadline: Instant,
        texts: &mut Vec<String>,
        wait: &mut dyn FnMut() -> ControlFlow<()>,
    ) -> PromptOutcome {
        let ConnectionState::Open(wire) = &mut self.connection else {
            return PromptOutcome::NotConnected;
        };
        let words = line.map(|line| words::split(line).unwrap_or_default()).unwrap_or_default();
        // A reply that comes too late must not be taken for the next one.
        self.barriers += 1;
        let own = format!("{barrier}{}", self.barriers);
        let ping = ["PING", &own].map(|word| word.as_bytes().to_vec());
        let left = deadline.saturating_duration_since(Instant::now());
        let mut sent = if words.is_empty() { Ok(()) } else { wire.send(&words, left) };
        sent = sent.and_then(|()| wire.send(&ping, left));
        // The line itself may be refused, and then the PING too.
        let mut errors_to_come = usize::from(!words.is_empty());
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let value = match sent.clone().and_then(|()| wire.receive(left.min(TICK))) {
                Ok(Some(value)) => value,
                Ok(None) if left.is_zero() => return PromptOutcome::TimedOut,
                Ok(None) if wait().is_break() => return PromptOutcome::Cancelled,
                Ok(None) => continue,
                Err(lost) => {
                    texts.push(Lost::to_string(&lost));
                    return PromptOutcome::NotConnected;
                }
            };
            match pinged(&value).filter(|word| word.starts_with(barrier.as_bytes())) {
                Some(word) if word == own.as_bytes() => return PromptOutcome::Replied,
                Some(_) => continue,
                None => {}
            }
            let is_error = matches!(value, Resp::Error(_));
            if is_error && errors_to_come == 0 {
                return PromptOutcome::NotConnected;
            }
            errors_to_come -= usize::from(is_error);
            texts.push(format_resp_to(&words, &value));
        }
    }
}

/// The word of a PING that this answers: the word alone, or behind `pong` while subscribed.
fn pinged(value: &Resp) -> Option<&[u8]> {
    match value {
        Resp::Bulk(word) => Some(word),
        Resp::Array(items) => match &items[..] {
            [Resp::Bulk(pong), Resp::Bulk(word)] if pong == b"pong" => Some(word),
            _ => None,
        },
        _ => None,
    }
}
