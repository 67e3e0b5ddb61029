//! The interactive session: the student reads a lesson step by step and answers its exercises,
//! by keys alone.
//!
//! Whatever happens (keys, saved files, the worker's results, signals) is an [`event`] of one
//! channel. [`update`] changes the [`state`] and returns [`request`]s, [`view`] makes a
//! [`console::Frame`] of it; both are pure. [`perform`] does the input and output. The servers
//! belong to the [`worker`], so that keys are answered while one is busy.
//!
//! ```text
//! input thread ─┐
//! worker ───────┤ event      request
//! watch ────────┼──────► update ─────► perform ──► event
//! prompt ───────┘          │
//!                        state ──view──► Frame ──► Console
//! ```

mod console;
mod event;
mod fixed_lines;
mod fullscreen;
mod input;
mod keys;
mod layout;
mod list;
mod pages;
mod perform;
mod plain_console;
mod prompt_terminal;
mod request;
mod state;
mod step_state;
mod unprinted;
mod update;
mod view;
mod warm;
pub mod watch;
mod worker;

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

pub use console::Console;
pub use fullscreen::Fullscreen;
pub use plain_console::PlainConsole;
pub use request::SessionEnd;
pub use worker::messages::{FindRedis, Redis};

use crate::cleanup;
use crate::error::EnvironmentError;
use crate::journal::Journal;
use crate::lesson::Course;
use crate::present::plain;
use crate::progress::Progress;
use event::Event;
use perform::Performer;
use request::Request;
use state::State;
use update::update;

/// How often what takes time is looked at and redrawn.
const TICK: Duration = Duration::from_millis(100);

/// What a session saves besides the progress.
#[derive(Debug, Default)]
pub struct SavedWork {
    /// Records every attempt.
    pub journal: Option<Journal>,
    /// The file of the lines typed at the Redis prompt.
    pub history: Option<PathBuf>,
}

/// Runs a session until the student leaves. `message` is the first status, unless it is empty.
/// Calls `find_redis` at once, on another thread. Returns also whether the progress has been saved.
pub fn run(
    course: &Course,
    progress: Progress,
    saved: SavedWork,
    console: &mut dyn Console,
    find_redis: Box<FindRedis>,
    message: &str,
) -> Result<(SessionEnd, bool), EnvironmentError> {
    let (sender, events) = mpsc::channel();
    let record = (progress.record().clone(), progress.is_new());
    let mut state = State::new(course, record, plain::is_on(), Instant::now());
    let mut performer = Performer::start(course, progress, saved, console, find_redis, &sender)?;
    let mut requests = VecDeque::from(state.begin(message));
    let mut is_drawn = false;
    let mut ticked = Instant::now();
    loop {
        performer.heed_interrupts(&state);
        while let Some(request) = requests.pop_front() {
            if let Request::Leave(end) = request {
                return Ok((end, performer.progress.is_kept()));
            }
            if let Some(event) = performer.perform(request) {
                requests.extend(update(&mut state, event, Instant::now()));
            }
        }
        let event = if let Ok(event) = events.try_recv() {
            event
        } else {
            if state.is_on_screen() && !is_drawn {
                let shown = performer.draw(&state);
                update(&mut state, shown, Instant::now());
            }
            performer.read_input(&state);
            wait(&mut performer, &state, &events, ticked)
        };
        // What follows from the end of the servers must not be taken for a result.
        cleanup::stop_if_a_signal_came();
        performer.input.note(&event);
        if let Event::Tick = event {
            ticked = Instant::now();
        }
        is_drawn = match event {
            Event::TerminalLost(error) => return Err(error),
            Event::Panicked => {
                // The line editor can't do it any more.
                if !state.is_on_screen() {
                    prompt_terminal::print_end_of_editing();
                }
                let help = "start `redislings` again; your answers and your progress are kept";
                let fact = "redislings has a bug: see the message above";
                return Err(EnvironmentError::new(fact, help));
            }
            Event::Tick | Event::FileChanged => is_drawn && !state.is_spinning(),
            _ => false,
        };
        requests.extend(update(&mut state, event, Instant::now()));
    }
}

/// The next event: of the channel, a saved file, or the time.
fn wait(
    performer: &mut Performer<'_>,
    state: &State<'_>,
    events: &Receiver<Event>,
    ticked: Instant,
) -> Event {
    let mut limit = state.ticks().then(|| TICK.saturating_sub(ticked.elapsed()));
    if state.awaits_saves() {
        if let Some(file) = performer.watch.saved() {
            return Event::Saved(file, performer.watch.told_of_polling());
        }
        if let Some(file) = performer.watch.saved_besides() {
            return Event::SavedBesides(file);
        }
        let rests_for = performer.watch.rests_for();
        limit = Some(limit.map_or(rests_for, |limit| limit.min(rests_for)));
    }
    match limit {
        Some(limit) => events.recv_timeout(limit).unwrap_or(Event::Tick),
        None => events.recv().unwrap_or(Event::Tick),
    }
}
