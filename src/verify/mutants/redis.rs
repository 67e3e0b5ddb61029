//! Mutants of Redis solutions.

use super::{Difference, Mutant, Mutated, Mutation};
use crate::redis_cli::{commands, words};
use crate::topics::{awaited_by, is_durable, swaps};

/// The suffix that makes a key or a value another one.
const OTHER: &[u8] = b"-other";

pub(super) fn mutated(text: &str) -> Mutated {
    let lines: Vec<&str> = text.lines().collect();
    let mut mutants = Vec::new();
    for index in 0..lines.len() {
        for (change, lines) in line_mutants(&lines, index) {
            let text = lines.iter().fold(String::new(), |text, line| text + line + "\n");
            let form = form(&text);
            mutants.push(Mutant { difference: Difference { change, line: index + 1 }, text, form });
        }
    }
    Mutated { form: form(text), mutants }
}

/// The mutations of one line, each with all lines of the mutant.
fn line_mutants(lines: &[&str], index: usize) -> Vec<(Mutation, Vec<String>)> {
    let line = lines[index].trim();
    if words::is_comment(line) {
        return Vec::new();
    }
    if awaited_by(line).is_some() {
        return vec![(Mutation::WithoutWaiting, with_line(lines, index, ""))];
    }
    let words = words::split(line).unwrap_or_default();
    let without = Mutation::Without { what: line.to_owned() };
    let mut mutants = vec![(without, with_line(lines, index, ""))];
    let name = name(&words);
    for (of, with) in swaps().filter(|(of, _)| *of == name) {
        let change = Mutation::Instead { of: of.to_owned(), with: with.to_owned() };
        mutants.push((change, with_line(lines, index, with)));
    }
    if is_durable(&name) {
        mutants.extend(save_first(lines, index));
    }
    for place in commands::written_keys(&words) {
        let key = String::from_utf8_lossy(&words[place]).into_owned();
        let lines = with_line(lines, index, &with_other_word(&words, place));
        mutants.push((Mutation::OtherKey { key }, lines));
    }
    for place in words::values(&words) {
        let value = String::from_utf8_lossy(&words[place]).into_owned();
        let lines = with_line(lines, index, &with_other_word(&words, place));
        mutants.push((Mutation::OtherValue { value }, lines));
    }
    mutants
}

/// All lines, with `line` in place of the one at `index`.
fn with_line(lines: &[&str], index: usize, line: &str) -> Vec<String> {
    let mut lines: Vec<String> = lines.iter().map(|&line| line.to_owned()).collect();
    line.clone_into(&mut lines[index]);
    lines
}

/// The command with the word at `place` changed.
fn with_other_word(words: &[Vec<u8>], place: usize) -> String {
    let mut changed = words.to_vec();
    changed[place].extend(OTHER);
    words::join(&changed)
}

fn save_first(lines: &[&str], save: usize) -> Option<(Mutation, Vec<String>)> {
    let write = lines[..save].iter().rposition(|line| is_write(line))?;
    let mut moved: Vec<String> = lines.iter().map(|&line| line.to_owned()).collect();
    moved[write..=save].rotate_right(1);
    Some((Mutation::SaveFirst { write: write + 1 }, moved))
}

fn is_write(line: &str) -> bool {
    commands::is_writer(&name(&words::split(line.trim()).unwrap_or_default()))
}

fn name(words: &[Vec<u8>]) -> String {
    words.first().map(|name| String::from_utf8_lossy(name).to_uppercase()).unwrap_or_default()
}

/// The normal form of an answer: only what runs. Empty if nothing does.
fn form(text: &str) -> String {
    let lines = text.lines().filter(|line| !words::is_comment(line));
    lines.map(line_form).collect::<Vec<_>>().join("\n")
}

fn line_form(line: &str) -> String {
    if let Some(work) = awaited_by(line.trim()) {
        return work.wait_line.to_owned();
    }
    let mut words = words::split(line).unwrap_or_default();
    if let Some(name) = words.first_mut() {
        name.make_ascii_uppercase();
    }
    words::join(&words)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Each as `change line: normal form`.
    pub(crate) fn mutants(text: &str) -> Vec<String> {
        mutated(text).mutants.iter().map(summary).collect()
    }

    fn summary(mutant: &Mutant) -> String {
        let Difference { change, line } = &mutant.difference;
        format!("{} {line}: {}", change.word(), mutant.form.replace('\n', "; "))
    }

    /// The mutants with this change.
    fn mutants_with(change: &str, text: &str) -> Vec<String> {
        let mut mutants = mutants(text);
        mutants.retain(|mutant| mutant.starts_with(change));
        mutants
    }

    #[test]
    fn commands_and_waiting_are_left_out() {
        assert_eq!(
            mutants("PING\n# and\n@wait-toy # it takes long\n"),
            ["without-line 1: @wait-toy", "without-waiting 3: PING"]
        );
    }

    #[test]
    fn a_save_comes_before_the_nearest_write() {
        let first = mutants_with("save-first", "SET a 1\nSET b 1\nGET a\nsave\n");
        assert_eq!(first, ["save-first 4: SET a 1; SAVE; SET b 1; GET a"]);
        assert!(mutants_with("save-first", "SAVE\nSET a 1\n").is_empty());
    }

    #[test]
    fn each_written_key_is_changed_once() {
        assert_eq!(
            mutants_with("other-key", "MSET a 1 \"b c\" 2\nGET a\n"),
            [
                "other-key 1: MSET a-other 1 \"b c\" 2; GET a",
                "other-key 1: MSET a 1 \"b c-other\" 2; GET a",
            ]
        );
    }

    #[test]
    fn each_stored_value_is_changed_once() {
        assert_eq!(
            mutants_with("other-value", "MSET a 1 b \"2 3\"\nINCR c\n"),
            [
                "other-value 1: MSET a 1-other b \"2 3\"; INCR c",
                "other-value 1: MSET a 1 b \"2 3-other\"; INCR c",
            ]
        );
    }

    #[test]
    fn other_lines_stay_byte_for_byte() {
        let mutated = mutated("  set  a 1\n\n# why\nSAVE\n");
        assert_eq!(mutated.mutants.last().unwrap().text, "SAVE\n  set  a 1\n\n# why\n");
    }

    #[test]
    fn answers_that_run_the_same_have_the_same_form() {
        assert_eq!(form("# a\nset A 1\n"), form("SET   A \"1\""));
        assert_ne!(form("SET a 1"), form("SET A 1"));
        assert_eq!(form("# nothing\n\n"), "");
    }
}
