//! `dump = { keys = ["order:1001"], holds = "before" }`: what the snapshot file alone holds.

use std::sync::Arc;

use crate::attempt::evidence::{
    Changed, Differences, Evidence, FileContents, LoadFailure, Observation, SnapshotDifference,
};
use crate::checks::values::{each, each_string, word};
use crate::checks::{
    Kind, Question, Scope, Seen, Subject, all, exists, is_there, question_in, quoted,
};
use crate::lesson::toml_table::{Entry, Toml};
use crate::lesson::{Check, Moment, Span};
use crate::verdict::diagnosis::{Facts, Symptom, data_in_the_file};

pub const KIND: Kind = Kind {
    key: "dump",
    rows: &[
        (
            "`dump = { keys = [\"order:1001\"] }`",
            "the snapshot file alone holds these keys, see [The snapshot \
             alone](#the-snapshot-alone)",
        ),
        (
            "`dump = { holds = \"before\" }`",
            "the snapshot file alone holds all that was there `before`, unchanged",
        ),
    ],
    read: |toml, entry| Some(Arc::new(read(toml, entry)?)),
};

const SHOWN_KEYS: usize = 5;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dump {
    /// These keys.
    pub keys: Vec<String>,
    /// The database of these keys.
    pub database: u32,
    /// `holds = "before"`: every key of every database as it was before the answer.
    pub all_from_before: bool,
}

impl Subject for Dump {
    fn sentence(&self) -> String {
        format!("the snapshot file alone holds {}", self.wanted())
    }

    fn sentence_of(&self, file: &str) -> String {
        format!("{file} holds {}", self.wanted())
    }

    fn scope(&self) -> Scope {
        Scope::Only(Moment::Restore)
    }

    fn misfit(&self, at: Moment) -> Option<(String, &'static str)> {
        (at != Moment::Restore).then(|| {
            let word = at.word();
            (format!("a snapshot file alone has no `{word}`, only `restore`"), "remove `at`")
        })
    }

    fn questions(&self) -> Vec<Question> {
        self.keys.iter().map(|key| question_in(self.database, &exists(key))).collect()
    }

    fn in_database(&self, database: u32) -> Option<Arc<dyn Subject>> {
        // All keys are compared in all databases.
        (!self.all_from_before).then(|| Arc::new(Self { database, ..self.clone() }) as Arc<_>)
    }

    fn expected_keys(&self) -> &[String] {
        // What happened to keys is known of database 0.
        if self.database == 0 { &self.keys } else { &[] }
    }

    fn compares_with_all_keys(&self) -> bool {
        self.all_from_before
    }

    fn judge(&self, evidence: &Evidence) -> Option<Seen> {
        let judged = evidence.at(Moment::Restore).and_then(|now| self.judge_file(now));
        Some(judged.unwrap_or_else(|| {
            let expected = format!("in the snapshot file: {}", self.wanted());
            Seen::unmet(expected, why_not_loaded(evidence))
        }))
    }

    fn judge_file(&self, now: &Observation) -> Option<Seen> {
        let file = now.file.as_ref()?;
        let named = (!self.keys.is_empty()).then(|| self.look_at_keys(now, file));
        let compared =
            file.differences.as_ref().filter(|_| self.all_from_before).map(look_at_differences);
        let parts: Vec<Seen> = named.into_iter().chain(compared).collect();
        Some(all(&parts, Seen::clone))
    }

    fn symptoms(&self, _check: &Check, facts: &Facts<'_>) -> Vec<Symptom> {
        data_in_the_file(facts)
    }
}

impl Dump {
    fn wanted(&self) -> String {
        let all = self.all_from_before.then_some("everything that was there before, unchanged");
        let parts: Vec<&str> =
            all.into_iter().chain(self.keys.iter().map(String::as_str)).collect();
        parts.join(", ") + &self.place()
    }

    fn place(&self) -> String {
        match self.database {
            0 => String::new(),
            number => format!(" in database {number}"),
        }
    }

