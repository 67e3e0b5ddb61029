//! Waiting that is seen, for the commands that ask nothing. The only file that names `indicatif`.

use std::io::IsTerminal as _;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use super::output::for_err;
use super::tell_line;
use crate::cleanup::lock;
use crate::present::{error_width, plain, waiting};
use crate::telling::Told;

const TURN: Duration = Duration::from_millis(100);
/// What is over before that needs no sign of life, and would only flicker.
const PATIENCE: Duration = Duration::from_millis(300);
/// How often a log gets a line that work still goes on.
const LOG_AGAIN: Duration = Duration::from_secs(10);

/// How far a number of cases is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Counted {
    pub(super) done: usize,
    pub(super) all: usize,
    /// Of those done: not as they must be.
    pub(super) failures: usize,
}

/// Shows on standard error that work goes on, until it is dropped, which leaves no trace on a terminal. Any
/// thread may tell it how far the work is.
pub(super) struct Spinner {
    latest: Arc<Mutex<Progress>>,
    shown: Shown,
}

/// The latest that was told; no text before there is one.
struct Progress {
    text: String,
    since: Instant,
}

impl Progress {
    fn new(text: &str) -> Self {
        Self { text: text.to_owned(), since: Instant::now() }
    }

    /// What `show` makes of the text and the time that it has not changed; none before there is a text.
    fn shown(&self, show: impl FnOnce(&str, Duration) -> String) -> Option<String> {
        (!self.text.is_empty()).then(|| show(&self.text, self.since.elapsed()))
    }
}

enum Shown {
    /// One line that is drawn again and again.
    Drawn(ProgressBar),
    /// Where nothing can be drawn over: now and then a line that stays. Ends when the sender is dropped.
    Logged { end: Option<Sender<()>>, log: Option<JoinHandle<()>> },
}

impl Spinner {
    pub(super) fn new() -> Self {
        let latest = Arc::new(Mutex::new(Progress::new("")));
        let shown = if std::io::stderr().is_terminal() && !plain::is_on() {
            Shown::Drawn(drawn(Arc::clone(&latest)))
        } else {
            logged(Arc::clone(&latest))
        };
        Self { latest, shown }
    }

    /// A line goes above what is drawn, and ends the progress before it.
    pub(super) fn tell(&self, told: Told<'_>) {
        match told {
            Told::Progress(text) => {
                let mut latest = lock(&self.latest);
                if latest.text != text {
                    *latest = Progress::new(text);
                }
            }
            Told::Line(line) => {
                *lock(&self.latest) = Progress::new("");
                self.above(|| tell_line(line));
            }
        }
    }

    /// Draws a bar; a log gets the same in words.
    pub(super) fn count(&self, Counted { done, all, failures }: Counted) {
        let failures = waiting::failures(failures);
        self.tell(Told::Progress(&format!("{done} of {all} cases have run{failures}")));
        if let Shown::Drawn(bar) = &self.shown {
            if bar.length().is_none() {
                bar.set_style(counting());
                bar.reset_elapsed();
            }
            bar.set_length(all as u64);
            bar.set_position(done as u64);
            bar.set_message(failures);
        }
    }

    fn above(&self, show: impl FnOnce()) {
        match &self.shown {
            Shown::Drawn(bar) => bar.suspend(show),
            Shown::Logged { .. } => show(),
        }
    }
}

impl Drop for Spinner {
    fn drop(&mut self) {
        match &mut self.shown {
            Shown::Drawn(bar) => bar.finish_and_clear(),
            Shown::Logged { end, log } => {
                drop(end.take());
                // It ends at once, and a panic in it was told already.
                let _ = log.take().map(JoinHandle::join);
            }
        }
    }
}

fn drawn(latest: Arc<Mutex<Progress>>) -> ProgressBar {
    let line = move |state: &ProgressState, line: &mut dyn std::fmt::Write| {
        let elapsed = state.elapsed();
        // One column less, or some terminals begin another line.
        let width = error_width().saturating_sub(1);
        let shown = lock(&latest)
            .shown(|text, unchanged| waiting::line(text, elapsed, unchanged, width))
            .filter(|_| elapsed >= PATIENCE);
        if let Some(shown) = shown {
            let _ = line.write_str(&for_err(&shown));
        }
    };
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    // A template that can't be read is a mistake that the tests see; the default one shows life too.
    if let Ok(style) = ProgressStyle::with_template("{line}") {
        bar.set_style(style.with_key("line", line));
    }
    bar.enable_steady_tick(TURN);
    bar
}

fn counting() -> ProgressStyle {
    let width = (error_width() / 4).min(20);
    let template = format!("[{{bar:{width}}}] {{pos}} of {{len}} cases{{msg}}, {{elapsed}}");
    let style = ProgressStyle::with_template(&template);
    style.map_or_else(|_| ProgressStyle::default_bar(), |style| style.progress_chars("=> "))
}

fn logged(latest: Arc<Mutex<Progress>>) -> Shown {
    let (end, ended) = mpsc::channel();
    let log = move || {
        while ended.recv_timeout(LOG_AGAIN) == Err(RecvTimeoutError::Timeout) {
            let shown = lock(&latest).shown(waiting::words);
            if let Some(line) = shown {
                tell_line(&line);
            }
        }
    };
    // Without a thread it is only more silent.
    let log = std::thread::Builder::new().name("waiting".into()).spawn(log).ok();
    Shown::Logged { end: Some(end), log }
}
