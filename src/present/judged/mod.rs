//! A verdict for people: first what fits on a screen and what to act on, the rest on request.

mod origin;
mod traceback;

use std::fmt::Write as _;

use colored::Colorize as _;

use super::checks::Mark;
use super::evidence::{self, Form};
use super::lanes;
use super::markdown::inline_code;
use super::plain;
use super::terminal::{self, within};
use super::text::{clean, display_width, number, reveal, truncate, wrap};
use crate::attempt::Answer;
use crate::attempt::evidence::{Evidence, Run};
use crate::lesson::check::ENDS_WELL;
use crate::verdict::{Finding, FoundInWorld, Outcome, Verdict};

/// The maximum number of lines of a program's output in the short form.
const OUTPUT_LINES: usize = 5;
/// From so many checks on, the short form only counts those that were not judged.
const MANY: usize = 2;

/// A verdict and all that is shown with it.
#[derive(Clone, Copy)]
pub struct Judged<'a> {
    /// The exercise's id.
    pub exercise: &'a str,
    pub server: &'a str,
    /// `None` for work by hand.
    pub answer: Option<&'a Answer>,
    pub evidence: &'a Evidence,
    pub verdict: &'a Verdict,
    /// The verdict on the attempt before.
    pub previous: Option<&'a Verdict>,
}

/// How much of a verdict to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// What fits on a screen.
    Short,
    /// All findings and all evidence.
    Full(Form),
}

/// Prose within `width` columns.
pub fn judged(judged: &Judged<'_>, detail: Detail, width: usize) -> String {
    let mut text = headline(judged, width);
    text.push_str(&progress(judged, width));
    text.push_str(&cause(judged, width));
    match detail {
        Detail::Short => short(judged, width, &mut text),
        Detail::Full(form) => full(judged, form, width, &mut text),
    }
    text
}

fn short(judged: &Judged<'_>, width: usize, text: &mut String) {
    text.push('\n');
    for finding in shown_in_short(judged.verdict) {
        let traceback = (finding.check == ENDS_WELL).then(|| errors_of(judged.evidence, width));
        match traceback.filter(|lines| !lines.is_empty()) {
            Some(lines) => {
                let _ = writeln!(text, "{}{}", says(finding, width), lines.trim_end());
            }
            None => text.push_str(&self::finding(finding, judged.verdict, width)),
        }
    }
    text.push_str(&not_judged_in_short(judged.verdict, width));
    let mut below = picture(judged, width);
    let ends_badly = judged.verdict.findings.iter().any(|finding| finding.check == ENDS_WELL);
    let errors = if ends_badly { String::new() } else { errors_of(judged.evidence, width) };
    if !errors.is_empty() {
        let _ = write!(below, "\n  {}\n{errors}", "it printed to standard error:".dimmed());
    }
    below.push_str(&output(judged.evidence, width));
    if !below.is_empty() {
        text.push_str(&world(judged.evidence, width));
        text.push_str(&below);
    }
}

fn full(judged: &Judged<'_>, form: Form, width: usize, text: &mut String) {
    let Judged { evidence, verdict, .. } = judged;
    text.push('\n');
    for finding in &verdict.findings {
        text.push_str(&self::finding(finding, verdict, width));
    }
    text.push_str(&world(evidence, width));
    let picture = picture(judged, width);
    text.push_str(&picture);
    text.push_str(&evidence::blocks(evidence, verdict, form, !picture.is_empty(), width));
    // The cause points into the evidence of the first one.
    let without_cause = Verdict { findings: verdict.findings.clone(), diagnosis: None };
    for other in &evidence.others {
        text.push_str(&world(other, width));
        text.push_str(&evidence::blocks(other, &without_cause, form, false, width));
    }
    // Do not repeat typed commands and replies that the transcript shows.
    if !evidence::is_shown_by(&evidence.run, &evidence.timeline) {
        text.push('\n');
        text.push_str(terminal::run(&evidence.run).trim_end());
        text.push('\n');
    }
}

/// In which world the evidence was found, where there are several.
fn world(evidence: &Evidence, width: usize) -> String {
    let Some(world) = &evidence.world else { return String::new() };
    let line = format!("in the world `{world}`:");
    if plain::is_on() {
        return format!("\n{}\n", wrap(&plain::worded(&line), width, "  "));
    }
    format!("\n  {}\n", inline_code(&wrap(&line, width.saturating_sub(2), "  ")))
}

/// What happened over time, where that matters.
fn picture(judged: &Judged<'_>, width: usize) -> String {
    let picture = lanes::picture(judged.evidence, judged.verdict, width);
    if picture.is_empty() { picture } else { format!("\n{picture}") }
}

/// The outcome in one line, without a line break.
pub fn outcome(verdict: &Verdict) -> String {
    let (met, all) = (met(verdict), verdict.findings.len());
    if verdict.passed() {
        let text = format!("passed: all {all} checks met");
        format!("{}{text}", plain::sign_or("✓ ", "")).green().bold().to_string()
    } else {
        let text = format!("not passed: {met} of {all} checks met");
        format!("{}{text}", plain::sign_or("✗ ", "")).red().bold().to_string()
    }
}

