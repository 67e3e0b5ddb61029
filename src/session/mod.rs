//! The student's session: choose a lesson, read it step by step, answer its exercises.

mod exercise;
mod menu;
#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::io::Write;
use std::rc::Rc;

use crate::ask::{Ask, NoAnswer};
use crate::attempt::{self, Answer, Python, Stand};
use crate::cleanup;
use crate::error::WorldError;
use crate::lesson::{Course, Example, Language, Lesson, Step};
use crate::present::{markdown, screen_width, terminal, text};
use crate::progress::Progress;
use crate::server::{Chosen, Server};
use crate::tap::Tap;
use crate::telling::Told;
use crate::verify;
use menu::{Action, Place};

/// What the session needs from outside.
pub struct Session<'s> {
    course: &'s Course,
    progress: Progress,
    ask: &'s mut dyn Ask,
    screen: RefCell<&'s mut dyn Write>,
    find_redis: &'s dyn Fn() -> Result<Redis, WorldError>,
    /// Found at the first attempt, and told then.
    redis: Option<Rc<Redis>>,
    python: Option<Python>,
}

/// Where fresh servers come from, and the one address at which all of them are found.
pub struct Redis {
    /// For the servers.
    pub chosen: Chosen,
    /// For the student's clients.
    pub tap: Tap,
}

/// How the student left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionEnd {
    /// By the menu.
    Quit,
    /// By Ctrl-C.
    Interrupted,
}

/// Why the session ends though the student has not chosen `quit`.
enum Halt {
    /// Ctrl-C.
    Interrupted,
    World(WorldError),
}

impl From<WorldError> for Halt {
    fn from(error: WorldError) -> Self {
        Self::World(error)
    }
}

/// Where the student goes from a step.
enum Go {
    Next,
    Back,
    Menu,
    Quit,
}

impl<'s> Session<'s> {
    /// `find_redis` is called once, when the first server is needed.
    pub fn new(
        course: &'s Course,
        progress: Progress,
        ask: &'s mut dyn Ask,
        screen: &'s mut dyn Write,
        find_redis: &'s dyn Fn() -> Result<Redis, WorldError>,
    ) -> Self {
        let screen = RefCell::new(screen);
        Self { course, progress, ask, screen, find_redis, redis: None, python: None }
    }

    /// Runs until the student quits.
    pub fn run(&mut self) -> Result<SessionEnd, WorldError> {
        self.show(&terminal::heading(&self.course.title));
        let end = match self.learn() {
            Ok(()) => SessionEnd::Quit,
            Err(Halt::Interrupted) => SessionEnd::Interrupted,
            Err(Halt::World(error)) => return Err(error),
        };
        self.tell("your progress is kept: start `redislings` again to go on");
        Ok(end)
    }

    fn learn(&mut self) -> Result<(), Halt> {
        let mut place = self.resume();
        loop {
            let (lesson, step) = match place.take() {
                Some(place) => place,
                None => match self.choose_lesson()? {
                    Some(lesson) => (lesson, 0),
                    None => return Ok(()),
                },
            };
            match self.read(lesson, step)? {
                Go::Quit => return Ok(()),
                Go::Next | Go::Back | Go::Menu => {}
            }
        }
    }

    /// The first open exercise, for a student who has passed one already.
    fn resume(&self) -> Option<(usize, usize)> {
        let passed_any =
            self.course.exercises().any(|(_, _, exercise)| self.progress.has(&exercise.id));
        let open = self
            .course
            .lessons
            .iter()
            .enumerate()
            .find_map(|(index, lesson)| Some((index, self.first_open_step(lesson)?)));
        let place = open.filter(|_| passed_any)?;
        self.tell("welcome back: here is your first open exercise");
        Some(place)
    }

    fn first_open_step(&self, lesson: &Lesson) -> Option<usize> {
        let is_open =
            |step: &Step| step.exercise.as_ref().is_some_and(|it| !self.progress.has(&it.id));
        lesson.steps.iter().position(is_open)
    }

    fn choose_lesson(&mut self) -> Result<Option<usize>, Halt> {
        let mut options: Vec<String> =
            self.course.lessons.iter().map(|lesson| self.lesson_line(lesson)).collect();
        options.push("quit".to_owned());
        let choice = self.choose("Which lesson?", &options, 0)?;
        Ok(choice.filter(|&index| index < self.course.lessons.len()))
    }

    fn lesson_line(&self, lesson: &Lesson) -> String {
        let exercises = lesson.steps.iter().filter_map(|step| step.exercise.as_ref());
        let (passed, all) = exercises.fold((0, 0), |(passed, all), exercise| {
            (passed + usize::from(self.progress.has(&exercise.id)), all + 1)
        });
        if all == 0 {
            lesson.title.clone()
        } else {
            format!("{} ({passed} of {all} exercises passed)", lesson.title)
        }
    }

    fn read(&mut self, lesson: usize, start: usize) -> Result<Go, Halt> {
        let lesson = &self.course.lessons[lesson];
        let mut index = start;
        while let Some(step) = lesson.steps.get(index) {
            self.show_step(lesson, index);
            let place = Place { step, index, is_last: index + 1 == lesson.steps.len() };
            let go = match &step.exercise {
                Some(exercise) => self.exercise_menu(lesson, exercise, place)?,
                None => self.step_menu(place)?,
            };
            match go {
                Go::Next => index += 1,
                Go::Back => index = index.saturating_sub(1),
                Go::Menu | Go::Quit => return Ok(go),
            }
        }
        self.show("\n");
        match self.first_open_step(lesson) {
            Some(_) => self.tell("that was the lesson; some of its exercises are still open"),
            None => self.show(&terminal::result_line(true, "that was the lesson, all of it")),
        }
        self.show("\n");
        Ok(Go::Menu)
    }

