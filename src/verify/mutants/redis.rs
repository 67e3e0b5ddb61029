//! Mutants of Redis solutions.

use super::{Difference, Mutant, Mutated, Mutation, OTHER};
use crate::redis_cli::{commands, options, words};
use crate::runner_line;
use crate::topics::{awaited_by, is_durable, swaps};

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
    if runner_line::waits(line) {
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
    // Nobody sees what a command of a list only reads, nor when.
    let only_reads = commands::only_reads(&words);
    mutants.extend(earlier(lines, index).filter(|_| !only_reads));
    for option in options::options(&words) {
        let what = words::join(&words[option.clone()]);
        let kept = [&words[..option.start], &words[option.end..]].concat();
        let lines = with_line(lines, index, &words::join(&kept));
        mutants.push((Mutation::WithoutOption { what }, lines));
    }
    for (number, changed) in other_numbers(&words) {
        mutants.push((Mutation::OtherNumber { number }, with_line(lines, index, &changed)));
    }
    let named = if only_reads { Vec::new() } else { commands::named_keys(&words) };
    for place in named {
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
    changed[place].extend(OTHER.bytes());
    words::join(&changed)
}

/// Each number of the command that is no value, with the line that has another one.
fn other_numbers(words: &[Vec<u8>]) -> Vec<(String, String)> {
    let mut changed = Vec::new();
    for place in options::numbers(words) {
        let Some(other) = options::other_number(&words[place]) else { continue };
        let mut line = words.to_vec();
        line[place] = other.into_bytes();
        changed.push((String::from_utf8_lossy(&words[place]).into_owned(), words::join(&line)));
    }
    let is_config_set = name(words) == "CONFIG" && name(words.get(1..).unwrap_or(&[])) == "SET";
    for place in (3..words.len()).step_by(2).filter(|_| is_config_set) {
        let value = String::from_utf8_lossy(&words[place]).into_owned();
        for other in options::with_other_numbers(&value) {
            let mut line = words.to_vec();
            line[place] = other.into_bytes();
            changed.push((value.clone(), words::join(&line)));
        }
    }
    changed
}

/// The line in front of the wait before it, if no other command stands between them.
fn earlier(lines: &[&str], index: usize) -> Option<(Mutation, Vec<String>)> {
    let before = |at: &usize| !words::is_comment(lines[*at]);
    let wait =
        (0..index).rev().find(before).filter(|at| awaited_by(lines[*at].trim()).is_some())?;
    let mut moved: Vec<String> = lines.iter().map(|&line| line.to_owned()).collect();
    moved[wait..=index].rotate_right(1);
    Some((Mutation::Earlier { wait: wait + 1 }, moved))
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
    if runner_line::is_for_the_runner(line) {
        return runner_line::without_comment(line.trim()).to_lowercase();
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
    fn each_key_is_changed_once() {
        assert_eq!(
            mutants_with("other-key", "MSET a 1 \"b c\" 2\nDEL a\n"),
            [
                "other-key 1: MSET a-other 1 \"b c\" 2; DEL a",
                "other-key 1: MSET a 1 \"b c-other\" 2; DEL a",
                "other-key 2: MSET a 1 \"b c\" 2; DEL a-other",
            ]
        );
    }

    #[test]
    fn each_option_is_left_out_once() {
        assert_eq!(
            mutants_with("without-option", "SET a 1 NX EX 30\n"),
            ["without-option 1: SET a 1 EX 30", "without-option 1: SET a 1 NX"]
        );
    }

    #[test]
    fn each_number_is_changed_once() {
        assert_eq!(
            mutants_with("other-number", "SET a 1 EX 30\nCONFIG SET save \"2 3\" hz 10\n"),
            [
                "other-number 1: SET a 1 EX 60; CONFIG SET save \"2 3\" hz 10",
                "other-number 2: SET a 1 EX 30; CONFIG SET save \"4 3\" hz 10",
                "other-number 2: SET a 1 EX 30; CONFIG SET save \"2 6\" hz 10",
                "other-number 2: SET a 1 EX 30; CONFIG SET save \"2 3\" hz 20",
            ]
        );
    }

    #[test]
    fn a_command_comes_before_the_wait_above_it() {
        let earlier = mutants_with("earlier", "PING\n@wait-toy\n# then\nSET a 1\nSET b 1\n");
        assert_eq!(earlier, ["earlier 4: PING; SET a 1; @wait-toy; SET b 1"]);
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
