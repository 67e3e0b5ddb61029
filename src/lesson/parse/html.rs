//! The little HTML that lessons use: `<details>` and comments.

use super::super::Span;
use super::super::problem::Problems;
use super::fence::{self, FenceWord};

/// Whether a block of HTML is one comment and nothing else.
pub(super) fn is_comment(block: &str) -> bool {
    let block = block.trim();
    let inside = block.strip_prefix("<!--").and_then(|rest| rest.strip_suffix("-->"));
    inside.is_some_and(|inside| !inside.contains("-->"))
}

/// The id after `task:` in a comment that begins at `base`.
pub(super) fn task(comment: &str, base: usize) -> Option<FenceWord> {
    let text = comment.trim_end().strip_suffix("-->")?.trim_end();
    let id = text.trim_start().strip_prefix("<!--")?.trim_start().strip_prefix("task:")?;
    let id = id.trim_start();
    let start = base + text.len() - id.len();
    Some(FenceWord { text: id.to_owned(), span: start..start + id.len() })
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
    let mut at = 0;
    while let Some(next) = html[at..].find('<').map(|found| at + found) {
        let rest = &html[next..];
        let length = if rest.starts_with("<!--") {
            rest.find("-->").unwrap_or(rest.len())
        } else {
            if let Some(opens) = details_tag(rest) {
                let end = rest.find('>').map_or(rest.len(), |end| end + 1);
                tags.push((opens, base + next..base + next + end));
            }
            1
        };
        at = next + length;
    }
    tags
}

fn details_tag(html: &str) -> Option<bool> {
    let inside = html.strip_prefix('<')?;
    let name = inside.strip_prefix('/').unwrap_or(inside);
    let end = name.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(name.len());
    name[..end].eq_ignore_ascii_case("details").then_some(inside.len() == name.len())
}

/// Reports fences with a role that markdown reads as part of the HTML above them.
pub(super) fn look_for_swallowed_fences(block: &str, base: usize, problems: &mut Problems) {
    let mut at = base;
    for line in block.split_inclusive('\n') {
        let content = line.trim();
        let info = content.trim_start_matches(['`', '~']);
        if content.len() - info.len() >= 3 && fence::names_a_role(info) {
            let start = at + line.len() - line.trim_start().len();
            let help = Some("leave a blank line above it".to_owned());
            problems.error(
                start..start + content.len(),
                "the block is part of the HTML above it",
                help,
            );
        }
        at += line.len();
    }
}
