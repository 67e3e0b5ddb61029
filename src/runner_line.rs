//! Lines that begin with `@`: they are for the runner, not for Redis. [`FORMS`] lists them; the
//! lines that wait for one kind of work in the background come from the topics.

use std::fmt;

use crate::checks::values::Comparison;
use crate::lesson::problem::{did_you_mean, nearest, one_of};
use crate::redis_cli::words;
use crate::server::{FileName, info_fields};
use crate::topics::{self, BackgroundWork};

/// What a line asks of the runner.
#[derive(Debug, Clone, PartialEq)]
pub enum RunnerLine {
    /// Until none of this work runs.
    Wait(&'static BackgroundWork),
    /// `@wait-for FIELD VALUE`.
    WaitFor(Awaited),
    Stop,
    /// `@start [NAME VALUE]`, with these settings laid over the others.
    Start(Vec<(String, String)>),
    Copy {
        from: FileName,
        to: FileName,
    },
    /// `@cut FILE -7`: without its last bytes.
    Cut {
        file: CutFile,
        bytes: usize,
    },
    Crash,
    DiskRefuses,
    DiskWorks,
}

/// A file that is cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CutFile {
    Named(FileName),
    /// `@aof`: the append-only file to which the server wrote last.
    LastOfTheLog,
}

/// An INFO field and the value for which `@wait-for` waits.
#[derive(Debug, Clone, PartialEq)]
pub struct Awaited {
    pub field: String,
    pub value: AwaitedValue,
}

#[derive(Debug, Clone, PartialEq)]
pub enum AwaitedValue {
    Number(Comparison),
    Text(String),
}

impl Awaited {
    pub fn is_met_by(&self, value: &str) -> bool {
        match &self.value {
            AwaitedValue::Number(wanted) => {
                value.parse().is_ok_and(|number: f64| wanted.holds(number))
            }
            AwaitedValue::Text(wanted) => value == wanted,
        }
    }
}

impl fmt::Display for Awaited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            AwaitedValue::Number(wanted) => write!(f, "{} is {wanted}", self.field),
            AwaitedValue::Text(wanted) => write!(f, "{} is {wanted}", self.field),
        }
    }
}

/// Where a line may stand; each place allows what those before it do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// In answers, examples and setups.
    Anywhere,
    /// In setups, and in answers and examples of an exercise with `stop = true`.
    WhereTheServerStops,
    /// Only in a setup.
    Setup,
}

impl Place {
    /// As `lessons/README.md` writes it.
    pub fn words(self) -> &'static str {
        match self {
            Self::Anywhere => "answers and setup",
            Self::WhereTheServerStops => "setup; answers with `stop = true`",
            Self::Setup => "setup",
        }
    }
}

/// How a line is written.
pub struct Form {
    /// With its arguments: `@wait-for FIELD VALUE`.
    pub usage: &'static str,
    pub place: Place,
    /// As `lessons/README.md` writes it.
    pub does: &'static str,
    read: fn(&[String]) -> Option<Result<RunnerLine, String>>,
}

impl Form {
    pub fn word(&self) -> &'static str {
        self.usage.split(' ').next().unwrap_or_default()
    }
}

pub const FORMS: [Form; 7] = [
    Form {
        usage: "@wait-for FIELD VALUE",
        place: Place::Anywhere,
        does: "waits until an INFO field has this value: a number, a comparison such as `>= 2`, \
               or text",
        read: |arguments| match arguments {
            [field, value @ ..] if !value.is_empty() => Some(awaited(field, &value.join(" "))),
            _ => None,
        },
    },
    Form {
        usage: "@stop",
        place: Place::WhereTheServerStops,
        does: "stops the server without saving (SHUTDOWN NOSAVE)",
        read: |arguments| arguments.is_empty().then_some(Ok(RunnerLine::Stop)),
    },
    Form {
        usage: "@start [NAME VALUE]",
        place: Place::WhereTheServerStops,
        does: "starts it again with its files; the setting is laid over `[server]` and `[restart]`",
        read: |arguments| match arguments {
            [] => Some(Ok(RunnerLine::Start(Vec::new()))),
            [name, value @ ..] if !value.is_empty() => Some(start_with(name, &value.join(" "))),
            _ => None,
        },
    },
    Form {
        usage: "@copy FROM TO",
        place: Place::WhereTheServerStops,
        does: "copies one of the server's files: `backup.rdb`, `appendonlydir/…`",
        read: |arguments| match arguments {
            [from, to] => Some(
                FileName::parse(from)
                    .and_then(|from| FileName::parse(to).map(|to| RunnerLine::Copy { from, to })),
            ),
            _ => None,
        },
    },
    Form {
        usage: "@cut FILE -BYTES",
        place: Place::Setup,
        does: "takes so many bytes off the end of a file; `@aof` is the append-only file to which \
               the server wrote last",
        read: |arguments| match arguments {
            [file, bytes] => Some(cut(file, bytes)),
            _ => None,
        },
    },
    Form {
        usage: "@crash",
        place: Place::Setup,
        does: "kills the server (SIGKILL) and starts it again",
        read: |arguments| arguments.is_empty().then_some(Ok(RunnerLine::Crash)),
    },
    Form {
        usage: "@disk refuses|works",
        place: Place::Setup,
        does: "makes every save fail, as on a full disk; makes saves work again",
        read: |arguments| match arguments {
            [word] if word == "refuses" => Some(Ok(RunnerLine::DiskRefuses)),
            [word] if word == "works" => Some(Ok(RunnerLine::DiskWorks)),
            _ => None,
        },
    },
];

