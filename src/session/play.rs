//! The Redis prompt in the session: a step's own server, through the tap, like any other client.

use std::fmt::Write as _;
use std::io::Write as _;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::backstage::{LiveNews, News, Order};
use super::console::{Event, Key};
use super::work::{Busy, Work};
use super::{Session, TURN};
use crate::ask::NoAnswer;
use crate::attempt::commands::{WAIT_BGSAVE, is_wait, unknown_runner_line};
use crate::cleanup::{self, InterruptibleWait};
use crate::error::WorldError;
use crate::lesson::Exercise;
use crate::present::{checks, plain, screen_width, terminal as shown, waiting};
use crate::redis_prompt::{Asked, CommandDocs, Editor, Executor, Line, Meanwhile, Outcome};

/// How long a reply's effect on the checks is waited for before the next prompt.
const TICK_PATIENCE: Duration = Duration::from_millis(200);
/// Who waits longer sees that work goes on.
const SILENCE: Duration = Duration::from_millis(400);
/// For a command at a step without an exercise.
const FREE_LIMIT: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(10);

/// What a line at the prompt leads to.
enum After {
    NextLine,
    Leave,
}

impl Session<'_> {
    pub(super) fn play(&mut self) {
        let Some((server, docs)) = self.begin_work() else { return };
        let editor = match self.prompt.take() {
            Some(editor) => Ok(editor),
            None => Editor::new(
                self.kept.history.clone(),
                Arc::clone(&docs),
                colored::control::SHOULD_COLORIZE.should_colorize(),
            ),
        };
        let Some(mut editor) = self.tell_if_failed(editor) else { return };
        // The checks are to stand as they are on this server.
        self.wait_for_a_look(Instant::now(), TICK_PATIENCE);
        self.console.step_aside();
        self.introduce_prompt(&server);
        let failed = self.read_lines(&mut editor, &docs);
        self.console.come_back();
        self.prompt = Some(editor);
        self.rendered = None;
        if let Some(error) = failed {
            self.status = shown::world_error(&error);
        } else if !self.has_passed() && self.may_be_judged_by_hand() && self.work.is_at_hand {
            self.tell("`j` judges what was done, crash and all; `p` goes on with it");
        }
    }

    /// Waits until work by hand has begun on a server, or the student has enough of waiting.
    fn begin_work(&mut self) -> Option<(String, Arc<CommandDocs>)> {
        self.backstage.order(Order::Begin);
        self.work.busy = Some(Busy::with("starting a server".to_owned()));
        loop {
            while let Some(news) = self.news() {
                match news {
                    News::Began { server, docs } => {
                        self.work.busy = None;
                        self.work.is_at_hand = true;
                        return Some((server, docs));
                    }
                    news => self.take(news),
                }
            }
            self.work.busy.as_ref()?;
            if self.drawn.elapsed() >= TURN {
                self.draw();
            }
            if plain::is_on() {
                // Lines are read there, and the next one is for the prompt.
                std::thread::park_timeout(POLL);
                continue;
            }
            match self.console.event(POLL) {
                Ok(Some(Event::Key(
                    Key::Interrupt | Key::Escape | Key::Closed | Key::Char('q'),
                )))
                | Err(_) => {
                    self.work.busy = None;
                    return None;
                }
                Ok(_) => {}
            }
        }
    }

    fn introduce_prompt(&self, server: &str) {
        let address = self.address.as_deref().unwrap_or_default();
        let mut text = String::from("\n");
        let lines = [
            format!("{server} at {address}: any other client there counts too"),
            "`help COMMAND` explains a command; Ctrl-D or `exit` goes back to the lesson"
                .to_owned(),
            format!("`{WAIT_BGSAVE}` waits for a background save"),
        ];
        for line in self.warning.iter().chain(&lines) {
            text.push_str(&shown::notice(line, screen_width()));
        }
        if let Some(exercise) = self.exercise() {
            let marks = self.work.marks(exercise);
            for (check, mark) in exercise.checks.iter().zip(&marks) {
                let _ = writeln!(text, "  {}", checks::line(*mark, &check.sentence()));
            }
        }
        print(&text);
    }

    /// Reads and runs lines until the student leaves; gives what made it impossible to go on.
    fn read_lines(&mut self, editor: &mut Editor, docs: &CommandDocs) -> Option<WorldError> {
        let address = self.address.clone()?;
        let target =
            match redis::IntoConnectionInfo::into_connection_info(format!("redis://{address}")) {
                Ok(target) => target,
                Err(error) => return Some(WorldError::new(error.to_string(), "try again")),
            };
        let mut executor = Executor::new(target);
        // Between a reply and the next line, and on a dumb terminal always, Ctrl-C is a signal: the line is gone then,
        // and the program stays.
        let _line_only = InterruptibleWait::begin();
        loop {
            cleanup::stop_if_a_signal_came();
            let text = match self.read_line(editor, &executor.prompt()) {
                Ok(Line::Typed(text)) => text,
                Ok(Line::Cancelled) | Err(NoAnswer::Cancelled | NoAnswer::Interrupted) => continue,
                Ok(Line::End) => return None,
                Err(NoAnswer::Failed(why)) => {
                    let fact = format!("the prompt can't be read: {why}");
                    return Some(WorldError::new(
                        fact,
                        "write the commands into the answer's file",
                    ));
                }
            };
            let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
            for line in &lines {
                if lines.len() > 1 {
                    print(&shown::typed_line(executor.prompt().trim_end(), line));
                }
                if let After::Leave = self.run_line(line, &mut executor, docs) {
                    return None;
                }
            }
        }
    }

    fn run_line(&mut self, line: &str, executor: &mut Executor, docs: &CommandDocs) -> After {
        let before = self.standing();
        match Asked::of(line) {
            Asked::Nothing => return After::NextLine,
            Asked::Leave => return After::Leave,
            Asked::Help(words) => {
                let words: Vec<&str> = words.iter().map(String::as_str).collect();
                print(&format!("{}\n", docs.help(&words).trim_end_matches('\n')));
                return After::NextLine;
            }
            Asked::Clear => {
                print("\x1b[H\x1b[2J");
                return After::NextLine;
            }
            Asked::Runner(line) if is_wait(&line) => {
                self.keep_in_mind(&line);
                self.wait_for_background_save();
            }
            Asked::Runner(line) => {
                print(&shown::notice(&unknown_runner_line(&line), screen_width()));
                return After::NextLine;
            }
            Asked::Command(line) => self.run_command(&line, executor),
        }
        self.tell_ticks(&before);
        After::NextLine
    }

    /// A line of what may become an answer: before it runs, since it may be the one that makes it pass.
    fn keep_in_mind(&mut self, line: &str) {
        if self.may_be_judged_by_hand() && self.work.is_at_hand {
            self.work.keep_in_mind(line);
        }
    }

    fn run_command(&mut self, line: &str, executor: &mut Executor) {
        let limit = self.exercise().map_or(FREE_LIMIT, |exercise| exercise.time_limit);
        let kept_before = self.work.typed.len();
        self.keep_in_mind(line);
        let mut wait = Wait::begin("no reply yet");
        let reply = executor.run(line, limit, &mut |meanwhile| match meanwhile {
            Meanwhile::Waiting(elapsed) => wait.goes_on(elapsed),
            Meanwhile::Message(message) => wait.shows(message),
        });
        drop(wait);
        if reply.end == Outcome::Cancelled {
            // It has no reply, and would have none in the answer's file.
            self.work.typed.truncate(kept_before);
            print(&shown::notice("given up: the connection was closed", screen_width()));
        } else if !reply.text.is_empty() {
            print(&format!("{}\n", shown::printable_lines(&reply.text)));
        }
        self.wait_for_a_look(Instant::now(), TICK_PATIENCE);
    }

    /// Takes news until one tells of a look that began after `since`.
    fn wait_for_a_look(&mut self, since: Instant, patience: Duration) {
        let deadline = Instant::now() + patience;
        let mut has_looked = self.exercise().is_none();
        while !has_looked && Instant::now() < deadline {
            while let Some(news) = self.news() {
                has_looked |= matches!(&news, News::Live(live) if live.looked >= since);
                if let News::Failed(error) = &news {
                    print(&shown::world_error(error));
                    has_looked = true;
                }
                self.take(news);
            }
            std::thread::park_timeout(POLL);
        }
    }

    /// How the checks stand.
    fn standing(&self) -> Standing {
        let Some(exercise) = self.exercise() else { return Standing::default() };
        let has_passed = self.progress.has(&exercise.id);
        Standing { marks: self.work.marks(exercise), has_passed }
    }

    /// Prints which checks have been met since then.
    fn tell_ticks(&mut self, before: &Standing) {
        let Some(exercise) = self.exercise() else { return };
        for sentence in self.work.newly_met(&before.marks, exercise) {
            print(&format!("  {}\n", checks::line(checks::Mark::Met, &sentence)));
        }
        if !before.has_passed && self.progress.has(&exercise.id) {
            print(&format!("{}\n", passed_line()));
        } else if let Some(doubt) = self.work.live.as_ref().and_then(|live| live.doubt.as_ref()) {
            print(&shown::notice(doubt, screen_width()));
        }
    }

    /// `@wait-bgsave`: by what the looks at the server tell, so that the transcript shows only what is the student's.
    fn wait_for_background_save(&mut self) {
        let began = Instant::now();
        let mut wait = Wait::begin("a background save runs");
        loop {
            while let Some(news) = self.news() {
                let end = match &news {
                    News::Live(live) if live.looked >= began => end_of_save(live, &mut wait),
                    News::Failed(error) => Some(error.fact.clone()),
                    _ => None,
                };
                self.take(news);
                if let Some(end) = end {
                    drop(wait);
                    return print(&format!("{end}\n"));
                }
            }
            if wait.goes_on(began.elapsed()).is_break() {
                drop(wait);
                return print(&shown::notice("given up", screen_width()));
            }
            std::thread::park_timeout(POLL);
        }
    }

    /// Reads a line; what happens meanwhile on the server, by whichever client, is shown above it.
    fn read_line(&mut self, editor: &mut Editor, prompt: &str) -> Result<Line, NoAnswer> {
        let exercise = self.exercise();
        let (Some(mut printer), Some(exercise)) = (editor.printer(), exercise) else {
            return editor.read(prompt);
        };
        let mut marks = self.work.marks(exercise);
        let has_passed = self.progress.has(&exercise.id);
        let mut progress = self.progress.again().ok();
        let stop = AtomicBool::new(false);
        let receiver = self.backstage.receiver();
        let (line, news) = std::thread::scope(|scope| {
            let stop = &stop;
            let watch = move || {
                let mut all = Vec::new();
                while !stop.load(Ordering::SeqCst) {
                    let Ok(news) = receiver.recv_timeout(POLL) else { continue };
                    for sentence in met_by(&news.1, &mut marks, exercise) {
                        printer(&format!("  {}", checks::line(checks::Mark::Met, &sentence)));
                    }
                    if let News::Failed(error) = &news.1 {
                        printer(shown::world_error(error).trim_end());
                    }
                    if !has_passed && matches!(&news.1, News::Live(live) if live.passed.is_some()) {
                        // Kept at once: the window may be closed before the next key. What fails here is told when
                        // the news are taken.
                        let _ = progress.as_mut().map(|progress| progress.add(&exercise.id));
                        printer(&passed_line());
                    }
                    all.push(news);
                }
                all
            };
            let watching =
                std::thread::Builder::new().name("ticks".into()).spawn_scoped(scope, watch);
            let line = editor.read(prompt);
            stop.store(true, Ordering::SeqCst);
            // Without the thread, news are taken with the next line.
            let news = watching.ok().and_then(|watching| watching.join().ok());
            (line, news.unwrap_or_default())
        });
        for dated in news {
            if let Some(news) = self.unless_late(dated) {
                self.take(news);
            }
        }
        line
    }
}

