//! Reading a stream without a group.

use crate::verdict::diagnosis::facts::Facts;
use crate::verdict::diagnosis::{Cause, seen_at};

/// `$` in the first XREAD of a stream, or in several: what came before each of them was left out.
pub fn skipped_by_dollar(facts: &Facts<'_>) -> Option<Cause> {
    let reads: Vec<_> =
        facts.numbered().filter(|(_, exchange)| exchange.name() == "XREAD").collect();
    let is_dollar = |words: &[Vec<u8>]| words.last().is_some_and(|word| word == b"$");
    let dollars = reads.iter().filter(|(_, exchange)| is_dollar(&exchange.words));
    let (first, count) = (dollars.clone().next()?.0, dollars.count());
    let reads_otherwise = facts
        .exchanges()
        .iter()
        .any(|exchange| ["XRANGE", "XREVRANGE", "XREADGROUP"].contains(&&*exchange.name()));
    let only_dollars = count == reads.len() && !reads_otherwise;
    (only_dollars || count > 1).then(|| seen_at(first))
}
