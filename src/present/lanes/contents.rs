//! What came back after the crash, and what the file alone holds, as far as checks asked.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::attempt::evidence::{Evidence, LoadFailure, Look, Observation};
use crate::lesson::Moment;
use crate::present::text::{number, reveal, truncate};
use crate::redis_cli::reply::Printed;
use crate::redis_cli::words;

/// The maximum number of keys that are named.
const NAMED: usize = 6;
/// Values are cut to this.
const LONGEST_VALUE: usize = 12;
const NIL: &str = "(nil)";

/// What a check asked about a key.
struct Asked {
    key: String,
    is_there: bool,
    /// The value as redis-cli prints it, if it is not the one that the server had before.
    changed: Option<String>,
}

/// The keys that checks ask for after the crash or of the file.
pub fn asked_keys(evidence: &Evidence) -> BTreeSet<String> {
    let looks = [Moment::Crash, Moment::Restore].into_iter().filter_map(|at| evidence.at(at));
    looks.flat_map(|now| asked(evidence, now)).map(|asked| asked.key).collect()
}

/// Whether a key that is missing after a start may have been in the file, and ended since.
pub fn keys_may_have_ended(evidence: &Evidence) -> bool {
    let had_ended = evidence.before.number("expired_keys");
    evidence.before.has_keys_that_expire()
        || evidence.before_the_crash().any(|look| {
            look.info.has_keys_that_expire() || look.info.number("expired_keys") > had_ended
        })
}

/// In words, without a beginning: `a, b; without c`.
pub fn contents(evidence: &Evidence, look: &Look) -> String {
    match look {
        Err(LoadFailure::NoFile) => "nothing, because there is no file".to_owned(),
        Err(LoadFailure::Unloadable(_)) => "nothing, because a server can't load it".to_owned(),
        Err(LoadFailure::Because(why)) => format!("nothing, because {why}"),
        Ok(now) => of_a_look(evidence, now) + &other_databases(now),
    }
}

/// ` (and 1 key in database 1)`: checks ask only database 0.
fn other_databases(now: &Observation) -> String {
    let mut others = String::new();
    for database in 1..16 {
        if let keys @ 1.. = now.info.keys_in(&database.to_string()) {
            let keys = number(usize::try_from(keys).unwrap_or(0), "key");
            let _ = write!(others, " (and {keys} in database {database})");
        }
    }
    others
}

fn of_a_look(evidence: &Evidence, now: &Observation) -> String {
    let asked = asked(evidence, now);
    let (there, missing): (Vec<&Asked>, Vec<&Asked>) =
        asked.iter().partition(|asked| asked.is_there);
    if asked.is_empty() {
        return count(now);
    }
    let more = usize::try_from(keys_of_database_0(now)).unwrap_or(0).saturating_sub(there.len());
    let there: Vec<String> = there.into_iter().map(with_value).collect();
    let missing: Vec<String> = missing.into_iter().map(|asked| asked.key.clone()).collect();
    let missing = listed(&missing, 0);
    match (there.as_slice(), more, missing.as_str()) {
        ([], 0, missing) => format!("none of {missing}"),
        ([], more, missing) => format!("{}, but not {missing}", number(more, "key")),
        (there, more, "") => listed(there, more),
        (there, more, missing) => format!("{}; without {missing}", listed(there, more)),
    }
}

fn keys_of_database_0(now: &Observation) -> i64 {
    now.file.as_ref().map_or_else(|| now.info.keys_in("0"), |file| file.count)
}

fn with_value(asked: &Asked) -> String {
    match &asked.changed {
        Some(value) => format!("{} = {}", asked.key, truncate(value, LONGEST_VALUE)),
        None => asked.key.clone(),
    }
}

fn count(now: &Observation) -> String {
    let all = now.file.as_ref().map_or_else(|| now.info.keys(), |file| file.count);
    match (all, now.file.as_ref()) {
        (1.., Some(file)) if file.keys.len() <= NAMED => reveal(&file.keys.join(", ")).into_owned(),
        (..=0, _) => "no key".to_owned(),
        (1, _) => "1 key".to_owned(),
        (all, _) => format!("{all} keys"),
    }
}

