//! `received = { orders = ["order:1001 paid"] }`: the messages that the server pushed to the answer.

use std::sync::Arc;

use redis::Value as RedisValue;
use toml::de::DeValue;

use super::expected::{Expected, Extra};
use super::values::each;
use super::{Kind, Scope, Seen, Subject, all, joined};
use crate::attempt::evidence::{Evidence, Observation};
use crate::lesson::Check;
use crate::lesson::toml_table::{Entry, Toml};
use crate::lesson::words::RandomWords;
use crate::redis_cli::reply::Printed;
use crate::relay::{Message, Timeline};
use crate::verdict::diagnosis::{Facts, Symptom, symptom};

pub const KIND: Kind = Kind {
    key: "received",
    rows: &[(
        "`received = { orders = [\"order:1001 paid\"] }`",
        "the server sent the answer these messages on each channel, in this order and no others, \
         see [Messages](#messages)",
    )],
    read: |toml, entry| {
        let channels = each(toml, entry, "{ orders = [\"paid\"] }", channel)?;
        Some(Arc::new(Received(channels)))
    },
};

/// How many messages a long list shows at its beginning and at its end.
const SHOWN_AT_EACH_END: usize = 3;

/// Channels, and what must come on each.
#[derive(Debug)]
struct Received(Vec<Channel>);

#[derive(Debug)]
struct Channel {
    name: String,
    messages: Vec<Expected>,
}

fn channel(toml: &mut Toml<'_>, entry: Entry<'_>) -> Option<Channel> {
    let items = match entry.value.get_ref() {
        DeValue::Array(items) => items.iter().collect(),
        _ => vec![entry.value],
    };
    let messages: Vec<Option<Expected>> = items
        .into_iter()
        .map(|item| Expected::read(toml, Entry { value: item, ..entry }, Extra::Nothing))
        .collect();
    let messages = messages.into_iter().collect::<Option<Vec<Expected>>>()?;
    Some(Channel { name: entry.key.to_owned(), messages })
}

impl Subject for Received {
    fn texts(&self) -> Vec<&str> {
        let messages = self.0.iter().flat_map(|channel| &channel.messages);
        messages.filter_map(Expected::text).collect()
    }

    fn with_words(&self, words: &RandomWords) -> Option<Arc<dyn Subject>> {
        Some(Arc::new(Self(self.0.iter().map(|channel| channel.with_words(words)).collect())))
    }

    fn sentence(&self) -> String {
        joined(&self.0, |channel| format!("received on `{}`: {}", channel.name, channel.wanted()))
    }

    fn scope(&self) -> Scope {
        Scope::Run
    }

    /// On a machine that stalls, a message may still be on its way when the answer ends.
    fn is_timeless(&self) -> bool {
        false
    }

    fn judge(&self, evidence: &Evidence) -> Option<Seen> {
        let timeline = &evidence.timeline;
        let met: Vec<Option<bool>> =
            self.0.iter().map(|channel| channel.is_shown_by(timeline)).collect();
        if met.contains(&None) && !met.contains(&Some(false)) {
            return None;
        }
        let parts: Vec<(&Channel, Option<bool>)> = self.0.iter().zip(met).collect();
        Some(all(&parts, |(channel, met)| channel.seen(timeline, *met != Some(false))))
    }

    fn channels(&self) -> Vec<&str> {
        self.0.iter().map(|channel| channel.name.as_str()).collect()
    }

    fn symptoms(&self, _check: &Check, _facts: &Facts<'_>) -> Vec<Symptom> {
        vec![symptom::NOT_HEARD]
    }

    fn is_spoilt(&self, _now: &Observation, evidence: &Evidence) -> bool {
        let timeline = &evidence.timeline;
        !timeline.is_incomplete && self.0.iter().any(|channel| channel.is_wrong(timeline))
    }
}

impl Channel {
    fn with_words(&self, words: &RandomWords) -> Self {
        let messages = self.messages.iter().map(|expected| expected.with_words(words)).collect();
        Self { name: self.name.clone(), messages }
    }

    fn wanted(&self) -> String {
        if self.messages.is_empty() { "nothing".to_owned() } else { listed(&self.messages) }
    }

    fn came<'t>(&self, timeline: &'t Timeline) -> Vec<&'t Message> {
        let messages = timeline.messages.iter();
        messages.filter(|message| message.channel == self.name.as_bytes()).collect()
    }

    /// Whether these messages came, and no others; `None` if what was recorded does not decide.
    fn is_shown_by(&self, timeline: &Timeline) -> Option<bool> {
        let came = self.came(timeline);
        let is_cut = self.messages.iter().zip(&came).any(|(_, message)| message.is_cut());
        if timeline.is_incomplete {
            None
        } else if self.is_wrong(timeline) {
            Some(false)
        } else if timeline.messages_left_out > 0 || is_cut {
            None
        } else {
            Some(came.len() == self.messages.len())
        }
    }

    /// Whether a message came that should not have. What is recorded are the first messages: what is
    /// wrong about them stays wrong, unless a connection could not be followed.
    fn is_wrong(&self, timeline: &Timeline) -> bool {
        let came = self.came(timeline);
        let mut pairs = self.messages.iter().zip(&came);
        came.len() > self.messages.len()
            || pairs.any(|(expected, message)| is(message, expected) == Some(false))
    }

    fn seen(&self, timeline: &Timeline, met: bool) -> Seen {
        let came: Vec<String> = self.came(timeline).into_iter().map(text).collect();
        let found = match came.len() {
            0 => "nothing".to_owned(),
            _ => listed(&came),
        };
        let name = &self.name;
        Seen {
            met,
            expected: format!("on {name}: {}", self.wanted()),
            found: format!("on {name}: {found}"),
        }
    }
}

/// Whether the message is the expected one; `None` if only its beginning was kept.
fn is(message: &Message, expected: &Expected) -> Option<bool> {
    let payload = Printed::new(&RedisValue::BulkString(message.payload.clone()));
    (!message.is_cut()).then(|| expected.is_met_by(&payload))
}

fn text(message: &Message) -> String {
    let printed = Printed::new(&RedisValue::BulkString(message.payload.clone()));
    let text = printed.bare.filter(|text| !text.contains(char::is_control));
    text.unwrap_or(printed.terminal)
}

/// `paid, then packed`, and `…` for the middle of a long list.
fn listed<T: ToString>(messages: &[T]) -> String {
    let mut parts: Vec<String> = messages.iter().map(T::to_string).collect();
    let left_out = parts.len().saturating_sub(2 * SHOWN_AT_EACH_END);
    if left_out > 1 {
        let more = format!("… {left_out} more …");
        parts.splice(SHOWN_AT_EACH_END..SHOWN_AT_EACH_END + left_out, [more]);
    }
    parts.join(", then ")
}
