//! The student's session: a lesson is read step by step, its exercises are answered, and keys are all that is needed.
//!
//! One thread has the screen and the student's place ([`Session`]); another has the servers ([`backstage`]), so that
//! keys are answered while a server is busy. A screen is a value ([`console::Frame`]), made by [`view`] and shown by a
//! [`Console`].

mod backstage;
mod console;
mod drawing;
mod exercise;
mod fullscreen;
mod keys;
mod late;
mod layout;
mod linear;
mod list;
mod news;
mod places;
mod play;
mod view;
mod warm;
mod watch;
mod work;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

pub use backstage::{FindRedis, Redis};
pub use console::{Console, Event, Key};
pub use fullscreen::Fullscreen;
pub use linear::Linear;

use crate::answers;
use crate::error::WorldError;
use crate::journal::Journal;
use crate::lesson::{Course, Exercise, Lesson, Step};
use crate::present::{plain, terminal};
use crate::progress::Progress;
use crate::redis_prompt::Editor;
use backstage::{Backstage, Visit};
use keys::{Action, ByHand, Passed, Situation};
use list::List;
use watch::Watch;
use work::{Busy, Work};

/// How long a key is waited for before something else is looked at.
const PATIENCE: Duration = Duration::from_millis(40);
/// The same while a verdict is awaited, which must not wait for the student.
const SHORT_PATIENCE: Duration = Duration::from_millis(5);
/// How long the end of a session waits for the last work's story.
const FAREWELL: Duration = Duration::from_millis(300);
/// What goes on behind the student's back is told when it takes longer.
const PATIENT_SILENCE: Duration = Duration::from_millis(300);
/// How often a sign of life is drawn.
const TURN: Duration = Duration::from_millis(100);

/// What the session needs from outside.
pub struct Session<'s> {
    course: &'s Course,
    progress: Progress,
    console: &'s mut dyn Console,
    backstage: Backstage,
    watch: Watch,
    /// The lesson's and the step's number.
    at: (usize, usize),
    /// Of this stay there.
    visit: Visit,
    /// Of orders from before this visit nothing counts any more: the exercise was begun anew.
    anew_since: u64,
    view: View,
    /// The first line of the text that is seen, and how many are.
    top: usize,
    seen: usize,
    work: Work,
    /// What has just happened.
    status: String,
    /// What goes on behind the student's back: a pull, an installation.
    background: Option<Busy>,
    /// Where the lesson's server is found.
    address: Option<String>,
    /// What is to be told where port 6379 belongs to another program.
    warning: Option<String>,
    /// The text, rendered for so many columns.
    rendered: Option<(usize, String)>,
    drawn: Instant,
    prompt: Option<Editor>,
    kept: Kept,
}

/// What is kept of a session beside the progress.
#[derive(Debug, Default)]
pub struct Kept {
    /// Every attempt.
    pub journal: Option<Journal>,
    /// The lines typed at the Redis prompt: a file.
    pub history: Option<PathBuf>,
}

/// What is on the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
enum View {
    Welcome,
    Text,
    Verdict,
    Hint(usize),
    Solution,
    Example,
    List(List),
    Help,
}

/// How the student left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionEnd {
    /// By a key.
    Quit,
    /// By Ctrl-C.
    Interrupted,
}

/// Whether the session goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Going {
    On,
    Out(SessionEnd),
}

impl<'s> Session<'s> {
    /// `find_redis` is called at once, on another thread.
    pub fn new(
        course: &'s Course,
        progress: Progress,
        kept: Kept,
        console: &'s mut dyn Console,
        find_redis: Box<FindRedis>,
    ) -> Result<Self, WorldError> {
        let backstage = Backstage::start(find_redis, course.python_packages.clone())?;
        Ok(Self {
            course,
            progress,
            console,
            backstage,
            watch: Watch::start(Path::new(answers::FOLDER)),
            at: (0, 0),
            visit: Visit::default(),
            anew_since: 0,
            view: View::Text,
            top: 0,
            seen: 1,
            work: Work::default(),
            status: String::new(),
            background: Some(Busy::with("looking for a Redis server".to_owned())),
            address: None,
            warning: None,
            rendered: None,
            drawn: Instant::now(),
            prompt: None,
            kept,
        })
    }

    /// Whether the progress is there at the next start.
    pub fn is_kept(&self) -> bool {
        self.progress.is_kept()
    }

    /// Runs until the student leaves. `told` stands on the first screen.
    pub fn run(&mut self, told: &str) -> Result<SessionEnd, WorldError> {
        self.begin();
        if !told.is_empty() {
            told.clone_into(&mut self.status);
        }
        loop {
            if self.backstage.has_panicked() {
                let help =
                    "start `redislings` again to go on; your answers and your progress are kept";
                return Err(WorldError::new("redislings has a bug: see the message above", help));
            }
            let is_news = self.take_news() | self.take_saves();
            let is_turning = self.work.busy.is_some() || self.background.is_some();
            if is_news || (is_turning && self.drawn.elapsed() >= TURN) {
                self.draw();
            }
            let patience = if self.work.busy.is_some() { SHORT_PATIENCE } else { PATIENCE };
            match self.console.event(patience)? {
                None => {}
                Some(Event::Resized) => self.draw(),
                Some(Event::Key(key)) => {
                    if let Going::Out(end) = self.press(key) {
                        self.keep_unfinished_work();
                        return Ok(end);
                    }
                    self.draw();
                }
            }
        }
    }

