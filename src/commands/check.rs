//! `redislings check`: checks one answer.

use std::path::Path;

use super::course::require_language;
use super::output::{out, out_without_commands};
use super::waiting::Spinner;
use super::{Exit, Stop, choose_server, find, load, open_relay};
use crate::answers;
use crate::attempt::{self, Answer, Evidence, Fixture, Phase, Python};
use crate::cli::{CheckOptions, Common, Format};
use crate::disk;
use crate::lesson::{Course, Exercise, Language};
use crate::present::evidence::Form;
use crate::present::json::{self, CheckDocument};
use crate::present::judged::{self, Detail, Judged};
use crate::present::{self, output_width, terminal};
use crate::progress_event::ProgressEvent;
use crate::sanitize::ShownPath;
use crate::server::Server;
use crate::verdict::conclude;

pub(super) fn check(common: &Common, options: &CheckOptions) -> Result<Exit, Stop> {
    let course = load(common)?;
    let (_, exercise) = find(&course, &options.exercise)?;
    let answer = answer(exercise, options.answer.as_deref(), options.language)?;
    let (id, is_json) = (&exercise.id, options.output.format == Format::Json);
    let mut server = String::new();
    let judged = run_answer(common, &course, exercise, &answer, &mut server)
        .and_then(|evidence| Ok((conclude(exercise, &evidence)?, evidence)));
    match judged {
        Ok((verdict, evidence)) => {
            if is_json {
                out(&json::text(&CheckDocument::judged(id, &server, &verdict, &evidence)));
            } else {
                let judged = Judged {
                    exercise: id,
                    server: &server,
                    answer: Some(&answer),
                    evidence: &evidence,
                    verdict: &verdict,
                    previous: None,
                };
                let detail = detail(options);
                let mut text = judged::judged(&judged, detail, output_width());
                if detail == Detail::Short && !verdict.passed() {
                    let more = "`--verbose` shows what Redis saw and what has changed";
                    text.push_str(&terminal::faint(&format!("\n{more}\n")));
                }
                out_without_commands(&text);
            }
            Ok(if verdict.passed() { Exit::Passed } else { Exit::FellShort })
        }
        Err(Stop::Environment(error)) => {
            if is_json {
                out(&json::text(&CheckDocument::unchecked(id, &server, &error.fact)));
            }
            Err(error.into())
        }
        Err(stop) => Err(stop),
    }
}

fn detail(options: &CheckOptions) -> Detail {
    match (options.transcript, options.verbose) {
        (true, _) => Detail::Full(Form::Long),
        (false, true) => Detail::Full(Form::Short),
        (false, false) => Detail::Short,
    }
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
    report(ProgressEvent::Message(&format!("server: {}", chosen.name)));
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
    language: Option<Language>,
) -> Result<Answer, Stop> {
    let file = file.filter(|path| *path != Path::new("-"));
    let language = language_of(file, language)?;
    require_language(exercise, language)?;
    let name = file.map_or("standard input".to_owned(), ShownPath::shown);
    let bytes = file.map_or_else(|| disk::read_text(std::io::stdin()), disk::read_text_file);
    let bytes = bytes.map_err(|error| {
        let help = "name the answer's file, or use `-` for standard input";
        Stop::usage(format!("`{name}` can't be read: {error}"), help)
    })?;
    let text = answers::text(bytes, &name, language)
        .map_err(|error| Stop::Usage(error.fact, error.help))?;
    let path =
        file.filter(|_| language == Language::Python).and_then(|path| path.canonicalize().ok());
    Ok(Answer { language, text, path })
}

fn language_of(file: Option<&Path>, named: Option<Language>) -> Result<Language, Stop> {
    let extension = file.and_then(Path::extension).and_then(|extension| extension.to_str());
    match (named, file, extension) {
        (Some(language), ..) => Ok(language),
        (None, _, Some("py")) => Ok(Language::Python),
        (None, None, _) | (None, _, Some("redis")) => Ok(Language::Redis),
        (None, Some(path), _) => Err(Stop::usage(
            format!("cannot tell the language of `{}` from its extension", path.shown()),
            "add `--language python` or `--language redis`",
        )),
    }
}
