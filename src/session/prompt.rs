//! The Redis prompt of the session. It connects to the step's own server through the relay, like
//! any other client.

mod live_checks;
mod shown_wait;

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use self::live_checks::{CheckState, LiveChecks, POLL, passed_line};
use self::shown_wait::{ShownWait, print};
use super::console::{Event, Key};
use super::step_state::Busy;
use super::worker::{LiveEvent, Request, WorkerEvent};
use super::{SPINNER_TICK, Session};
use crate::ask::NoAnswer;
use crate::attempt::commands::unknown_runner_line;
use crate::cleanup::{self, InterruptibleWait};
use crate::error::EnvironmentError;
use crate::present::{checks, plain, screen_width, terminal as shown, waiting};
use crate::redis_prompt::{
    Asked, CommandDocs, Editor, EditorLine, Executor, PromptOutcome, WhileWaiting,
};
use crate::topics::{self, BackgroundWork};

/// How long to wait for a reply's effect on the checks before the next prompt.
const CHECKS_TIMEOUT: Duration = Duration::from_millis(200);
/// The time limit of a command at a step without an exercise.
const LIMIT_WITHOUT_EXERCISE: Duration = Duration::from_secs(60);

/// What a line at the prompt leads to.
enum After {
    NextLine,
    Leave,
}

