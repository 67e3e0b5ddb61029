//! Where reports go: standard output and files, several at once.

mod files;

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use super::output::{out, out_without_commands};
use super::{Stop, github};
use crate::cleanup::lock;
use crate::cli::{Format, ReportKind, ReportTo};
use crate::error::WorldError;
use crate::lesson::Problem;
use crate::present::text::without_colors;
use crate::present::verify::{self, human, json_lines, junit, summary};
use crate::present::{json, terminal};
use crate::sanitize::ShownPath;
use crate::verify::plan::Plan;
use crate::verify::report::{CaseReport, Report, ServerReport};
use files::{append, lost, replace, try_file, unwritable};

/// Where one goes.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Target {
    Output,
    /// In place of what the file holds.
    File(PathBuf),
    /// Behind what the file holds.
    EndOf(PathBuf),
}

/// Which are wanted.
#[derive(Debug)]
pub(super) struct Reports {
    format: Format,
    wanted: Vec<(ReportKind, Target)>,
    /// The file of the JSON lines, once it was begun; what went wrong with it is told at the end.
    stream: Mutex<Option<io::Result<File>>>,
}

impl Reports {
    /// Those that were named. What goes to standard output by default stays as long as none was named for it: the
    /// report for people, and on GitHub the annotations and the job's summary.
    pub(super) fn of(
        named: &[ReportTo],
        format: Format,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, Stop> {
        let summary = variable("GITHUB_STEP_SUMMARY").map(PathBuf::from);
        let target = |path: &Option<PathBuf>| match path {
            None => Target::Output,
            Some(path) if Some(path) == summary.as_ref() => Target::EndOf(path.clone()),
            Some(path) => Target::File(path.clone()),
        };
        let mut wanted: Vec<_> = named.iter().map(|it| (it.kind, target(&it.path))).collect();
        refuse_what_mixes(&wanted, format)?;
        let is_default = wanted.iter().all(|(_, target)| *target != Target::Output);
        if is_default && format == Format::Human {
            wanted.push((ReportKind::Human, Target::Output));
            if variable("GITHUB_ACTIONS").is_some_and(|value| value == "true") {
                wanted.push((ReportKind::Github, Target::Output));
                // In a container the variable may come without the file; nobody asked for it.
                let file = summary.filter(|path| append(path, "").is_ok());
                wanted.extend(file.map(|path| (ReportKind::Summary, Target::EndOf(path))));
            }
        }
        wanted.dedup();
        Ok(Self { format, wanted, stream: Mutex::new(None) })
    }

    /// Proves, before anything runs, that all files can be written; none is left behind or changed.
    pub(super) fn try_targets(&self) -> Result<(), Stop> {
        for (_, target) in &self.wanted {
            match target {
                Target::Output => {}
                Target::File(path) => try_file(path)?,
                Target::EndOf(path) => {
                    append(path, "").map_err(|error| unwritable(path, &error))?;
                }
            }
        }
        Ok(())
    }

    /// Whether people read one on standard output.
    pub(super) fn tell_people(&self) -> bool {
        self.wanted.contains(&(ReportKind::Human, Target::Output))
    }

    /// Whether somebody reads along.
    pub(super) fn is_streamed(&self) -> bool {
        self.wanted.iter().any(|(kind, _)| *kind == ReportKind::Jsonl)
    }

    /// The run begins.
    pub(super) fn begin(&self, plan: &Plan) -> Result<(), Stop> {
        for (kind, target) in &self.wanted {
            if let (ReportKind::Jsonl, Target::File(path) | Target::EndOf(path)) = (kind, target) {
                let file = files::create(path).map_err(|error| unwritable(path, &error))?;
                *lock(&self.stream) = Some(Ok(file));
            }
        }
        self.stream(|| json_lines::begin(plan));
        Ok(())
    }

    /// A case has ended on the server that was wanted.
    pub(super) fn case(&self, wanted: &str, case: &CaseReport) {
        self.stream(|| json_lines::case(wanted, case));
    }

    /// All cases on a server have ended.
    pub(super) fn server(&self, server: &ServerReport) {
        self.stream(|| json_lines::server(server));
    }

    /// The run has ended: everything else is written. The error is of the first file that could not be.
    pub(super) fn end(&self, report: &Report) -> Result<(), WorldError> {
        if self.format == Format::Json {
            out(&json::verified(report));
        }
        self.stream(|| json_lines::end(report));
        self.write_each(&|kind, _, limit| match kind {
            ReportKind::Human => Some(human::text(report)),
            ReportKind::Jsonl => None,
            ReportKind::Junit => Some(junit::xml(report)),
            ReportKind::Github => Some(verify::github::annotations(report, &in_the_repository)),
            ReportKind::Summary => Some(summary::markdown(report, limit)),
        })
    }

    /// The same for lessons that can't be loaded, which the screen has told of already.
    pub(super) fn unloadable(&self, problems: &[Problem]) -> Result<(), WorldError> {
        self.write_each(&|kind, target, _| match kind {
            ReportKind::Human if *target == Target::Output => None,
            ReportKind::Human => Some(problems.iter().map(terminal::problem).collect()),
            ReportKind::Jsonl => Some(json_lines::unloadable(problems)),
            ReportKind::Junit => Some(junit::problems(problems)),
            ReportKind::Github => Some(verify::github::problems(problems, &in_the_repository)),
            ReportKind::Summary => Some(summary::problems(problems)),
        })
    }

    /// Writes what `text` makes of each kind within so many bytes.
    fn write_each(
        &self,
        text: &dyn Fn(ReportKind, &Target, usize) -> Option<String>,
    ) -> Result<(), WorldError> {
        let mut failed = None;
        for (kind, target) in &self.wanted {
            let taken = match target {
                Target::EndOf(path) => std::fs::metadata(path).map_or(0, |it| it.len()),
                Target::Output | Target::File(_) => 0,
            };
            let room = summary::LIMIT.saturating_sub(usize::try_from(taken).unwrap_or(usize::MAX));
            let Some(text) = text(*kind, target, room) else { continue };
            let written = match target {
                Target::Output => {
                    out_report(*kind, &text);
                    Ok(())
                }
                Target::File(path) => {
                    replace(path, &without_colors(&text)).map_err(|it| lost(path, &it))
                }
                Target::EndOf(path) => append(path, &text).map_err(|it| lost(path, &it)),
            };
            failed = failed.or(written.err());
        }
        let stream = lock(&self.stream).take().and_then(Result::err);
        let stream = stream.map(|error| lost(Path::new(self.stream_name()), &error));
        failed.or(stream).map_or(Ok(()), Err)
    }

    fn stream_name(&self) -> &str {
        let mut paths = self.wanted.iter().filter_map(|it| match it {
            (ReportKind::Jsonl, Target::File(path) | Target::EndOf(path)) => path.to_str(),
            _ => None,
        });
        paths.next().unwrap_or("-")
    }

    fn stream(&self, line: impl FnOnce() -> String) {
        if !self.is_streamed() {
            return;
        }
        let line = line();
        if self.wanted.contains(&(ReportKind::Jsonl, Target::Output)) {
            out(&line);
        }
        let mut stream = lock(&self.stream);
        if let Some(Ok(file)) = &mut *stream
            && let Err(error) = file.write_all(line.as_bytes())
        {
            *stream = Some(Err(error));
        }
    }
}

/// A report on standard output, in which GitHub finds no command but our annotations.
fn out_report(kind: ReportKind, text: &str) {
    match kind {
        ReportKind::Human => out_without_commands(text),
        ReportKind::Junit | ReportKind::Summary if github::is_reading() => {
            out(&github::markup_without_commands(text));
        }
        _ => out(text),
    }
}

/// Standard output takes one report, and beside that for people the annotations, which GitHub finds in it; a file
/// takes one.
fn refuse_what_mixes(wanted: &[(ReportKind, Target)], format: Format) -> Result<(), Stop> {
    let on_output: Vec<ReportKind> =
        wanted.iter().filter(|(_, it)| *it == Target::Output).map(|(kind, _)| *kind).collect();
    let is_pair = |kind: &ReportKind| matches!(kind, ReportKind::Human | ReportKind::Github);
    if format == Format::Json && !on_output.is_empty() {
        let fact = "`--format json` and a report can't both go to standard output";
        return Err(Stop::Usage(fact.to_owned(), "name a file: `--report KIND=PATH`".to_owned()));
    }
    if on_output.len() > 1 && !on_output.iter().all(is_pair) {
        let fact = "only one report can go to standard output, or human and github together";
        return Err(Stop::Usage(fact.to_owned(), "name a file: `--report KIND=PATH`".to_owned()));
    }
    let streams =
        wanted.iter().filter(|(kind, it)| *kind == ReportKind::Jsonl && *it != Target::Output);
    if streams.count() > 1 {
        let fact = "`--report jsonl` is named for two files".to_owned();
        return Err(Stop::Usage(fact, "name one, and copy it".to_owned()));
    }
    let path = |(_, target): &(ReportKind, Target)| match target {
        Target::Output => None,
        Target::File(path) | Target::EndOf(path) => Some(path.clone()),
    };
    let mut paths: Vec<PathBuf> = wanted.iter().filter_map(path).collect();
    paths.sort();
    match paths.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(Stop::Usage(
            format!("two reports can't go to the same file `{}`", pair[0].shown()),
            "name another file for one of them".to_owned(),
        )),
        None => Ok(()),
    }
}

