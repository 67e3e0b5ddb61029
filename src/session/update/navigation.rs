//! Navigation: where a session starts, and how keys move through the course.

use std::sync::Arc;

use super::super::console::Key;
use super::super::list::{self, List};
use super::super::pages::{Recall, Scope};
use super::super::request::Request;
use super::super::state::{State, View};
use super::super::step_state::RunKind;
use super::super::worker::messages::{self, StepVisit};
use super::Movement;
use crate::lesson::{Exercise, Lesson, Step};
use crate::progress::{Position, ProgressChange};

impl<'c> State<'c> {
    /// Shows the first screen: the step where the student stopped, or a welcome. `message` is the
    /// first status, unless it is empty.
    pub(in super::super) fn begin(&mut self, message: &str) -> Vec<Request<'c>> {
        let place = self.record.place().and_then(|place| self.find_place(place));
        let place = place.or_else(|| self.first_open_exercise());
        self.go_to(place.unwrap_or((0, 0)));
        if self.is_new {
            self.look_at(View::Welcome);
        } else if place.is_some() && Recall::of(self.course, &self.record).is_some() {
            self.look_at(View::WelcomeBack);
        } else if place.is_some() {
            self.tell("welcome back: here is where you stopped");
        } else if self.course.lessons.len() > 1 {
            self.look_at(View::List(List::at_the_beginning()));
        }
        if !message.is_empty() {
            self.tell(message);
        }
        std::mem::take(&mut self.requests)
    }

    /// Finds the step by its exercise, which may have moved, otherwise by its title. A step that
    /// was renamed has neither: then the start of its lesson is close enough.
    fn find_place(&self, place: &Position) -> Option<(usize, usize)> {
        let lessons = &self.course.lessons;
        self.find_step(|_, step| has_exercise(step, place))
            .or_else(|| {
                self.find_step(|lesson, step| lesson.id == place.lesson && step.title == place.step)
            })
            .or_else(|| Some((lessons.iter().position(|lesson| lesson.id == place.lesson)?, 0)))
    }

    fn find_step(&self, is_wanted: impl Fn(&Lesson, &Step) -> bool) -> Option<(usize, usize)> {
        for (number, lesson) in self.course.lessons.iter().enumerate() {
            if let Some(step) = lesson.steps.iter().position(|step| is_wanted(lesson, step)) {
                return Some((number, step));
            }
        }
        None
    }

    /// `None` for a student who has passed nothing yet, or everything.
    fn first_open_exercise(&self) -> Option<(usize, usize)> {
        self.course.exercises().find(|(.., exercise)| self.record.has(&exercise.id))?;
        self.open_exercises().next()
    }

    fn open_exercises(&self) -> impl Iterator<Item = (usize, usize)> {
        list::exercises(self.course)
            .filter(|(_, exercise)| !self.record.has(&exercise.id))
            .map(|(place, _)| place)
    }

    pub(super) fn go_to(&mut self, at: (usize, usize)) {
        self.save_time();
        let last = self.course.lessons[at.0].steps.len().saturating_sub(1);
        self.at = (at.0, at.1.min(last));
        let left = std::mem::take(&mut self.work);
        if self.pending.is_some_and(|run| run.visit == self.visit) {
            self.left = Some(left);
        }
        self.status.clear();
        self.look_at(View::Text);
        let exercise = self.exercise();
        self.visit = StepVisit { number: self.visit.number + 1, at: self.at };
        self.return_to_its_check();
        let opened = exercise.cloned().unwrap_or_else(Exercise::without_checks);
        self.ask_worker(messages::Request::Open(self.visit, Arc::new(opened)));
        self.request(Request::Watch(exercise));
        self.save(ProgressChange::Moved(Some(Position {
            lesson: self.lesson().id.clone(),
            step: self.step().title.clone(),
            exercise: exercise.map(|exercise| exercise.id.clone()),
        })));
    }

    /// If a check that began here goes on, the student waits for it again.
    fn return_to_its_check(&mut self) {
        let (visit, anew_since) = (self.visit, self.anew_since);
        let run = self.pending.as_mut().filter(|run| {
            let began_here = run.visit.at == visit.at && run.visit.number >= anew_since;
            began_here && run.kind == RunKind::Check
        });
        if let Some(run) = run
            && let Some(left) = self.left.take()
        {
            run.visit = visit;
            self.work = left;
            self.work.forget_work_by_hand();
        }
    }

    pub(super) fn next(&mut self) {
        if self.view == View::Welcome {
            let many = self.course.lessons.len() > 1;
            let list = View::List(List::at_the_beginning());
            return self.look_at(if many { list } else { View::Text });
        }
        if self.leave_page() {
            return;
        }
        if self.is_last_step() {
            self.look_at(View::End(Scope::Lesson));
        } else {
            self.go_to((self.at.0, self.at.1 + 1));
        }
    }

    /// Goes to the next open exercise; after the last one, to the first.
    pub(super) fn next_exercise(&mut self) {
        if let Some(place) = self.first_open_of_the_page() {
            return self.go_to(place);
        }
        let later = self.open_exercises().find(|place| *place > self.at);
        let next = later.or_else(|| self.open_exercises().next());
        match next {
            Some(place) => self.go_to(place),
            None => self.tell("no exercises are open"),
        }
    }

    pub(super) fn back(&mut self) {
        match self.at {
            (0, 0) => {}
            (lesson, 0) => self.go_to((lesson - 1, usize::MAX)),
            (lesson, step) => self.go_to((lesson, step - 1)),
        }
    }

    /// Returns whether there is a list to move in.
    pub(super) fn move_in_list(&mut self, movement: Movement, page: usize) -> bool {
        let View::List(list) = &mut self.view else { return false };
        list.move_choice(self.course, &self.record, |chosen, last| {
            movement.from(chosen, page, last)
        });
        true
    }

    /// In line mode, entries are chosen by their numbers. Returns whether there is a list.
    pub(super) fn choose_number(&mut self, number: usize) -> bool {
        let View::List(list) = &mut self.view else { return false };
        if !self.is_plain {
            return false;
        }
        list.choose(number);
        self.choose_from_list();
        true
    }

    /// Adds a key to what is searched for in the list. Returns whether it was part of that.
    pub(super) fn type_search(&mut self, key: Key) -> bool {
        let View::List(list) = &mut self.view else { return false };
        let is_typed = list.type_search(key);
        if is_typed {
            list.choose_first_match(self.course, &self.record);
        }
        is_typed
    }

    pub(super) fn change_list(&mut self, change: impl FnOnce(&mut List)) {
        let View::List(list) = &mut self.view else { return };
        let chosen = list.chosen(self.course, &self.record);
        change(list);
        list.choose_place(chosen, self.course, &self.record);
    }

    pub(super) fn choose_from_list(&mut self) {
        let View::List(list) = &self.view else { return };
        match list.chosen(self.course, &self.record) {
            Some(place) => self.go_to(place),
            None if self.is_plain => self.tell("no such number"),
            None => self.tell("nothing to open here"),
        }
    }
}

fn has_exercise(step: &Step, place: &Position) -> bool {
    let exercise = step.exercise.as_ref().map(|exercise| &exercise.id);
    exercise.is_some() && exercise == place.exercise.as_ref()
}