/// How the checks stood at a moment.
#[derive(Default)]
struct Standing {
    marks: Vec<checks::Mark>,
    has_passed: bool,
}

fn passed_line() -> String {
    format!("  {}", shown::result_line(true, "passed: all checks met").trim_end())
}

/// What to say at the end of a background save; `None` while it runs.
fn end_of_save(live: &LiveNews, wait: &mut Wait) -> Option<String> {
    match (&live.saving, &live.verdict) {
        (Some(progress), _) => {
            wait.what = waiting::saving(*progress);
            None
        }
        (None, Some(_)) => Some("no background save runs".to_owned()),
        (None, None) => None,
    }
}

/// The sentences of the checks that these news tell to be met now.
fn met_by(news: &News, shown: &mut Vec<checks::Mark>, exercise: &Exercise) -> Vec<String> {
    let News::Live(LiveNews { verdict: Some(verdict), .. }) = news else { return Vec::new() };
    let work = Work { live: Some(verdict.clone()), ..Work::default() };
    let met = work.newly_met(shown, exercise);
    *shown = work.marks(exercise);
    met
}

/// A wait that is seen, and ended by Ctrl-C.
struct Wait {
    what: String,
    is_shown: bool,
    interruptible: InterruptibleWait,
}

impl Wait {
    fn begin(what: &str) -> Self {
        let interruptible = InterruptibleWait::begin();
        Self { what: what.to_owned(), is_shown: false, interruptible }
    }