/// The keys by name, and how many more there are.
fn listed(keys: &[String], more: usize) -> String {
    let more = match keys.len().saturating_sub(NAMED) + more {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    let shown = &keys[..keys.len().min(NAMED)];
    format!("{}{more}", reveal(&shown.join(", ")))
}

/// Each key once, in the order of the checks' lines.
fn asked(evidence: &Evidence, now: &Observation) -> Vec<Asked> {
    let mut asked: Vec<Asked> = Vec::new();
    for (line, printed) in &now.replies {
        for found in asked_by(evidence, line, printed) {
            if asked.iter().all(|other| other.key != found.key) {
                asked.push(found);
            }
        }
    }
    asked.sort_by(|one, other| one.key.cmp(&other.key));
    asked
}

/// What a line of a check says about keys; nothing if it is of another kind.
fn asked_by(evidence: &Evidence, line: &str, printed: &Printed) -> Vec<Asked> {
    let Ok(words) = words::split(line) else { return Vec::new() };
    let [name, keys @ ..] = words.as_slice() else { return Vec::new() };
    let mut before = evidence.before_the_crash().filter_map(|look| look.replies.get(line));
    let before = before.next().map(|printed| printed.terminal.as_str());
    let values = match (name.to_ascii_uppercase().as_slice(), keys) {
        (b"GET", [_]) => vec![(printed.terminal.as_str(), before)],
        (b"MGET", _) => {
            let mut before = before.map(elements).unwrap_or_default().into_iter();
            elements(&printed.terminal).into_iter().map(|now| (now, before.next())).collect()
        }
        (b"EXISTS", [key]) => {
            let is_there = printed.terminal == "(integer) 1";
            return vec![Asked { key: lossy(key), is_there, changed: None }];
        }
        _ => return Vec::new(),
    };
    let asked = keys.iter().zip(values).map(|(key, (now, before))| {
        let changed = before.filter(|before| *before != now && *before != NIL);
        let changed = changed.map(|_| now.to_owned());
        Asked { key: lossy(key), is_there: now != NIL, changed }
    });
    asked.collect()
}

fn lossy(key: &[u8]) -> String {
    String::from_utf8_lossy(key).into_owned()
}

/// The elements of an array that redis-cli prints: `1) "paid"`.
fn elements(printed: &str) -> Vec<&str> {
    printed.lines().filter_map(|line| Some(line.split_once(") ")?.1)).collect()
}

#[cfg(test)]
mod tests {
    use redis::Value;

    use super::*;
    use crate::server::ServerInfo;

    fn held(keys: usize, replies: &[(&str, Value)]) -> String {
        let info = ServerInfo::of(0, &format!("db0:keys={keys},expires=0,avg_ttl=0\r\n"));
        let mut now = Observation::of(info);
        for (line, value) in replies {
            now.replies.insert((*line).to_owned(), Printed::new(value));
        }
        contents(&Evidence::new(ServerInfo::default()), &Ok(now))
    }

    fn bulk(text: &str) -> Value {
        Value::BulkString(text.into())
    }

    #[test]
    fn keys_that_mget_asks_for_are_named() {
        let reply = Value::Array(vec![bulk("paid"), Value::Nil]);
        assert_eq!(held(1, &[("MGET a b", reply)]), "a; without b");
    }

    #[test]
    fn keys_that_no_check_names_are_counted() {
        let replies = [("GET a", bulk("1")), ("HGETALL h", Value::Array(Vec::new()))];
        assert_eq!(held(4, &replies), "a, and 3 more");
        assert_eq!(held(4, &[("EXISTS gone", Value::Int(0))]), "4 keys, but not gone");
        assert_eq!(held(0, &[("EXISTS gone", Value::Int(0))]), "none of gone");
    }

    #[test]
    fn a_key_that_was_to_end_may_have_been_in_the_file() {
        let may_have_ended =
            |before: &str| keys_may_have_ended(&Evidence::new(ServerInfo::of(0, before)));
        assert!(may_have_ended("db0:keys=1,expires=1,avg_ttl=900\r\n"));
        assert!(!may_have_ended("db0:keys=1,expires=0,avg_ttl=0\r\n"));
    }
}