    fn lesson(&self) -> &'s Lesson {
        &self.course.lessons[self.at.0]
    }

    fn step(&self) -> &'s Step {
        &self.lesson().steps[self.at.1]
    }

    fn exercise(&self) -> Option<&'s Exercise> {
        self.step().exercise.as_ref()
    }

    fn look_at(&mut self, view: View) {
        self.view = view;
        self.top = 0;
        self.rendered = None;
    }

    fn tell(&mut self, status: impl Into<String>) {
        self.status = status.into();
    }

    /// What failed outside is told; the session goes on.
    fn tell_if_failed<T>(&mut self, done: Result<T, WorldError>) -> Option<T> {
        done.map_err(|error| self.status = terminal::world_error(&error)).ok()
    }

    fn situation(&self) -> Situation {
        let exercise = self.exercise();
        let passed = |exercise: &Exercise| Passed(self.progress.has(&exercise.id));
        Situation {
            screen: match self.view {
                View::Welcome => keys::Screen::Welcome,
                View::Text => keys::Screen::Text,
                View::List(_) => keys::Screen::List,
                View::Help => keys::Screen::Help,
                View::Verdict | View::Hint(_) | View::Solution | View::Example => {
                    keys::Screen::About
                }
            },
            exercise: exercise.map(passed),
            languages: exercise.map_or(0, |exercise| exercise.languages().len()),
            hints: exercise.map_or(0, |exercise| exercise.hints.len()),
            hint: self.work.hint,
            examples: self.step().examples.len(),
            is_first: self.at == (0, 0),
            is_last: self.is_last_step(),
            by_hand: match (self.work.is_at_hand, self.may_be_judged_by_hand()) {
                (false, _) => ByHand::Nothing,
                (true, false) => ByHand::Exploration,
                (true, true) => ByHand::Answer,
            },
        }
    }

    /// Whether the exercise at hand was passed.
    fn has_passed(&self) -> bool {
        self.exercise().is_some_and(|exercise| self.progress.has(&exercise.id))
    }

    /// Where only a program answers, nothing that is done by hand shows what it would have printed.
    fn may_be_judged_by_hand(&self) -> bool {
        self.exercise().is_some_and(Exercise::may_be_typed)
    }

    fn press(&mut self, key: Key) -> Going {
        match key {
            Key::Interrupt => return Going::Out(SessionEnd::Interrupted),
            Key::Closed => return Going::Out(SessionEnd::Quit),
            Key::Suspend => self.console.suspend(),
            Key::Up | Key::Down if self.is_list() => self.move_in_list(key),
            Key::Up => self.top = self.top.saturating_sub(1),
            Key::Down => self.top += 1,
            Key::PageUp => self.top = self.top.saturating_sub(self.seen.max(2) - 1),
            Key::PageDown => self.top += self.seen.max(2) - 1,
            Key::Home => self.top = 0,
            Key::End => self.top = usize::MAX / 2,
            Key::Number(number) if self.is_list() => self.choose_number(number),
            key => {
                if let Some(action) = keys::action(key, &self.situation()) {
                    return self.act(action);
                }
                // Where whole lines are typed, one without an effect would look like one that was not read.
                if let (true, Key::Char(letter)) = (plain::is_on(), key) {
                    self.tell(format!("`{letter}` does nothing here"));
                }
            }
        }
        Going::On
    }

    fn act(&mut self, action: Action) -> Going {
        if self.work.busy.is_some() && action.needs_a_server() {
            return Going::On;
        }
        if action != Action::Help {
            self.status.clear();
        }
        match action {
            Action::Quit => return Going::Out(SessionEnd::Quit),
            Action::Next => self.next(),
            Action::NextExercise => self.next_exercise(),
            Action::Back => self.back(),
            Action::List => self.look_at(View::List(List::of(self.course, self.at))),
            Action::Help => self.look_at(View::Help),
            Action::Text => self.look_at(View::Text),
            Action::Choose => self.choose_from_list(),
            Action::Filter => self.filter_list(),
            Action::ResetAll => self.reset_all(),
            Action::Play => self.play(),
            Action::StartOver => self.start_over(),
            Action::Example(number) => self.run_example(number),
            Action::Check
            | Action::Edit
            | Action::EditOther
            | Action::Judge
            | Action::Hint
            | Action::HintBefore
            | Action::Solution
            | Action::Reset => {
                if let Some(exercise) = self.exercise() {
                    self.act_on(action, exercise);
                }
            }
        }
        Going::On
    }
}
