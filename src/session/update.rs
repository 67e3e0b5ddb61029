//! What each event changes, and what it asks for. Pure: no input, no output, no clock.

mod exercise;
mod navigation;
mod pages;
mod prompt;
mod worker_events;

use std::time::{Duration, Instant};

use super::console::Key;
use super::event::{Event, PromptEvent};
use super::keys::{self, Action, ByHand, Passed};
use super::list::{Filter, List};
use super::request::{Request, SessionEnd};
use super::state::{Mode, State, View};
use super::step_state::{Busy, PendingRun, RunKind};
use super::worker::messages::{self, RunNumber};
use crate::error::EnvironmentError;
use crate::present::terminal;
use crate::progress::ProgressChange;

/// How long the end of a session waits for the timeline of unfinished work.
const SHUTDOWN_GRACE: Duration = Duration::from_millis(300);

/// A longer pause between two signs of the student's work is not counted as work.
const LONGEST_PAUSE: Duration = Duration::from_secs(5 * 60);

pub(super) fn update<'c>(state: &mut State<'c>, event: Event, now: Instant) -> Vec<Request<'c>> {
    state.now = now;
    state.count_time(&event);
    state.changes += u64::from(!matches!(event, Event::Tick | Event::Shown(_)));
    state.handle(event);
    std::mem::take(&mut state.requests)
}

/// How a key scrolls, or moves in the list.
#[derive(Clone, Copy)]
enum Movement {
    Up,
    Down,
    PageUp,
    PageDown,
    First,
    Last,
}

impl Movement {
    /// `goes_on`: whether there is more below, to which the space bar turns.
    fn of(key: Key, goes_on: bool) -> Option<Self> {
        Some(match key {
            Key::Up | Key::Char('k') => Self::Up,
            Key::Down | Key::Char('j') => Self::Down,
            Key::PageUp | Key::Backspace => Self::PageUp,
            Key::PageDown => Self::PageDown,
            Key::Char(' ') if goes_on => Self::PageDown,
            Key::Home | Key::Char('g') => Self::First,
            Key::End | Key::Char('G') => Self::Last,
            _ => return None,
        })
    }

    fn from(self, at: usize, page: usize, last: usize) -> usize {
        match self {
            Self::Up => at.saturating_sub(1),
            Self::Down => at + 1,
            Self::PageUp => at.saturating_sub(page),
            Self::PageDown => at.saturating_add(page),
            Self::First => 0,
            Self::Last => last,
        }
    }
}

impl<'c> State<'c> {
    fn handle(&mut self, event: Event) {
        match event {
            Event::Key(key) => self.press(key),
            // Line mode reads no keys.
            Event::Interrupted if self.awaited_run().is_some() => self.cancel_run(),
            Event::Interrupted => self.interrupt_prompt(),
            Event::Saved(file, notice) => self.check_saved(&file, notice),
            Event::SavedBesides(file) => self.tell_of_saved_file(&file),
            Event::Worker(event) => self.take(event),
            Event::Tick => self.notice_time(),
            Event::Shown(shown) => {
                (self.top, self.seen, self.below) = (shown.top, shown.seen, shown.below);
            }
            Event::Prompt(event) => self.take_prompt_event(event),
            Event::Failed(error) => self.tell_error(&error),
            Event::Progress(record, error) => {
                self.record = record;
                if let Some(error) = error {
                    self.tell_error(&error);
                }
            }
            Event::Told(status) => self.tell(status),
            Event::NoAnswerFile => self.tell_of_no_answer(),
            Event::AnswerFile(language) => self.work.file = language,
            Event::Checking(language, run) => self.note_check(language, run),
            Event::Unchanged(language) => {
                self.note_language(language);
                self.tell("the answer is unchanged: `c` checks it anyway");
            }
            Event::Answers(own) => self.look_at(View::Solution(own)),
            Event::Reset { exercises, is_whole_course, record, backups } => {
                self.record = record;
                self.start_anew(&exercises, is_whole_course, &backups);
            }
            // They only wake the loop, which draws or ends.
            Event::Resized | Event::FileChanged | Event::TerminalLost(_) | Event::Panicked => {}
        }
    }

    /// Adds up the time between keys, saves and lines.
    fn count_time(&mut self, event: &Event) {
        let is_the_students = matches!(
            event,
            Event::Key(_) | Event::Saved(..) | Event::Prompt(PromptEvent::Typed(_))
        );
        if is_the_students {
            let passed = self.now.saturating_duration_since(self.active_at);
            self.time_spent += passed.min(LONGEST_PAUSE);
            self.active_at = self.now;
        }
    }

