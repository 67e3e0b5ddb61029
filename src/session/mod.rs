//! The student's session: choose a lesson, read it step by step, answer its exercises.

mod answers;
mod exercise;

use std::cell::RefCell;
use std::io::Write;

use crate::ask::{Ask, NoAnswer};
use crate::attempt::{self, Answer, Python};
use crate::error::WorldError;
use crate::lesson::{Course, Example, Language, Lesson, Step};
use crate::present::{markdown, screen_width, terminal};
use crate::progress::Progress;
use crate::server::{Chosen, Server, Source};
use crate::verify;

/// What the session needs from outside.
pub struct Session<'s> {
    course: &'s Course,
    progress: Progress,
    ask: &'s mut dyn Ask,
    screen: RefCell<&'s mut dyn Write>,
    choose_server: &'s dyn Fn() -> Result<Chosen, WorldError>,
    /// Chosen at the first attempt, and told then.
    source: Option<Source>,
    python: Option<Python>,
    end: SessionEnd,
}

/// How the student left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionEnd {
    /// By the menu.
    Quit,
    /// By Ctrl-C.
    Interrupted,
}

/// Where the student goes from a step.
enum Go {
    Next,
    Back,
    Menu,
    Quit,
}

impl<'s> Session<'s> {
    /// `choose_server` is called once, when the first server is needed.
    pub fn new(
        course: &'s Course,
        progress: Progress,
        ask: &'s mut dyn Ask,
        screen: &'s mut dyn Write,
        choose_server: &'s dyn Fn() -> Result<Chosen, WorldError>,
    ) -> Self {
        let (screen, end) = (RefCell::new(screen), SessionEnd::Quit);
        Self { course, progress, ask, screen, choose_server, source: None, python: None, end }
    }

    /// Runs until the student quits.
    pub fn run(&mut self) -> Result<SessionEnd, WorldError> {
        self.show(&terminal::heading(&self.course.title));
        let mut place = self.resume();
        loop {
            let (lesson, step) = match place.take() {
                Some(place) => place,
                None => match self.choose_lesson()? {
                    Some(lesson) => (lesson, 0),
                    None => break,
                },
            };
            match self.read(lesson, step)? {
                Go::Quit => break,
                Go::Next | Go::Back | Go::Menu => {}
            }
        }
        self.show(&terminal::notice(
            "your progress is kept; `redislings` goes on where you stopped",
        ));
        Ok(self.end)
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
        self.show(&terminal::notice("welcome back: here is your first open exercise"));
        Some(place)
    }

    fn first_open_step(&self, lesson: &Lesson) -> Option<usize> {
        let is_open =
            |step: &Step| step.exercise.as_ref().is_some_and(|it| !self.progress.has(&it.id));
        lesson.steps.iter().position(is_open)
    }

