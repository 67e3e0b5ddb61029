//! A student at a real pseudo-terminal: tests press keys and wait for texts on the screen, without
//! fixed sleeps.

mod student;

use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::os::unix::fs::OpenOptionsExt as _;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nix::libc::O_NOCTTY;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use portable_pty::{Child, CommandBuilder, ExitStatus, MasterPty, PtySize, native_pty_system};

pub use student::{FOREIGN, Student};

/// For everything that installs nothing. Long enough for a busy machine.
const DEADLINE: Duration = Duration::from_secs(30);
/// For a check in Python: the first check installs the environment.
pub const WITH_PYTHON: Duration = Duration::from_secs(240);
/// For output that is still on its way when a program has ended.
const SOON: Duration = Duration::from_secs(3);
const POLL: Duration = Duration::from_millis(5);

/// What a shell writes when its job is stopped.
pub const STOPPED: &str = "[1]+  Stopped";

pub const CTRL_C: &str = "\x03";
pub const CTRL_D: &str = "\x04";
pub const CTRL_Z: &str = "\x1a";
pub const ENTER: &str = "\r";
pub const ESCAPE: &str = "\x1b";
pub const UP: &str = "\x1b[A";
pub const DOWN: &str = "\x1b[B";
pub const HOME: &str = "\x1b[H";
pub const END: &str = "\x1b[F";

/// A screen update is sent between these two: until the second one it is half drawn.
const BEGIN_UPDATE: &[u8] = b"\x1b[?2026h";
const END_UPDATE: &[u8] = b"\x1b[?2026l";

/// Columns and rows.
#[derive(Debug, Clone, Copy)]
pub struct Size(pub u16, pub u16);

/// So high that nothing scrolls off the screen.
pub const ROOMY: Size = Size(100, 400);
/// The default size of most terminals.
pub const USUAL: Size = Size(80, 24);
/// A small terminal next to another window.
pub const SMALL: Size = Size(40, 20);

impl From<Size> for PtySize {
    fn from(Size(cols, rows): Size) -> Self {
        Self { rows, cols, ..Self::default() }
    }
}

pub fn until(limit: Duration, done: impl Fn() -> bool, why: impl Fn() -> String) {
    let deadline = Instant::now() + limit;
    while !done() {
        assert!(Instant::now() < deadline, "not within {limit:?}: {}", why());
        thread::park_timeout(POLL);
    }
}

/// All output of the program.
struct Shown {
    parser: vt100::Parser,
    bytes: Vec<u8>,
}

impl Shown {
    fn screen(&self) -> &vt100::Screen {
        self.parser.screen()
    }

    fn contains(&self, text: &str) -> bool {
        self.screen().contents().contains(text)
    }

    fn has_an_empty_prompt(&self) -> bool {
        let screen = self.screen();
        let (row, _) = screen.cursor_position();
        let text = texts(screen).nth(row.into()).unwrap_or_default();
        text.trim_end() == "redis>" && screen.bracketed_paste() && !screen.alternate_screen()
    }

    /// Whether no update is half drawn.
    fn is_whole(&self) -> bool {
        last_position(&self.bytes, BEGIN_UPDATE) <= last_position(&self.bytes, END_UPDATE)
    }
}

fn last_position(bytes: &[u8], mark: &[u8]) -> Option<usize> {
    bytes.windows(mark.len()).rposition(|window| window == mark)
}

/// A screen, a keyboard and the program between them.
pub struct Terminal {
    shown: Arc<(Mutex<Shown>, Condvar)>,
    keyboard: Option<Box<dyn Write + Send>>,
    master: Option<Box<dyn MasterPty + Send>>,
    child: Box<dyn Child + Send + Sync>,
    hung_up: Arc<AtomicBool>,
    reader: Option<JoinHandle<()>>,
    modes_before: String,
}