    fn look_at_keys(&self, now: &Observation, file: &FileContents) -> Seen {
        let expected = format!("in the snapshot file: {}{}", self.keys.join(", "), self.place());
        let missing: Vec<&str> = self
            .keys
            .iter()
            .filter(|key| is_there(now, self.database, key) != Some(true))
            .map(String::as_str)
            .collect();
        if missing.is_empty() {
            return Seen { met: true, found: expected.clone(), expected };
        }
        let missing = missing.join(", no ");
        let found = match self.database {
            0 => format!("no {missing} in it: {}", held(&file.keys, file.count)),
            number => format!("no {missing} in database {number}"),
        };
        Seen::unmet(expected, found)
    }
}

/// Why no second server holds what the snapshot file holds.
pub fn why_not_loaded(evidence: &Evidence) -> String {
    match evidence.restored() {
        Some(Err(LoadFailure::NoFile)) => {
            // If LASTSAVE moved, a snapshot may have gone to another file.
            let last = evidence.last();
            let has_none = last.is_some_and(|now| now.info.lastsave == evidence.before.lastsave);
            let why = if has_none { ": no snapshot was finished" } else { "" };
            format!("there is no `dump.rdb` in the server's directory{why}")
        }
        Some(Err(LoadFailure::Unloadable(log))) => {
            let why = match log.trim() {
                "" => String::new(),
                log => format!(": {}", quoted(log)),
            };
            format!("no server starts with this dump.rdb{why}")
        }
        Some(_) | None => "the snapshot file was not loaded".to_owned(),
    }
}

fn look_at_differences(differences: &Differences) -> Seen {
    let Differences { compared, keys } = differences;
    let expected = format!("in the snapshot file: all {compared} keys from before, unchanged");
    if keys.is_empty() {
        return Seen { met: true, found: expected.clone(), expected };
    }
    let mut shown: Vec<String> = keys.iter().take(SHOWN_KEYS).map(difference).collect();
    if keys.len() > shown.len() {
        shown.push(format!("and {} more", keys.len() - shown.len()));
    }
    Seen::unmet(expected, format!("{} of {compared} differ: {}", keys.len(), shown.join(", ")))
}

fn difference(difference: &SnapshotDifference) -> String {
    let what = match difference.what {
        Changed::Missing => "is missing",
        Changed::Value => "has another value",
        Changed::TimeToLive => "has another time to live",
    };
    let database = match difference.database {
        0 => String::new(),
        number => format!(" in database {number}"),
    };
    format!("{}{database} {what}", difference.key)
}

/// `it holds a, b and 3 more`; `count` includes keys that are not in `keys`.
fn held(keys: &[String], count: i64) -> String {
    let shown = &keys[..keys.len().min(SHOWN_KEYS)];
    let more = count.saturating_sub(i64::try_from(shown.len()).unwrap_or(i64::MAX));
    match (shown, more) {
        ([], ..=0) => "database 0 has no key".to_owned(),
        ([], _) => format!("it holds {count} keys"),
        (_, ..=0) => format!("it holds {}", shown.join(", ")),
        _ => format!("it holds {} and {more} more", shown.join(", ")),
    }
}

fn read(toml: &mut Toml<'_>, entry: Entry<'_>) -> Option<Dump> {
    let example = "{ keys = [\"order:1001\"] }";
    let parts = each(toml, entry, example, |toml, entry| match entry.key {
        "keys" => {
            Some(Dump { keys: each_string(toml, entry, false, key_name)?, ..Dump::default() })
        }
        "holds" => {
            word(toml, entry, &["before"], "use \"before\": all keys from before the answer")?;
            Some(Dump { all_from_before: true, ..Dump::default() })
        }
        _ => {
            toml.unknown_key(entry, "`dump`", &["keys", "holds"]);
            None
        }
    })?;
    let all_from_before = parts.iter().any(|part| part.all_from_before);
    let keys = parts.into_iter().flat_map(|part| part.keys).collect();
    Some(Dump { keys, database: 0, all_from_before })
}

fn key_name(toml: &mut Toml<'_>, text: &str, span: Span) -> Option<String> {
    if text.is_empty() {
        toml.error(span, "a key without a name", None);
    }
    (!text.is_empty()).then(|| text.to_owned())
}