impl Session<'_> {
    pub(super) fn open_prompt(&mut self) {
        let Some((server, docs)) = self.begin_work() else { return };
        let editor = match self.prompt.take() {
            Some(editor) => Ok(editor),
            None => Editor::new(
                self.kept.history.clone(),
                Arc::clone(&docs),
                colored::control::SHOULD_COLORIZE.should_colorize(),
            ),
        };
        let Some(mut editor) = self.report_if_failed(editor) else { return };
        // The introduction shows the checks as they are on this server.
        self.wait_for_a_look(Instant::now(), CHECKS_TIMEOUT);
        self.console.suspend_ui();
        self.introduce_prompt(&server);
        let failed = self.read_lines(&mut editor, &docs);
        self.console.resume_ui();
        self.prompt = Some(editor);
        self.rendered = None;
        if let Some(error) = failed {
            self.status = shown::environment_error(&error);
        } else if !self.has_passed() && self.may_be_judged_by_hand() && self.work.is_at_hand {
            self.tell("`j` judges what was done, `p` returns to the prompt");
        }
    }

    /// Waits until work by hand has begun on a server. `None` if that failed or the student
    /// cancelled.
    fn begin_work(&mut self) -> Option<(String, Arc<CommandDocs>)> {
        self.worker.request(Request::Begin);
        self.work.busy = Some(Busy::with("starting a server".to_owned()));
        loop {
            while let Some(event) = self.next_event() {
                match event {
                    WorkerEvent::Began { server, docs } => {
                        self.work.busy = None;
                        self.work.is_at_hand = true;
                        return Some((server, docs));
                    }
                    event => self.take(event),
                }
            }
            self.work.busy.as_ref()?;
            if self.drawn.elapsed() >= SPINNER_TICK {
                self.draw();
            }
            if plain::is_on() {
                // This console reads whole lines, and the next one is for the prompt.
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
            format!("{server} at {address}: other clients there count too"),
            "`help COMMAND` explains a command; Ctrl-D or `exit` goes back to the lesson"
                .to_owned(),
        ];
        let waits = topics::background()
            .map(|work| format!("`{}` waits for a {}", work.wait_line, work.name));
        let lines: Vec<String> =
            self.warning.clone().into_iter().chain(lines).chain(waits).collect();
        for line in &lines {
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

    /// Reads and runs lines until the student leaves. Returns the error if the prompt cannot go on.
    fn read_lines(&mut self, editor: &mut Editor, docs: &CommandDocs) -> Option<EnvironmentError> {
        let address = self.address.clone()?;
        let target =
            match redis::IntoConnectionInfo::into_connection_info(format!("redis://{address}")) {
                Ok(target) => target,
                Err(error) => return Some(EnvironmentError::new(error.to_string(), "try again")),
            };
        let mut executor = Executor::new(target);
        // Between a reply and the next line, and always on a dumb terminal, Ctrl-C is a signal: it
        // must drop the line, not end the program.
        let _line_only = InterruptibleWait::begin();
        loop {
            cleanup::stop_if_a_signal_came();
            let text = match self.read_line(editor, &executor.prompt()) {
                Ok(EditorLine::Typed(text)) => text,
                Ok(EditorLine::Cancelled) | Err(NoAnswer::Cancelled | NoAnswer::Interrupted) => {
                    continue;
                }
                Ok(EditorLine::End) => return None,
                Err(NoAnswer::Failed(why)) => {
                    return Some(EnvironmentError::new(
                        format!("cannot read the prompt: {why}"),
                        "write the commands into the answer file",
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
        let before = self.check_state();
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
            Asked::Runner(line) => {
                let Some(work) = topics::awaited_by(&line) else {
                    print(&shown::notice(&unknown_runner_line(&line), screen_width()));
                    return After::NextLine;
                };
                self.record_line(&line);
                self.wait_for(work);
            }
            Asked::Command(line) => self.run_command(&line, executor),
        }
        self.report_ticks(&before);
        After::NextLine
    }

    /// Records a line that may become part of an answer; before it runs, because the exercise may
    /// pass with it.
    fn record_line(&mut self, line: &str) {
        if self.may_be_judged_by_hand() && self.work.is_at_hand {
            self.work.record_line(line);
        }
    }

    fn run_command(&mut self, line: &str, executor: &mut Executor) {
        let limit = self.exercise().map_or(LIMIT_WITHOUT_EXERCISE, |exercise| exercise.time_limit);
        let typed_before = self.work.typed.len();
        self.record_line(line);
        let mut wait = ShownWait::begin("no reply yet".to_owned());
        let reply = executor.run(line, limit, &mut |meanwhile| match meanwhile {
            WhileWaiting::Waiting(elapsed) => wait.update(elapsed),
            WhileWaiting::Message(message) => wait.show_message(message),
        });
        drop(wait);
        if reply.end == PromptOutcome::Cancelled {
            // It has no reply, and would get none when the answer file runs.
            self.work.typed.truncate(typed_before);
            print(&shown::notice("cancelled: the connection was closed", screen_width()));
        } else if !reply.text.is_empty() {
            print(&format!("{}\n", shown::printable_lines(&reply.text)));
        }
        self.wait_for_a_look(Instant::now(), CHECKS_TIMEOUT);
    }

    /// Handles events until one reports a look that began after `since`, or `timeout` is over.
    fn wait_for_a_look(&mut self, since: Instant, timeout: Duration) {
        let deadline = Instant::now() + timeout;
        let mut has_looked = self.exercise().is_none();
        while !has_looked && Instant::now() < deadline {
            while let Some(event) = self.next_event() {
                has_looked |= matches!(&event, WorkerEvent::Live(live) if live.looked >= since);
                if let WorkerEvent::Failed(error) = &event {
                    print(&shown::environment_error(error));
                    has_looked = true;
                }
                self.take(event);
            }
            std::thread::park_timeout(POLL);
        }
    }

    fn check_state(&self) -> CheckState {
        let Some(exercise) = self.exercise() else { return CheckState::default() };
        let has_passed = self.progress.has(&exercise.id);
        CheckState { marks: self.work.marks(exercise), has_passed }
    }

    /// Prints the checks that have been met since `before`.
    fn report_ticks(&mut self, before: &CheckState) {
        let Some(exercise) = self.exercise() else { return };
        for sentence in self.work.newly_met(&before.marks, exercise) {
            print(&format!("  {}\n", checks::line(checks::Mark::Met, &sentence)));
        }
        if !before.has_passed && self.progress.has(&exercise.id) {
            print(&format!("{}\n", passed_line()));
        } else if let Some(why) = self.work.live.as_ref().and_then(|live| live.invalid.as_ref()) {
            print(&shown::notice(why, screen_width()));
        }
    }

    /// Waits for work in the background by looks at the server. The prompt sends nothing, so that
    /// the transcript shows only the student's commands.
    fn wait_for(&mut self, work: &BackgroundWork) {
        let began = Instant::now();
        let mut wait = ShownWait::begin(format!("a {} runs", work.name));
        loop {
            while let Some(event) = self.next_event() {
                let end = match &event {
                    WorkerEvent::Live(live) if live.looked >= began => {
                        end_of(work, live, &mut wait)
                    }
                    WorkerEvent::Failed(error) => Some(error.fact.clone()),
                    _ => None,
                };
                self.take(event);
                if let Some(end) = end {
                    drop(wait);
                    return print(&format!("{end}\n"));
                }
            }
            if wait.update(began.elapsed()).is_break() {
                drop(wait);
                return print(&shown::notice("cancelled", screen_width()));
            }
            std::thread::park_timeout(POLL);
        }
    }

    /// Reads a line. What any client does on the server in the meantime is shown above it.
    fn read_line(&mut self, editor: &mut Editor, prompt: &str) -> Result<EditorLine, NoAnswer> {
        let exercise = self.exercise();
        let (Some(mut printer), Some(exercise)) = (editor.printer(), exercise) else {
            return editor.read(prompt);
        };
        let mut live_checks = LiveChecks {
            exercise,
            marks: self.work.marks(exercise),
            has_passed: self.progress.has(&exercise.id),
            progress: self.progress.reopen().ok(),
        };
        let stop = AtomicBool::new(false);
        let receiver = self.worker.receiver();
        let (line, events) = std::thread::scope(|scope| {
            let stop = &stop;
            let thread = std::thread::Builder::new().name("ticks".into());
            let thread = thread
                .spawn_scoped(scope, move || live_checks.follow(receiver, stop, &mut printer));
            let line = editor.read(prompt);
            stop.store(true, Ordering::SeqCst);
            // Without the thread, the events are handled with the next line.
            let events = thread.ok().and_then(|thread| thread.join().ok());
            (line, events.unwrap_or_default())
        });
        for event in events {
            if let Some(event) = self.unless_stale(event) {
                self.take(event);
            }
        }
        line
    }
}

/// What to print when the work has ended; `None` while it is running.
fn end_of(work: &BackgroundWork, live: &LiveEvent, wait: &mut ShownWait) -> Option<String> {
    match (&live.running, &live.verdict) {
        (Some(progress), _) if progress.work == work => {
            wait.what = waiting::settling(*progress);
            None
        }
        (_, Some(_)) => Some(work.none_runs()),
        (_, None) => None,
    }
}
