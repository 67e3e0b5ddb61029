//! An exercise in the session: write, type, check, hint, solution.

use std::time::Duration;

use super::{Action, Go, Session, answers};
use crate::attempt::evidence::{Evidence, TypedExchange};
use crate::attempt::{self, Answer};
use crate::error::WorldError;
use crate::lesson::{Exercise, Language, Lesson, Step};
use crate::present::{markdown, screen_width, terminal};
use crate::verdict::judge;

impl Session<'_> {
    pub(super) fn exercise_menu(
        &mut self,
        lesson: &Lesson,
        step: &Step,
        exercise: &Exercise,
        index: usize,
    ) -> Result<Go, WorldError> {
        let mut hints_shown = 0;
        loop {
            let menu = self.actions(step, exercise, index);
            let done = match self.choose_action(&menu, step)? {
                Action::Next => return Ok(Go::Next),
                Action::Back => return Ok(Go::Back),
                Action::Lessons => return Ok(Go::Menu),
                Action::Quit => return Ok(Go::Quit),
                Action::Edit(language) => self.edit(exercise, language),
                Action::Type => self.type_commands(exercise),
                Action::Check(language) => self.check(exercise, language),
                Action::Solution => self.solution(lesson, exercise),
                Action::Hint => {
                    self.hint(exercise, hints_shown);
                    hints_shown += 1;
                    Ok(())
                }
                Action::Example(number) => {
                    self.run_example(step, &step.examples[number]);
                    Ok(())
                }
            };
            if let Err(error) = done {
                self.show(&terminal::world_error(&error));
            }
        }
    }

    /// Once passed, going on comes first; before, working does.
    fn actions(&self, step: &Step, exercise: &Exercise, index: usize) -> Vec<Action> {
        let mut menu = Vec::new();
        if self.progress.has(&exercise.id) {
            menu.push(Action::Next);
        }
        menu.extend(answers::begun(exercise).into_iter().map(Action::Check));
        menu.extend(exercise.languages().into_iter().map(Action::Edit));
        if exercise.languages().contains(&Language::Redis) {
            menu.push(Action::Type);
        }
        menu.extend([Action::Hint, Action::Solution]);
        menu.extend((0..step.examples.len()).map(Action::Example));
        menu.extend([Action::Next, Action::Back, Action::Lessons, Action::Quit]);
        let mut offered = Vec::new();
        for action in menu {
            let first_step = index == 0 && action == Action::Back;
            if !first_step && !offered.contains(&action) {
                offered.push(action);
            }
        }
        offered
    }

    fn edit(&mut self, exercise: &Exercise, language: Language) -> Result<(), WorldError> {
        let path = answers::begin(exercise, language)?;
        self.show(&terminal::notice(&format!("your answer is `{}`", path.display())));
        answers::edit(&path)?;
        self.check(exercise, language)
    }

    fn check(&mut self, exercise: &Exercise, language: Language) -> Result<(), WorldError> {
        let path = answers::path(exercise, language);
        let bytes = std::fs::read(&path).map_err(|error| {
            let fact = format!("cannot read `{}`: {error}", path.display());
            WorldError::new(fact, "write the answer first")
        })?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let path = path.canonicalize().ok().filter(|_| language == Language::Python);
        let answer = Answer { language, text, path };
        self.show(&terminal::notice("checking on a fresh server"));
        let (evidence, server) =
            self.with_server(&exercise.settings, language, |server, python| {
                attempt::attempt(server, exercise, &answer, python)
            })?;
        self.tell(exercise, &server, &evidence)
    }

    fn type_commands(&mut self, exercise: &Exercise) -> Result<(), WorldError> {
        let wait = attempt::commands::WAIT_BGSAVE;
        self.show(&terminal::notice(&format!(
            "type Redis commands; `{wait}` waits for a background save; an empty line ends the answer"
        )));
        self.source()?;
        let mut server = crate::server::Server::start(&self.source()?, &exercise.settings)?;
        let mut lines = Vec::new();
        let evidence = {
            let mut next_line = |last: Option<&TypedExchange>| {
                self.typed_line(last, &mut lines, exercise.time_limit)
            };
            attempt::attempt_lines(&mut server, exercise, &mut next_line)?
        };
        if lines.is_empty() {
            self.show(&terminal::notice("nothing was typed"));
            return Ok(());
        }
        let path = answers::keep_typed(exercise, &format!("{}\n", lines.join("\n")))?;
        self.show(&terminal::notice(&format!("your answer is kept as `{}`", path.display())));
        let name = server.name().to_owned();
        drop(server);
        self.tell(exercise, &name, &evidence)
    }

    fn typed_line(
        &mut self,
        last: Option<&TypedExchange>,
        lines: &mut Vec<String>,
        limit: Duration,
    ) -> Option<(String, Duration)> {
        if let Some(last) = last {
            self.show(&terminal::reply(&last.reply));
        }
        let line = self.ask.line("redis>");
        let line = self.answered(line).ok().flatten().filter(|line| !line.trim().is_empty())?;
        lines.push(line.clone());
        Some((line, limit))
    }

    fn tell(
        &mut self,
        exercise: &Exercise,
        server: &str,
        evidence: &Evidence,
    ) -> Result<(), WorldError> {
        let verdict = judge(exercise, evidence);
        self.show("\n");
        self.show(&terminal::verdict(&exercise.id, server, &evidence.run, &verdict));
        if verdict.passed() {
            self.progress.add(&exercise.id)?;
        }
        Ok(())
    }

    fn hint(&self, exercise: &Exercise, shown: usize) {
        let number = shown % exercise.hints.len().max(1);
        if let Some(hint) = exercise.hints.get(number) {
            self.show(&terminal::heading(&format!(
                "hint {} of {}",
                number + 1,
                exercise.hints.len()
            )));
            self.show(&markdown::render(hint, screen_width()));
        }
    }

    fn solution(&mut self, lesson: &Lesson, exercise: &Exercise) -> Result<(), WorldError> {
        if !self.progress.has(&exercise.id) {
            let sure = self.ask.confirm("You have not passed it yet. Show the solution?");
            if self.answered(sure)? != Some(true) {
                return Ok(());
            }
        }
        for code in &exercise.solutions {
            self.show(&terminal::heading(&format!("a solution in {}", code.language)));
            self.show(&markdown::render(&lesson.source[code.span.clone()], screen_width()));
        }
        Ok(())
    }
}
