//! A job summary in GitHub markdown: counts, broken cases, and the commands to repeat them.

use std::fmt::Write as _;

use super::{
    could_not_be_checked, is_error, located, sentences, title, unchecked_at_large, warning,
};
use crate::lesson::Problem;
use crate::present::text::without_colors;
use crate::verify::report::{CaseOutcome, CaseReport, Report, ServerReport, Warning};

/// GitHub's limit is 1 MiB for each step; this leaves some room.
pub const LIMIT: usize = 1_000_000;

/// The summary in at most `limit` bytes. If it does not fit, it leaves out details first, then
/// cases, and says so.
pub fn markdown(report: &Report, limit: usize) -> String {
    let mut text = head(report);
    let tail = tail(report);
    // Reserve room for the two sentences about what was left out.
    let mut room = limit.saturating_sub(text.len() + tail.len() + 400);
    let (mut cases, mut left_out, mut without_details) = (Vec::new(), 0, 0);
    for server in &report.servers {
        for case in server.broken() {
            let short = short(case, server);
            if left_out > 0 || short.len() > room {
                left_out += 1;
            } else {
                room -= short.len();
                cases.push((short, case));
            }
        }
    }
    for (short, case) in cases {
        text.push_str(&short);
        let details = details(case);
        if details.len() > room {
            without_details += 1;
        } else {
            room -= details.len();
            text.push_str(&details);
        }
    }
    let omissions = [
        (without_details, format!("The details of {without_details} cases")),
        (left_out, format!("{left_out} more cases")),
    ];
    for (_, what) in omissions.iter().filter(|(count, _)| *count > 0) {
        let _ = writeln!(text, "{what} are left out: GitHub's limit is 1 MiB.\n");
    }
    text + &tail
}

/// The summary if the lessons could not be loaded.
pub fn problems(problems: &[Problem]) -> String {
    let errors = problems.iter().filter(|problem| is_error(problem)).count();
    let mut text = format!("## redislings: the lessons can't be loaded\n\nProblems: {errors}\n\n");
    for problem in problems {
        text.push_str(&line(&warning(problem)));
    }
    cut(text)
}

fn head(report: &Report) -> String {
    let conclusion = report.conclusion().in_words();
    let mut text = format!("## redislings: {}: {conclusion}\n\n", escaped(&report.course));
    if let Some(why) = &report.nothing {
        let _ = writeln!(text, "{}\n", escaped(why));
    }
    if let Some(slice) = report.slice {
        let _ = writeln!(text, "Part {slice} of the cases.\n");
    }
    text.push_str(
        "| server | passed | failed | unchecked | not run | not for it | flaky | time |\n",
    );
    text.push_str("|---|---:|---:|---:|---:|---:|---:|---:|\n");
    for server in &report.servers {
        let name = match server.wanted.as_str() {
            "" => escaped(server.server()),
            wanted => format!("{}: {}", escaped(wanted), escaped(server.server())),
        };
        let _ = write!(text, "| {name} ");
        for outcome in CaseOutcome::ALL {
            let _ = write!(text, "| {} ", server.count(outcome));
        }
        let _ = writeln!(text, "| {} | {:.1} s |", server.flaky(), server.took.as_secs_f64());
    }
    text.push('\n');
    for (name, error) in unchecked_at_large(report) {
        let _ =
            writeln!(text, "**{}**: {}\n", escaped(name), escaped(&could_not_be_checked(error)));
    }
    text
}

fn tail(report: &Report) -> String {
    if report.warnings.is_empty() {
        return String::new();
    }
    let warnings = report.warnings.iter().map(line).collect::<String>();
    cut(format!("### Warnings: {}\n\n{warnings}", report.warnings.len()))
}

/// Limits the text, for lessons with very many problems.
fn cut(mut text: String) -> String {
    let limit = LIMIT / 4;
    if text.len() > limit {
        let line_ends = text.match_indices('\n').map(|(at, _)| at + 1);
        let end = line_ends.take_while(|at| *at <= limit).last().unwrap_or(0);
        text.truncate(end);
        text.push_str("\nThe rest is left out.\n");
    }
    text + "\n"
}

fn line(warning: &Warning) -> String {
    format!("- {}\n", escaped(&located(warning)))
}

fn short(case: &CaseReport, server: &ServerReport) -> String {
    let flaky = if case.is_flaky { " (flaky)" } else { "" };
    let outcome = case.outcome.word();
    let mut text = format!("### {}: {outcome}{flaky}\n\n", escaped(&title(case, server)));
    let _ = writeln!(text, "{}\n", escaped(&format!("{}:{}", case.file, case.line)));
    for sentence in sentences(case) {
        let _ = writeln!(text, "- {}", escaped(&sentence));
    }
    if !case.repeat.is_empty() {
        let _ = writeln!(text, "\n<pre>{}</pre>", verbatim(&case.repeat));
    }
    text + "\n"
}

/// Uses `pre`, which only its closing tag ends; the output of a program could close a fence.
fn details(case: &CaseReport) -> String {
    if case.details.trim().is_empty() {
        return String::new();
    }
    let details = verbatim(without_colors(&case.details).trim_end());
    format!("<details><summary>evidence</summary>\n\n<pre>\n{details}\n</pre>\n\n</details>\n\n")
}

fn verbatim(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// One line, with every character that is special in markdown, HTML or a table cell as an entity.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' | '<' | '>' | '|' | '`' | '*' | '_' | '[' | ']' | '\\' | '~' | '#' | '@' | '$'
            | '!' => {
                let _ = write!(escaped, "&#{};", u32::from(c));
            }
            c if c.is_control() => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}
