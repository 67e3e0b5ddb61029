//! `redislings check`: one answer, one verdict.

use std::path::Path;

use super::course::{language_of_name, require_language};
use super::output::{out, out_without_commands};
use super::waiting::Spinner;
use super::{Exit, Stop, choose_server, find, load, open_tap, tell};
use crate::answers;
use crate::attempt::{self, Answer, Evidence, Python, Stand};
use crate::cli::{Common, Format, LanguageName};
use crate::disk;
use crate::lesson::{Course, Exercise, Language};
use crate::present::evidence::Form;
use crate::present::{self, json, output_width};
use crate::sanitize::ShownPath;
use crate::server::Server;
use crate::telling::Told;
use crate::verdict::{Verdict, conclude};

/// What of a verdict is shown, and how.
#[derive(Debug, Clone, Copy)]
pub(super) struct Show {
    pub(super) format: Format,
    /// The whole transcript, not its gist.
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
    let judged = judged(common, &course, exercise, &answer, &mut server_name)
        .and_then(|evidence| Ok((conclude(exercise, &evidence)?, evidence)));
    match judged {
        Ok((verdict, evidence)) => {
            match show.format {
                Format::Human => {
                    out_without_commands(&human(exercise, &server_name, &evidence, &verdict, show));
                }
                Format::Json => out(&json::text(&json::Check::judged(
                    &exercise.id,
                    &server_name,
                    &verdict,
                    &evidence,
                ))),
            }
            Ok(if verdict.passed() { Exit::Passed } else { Exit::FellShort })
        }
        Err(Stop::World(error)) => {
            if show.format == Format::Json {
                out(&json::text(&json::Check::unchecked(&exercise.id, &server_name, &error.fact)));
            }
            tell(&Stop::World(error));
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

fn judged(
    common: &Common,
    course: &Course,
    exercise: &Exercise,
    answer: &Answer,
    server_name: &mut String,
) -> Result<Evidence, Stop> {
    let spinner = Spinner::new();
    let telling = |told: Told<'_>| spinner.tell(told);
    let chosen = choose_server(common, &telling)?;
    telling(Told::Line(&format!("server: {}", chosen.why)));
    let python = match answer.language {
        Language::Python => {
            telling(Told::Progress("looking at `python3`"));
            Some(Python::find(&course.python_packages, &telling)?)
        }
        Language::Redis => None,
    };
    let tap = open_tap(common, &chosen.source)?;
    if tap.usual_port_is_taken() {
        let line = present::usual_port_taken(tap.address());
        telling(Told::Line(&format!("{line}; `$REDIS_PORT` tells an answer's programs that port")));
    }
    telling(Told::Progress("starting the server"));
    let mut server = Server::start(&chosen.source, &exercise.settings)?;
    server.name().clone_into(server_name);
    telling(Told::Progress("checking the answer"));
    let phases = |phase| telling(Told::Progress(&present::waiting::phase(phase)));
    let mut stand = Stand { server: &mut server, tap: &tap, telling: &phases };
    Ok(attempt::attempt(&mut stand, exercise, answer, python.as_ref())?)
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

fn language_of(file: Option<&Path>, told: Option<LanguageName>) -> Result<Language, Stop> {
    let ending = file.and_then(Path::extension).and_then(|ending| ending.to_str());
    match (told, file, ending) {
        (Some(name), ..) => Ok(language_of_name(name)),
        (None, _, Some("py")) => Ok(Language::Python),
        (None, None, _) | (None, _, Some("redis")) => Ok(Language::Redis),
        (None, Some(path), _) => Err(Stop::Usage(
            format!("the ending of `{}` does not tell its language", path.shown()),
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
        "give the answer's file, or `-` and the answer on standard input".to_owned(),
    )
}