    /// Writes the time into the record, before the student leaves the exercise or passes it.
    fn save_time(&mut self) {
        let spent = std::mem::take(&mut self.time_spent);
        if let Some(exercise) =
            self.exercise().filter(|_| !self.has_passed() && spent.as_secs() > 0)
        {
            self.save(ProgressChange::Spent(exercise.id.clone(), spent));
        }
    }

    fn request(&mut self, request: Request<'c>) {
        self.requests.push(request);
    }

    fn ask_worker(&mut self, request: messages::Request) {
        self.request(Request::Worker(request));
    }

    /// Changes the progress at once; if it cannot be saved, the status says so later.
    fn save(&mut self, change: ProgressChange) {
        change.apply(&mut self.record);
        self.request(Request::SaveProgress(change));
    }

    fn look_at(&mut self, view: View) {
        self.top = match &view {
            View::List(list) => list.cursor().saturating_sub(self.seen / 2),
            _ => 0,
        };
        self.view = view;
    }

    fn show_help(&mut self) {
        let page = match std::mem::replace(&mut self.view, View::Text) {
            View::Help(page) => *page,
            view if view.is_about_a_step() => View::Text,
            view => view,
        };
        self.look_at(View::Help(Box::new(page)));
    }

    fn tell(&mut self, status: impl Into<String>) {
        self.status = status.into();
    }

    /// Adds a line to what is told.
    fn tell_also(&mut self, line: &str) {
        self.status = match self.status.trim_end() {
            "" => line.to_owned(),
            status => format!("{status}\n{line}"),
        };
    }

    /// Shows an environment error as the status; the session continues.
    fn tell_error(&mut self, error: &EnvironmentError) {
        self.status = terminal::environment_error(error);
    }

    /// From now on, the student waits for the worker.
    fn wait_for(&mut self, what: impl Into<String>) {
        self.status.clear();
        self.work.busy = Some(Busy::with(what.into(), self.now));
    }

    fn next_run(&mut self) -> RunNumber {
        self.last_run.0 += 1;
        self.last_run
    }

    /// From now on, the student waits for this run. It ends those before, and `what` it does is
    /// shown with that.
    fn wait_for_run(&mut self, number: RunNumber, kind: RunKind, what: &str) {
        self.cancelled = RunNumber(number.0 - 1);
        let run = PendingRun { number, kind, visit: self.visit };
        let what = match self.pending.replace(run) {
            None => what.to_owned(),
            Some(old) if old.visit == run.visit && [old.kind, kind] == [RunKind::Check; 2] => {
                format!("a newer save: {what} again")
            }
            Some(old) => format!("{what}; {} before was ended", old.kind.name()),
        };
        if kind != RunKind::Judging {
            self.work.forget_work_by_hand();
        }
        self.wait_for(what);
    }

    /// Ends the run for which the student waits. Whatever it still reports comes too late.
    fn cancel_run(&mut self) {
        let Some(run) = self.pending.take() else { return };
        self.cancelled = self.last_run;
        self.work.busy = None;
        self.work.forget_work_by_hand();
        self.request(Request::CancelRun);
        self.tell(match run.kind {
            RunKind::Judging => "the judging was ended, and what was done on the server is gone",
            RunKind::Check => "the check was ended",
            RunKind::Example => "the example was ended",
        });
    }

    fn press(&mut self, key: Key) {
        match self.mode {
            Mode::Screen => {
                self.keys_pressed += 1;
                self.press_on_screen(key);
            }
            Mode::Starting => match key {
                Key::Interrupt | Key::Escape | Key::Closed => self.end_start_of_prompt(),
                Key::Char('q') if self.typed_ahead.is_empty() => self.end_start_of_prompt(),
                key => self.type_ahead(key),
            },
            // Pressed before the terminal was given away.
            Mode::Prompt(_) => self.type_ahead(key),
            Mode::Leaving(..) => {}
        }
    }

    fn end_start_of_prompt(&mut self) {
        self.work.busy = None;
        self.mode = Mode::Screen;
    }