impl Terminal {
    /// Starts any program in a new terminal.
    pub fn open(command: CommandBuilder, size: PtySize) -> Self {
        let pair = native_pty_system().openpty(size).unwrap();
        let modes_before = modes(&*pair.master);
        let (rows, columns) = (some(size.rows), some(size.cols));
        let shown = Shown { parser: vt100::Parser::new(rows, columns, 0), bytes: Vec::new() };
        let shown = Arc::new((Mutex::new(shown), Condvar::new()));
        let hung_up = Arc::new(AtomicBool::new(false));
        let mut screen = pair.master.try_clone_reader().unwrap();
        let (for_reader, stop) = (Arc::clone(&shown), Arc::clone(&hung_up));
        let reader = thread::Builder::new()
            .name("screen".into())
            .spawn(move || {
                let mut buffer = [0; 4096];
                while let Ok(count @ 1..) = screen.read(&mut buffer) {
                    if stop.load(Ordering::SeqCst) {
                        break;
                    }
                    let mut shown = for_reader.0.lock().unwrap();
                    shown.parser.process(&buffer[..count]);
                    shown.bytes.extend(&buffer[..count]);
                    for_reader.1.notify_all();
                }
            })
            .unwrap();
        let child = pair.slave.spawn_command(command).unwrap();
        let keyboard = Some(pair.master.take_writer().unwrap());
        let (master, reader) = (Some(pair.master), Some(reader));
        Self { shown, keyboard, master, child, hung_up, reader, modes_before }
    }

    /// What is on the screen now.
    pub fn text(&self) -> String {
        self.shown.0.lock().unwrap().screen().contents()
    }

    /// The lines on the screen, each with whether it wraps into the next one.
    pub fn rows(&self) -> Vec<(String, bool)> {
        let shown = self.shown.0.lock().unwrap();
        let screen = shown.screen();
        (0..).zip(texts(screen)).map(|(row, text)| (text, screen.row_wrapped(row))).collect()
    }

    /// All bytes that the program has sent.
    pub fn bytes(&self) -> Vec<u8> {
        self.shown.0.lock().unwrap().bytes.clone()
    }

    /// Waits until the text is on the screen.
    pub fn sees(&self, text: &str) {
        self.sees_within(DEADLINE, text);
    }

    pub fn sees_within(&self, limit: Duration, text: &str) {
        self.wait(limit, text, |shown| shown.contains(text));
    }

    /// Waits until the text is not on the screen any more.
    pub fn sees_no_more(&self, text: &str) {
        self.wait(DEADLINE, &format!("without: {text}"), |shown| !shown.contains(text));
    }

    /// Waits until no spinner is on the screen.
    pub fn rests(&self) {
        self.wait(WITH_PYTHON, "a screen without a spinner", |shown| {
            let screen = shown.screen().contents();
            !screen.contains(|c| ('\u{2800}'..='\u{28ff}').contains(&c))
        });
    }

    /// Waits until the text is on a line of its own, also as a heading without colour (`# …`).
    pub fn sees_the_line(&self, line: &str) {
        self.wait(DEADLINE, &format!("the line: {line}"), |shown| {
            texts(shown.screen()).any(|row| row.trim_start_matches(['#', ' ']).trim_end() == line)
        });
    }

    fn wait(&self, limit: Duration, what: &str, done: impl Fn(&Shown) -> bool) {
        let in_time = self.comes_to_be(limit, done);
        assert!(in_time, "not within {limit:?}: {what}\n--- the screen ---\n{}\n---", self.text());
    }

    fn comes_to_be(&self, limit: Duration, done: impl Fn(&Shown) -> bool) -> bool {
        let shown = self.shown.0.lock().unwrap();
        let waited = self.shown.1.wait_timeout_while(shown, limit, |shown: &mut Shown| {
            !(shown.is_whole() && done(shown))
        });
        !waited.unwrap().1.timed_out()
    }

    /// Sends keys, all at once, as if typed by a very fast student.
    pub fn presses(&mut self, keys: impl AsRef<[u8]>) {
        let keyboard = self.keyboard.as_mut().unwrap();
        keyboard.write_all(keys.as_ref()).and_then(|()| keyboard.flush()).unwrap();
    }

    /// Waits for the `redis>` prompt and types a line.
    pub fn types(&mut self, line: &str) {
        self.is_asked_for_a_command();
        self.presses(line);
        self.wait(DEADLINE, line, |shown| !shown.has_an_empty_prompt());
        self.presses(ENTER);
    }

    /// Waits for an empty `redis>` prompt, below the text and not on the session's own screen.
    pub fn is_asked_for_a_command(&self) {
        self.wait(DEADLINE, "an empty prompt `redis>`", Shown::has_an_empty_prompt);
    }

