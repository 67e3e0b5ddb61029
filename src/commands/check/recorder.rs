//! Records what `check` has judged in the student's progress, as the session does.

use std::fmt::Write as _;

use super::super::report_message;
use crate::error::EnvironmentError;
use crate::lesson::{Course, Exercise};
use crate::progress::{NotLocked, Progress, ProgressChange};

/// What can't be recorded never changes a verdict or an exit code: one line says why.
pub(super) struct Recorder {
    progress: Result<Progress, EnvironmentError>,
    /// Whether an exercise is passed that was open before.
    has_new: bool,
    has_passed: bool,
}

impl Recorder {
    pub(super) fn open() -> Self {
        let progress = Progress::of_the_user().map(|(progress, damage)| {
            if let Some(damage) = damage {
                report_message(&damage);
            }
            progress
        });
        Self { progress, has_new: false, has_passed: false }
    }

    /// An attempt counts wherever it is made: the session suggests a hint after some that failed.
    pub(super) fn note_attempt(&mut self, exercise: &Exercise, passed: bool) {
        if passed {
            self.note_pass(exercise);
        } else if let Ok(progress) = &mut self.progress {
            // Losing the count of failures loses nothing of the student's.
            let _ = progress.note(ProgressChange::Failed(exercise.id.clone()));
        }
    }

    pub(super) fn note_pass(&mut self, exercise: &Exercise) {
        self.has_passed = true;
        let Ok(progress) = &mut self.progress else { return };
        self.has_new |= !progress.has(&exercise.id);
        let noted = progress.note(ProgressChange::Passed(exercise.id.clone()));
        // A later write includes what an earlier one could not save.
        if let (Err(error), false) = (noted, progress.is_kept()) {
            self.progress = Err(error);
        }
    }

    /// Says whether the passes count, unless nothing is new.
    pub(super) fn report(self, course: &Course) {
        match &self.progress {
            Ok(progress) if self.has_new => report_message(&counted(progress, course)),
            Err(error) if self.has_passed => {
                report_message(&format!("not counted as passed: {}; {}", error.fact, error.help));
            }
            _ => {}
        }
    }
}

fn counted(progress: &Progress, course: &Course) -> String {
    let (passed, all) = progress.record().tally(course.exercises().map(|(.., exercise)| exercise));
    let mut line = format!("counted as passed: {passed} of {all} exercises so far");
    if let Err(NotLocked::OtherSession(process)) = progress.lock_session() {
        let which = process.map(|id| format!(" (process {id})")).unwrap_or_default();
        let _ = write!(line, "; your running session{which} shows it from its next step on");
    }
    line
}