/// The words of all lines for the runner that may stand here.
pub fn words_at(place: Place) -> Vec<&'static str> {
    let others = FORMS.iter().filter(|form| form.place <= place);
    topics::wait_lines().into_iter().chain(others.map(Form::word)).collect()
}

/// Whether a line is for the runner.
pub fn is_for_the_runner(line: &str) -> bool {
    line.trim_start().starts_with('@')
}

/// Reads a line that begins with `@`; the error says what is wrong with it, and what was meant.
/// `place` is where it stands.
pub fn read(line: &str, place: Place) -> Result<RunnerLine, (String, Option<String>)> {
    if let Some(work) = topics::awaited_by(line) {
        return Ok(RunnerLine::Wait(work));
    }
    let command = without_comment(line.trim());
    let split = words::split(command).map_err(|error| (format!("`{command}`: {error}"), None))?;
    let split: Vec<String> =
        split.iter().map(|word| String::from_utf8_lossy(word).into_owned()).collect();
    let (word, arguments) = split.split_first().ok_or_else(|| unknown(command, place))?;
    let form = FORMS.iter().find(|form| form.word().eq_ignore_ascii_case(word));
    let form = form.ok_or_else(|| unknown(command, place))?;
    if place < form.place {
        return Err((why_not_here(form), None));
    }
    let usage = || (format!("`{command}` is not complete"), Some(format!("use `{}`", form.usage)));
    (form.read)(arguments).ok_or_else(usage)?.map_err(|why| (format!("`{command}`: {why}"), None))
}

/// The name of a file in the server's directory or in an answer's folder; the error says why it is
/// none.
pub fn file_name(text: &str) -> Result<String, String> {
    let name = FileName::parse(text);
    name.map(|name| name.as_str().to_owned())
        .map_err(|_| format!("`{text}` is not the name of a file in the answer's folder"))
}

/// The marks of a timeline where an answer stops and starts its server.
pub const STOP_MARK: &str = "@stop";
pub const START_MARK: &str = "@start";

/// Whether a line does something to the server.
pub fn acts(line: &str) -> bool {
    is_for_the_runner(line) && !waits(line) && read(line, Place::Setup).is_ok()
}

/// Whether a line only waits.
pub fn waits(line: &str) -> bool {
    let read = read(line, Place::Setup);
    is_for_the_runner(line) && matches!(read, Ok(RunnerLine::Wait(_) | RunnerLine::WaitFor(_)))
}

/// The line without the comment that may follow.
pub fn without_comment(command: &str) -> &str {
    command.split_once(" #").map_or(command, |(before, _)| before.trim_end())
}

fn unknown(command: &str, place: Place) -> (String, Option<String>) {
    let word = command.split_whitespace().next().unwrap_or_default();
    let known = words_at(place);
    let help = did_you_mean(word, known.iter().copied());
    let help = help.or_else(|| Some(format!("use {}", one_of(&known))));
    (format!("unknown line `{command}`"), help)
}

fn why_not_here(form: &Form) -> String {
    let why = match form.place {
        Place::Setup => "is for a lesson's `redis setup` only",
        _ => "needs an exercise with `stop = true`: this one does not stop its server",
    };
    format!("`{}` {why}", form.word())
}

fn awaited(field: &str, value: &str) -> Result<RunnerLine, String> {
    let begins_as_number = value.trim_start_matches('-').starts_with(|c: char| c.is_ascii_digit());
    let value = match Comparison::parse(value) {
        Some(wanted) if begins_as_number || value.starts_with(['<', '>', '=', '!']) => {
            AwaitedValue::Number(wanted)
        }
        None if value.starts_with(['<', '>', '=', '!']) => {
            return Err(format!("`{value}` is not a comparison, such as `>= 2`"));
        }
        _ => AwaitedValue::Text(value.to_owned()),
    };
    Ok(RunnerLine::WaitFor(Awaited { field: field.to_owned(), value }))
}

/// What to say of an INFO field that no server is known to report.
pub fn unknown_field(field: &str) -> Option<String> {
    if info_fields::is_known(field) {
        return None;
    }
    let meant = nearest(field, info_fields::all());
    let help = meant.map(|meant| format!("; did you mean `{meant}`?")).unwrap_or_default();
    Some(format!("unknown INFO field `{field}`{help}"))
}

