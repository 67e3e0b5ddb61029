//! The fullscreen console: it draws on the alternate screen, and restores the shell's screen at the
//! end.

use std::io::{IsTerminal as _, Read as _, Write as _, stdin, stdout};
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, Mutex, Once};
use std::time::Duration;

use crossterm::cursor::{Hide, MoveTo, Show};
use crossterm::event::{self, Event as TerminalEvent, KeyCode, KeyEvent, KeyModifiers};
use crossterm::style::Print;
use crossterm::terminal::{
    self, BeginSynchronizedUpdate, Clear, ClearType, EndSynchronizedUpdate, EnterAlternateScreen,
    LeaveAlternateScreen,
};
use crossterm::{execute, queue};
use nix::errno::Errno;
use nix::sys::select::{FdSet, select};
use nix::unistd::{getpgrp, getsid, tcgetpgrp};
use signal_hook::consts::{SIGCONT, SIGTSTP, SIGWINCH};
use signal_hook::flag;

use super::console::{Console, Frame, Key, ReadKey, Shown, Size};
use super::layout::lay_out;
use crate::ask::{Ask, NoAnswer, Prompt};
use crate::cleanup::{self, lock};
use crate::error::EnvironmentError;
use crate::present::charset::fitting;
use crate::present::text::{truncate, wrap};

/// How long SIGHUP may take to arrive after the terminal is gone.
const HANGUP_LATENESS: Duration = Duration::from_millis(500);

/// How long keys may take from the terminal to crossterm.
const KEYS_LATENESS: Duration = Duration::from_millis(100);

/// Makes the mouse wheel send arrow keys while the alternate screen is shown (xterm's alternate
/// scroll mode). The mouse itself is not captured, so text can still be selected with it.
const WHEEL_SCROLLS: &str = "\x1b[?1007h";
const WHEEL_AS_BEFORE: &str = "\x1b[?1007l";

/// Whether we have the terminal. Locked while drawing, so that a signal cannot interrupt halfway.
static IS_OURS: Mutex<bool> = Mutex::new(false);
/// Set when the size has changed: the terminal may have moved what was drawn.
static RESIZED: AtomicBool = AtomicBool::new(false);
/// Set while another program, or the prompt, has the terminal: then SIGTSTP stops us at once.
static IS_LENT: LazyLock<Arc<AtomicBool>> = LazyLock::new(|| Arc::new(AtomicBool::new(true)));
/// Set by SIGTSTP: the terminal is given back before we stop.
static SHALL_STOP: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);
/// Set by SIGCONT: whoever had the terminal meanwhile may have changed its modes and its screen.
static WAS_STOPPED: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);
/// Set by a signal: nothing is drawn after that.
static CLOSED: AtomicBool = AtomicBool::new(false);

/// A console that takes the whole terminal, and restores it when dropped.
pub struct Fullscreen {
    prompt: Prompt,
    /// The rows on the screen; only rows that differ from them are drawn.
    drawn: Vec<String>,
    /// The size for which they were drawn.
    drawn_for: Option<Size>,
}

impl Fullscreen {
    /// Takes the terminal.
    pub fn open(prompt: Prompt) -> Self {
        restore_on_signals_and_panics();
        heed_stops();
        take_terminal();
        Self { prompt, drawn: Vec::new(), drawn_for: None }
    }

    /// Clears the last `rows` of the screen and asks there.
    fn ask_at_the_bottom<T>(&mut self, rows: usize, ask: impl FnOnce(&mut Prompt) -> T) -> T {
        let row = move_to_row(self.drawn.len().saturating_sub(rows));
        let _ = execute!(stdout(), row, Clear(ClearType::FromCursorDown), Show);
        let answer = ask(&mut self.prompt);
        self.drawn.clear();
        // inquire leaves the terminal in the shell's mode.
        take_terminal();
        answer
    }
}

impl Drop for Fullscreen {
    fn drop(&mut self) {
        give_terminal_back();
    }
}

impl Console for Fullscreen {
    fn size(&self) -> Size {
        let (columns, rows) = terminal::size().unwrap_or((80, 24));
        Size { columns: usize::from(columns), rows: usize::from(rows) }
    }

    fn show(&mut self, frame: &Frame) -> Shown {
        if WAS_STOPPED.swap(false, Ordering::SeqCst) && is_in_the_foreground() {
            give_terminal_back();
            take_terminal();
            self.drawn.clear();
        }
        let size = self.size();
        let is_resized = RESIZED.swap(false, Ordering::SeqCst);
        if self.drawn_for.replace(size) != Some(size) || is_resized {
            self.drawn.clear();
        }
        let screen = lay_out(frame, size);
        cleanup::stop_if_a_signal_came();
        let is_ours = lock(&IS_OURS);
        if *is_ours && !CLOSED.load(Ordering::SeqCst) && self.drawn != screen.rows {
            // A lost terminal ends the session by its signal, not here.
            let _ = draw(&screen.rows, &self.drawn);
            self.drawn.clone_from(&screen.rows);
        }
        screen.shown
    }

