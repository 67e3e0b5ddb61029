//! Prints a verdict for people.

use super::super::output::out_without_commands;
use crate::cli::CheckOptions;
use crate::present::evidence::Form;
use crate::present::judged::{self, Detail, Judged};
use crate::present::text::wrap;
use crate::present::{output_width, terminal};

pub(super) fn print_verdict(judged: &Judged<'_>, options: &CheckOptions) {
    let detail = detail(options);
    let mut text = judged::judged(judged, detail, output_width());
    if detail == Detail::Short && !judged.verdict.passed() {
        let more = "`--verbose` shows what Redis saw and what has changed";
        let more = wrap(more, output_width(), "");
        text.push_str(&terminal::faint(&format!("\n{more}\n")));
    }
    out_without_commands(&text);
}

fn detail(options: &CheckOptions) -> Detail {
    match (options.transcript, options.verbose) {
        (true, _) => Detail::Full(Form::Long),
        (false, true) => Detail::Full(Form::Short),
        (false, false) => Detail::Short,
    }
}
