//! The spinner of commands that are not interactive. The only file that uses `indicatif`.

use std::io::IsTerminal as _;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use super::output::for_err;
use super::report_message;
use crate::cleanup::{self, lock};
use crate::present::{error_width, plain, waiting};
use crate::progress_event::ProgressEvent;

const SPINNER_TICK: Duration = Duration::from_millis(100);
/// Work that ends sooner needs no status, which would only flicker.
const STATUS_DELAY: Duration = Duration::from_millis(300);
/// The interval of status lines in a log.
const LOG_INTERVAL: Duration = Duration::from_secs(10);

/// The runs of cases that have ended.
#[derive(Debug, Default)]
struct Counted {
    done: usize,
    failures: usize,
}

/// Shows progress on standard error. Dropping it removes the line from a terminal. Any thread may
/// report to it.
pub(super) struct Spinner {
    latest: Arc<Mutex<WaitStatus>>,
    counted: Mutex<Counted>,
    /// On a terminal: one line, redrawn.
    bar: Option<ProgressBar>,
    /// In a log: a line now and then. The thread ends when this is dropped.
    _log: Option<Sender<()>>,
}

/// The latest status and since when it is shown; `None` before the first one.
type WaitStatus = Option<(String, Instant)>;

impl Spinner {
    pub(super) fn new() -> Self {
        let latest = Arc::default();
        let is_drawn = std::io::stderr().is_terminal() && !plain::is_on();
        Self {
            bar: is_drawn.then(|| drawn(Arc::clone(&latest))),
            _log: (!is_drawn).then(|| logged(Arc::clone(&latest))),
            latest,
            counted: Mutex::default(),
        }
    }

    /// A message is printed above the spinner and clears the status.
    pub(super) fn tell(&self, event: ProgressEvent<'_>) {
        match event {
            ProgressEvent::Status(text) => {
                let mut latest = lock(&self.latest);
                if latest.as_ref().is_none_or(|(shown, _)| shown != text) {
                    *latest = Some((text.to_owned(), Instant::now()));
                }
            }
            ProgressEvent::Message(line) => {
                *lock(&self.latest) = None;
                match &self.bar {
                    Some(bar) => bar.suspend(|| report_message(line)),
                    None => report_message(line),
                }
            }
        }
    }

    /// Counts the end of a run, if it is good or not, of so many runs. Draws a bar; in a log, prints
    /// the same as text. Returns how many were not good so far.
    pub(super) fn count(&self, all: usize, ended: Option<bool>) -> usize {
        let mut counted = lock(&self.counted);
        counted.done += usize::from(ended.is_some());
        counted.failures += usize::from(ended == Some(false));
        let (done, count) = (counted.done, counted.failures);
        let failures = waiting::failures(count);
        self.tell(ProgressEvent::Status(&format!("{done} of {all} cases have run{failures}")));
        if let Some(bar) = &self.bar {
            if bar.length().is_none() {
                bar.set_style(counting());
                bar.reset_elapsed();
            }
            bar.set_length(all as u64);
            bar.set_position(done as u64);
            bar.set_message(failures);
        }
        count
    }
}

impl Drop for Spinner {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn drawn(latest: Arc<Mutex<WaitStatus>>) -> ProgressBar {
    let line = move |state: &ProgressState, line: &mut dyn std::fmt::Write| {
        let elapsed = state.elapsed();
        // Some terminals start a new line when the last column is filled.
        let width = error_width().saturating_sub(1);
        let latest = lock(&latest).clone().filter(|_| elapsed >= STATUS_DELAY);
        let shown =
            latest.map(|(text, since)| waiting::line(&text, elapsed, since.elapsed(), width));
        if let Some(shown) = shown {
            let _ = line.write_str(&for_err(&shown));
        }
    };
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    // Tests would find an invalid template; the default one shows progress too.
    if let Ok(style) = ProgressStyle::with_template("{line}") {
        bar.set_style(style.with_key("line", line));
    }
    bar.enable_steady_tick(SPINNER_TICK);
    let drawn = bar.clone();
    cleanup::at_end(move || {
        if !drawn.is_finished() {
            drawn.finish_and_clear();
        }
    });
    bar
}

fn counting() -> ProgressStyle {
    let width = (error_width() / 4).min(20);
    let template = format!("[{{bar:{width}}}] {{pos}} of {{len}} cases{{msg}}, {{elapsed}}");
    let style = ProgressStyle::with_template(&template);
    style.map_or_else(|_| ProgressStyle::default_bar(), |style| style.progress_chars("=> "))
}

fn logged(latest: Arc<Mutex<WaitStatus>>) -> Sender<()> {
    let (end, ended) = mpsc::channel();
    let log = move || {
        while ended.recv_timeout(LOG_INTERVAL) == Err(RecvTimeoutError::Timeout) {
            if let Some((text, since)) = lock(&latest).clone() {
                report_message(&waiting::words(&text, since.elapsed()));
            }
        }
    };
    // Without the thread the log only lacks status lines.
    let _ = std::thread::Builder::new().name("waiting".into()).spawn(log);
    end
}
