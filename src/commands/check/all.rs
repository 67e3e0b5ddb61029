//! `redislings check --all`: checks every answer in the folder `answers`.

use super::super::output::{out, out_without_commands};
use super::super::{Exit, Stop, tell};
use super::checker::{Checked, Checker};
use super::print::print_verdict;
use super::recorder::Recorder;
use crate::answers;
use crate::attempt::Answer;
use crate::cli::{CheckOptions, Common, Format};
use crate::error::EnvironmentError;
use crate::lesson::{Course, Exercise, Language};
use crate::present::json::{self, AnswersDocument, CheckDocument, CheckedAnswer};
use crate::present::judged::{self, Judged};
use crate::present::{plain, terminal};
use crate::sanitize::ShownPath as _;

/// An answer of the student, and what came of it.
struct AnswerCheck<'c> {
    exercise: &'c Exercise,
    language: Language,
    /// `None`: it could not be read.
    answer: Option<Answer>,
    file: String,
    checked: Checked,
}

/// Failed answers are not counted as attempts: many of them are only begun.
pub(super) fn check_all(
    common: &Common,
    course: &Course,
    options: &CheckOptions,
) -> Result<Exit, Stop> {
    let begun = begun(course, options.language);
    if begun.is_empty() {
        return Err(no_answers(options.language));
    }
    let is_json = options.output.format == Format::Json;
    let checker = Checker::new(common, course, options)?;
    let mut recorder = Recorder::open();
    let mut all = Vec::new();
    for (exercise, language) in begun {
        let judged = judge(&checker, exercise, language);
        if judged.exit() == Exit::Passed {
            recorder.note_pass(exercise);
        }
        if !is_json {
            out_without_commands(&judged.line());
        }
        all.push(judged);
    }
    let exit = all.iter().map(AnswerCheck::exit).max().unwrap_or(Exit::Passed);
    if is_json {
        out(&json::text(&document(&all, exit)));
    } else {
        print_failures(&all, options);
        out(&format!("\n{}", summary(&all)));
    }
    report_failures_of_the_environment(&all);
    recorder.report(course);
    Ok(exit)
}

/// In the course's order.
fn begun(course: &Course, only: Option<Language>) -> Vec<(&Exercise, Language)> {
    let mut all = Vec::new();
    for (_, _, exercise) in course.exercises() {
        let begun = answers::begun(exercise);
        let wanted = exercise.languages().into_iter().filter(|language| begun.contains(language));
        let wanted = wanted.filter(|language| only.is_none_or(|only| only == *language));
        all.extend(wanted.map(|language| (exercise, language)));
    }
    all
}

fn no_answers(only: Option<Language>) -> Stop {
    let kind = only.map(|language| format!(" {language}")).unwrap_or_default();
    Stop::Usage(
        format!("there is no{kind} answer to an exercise of this course in `{}`", answers::FOLDER),
        "`redislings path --begin` creates the first one".to_owned(),
    )
}

fn judge<'c>(checker: &Checker<'_>, exercise: &'c Exercise, language: Language) -> AnswerCheck<'c> {
    let path = answers::path(exercise, language);
    let (answer, checked) = match answers::read(&path, language) {
        Ok(answer) => {
            let checked = checker.check(exercise, &answer);
            (Some(answer), checked)
        }
        Err(error) => (None, Checked { server: String::new(), judged: Err(error) }),
    };
    AnswerCheck { exercise, language, answer, file: path.shown(), checked }
}

impl AnswerCheck<'_> {
    fn exit(&self) -> Exit {
        match &self.checked.judged {
            Ok((verdict, _)) if verdict.passed() => Exit::Passed,
            Ok(_) => Exit::FellShort,
            Err(_) => Exit::Unchecked,
        }
    }

    fn line(&self) -> String {
        match &self.checked.judged {
            Ok((verdict, _)) => terminal::answer_line(&self.file, &judged::outcome(verdict)),
            Err(_) => terminal::answer_line(
                &self.file,
                plain::sign_or("! could not be checked", "could not be checked"),
            ),
        }
    }

    fn document(&self) -> CheckedAnswer<'_> {
        let (id, server) = (&self.exercise.id, &self.checked.server);
        let check = match &self.checked.judged {
            Ok((verdict, evidence)) => CheckDocument::judged(id, server, verdict, evidence),
            Err(error) => CheckDocument::unchecked(id, server, &error.fact),
        };
        CheckedAnswer { file: self.file.clone(), language: self.language.word(), check }
    }
}

fn document<'a>(all: &'a [AnswerCheck<'_>], exit: Exit) -> AnswersDocument<'a> {
    AnswersDocument {
        outcome: match exit {
            Exit::Passed => "passed",
            Exit::FellShort => "failed",
            _ => "unchecked",
        },
        passed: passed(all),
        all: all.len(),
        answers: all.iter().map(AnswerCheck::document).collect(),
    }
}

fn passed(all: &[AnswerCheck<'_>]) -> usize {
    all.iter().filter(|judged| judged.exit() == Exit::Passed).count()
}

fn print_failures(all: &[AnswerCheck<'_>], options: &CheckOptions) {
    for check in all {
        if let Ok((verdict, evidence)) = &check.checked.judged
            && !verdict.passed()
        {
            out_without_commands(&format!("\n{}", terminal::heading(&check.file)));
            let judged = Judged {
                exercise: &check.exercise.id,
                server: &check.checked.server,
                answer: check.answer.as_ref(),
                evidence,
                verdict,
                previous: None,
            };
            print_verdict(&judged, options);
        }
    }
}

fn summary(all: &[AnswerCheck<'_>]) -> String {
    let passed = passed(all);
    let text = format!("{passed} of {} answers passed", all.len());
    terminal::result_line(passed == all.len(), &text)
}

/// Often several have the same reason, which is told once.
fn report_failures_of_the_environment(all: &[AnswerCheck<'_>]) {
    let mut told: Vec<&EnvironmentError> = Vec::new();
    for judged in all {
        if let Err(error) = &judged.checked.judged
            && !told.contains(&error)
        {
            tell(&Stop::Environment(error.clone()));
            told.push(error);
        }
    }
}
