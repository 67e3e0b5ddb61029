//! The setting with which lessons make saves slow, so that waiting becomes visible.

use crate::attempt::evidence::Evidence;
use crate::lesson::{Exercise, Moment};

pub const SETTING: &str = "rdb-key-save-delay";

/// The value that the lesson gives it, if it does.
pub fn wanted(exercise: &Exercise) -> Option<&str> {
    let setting = exercise.settings.iter().find(|(name, _)| name == SETTING);
    setting.map(|(_, value)| value.as_str())
}

/// The setting, if the exercise sees by it whether an answer waits.
pub fn protected_setting(exercise: &Exercise) -> Option<&'static str> {
    (exercise.sees_slow_work() && wanted(exercise).is_some()).then_some(SETTING)
}

/// Slow saves make no difference to an exercise that looks at the server only after they have
/// settled, and does not measure waits.
pub fn only_slows(setting: &str, exercise: &Exercise) -> bool {
    setting == SETTING && !exercise.sees_slow_work()
}

/// Also invalid if the setting was changed back.
pub fn why_invalid(exercise: &Exercise, evidence: &Evidence) -> Option<String> {
    let wanted = wanted(exercise).filter(|_| exercise.sees_slow_work())?;
    let found = evidence.at(Moment::Exit).and_then(|exit| exit.config.get(SETTING));
    let mut set = evidence.timeline.values_set(SETTING);
    let is_changed =
        found.is_some_and(|found| found != wanted) || set.any(|(_, value)| value != wanted);
    let text = "by which this exercise sees who waits";
    is_changed.then(|| format!("the answer has changed `{SETTING}`, {text}"))
}
