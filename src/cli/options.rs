//! Options that several commands have, and their values.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, ValueEnum};

/// How `verify` runs its cases.
#[derive(Debug, Clone, Args)]
pub struct RunOptions {
    /// How many cases run at the same time; the default is eight per core, since most of them wait,
    /// and at most 16
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=64))]
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
    /// Leave the server of the first case that does not pass running, and show how to connect to it
    #[arg(long)]
    pub keep: bool,
    /// Rewrite the expected replies of `redis` examples in the lessons' files to the server's
    /// replies, then verify
    ///
    /// Lines of `...` stay if the lines around them have counterparts in the reply.
    #[arg(long, conflicts_with = "server_matrix")]
    pub update: bool,
}

/// The reports to write.
#[derive(Debug, Clone, Args)]
pub struct Reporting {
    /// Write a report: human, jsonl (JSON lines), junit, github (annotations) or summary
    /// (markdown); may be given several times. Without PATH it goes to standard output
    ///
    /// The default is human and, on GitHub (`GITHUB_ACTIONS`), also github and a summary on the
    /// job's page (`GITHUB_STEP_SUMMARY`). A report for standard output replaces these defaults:
    /// `--report human` alone turns the others off.
    #[arg(long = "report", value_name = "KIND[=PATH]")]
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
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Human,
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ColorWhen {
    Auto,
    Always,
    Never,
}

/// Shells with completions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ShellName {
    Bash,
    Zsh,
    Fish,
    Elvish,
    #[value(name = "powershell")]
    PowerShell,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LanguageName {
    #[value(alias = "py")]
    Python,
    Redis,
}
