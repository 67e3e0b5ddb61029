//! The student's session: a lesson is read step by step, its exercises are answered, and keys are all that is needed.
//!
//! One thread has the screen and the student's place ([`Session`]); another has the servers ([`backstage`]), so that
//! keys are answered while a server is busy. A screen is a value ([`console::Frame`]), made by [`view`] and shown by a
//! [`Console`].

mod backstage;
mod console;
mod exercise;
mod fullscreen;
mod keys;
mod late;
mod layout;
mod linear;
mod list;
mod play;
mod view;
mod warm;
mod watch;
mod work;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

pub use backstage::{FindRedis, Redis};
use console::Frame;
pub use console::{Console, Event, Key};
pub use fullscreen::Fullscreen;
pub use linear::Linear;

use crate::answers;
use crate::error::WorldError;
use crate::journal::Journal;
use crate::lesson::{Course, Exercise, Lesson, Step};
use crate::present::{terminal, waiting};
use crate::progress::{Place, Progress};
use crate::redis_prompt::Editor;
use crate::tap::Transcript;
use crate::verdict::Tick;
use backstage::{Backstage, LiveNews, News, Order, Visit};
use keys::{Action, Passed, Situation};
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
            rendered: None,
            drawn: Instant::now(),
            prompt: None,
            kept,
        })
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

    /// The first screen: where the student stopped, or a welcome.
    fn begin(&mut self) {
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

    fn lesson(&self) -> &'s Lesson {
        &self.course.lessons[self.at.0]
    }

    fn step(&self) -> &'s Step {
        &self.lesson().steps[self.at.1]
    }

    fn exercise(&self) -> Option<&'s Exercise> {
        self.step().exercise.as_ref()
    }

    fn go_to(&mut self, at: (usize, usize)) {
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
            has_work: self.work.is_at_hand,
            may_be_typed: self.may_be_judged_by_hand(),
        }
    }

    /// Where only a program answers, nothing that is done by hand shows what it would have printed.
    fn may_be_judged_by_hand(&self) -> bool {
        self.exercise().is_some_and(Exercise::may_be_typed)
    }

    fn is_last_step(&self) -> bool {
        self.at.1 + 1 == self.lesson().steps.len()
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

    fn next(&mut self) {
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
    fn next_exercise(&mut self) {
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

    fn back(&mut self) {
        match self.at {
            (0, 0) => {}
            (lesson, 0) => self.go_to((lesson - 1, usize::MAX)),
            (lesson, step) => self.go_to((lesson, step - 1)),
        }
    }

    /// Whether there were any news.
    fn take_news(&mut self) -> bool {
        let mut were_any = false;
        while let Some(dated) = self.backstage.news() {
            were_any = true;
            if let Some(news) = self.unless_late(dated) {
                self.take(news);
            }
        }
        were_any
    }

    fn take(&mut self, news: News) {
        match news {
            News::Line(line) => {
                if let Some(busy) = self.work.busy.as_mut() {
                    busy.progress = line;
                } else {
                    self.background = Some(Busy::with(line));
                }
            }
            News::Progress(progress) => match (&mut self.work.busy, &mut self.background) {
                (Some(busy), _) | (None, Some(busy)) => busy.progress = progress,
                (None, none) => *none = Some(Busy::with(progress)),
            },
            News::Background(text) => {
                let since = self.background.as_ref().map_or_else(Instant::now, |it| it.since);
                self.background = Some(text)
                    .filter(|text| !text.is_empty())
                    .map(|what| Busy { since, ..Busy::with(what) });
            }
            News::Found { why, address } => {
                self.background = None;
                self.address = Some(address.to_string());
                self.rendered = None;
                if self.status.is_empty() {
                    self.tell(format!("server: {why}"));
                }
            }
            News::Began { .. } => self.work.is_at_hand = true,
            News::Live(live) => self.take_live(live),
            News::Explored { server, transcript } => {
                // A look may have come just before, and have told of work that is over by now.
                self.work.forget_work_by_hand();
                self.note_exploration(self.step(), &server, &transcript);
            }
            News::Judged(judged) => self.take_verdict(*judged),
            News::Ran(run) => {
                self.work.busy = None;
                self.work.forget_work_by_hand();
                self.work.example = Some(*run);
                self.look_at(View::Example);
            }
            News::Failed(error) => {
                self.work.busy = None;
                self.background = None;
                // Its server is gone, or was given up for another.
                self.work.forget_work_by_hand();
                self.status = terminal::world_error(&error);
            }
        }
    }

    fn take_live(&mut self, live: LiveNews) {
        self.work.is_at_hand = true;
        let Some(exercise) = self.exercise() else { return };
        let Some(verdict) = live.verdict else {
            return self.tell("the server is too busy to answer anybody");
        };
        self.work.note_saving(live.saving.is_some());
        let before = self.work.marks(exercise);
        let doubt = verdict.doubt.clone();
        let only_the_end_is_left = exercise.may_be_typed()
            && !verdict.ticks.contains(&Tick::Open)
            && verdict.ticks.contains(&Tick::AtTheEnd)
            && doubt.is_none();
        self.work.live = Some(verdict);
        let new = self.work.newly_met(&before, exercise);
        if let Some(judged) = live.passed {
            return self.note_passed_by_hand(exercise, *judged);
        }
        if let Some(doubt) = doubt {
            self.tell(format!("{doubt}; `o` begins with a fresh server"));
        } else if let Some(saving) = live.saving {
            self.tell(waiting::saving(saving));
        } else if only_the_end_is_left && !new.is_empty() {
            self.tell("all that can be seen now is met: `j` judges it, crash and all");
        } else if !new.is_empty() {
            self.tell(format!("met: {}", new.join(", ")));
        } else if self.status.starts_with("a background save")
            || self.status.starts_with("the server is")
        {
            self.status.clear();
        }
    }

    /// What was done by hand and not judged goes into the journal, if the server tells it soon enough.
    fn keep_unfinished_work(&mut self) {
        if !self.work.is_at_hand {
            return;
        }
        self.backstage.order(Order::StartOver);
        let deadline = Instant::now() + FAREWELL;
        while Instant::now() < deadline {
            while let Some(news) = self.news() {
                let is_all = matches!(news, News::Explored { .. });
                self.take(news);
                if is_all {
                    return;
                }
            }
            std::thread::park_timeout(SHORT_PATIENCE);
        }
    }

    fn note_exploration(&mut self, step: &Step, server: &str, transcript: &Transcript) {
        let journal = self.kept.journal.as_ref();
        let noted = journal.map(|it| it.add_exploration(&step.title, server, transcript));
        self.tell_if_failed(noted.unwrap_or(Ok(())));
    }

    fn draw(&mut self) {
        self.drawn = Instant::now();
        let size = self.console.size();
        let width = view::text_width(size);
        let body = match self.rendered.take() {
            Some((columns, body)) if columns == width => body,
            _ => self.render(width),
        };
        let situation = self.situation();
        // A verdict tells of each check itself.
        let has_checks = match self.view {
            View::Text | View::Hint(_) | View::Solution | View::Example => true,
            View::Verdict => self.work.live.is_some(),
            View::Welcome | View::List(_) | View::Help => false,
        };
        let (checks, checks_in_short) = match self.exercise() {
            Some(exercise) if has_checks => view::checks(exercise, &self.work),
            _ => (Vec::new(), String::new()),
        };
        let (status, is_busy) = self.status_line(width);
        let frame = Frame {
            title: view::title(self.course, self.lesson(), self.at.1, &self.progress),
            body,
            top: self.top,
            checks,
            checks_in_short,
            status,
            is_busy,
            keys: keys::labels(&situation),
        };
        (self.top, self.seen) = self.console.show(&frame);
        self.rendered = Some((width, frame.body));
    }

    /// What goes on, else what has just happened.
    fn status_line(&self, width: usize) -> (String, bool) {
        // What is over in a moment would only flicker.
        let background =
            self.background.as_ref().filter(|it| it.since.elapsed() >= PATIENT_SILENCE);
        let Some(busy) = self.work.busy.as_ref().or(background) else {
            return (self.status.trim_end().to_owned(), false);
        };
        let elapsed = busy.since.elapsed();
        let progress =
            if busy.progress.is_empty() { String::new() } else { format!(": {}", busy.progress) };
        let text = format!("{:.1} s {}{progress}", elapsed.as_secs_f64(), busy.what);
        let mut line = waiting::line(&text, elapsed, Duration::ZERO, width);
        if self.work.busy.is_none() && !self.status.is_empty() {
            line = format!("{}\n{line}", self.status.trim_end());
        }
        (line, true)
    }

    fn render(&self, width: usize) -> String {
        let about = || match (&self.view, self.exercise()) {
            (View::Verdict, Some(exercise)) => {
                let judged = self.work.judged.as_ref()?;
                let (evidence, verdict) = (&judged.evidence, &judged.verdict);
                Some(view::verdict(exercise, &judged.server, evidence, verdict, width))
            }
            (View::Hint(number), Some(exercise)) => Some(view::hint(exercise, *number, width)),
            (View::Solution, Some(exercise)) => {
                let own = answers::all(exercise);
                Some(view::solution(self.lesson(), exercise, &own, width))
            }
            (View::Example, _) => self.work.example.as_ref().map(view::example),
            (View::Welcome, _) => Some(view::welcome(width)),
            (View::Help, _) => Some(view::help(width)),
            (View::List(list), _) => Some(list.text(self.course, &self.progress, self.at, width)),
            _ => None,
        };
        about().unwrap_or_else(|| {
            view::text(self.lesson(), self.step(), self.address.as_deref(), width)
        })
    }
}
