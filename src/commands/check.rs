//! `redislings check`: checks one answer, or all that the student has begun.

mod all;
mod answer;
mod checker;
mod print;
mod recorder;

use self::checker::{Checked, Checker};
use self::print::print_verdict;
use self::recorder::Recorder;
use super::course::named_or_next;
use super::output::out;
use super::{Exit, Stop, load};
use crate::attempt::Answer;
use crate::cli::{CheckOptions, Common, Format};
use crate::lesson::{Course, Exercise};
use crate::present::json::{self, CheckDocument};
use crate::present::judged::Judged;

pub(super) fn check(common: &Common, options: &CheckOptions) -> Result<Exit, Stop> {
    let course = load(common)?;
    if options.all {
        return all::check_all(common, &course, options);
    }
    let (_, exercise) = named_or_next(&course, options.exercise.as_deref())?;
    let answer = answer::find(exercise, options.answer.as_deref(), options.language)?;
    let Checked { server, judged } = run(common, &course, exercise, &answer, options)?;
    let is_json = options.output.format == Format::Json;
    match judged {
        Ok((verdict, evidence)) => {
            let id = &exercise.id;
            if is_json {
                out(&json::text(&CheckDocument::judged(id, &server, &verdict, &evidence)));
            } else {
                let (answer, evidence, verdict) = (Some(&answer), &evidence, &verdict);
                let judged = Judged {
                    exercise: id,
                    server: &server,
                    answer,
                    evidence,
                    verdict,
                    previous: None,
                };
                print_verdict(&judged, options);
            }
            let mut recorder = Recorder::open();
            recorder.note_attempt(exercise, verdict.passed());
            recorder.report(&course);
            Ok(if verdict.passed() { Exit::Passed } else { Exit::FellShort })
        }
        Err(error) => {
            if is_json {
                out(&json::text(&CheckDocument::unchecked(&exercise.id, &server, &error.fact)));
            }
            Err(error.into())
        }
    }
}

fn run(
    common: &Common,
    course: &Course,
    exercise: &Exercise,
    answer: &Answer,
    options: &CheckOptions,
) -> Result<Checked, Stop> {
    match Checker::new(common, course, options) {
        Ok(checker) => Ok(checker.check(exercise, answer)),
        Err(Stop::Environment(error)) => Ok(Checked { server: String::new(), judged: Err(error) }),
        Err(stop) => Err(stop),
    }
}
