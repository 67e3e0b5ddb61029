//! A wait at the prompt.

use std::io::Write as _;
use std::ops::ControlFlow;
use std::time::Duration;

use crate::cleanup::{self, InterruptibleWait};
use crate::present::{plain, screen_width, terminal as shown, waiting};

/// A longer wait is shown.
const WAIT_DELAY: Duration = Duration::from_millis(400);

/// A wait that is shown after [`WAIT_DELAY`] and can be cancelled with Ctrl-C.
pub(super) struct ShownWait {
    pub(super) what: String,
    is_shown: bool,
    interruptible: InterruptibleWait,
}

impl ShownWait {
    pub(super) fn begin(what: String) -> Self {
        let interruptible = InterruptibleWait::begin();
        Self { what, is_shown: false, interruptible }
    }

    pub(super) fn update(&mut self, elapsed: Duration) -> ControlFlow<()> {
        cleanup::stop_if_a_signal_came();
        if self.interruptible.is_interrupted() {
            return ControlFlow::Break(());
        }
        if elapsed >= WAIT_DELAY && !(plain::is_on() && self.is_shown) {
            let text = format!("{} · {:.1} s · Ctrl-C cancels", self.what, elapsed.as_secs_f64());
            let line =
                waiting::line(&text, elapsed, Duration::ZERO, screen_width().saturating_sub(1));
            print(&if plain::is_on() { format!("{line}\n") } else { format!("\r\x1b[K{line}") });
            self.is_shown = true;
        }
        ControlFlow::Continue(())
    }

    /// Prints a message that came from the server during the wait.
    pub(super) fn show_message(&mut self, message: &str) -> ControlFlow<()> {
        self.wipe();
        "waiting for more".clone_into(&mut self.what);
        print(&format!("{}\n", shown::printable_lines(message)));
        self.update(Duration::ZERO)
    }

    fn wipe(&mut self) {
        if self.is_shown && !plain::is_on() {
            print("\r\x1b[K");
        }
        self.is_shown = false;
    }
}

impl Drop for ShownWait {
    fn drop(&mut self) {
        self.wipe();
    }
}

/// Prints to the shell's screen, since the prompt has no screen of its own.
pub(super) fn print(text: &str) {
    cleanup::stop_if_a_signal_came();
    let mut out = std::io::stdout().lock();
    // A lost terminal ends the session by its signal, not here.
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
