//! The little HTML that lessons use: `<details>` and comments.

use super::super::Span;
use super::super::pattern::{all_captures, captures};
use super::super::problem::Problems;
use super::fence;
use super::info::FenceWord;
use super::slip::{Scope, Slip};

const CLOSE: &str = "end it with `-->`";

/// Comments, which hide tags in them; the tags `<details>` and `</details>`.
const DETAILS: &str = r"(?is)<!--.*?(?:-->|$)|<(?<end>/?)details(?:[^a-z0-9>][^>]*)?(?:>|$)";

/// Whether a block of HTML is one comment and nothing else.
pub(super) fn is_comment(block: &str) -> bool {
    let block = block.trim();
    block.starts_with("<!--") && block.find("-->").is_some_and(|at| at + 3 == block.len())
}

/// The id after `task:` in a comment that begins at `base`.
pub(super) fn task(comment: &str, base: usize) -> Option<FenceWord> {
    let id = captures(r"(?s)^\s*<!--\s*task:\s*?(\S.*?|)\s*-->\s*$", comment)?.get(1)?;
    Some(FenceWord { text: id.as_str().to_owned(), span: base + id.start()..base + id.end() })
}

/// Reports text after a task comment that begins a line: markdown reads that text as HTML too.
pub(super) fn look_for_swallowed_text(block: &str, base: usize, problems: &mut Problems) {
    let Some(end) = block.find("-->").map(|end| end + "-->".len()) else { return };
    if task(&block[..end], base).is_some() && !block[end..].trim().is_empty() {
        let message = "the comment begins the line, so the text after it becomes part of it";
        let help = Some("put the comment at the end of the line above".to_owned());
        problems.error(base..base + end, message, help);
    }
}

/// The `<details>` (true) and `</details>` (false) tags of a piece of HTML that begins at `base`.
pub(super) fn details_tags(html: &str, base: usize) -> Vec<(bool, Span)> {
    let mut tags = Vec::new();
    for found in all_captures(DETAILS, html) {
        if let (Some(tag), Some(end)) = (found.get(0), found.name("end")) {
            tags.push((end.is_empty(), base + tag.start()..base + tag.end()));
        }
    }
    tags
}

/// A comment that hides a heading, a block or another comment: did nobody close it?
pub(super) fn slip(block: &str, base: usize) -> Option<Slip> {
    if !block.starts_with("<!--") {
        return None;
    }
    let span = base..base + "<!--".len();
    let Some(end) = block.find("-->") else {
        return Some(Slip::new(Scope::Lesson, span, "the comment is never closed", CLOSE));
    };
    let hidden = |line: &str| {
        let line = line.trim_start();
        let is_heading = line.starts_with('#') && line.trim_start_matches('#').starts_with(' ');
        is_heading || line.starts_with("```") || line.starts_with("<!--")
    };
    let line = block[..end].lines().skip(1).find(|line| hidden(line))?;
    let message = format!("this comment hides `{}`: was it closed?", line.trim());
    Some(Slip::new(Scope::Lesson, span, message, CLOSE))
}

/// Reports fences with a role that markdown reads as text, since they are indented too far.
pub(super) fn look_for_indented_fences(block: &str, base: usize, problems: &mut Problems) {
    for span in fences_with_a_role(block, base) {
        let message = "the block is indented by four spaces or more, which makes it text";
        let help = "indent it by three spaces at most";
        problems.error(span, message, Some(help.to_owned()));
    }
}

/// Reports fences with a role that markdown reads as part of the HTML above them.
pub(super) fn look_for_swallowed_fences(block: &str, base: usize, problems: &mut Problems) {
    for span in fences_with_a_role(block, base) {
        let help = Some("leave a blank line above it".to_owned());
        problems.error(span, "the block is part of the HTML above it", help);
    }
}

/// The lines of a text, which begins at `base`, that would open a block with a role.
fn fences_with_a_role(block: &str, base: usize) -> Vec<Span> {
    let (mut spans, mut at) = (Vec::new(), base);
    for line in block.split_inclusive('\n') {
        let content = line.trim();
        let info = content.trim_start_matches(['`', '~']);
        if content.len() - info.len() >= 3 && fence::names_a_role(info) {
            let start = at + line.len() - line.trim_start().len();
            spans.push(start..start + content.len());
        }
        at += line.len();
    }
    spans
}
