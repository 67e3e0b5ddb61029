//! A terminal that can be drawn on: the session has a screen of its own, and the shell's is back when it ends.

use std::io::{IsTerminal as _, Write as _, stdout};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, Once};
use std::time::Duration;

use crossterm::cursor::{Hide, MoveTo, Show};
use crossterm::event::{self, Event as TerminalEvent, KeyCode, KeyEvent, KeyModifiers};
use crossterm::style::Print;
use crossterm::terminal::{
    self, BeginSynchronizedUpdate, Clear, ClearType, EndSynchronizedUpdate, EnterAlternateScreen,
    LeaveAlternateScreen,
};
use crossterm::{execute, queue};

use super::console::{Console, Event, Frame, Key, Size};
use super::layout::lay_out;
use crate::ask::{Ask, NoAnswer, Prompt};
use crate::cleanup::{self, lock};
use crate::error::WorldError;

/// How long after a terminal is gone its SIGHUP may come.
const HANGUP_LATENESS: Duration = Duration::from_millis(500);

/// A question may take a second row, and inquire wants one below it.
const QUESTION_ROWS: usize = 3;

/// Whether the terminal is ours now. Held while it is drawn on: a signal must not find it half drawn.
static OURS: Mutex<bool> = Mutex::new(false);
/// After a signal nothing is drawn any more.
static CLOSED: AtomicBool = AtomicBool::new(false);

/// The whole terminal. Dropped, it is as it was before.
pub struct Fullscreen {
    prompt: Prompt,
    /// What is on the screen: only rows that change are drawn.
    drawn: Vec<String>,
    /// The size it was drawn for.
    drawn_for: Option<Size>,
}

impl Fullscreen {
    /// Takes the terminal.
    pub fn open(prompt: Prompt) -> Self {
        give_it_back_whatever_happens();
        take();
        Self { prompt, drawn: Vec::new(), drawn_for: None }
    }

    /// Somebody asks in the last `rows` of the screen: what stands there is wiped.
    fn at_the_bottom<T>(&mut self, rows: usize, ask: impl FnOnce(&mut Prompt) -> T) -> T {
        let row = u16::try_from(self.drawn.len().saturating_sub(rows)).unwrap_or(0);
        let _ = execute!(stdout(), MoveTo(0, row), Clear(ClearType::FromCursorDown), Show);
        let answer = ask(&mut self.prompt);
        self.drawn.clear();
        // inquire gives the terminal back as the shell wants it.
        take();
        answer
    }
}

impl Drop for Fullscreen {
    fn drop(&mut self) {
        give_back();
    }
}

impl Console for Fullscreen {
    fn size(&self) -> Size {
        let (columns, rows) = terminal::size().unwrap_or((80, 24));
        Size { columns: usize::from(columns), rows: usize::from(rows) }
    }

    fn show(&mut self, frame: &Frame) -> (usize, usize) {
        let size = self.size();
        if self.drawn_for.replace(size) != Some(size) {
            self.drawn.clear();
        }
        let screen = lay_out(frame, size);
        cleanup::stop_if_a_signal_came();
        let ours = lock(&OURS);
        if *ours && !CLOSED.load(Ordering::SeqCst) && self.drawn != screen.rows {
            // A lost terminal ends the session by its signal, not here.
            let _ = draw(&screen.rows, &self.drawn);
            self.drawn.clone_from(&screen.rows);
        }
        (screen.top, screen.seen)
    }

    fn event(&mut self, patience: Duration) -> Result<Option<Event>, WorldError> {
        let lost = |error: std::io::Error| {
            // A window that was closed ends the session by its signal.
            cleanup::stop_if_a_signal_comes(HANGUP_LATENESS);
            WorldError::new(
                format!("the terminal can't be read: {error}"),
                "use `redislings check EXERCISE FILE`, which asks nothing",
            )
        };
        cleanup::stop_if_a_signal_came();
        if !event::poll(patience).map_err(lost)? {
            // A new size before the first poll, or while somebody else has the terminal, is announced to nobody.
            let has_changed = self.drawn_for.is_some_and(|size| size != self.size());
            return Ok(has_changed.then_some(Event::Resized));
        }
        let event = match event::read().map_err(lost)? {
            TerminalEvent::Key(key) if key.is_press() => key_of(key).map(Event::Key),
            TerminalEvent::Resize(..) => {
                self.drawn.clear();
                Some(Event::Resized)
            }
            _ => None,
        };
        Ok(event)
    }

