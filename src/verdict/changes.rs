//! What an answer changed on the server, in a few rows.

use std::borrow::Cow;

use super::key_changes::key_changes;
use crate::attempt::evidence::Evidence;
use crate::server::ServerInfo;
use crate::topics::TOPICS;

/// A field or a key that the answer changed, or a time that it took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Redis' own name, if it has one.
    pub field: Cow<'static, str>,
    /// Before the answer; empty if there is nothing to compare.
    pub before: String,
    pub after: String,
}

/// The changes that matter.
pub fn changes(evidence: &Evidence) -> Vec<Change> {
    let now = evidence.last().map(|look| &look.info);
    let before = &evidence.before;
    if let Some(now) = now
        && now.run_id() != before.run_id()
    {
        // The server was started again, so its counters can't be compared.
        return vec![change("run_id", short(before.run_id()), short(now.run_id()))];
    }
    let of_topics = TOPICS.iter().flat_map(|topic| (topic.changes)(evidence, now));
    let of_keys = key_changes(evidence).map(|(key, [before, after])| Change {
        field: key.to_owned().into(),
        before,
        after,
    });
    of_topics.chain(of_keys).collect()
}

pub fn change(field: &'static str, before: impl Into<String>, after: impl Into<String>) -> Change {
    Change { field: field.into(), before: before.into(), after: after.into() }
}

fn short(run_id: &str) -> String {
    run_id.chars().take(8).collect()
}

/// A field of INFO, if it has changed.
pub fn differs(field: &'static str, before: &ServerInfo, now: &ServerInfo) -> Option<Change> {
    let (was, is) = (before.field(field)?, now.field(field)?);
    (was != is).then(|| change(field, was, is))
}