    fn press_on_screen(&mut self, key: Key) {
        match key {
            Key::Interrupt if self.awaited_run().is_some() => self.cancel_run(),
            Key::Escape if self.escape_ends_a_run() => self.cancel_run(),
            Key::Interrupt => self.leave(SessionEnd::Interrupted),
            Key::Closed => self.leave(SessionEnd::Quit),
            Key::Suspend => self.request(Request::Suspend),
            key if self.type_search(key) || self.scroll(key) => {}
            Key::Number(number) if self.choose_number(number) => {}
            key => match keys::action(key, &self.situation()) {
                Some(action) => self.act(action),
                None => self.tell_of_no_key(key),
            },
        }
    }

    /// Scrolls the text, or moves in the list. Returns whether the key does that here.
    fn scroll(&mut self, key: Key) -> bool {
        if self.is_plain {
            return false;
        }
        let page = self.seen.max(2) - 1;
        let Some(movement) = Movement::of(key, self.below > 0) else { return false };
        if !self.move_in_list(movement, page) {
            self.top = movement.from(self.top, page, usize::MAX / 2);
        }
        true
    }

    fn tell_of_no_key(&mut self, key: Key) {
        let situation = self.situation();
        let goes_on = matches!(key, Key::Enter | Key::Char(' '));
        let is_open = situation.exercise == Some(Passed(false));
        match key {
            // Esc is pressed to end whatever there is.
            Key::Escape => {}
            _ if goes_on && self.is_plain => {}
            _ if goes_on && is_open => self.tell("this exercise is still open: `n` skips it"),
            _ => self.tell(format!("{}: no such key here; `?` helps", keys::key_name(key))),
        }
    }

    fn act(&mut self, action: Action) {
        if self.work.busy.is_some() && action.needs_a_server() {
            return self.tell("one thing after the other: wait for this, or end it");
        }
        if action != Action::Help {
            self.status.clear();
        }
        match action {
            Action::Quit => self.leave(SessionEnd::Quit),
            Action::Next => self.next(),
            Action::NextExercise => self.next_exercise(),
            Action::TryAgain => self.try_the_hardest_again(),
            Action::Recall => self.begin_recall(),
            Action::Back => self.back(),
            Action::List => self.look_at(View::List(List::of(self.course, self.at))),
            Action::Help => self.show_help(),
            Action::CloseHelp => {
                if let View::Help(page) = std::mem::replace(&mut self.view, View::Text) {
                    self.look_at(*page);
                }
            }
            Action::Text => self.look_at(View::Text),
            Action::Choose => self.choose_from_list(),
            Action::Search => self.change_list(List::begin_search),
            Action::EndSearch => self.change_list(List::end_search),
            Action::Filter => self.change_list(List::filter_next),
            Action::OnlyOpen => self.change_list(|list| list.toggle(Filter::Open)),
            Action::OnlyDone => self.change_list(|list| list.toggle(Filter::Done)),
            Action::ResetChosen => self.ask_to_reset_the_chosen(),
            Action::Reset => self.ask_to_reset(self.exercise(), false),
            Action::ResetAll => {
                self.ask_to_reset(self.course.exercises().map(|(.., exercise)| exercise), true);
            }
            Action::Prompt => self.begin_work(),
            Action::StartOver => self.start_over(),
            Action::Example(number) => self.run_example(number),
            Action::Solution => self.ask_to_show_solution(),
            Action::Check if self.situation().by_hand == ByHand::Answer => self.judge(),
            Action::Check => self.check(None),
            Action::Checks => self.work.lists_checks = Some(!self.lists_checks()),
            Action::Edit => self.edit(false),
            Action::EditOther => self.edit(true),
            Action::Verdict => self.show_verdict(),
            Action::Hint => self.show_hint(|hint, all| hint.map_or(0, |hint| (hint + 1) % all)),
            Action::HintBefore => self.show_hint(|hint, _| hint.unwrap_or(0).saturating_sub(1)),
        }
    }

    /// Ends the session; work by hand that was not judged is saved to the journal before, if the
    /// worker delivers it within [`SHUTDOWN_GRACE`].
    fn leave(&mut self, end: SessionEnd) {
        self.save_time();
        if !self.work.is_at_hand {
            return self.request(Request::Leave(end));
        }
        self.ask_worker(messages::Request::StartOver);
        self.mode = Mode::Leaving(end, self.now + SHUTDOWN_GRACE);
    }

    /// Ends what has lasted too long.
    fn notice_time(&mut self) {
        match &self.mode {
            Mode::Leaving(end, until) if self.now >= *until => {
                self.requests.push(Request::Leave(*end));
            }
            Mode::Prompt(_) => self.notice_time_at_prompt(),
            Mode::Leaving(..) | Mode::Screen | Mode::Starting => {}
        }
    }
}
