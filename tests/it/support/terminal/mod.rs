//! A student at a real pseudo-terminal: keys go in, a screen is seen. Nothing sleeps: what is to come is waited for.

mod student;

use std::fmt::Write as _;
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

/// For anything that needs no installation; long, for a machine with much else to do.
const DEADLINE: Duration = Duration::from_secs(30);
/// For a check in Python: the first one of all makes the environment.
pub const WITH_PYTHON: Duration = Duration::from_secs(240);
/// For what a program that has ended still has on its way.
const SOON: Duration = Duration::from_secs(3);
const POLL: Duration = Duration::from_millis(5);

pub const CTRL_C: &str = "\x03";
pub const CTRL_D: &str = "\x04";
pub const ENTER: &str = "\r";
pub const ESCAPE: &str = "\x1b";
pub const UP: &str = "\x1b[A";
pub const DOWN: &str = "\x1b[B";
pub const HOME: &str = "\x1b[H";
pub const END: &str = "\x1b[F";

/// A whole screen is sent between these: what lies between is half drawn.
const BEGIN_UPDATE: &[u8] = b"\x1b[?2026h";
const END_UPDATE: &[u8] = b"\x1b[?2026l";

/// Columns and rows.
#[derive(Debug, Clone, Copy)]
pub struct Size(pub u16, pub u16);

/// So high that nothing scrolls away.
pub const ROOMY: Size = Size(100, 400);
/// What most terminals begin with.
pub const USUAL: Size = Size(80, 24);
/// A terminal beside something else.
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

/// All that came from the program.
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

    /// Whether nothing is in the middle of being drawn.
    fn is_whole(&self) -> bool {
        let last = |mark: &[u8]| self.bytes.windows(mark.len()).rposition(|it| it == mark);
        last(BEGIN_UPDATE) <= last(END_UPDATE)
    }
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
    /// Starts any program in one.
    pub fn open(command: CommandBuilder, size: PtySize) -> Self {
        let pair = native_pty_system().openpty(size).unwrap();
        let modes_before = modes(&*pair.master);
        let (rows, columns) = (some(size.rows), some(size.cols));
        let shown = Shown { parser: vt100::Parser::new(rows, columns, 0), bytes: Vec::new() };
        let shown = Arc::new((Mutex::new(shown), Condvar::new()));
        let hung_up = Arc::new(AtomicBool::new(false));
        let mut screen = pair.master.try_clone_reader().unwrap();
        let (for_reader, stop) = (Arc::clone(&shown), Arc::clone(&hung_up));
        let read = move || {
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
        };
        let reader = thread::Builder::new().name("screen".into()).spawn(read).unwrap();
        let child = pair.slave.spawn_command(command).unwrap();
        let keyboard = Some(pair.master.take_writer().unwrap());
        let (master, reader) = (Some(pair.master), Some(reader));
        Self { shown, keyboard, master, child, hung_up, reader, modes_before }
    }

    /// What is on the screen now.
    pub fn text(&self) -> String {
        self.shown.0.lock().unwrap().screen().contents()
    }

    /// The lines on the screen; the second value says whether the line goes on in the next one.
    pub fn rows(&self) -> Vec<(String, bool)> {
        let shown = self.shown.0.lock().unwrap();
        let screen = shown.screen();
        (0..).zip(texts(screen)).map(|(row, text)| (text, screen.row_wrapped(row))).collect()
    }

    /// All that the program has sent.
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

    /// Whether the text is on the screen soon.
    pub fn comes_to_see(&self, text: &str) -> bool {
        self.comes_to_be(SOON, |shown| shown.contains(text))
    }

    /// Waits until the text is not on the screen any more.
    pub fn sees_no_more(&self, text: &str) {
        self.wait(DEADLINE, &format!("without: {text}"), |shown| !shown.contains(text));
    }

    /// Waits until nothing turns on the screen any more.
    pub fn rests(&self) {
        let turns = |text: &str| text.contains(|c| ('\u{2800}'..='\u{28ff}').contains(&c));
        self.wait(WITH_PYTHON, "a screen that rests", |shown| !turns(&shown.screen().contents()));
    }

    /// Waits until the text stands in a line of its own: also as a heading where there is no colour.
    pub fn sees_the_line(&self, line: &str) {
        self.wait(DEADLINE, &format!("the line: {line}"), |shown| {
            texts(shown.screen()).any(|row| row.trim_start_matches(['#', ' ']).trim_end() == line)
        });
    }

    fn wait(&self, limit: Duration, what: &str, done: impl Fn(&Shown) -> bool) {
        let screen = || format!("\n--- the screen ---\n{}\n---", self.text());
        assert!(self.comes_to_be(limit, done), "not within {limit:?}: {what}{}", screen());
    }

    fn comes_to_be(&self, limit: Duration, done: impl Fn(&Shown) -> bool) -> bool {
        let shown = self.shown.0.lock().unwrap();
        let is_waited_for = |shown: &mut Shown| !(shown.is_whole() && done(shown));
        let (_shown, waited) =
            self.shown.1.wait_timeout_while(shown, limit, is_waited_for).unwrap();
        !waited.timed_out()
    }

    /// Keys, one after the other; they are there at once, as if typed by a very quick student.
    pub fn presses(&mut self, keys: impl AsRef<[u8]>) {
        let keyboard = self.keyboard.as_mut().unwrap();
        keyboard.write_all(keys.as_ref()).and_then(|()| keyboard.flush()).unwrap();
    }

    /// Types a line at the `redis>` prompt, once it is there.
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

    /// The window gets another size.
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

    /// As a window that shows nothing any more, though the program goes on writing: until the end of `work`.
    pub fn while_frozen<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> T {
        let shown = Arc::clone(&self.shown);
        let _reader_waits = shown.0.lock().unwrap();
        work(self)
    }

    /// Closes the window: the system sends SIGHUP.
    pub fn closes(mut self) {
        // The reader holds the terminal too: what is sent from the other side wakes it up.
        self.hung_up.store(true, Ordering::SeqCst);
        let name = self.master.as_ref().and_then(|master| master.tty_name()).unwrap();
        let mut other_side =
            OpenOptions::new().read(true).write(true).custom_flags(O_NOCTTY).open(name).unwrap();
        other_side.write_all(b"\n").unwrap();
        self.reader.take().unwrap().join().unwrap();
        // Else the keyboard's last key would be a Ctrl-D, and no window that is closed types that.
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

    /// `None`: it has not ended by then.
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

    /// Whether the terminal is as the program found it, or will be when all is read that the program has sent.
    pub fn is_sane(&self) -> bool {
        let modes = self.master.as_ref().map(|master| modes(&**master));
        self.comes_to_be(SOON, |shown| {
            let screen = shown.screen();
            let is_usual = !screen.hide_cursor() && !screen.bracketed_paste();
            is_usual && !screen.alternate_screen()
        }) && modes.as_ref() == Some(&self.modes_before)
    }
}

/// Of a test that has failed.
impl Drop for Terminal {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            let _ = self.child.kill();
        }
    }
}

/// Line editing, echo, signals and the rest, in a form that can be compared.
fn modes(master: &dyn MasterPty) -> String {
    let Some(it) = master.get_termios() else { return String::new() };
    let mut text = String::new();
    let _ = write!(text, "{:?}", (it.input_flags, it.output_flags, it.local_flags));
    text
}

fn texts(screen: &vt100::Screen) -> impl Iterator<Item = String> + '_ {
    screen.rows(0, screen.size().1.get())
}

fn some(count: u16) -> NonZeroU16 {
    NonZeroU16::new(count).unwrap()
}