    fn goes_on(&mut self, elapsed: Duration) -> ControlFlow<()> {
        cleanup::stop_if_a_signal_came();
        if self.interruptible.is_interrupted() {
            return ControlFlow::Break(());
        }
        if elapsed >= SILENCE && !(plain::is_on() && self.is_shown) {
            let text = format!("{} · {:.1} s · Ctrl-C gives up", self.what, elapsed.as_secs_f64());
            let line =
                waiting::line(&text, elapsed, Duration::ZERO, screen_width().saturating_sub(1));
            print(&if plain::is_on() { format!("{line}\n") } else { format!("\r\x1b[K{line}") });
            self.is_shown = true;
        }
        ControlFlow::Continue(())
    }

    /// What came from the server in the meantime.
    fn shows(&mut self, message: &str) -> ControlFlow<()> {
        self.wipe();
        "waiting for more".clone_into(&mut self.what);
        print(&format!("{}\n", shown::printable_lines(message)));
        self.goes_on(Duration::ZERO)
    }

    fn wipe(&mut self) {
        if self.is_shown && !plain::is_on() {
            print("\r\x1b[K");
        }
        self.is_shown = false;
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        self.wipe();
    }
}

/// The prompt is no screen of its own: lines go below one another, and stay in the shell's window.
fn print(text: &str) {
    cleanup::stop_if_a_signal_came();
    let mut out = std::io::stdout().lock();
    // A lost terminal ends the session by its signal, not here.
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
