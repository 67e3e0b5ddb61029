//! Front matter: what site generators read above a page. It is not shown, and only its title is read.

use serde_json::{Map, Value};

/// Of a key in YAML: more are a sentence.
const MOST_WORDS: usize = 3;

/// Where the text begins behind it, and the title that it gives.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct FrontMatter {
    pub(super) end: usize,
    pub(super) title: Option<String>,
}

/// YAML between lines `---`, TOML between lines `+++`, or JSON in braces, at the very beginning of a
/// file.
pub(super) fn read(source: &str) -> FrontMatter {
    let text = source.trim_start_matches('\u{feff}');
    let base = source.len() - text.len();
    let found = match text.lines().next().map(str::trim_end) {
        Some("---") => of_lines(text, &["---", "..."], ':'),
        Some("+++") => of_lines(text, &["+++"], '='),
        Some(line) if line.starts_with('{') => of_json(text),
        _ => None,
    };
    let FrontMatter { end, title } = found.unwrap_or_default();
    FrontMatter { end: base + end, title }
}

fn of_json(text: &str) -> Option<FrontMatter> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<Map<String, Value>>();
    let values_of = values.next()?.ok()?;
    let title = values_of.get("title").and_then(Value::as_str).map(str::to_owned);
    let end = values.byte_offset();
    // A brace may begin anything.
    let line = text[end..].split_inclusive('\n').next().unwrap_or_default();
    let (is_alone, end) = (line.trim().is_empty(), end + line.len());
    (is_alone && !values_of.is_empty()).then_some(FrontMatter { end, title })
}

fn of_lines(text: &str, closing: &[&str], assigns: char) -> Option<FrontMatter> {
    let mut front = FrontMatter::default();
    // Whether the lines belong to the whole page, and whether the title goes on below its key.
    let (mut is_top, mut is_title) = (true, false);
    for (number, line) in text.split_inclusive('\n').enumerate() {
        front.end += line.len();
        let line = line.trim_end();
        if number == 0 {
            continue;
        }
        if closing.contains(&line) {
            return Some(front);
        }
        if !may_belong(line, assigns) {
            return None;
        }
        if is_title && line.starts_with([' ', '\t']) {
            let title = front.title.get_or_insert_default();
            if !title.is_empty() {
                title.push(' ');
            }
            title.push_str(line.trim());
            continue;
        }
        is_title = false;
        is_top &= assigns == ':' || !line.starts_with('[');
        if let Some(title) = value(line, "title", assigns).filter(|_| is_top) {
            is_title = title.starts_with(['>', '|']);
            front.title = Some(title).filter(|title| !is_title && !title.is_empty());
        }
    }
    None
}

/// Two rules of markdown with text in between are no front matter.
fn may_belong(line: &str, assigns: char) -> bool {
    let is_more = line.starts_with([' ', '\t', '#', '-', '[', ']', '}']) || line.is_empty();
    let key = line.split(assigns).next().unwrap_or_default().trim();
    let is_key = !key.is_empty() && key.split_whitespace().count() <= MOST_WORDS;
    is_more || (line.contains(assigns) && is_key)
}

fn value(line: &str, key: &str, assigns: char) -> Option<String> {
    let (name, value) = line.split_once(assigns)?;
    if name.trim_end().trim_matches(['"', '\'']) != key {
        return None;
    }
    let value = value.trim();
    let quoted = |quote: char| {
        let (inner, _) = value.strip_prefix(quote)?.rsplit_once(quote)?;
        Some(inner)
    };
    if let Some(inner) = quoted('"') {
        return Some(inner.replace("\\\"", "\""));
    }
    if let Some(inner) = quoted('\'') {
        return Some(inner.replace("''", "'"));
    }
    Some(value.split(" #").next().unwrap_or_default().trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_as(text: &str) -> (Option<String>, String) {
        let FrontMatter { end, title } = read(text);
        (title, text[end..].to_owned())
    }

    #[test]
    fn front_matter_is_no_text_and_has_a_title() {
        for front in [
            "---\ntitle: Saving data\ntags: [a]\n---\n",
            "\u{feff}---\r\n# a comment\r\ntitle: \"Saving data\"\r\nlist:\r\n  - a\r\n...\r\n",
            "+++\ntitle = 'Saving data' # so\n[menu]\ntitle = 'no'\n+++\n",
            "---\nmenu:\n  title: no\ntitle: >-\n  Saving\n  data\nDate of it: 3\n---\n",
            "{\n  \"title\": \"Saving data\", \"tags\": [{}]\n}\n",
        ] {
            let (title, rest) = read_as(&format!("{front}Text\n"));
            assert_eq!(
                (title.as_deref(), rest.as_str()),
                (Some("Saving data"), "Text\n"),
                "{front}"
            );
        }
    }

    #[test]
    fn a_title_is_read_as_it_was_meant() {
        for (line, title) in [
            ("title: 'It''s'", "It's"),
            ("title: \"a \\\"b\\\"\"", "a \"b\""),
            ("\"title\": a # b", "a"),
        ] {
            assert_eq!(read_as(&format!("---\n{line}\n---\n")).0.as_deref(), Some(title));
        }
        assert_eq!(read_as("---\ntitle:\n---\n").0, None);
    }

    #[test]
    fn rules_are_no_front_matter() {
        for text in [
            "---\n\nSome text here.\n\n---\n",
            "---\nThis is a sentence: so\n---\n",
            "---\ntitle: a\n",
            "# L\n---\na: b\n---\n",
            "{{ name }}\n",
            "{\"a\": 1} is JSON\n",
            "{}\n",
        ] {
            assert_eq!(read_as(text), (None, text.to_owned()), "{text}");
        }
    }
}