/// GitHub finds a file by its path in the repository.
fn in_the_repository(file: &str) -> Option<String> {
    if file.starts_with(crate::lesson::course::shipped::FOLDER) {
        return None;
    }
    let real = Path::new(file).canonicalize();
    let root = std::env::var_os("GITHUB_WORKSPACE").map(PathBuf::from);
    let root = root.and_then(|root| root.canonicalize().ok());
    let inside = real
        .ok()
        .zip(root)
        .and_then(|(real, root)| real.strip_prefix(&root).ok().map(ShownPath::shown));
    Some(inside.unwrap_or_else(|| file.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The reports that these options and variables ask for, as `kind` or `kind=path`.
    fn wanted(
        named: &[&str],
        format: Format,
        variables: &[(&str, &str)],
    ) -> Result<Vec<String>, String> {
        let named: Vec<ReportTo> = named.iter().map(|text| text.parse().unwrap()).collect();
        let variable = |name: &str| {
            let found = variables.iter().find(|(it, _)| *it == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let reports = Reports::of(&named, format, &variable).map_err(|stop| match stop {
            Stop::Usage(fact, _) => fact,
            _ => String::new(),
        })?;
        let text = |(kind, target): &(ReportKind, Target)| match target {
            Target::Output => format!("{kind:?}"),
            Target::File(path) => format!("{kind:?}={}", path.display()),
            Target::EndOf(path) => format!("{kind:?}+={}", path.display()),
        };
        Ok(reports.wanted.iter().map(text).collect())
    }

    const GITHUB: [(&str, &str); 1] = [("GITHUB_ACTIONS", "true")];

    #[test]
    fn people_are_told_unless_standard_output_is_named() {
        assert_eq!(wanted(&[], Format::Human, &[]), Ok(vec!["Human".to_owned()]));
        let files = ["Junit=a.xml".to_owned(), "Human".to_owned()];
        assert_eq!(wanted(&["junit=a.xml"], Format::Human, &[]), Ok(files.to_vec()));
        assert_eq!(wanted(&["summary"], Format::Human, &[]), Ok(vec!["Summary".to_owned()]));
        assert_eq!(wanted(&[], Format::Json, &[]), Ok(Vec::new()));
    }

    #[test]
    fn on_github_annotations_and_the_summary_come_by_themselves() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let path = file.path().to_str().unwrap();
        let variables = [GITHUB[0], ("GITHUB_STEP_SUMMARY", path)];
        let all = ["Human".to_owned(), "Github".to_owned(), format!("Summary+={path}")];
        assert_eq!(wanted(&[], Format::Human, &variables), Ok(all.to_vec()));
        assert_eq!(wanted(&["human"], Format::Human, &variables), Ok(vec!["Human".to_owned()]));
        assert_eq!(wanted(&[], Format::Json, &variables), Ok(Vec::new()));
    }

    #[test]
    fn a_summary_whose_file_is_not_here_is_left_out() {
        let variables = [GITHUB[0], ("GITHUB_STEP_SUMMARY", "/no/such/file")];
        let all = ["Human".to_owned(), "Github".to_owned()];
        assert_eq!(wanted(&[], Format::Human, &variables), Ok(all.to_vec()));
    }

    #[test]
    fn standard_output_takes_one_report_or_the_pair() {
        assert!(wanted(&["human", "github"], Format::Human, &[]).is_ok());
        assert!(wanted(&["junit=-", "human"], Format::Human, &[]).is_err());
        assert!(wanted(&["junit"], Format::Json, &[]).is_err());
        assert!(wanted(&["junit=a", "summary=a"], Format::Human, &[]).is_err());
    }
}