fn met(verdict: &Verdict) -> usize {
    verdict.findings.iter().filter(|finding| finding.outcome == Outcome::Met).count()
}

/// The outcome, the exercise and the server.
fn headline(judged: &Judged<'_>, width: usize) -> String {
    let outcome = outcome(judged.verdict);
    let about = if plain::is_on() {
        format!("{} on {}", judged.exercise, judged.server)
    } else {
        format!("{} · {}", judged.exercise, judged.server)
    };
    let fits = display_width(&outcome) + 2 + display_width(&about) <= width;
    let gap = if fits && !plain::is_on() { "  " } else { "\n" };
    format!("{outcome}{gap}{}\n", wrap(&about, width, "").dimmed())
}

/// `3 → 5 checks met; new: SAVE took a snapshot, and 1 other check`; empty if nothing has changed.
fn progress(judged: &Judged<'_>, width: usize) -> String {
    let Some(previous) = judged.previous else { return String::new() };
    let (gained, lost) = (newly_met(judged.verdict, previous), newly_met(previous, judged.verdict));
    if gained.is_empty() && lost.is_empty() {
        return String::new();
    }
    let arrow = plain::sign_or(" → ", ", now ");
    let mut line = format!("{}{arrow}{} checks met", met(previous), met(judged.verdict));
    for (word, sentences) in [("new: ", gained), ("no longer: ", lost)] {
        let Some((first, others)) = sentences.split_first() else { continue };
        let _ = write!(line, "; {word}{first}");
        if !others.is_empty() {
            let _ = write!(line, ", and {}", number(others.len(), "other check"));
        }
    }
    let line = wrap(&line, width, "  ");
    if plain::is_on() { line + "\n" } else { inline_code(&line) + "\n" }
}

/// The sentences of the checks that `now` meets and `before` did not.
fn newly_met<'v>(now: &'v Verdict, before: &Verdict) -> Vec<&'v str> {
    let mut sentences = Vec::new();
    for finding in now.findings.iter().filter(|finding| finding.outcome == Outcome::Met) {
        let mut others = before.findings.iter();
        let was = others.find(|other| other.check == finding.check).map(|other| other.outcome);
        if was.is_some_and(|was| was != Outcome::Met) {
            sentences.push(finding.says.as_str());
        }
    }
    sentences
}

/// The cause, and the line of the answer that shows it.
fn cause(judged: &Judged<'_>, width: usize) -> String {
    let Judged { evidence, verdict, .. } = judged;
    let mut text = evidence::cause(verdict, width);
    let origin = judged.answer.and_then(|answer| origin::origin(answer, evidence, verdict));
    if let Some(origin) = origin {
        let line = truncate(&clean(&origin), width.saturating_sub(2));
        let _ = writeln!(text, "  {}", line.dimmed());
    }
    text
}

/// All of a passed answer, otherwise those that are not met.
fn shown_in_short(verdict: &Verdict) -> impl Iterator<Item = &Finding> {
    let all = verdict.passed();
    let counts = not_judged(verdict) >= MANY;
    verdict.findings.iter().filter(move |finding| match finding.outcome {
        Outcome::Met => all,
        Outcome::Unmet => true,
        Outcome::NotReached => !counts,
    })
}

fn not_judged(verdict: &Verdict) -> usize {
    verdict.findings.iter().filter(|finding| finding.outcome == Outcome::NotReached).count()
}

fn not_judged_in_short(verdict: &Verdict, width: usize) -> String {
    let count = not_judged(verdict);
    if count < MANY {
        return String::new();
    }
    let because = plain::sign_or("because of the ✗ above", "because of what is not met above");
    let line = within(&format!("{count} checks were not judged, {because}"), width, 4);
    if plain::is_on() {
        return format!("{line}\n");
    }
    format!("  {} {}\n", Mark::NotReached.sign(), line.dimmed())
}

/// A finding with its sign, without what was found.
fn says(finding: &Finding, width: usize) -> String {
    if plain::is_on() {
        let word = Mark::from(finding.outcome).word();
        return wrap(&format!("{word}: {}", plain::worded(&finding.says)), width, "  ") + "\n";
    }
    let says = inline_code(&within(&finding.says, width, 4));
    let says = match finding.outcome {
        Outcome::Unmet => says.bold(),
        Outcome::Met | Outcome::NotReached => says.normal(),
    };
    format!("  {} {says}\n", Mark::from(finding.outcome).sign())
}

fn finding(finding: &Finding, verdict: &Verdict, width: usize) -> String {
    let worlds = in_worlds(finding, width);
    match finding.outcome {
        Outcome::Met => says(finding, width) + &worlds,
        Outcome::Unmet => says(finding, width) + &worlds + &what_was_found(finding, width),
        Outcome::NotReached => why_not_judged(finding, verdict, width) + &worlds,
    }
}

