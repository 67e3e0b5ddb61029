//! A student at a real pseudo-terminal.

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nix::libc::O_NOCTTY;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use portable_pty::{Child, CommandBuilder, ExitStatus, MasterPty, PtySize, native_pty_system};

/// For anything that needs no installation.
const DEADLINE: Duration = Duration::from_secs(12);
/// For a check in Python: the first one of all makes the environment.
pub const WITH_PYTHON: Duration = Duration::from_secs(240);
const POLL: Duration = Duration::from_millis(5);

const DOWN: &[u8] = b"\x1b[B";
const UP: &[u8] = b"\x1b[A";
const ENTER: &[u8] = b"\r";
pub const CTRL_C: &[u8] = b"\x03";
/// What inquire sends when a prompt is over: bracketed paste off.
const PROMPT_END: &[u8] = b"\x1b[?2004l";
/// The last words of a menu's last line.
const MENU_END: &str = "esc quits]";

/// Columns and rows.
#[derive(Clone, Copy)]
pub struct Size(pub u16, pub u16);

/// So high that nothing scrolls away.
pub const ROOMY: Size = Size(100, 400);

/// Somebody with a home of their own, who has never started redislings.
pub struct Student {
    place: tempfile::TempDir,
}

impl Student {
    pub fn new() -> Self {
        let place = tempfile::tempdir().unwrap();
        for folder in ["home", "state", "work", "tmp"] {
            std::fs::create_dir(place.path().join(folder)).unwrap();
        }
        let student = Self { place };
        student.writes_in_the_editor("");
        student
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    /// From now on the editor replaces all that is in the file.
    pub fn writes_in_the_editor(&self, text: &str) {
        std::fs::write(self.path("text"), text).unwrap();
        self.has_the_editor("cat \"$text\" > \"$1\"");
    }

    /// A shell script; `$1` is the file, `$text` what is to be written, `$place` the student's folder.
    pub fn has_the_editor(&self, script: &str) {
        let editor = self.path("scribe");
        let place = self.place.path().display();
        std::fs::write(
            &editor,
            format!("#!/bin/sh\nplace='{place}'\ntext=\"$place/text\"\n{script}\n"),
        )
        .unwrap();
        std::fs::set_permissions(&editor, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    pub fn starts_redislings(&self, size: Size) -> Terminal {
        self.starts_redislings_with(size, |_| {})
    }

    pub fn starts_redislings_with(
        &self,
        Size(cols, rows): Size,
        change: impl FnOnce(&mut CommandBuilder),
    ) -> Terminal {
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_redislings"));
        command.args(["--lessons", concat!(env!("CARGO_MANIFEST_DIR"), "/lessons")]);
        command.args(["--server", server()]);
        for (name, value) in self.environment() {
            command.env(name, value);
        }
        for name in FOREIGN {
            command.env_remove(name);
        }
        command.cwd(self.path("work"));
        change(&mut command);
        Terminal::open(command, PtySize { rows, cols, ..PtySize::default() })
    }

    /// What a process of this student's has in its environment.
    pub fn environment(&self) -> Vec<(&'static str, PathBuf)> {
        vec![
            ("HOME", self.path("home")),
            ("XDG_STATE_HOME", self.path("state")),
            // Shared, so that the Python environment is made once.
            ("XDG_CACHE_HOME", Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache")),
            ("TMPDIR", self.path("tmp")),
            ("EDITOR", self.path("scribe")),
            ("TERM", PathBuf::from("xterm-256color")),
            ("REDISLINGS_PORT", PathBuf::from("0")),
        ]
    }

    /// Waits until nothing of redislings is left: no process, no private directory.
    pub fn has_nothing_left_within(&self, limit: Duration) {
        let left = || {
            let mut left = self.processes();
            let entries = std::fs::read_dir(self.path("tmp")).unwrap().flatten();
            left.extend(entries.map(|entry| entry.path().display().to_string()));
            left
        };
        until(limit, || left().is_empty(), || format!("left behind: {:#?}", left()));
    }

    /// The command lines of all processes that descend from this student's redislings.
    pub fn processes(&self) -> Vec<String> {
        let mark = format!("TMPDIR={}", self.path("tmp").display());
        let is_ours = |process: &PathBuf| {
            std::fs::read(process.join("environ")).is_ok_and(|environ| {
                environ.split(|&byte| byte == 0).any(|it| it == mark.as_bytes())
            })
        };
        let line = |process: PathBuf| {
            let words = std::fs::read(process.join("cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&words).replace('\0', " ")
        };
        let all = std::fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path());
        all.filter(is_ours).map(line).collect()
    }

    pub fn waits_for_the_file(&self, name: &str, limit: Duration) {
        let path = self.path(name);
        until(limit, || path.exists(), || format!("`{}` never came", path.display()));
    }
}

/// Would change what redislings does.
pub const FOREIGN: [&str; 11] = [
    "NO_COLOR",
    "CLICOLOR",
    "FORCE_HYPERLINK",
    "REDISLINGS_PLAIN",
    "CLICOLOR_FORCE",
    "VISUAL",
    "REDISLINGS_SERVER",
    "REDISLINGS_IMAGE",
    "REDISLINGS_LESSONS",
    "PYTHONPATH",
    "REDIS_URL",
];

/// The quickest server that is here.
fn server() -> &'static str {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let has = |name: &str| std::env::split_paths(&path).any(|folder| folder.join(name).is_file());
    if has("redis-server") || has("valkey-server") { "process" } else { "bundled" }
}

fn until(limit: Duration, done: impl Fn() -> bool, why: impl Fn() -> String) {
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
        let shown = Shown { parser: screen_of(size), bytes: Vec::new() };
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
        self.shown.0.lock().unwrap().parser.screen().contents()
    }

    /// The lines on the screen; the second value says whether the line goes on in the next one.
    pub fn rows(&self) -> Vec<(String, bool)> {
        let shown = self.shown.0.lock().unwrap();
        let screen = shown.parser.screen();
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
        self.wait(limit, text, |shown| shown.parser.screen().contents().contains(text));
    }

    fn wait(&self, limit: Duration, what: &str, done: impl Fn(&Shown) -> bool) {
        let shown = self.shown.0.lock().unwrap();
        let (shown, waited) =
            self.shown.1.wait_timeout_while(shown, limit, |shown| !done(shown)).unwrap();
        if waited.timed_out() {
            let screen = shown.parser.screen().contents();
            drop(shown);
            panic!("not within {limit:?}: {what}\n--- the screen ---\n{screen}\n---");
        }
    }

    pub fn presses(&mut self, keys: &[u8]) {
        let keyboard = self.keyboard.as_mut().unwrap();
        keyboard.write_all(keys).and_then(|()| keyboard.flush()).unwrap();
    }

    /// Types a line at the `redis>` prompt.
    pub fn types(&mut self, line: &str) {
        self.is_asked_for_a_command();
        self.presses(line.as_bytes());
        self.answers();
    }

    /// Waits for an empty `redis>` prompt.
    pub fn is_asked_for_a_command(&self) {
        self.wait(DEADLINE, "an empty prompt `redis>`", |shown| {
            let screen = shown.parser.screen();
            let (row, _) = screen.cursor_position();
            let text = texts(screen).nth(row.into()).unwrap_or_default();
            text.trim_end() == "redis>" && is_asking(screen)
        });
    }

    /// Presses Enter and waits until the question is over.
    fn answers(&mut self) {
        let before = self.bytes().len();
        self.presses(ENTER);
        self.wait(DEADLINE, "the end of the question", |shown| {
            shown.bytes[before..].windows(PROMPT_END.len()).any(|it| it == PROMPT_END)
        });
    }

    /// What the open menu offers, as labels; waits until one is open.
    pub fn menu(&self) -> Vec<String> {
        self.menu_within(DEADLINE)
    }

    pub fn menu_within(&self, limit: Duration) -> Vec<String> {
        self.wait(limit, "a menu", |shown| open_menu(shown).is_some());
        let menu = open_menu(&self.shown.0.lock().unwrap()).unwrap_or_default();
        menu.into_iter().map(|(label, _)| label).collect()
    }

    /// Chooses the option that begins with `label`, with the arrow keys, also below the menu's edge.
    pub fn chooses(&mut self, label: &str) {
        self.chooses_within(DEADLINE, label);
    }

    pub fn chooses_within(&mut self, limit: Duration, label: &str) {
        self.wait(limit, "a menu", |shown| open_menu(shown).is_some());
        for _ in 0..30 {
            let menu = open_menu(&self.shown.0.lock().unwrap()).unwrap_or_default();
            let chosen = menu.iter().position(|(_, is_chosen)| *is_chosen).unwrap_or(0);
            match menu.iter().position(|(option, _)| option.starts_with(label)) {
                Some(place) if place == chosen => return self.answers(),
                Some(place) if place < chosen => self.moves(UP),
                _ => self.moves(DOWN),
            }
        }
        panic!("no `{label}` in the menu\n--- the screen ---\n{}\n---", self.text());
    }

    fn moves(&mut self, key: &[u8]) {
        let before = self.shown.0.lock().unwrap();
        let menu = open_menu(&before);
        drop(before);
        self.presses(key);
        self.wait(DEADLINE, "the arrow to move", |shown| {
            let now = open_menu(shown);
            now.is_some() && now != menu
        });
    }

    pub fn sends(&self, signal: Signal) {
        let pid = i32::try_from(self.child.process_id().unwrap()).unwrap();
        kill(Pid::from_raw(pid), signal).unwrap();
    }

    /// Closes the window: the system sends SIGHUP.
    pub fn closes(mut self) {
        // The reader holds the terminal too: what is sent from the other side wakes it up.
        self.hung_up.store(true, Ordering::SeqCst);
        let name = self.master.as_ref().and_then(|master| master.tty_name()).unwrap();
        let mut other_side =
            OpenOptions::new().write(true).custom_flags(O_NOCTTY).open(name).unwrap();
        other_side.write_all(b"\n").unwrap();
        self.reader.take().unwrap().join().unwrap();
        drop(other_side);
        self.keyboard = None;
        self.master = None;
        assert_eq!(self.ends().signal(), Some("Hangup"));
    }

    /// Waits until the program has ended.
    pub fn ends(&mut self) -> ExitStatus {
        let deadline = Instant::now() + DEADLINE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            let screen = || format!("\n--- the screen ---\n{}\n---", self.text());
            assert!(Instant::now() < deadline, "redislings did not end{}", screen());
            thread::park_timeout(POLL);
        }
    }

    /// Whether the terminal is as the program found it.
    pub fn is_sane(&self) -> bool {
        let shown = self.shown.0.lock().unwrap();
        let screen = shown.parser.screen();
        self.master.as_ref().map(|it| modes(&**it)).as_ref() == Some(&self.modes_before)
            && !screen.hide_cursor()
            && !screen.bracketed_paste()
            && !screen.alternate_screen()
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

/// The options of the open menu and which of them is highlighted.
fn open_menu(shown: &Shown) -> Option<Vec<(String, bool)>> {
    let screen = shown.parser.screen();
    let rows: Vec<String> = texts(screen).collect();
    let end = rows.iter().rposition(|row| row.ends_with(MENU_END))?;
    let start = rows[..end].iter().rposition(|row| row.starts_with("? "))?;
    let nothing_below = rows[end + 1..].iter().all(|row| row.trim().is_empty());
    let options = rows[start + 1..end].iter().map(|row| {
        let label: String = row.chars().skip(2).collect();
        (label.trim_end().to_owned(), row.starts_with('>'))
    });
    let options: Vec<_> = options.collect();
    let is_whole = options.iter().filter(|(_, is_chosen)| *is_chosen).count() == 1;
    (nothing_below && is_whole && is_asking(screen)).then_some(options)
}

/// inquire turns bracketed paste on for a prompt, and the cursor off while it draws.
fn is_asking(screen: &vt100::Screen) -> bool {
    screen.bracketed_paste() && !screen.hide_cursor()
}

fn texts(screen: &vt100::Screen) -> impl Iterator<Item = String> + '_ {
    screen.rows(0, screen.size().1.get())
}

fn screen_of(size: PtySize) -> vt100::Parser {
    let some = |count| NonZeroU16::new(count).unwrap();
    vt100::Parser::new(some(size.rows), some(size.cols), 0)
}
