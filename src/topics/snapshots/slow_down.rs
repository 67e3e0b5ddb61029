//! The setting with which lessons make saves slow, so that waiting becomes visible.

use crate::attempt::evidence::Evidence;
use crate::lesson::{Exercise, Moment};
use crate::runner_line::STOP_MARK;

pub const SETTING: &str = "rdb-key-save-delay";

/// The value that the lesson gives it, if it does.
pub fn wanted(exercise: &Exercise) -> Option<&str> {
    let setting = exercise.settings.iter().find(|(name, _)| name == SETTING);
    setting.map(|(_, value)| value.as_str())
}

/// The setting, if the exercise sees by it whether an answer waits.
pub fn protected_setting(exercise: &Exercise) -> Option<&'static str> {
    (shows_waits(exercise) && after_a_restart(exercise).is_some()).then_some(SETTING)
}

/// A stop ends what an answer has not waited for, too.
fn shows_waits(exercise: &Exercise) -> bool {
    exercise.sees_slow_work() || exercise.stop
}

/// The value that the lesson gives it at each later start.
fn after_a_restart(exercise: &Exercise) -> Option<&str> {
    let setting = exercise.restart.iter().find(|(name, _)| name == SETTING);
    setting.map(|(_, value)| value.as_str()).or_else(|| wanted(exercise))
}

/// Slow saves make no difference to an exercise that looks at the server only after they have
/// settled, and does not measure waits.
pub fn only_slows(setting: &str, exercise: &Exercise) -> bool {
    setting == SETTING && !exercise.sees_slow_work()
}

/// Also invalid if the setting was changed back.
pub fn why_invalid(exercise: &Exercise, evidence: &Evidence) -> Option<String> {
    let is_stopped = evidence.timeline.marks.iter().any(|mark| mark.word == STOP_MARK);
    let wanted = if is_stopped { after_a_restart(exercise) } else { wanted(exercise) };
    let wanted = wanted.filter(|_| shows_waits(exercise))?;
    let found = evidence.at(Moment::Exit).and_then(|exit| exit.config.get(SETTING));
    let mut set = evidence.timeline.values_set(SETTING);
    let is_changed =
        found.is_some_and(|found| found != wanted) || set.any(|(_, value)| value != wanted);
    let text = "by which this exercise sees whether an answer waits";
    is_changed.then(|| format!("the answer has changed `{SETTING}`, {text}"))
}
