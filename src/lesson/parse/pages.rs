//! What belongs to a lesson as a whole: its summary and its questions of recall.

use super::super::problem::Problems;
use super::super::{RecallQuestion, Span};
use super::alert::AlertKind;
use super::outline::{OutlinePart, Section};

/// Wherever they stand in the lesson.
pub(super) fn read(
    sections: &[Section],
    source: &str,
    problems: &mut Problems,
) -> (Option<String>, Vec<RecallQuestion>) {
    let (mut summary, mut recall): (Option<String>, _) = (None, Vec::new());
    for part in sections.iter().flat_map(|section| &section.parts) {
        let OutlinePart::Alert(kind, span, text) = part else { continue };
        let place = first_line(span, source);
        match kind {
            AlertKind::Tip => {}
            AlertKind::Summary => {
                if text.trim().is_empty() {
                    let help = Some("write what to keep in mind on the next line".to_owned());
                    problems.error(place.clone(), "the summary is empty", help);
                }
                if let Some(first) = &mut summary {
                    let help = Some("put all of it into the first one".to_owned());
                    problems.error(place, "a second `[!SUMMARY]` in one lesson", help);
                    first.push_str("\n\n");
                    first.push_str(text);
                } else {
                    summary = Some(text.clone());
                }
            }
            AlertKind::Recall => recall.extend(question(text, place, problems)),
        }
    }
    (summary, recall)
}

/// The first paragraph is the question, the rest is the answer.
fn question(text: &str, place: Span, problems: &mut Problems) -> Option<RecallQuestion> {
    let lines: Vec<&str> = text.lines().collect();
    let end = lines.iter().position(|line| line.trim().is_empty()).unwrap_or(lines.len());
    let question = lines[..end].join("\n");
    let answer = lines[end..].join("\n").trim_matches('\n').to_owned();
    if question.trim().is_empty() {
        let help = Some("write the question on the next line".to_owned());
        problems.error(place, "the question is empty", help);
        return None;
    }
    if answer.trim().is_empty() {
        let help = Some("write the answer below the question, after a line `>`".to_owned());
        problems.error(place, "the question has no answer", help);
        return None;
    }
    Some(RecallQuestion { question, answer })
}

fn first_line(span: &Span, source: &str) -> Span {
    let line = source[span.clone()].lines().next().unwrap_or_default();
    span.start..span.start + line.len()
}
