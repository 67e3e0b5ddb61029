//! Front matter: what site generators read above a page. It is not shown, and only its title is read.

/// Where the text begins behind it, and the title that it gives.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct FrontMatter {
    pub(super) end: usize,
    pub(super) title: Option<String>,
}

/// YAML between lines `---`, TOML between lines `+++`, at the very beginning of a file.
pub(super) fn read(source: &str) -> FrontMatter {
    let text = source.trim_start_matches('\u{feff}');
    let base = source.len() - text.len();
    let mut lines = text.split_inclusive('\n');
    let (closing, assigns): (&[&str], char) = match lines.next().map(str::trim_end) {
        Some("---") => (&["---", "..."], ':'),
        Some("+++") => (&["+++"], '='),
        _ => return FrontMatter { end: base, title: None },
    };
    let mut end = base + text.find('\n').map_or(text.len(), |newline| newline + 1);
    let mut front = FrontMatter::default();
    for line in lines {
        end += line.len();
        let line = line.trim_end();
        if closing.contains(&line) {
            return FrontMatter { end, ..front };
        }
        if !may_belong(line, assigns) {
            break;
        }
        if let Some(title) = value(line, "title", assigns) {
            front.title = Some(title);
        }
    }
    FrontMatter { end: base, title: None }
}

/// Two rules of markdown with text in between are no front matter.
fn may_belong(line: &str, assigns: char) -> bool {
    let is_more = line.starts_with([' ', '\t', '#', '-', '[', ']', '}']) || line.is_empty();
    let key = line.split(assigns).next().unwrap_or_default().trim();
    let is_key = !key.is_empty() && !key.contains(char::is_whitespace);
    is_more || (line.contains(assigns) && is_key)
}

fn value(line: &str, key: &str, assigns: char) -> Option<String> {
    let (name, value) = line.split_once(assigns)?;
    let value = value.trim();
    let quoted = ['"', '\''].into_iter().find_map(|quote| {
        let (inner, _) = value.strip_prefix(quote)?.rsplit_once(quote)?;
        Some(inner)
    });
    let value = quoted.unwrap_or_else(|| value.split(" #").next().unwrap_or_default().trim());
    (name.trim() == key && !value.is_empty()).then(|| value.to_owned())
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
            "+++\ntitle = 'Saving data' # so\n+++\n",
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
    fn rules_are_no_front_matter() {
        for text in ["---\n\nSome text here.\n\n---\n", "---\ntitle: a\n", "# L\n---\na: b\n---\n"]
        {
            assert_eq!(read_as(text), (None, text.to_owned()), "{text}");
        }
    }
}
