//! `redislings check`: checks one answer.

use std::path::Path;

use super::course::{language_of_name, require_language};
use super::output::{out, out_without_commands};
use super::waiting::Spinner;
use super::{Exit, Stop, choose_server, find, load, open_relay, tell};
use crate::answers;
use crate::attempt::{self, Answer, Evidence, Fixture, Phase, Python};
use crate::cli::{Common, Format, LanguageName};
use crate::disk;
use crate::lesson::{Course, Exercise, Language};
use crate::present::evidence::Form;
use crate::present::{self, json, output_width};
use crate::progress_event::ProgressEvent;
use crate::sanitize::ShownPath;
use crate::server::Server;
use crate::verdict::{Verdict, conclude};

/// How to show a verdict.
#[derive(Debug, Clone, Copy)]
pub(super) struct Show {
    pub(super) format: Format,
    /// The whole transcript instead of a summary.
    pub(super) transcript: bool,
}

pub(super) fn check(
    common: &Common,
    exercise: &str,
    file: Option<&Path>,
    language: Option<LanguageName>,
    show: Show,
) -> Result<Exit, Stop> {
    let course = load(common)?;
    let exercise = find(&course, exercise)?;
    let answer = answer(exercise, file, language)?;
    let mut server_name = String::new();
    let judged = run_answer(common, &course, exercise, &answer, &mut server_name)
        .and_then(|evidence| Ok((conclude(exercise, &evidence)?, evidence)));
    match judged {
        Ok((verdict, evidence)) => {
            match show.format {
                Format::Human => {
                    out_without_commands(&human(exercise, &server_name, &evidence, &verdict, show));
                }
                Format::Json => out(&json::text(&json::CheckDocument::judged(
                    &exercise.id,
                    &server_name,
                    &verdict,
                    &evidence,
                ))),
            }
            Ok(if verdict.passed() { Exit::Passed } else { Exit::FellShort })
        }
        Err(Stop::Environment(error)) => {
            if show.format == Format::Json {
                out(&json::text(&json::CheckDocument::unchecked(
                    &exercise.id,
                    &server_name,
                    &error.fact,
                )));
            }
            tell(&Stop::Environment(error));
            Ok(Exit::Unchecked)
        }
        Err(stop) => Err(stop),
    }
}

fn human(
    exercise: &Exercise,
    server: &str,
    evidence: &Evidence,
    verdict: &Verdict,
    show: Show,
) -> String {
    let form = if show.transcript { Form::Long } else { Form::Short };
    present::judged(&exercise.id, server, evidence, verdict, form, output_width())
}

fn run_answer(
    common: &Common,
    course: &Course,
    exercise: &Exercise,
    answer: &Answer,
    server_name: &mut String,
) -> Result<Evidence, Stop> {
    let spinner = Spinner::new();
    let report = |event: ProgressEvent<'_>| spinner.tell(event);
    let chosen = choose_server(common, &report)?;
    report(ProgressEvent::Message(&format!("server: {}", chosen.why)));
    let python = match answer.language {
        Language::Python => {
            report(ProgressEvent::Status("looking at `python3`"));
            Some(Python::find(&course.python_packages, &report)?)
        }
        Language::Redis => None,
    };
    let relay = open_relay(common, &chosen.source)?;
    if relay.usual_port_is_taken() {
        let line = present::usual_port_taken(relay.address());
        report(ProgressEvent::Message(&format!(
            "{line}; programs that an answer starts find that port in `$REDIS_PORT`"
        )));
    }
    report(ProgressEvent::Status("starting the server"));
    let mut server = Server::start(&chosen.source, &exercise.settings)?;
    server.name().clone_into(server_name);
    report(ProgressEvent::Status("checking the answer"));
    let phases = |phase: Phase| report(ProgressEvent::Status(&present::waiting::phase(phase)));
    let mut fixture = Fixture { server: &mut server, relay: &relay, report: &phases };
    Ok(attempt::attempt(&mut fixture, exercise, answer, python.as_ref())?)
}

fn answer(
    exercise: &Exercise,
    file: Option<&Path>,
    language: Option<LanguageName>,
) -> Result<Answer, Stop> {
    let file = file.filter(|path| *path != Path::new("-"));
    let language = language_of(file, language)?;
    require_language(exercise, language)?;
    let name = file.map_or("standard input".to_owned(), ShownPath::shown);
    let bytes = read(file).map_err(|error| unreadable(&name, &error))?;
    let text = answers::text(bytes, &name, language)
        .map_err(|error| Stop::Usage(error.fact, error.help))?;
    let path =
        file.filter(|_| language == Language::Python).and_then(|path| path.canonicalize().ok());
    Ok(Answer { language, text, path })
}

fn language_of(file: Option<&Path>, named: Option<LanguageName>) -> Result<Language, Stop> {
    let extension = file.and_then(Path::extension).and_then(|extension| extension.to_str());
    match (named, file, extension) {
        (Some(name), ..) => Ok(language_of_name(name)),
        (None, _, Some("py")) => Ok(Language::Python),
        (None, None, _) | (None, _, Some("redis")) => Ok(Language::Redis),
        (None, Some(path), _) => Err(Stop::Usage(
            format!("cannot tell the language of `{}` from its extension", path.shown()),
            "add `--language python` or `--language redis`".to_owned(),
        )),
    }
}

fn read(file: Option<&Path>) -> std::io::Result<Vec<u8>> {
    match file {
        Some(path) => disk::read_text_file(path),
        None => disk::read_text(std::io::stdin()),
    }
}

fn unreadable(name: &str, error: &std::io::Error) -> Stop {
    Stop::Usage(
        format!("`{name}` can't be read: {error}"),
        "name the answer's file, or use `-` for standard input".to_owned(),
    )
}