    fn read_key(&self) -> ReadKey {
        read_key
    }

    fn signals(&self) -> &'static [i32] {
        &[SIGWINCH, SIGTSTP, SIGCONT]
    }

    fn suspend_ui(&mut self) {
        give_terminal_back();
    }

    fn resume_ui(&mut self) {
        cleanup::stop_if_a_signal_came();
        self.drawn.clear();
        take_terminal();
        // Drop keys that were meant for the other program.
        while event::poll(Duration::ZERO).unwrap_or(false) && event::read().is_ok() {}
    }

    fn suspend(&mut self) -> bool {
        if !can_be_continued() {
            return false;
        }
        self.suspend_ui();
        let _ = nix::sys::signal::raise(nix::sys::signal::Signal::SIGTSTP);
        self.resume_ui();
        true
    }
}

impl Ask for Fullscreen {
    fn choose(
        &mut self,
        question: &str,
        options: &[String],
        start: usize,
    ) -> Result<usize, NoAnswer> {
        // Above the options is the question, below them a line about the keys.
        self.ask_at_the_bottom(options.len() + 3, |prompt| prompt.choose(question, options, start))
    }

    /// One key answers; only `y` is a yes.
    fn confirm(&mut self, question: &str) -> Result<bool, NoAnswer> {
        let answer = loop {
            self.draw_question(question);
            match read_answer_key() {
                Ok(Some(Key::Char('y' | 'Y'))) => break Ok(true),
                Ok(Some(Key::Char('n' | 'N' | 'q') | Key::Enter)) => break Ok(false),
                Ok(Some(Key::Escape)) => break Err(NoAnswer::Cancelled),
                Ok(Some(Key::Interrupt | Key::Closed)) => break Err(NoAnswer::Interrupted),
                Ok(_) => {}
                Err(error) => break Err(NoAnswer::Failed(error.fact)),
            }
        };
        self.drawn.clear();
        answer
    }
}

impl Fullscreen {
    /// Draws the question on the last rows of the screen.
    fn draw_question(&self, question: &str) {
        let size = self.size();
        let text = wrap(&format!("{question} (y/n)"), size.columns, "");
        let lines: Vec<&str> = text.lines().collect();
        let mut out = stdout().lock();
        let first = size.rows.saturating_sub(lines.len() + 1);
        let _ = queue!(out, move_to_row(first), Clear(ClearType::FromCursorDown));
        for (index, line) in lines.iter().enumerate() {
            let line = truncate(line, size.columns);
            let _ = queue!(out, move_to_row(first + index), Print(fitting(&line)));
        }
        let _ = out.flush();
    }
}

fn move_to_row(row: usize) -> MoveTo {
    MoveTo(0, u16::try_from(row).unwrap_or(u16::MAX))
}

/// A key while a question is asked: nothing else ends this wait.
fn read_answer_key() -> Result<Option<Key>, EnvironmentError> {
    let (woken, _wake) = UnixStream::pair().map_err(terminal_lost)?;
    woken.set_nonblocking(true).map_err(terminal_lost)?;
    read_key(&woken)
}

/// Waits for a key with `select`, since nothing can end crossterm's own wait.
fn read_key(woken: &UnixStream) -> Result<Option<Key>, EnvironmentError> {
    let mut patience = Duration::ZERO;
    loop {
        cleanup::stop_if_a_signal_came();
        while event::poll(patience).map_err(terminal_lost)? {
            match event::read().map_err(terminal_lost)? {
                TerminalEvent::Key(key) if key.is_press() => {
                    if let Some(key) = key_of(key) {
                        return Ok(Some(key));
                    }
                }
                TerminalEvent::Resize(..) => return Ok(resized()),
                _ => {}
            }
        }
        let keyboard = stdin();
        let mut ready = FdSet::new();
        ready.insert(keyboard.as_fd());
        ready.insert(woken.as_fd());
        match select(None, &mut ready, None, None, None) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Err(terminal_lost(error.into())),
        }
        if let Ok(1..) = (&*woken).read(&mut [0; 64]) {
            if SHALL_STOP.swap(false, Ordering::SeqCst) {
                return Ok(Some(Key::Suspend));
            }
            return Ok(resized());
        }
        // If there are keys, they have not reached crossterm yet: do not spin.
        patience = KEYS_LATENESS;
    }
}

fn resized() -> Option<Key> {
    RESIZED.store(true, Ordering::SeqCst);
    None
}

