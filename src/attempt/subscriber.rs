//! The subscriptions of a `redis` answer: a second connection, on which messages come while the
//! answer's lines go on.

use std::ops::ControlFlow;
use std::time::Duration;

use super::answer_control::AnswerControl;
use super::evidence::Stopped;
use super::fixture::Fixture;
use crate::redis_cli::commands::never_ends;
use crate::redis_cli::words;
use crate::redis_prompt::{Executor, PromptOutcome};
use crate::relay::timeline::BARRIER;
use crate::resp::kinds::subscribes;

/// How long a message may be on its way after the reply to the line that caused it.
const MESSAGE_LIMIT: Duration = Duration::from_secs(5);

#[derive(Default)]
pub(super) struct Subscriber {
    /// Present once a line has subscribed.
    connection: Option<Executor>,
    /// Whether the answer has subscribed on its own connection, after HELLO 3.
    is_on_the_first: bool,
}

impl Subscriber {
    /// Whether the line is for the second connection. After HELLO 3 one connection does for all,
    /// and inside MULTI no subscription begins before EXEC.
    pub(super) fn takes(&mut self, line: &str, executor: &Executor) -> bool {
        let words = words::split(line).unwrap_or_default();
        let name = words.first().map(Vec::as_slice).unwrap_or_default();
        if !subscribes(name) || executor.is_in_transaction() {
            return false;
        }
        if executor.goes_on_when_subscribed() {
            self.is_on_the_first = true;
            return false;
        }
        self.connection.is_some() || never_ends(&String::from_utf8_lossy(name))
    }

    /// Runs such a line.
    pub(super) fn run(
        &mut self,
        fixture: &mut Fixture<'_>,
        line: &str,
        limit: Duration,
        control: &AnswerControl,
    ) -> Result<String, Stopped> {
        let target = fixture.target();
        let connection = self.connection.get_or_insert_with(|| Executor::for_an_answer(target));
        let (text, end) = ask(connection, fixture, Some(line), limit, control);
        match end {
            PromptOutcome::TimedOut | PromptOutcome::Cancelled => Err(Stopped::OutOfTime),
            _ => Ok(text),
        }
    }

    /// The reply to a line, and below it the messages that came by then.
    pub(super) fn add_messages(
        &mut self,
        fixture: &mut Fixture<'_>,
        executor: &mut Executor,
        reply: String,
        limit: Duration,
        control: &AnswerControl,
    ) -> String {
        let limit = limit.min(MESSAGE_LIMIT);
        let mut texts = vec![reply];
        if let Some(connection) = &mut self.connection {
            let (text, end) = ask(connection, fixture, None, limit, control);
            texts.push(text);
            if end == PromptOutcome::NotConnected {
                self.connection = None;
            }
        }
        // What is queued or gets no reply cannot tell whether everything has come.
        let can_tell = !executor.is_in_transaction() && !executor.is_unconfirmed();
        if self.is_on_the_first && executor.goes_on_when_subscribed() && can_tell {
            let (text, end) = ask(executor, fixture, None, limit, control);
            texts.extend(Some(text).filter(|_| end == PromptOutcome::Replied));
        }
        texts.retain(|text| !text.is_empty());
        texts.join("\n")
    }
}

fn ask(
    connection: &mut Executor,
    fixture: &mut Fixture<'_>,
    line: Option<&str>,
    limit: Duration,
    control: &AnswerControl,
) -> (String, PromptOutcome) {
    let reply = connection.run_subscribed(line, BARRIER, limit, &mut || {
        control.serve(fixture);
        let is_cancelled = fixture.cancel.is_cancelled();
        if is_cancelled { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    if reply.end == PromptOutcome::Replied {
        fixture.server.client().note_own_call("ping");
    }
    (reply.text, reply.end)
}