fn start_with(name: &str, value: &str) -> Result<RunnerLine, String> {
    let name = crate::lesson::setting_name(name)?;
    Ok(RunnerLine::Start(vec![(name, value.to_owned())]))
}

fn cut(file: &str, bytes: &str) -> Result<RunnerLine, String> {
    let file = if file.eq_ignore_ascii_case("@aof") {
        CutFile::LastOfTheLog
    } else {
        CutFile::Named(FileName::parse(file)?)
    };
    let count = bytes.strip_prefix('-').and_then(|count| count.parse().ok());
    match count {
        Some(bytes @ 1..) => Ok(RunnerLine::Cut { file, bytes }),
        _ => Err(format!("`{bytes}` is not a number of bytes, such as `-7`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHERE_IT_STOPS: Place = Place::WhereTheServerStops;

    fn mistake(line: &str, place: Place) -> String {
        let (message, help) = read(line, place).unwrap_err();
        format!("{message}; {}", help.unwrap_or_default())
    }

    #[test]
    fn each_line_is_read_in_any_case_and_with_a_comment() {
        let first = topics::wait_lines()[0];
        assert!(matches!(read(first, Place::Anywhere), Ok(RunnerLine::Wait(_))));
        assert_eq!(read("@STOP # now", WHERE_IT_STOPS), Ok(RunnerLine::Stop));
        assert_eq!(read("@start", WHERE_IT_STOPS), Ok(RunnerLine::Start(Vec::new())));
        let setting = ("save".to_owned(), "60 1000".to_owned());
        for line in ["@start save \"60 1000\"", "@start SAVE 60 1000"] {
            assert_eq!(read(line, WHERE_IT_STOPS), Ok(RunnerLine::Start(vec![setting.clone()])));
        }
        assert_eq!(read("@disk refuses", Place::Setup), Ok(RunnerLine::DiskRefuses));
        assert_eq!(
            read("@cut @aof -7", Place::Setup),
            Ok(RunnerLine::Cut { file: CutFile::LastOfTheLog, bytes: 7 })
        );
        let copy = read("@copy a.rdb appendonlydir/a", WHERE_IT_STOPS);
        assert!(matches!(copy, Ok(RunnerLine::Copy { .. })), "{copy:?}");
    }

    #[test]
    fn a_value_is_a_number_a_comparison_or_text() {
        let wanted = |line: &str| match read(line, Place::Anywhere) {
            Ok(RunnerLine::WaitFor(awaited)) => awaited,
            other => panic!("{other:?}"),
        };
        assert!(wanted("@wait-for a 0").is_met_by("0") && !wanted("@wait-for a 0").is_met_by("1"));
        assert!(wanted("@wait-for a >= 2").is_met_by("3"));
        assert!(wanted("@wait-for a -1").is_met_by("-1"));
        assert!(wanted("@wait-for a ok").is_met_by("ok") && !wanted("@wait-for a 0").is_met_by(""));
        assert!(mistake("@wait-for a >= x", Place::Anywhere).contains("is not a comparison"));
    }

    #[test]
    fn a_slip_is_told_with_what_was_meant() {
        assert!(mistake("@wait-fro a 0", Place::Anywhere).contains("did you mean `@wait-for`?"));
        assert!(mistake("@wait-for a", Place::Anywhere).contains("use `@wait-for FIELD VALUE`"));
        assert!(mistake("@disk full", Place::Setup).contains("use `@disk refuses|works`"));
        assert!(mistake("@cut a.rdb 7", Place::Setup).contains("is not a number of bytes"));
    }

    #[test]
    fn a_line_is_refused_where_it_does_not_belong() {
        assert!(mistake("@stop", Place::Anywhere).contains("needs an exercise with `stop = true`"));
        assert!(mistake("@crash", WHERE_IT_STOPS).contains("`redis setup` only"));
        assert!(read("@stop", Place::Setup).is_ok());
    }

    #[test]
    fn only_files_of_the_server_are_named() {
        for line in ["@copy /etc/passwd a", "@copy a.rdb ../a", "@copy a \"\""] {
            assert!(mistake(line, WHERE_IT_STOPS).contains("file"), "{line}");
        }
    }

    #[test]
    fn no_setting_is_started_with_that_the_runner_controls() {
        assert!(mistake("@start port 7", WHERE_IT_STOPS).contains("`port` cannot be set"));
    }

    #[test]
    fn the_guide_has_the_row_of_each_line() {
        let guide = include_str!("../lessons/README.md");
        let table = guide.split("| line | where | does |\n|---|---|---|\n").nth(1).unwrap();
        let written: Vec<&str> =
            table.lines().skip(1).take_while(|line| line.starts_with('|')).collect();
        let known = FORMS.iter().map(|form| {
            let usage = form.usage.replace('|', "\\|");
            format!("| `{usage}` | {} | {} |", form.place.words(), form.does)
        });
        assert_eq!(written, known.collect::<Vec<_>>());
    }
}
