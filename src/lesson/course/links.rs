//! Links in lessons that lead nowhere.

use std::path::{Path, PathBuf};

use super::super::problem::{Problem, Severity};
use super::super::{Lesson, Link};

/// Warnings about links to files that are not there, and to headings that no lesson has. Where a
/// site generator decides what a link means, nothing is said.
pub(super) fn dead(lessons: &[Lesson], exists: impl Fn(&Path) -> bool) -> Vec<Problem> {
    let mut problems = Vec::new();
    for lesson in lessons {
        for link in &lesson.links {
            let Some((message, help)) = why_dead(link, lesson, lessons, &exists) else { continue };
            let problem = lesson.error(&link.span, message, Some(help.to_owned()));
            problems.push(Problem { severity: Severity::Warning, ..problem });
        }
    }
    problems
}

fn why_dead(
    link: &Link,
    lesson: &Lesson,
    lessons: &[Lesson],
    exists: &impl Fn(&Path) -> bool,
) -> Option<(String, &'static str)> {
    if !is_relative(&link.target) {
        return None;
    }
    let (file, anchor) = link.target.split_once('#').unwrap_or((&link.target, ""));
    let file = percent_decoded(file.split('?').next().unwrap_or_default());
    let folder = lesson.path.parent().unwrap_or(Path::new(""));
    let path = if file.is_empty() { lesson.path.clone() } else { folder.join(&file) };
    if !file.is_empty() && !candidates(&path).iter().any(|path| exists(path)) {
        let what = if link.is_image { "the image" } else { "the link" };
        let message = format!("{what} leads nowhere: there is no `{file}`");
        return Some((message, "a relative link begins in the folder of its lesson"));
    }
    let target = lessons.iter().find(|other| is_same(&other.path, &path))?;
    let anchor = percent_decoded(anchor);
    let is_known = anchor.is_empty() || anchor.starts_with(':') || anchor == "top";
    if is_known || target.anchors.iter().any(|known| is_anchor_of(known, &anchor)) {
        return None;
    }
    let message = format!("the link leads nowhere: no heading gives `#{anchor}`");
    Some((message, "an anchor is the heading in lower case, with `-` for spaces"))
}

/// Whether it names a file or a heading beside the lesson, and nothing that is filled in later.
fn is_relative(target: &str) -> bool {
    let scheme = target.split(['/', '#', '?']).next().unwrap_or_default();
    let is_filled_in = target.contains(['{', '}', '<', '>', '$', '*', '\\']);
    !target.is_empty()
        && !scheme.contains(':')
        && !target.starts_with(['/', '?', '@', '~'])
        && !is_filled_in
}

/// Site generators link pages without their ending, or as HTML.
fn candidates(path: &Path) -> Vec<PathBuf> {
    let mut candidates = vec![path.to_owned()];
    let is_html = path.extension().is_some_and(|extension| extension == "html");
    if path.extension().is_none() || is_html {
        candidates.push(path.with_extension("md"));
    }
    candidates
}

/// Whether two paths name one file, as far as their text tells.
fn is_same(path: &Path, other: &Path) -> bool {
    let parts = |path: &Path| {
        let mut parts = PathBuf::new();
        for part in path.components() {
            match part {
                std::path::Component::CurDir => {}
                std::path::Component::ParentDir if parts.file_name().is_some() => {
                    parts.pop();
                }
                part => parts.push(part),
            }
        }
        parts
    };
    parts(path) == parts(other)
}

/// Site generators disagree on all but letters and digits; the second heading of a name has a
/// number behind it.
fn is_anchor_of(heading: &str, anchor: &str) -> bool {
    let bare = |text: &str| -> String {
        text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
    };
    let (heading, whole) = (bare(heading), bare(anchor));
    let unnumbered = anchor.rsplit_once(['-', '_']).filter(|(_, number)| {
        !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
    });
    heading == whole || unnumbered.is_some_and(|(name, _)| heading == bare(name))
}

/// `a%20b` is `a b`.
fn percent_decoded(text: &str) -> String {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let [first, after @ ..] = rest {
        let code = after.get(..2).and_then(|code| std::str::from_utf8(code).ok());
        let byte = code.and_then(|code| u8::from_str_radix(code, 16).ok());
        (rest, ()) = match byte {
            Some(byte) if *first == b'%' => (&after[2..], bytes.push(byte)),
            _ => (after, bytes.push(*first)),
        };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_names_a_file_beside_the_lesson_is_looked_for() {
        for target in ["a.md", "./a", "../b/c.png", "#part", "a%20b.md", "a.md#x?y"] {
            assert!(is_relative(target), "{target}");
        }
        for target in ["", "/a", "https://x", "mailto:a@b", "//x", "{{ url }}", "@site/a", "<a>"] {
            assert!(!is_relative(target), "{target}");
        }
    }

    #[test]
    fn an_anchor_is_the_heading_in_any_dress() {
        for (heading, anchor) in [
            ("Saving `data`, now!", "saving-data-now"),
            ("What's new", "whats-new"),
            ("Twice", "twice-1"),
            ("Version 2", "version-2"),
            ("Ein Übergang", "ein-übergang"),
        ] {
            assert!(is_anchor_of(heading, anchor), "{heading} {anchor}");
        }
        assert!(!is_anchor_of("Saving", "loading"));
    }

    #[test]
    fn a_path_is_decoded() {
        assert_eq!(percent_decoded("a%20b%C3%A9%zz%2"), "a bé%zz%2");
    }
}
