//! `help`, `help SET`, `help CONFIG GET`, `help @string`, from the documentation of the commands.

use std::fmt::Write as _;

use super::docs::{CommandDoc, CommandDocs};

const OVERVIEW: &str =
    "  help COMMAND       a command and its arguments: `help SET`, `help CONFIG GET`
  help @GROUP        the commands of a group: `help @string`
  Tab                completes commands, subcommands and their arguments
  Up, Ctrl-R         earlier lines; Ctrl-R searches
  Ctrl-C             drops the line, or stops waiting for a reply
  exit, Ctrl-D       leaves the prompt

  groups: ";

/// The least Jaro-Winkler similarity of a suggested name.
const SIMILAR: f64 = 0.7;
const MOST_SUGGESTIONS: usize = 3;

impl CommandDocs {
    /// The help for the words after `help`, as plain text without a final line break.
    pub fn help(&self, words: &[&str]) -> String {
        match words {
            [] => format!("{OVERVIEW}{}", self.topics().join(" ")),
            [group, ..] if group.starts_with('@') => self.help_on_group(group),
            words => match self.find(words) {
                Some((count, doc)) => self.help_on_command(&words[..count].join(" "), doc),
                None => self.unknown_command(words),
            },
        }
    }

    fn help_on_command(&self, name: &str, doc: &CommandDoc) -> String {
        let name = name.to_uppercase();
        let mut text = format!("  {name} {}", doc.syntax.text()).trim_end().to_owned();
        push_field(&mut text, "summary", &doc.summary);
        push_field(&mut text, "since", &doc.since);
        push_field(&mut text, "group", &doc.group);
        push_field(&mut text, "complexity", &doc.complexity);
        if let Some(instead) = &doc.instead {
            push_field(&mut text, "deprecated", &format!("use {}", instead.replace('`', "")));
        }
        push_field(&mut text, "subcommands", &self.subcommands(&name).join(" "));
        text
    }

    fn help_on_group(&self, group: &str) -> String {
        let wanted = group.trim_start_matches('@').to_lowercase();
        let lines: Vec<String> = self
            .all()
            .filter(|(name, doc)| doc.group == wanted && !name.contains(' '))
            .map(|(name, doc)| format!("  {name:<20} {}", doc.summary))
            .collect();
        if lines.is_empty() {
            return format!("  no group `@{wanted}`; groups: {}", self.topics().join(" "));
        }
        lines.join("\n")
    }

    fn unknown_command(&self, words: &[&str]) -> String {
        let typed = words.join(" ").to_uppercase();
        let mut similar: Vec<(f64, &str)> = self
            .names()
            .map(|name| (strsim::jaro_winkler(&typed, name), name))
            .filter(|(likeness, _)| *likeness >= SIMILAR)
            .collect();
        similar.sort_by(|one, other| other.0.total_cmp(&one.0));
        let names: Vec<String> =
            similar.iter().take(MOST_SUGGESTIONS).map(|(_, name)| format!("`{name}`")).collect();
        let fact = format!("  unknown command `{typed}`");
        if names.is_empty() {
            return format!("{fact}; `help @GROUP` lists the commands of a group");
        }
        format!("{fact}; did you mean {}?", names.join(" or "))
    }
}

/// Adds a labelled line, unless the value is empty.
fn push_field(text: &mut String, label: &str, value: &str) {
    if !value.is_empty() {
        let _ = write!(text, "\n  {label:<11} {value}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn help(words: &[&str]) -> String {
        CommandDocs::table().help(words)
    }

    #[test]
    fn a_command_is_explained() {
        let expected = "  FLUSHDB [ASYNC|SYNC]
  summary     removes the keys of this database
  since       1.0.0
  group       server
  complexity  O(N)";
        assert_eq!(help(&["flushdb"]), expected);
    }

    #[test]
    fn a_subcommand_and_its_container_are_explained() {
        assert!(help(&["config", "get"]).starts_with("  CONFIG GET parameter\n"));
        assert!(help(&["CONFIG"]).ends_with("\n  subcommands GET HELP RESETSTAT REWRITE SET"));
        assert!(help(&["set", "whatever"]).starts_with("  SET key value "));
    }

    #[test]
    fn a_deprecated_command_names_its_replacement() {
        assert!(help(&["SUBSTR"]).ends_with("\n  deprecated  use GETRANGE"));
    }

    #[test]
    fn a_group_lists_its_commands() {
        let group = help(&["@TRANSACTIONS"]);
        let names: Vec<_> =
            group.lines().map(|line| line.split_whitespace().next().unwrap()).collect();
        assert_eq!(names, ["DISCARD", "EXEC", "MULTI", "UNWATCH", "WATCH"]);
        assert!(help(&["@nosuch"]).contains("no group `@nosuch`; groups: @bitmap @cluster"));
    }

    #[test]
    fn help_alone_is_an_overview() {
        assert!(help(&[]).contains("help @GROUP") && help(&[]).contains("@transactions"));
    }

    #[test]
    fn an_unknown_name_gets_a_suggestion() {
        assert!(help(&["bgsafe"]).contains("did you mean `BGSAVE`"), "{}", help(&["bgsafe"]));
        assert!(help(&["qqqq"]).ends_with("; `help @GROUP` lists the commands of a group"));
    }
}
