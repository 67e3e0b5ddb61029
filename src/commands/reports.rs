//! Writes reports to standard output and to files.

mod files;

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use super::output::{out, out_without_commands};
use super::{Stop, github};
use crate::cleanup::lock;
use crate::cli::{Format, ReportKind, ReportTo};
use crate::error::EnvironmentError;
use crate::lesson::Problem;
use crate::present::text::without_colors;
use crate::present::verify::{self, human, json_lines, junit, summary};
use crate::present::{json, terminal};
use crate::sanitize::ShownPath;
use crate::verify::plan::Plan;
use crate::verify::report::{CaseReport, Report, ServerReport};
use files::{append, lost, replace, try_file, unwritable};

#[derive(Debug)]
pub(super) struct Reports {
    format: Format,
    wanted: Vec<ReportTo>,
    /// The file of the job's summary on GitHub: text is appended to it.
    summary: Option<PathBuf>,
    /// The open file of the JSON lines. `end` reports its first error.
    stream: Mutex<Option<io::Result<File>>>,
}

impl Reports {
    /// The named reports. If none of them goes to standard output, adds the defaults: the report
    /// for people, and on GitHub the annotations and the job's summary.
    pub(super) fn of(
        named: &[ReportTo],
        format: Format,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, Stop> {
        ensure_compatible(named, format)?;
        let summary = variable("GITHUB_STEP_SUMMARY").map(PathBuf::from);
        let mut wanted = named.to_vec();
        let is_default = wanted.iter().all(|report| report.path.is_some());
        if is_default && format == Format::Human {
            wanted.push(ReportTo { kind: ReportKind::Human, path: None });
            if variable("GITHUB_ACTIONS").is_some_and(|value| value == "true") {
                wanted.push(ReportTo { kind: ReportKind::Github, path: None });
                // In a container the variable may be set though the file is missing. Then leave
                // the summary out, since nobody asked for it.
                if summary.as_ref().is_some_and(|path| append(path, "").is_ok()) {
                    wanted.push(ReportTo { kind: ReportKind::Summary, path: summary.clone() });
                }
            }
        }
        wanted.dedup();
        Ok(Self { format, wanted, summary, stream: Mutex::new(None) })
    }

    /// Checks before the run that all files can be written. It changes no file and leaves none
    /// behind.
    pub(super) fn try_targets(&self) -> Result<(), Stop> {
        for path in self.wanted.iter().filter_map(|report| report.path.as_ref()) {
            if self.is_appended(path) {
                append(path, "").map_err(|error| unwritable(path, &error))?;
            } else {
                try_file(path)?;
            }
        }
        Ok(())
    }

    fn is_appended(&self, path: &PathBuf) -> bool {
        self.summary.as_ref() == Some(path)
    }

    fn is_on_output(&self, kind: ReportKind) -> bool {
        self.wanted.contains(&ReportTo { kind, path: None })
    }

    /// Whether a report for people goes to standard output.
    pub(super) fn report_to_people(&self) -> bool {
        self.is_on_output(ReportKind::Human)
    }

    /// Whether a report is written while the run goes on.
    pub(super) fn is_streamed(&self) -> bool {
        self.wanted.iter().any(|report| report.kind == ReportKind::Jsonl)
    }

    /// To be called when the run begins.
    pub(super) fn begin(&self, plan: &Plan) -> Result<(), Stop> {
        if let Some(path) = self.stream_path() {
            let file = files::create(path).map_err(|error| unwritable(path, &error))?;
            *lock(&self.stream) = Some(Ok(file));
        }
        self.stream(|| json_lines::begin(plan));
        Ok(())
    }

    /// To be called when a case has ended on the wanted server.
    pub(super) fn case(&self, wanted: &str, case: &CaseReport) {
        self.stream(|| json_lines::case(wanted, case));
    }

    /// To be called when all cases on a server have ended.
    pub(super) fn server(&self, server: &ServerReport) {
        self.stream(|| json_lines::server(server));
    }

    /// Writes all remaining reports after the run. The error names the first file that could not be
    /// written.
    pub(super) fn end(&self, report: &Report) -> Result<(), EnvironmentError> {
        self.stream(|| json_lines::end(report));
        self.interrupted(report)
    }

    /// The same without the end of the JSON lines, since the run has not come to its end.
    pub(super) fn interrupted(&self, report: &Report) -> Result<(), EnvironmentError> {
        if self.format == Format::Json {
            out(&json::verified(report));
        }
        self.write_each(&|report_to, limit| match report_to.kind {
            ReportKind::Human => Some(human::text(report)),
            ReportKind::Jsonl => None,
            ReportKind::Junit => Some(junit::xml(report)),
            ReportKind::Github => Some(verify::github::annotations(report, &in_the_repository)),
            ReportKind::Summary => Some(summary::markdown(report, limit)),
        })
    }

    /// Like `end`, for lessons that can't be loaded. Standard error has shown the problems already.
    pub(super) fn unloadable(&self, problems: &[Problem]) -> Result<(), EnvironmentError> {
        self.write_each(&|report_to, _| match report_to.kind {
            ReportKind::Human if report_to.path.is_none() => None,
            ReportKind::Human => Some(problems.iter().map(terminal::problem).collect()),
            ReportKind::Jsonl => Some(json_lines::unloadable(problems)),
            ReportKind::Junit => Some(junit::problems(problems)),
            ReportKind::Github => Some(verify::github::problems(problems, &in_the_repository)),
            ReportKind::Summary => Some(summary::problems(problems)),
        })
    }

    /// Writes each report. `text` formats it within a limit in bytes; `None` skips it.
    fn write_each(
        &self,
        text: &dyn Fn(&ReportTo, usize) -> Option<String>,
    ) -> Result<(), EnvironmentError> {
        let mut failed = None;
        for report in &self.wanted {
            let appended = report.path.as_ref().filter(|path| self.is_appended(path));
            let taken = appended.and_then(|path| std::fs::metadata(path).ok());
            let taken = taken.map_or(0, |file| usize::try_from(file.len()).unwrap_or(usize::MAX));
            let Some(text) = text(report, summary::LIMIT.saturating_sub(taken)) else { continue };
            let Some(path) = &report.path else {
                out_report(report.kind, &text);
                continue;
            };
            let written = match appended {
                Some(path) => append(path, &text),
                None => replace(path, &without_colors(&text)),
            };
            if let Err(error) = written {
                failed.get_or_insert_with(|| lost(path, &error));
            }
        }
        if let (Some(Err(error)), Some(path)) = (lock(&self.stream).take(), self.stream_path()) {
            failed.get_or_insert_with(|| lost(path, &error));
        }
        failed.map_or(Ok(()), Err)
    }

    /// The file of the JSON lines.
    fn stream_path(&self) -> Option<&Path> {
        let mut streams = self.wanted.iter().filter(|report| report.kind == ReportKind::Jsonl);
        streams.find_map(|report| report.path.as_deref())
    }

    fn stream(&self, line: impl FnOnce() -> String) {
        if !self.is_streamed() {
            return;
        }
        let line = line();
        if self.is_on_output(ReportKind::Jsonl) {
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

/// Prints a report to standard output. GitHub runs no commands in it except our annotations.
fn out_report(kind: ReportKind, text: &str) {
    match kind {
        ReportKind::Human => out_without_commands(text),
        ReportKind::Junit | ReportKind::Summary if github::is_reading() => {
            out(&github::markup_without_commands(text));
        }
        _ => out(text),
    }
}

/// A file takes one report. So does standard output, except that `human` and `github` go together,
/// since GitHub finds the annotations in the text.
fn ensure_compatible(wanted: &[ReportTo], format: Format) -> Result<(), Stop> {
    let on_output: Vec<ReportKind> =
        wanted.iter().filter(|report| report.path.is_none()).map(|report| report.kind).collect();
    let help = "name a file: `--report KIND=PATH`";
    if format == Format::Json && !on_output.is_empty() {
        let fact = "`--format json` and a report can't both go to standard output";
        return Err(Stop::usage(fact, help));
    }
    let are_a_pair =
        on_output.iter().all(|kind| matches!(kind, ReportKind::Human | ReportKind::Github));
    if on_output.len() > 1 && !are_a_pair {
        let fact = "only one report can go to standard output, or human and github together";
        return Err(Stop::usage(fact, help));
    }
    let mut files: Vec<&ReportTo> = wanted.iter().filter(|report| report.path.is_some()).collect();
    if files.iter().filter(|report| report.kind == ReportKind::Jsonl).count() > 1 {
        return Err(Stop::usage(
            "`--report jsonl` can't go to two files",
            "name one file, and copy it",
        ));
    }
    files.sort_unstable_by_key(|report| &report.path);
    let twice = files.windows(2).find(|pair| pair[0].path == pair[1].path);
    match twice.and_then(|pair| pair[0].path.as_ref()) {
        Some(path) => Err(Stop::usage(
            format!("two reports can't go to the same file `{}`", path.shown()),
            "name another file for one of them",
        )),
        None => Ok(()),
    }
}

/// The file's path in the repository, by which GitHub finds it; `None` for the built-in course.
fn in_the_repository(file: &str) -> Option<String> {
    if file.starts_with(crate::lesson::course::shipped::FOLDER) {
        return None;
    }
    let real = Path::new(file).canonicalize().unwrap_or_default();
    let root =
        std::env::var_os("GITHUB_WORKSPACE").and_then(|root| Path::new(&root).canonicalize().ok());
    let inside = root.and_then(|root| real.strip_prefix(&root).ok().map(ShownPath::shown));
    Some(inside.unwrap_or_else(|| file.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The reports for these options and variables, as `kind`, `kind=path` or `kind+=path`.
    fn wanted(
        named: &[&str],
        format: Format,
        variables: &[(&str, &str)],
    ) -> Result<Vec<String>, String> {
        let named: Vec<ReportTo> = named.iter().map(|text| text.parse().unwrap()).collect();
        let variable = |name: &str| {
            let variable = variables.iter().find(|(other, _)| *other == name);
            variable.map(|(_, value)| (*value).to_owned())
        };
        let reports = Reports::of(&named, format, &variable).map_err(|stop| match stop {
            Stop::Usage(fact, _) => fact,
            _ => String::new(),
        })?;
        Ok(reports.wanted.iter().map(|report| option(&reports, report)).collect())
    }

    fn option(reports: &Reports, ReportTo { kind, path }: &ReportTo) -> String {
        match path {
            None => format!("{kind:?}"),
            Some(path) if reports.is_appended(path) => format!("{kind:?}+={}", path.display()),
            Some(path) => format!("{kind:?}={}", path.display()),
        }
    }

    const GITHUB: [(&str, &str); 1] = [("GITHUB_ACTIONS", "true")];

    #[test]
    fn the_report_for_people_is_the_default_on_standard_output() {
        assert_eq!(wanted(&[], Format::Human, &[]), Ok(vec!["Human".to_owned()]));
        let files = ["Junit=a.xml".to_owned(), "Human".to_owned()];
        assert_eq!(wanted(&["junit=a.xml"], Format::Human, &[]), Ok(files.to_vec()));
        assert_eq!(wanted(&["summary"], Format::Human, &[]), Ok(vec!["Summary".to_owned()]));
        assert_eq!(wanted(&[], Format::Json, &[]), Ok(Vec::new()));
    }

    #[test]
    fn on_github_annotations_and_the_summary_are_defaults() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let path = file.path().to_str().unwrap();
        let variables = [GITHUB[0], ("GITHUB_STEP_SUMMARY", path)];
        let all = ["Human".to_owned(), "Github".to_owned(), format!("Summary+={path}")];
        assert_eq!(wanted(&[], Format::Human, &variables), Ok(all.to_vec()));
        assert_eq!(wanted(&["human"], Format::Human, &variables), Ok(vec!["Human".to_owned()]));
        assert_eq!(wanted(&[], Format::Json, &variables), Ok(Vec::new()));
    }

    #[test]
    fn a_summary_without_its_file_is_left_out() {
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