    fn choose_lesson(&mut self) -> Result<Option<usize>, WorldError> {
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

    fn read(&mut self, lesson: usize, start: usize) -> Result<Go, WorldError> {
        let lesson = &self.course.lessons[lesson];
        let mut index = start;
        while let Some(step) = lesson.steps.get(index) {
            self.show_step(lesson, index);
            let go = match &step.exercise {
                Some(exercise) => self.exercise_menu(lesson, step, exercise, index)?,
                None => self.step_menu(step, index)?,
            };
            match go {
                Go::Next => index += 1,
                Go::Back => index = index.saturating_sub(1),
                Go::Menu | Go::Quit => return Ok(go),
            }
        }
        let open = self.first_open_step(lesson).is_some();
        let end = if open {
            "that was the lesson; some exercises are still open"
        } else {
            "that was the lesson, all of it"
        };
        self.show(&terminal::result_line(!open, end));
        Ok(Go::Menu)
    }

    fn show_step(&self, lesson: &Lesson, index: usize) {
        let step = &lesson.steps[index];
        let text: Vec<&str> =
            step.reading.iter().map(|span| &lesson.source[span.clone()]).collect();
        let place = format!("{} · step {} of {}", lesson.title, index + 1, lesson.steps.len());
        self.show("\n");
        self.show(&terminal::notice(&place));
        self.show("\n");
        self.show(&markdown::render(&text.join("\n\n"), screen_width()));
        self.show("\n");
    }

    fn step_menu(&mut self, step: &Step, index: usize) -> Result<Go, WorldError> {
        let mut menu = vec![Action::Next];
        menu.extend((0..step.examples.len()).map(Action::Example));
        menu.extend(
            [Action::Back, Action::Lessons, Action::Quit]
                .into_iter()
                .filter(|it| index > 0 || *it != Action::Back),
        );
        loop {
            match self.choose_action(&menu, step)? {
                Action::Next => return Ok(Go::Next),
                Action::Back => return Ok(Go::Back),
                Action::Lessons => return Ok(Go::Menu),
                Action::Example(number) => self.run_example(step, &step.examples[number]),
                _ => return Ok(Go::Quit),
            }
        }
    }

    /// Esc and Ctrl-C are the wish to quit.
    fn choose_action(&mut self, menu: &[Action], step: &Step) -> Result<Action, WorldError> {
        let labels: Vec<String> = menu.iter().map(|action| action.label(step)).collect();
        let choice = self.choose("What now?", &labels, 0)?;
        Ok(choice.map_or(Action::Quit, |index| menu[index]))
    }

    fn run_example(&mut self, step: &Step, example: &Example) {
        let text = verify::commands_of(example);
        let answer = Answer { language: example.code.language, text, path: None };
        let settings = step.exercise.as_ref().map(|it| it.settings.clone()).unwrap_or_default();
        let setup = step.exercise.as_ref().map(|it| it.setup.clone()).unwrap_or_default();
        let limit = std::time::Duration::from_secs(10);
        let done = self.with_server(&settings, answer.language, |server, python| {
            attempt::run_example(server, &setup, &answer, python, limit)
        });
        match done {
            Ok((run, _)) => {
                let text = terminal::run(&run);
                let nothing = terminal::notice("it ran and printed nothing");
                self.show(if text.is_empty() { &nothing } else { &text });
            }
            Err(error) => self.show(&terminal::world_error(&error)),
        }
    }

    /// Starts a fresh server and works with it; gives the work's result and the server's name.
    fn with_server<T>(
        &mut self,
        settings: &[(String, String)],
        language: Language,
        work: impl FnOnce(&mut Server, Option<&Python>) -> Result<T, WorldError>,
    ) -> Result<(T, String), WorldError> {
        let source = self.source()?;
        if language == Language::Python && self.python.is_none() {
            let telling = |line: &str| self.show(&terminal::notice(line));
            self.python = Some(Python::find(&self.course.python_packages, &telling)?);
        }
        let mut server = Server::start(&source, settings)?;
        let result = work(&mut server, self.python.as_ref())?;
        Ok((result, server.name().to_owned()))
    }

    fn source(&mut self) -> Result<Source, WorldError> {
        if let Some(source) = &self.source {
            return Ok(source.clone());
        }
        let chosen = (self.choose_server)()?;
        self.show(&terminal::notice(&format!("server: {}", chosen.why)));
        self.source = Some(chosen.source.clone());
        Ok(chosen.source)
    }

    fn choose(
        &mut self,
        question: &str,
        options: &[String],
        start: usize,
    ) -> Result<Option<usize>, WorldError> {
        let answer = self.ask.choose(question, options, start);
        self.answered(answer)
    }

    /// Esc and Ctrl-C: no answer. A terminal that fails is the world's fault.
    fn answered<T>(&mut self, answer: Result<T, NoAnswer>) -> Result<Option<T>, WorldError> {
        match answer {
            Ok(answer) => Ok(Some(answer)),
            Err(NoAnswer::Cancelled) => Ok(None),
            Err(NoAnswer::Interrupted) => {
                self.end = SessionEnd::Interrupted;
                Ok(None)
            }
            Err(NoAnswer::Failed(why)) => {
                let help = "use `redislings check EXERCISE FILE`, which asks nothing";
                Err(WorldError::new(format!("the terminal can't be asked: {why}"), help))
            }
        }
    }

    fn show(&self, text: &str) {
        let mut screen = self.screen.borrow_mut();
        // A lost terminal ends the session by its signal, not here.
        let _ = screen.write_all(text.as_bytes()).and_then(|()| screen.flush());
    }
}

/// Everything that a menu offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Edit(Language),
    Type,
    Check(Language),
    Hint,
    Solution,
    Example(usize),
    Next,
    Back,
    Lessons,
    Quit,
}

impl Action {
    fn label(self, step: &Step) -> String {
        match self {
            Self::Edit(language) => format!("write it in {language} ({})", "your editor"),
            Self::Type => "type Redis commands".to_owned(),
            Self::Check(language) => format!("check the {language} answer"),
            Self::Hint => "hint".to_owned(),
            Self::Solution => "solution".to_owned(),
            Self::Example(number) => example_label(&step.examples[number]),
            Self::Next => "next".to_owned(),
            Self::Back => "back".to_owned(),
            Self::Lessons => "lessons".to_owned(),
            Self::Quit => "quit".to_owned(),
        }
    }
}

/// The first line that does something stands for the example.
fn example_label(example: &Example) -> String {
    let text = verify::commands_of(example);
    let skipped = ["#", "import ", "from "];
    let is_work = |line: &&str| !line.is_empty() && !skipped.iter().any(|it| line.starts_with(it));
    let first = text.lines().map(str::trim).find(is_work).unwrap_or_default();
    format!("run the {} example: {first} …", example.code.language)
}
