//! The interactive session: the student reads a lesson step by step and answers its exercises,
//! by keys alone.
//!
//! One thread owns the screen and the student's position ([`Session`]); another owns the servers
//! ([`worker`]), so that keys are answered while a server is busy. A screen is a value
//! ([`console::Frame`]), made by [`view`] and shown by a [`Console`].

mod console;
mod drawing;
mod events;
mod exercise;
mod fullscreen;
mod keys;
mod layout;
mod list;
mod navigation;
mod plain_console;
mod prompt;
mod stale_events;
mod step_state;
mod view;
mod warm;
mod watch;
mod worker;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

pub use console::{Console, Event, Key};
pub use fullscreen::Fullscreen;
pub use plain_console::PlainConsole;
pub use worker::{FindRedis, Redis};

use crate::answers;
use crate::error::EnvironmentError;
use crate::journal::Journal;
use crate::lesson::{Course, Exercise, Lesson, Step};
use crate::present::{plain, terminal};
use crate::progress::Progress;
use crate::redis_prompt::Editor;
use keys::{Action, ByHand, Passed, Situation};
use list::List;
use step_state::{Busy, StepState};
use watch::Watch;
use worker::{StepVisit, WorkerHandle};

/// How long to wait for a key before looking at events and saved files.
const INPUT_POLL: Duration = Duration::from_millis(40);
/// The same while the student waits for a verdict, which is shown as soon as it is there.
const BUSY_INPUT_POLL: Duration = Duration::from_millis(5);
/// How long the end of a session waits for the transcript of unfinished work.
const SHUTDOWN_GRACE: Duration = Duration::from_millis(300);
/// Background work is shown only if it takes longer.
const STATUS_DELAY: Duration = Duration::from_millis(300);
/// How often the spinner is redrawn.
const SPINNER_TICK: Duration = Duration::from_millis(100);

/// A running session.
pub struct Session<'s> {
    course: &'s Course,
    progress: Progress,
    console: &'s mut dyn Console,
    worker: WorkerHandle,
    watch: Watch,
    /// The indexes of the lesson and of its step, from 0.
    at: (usize, usize),
    visit: StepVisit,
    /// Verdicts on requests from an earlier visit no longer count: the exercise was reset.
    anew_since: u64,
    view: View,
    /// The first visible line of the text.
    top: usize,
    /// How many lines of the text are visible.
    seen: usize,
    work: StepState,
    /// What has just happened.
    status: String,
    /// Background work, such as an image pull or an installation.
    background: Option<Busy>,
    /// The address of the lesson's server.
    address: Option<String>,
    /// What to tell the student if another program has port 6379.
    warning: Option<String>,
    /// The text, and the width in columns for which it was rendered.
    rendered: Option<(usize, String)>,
    drawn: Instant,
    prompt: Option<Editor>,
    kept: SavedWork,
}

/// What a session saves besides the progress.
#[derive(Debug, Default)]
pub struct SavedWork {
    /// Records every attempt.
    pub journal: Option<Journal>,
    /// The file of the lines typed at the Redis prompt.
    pub history: Option<PathBuf>,
}

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

/// How the student ended the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionEnd {
    /// With a key, or because the keyboard is gone.
    Quit,
    /// With Ctrl-C.
    Interrupted,
}

/// Whether the session continues.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Going {
    On,
    Out(SessionEnd),
}

impl<'s> Session<'s> {
    /// Calls `find_redis` at once, on another thread.
    pub fn new(
        course: &'s Course,
        progress: Progress,
        kept: SavedWork,
        console: &'s mut dyn Console,
        find_redis: Box<FindRedis>,
    ) -> Result<Self, EnvironmentError> {
        let worker = WorkerHandle::start(find_redis, course.python_packages.clone())?;
        Ok(Self {
            course,
            progress,
            console,
            worker,
            watch: Watch::start(Path::new(answers::FOLDER)),
            at: (0, 0),
            visit: StepVisit::default(),
            anew_since: 0,
            view: View::Text,
            top: 0,
            seen: 1,
            work: StepState::default(),
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

    /// Whether the progress has been saved for the next start.
    pub fn is_kept(&self) -> bool {
        self.progress.is_kept()
    }

    /// Runs until the student leaves. `message` is the first status, unless it is empty.
    pub fn run(&mut self, message: &str) -> Result<SessionEnd, EnvironmentError> {
        self.begin();
        if !message.is_empty() {
            message.clone_into(&mut self.status);
        }
        loop {
            if self.worker.has_panicked() {
                let help = "start `redislings` again; your answers and your progress are kept";
                return Err(EnvironmentError::new(
                    "redislings has a bug: see the message above",
                    help,
                ));
            }
            let has_changed = self.take_events() | self.take_saves();
            let is_spinning = self.work.busy.is_some() || self.background.is_some();
            if has_changed || (is_spinning && self.drawn.elapsed() >= SPINNER_TICK) {
                self.draw();
            }
            let timeout = if self.work.busy.is_some() { BUSY_INPUT_POLL } else { INPUT_POLL };
            match self.console.event(timeout)? {
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

    /// Shows an environment error as the status; the session continues.
    fn report_if_failed<T>(&mut self, result: Result<T, EnvironmentError>) -> Option<T> {
        result.map_err(|error| self.status = terminal::environment_error(&error)).ok()
    }

    fn situation(&self) -> Situation {
        let exercise = self.exercise();
        Situation {
            screen: match self.view {
                View::Welcome => keys::ScreenKind::Welcome,
                View::Text => keys::ScreenKind::Text,
                View::List(_) => keys::ScreenKind::List,
                View::Help => keys::ScreenKind::Help,
                View::Verdict | View::Hint(_) | View::Solution | View::Example => {
                    keys::ScreenKind::About
                }
            },
            exercise: exercise.map(|exercise| Passed(self.progress.has(&exercise.id))),
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

    /// Whether the current exercise has been passed.
    fn has_passed(&self) -> bool {
        self.exercise().is_some_and(|exercise| self.progress.has(&exercise.id))
    }

    /// Whether work by hand can pass the exercise. Where only a program can answer, it cannot: it
    /// does not show what the program would have printed.
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
                // In line mode, a line without any effect would look as if it had not been read.
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
            Action::Prompt => self.open_prompt(),
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
