//! What each event changes, and what it asks for. Pure: no input, no output, no clock.

mod exercise;
mod navigation;
mod prompt;
mod worker_events;

use std::time::{Duration, Instant};

use super::console::Key;
use super::event::Event;
use super::keys::{self, Action};
use super::list::List;
use super::request::{Request, SessionEnd};
use super::state::{Mode, State, View};
use super::step_state::Busy;
use super::worker::messages;
use crate::error::EnvironmentError;
use crate::present::terminal;
use crate::progress::ProgressChange;

/// How long the end of a session waits for the timeline of unfinished work.
const SHUTDOWN_GRACE: Duration = Duration::from_millis(300);

pub(super) fn update<'c>(state: &mut State<'c>, event: Event, now: Instant) -> Vec<Request<'c>> {
    state.now = now;
    state.changes += u64::from(!matches!(event, Event::Tick | Event::Shown(..)));
    state.handle(event);
    std::mem::take(&mut state.requests)
}

impl<'c> State<'c> {
    fn handle(&mut self, event: Event) {
        match event {
            Event::Key(key) => self.press(key),
            Event::Interrupted => self.interrupt_prompt(),
            Event::Saved(file, notice) => self.check_saved(&file, notice),
            Event::Worker(event) => self.take(event),
            Event::Tick => self.notice_time(),
            Event::Shown(top, seen) => (self.top, self.seen) = (top, seen),
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
            Event::Checking(file) => {
                self.work.forget_work_by_hand();
                self.wait_for(format!("checking `{file}`"));
            }
            Event::Answers(own) => self.look_at(View::Solution(own)),
            Event::Reset { is_whole_course, record, backups } => {
                self.record = record;
                self.start_anew(is_whole_course, &backups);
            }
            // They only wake the loop, which draws or ends.
            Event::Resized | Event::FileChanged | Event::TerminalLost(_) | Event::Panicked => {}
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
        self.view = view;
        self.top = 0;
    }

    fn tell(&mut self, status: impl Into<String>) {
        self.status = status.into();
    }

    /// Shows an environment error as the status; the session continues.
    fn tell_error(&mut self, error: &EnvironmentError) {
        self.status = terminal::environment_error(error);
    }

    /// From now on, the student waits for the worker.
    fn wait_for(&mut self, what: impl Into<String>) {
        self.work.busy = Some(Busy::with(what.into(), self.now));
    }

    fn press(&mut self, key: Key) {
        match self.mode {
            Mode::Screen => {
                self.keys_pressed += 1;
                self.press_on_screen(key);
            }
            Mode::Starting => {
                if matches!(key, Key::Interrupt | Key::Escape | Key::Closed | Key::Char('q')) {
                    self.work.busy = None;
                    self.mode = Mode::Screen;
                }
            }
            // Pressed before the terminal was given away.
            Mode::Prompt(_) | Mode::Leaving(..) => {}
        }
    }

    fn press_on_screen(&mut self, key: Key) {
        let page = self.seen.max(2) - 1;
        match key {
            Key::Interrupt => self.leave(SessionEnd::Interrupted),
            Key::Closed => self.leave(SessionEnd::Quit),
            Key::Suspend => self.request(Request::Suspend),
            Key::Up | Key::Down if self.move_in_list(key == Key::Down) => {}
            Key::Up => self.top = self.top.saturating_sub(1),
            Key::Down => self.top += 1,
            Key::PageUp => self.top = self.top.saturating_sub(page),
            Key::PageDown => self.top = self.top.saturating_add(page),
            Key::Home => self.top = 0,
            Key::End => self.top = usize::MAX / 2,
            Key::Number(number) if self.choose_number(number) => {}
            key => {
                if let Some(action) = keys::action(key, &self.situation()) {
                    self.act(action);
                // In line mode, a line without any effect would look as if it had not been read.
                } else if let (true, Key::Char(letter)) = (self.is_plain, key) {
                    self.tell(format!("`{letter}` does nothing here"));
                }
            }
        }
    }

    fn act(&mut self, action: Action) {
        if self.work.busy.is_some() && action.needs_a_server() {
            return;
        }
        if action != Action::Help {
            self.status.clear();
        }
        match action {
            Action::Quit => self.leave(SessionEnd::Quit),
            Action::Next => self.next(),
            Action::NextExercise => self.next_exercise(),
            Action::Back => self.back(),
            Action::List => self.look_at(View::List(List::of(self.course, self.at))),
            Action::Help => self.look_at(View::Help),
            Action::Text => self.look_at(View::Text),
            Action::Choose => self.choose_from_list(),
            Action::Filter => self.filter_list(),
            Action::Reset => self.ask_to_reset(self.exercise(), false),
            Action::ResetAll => {
                self.ask_to_reset(self.course.exercises().map(|(.., exercise)| exercise), true);
            }
            Action::Prompt => self.begin_work(),
            Action::StartOver => self.start_over(),
            Action::Example(number) => self.run_example(number),
            Action::Judge => self.judge(),
            Action::Solution => self.ask_to_show_solution(),
            Action::Check => self.check(None),
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