fn terminal_lost(error: std::io::Error) -> EnvironmentError {
    // If the window was closed, its signal ends the program here.
    cleanup::stop_if_a_signal_comes(HANGUP_LATENESS);
    EnvironmentError::new(
        format!("cannot read the terminal: {error}"),
        "use `redislings check EXERCISE FILE`, which asks nothing",
    )
}

fn draw(rows: &[String], drawn: &[String]) -> std::io::Result<()> {
    let mut out = stdout().lock();
    queue!(out, BeginSynchronizedUpdate)?;
    if drawn.is_empty() {
        queue!(out, Clear(ClearType::All))?;
    }
    for (index, row) in rows.iter().enumerate() {
        if drawn.get(index) != Some(row) {
            queue!(out, move_to_row(index), Clear(ClearType::CurrentLine), Print(fitting(row)))?;
        }
    }
    for index in rows.len()..drawn.len() {
        queue!(out, move_to_row(index), Clear(ClearType::CurrentLine))?;
    }
    queue!(out, EndSynchronizedUpdate)?;
    out.flush()
}

fn key_of(key: KeyEvent) -> Option<Key> {
    let with_control = key.modifiers.contains(KeyModifiers::CONTROL);
    Some(match key.code {
        KeyCode::Char('c' | 'C') if with_control => Key::Interrupt,
        KeyCode::Char('z' | 'Z') if with_control => Key::Suspend,
        KeyCode::Char(_) if with_control => return None,
        KeyCode::Char(character) => match character.to_digit(10) {
            Some(digit) => Key::Number(digit as usize),
            None => Key::Char(character),
        },
        KeyCode::Enter => Key::Enter,
        KeyCode::Esc => Key::Escape,
        KeyCode::Up => Key::Up,
        KeyCode::Down => Key::Down,
        KeyCode::PageUp => Key::PageUp,
        KeyCode::PageDown => Key::PageDown,
        KeyCode::Backspace => Key::Backspace,
        KeyCode::Home => Key::Home,
        KeyCode::End => Key::End,
        _ => return None,
    })
}

fn take_terminal() {
    let mut is_ours = lock(&IS_OURS);
    if CLOSED.load(Ordering::SeqCst) {
        return;
    }
    // Whatever stopped us before is over.
    SHALL_STOP.store(false, Ordering::SeqCst);
    WAS_STOPPED.store(false, Ordering::SeqCst);
    let _ = terminal::enable_raw_mode();
    let _ = if *is_ours {
        execute!(stdout(), Hide)
    } else {
        let clear = Clear(ClearType::All);
        execute!(stdout(), EnterAlternateScreen, Print(WHEEL_SCROLLS), Hide, clear)
    };
    *is_ours = true;
    IS_LENT.store(false, Ordering::SeqCst);
}

fn give_terminal_back() {
    let mut is_ours = lock(&IS_OURS);
    if *is_ours && stdout().is_terminal() {
        let wheel = Print(WHEEL_AS_BEFORE);
        let _ = execute!(stdout(), EndSynchronizedUpdate, Show, wheel, LeaveAlternateScreen);
        let _ = terminal::disable_raw_mode();
    }
    *is_ours = false;
    IS_LENT.store(true, Ordering::SeqCst);
}

/// SIGTSTP and SIGSTOP come from outside too, not only with Ctrl-Z.
fn heed_stops() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        if can_be_continued() {
            let _ = flag::register_conditional_default(SIGTSTP, Arc::clone(&IS_LENT));
        }
        // Without these, the student has to press a key after `fg`.
        let _ = flag::register(SIGTSTP, Arc::clone(&SHALL_STOP));
        let _ = flag::register(SIGCONT, Arc::clone(&WAS_STOPPED));
    });
}

/// Whether a shell controls us as a job. In the group of the terminal's first process (`ssh -t host
/// redislings`, `tmux new-window redislings`) nobody could continue us. The system drops SIGTSTP
/// there, but not SIGSTOP, which signal-hook raises for it.
fn can_be_continued() -> bool {
    getsid(None) != Ok(getpgrp())
}

/// In the background, the system would stop us for using the terminal.
fn is_in_the_foreground() -> bool {
    tcgetpgrp(stdin()).is_ok_and(|group| group == getpgrp())
}

/// Gives the terminal back on a signal, and before a panic prints its message: on the alternate
/// screen the message would be lost.
fn restore_on_signals_and_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        cleanup::restore_the_terminal_by(|| {
            CLOSED.store(true, Ordering::SeqCst);
            give_terminal_back();
        });
        let default_hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            // A thread that panics while drawing holds the lock.
            if let Ok(is_ours) = IS_OURS.try_lock() {
                drop(is_ours);
                give_terminal_back();
            }
            default_hook(panic);
        }));
    });
}
