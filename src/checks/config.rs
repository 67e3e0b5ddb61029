//! `config = { save = "60 1000" }`: settings, by CONFIG GET.

use std::sync::Arc;

use super::expected::{Expected, Extra, pairs_with, texts_of};
use super::values::each;
use super::{Kind, Question, Seen, Subject, all, default_misfit, joined};
use crate::attempt::evidence::{Evidence, Observation};
use crate::lesson::words::RandomWords;
use crate::lesson::{Check, Moment};
use crate::verdict::diagnosis::{Facts, Symptom, symptom};

pub const KIND: Kind = Kind {
    key: "config",
    rows: &[("`config = { save = \"60 1000\" }`", "CONFIG GET gives this value")],
    read: |toml, entry| {
        let settings = each(toml, entry, "{ maxmemory = \"0\" }", |toml, entry| {
            Some((entry.key.to_owned(), Expected::read(toml, entry, Extra::Nothing)?))
        })?;
        Some(Arc::new(Config(settings)))
    },
};

/// Names of settings, and their values.
#[derive(Debug)]
pub struct Config(pub Vec<(String, Expected)>);

impl Subject for Config {
    fn texts(&self) -> Vec<&str> {
        texts_of(&self.0)
    }

    fn with_words(&self, words: &RandomWords) -> Option<Arc<dyn Subject>> {
        Some(Arc::new(Self(pairs_with(&self.0, words))))
    }

    fn sentence(&self) -> String {
        joined(&self.0, |(name, value)| format!("CONFIG GET {name}: {value}"))
    }

    fn misfit(&self, at: Moment) -> Option<(String, &'static str)> {
        match at {
            Moment::Restore => Some((
                "a second server loads the snapshot: its settings are its own".to_owned(),
                "check a `reply` at `restore`, or settings at another moment",
            )),
            at => default_misfit(self.scope(), false, at),
        }
    }

    fn questions(&self) -> Vec<Question> {
        self.0.iter().map(|(name, _)| Question::Config(name.clone())).collect()
    }

    fn judge_at(&self, now: &Observation, _evidence: &Evidence) -> Option<Seen> {
        Some(all(&self.0, |(name, expected)| {
            let value = now.config.get(name);
            let found = value.map_or("unknown here", String::as_str);
            Seen {
                met: value.is_some_and(|value| expected.is_met_by_text(value)),
                expected: format!("{name} {expected}"),
                found: format!("{name} {found}"),
            }
        }))
    }

    fn symptoms(&self, _check: &Check, _facts: &Facts<'_>) -> Vec<Symptom> {
        vec![symptom::CONFIG]
    }
}