    fn show_step(&self, lesson: &Lesson, index: usize) {
        let step = &lesson.steps[index];
        let reading: Vec<&str> =
            step.reading.iter().map(|span| &lesson.source[span.clone()]).collect();
        let place = format!("step {} of {} · {}", index + 1, lesson.steps.len(), lesson.title);
        self.show("\n");
        // One line, however narrow the screen: the step's own heading stands below.
        let place = text::truncate(&place, screen_width() - 2);
        self.show(&terminal::notice(&place, screen_width()));
        self.show("\n");
        self.show(&markdown::render(&reading.join("\n\n"), screen_width()));
        self.show("\n");
    }

    fn step_menu(&mut self, place: Place<'_>) -> Result<Go, Halt> {
        let menu = menu::reading(place);
        loop {
            match self.choose_action(&menu, place.step, None)? {
                Action::Example(number) => {
                    let example = &place.step.examples[number];
                    let ran = self.run_example(place.step, example);
                    self.survive(ran)?;
                }
                Action::Forward(_) => return Ok(Go::Next),
                Action::Back => return Ok(Go::Back),
                Action::Lessons => return Ok(Go::Menu),
                _ => return Ok(Go::Quit),
            }
        }
    }

    /// Esc is the wish to quit.
    fn choose_action(
        &mut self,
        menu: &[Action],
        step: &Step,
        last: Option<Action>,
    ) -> Result<Action, Halt> {
        let labels: Vec<String> = menu.iter().map(|action| menu::label(*action, step)).collect();
        let choice = self.choose("What now?", &labels, menu::start(menu, last))?;
        Ok(choice.map_or(Action::Quit, |index| menu[index]))
    }

    /// What failed outside is told, and the student tries again or does something else.
    fn survive(&self, done: Result<(), Halt>) -> Result<(), Halt> {
        match done {
            Ok(()) => {}
            Err(Halt::World(error)) => self.show(&terminal::world_error(&error)),
            Err(Halt::Interrupted) => return Err(Halt::Interrupted),
        }
        self.show("\n");
        Ok(())
    }

    fn run_example(&mut self, step: &Step, example: &Example) -> Result<(), Halt> {
        let text = verify::commands_of(example);
        let answer = Answer { language: example.code.language, text, path: None };
        let settings = step.exercise.as_ref().map(|it| it.settings.clone()).unwrap_or_default();
        let setup = step.exercise.as_ref().map(|it| it.setup.clone()).unwrap_or_default();
        let limit = verify::example_limit(step.exercise.as_ref());
        self.tell("running it on a fresh server");
        let (run, _) = self.with_server(&settings, answer.language, |stand, python| {
            attempt::run_example(stand, &setup, &answer, python, limit)
        })?;
        let printed = terminal::run(&run);
        if printed.is_empty() {
            self.tell("it ran and printed nothing");
        } else {
            self.show(&format!("\n{}", printed.trim_end_matches('\n')));
            self.show("\n");
        }
        Ok(())
    }

    /// Starts a fresh server and works with it; gives the work's result and the server's name.
    fn with_server<T>(
        &mut self,
        settings: &[(String, String)],
        language: Language,
        work: impl FnOnce(&mut Stand<'_>, Option<&Python>) -> Result<T, WorldError>,
    ) -> Result<(T, String), WorldError> {
        let redis = self.redis()?;
        if language == Language::Python && self.python.is_none() {
            let telling = |told: Told<'_>| {
                if let Told::Line(line) = told {
                    self.tell(line);
                }
            };
            self.python = Some(Python::find(&self.course.python_packages, &telling)?);
        }
        let mut server = Server::start(&redis.chosen.source, settings)?;
        let mut stand = Stand { server: &mut server, tap: &redis.tap };
        let result = work(&mut stand, self.python.as_ref())?;
        Ok((result, server.name().to_owned()))
    }

    fn redis(&mut self) -> Result<Rc<Redis>, WorldError> {
        if let Some(redis) = &self.redis {
            return Ok(Rc::clone(redis));
        }
        let redis = Rc::new((self.find_redis)()?);
        self.tell(&format!("server: {}", redis.chosen.why));
        self.redis = Some(Rc::clone(&redis));
        Ok(redis)
    }

    fn choose(
        &mut self,
        question: &str,
        options: &[String],
        start: usize,
    ) -> Result<Option<usize>, Halt> {
        answered(self.ask.choose(question, options, start))
    }

    /// A line about what happens, within the screen's width.
    fn tell(&self, line: &str) {
        self.show(&terminal::notice(line, screen_width()));
    }

    fn show(&self, text: &str) {
        // What a signal has ended must not be told as a failure.
        cleanup::stop_if_a_signal_came();
        let mut screen = self.screen.borrow_mut();
        // A lost terminal ends the session by its signal, not here.
        let _ = screen.write_all(text.as_bytes()).and_then(|()| screen.flush());
    }
}

/// Esc: no answer. A terminal that fails is the world's fault.
fn answered<T>(answer: Result<T, NoAnswer>) -> Result<Option<T>, Halt> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(NoAnswer::Cancelled) => Ok(None),
        Err(NoAnswer::Interrupted) => Err(Halt::Interrupted),
        Err(NoAnswer::Failed(why)) => {
            let help = "use `redislings check EXERCISE FILE`, which asks nothing";
            Err(WorldError::new(format!("the terminal can't be asked: {why}"), help).into())
        }
    }
}