    fn step_aside(&mut self) {
        give_back();
    }

    fn come_back(&mut self) {
        cleanup::stop_if_a_signal_came();
        self.drawn.clear();
        take();
        // Keys for somebody else are no keys for us.
        while event::poll(Duration::ZERO).unwrap_or(false) && event::read().is_ok() {}
    }

    fn suspend(&mut self) {
        self.step_aside();
        let _ = nix::sys::signal::raise(nix::sys::signal::Signal::SIGTSTP);
        self.come_back();
    }
}

impl Ask for Fullscreen {
    fn choose(
        &mut self,
        question: &str,
        options: &[String],
        start: usize,
    ) -> Result<usize, NoAnswer> {
        // The question stands above the options, and below them what keys do.
        self.at_the_bottom(options.len() + 3, |prompt| prompt.choose(question, options, start))
    }

    fn confirm(&mut self, question: &str) -> Result<bool, NoAnswer> {
        self.at_the_bottom(QUESTION_ROWS, |prompt| prompt.confirm(question))
    }
}

fn draw(rows: &[String], drawn: &[String]) -> std::io::Result<()> {
    let mut out = stdout().lock();
    queue!(out, BeginSynchronizedUpdate)?;
    if drawn.is_empty() {
        queue!(out, Clear(ClearType::All))?;
    }
    for (index, row) in rows.iter().enumerate() {
        if drawn.get(index) != Some(row) {
            let place = MoveTo(0, u16::try_from(index).unwrap_or(u16::MAX));
            queue!(out, place, Clear(ClearType::CurrentLine), Print(row))?;
        }
    }
    for index in rows.len()..drawn.len() {
        let place = MoveTo(0, u16::try_from(index).unwrap_or(u16::MAX));
        queue!(out, place, Clear(ClearType::CurrentLine))?;
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
        KeyCode::Char(' ') | KeyCode::PageDown => Key::PageDown,
        KeyCode::Char(character) => match character.to_digit(10) {
            Some(digit) => Key::Number(digit as usize),
            None => Key::Char(character),
        },
        KeyCode::Enter => Key::Enter,
        KeyCode::Esc => Key::Escape,
        KeyCode::Up => Key::Up,
        KeyCode::Down => Key::Down,
        KeyCode::PageUp | KeyCode::Backspace => Key::PageUp,
        KeyCode::Home => Key::Home,
        KeyCode::End => Key::End,
        _ => return None,
    })
}

fn take() {
    let mut ours = lock(&OURS);
    if CLOSED.load(Ordering::SeqCst) {
        return;
    }
    let _ = terminal::enable_raw_mode();
    let _ = if *ours {
        execute!(stdout(), Hide)
    } else {
        execute!(stdout(), EnterAlternateScreen, Hide, Clear(ClearType::All))
    };
    *ours = true;
}

fn give_back() {
    let mut ours = lock(&OURS);
    if *ours && stdout().is_terminal() {
        let _ = execute!(stdout(), EndSynchronizedUpdate, Show, LeaveAlternateScreen);
        let _ = terminal::disable_raw_mode();
    }
    *ours = false;
}

/// Also by a signal, and before a panic's message, which the other screen would swallow.
fn give_it_back_whatever_happens() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        cleanup::restore_the_terminal_by(|| {
            CLOSED.store(true, Ordering::SeqCst);
            give_back();
        });
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            // Whoever panics while drawing holds the lock.
            if let Ok(ours) = OURS.try_lock() {
                drop(ours);
                give_back();
            }
            usual(panic);
        }));
    });
}
