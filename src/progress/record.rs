//! The content of the progress file, and the changes to it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::lesson::{Exercise, Language};

/// The first line of the file.
const HEAD: &str = "# Your redislings progress, by exercise id. To continue on another machine, \
                    copy this file.\n";

/// The file as values. Ids that are not in the course (renamed, or of another course) are kept.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Record {
    pub(super) passed: BTreeSet<String>,
    /// The word of the language of the last answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<String>,
    /// The questions of recall that were shown, the last one at the end.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    recalled: Vec<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) exercise: BTreeMap<String, Effort>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) place: Option<Position>,
    /// Fields of other versions are kept unchanged.
    #[serde(flatten)]
    other: toml::Table,
}

/// The student's attempts at one exercise.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Effort {
    /// Since it was last passed or reset.
    #[serde(skip_serializing_if = "is_zero")]
    pub(super) failed_attempts: u32,
    /// Up to the first pass, and including it.
    #[serde(skip_serializing_if = "is_zero")]
    attempts: u32,
    /// The seconds in which the student worked at it in a session, up to the first pass.
    #[serde(skip_serializing_if = "is_zero")]
    seconds: u32,
    #[serde(skip_serializing_if = "is_zero")]
    pub(super) hints_seen: u32,
    #[serde(flatten)]
    other: toml::Table,
}

impl Effort {
    /// Older versions counted only the failed ones.
    fn counted_attempts(&self) -> u32 {
        self.attempts.max(self.failed_attempts)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// Where the student was. Lessons change, so the lesson, step or exercise may no longer exist.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// The lesson's id.
    pub lesson: String,
    /// The step's title.
    pub step: String,
    /// The id of the step's exercise; `None` for a reading step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exercise: Option<String>,
}

impl Record {
    /// `None` if the file is damaged. An empty file is damaged too: a crash may leave one.
    pub(super) fn of(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        if text.trim().is_empty() {
            return None;
        }
        toml::from_str(text).ok()
    }

    pub(super) fn text(&self) -> Result<String, toml::ser::Error> {
        Ok(HEAD.to_owned() + &toml::to_string_pretty(self)?)
    }

    pub fn has(&self, exercise: &str) -> bool {
        self.passed.contains(exercise)
    }

    /// How many of these exercises are passed, and how many there are.
    pub fn tally<'e>(&self, exercises: impl IntoIterator<Item = &'e Exercise>) -> (usize, usize) {
        let (mut passed, mut all) = (0, 0);
        for exercise in exercises {
            passed += usize::from(self.has(&exercise.id));
            all += 1;
        }
        (passed, all)
    }

    /// How many attempts have failed since the exercise was last passed or reset.
    pub fn failed_attempts(&self, exercise: &str) -> u32 {
        self.effort(exercise).failed_attempts
    }

    /// How many attempts there were up to the first pass, and including it. 0 if that was not
    /// counted: older versions did not.
    pub fn attempts(&self, exercise: &str) -> u32 {
        self.effort(exercise).counted_attempts()
    }

    /// How long the student worked at it in sessions, up to the first pass. 0 if that was not
    /// measured: `check` and older versions do not.
    pub fn time_spent(&self, exercise: &str) -> Duration {
        Duration::from_secs(self.effort(exercise).seconds.into())
    }

    /// The language of the last answer.
    pub fn language(&self) -> Option<Language> {
        let word = self.language.as_deref()?;
        Language::ALL.into_iter().find(|language| language.word() == word)
    }

    /// The position of a question among those shown, the last one being the highest; `None` if it
    /// was never shown.
    pub fn recalled_at(&self, question: &str) -> Option<usize> {
        self.recalled.iter().position(|shown| shown == question)
    }

    pub fn hints_seen(&self, exercise: &str) -> u32 {
        self.effort(exercise).hints_seen
    }

    /// Where the student was.
    pub fn place(&self) -> Option<&Position> {
        self.place.as_ref()
    }

    fn effort(&self, exercise: &str) -> Effort {
        self.exercise.get(exercise).cloned().unwrap_or_default()
    }

    /// Changes the exercise's entry, and removes the entry if it becomes empty.
    fn change_effort(&mut self, exercise: &str, change: impl FnOnce(&mut Effort)) {
        let mut effort = self.effort(exercise);
        change(&mut effort);
        if effort == Effort::default() {
            self.exercise.remove(exercise);
        } else {
            self.exercise.insert(exercise.to_owned(), effort);
        }
    }
}

/// A change to the progress.
#[derive(Debug, Clone)]
pub enum ProgressChange {
    Passed(String),
    Failed(String),
    HintsSeen(String, u32),
    /// The student worked at this exercise for so long.
    Spent(String, Duration),
    /// An answer was given in this language.
    Answered(Language),
    /// A question of recall was shown.
    Recalled(String),
    Forgotten(Vec<String>),
    Moved(Option<Position>),
}

impl ProgressChange {
    /// `record` may contain changes of another session.
    pub fn apply(&self, record: &mut Record) {
        match self {
            Self::Passed(exercise) => {
                let is_first = record.passed.insert(exercise.clone());
                record.change_effort(exercise, |effort| {
                    if is_first {
                        effort.attempts = effort.counted_attempts().saturating_add(1);
                    }
                    effort.failed_attempts = 0;
                });
            }
            Self::Failed(exercise) => {
                let is_open = !record.has(exercise);
                record.change_effort(exercise, |effort| {
                    if is_open {
                        effort.attempts = effort.counted_attempts().saturating_add(1);
                    }
                    effort.failed_attempts = effort.failed_attempts.saturating_add(1);
                });
            }
            Self::HintsSeen(exercise, number) => {
                record.change_effort(exercise, |effort| effort.hints_seen = *number);
            }
            Self::Spent(exercise, time) if !record.has(exercise) => {
                let seconds = u32::try_from(time.as_secs()).unwrap_or(u32::MAX);
                record.change_effort(exercise, |effort| {
                    effort.seconds = effort.seconds.saturating_add(seconds);
                });
            }
            Self::Spent(..) => {}
            Self::Answered(language) => record.language = Some(language.word().to_owned()),
            Self::Recalled(question) => {
                record.recalled.retain(|shown| shown != question);
                record.recalled.push(question.clone());
            }
            Self::Forgotten(exercises) => {
                for exercise in exercises {
                    record.passed.remove(exercise);
                    record.exercise.remove(exercise);
                }
            }
            Self::Moved(place) => record.place.clone_from(place),
        }
    }

    /// Whether the change must survive a crash of the machine in the next seconds, at the cost of
    /// waiting for the disk.
    pub(super) fn is_precious(&self) -> bool {
        matches!(self, Self::Passed(_) | Self::Forgotten(_))
    }
}
