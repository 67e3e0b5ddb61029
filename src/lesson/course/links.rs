//! Links in lessons that lead nowhere.

use std::collections::{HashMap, HashSet};
use std::path::{Component, Path, PathBuf};

use super::super::problem::{Problem, Problems};
use super::super::{Lesson, Link};

/// The anchors of each lesson, [`bare`].
type Anchors = HashMap<PathBuf, HashSet<String>>;

/// Warnings about links to files that are not there, and to headings that no lesson has. Where a
/// site generator decides what a link means, nothing is said.
pub(super) fn dead(lessons: &[Lesson], exists: impl Fn(&Path) -> bool) -> Vec<Problem> {
    let mut anchors = Anchors::new();
    for lesson in lessons {
        let of_lesson = lesson.anchors.iter().map(|anchor| bare(anchor)).collect();
        anchors.insert(plain(&lesson.path), of_lesson);
    }
    let mut problems = Vec::new();
    for lesson in lessons {
        let mut of_file = Problems::new(&lesson.path, &lesson.source);
        for link in lesson.links.iter().filter(|link| is_relative(&link.target)) {
            if let Some((message, help)) = why_dead(link, lesson, &anchors, &exists) {
                of_file.warning(link.span.clone(), message, Some(help.to_owned()));
            }
        }
        problems.extend(of_file.into_sorted());
    }
    problems
}

fn why_dead(
    link: &Link,
    lesson: &Lesson,
    anchors: &Anchors,
    exists: &impl Fn(&Path) -> bool,
) -> Option<(String, &'static str)> {
    let (file, anchor) = link.target.split_once('#').unwrap_or((&link.target, ""));
    let file = percent_decoded(file.split('?').next().unwrap_or_default());
    let folder = lesson.path.parent().unwrap_or(Path::new(""));
    let path = if file.is_empty() { lesson.path.clone() } else { folder.join(&file) };
    if !file.is_empty() && !candidates(&path).iter().any(|path| exists(path)) {
        let what = if link.is_image { "the image" } else { "the link" };
        let message = format!("{what} leads nowhere: there is no `{file}`");
        return Some((message, "a relative link begins in the folder of its lesson"));
    }
    let known = anchors.get(&plain(&path))?;
    let anchor = percent_decoded(anchor);
    if anchor.is_empty() || anchor.starts_with(':') || anchor == "top" || has(known, &anchor) {
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

/// The path without `.` and `..`, as far as its text tells.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if plain.file_name().is_some() => {
                plain.pop();
            }
            part => plain.push(part),
        }
    }
    plain
}

/// The second heading of a name has a number behind it.
fn has(known: &HashSet<String>, anchor: &str) -> bool {
    let unnumbered = anchor.rsplit_once(['-', '_']).filter(|(_, number)| {
        !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
    });
    known.contains(&bare(anchor)) || unnumbered.is_some_and(|(name, _)| known.contains(&bare(name)))
}

/// Site generators disagree on all but letters and digits.
fn bare(anchor: &str) -> String {
    anchor.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// `a%20b` is `a b`.
fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let code = after.get(..2).filter(|_| *first == b'%');
        let code = code.and_then(|code| std::str::from_utf8(code).ok());
        if let Some(byte) = code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            bytes.push(byte);
            rest = &after[2..];
        } else {
            bytes.push(*first);
            rest = after;
        }
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
            assert!(has(&HashSet::from([bare(heading)]), anchor), "{heading} {anchor}");
        }
        assert!(!has(&HashSet::from([bare("Saving")]), "loading"));
    }

    #[test]
    fn a_path_is_decoded() {
        assert_eq!(percent_decoded("a%20b%C3%A9%zz%2"), "a bé%zz%2");
    }
}
