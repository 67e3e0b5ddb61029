//! An exercise in the session: write, type, check, hint, solution.

use std::collections::VecDeque;
use std::time::Duration;

use super::menu::{self, Action, Place};
use super::{Go, Halt, Session, answered};
use crate::answers;
use crate::attempt::commands::{NextLine, WAIT_BGSAVE};
use crate::attempt::evidence::{Evidence, Run, TypedExchange};
use crate::attempt::{self, Answer, Stand};
use crate::error::WorldError;
use crate::lesson::{Exercise, Language, Lesson};
use crate::present::evidence::Form;
use crate::present::{self, markdown, screen_width, terminal};
use crate::server::Server;
use crate::verdict::conclude;

const PROMPT: &str = "redis>";

/// An answer while it is typed.
#[derive(Default)]
struct Typing {
    lines: Vec<String>,
    /// A paste of several lines comes as one answer.
    pasted: VecDeque<String>,
    halt: Option<Halt>,
}

/// What of an answer's commands and replies has been on the screen already.
#[derive(Clone, Copy)]
enum Seen {
    Nothing,
    WhileTyping,
}

impl Session<'_> {
    pub(super) fn exercise_menu(
        &mut self,
        lesson: &Lesson,
        exercise: &Exercise,
        place: Place<'_>,
    ) -> Result<Go, Halt> {
        let mut hints_shown = 0;
        let mut last = None;
        loop {
            let was_passed = self.progress.has(&exercise.id);
            let menu = menu::exercise(place, exercise, was_passed, hints_shown);
            let action = self.choose_action(&menu, place.step, last)?;
            let done = match action {
                Action::Forward(_) => return Ok(Go::Next),
                Action::Back => return Ok(Go::Back),
                Action::Lessons => return Ok(Go::Menu),
                Action::Quit => return Ok(Go::Quit),
                Action::Edit(language) => self.edit(exercise, language),
                Action::Type => self.type_commands(exercise),
                Action::Check(language) => self.check(exercise, language),
                Action::Solution => self.solution(lesson, exercise),
                Action::Hint(number) => {
                    self.hint(exercise, number);
                    hints_shown += 1;
                    Ok(())
                }
                Action::Example(number) => {
                    self.run_example(place.step, &place.step.examples[number])
                }
            };
            self.survive(done)?;
            let has_just_passed = !was_passed && self.progress.has(&exercise.id);
            last = Some(action).filter(|_| !has_just_passed);
        }
    }

    fn edit(&mut self, exercise: &Exercise, language: Language) -> Result<(), Halt> {
        let path = answers::begin(exercise, language)?;
        self.tell(&format!("close the editor and `{}` is checked", path.display()));
        crate::editor::open(&path)?;
        self.check(exercise, language)
    }

    fn check(&mut self, exercise: &Exercise, language: Language) -> Result<(), Halt> {
        let path = answers::path(exercise, language);
        let bytes = std::fs::read(&path).map_err(|error| {
            let fact = format!("cannot read `{}`: {error}", path.display());
            WorldError::new(fact, "write the answer first")
        })?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let path = path.canonicalize().ok().filter(|_| language == Language::Python);
        let answer = Answer { language, text, path };
        self.tell("checking on a fresh server");
        let (evidence, server) =
            self.with_server(&exercise.settings, language, |stand, python| {
                attempt::attempt(stand, exercise, &answer, python)
            })?;
        self.conclude(exercise, &server, &evidence, Seen::Nothing)
    }

    fn type_commands(&mut self, exercise: &Exercise) -> Result<(), Halt> {
        let redis = self.redis()?;
        let mut server = Server::start(&redis.chosen.source, &exercise.settings)?;
        self.tell(&format!(
            "an empty line ends your answer; `{WAIT_BGSAVE}` waits for a background save"
        ));
        let address = redis.tap.address();
        self.tell(&format!(
            "any other client at {address} counts too, as long as you are asked here"
        ));
        let mut typing = Typing::default();
        let mut stand = Stand { server: &mut server, tap: &redis.tap };
        let evidence = attempt::attempt_lines(&mut stand, exercise, &mut |last| {
            self.next_line(last, &mut typing, exercise.time_limit)
        });
        if let Some(halt) = typing.halt {
            return Err(halt);
        }
        let Some(evidence) = evidence? else {
            self.tell("nothing was typed, so nothing is checked");
            return Ok(());
        };
        let path = answers::keep_typed(exercise, &format!("{}\n", typing.lines.join("\n")))?;
        self.tell(&format!("your answer is kept as `{}`", path.display()));
        let name = server.name().to_owned();
        drop(server);
        self.conclude(exercise, &name, &evidence, Seen::WhileTyping)
    }

    fn next_line(
        &mut self,
        last: Option<&TypedExchange>,
        typing: &mut Typing,
        limit: Duration,
    ) -> NextLine {
        if let Some(last) = last {
            self.show(&terminal::reply(&last.reply));
        }
        match self.typed_line(typing) {
            Ok(Some(line)) => {
                typing.lines.push(line.clone());
                NextLine::Run { line, limit }
            }
            Ok(None) if typing.lines.is_empty() => NextLine::Withdrawn,
            Ok(None) => NextLine::End,
            Err(halt) => {
                typing.halt = Some(halt);
                NextLine::Withdrawn
            }
        }
    }

    /// The next line that was typed or pasted; none at an empty one and at Esc.
    fn typed_line(&mut self, typing: &mut Typing) -> Result<Option<String>, Halt> {
        if let Some(line) = typing.pasted.pop_front() {
            self.show(&terminal::typed_line(PROMPT, &line));
            return Ok(Some(line));
        }
        let text = answered(self.ask.line(PROMPT))?.unwrap_or_default();
        let lines = text.lines().filter(|line| !line.trim().is_empty());
        typing.pasted.extend(lines.map(str::to_owned));
        Ok(typing.pasted.pop_front())
    }

    fn conclude(
        &mut self,
        exercise: &Exercise,
        server: &str,
        evidence: &Evidence,
        seen: Seen,
    ) -> Result<(), Halt> {
        let verdict = conclude(exercise, evidence)?;
        let is_told = present::evidence::is_told_by(&evidence.run, &evidence.transcript);
        let (printed, form) = match seen {
            Seen::Nothing if is_told => (String::new(), Form::Short),
            Seen::Nothing => (terminal::run(&evidence.run), Form::Short),
            // Only a cause points at its lines, so that they are needed again.
            Seen::WhileTyping if is_told && verdict.diagnosis.is_none() => {
                (unseen(&evidence.run), Form::Unseen)
            }
            Seen::WhileTyping => (unseen(&evidence.run), Form::Short),
        };
        let width = screen_width();
        let blocks = present::evidence::blocks(evidence, &verdict, form, width);
        self.show("\n");
        self.show(&terminal::verdict(&exercise.id, server, &printed, &verdict, &blocks, width));
        if verdict.passed() {
            self.progress.add(&exercise.id)?;
        }
        Ok(())
    }

    fn hint(&self, exercise: &Exercise, number: usize) {
        if let Some(hint) = exercise.hints.get(number) {
            let title = format!("\nhint {} of {}", number + 1, exercise.hints.len());
            self.show(&terminal::heading(&title));
            self.show(&markdown::render(hint, screen_width()));
        }
    }

    fn solution(&mut self, lesson: &Lesson, exercise: &Exercise) -> Result<(), Halt> {
        if !self.progress.has(&exercise.id) {
            let sure = self.ask.confirm("You have not passed it yet. Show the solution?");
            if answered(sure)? != Some(true) {
                return Ok(());
            }
        }
        for code in &exercise.solutions {
            self.show(&terminal::heading(&format!("\na solution in {}", code.language)));
            self.show(&markdown::render(&lesson.source[code.span.clone()], screen_width()));
        }
        Ok(())
    }
}

/// The replies have been read already, but not that of a line whose time was over.
fn unseen(run: &Run) -> String {
    match run {
        Run::Typed(typed) if typed.stopped.is_some() => {
            typed.exchanges.last().map(|last| terminal::reply(&last.reply) + "\n")
        }
        Run::Typed(_) | Run::Program(_) => None,
    }
    .unwrap_or_default()
}
