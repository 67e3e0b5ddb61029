//! The student's way through the course: where a session begins, and where keys lead.

use std::sync::Arc;

use super::backstage::{Order, Visit};
use super::list::{self, List};
use super::work::Work;
use super::{Session, View};
use crate::answers;
use crate::lesson::{Exercise, Step};
use crate::present::terminal;
use crate::progress::Place;

impl Session<'_> {
    /// The first screen: where the student stopped, or a welcome.
    pub(super) fn begin(&mut self) {
        let place = self.progress.place().and_then(|place| self.find_place(&place));
        let place = place.or_else(|| self.first_open_exercise());
        self.go_to(place.unwrap_or((0, 0)));
        if self.progress.is_new() {
            self.look_at(View::Welcome);
        } else if place.is_some() {
            if self.status.is_empty() {
                self.tell("welcome back: here is where you stopped");
            }
        } else if self.course.lessons.len() > 1 {
            self.look_at(View::List(List::at_the_beginning()));
        }
        self.draw();
    }

    /// The step by its exercise, which may stand elsewhere now, else by its title.
    fn find_place(&self, place: &Place) -> Option<(usize, usize)> {
        let steps = self.course.lessons.iter().enumerate().flat_map(|(lesson, it)| {
            it.steps.iter().enumerate().map(move |(step, it)| ((lesson, step), it))
        });
        let has_exercise = |step: &Step| {
            place.exercise.is_some()
                && step.exercise.as_ref().map(|it| &it.id) == place.exercise.as_ref()
        };
        let lesson = |at: (usize, usize)| &self.course.lessons[at.0];
        let mut steps: Vec<_> = steps.collect();
        steps.retain(|(at, step)| {
            has_exercise(step) || (lesson(*at).id == place.lesson && step.title == place.step)
        });
        steps.sort_by_key(|(_, step)| !has_exercise(step));
        let found = steps.first().map(|(at, _)| *at);
        // A step that was renamed: its lesson is near enough.
        found
            .or_else(|| Some((self.course.lessons.iter().position(|it| it.id == place.lesson)?, 0)))
    }

    /// For who has passed one already.
    fn first_open_exercise(&self) -> Option<(usize, usize)> {
        let is_passed = |exercise: &Exercise| self.progress.has(&exercise.id);
        self.course.exercises().find(|(.., exercise)| is_passed(exercise))?;
        list::exercises(self.course)
            .find(|(_, exercise)| !is_passed(exercise))
            .map(|(place, _)| place)
    }

    pub(super) fn go_to(&mut self, at: (usize, usize)) {
        let last = self.course.lessons[at.0].steps.len().saturating_sub(1);
        self.at = (at.0, at.1.min(last));
        self.work = Work::default();
        self.status.clear();
        self.look_at(View::Text);
        let exercise = self.exercise();
        self.visit = Visit { number: self.visit.number + 1, at: self.at };
        let opened = exercise.cloned().unwrap_or_else(Exercise::without_checks);
        self.backstage.order(Order::Open(self.visit, Arc::new(opened)));
        let files = exercise.into_iter().flat_map(|exercise| {
            exercise.languages().into_iter().map(|language| answers::path(exercise, language))
        });
        self.watch.look_after(files);
        let place = Place {
            lesson: self.lesson().id.clone(),
            step: self.step().title.clone(),
            exercise: exercise.map(|exercise| exercise.id.clone()),
        };
        let noted = self.progress.set_place(place);
        self.tell_if_failed(noted);
        if exercise.is_some() {
            self.warn();
        }
    }

    pub(super) fn is_last_step(&self) -> bool {
        self.at.1 + 1 == self.lesson().steps.len()
    }

    pub(super) fn next(&mut self) {
        if self.view == View::Welcome {
            let many = self.course.lessons.len() > 1;
            let list = View::List(List::at_the_beginning());
            return self.look_at(if many { list } else { View::Text });
        }
        if !self.is_last_step() {
            return self.go_to((self.at.0, self.at.1 + 1));
        }
        let mut exercises = self.lesson().steps.iter().filter_map(|step| step.exercise.as_ref());
        let is_whole = exercises.all(|exercise| self.progress.has(&exercise.id));
        self.look_at(View::List(List::of(self.course, self.at)));
        self.tell(if is_whole {
            terminal::result_line(true, "that was the lesson, all of it")
        } else {
            "that was the lesson; some of its exercises are still open".to_owned()
        });
    }

    /// The next one that is open, from the beginning again behind the last.
    pub(super) fn next_exercise(&mut self) {
        let open: Vec<(usize, usize)> = list::exercises(self.course)
            .filter(|(_, exercise)| !self.progress.has(&exercise.id))
            .map(|(place, _)| place)
            .collect();
        let later = open.iter().find(|place| **place > self.at).or(open.first());
        match later {
            Some(place) => self.go_to(*place),
            None => self.tell("no exercise is open any more"),
        }
    }

    pub(super) fn back(&mut self) {
        match self.at {
            (0, 0) => {}
            (lesson, 0) => self.go_to((lesson - 1, usize::MAX)),
            (lesson, step) => self.go_to((lesson, step - 1)),
        }
    }
}
