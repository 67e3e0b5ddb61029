//! What comes of an order when the student is elsewhere already: it belongs to the step where it was given.

use super::Session;
use super::backstage::{Dated, Judged, LiveNews, News, Visit};
use crate::lesson::Step;

impl Session<'_> {
    /// The next news for where the student is; what comes too late for that is dealt with.
    pub(super) fn news(&mut self) -> Option<News> {
        loop {
            let dated = self.backstage.news()?;
            if let Some(news) = self.unless_late(dated) {
                return Some(news);
            }
        }
    }

    /// Gives the news back if they are for where the student is.
    pub(super) fn unless_late(&mut self, (visit, news): Dated) -> Option<News> {
        match visit {
            Some(visit) if visit != self.visit => self.take_late(visit, news),
            _ => return Some(news),
        }
        None
    }

    fn take_late(&mut self, visit: Visit, news: News) {
        let step = &self.course.lessons[visit.at.0].steps[visit.at.1];
        match news {
            News::Explored { server, transcript } => {
                self.note_exploration(step, &server, &transcript);
            }
            News::Judged(judged) | News::Live(LiveNews { passed: Some(judged), .. })
                if visit.number >= self.anew_since =>
            {
                self.count_late(step, &judged);
            }
            _ => {}
        }
    }

    fn count_late(&mut self, step: &Step, judged: &Judged) {
        let Some(exercise) = &step.exercise else { return };
        self.journal(step, exercise, judged);
        let passed = judged.verdict.passed();
        let noted = if passed {
            self.progress.add(&exercise.id)
        } else {
            self.progress.add_failed_attempt(&exercise.id).map(drop)
        };
        self.rendered = None;
        if self.tell_if_failed(noted).is_some() {
            let how = if passed { "passed" } else { "not passed" };
            self.tell(format!("{how} meanwhile: {}", step.title));
        }
    }
}