/// The worlds side by side: one line each.
fn in_worlds(finding: &Finding, width: usize) -> String {
    let names = finding.in_worlds.iter().map(|found| display_width(&found.world));
    let column = names.max().unwrap_or(0);
    let mut text = String::new();
    for FoundInWorld { world, outcome, found } in &finding.in_worlds {
        let (mark, found) = (Mark::from(*outcome), reveal(found));
        if plain::is_on() {
            let line = format!("in {world}, {}: {}", mark.word(), plain::worded(&found));
            let line = line.trim_end_matches(": ");
            let _ = writeln!(text, "  {}", wrap(line, width.saturating_sub(4), "    "));
            continue;
        }
        let gap = " ".repeat(column + 2 - display_width(world));
        let found = within(&found, width, column + 10);
        let _ =
            writeln!(text, "{}", format!("      {world}{gap}{} {found}", mark.sign()).trim_end());
    }
    text
}

fn what_was_found(finding: &Finding, width: usize) -> String {
    let mut text = String::new();
    // A secret expectation is replaced by the sentence, which is above.
    let expected = Some(&finding.expected).filter(|expected| **expected != finding.says);
    let found = Some(&finding.found).filter(|_| finding.in_worlds.is_empty());
    if plain::is_on() {
        let more = [("found", found), ("expected", expected)];
        for (name, says) in more.into_iter().chain([("note", finding.otherwise.as_ref())]) {
            let Some(says) = says else { continue };
            let lines = format!("{name}: {}", plain::worded(says));
            let _ = writeln!(text, "  {}", in_lines(&lines, width, 4));
        }
        return text;
    }
    if let Some(found) = found {
        let _ = writeln!(text, "      found     {}", in_lines(found, width, 16));
    }
    if let Some(expected) = expected {
        let _ = writeln!(text, "      expected  {}", in_lines(expected, width, 16));
    }
    if let Some(otherwise) = &finding.otherwise {
        let _ =
            writeln!(text, "      {} {}", "→".yellow(), inline_code(&within(otherwise, width, 8)));
    }
    text
}

/// Text of one or several lines, each within the columns from `indent` on.
fn in_lines(text: &str, width: usize, indent: usize) -> String {
    let mut lines = text.lines().map(|line| within(&reveal(line), width, indent));
    let first = lines.next().unwrap_or_default();
    lines.fold(first, |text, line| format!("{text}\n{}{line}", " ".repeat(indent)))
}

/// A check that was not judged, and why: another one is unmet, or the evidence does not decide.
fn why_not_judged(finding: &Finding, verdict: &Verdict, width: usize) -> String {
    let mut above = verdict.findings.iter().take_while(|other| other.check != finding.check);
    let is_above = above.any(|other| other.outcome == Outcome::Unmet);
    let why = match (finding.found.as_str(), is_above) {
        ("", true) => {
            plain::sign_or(", because of the ✗ above", ", because of what is not met above")
        }
        ("", false) => {
            plain::sign_or(", because of the ✗ below", ", because of what is not met below")
        }
        (why, _) => &format!(": {why}"),
    };
    if plain::is_on() {
        let line = format!("not judged{why}: {}", plain::worded(&finding.says));
        return wrap(&line, width, "  ") + "\n";
    }
    let line = inline_code(&within(&format!("{} (not judged{why})", finding.says), width, 4));
    format!("  {} {}\n", Mark::NotReached.sign(), line.dimmed())
}

fn errors_of(evidence: &Evidence, width: usize) -> String {
    let Run::Program(program) = &evidence.run else { return String::new() };
    errors(&program.stderr.text, width)
}

/// What a program printed to standard error, shortened.
pub fn errors(stderr: &str, width: usize) -> String {
    let mut text = String::new();
    for line in traceback::shortened(stderr) {
        let line = clean(&line);
        // Code is indented; a message is the one line that nobody should lose the end of.
        let is_code = line.starts_with([' ', '|']);
        let room = width.saturating_sub(6);
        let line = if is_code { truncate(&line, room) } else { within(&line, width, 8) };
        let _ = writeln!(text, "      {line}");
    }
    text
}

/// The last lines that the program printed.
fn output(evidence: &Evidence, width: usize) -> String {
    let Run::Program(program) = &evidence.run else { return String::new() };
    let lines: Vec<&str> = program.stdout.text.lines().collect();
    if lines.is_empty() {
        return String::new();
    }
    let left_out = lines.len().saturating_sub(OUTPUT_LINES);
    let title = match left_out {
        0 => "the program printed:".to_owned(),
        _ => format!("the program printed, after {}:", number(left_out, "earlier line")),
    };
    let mut text = format!("\n  {}\n", title.dimmed());
    for line in &lines[left_out..] {
        let _ = writeln!(text, "    {}", truncate(&clean(line), width.saturating_sub(4)));
    }
    text
}

#[cfg(test)]
mod tests;
