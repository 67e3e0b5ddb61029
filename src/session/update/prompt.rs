//! The Redis prompt. It connects to the step's own server through the relay, like any other client.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::super::console::Key;
use super::super::event::PromptEvent;
use super::super::request::Request;
use super::super::state::{Mode, PromptState, Stage, State};
use super::super::worker::messages;
use crate::ask::NoAnswer;
use crate::attempt::WorkProgress;
use crate::error::EnvironmentError;
use crate::lesson::Exercise;
use crate::present::checks::{self, Mark};
use crate::present::{terminal as shown, waiting};
use crate::redis_prompt::{Asked, CommandDocs, EditorLine, PromptOutcome, PromptReply};
use crate::runner_line::{self, Awaited, Place, RunnerLine};
use crate::topics::{self, BackgroundWork};

/// How long to wait for a reply's effect on the checks before the next prompt.
const CHECKS_TIMEOUT: Duration = Duration::from_millis(200);
/// The time limit of a command at a step without an exercise.
const LIMIT_WITHOUT_EXERCISE: Duration = Duration::from_secs(60);
/// A longer wait is shown.
const WAIT_DELAY: Duration = Duration::from_millis(400);

impl State<'_> {
    /// Begins work by hand on a server, for the prompt.
    pub(super) fn begin_work(&mut self) {
        self.ask_worker(messages::Request::Begin);
        self.wait_for("starting a server");
        self.mode = Mode::Starting;
        self.typed_ahead.clear();
    }

    /// Takes a key that was pressed before the prompt read lines.
    pub(super) fn type_ahead(&mut self, key: Key) {
        match key {
            Key::Char(letter) => self.typed_ahead.push(letter),
            Key::Number(number) => self.typed_ahead.push_str(&number.to_string()),
            Key::Enter => self.typed_ahead.push('\n'),
            Key::Backspace if !self.typed_ahead.ends_with('\n') => {
                self.typed_ahead.pop();
            }
            _ => {}
        }
    }

    pub(super) fn open_prompt(&mut self, server: String, docs: Arc<CommandDocs>) {
        let address = self.address.map(|address| address.to_string());
        self.request(Request::OpenPrompt(address, Arc::clone(&docs)));
        self.mode = Mode::Prompt(PromptState {
            server,
            docs,
            text: "redis> ".to_owned(),
            has_printer: false,
            printed: self.check_state(),
            failures: String::new(),
            stage: Stage::Reading,
            since: self.now,
            wait: String::new(),
            is_wait_shown: false,
            lines: VecDeque::new(),
            echoes: false,
        });
    }

    pub(super) fn take_prompt_event(&mut self, event: PromptEvent) {
        let Mode::Prompt(prompt) = &mut self.mode else { return };
        match event {
            PromptEvent::Opened { has_printer } => {
                prompt.has_printer = has_printer;
                self.introduce_prompt();
            }
            PromptEvent::NotOpened(error) => {
                self.mode = Mode::Screen;
                self.tell_error(&error);
            }
            PromptEvent::Typed(line) => self.take_line(line),
            PromptEvent::Message(message) => {
                "waiting for more".clone_into(&mut prompt.wait);
                self.print(&format!("{}\n", shown::printable_lines(&message.text)));
            }
            PromptEvent::Replied(reply, text) => {
                prompt.text = text;
                self.take_reply(&reply);
            }
        }
    }

    /// Prints below what the prompt has printed, in place of a wait.
    fn print(&mut self, text: &str) {
        let Mode::Prompt(prompt) = &mut self.mode else { return };
        let was_shown = std::mem::take(&mut prompt.is_wait_shown);
        let wipe = if was_shown && !self.is_plain { "\r\x1b[K" } else { "" };
        let text = format!("{wipe}{text}");
        if !text.is_empty() {
            self.requests.push(Request::Print(text));
        }
    }

    /// The same for sentences.
    fn print_wrapped(&mut self, text: String) {
        self.print("");
        if !text.is_empty() {
            self.request(Request::PrintWrapped(text));
        }
    }

    fn print_notice(&mut self, line: impl Into<String>) {
        self.print("");
        self.request(Request::PrintNotice(line.into()));
    }

    fn introduce_prompt(&mut self) {
        let Mode::Prompt(prompt) = &self.mode else { return };
        let address = self.address.map(|address| address.to_string()).unwrap_or_default();
        let what = if self.exercise().is_none_or(Exercise::may_be_typed) {
            "other clients there count too"
        } else {
            "here you can try things out; only an answer file can pass this exercise"
        };
        let server = format!("{} at {address}: {what}", prompt.server);
        self.print("\n");
        if let Some(warning) = self.warning.clone() {
            self.print_notice(warning);
        }
        self.print_notice(server);
        self.print_notice(
            "`help COMMAND` explains a command; Ctrl-D or `exit` goes back to the lesson",
        );
        for work in topics::background() {
            if let Some(line) = work.wait_line {
                self.print_notice(format!("`{line}` waits for a {}", work.name));
            }
        }
        if let Some(exercise) = self.exercise() {
            let mut text = String::new();
            for (check, mark) in exercise.checks.iter().zip(self.work.marks(exercise)) {
                let _ = writeln!(text, "  {}", checks::line(mark, &check.sentence()));
            }
            self.print_wrapped(text);
        }
        self.run_next_line();
    }

    fn take_line(&mut self, line: Result<EditorLine, NoAnswer>) {
        let Mode::Prompt(prompt) = &mut self.mode else { return };
        self.typed_ahead.clear();
        match line {
            Ok(EditorLine::Typed(text)) => {
                let lines = text.lines().filter(|line| !line.trim().is_empty());
                prompt.lines = lines.map(str::to_owned).collect();
                prompt.echoes = prompt.lines.len() > 1;
                self.run_next_line();
            }
            // The next line is read.
            Ok(EditorLine::Cancelled) | Err(NoAnswer::Cancelled | NoAnswer::Interrupted) => {}
            Ok(EditorLine::End) => self.close_prompt(),
            Err(NoAnswer::Failed(why)) => {
                self.close_prompt();
                self.tell_error(&EnvironmentError::new(
                    format!("cannot read the prompt: {why}"),
                    "write the commands into the answer file",
                ));
            }
        }
    }

    fn close_prompt(&mut self) {
        self.mode = Mode::Screen;
        self.request(Request::ClosePrompt);
        if !self.has_passed() && self.may_be_judged_by_hand() && self.work.is_at_hand {
            self.tell("`c` checks what you did, `p` returns to the prompt");
        }
    }

    fn enter(&mut self, stage: Stage, wait: String) {
        let now = self.now;
        let Mode::Prompt(prompt) = &mut self.mode else { return };
        (prompt.stage, prompt.since, prompt.wait) = (stage, now, wait);
    }

    /// Runs lines until one takes time; after the last one, the student types the next.
    fn run_next_line(&mut self) {
        loop {
            let Mode::Prompt(prompt) = &mut self.mode else { return };
            prompt.stage = Stage::Reading;
            let typed_ahead = self.typed_ahead.split_once('\n');
            if let (true, Some((line, rest))) = (prompt.lines.is_empty(), typed_ahead) {
                prompt.lines.push_back(line.to_owned());
                prompt.echoes = true;
                self.typed_ahead = rest.to_owned();
            }
            let Some(line) = prompt.lines.pop_front() else { return };
            if prompt.echoes {
                let typed = shown::typed_line(prompt.text.trim_end(), &line);
                self.requests.push(Request::Print(typed));
            }
            match Asked::of(&line) {
                Asked::Nothing => {}
                Asked::Leave => return self.close_prompt(),
                Asked::Help(words) => {
                    let words: Vec<&str> = words.iter().map(String::as_str).collect();
                    let help = prompt.docs.help(&words);
                    self.print(&format!("{}\n", help.trim_end_matches('\n')));
                }
                Asked::Clear => self.print("\x1b[H\x1b[2J"),
                Asked::Runner(line) => match self.runner_line(&line) {
                    Err(notice) => self.print_notice(notice),
                    Ok(work) => {
                        self.record_line(&line);
                        let wait = format!("a {} runs", work.name);
                        return self.enter(Stage::Awaiting(work), wait);
                    }
                },
                Asked::Command(line) => return self.run_command(line),
            }
        }
    }

    /// The work for which a line waits. The prompt does nothing else of what the runner does for
    /// an answer: the error says so, or what is wrong with the line.
    fn runner_line(&self, line: &str) -> Result<&'static BackgroundWork, String> {
        let place = self.exercise().map_or(Place::Anywhere, Exercise::place);
        match runner_line::read(line, place) {
            Ok(RunnerLine::Wait(work)) => Ok(work),
            Ok(RunnerLine::WaitFor(Awaited { field, .. })) => {
                Err(format!("this line waits only in an answer file; here, ask INFO for `{field}`"))
            }
            Ok(_) => Err(format!("`{line}` works only in an answer file, not at the prompt")),
            Err((message, help)) => {
                Err(help.map(|help| format!("{message}; {help}")).unwrap_or(message))
            }
        }
    }

    /// Records a line that may become part of an answer; before it runs, because the exercise may
    /// pass with it.
    fn record_line(&mut self, line: &str) {
        if self.may_be_judged_by_hand() && self.work.is_at_hand {
            self.work.record_line(line);
        }
    }

    fn run_command(&mut self, line: String) {
        let exercise = self.exercise();
        let limit = exercise.map_or(LIMIT_WITHOUT_EXERCISE, |exercise| exercise.time_limit);
        let typed_before = self.work.typed.len();
        self.record_line(&line);
        self.enter(Stage::Running { typed_before }, "no reply yet".to_owned());
        self.request(Request::RunLine(line, limit));
    }

    fn take_reply(&mut self, reply: &PromptReply) {
        let Mode::Prompt(PromptState { stage: Stage::Running { typed_before }, .. }) = self.mode
        else {
            return;
        };
        if reply.end == PromptOutcome::Cancelled {
            // It has no reply, and would get none when the answer file runs.
            self.work.typed.truncate(typed_before);
            self.print_notice("cancelled: the connection was closed");
        } else if reply.text.is_empty() {
            self.print("");
        } else {
            self.print(&format!("{}\n", shown::printable_lines(&reply.text)));
        }
        self.enter(Stage::Looking, String::new());
        for event in std::mem::take(&mut self.held_back) {
            self.take(event);
        }
        let Mode::Prompt(PromptState { stage: Stage::Looking, .. }) = self.mode else { return };
        if self.exercise().is_none() {
            self.finish_line();
        }
    }

    /// Shows a line's effect on the checks.
    fn finish_line(&mut self) {
        let has_announced = self.report_changes();
        let invalid = self.work.live.as_ref().and_then(|live| live.invalid.clone());
        if let (Some(why), false) = (invalid, has_announced) {
            self.print_notice(why);
        }
        self.run_next_line();
    }

    /// Prints failures, and the checks that have been met since they were last printed. Returns
    /// whether it has announced that the exercise is passed.
    fn report_changes(&mut self) -> bool {
        let now = self.check_state();
        let exercise = self.exercise();
        let Mode::Prompt(prompt) = &mut self.mode else { return false };
        let mut text = std::mem::take(&mut prompt.failures);
        if let Some(exercise) = exercise {
            for mark in [Mark::Met, Mark::Spoilt] {
                for sentence in self.work.newly(mark, &prompt.printed.marks, exercise) {
                    let _ = writeln!(text, "  {}", checks::line(mark, &sentence));
                }
            }
        }
        let is_newly_passed = now.has_passed && !prompt.printed.has_passed;
        if is_newly_passed {
            let _ = write!(text, "  {}", shown::result_line(true, "passed: all checks met"));
        }
        prompt.printed = now;
        self.print_wrapped(text);
        is_newly_passed
    }

    /// Handles a look at the server, which began at `looked`.
    pub(super) fn take_look(
        &mut self,
        looked: Instant,
        is_answered: bool,
        running: Option<WorkProgress>,
    ) {
        let Mode::Prompt(prompt) = &mut self.mode else { return };
        match (prompt.stage, running) {
            (Stage::Reading, _) if prompt.has_printer => {
                self.report_changes();
            }
            (Stage::Reading | Stage::Running { .. }, _) => {}
            // It does not show what happened since.
            _ if looked < prompt.since => {}
            (Stage::Looking, _) => self.finish_line(),
            (Stage::Awaiting(work), Some(progress)) if progress.work == work => {
                prompt.wait = waiting::settling(progress);
            }
            (Stage::Awaiting(work), _) if is_answered => self.end_wait(&work.none_runs()),
            (Stage::Awaiting(_), _) => {}
        }
    }

    /// A program would have been killed. By hand, all connections are closed.
    pub(super) fn tell_of_a_kill(&mut self) {
        let told = "here the exercise kills the answer, so your connection was closed; go on";
        match &mut self.mode {
            Mode::Prompt(prompt) => {
                let _ = writeln!(prompt.failures, "  {told}");
            }
            _ => self.tell(told),
        }
    }

    pub(super) fn fail_at_prompt(&mut self, error: &EnvironmentError) {
        let Mode::Prompt(prompt) = &mut self.mode else { return };
        if let Stage::Awaiting(_) = prompt.stage {
            return self.end_wait(&error.fact);
        }
        prompt.failures.push_str(&shown::environment_error(error));
        self.take_look(self.now, true, None);
    }

    fn end_wait(&mut self, why: &str) {
        self.print(&format!("{why}\n"));
        self.finish_line();
    }

    pub(super) fn interrupt_prompt(&mut self) {
        let Mode::Prompt(prompt) = &mut self.mode else { return };
        match prompt.stage {
            Stage::Awaiting(_) => {
                self.print_notice("cancelled");
                self.finish_line();
            }
            // A running line is cancelled already: messages may be waiting before this event.
            Stage::Reading | Stage::Running { .. } | Stage::Looking => {}
        }
    }

    pub(super) fn notice_time_at_prompt(&mut self) {
        let Mode::Prompt(prompt) = &mut self.mode else { return };
        let elapsed = self.now.saturating_duration_since(prompt.since);
        match prompt.stage {
            Stage::Looking if elapsed >= CHECKS_TIMEOUT => self.finish_line(),
            // In line mode, a wait is shown only once.
            Stage::Running { .. } | Stage::Awaiting(_)
                if elapsed >= WAIT_DELAY && !(self.is_plain && prompt.is_wait_shown) =>
            {
                prompt.is_wait_shown = true;
                self.requests.push(Request::PrintWait(prompt.wait.clone(), elapsed));
            }
            _ => {}
        }
    }
}