    /// Resizes the window.
    pub fn resizes(&mut self, size: Size) {
        let mut shown = self.shown.0.lock().unwrap();
        shown.parser.screen_mut().set_size(some(size.1), some(size.0));
        self.master.as_ref().unwrap().resize(size.into()).unwrap();
    }

    pub fn process_id(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.process_id().unwrap()).unwrap())
    }

    pub fn sends(&self, signal: Signal) {
        kill(self.process_id(), signal).unwrap();
    }

    /// Does what a shell does when its job is stopped: sets the terminal's usual modes, and writes
    /// a line.
    pub fn is_the_shells_again(&self) {
        let name = self.master.as_ref().and_then(|master| master.tty_name()).unwrap();
        let mut tty =
            OpenOptions::new().read(true).write(true).custom_flags(O_NOCTTY).open(name).unwrap();
        tty.write_all(STOPPED.as_bytes()).unwrap();
        assert!(Command::new("stty").arg("sane").stdin(tty).status().unwrap().success());
        self.sees(STOPPED);
    }

    /// Whether keys arrive one by one, without an echo.
    pub fn is_raw(&self) -> bool {
        let modes = self.master.as_ref().map(|master| modes(&**master)).unwrap();
        !modes.contains("ICANON") && !modes.contains("ECHO |")
    }

    /// Reads nothing from the program until the end of `work`, like a frozen window.
    pub fn while_frozen<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> T {
        let shown = Arc::clone(&self.shown);
        let _reader_waits = shown.0.lock().unwrap();
        work(self)
    }

    /// Closes the window: the system sends SIGHUP.
    pub fn closes(mut self) {
        // The reader holds the terminal too: a byte from the other side wakes it up.
        self.hung_up.store(true, Ordering::SeqCst);
        let name = self.master.as_ref().and_then(|master| master.tty_name()).unwrap();
        let mut other_side =
            OpenOptions::new().read(true).write(true).custom_flags(O_NOCTTY).open(name).unwrap();
        other_side.write_all(b"\n").unwrap();
        self.reader.take().unwrap().join().unwrap();
        // Otherwise dropping the keyboard would send Ctrl-D, unlike a window that is closed.
        let no_ctrl_d = Command::new("stty").args(["eof", "undef"]).stdin(other_side).status();
        assert!(no_ctrl_d.unwrap().success());
        self.keyboard = None;
        self.master = None;
        let status = self.ends();
        assert_eq!(status.signal(), Some("Hangup"), "{status:?}");
    }

    /// Waits until the program has ended.
    pub fn ends(&mut self) -> ExitStatus {
        let ended = self.ends_within(DEADLINE);
        ended.unwrap_or_else(|| {
            panic!("redislings did not end\n--- the screen ---\n{}\n---", self.text())
        })
    }

    /// The exit status; `None` if the program has not ended by then.
    pub fn ends_within(&mut self, limit: Duration) -> Option<ExitStatus> {
        let deadline = Instant::now() + limit;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait().unwrap() {
                return Some(status);
            }
            thread::park_timeout(POLL);
        }
        None
    }

    /// Whether the terminal is as it was before the program, or will be once all output is read.
    pub fn is_sane(&self) -> bool {
        let modes = self.master.as_ref().map(|master| modes(&**master));
        self.comes_to_be(SOON, |shown| {
            let screen = shown.screen();
            let is_usual = !screen.hide_cursor() && !screen.bracketed_paste();
            is_usual && !screen.alternate_screen()
        }) && modes.as_ref() == Some(&self.modes_before)
    }
}

/// Ends the program of a test that has failed.
impl Drop for Terminal {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            let _ = self.child.kill();
        }
    }
}

/// Line editing, echo, signals and the rest, in a form that can be compared.
fn modes(master: &dyn MasterPty) -> String {
    let Some(modes) = master.get_termios() else { return String::new() };
    format!("{:?}", (modes.input_flags, modes.output_flags, modes.local_flags))
}

fn texts(screen: &vt100::Screen) -> impl Iterator<Item = String> + '_ {
    screen.rows(0, screen.size().1.get())
}

fn some(count: u16) -> NonZeroU16 {
    NonZeroU16::new(count).unwrap()
}
