//! What came back after the crash, and what the file alone holds, as far as checks asked.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::attempt::evidence::{Evidence, LoadFailure, Look, Observation};
use crate::lesson::Moment;
use crate::present::text::{reveal, truncate};
use crate::redis_cli::reply::Printed;
use crate::redis_cli::words;

/// The maximum number of keys that are named.
const NAMED: usize = 6;
/// Values are cut to this.
const LONGEST_VALUE: usize = 12;

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
        let field = now.info.field(&format!("db{database}"));
        let keys = field.and_then(|text| text.strip_prefix("keys=")?.split(',').next());
        if let Some(keys) = keys {
            let noun = if keys == "1" { "key" } else { "keys" };
            let _ = write!(others, " (and {keys} {noun} in database {database})");
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
    let there: Vec<String> = there.into_iter().map(with_value).collect();
    let missing: Vec<String> = missing.into_iter().map(|asked| asked.key.clone()).collect();
    match (there.as_slice(), missing.as_slice()) {
        (_, []) => listed(&there),
        ([], _) => format!("none of {}", listed(&missing)),
        _ => format!("{}; without {}", listed(&there), listed(&missing)),
    }
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

fn listed(keys: &[String]) -> String {
    let more = match keys.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let shown = &keys[..keys.len().min(NAMED)];
    format!("{}{more}", reveal(&shown.join(", ")))
}

/// Each key once, in the order of the checks' lines.
fn asked(evidence: &Evidence, now: &Observation) -> Vec<Asked> {
    let mut asked: Vec<Asked> = Vec::new();
    for (line, printed) in &now.replies {
        if let Some(found) = asked_by(evidence, line, printed)
            && asked.iter().all(|other| other.key != found.key)
        {
            asked.push(found);
        }
    }
    asked.sort_by(|one, other| one.key.cmp(&other.key));
    asked
}

fn asked_by(evidence: &Evidence, line: &str, printed: &Printed) -> Option<Asked> {
    let words = words::split(line).ok()?;
    let [name, key] = words.as_slice() else { return None };
    let key = String::from_utf8(key.clone()).ok()?;
    match name.to_ascii_uppercase().as_slice() {
        b"GET" => {
            let mut looks = evidence.before_the_crash();
            let before = looks.find_map(|look| look.replies.get(line));
            let changed = before
                .filter(|before| before.terminal != printed.terminal && before.terminal != "(nil)");
            let changed = changed.map(|_| printed.terminal.clone());
            Some(Asked { key, is_there: printed.terminal != "(nil)", changed })
        }
        b"EXISTS" => {
            Some(Asked { key, is_there: printed.terminal == "(integer) 1", changed: None })
        }
        _ => None,
    }
}
