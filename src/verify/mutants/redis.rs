//! Mutants of lists of commands.

use super::{Change, Difference, Mutant, Mutated};
use crate::attempt::commands::{WAIT_BGSAVE, is_wait};
use crate::redis_cli::words;

/// Behind the name of a key, or a value, that nobody asks for.
const OTHER: &[u8] = b"-other";

/// The mutants of a solution, line by line.
pub(super) fn mutated(text: &str) -> Mutated {
    let lines: Vec<&str> = text.lines().collect();
    let mutants = (0..lines.len()).flat_map(|at| {
        let mutant = move |(change, lines): (Change, Vec<String>)| {
            let text = lines.iter().fold(String::new(), |text, line| text + line + "\n");
            let form = form(&text);
            Mutant { difference: Difference { change, line: at + 1 }, text, form }
        };
        of_line(&lines, at).into_iter().map(mutant)
    });
    Mutated { form: form(text), mutants: mutants.collect() }
}

fn of_line(lines: &[&str], at: usize) -> Vec<(Change, Vec<String>)> {
    let line = lines[at].trim();
    let with = |line: &str| {
        let mut lines: Vec<String> = lines.iter().map(|&line| line.to_owned()).collect();
        line.clone_into(&mut lines[at]);
        lines
    };
    if words::is_comment(line) {
        return Vec::new();
    }
    if is_wait(line) {
        return vec![(Change::WithoutWaiting, with(""))];
    }
    let words = words::split(line).unwrap_or_default();
    let mut mutants = vec![(Change::Without { what: line.to_owned() }, with(""))];
    match name(&words).as_str() {
        "SAVE" => mutants.push((Change::BgsaveForSave, with("BGSAVE"))),
        "BGSAVE" => mutants.push((Change::SaveForBgsave, with("SAVE"))),
        _ => {}
    }
    if is_save(line) {
        mutants.extend(save_first(lines, at));
    }
    let other = |place: usize| {
        let mut other = words.clone();
        other[place].extend(OTHER);
        (String::from_utf8_lossy(&words[place]).into_owned(), with(&words::join(&other)))
    };
    for (key, lines) in words::written_keys(&words).into_iter().map(other) {
        mutants.push((Change::OtherKey { key }, lines));
    }
    for (value, lines) in words::values(&words).into_iter().map(other) {
        mutants.push((Change::OtherValue { value }, lines));
    }
    mutants
}

fn save_first(lines: &[&str], at: usize) -> Option<(Change, Vec<String>)> {
    let is_write =
        |line: &&str| words::is_writer(&name(&words::split(line.trim()).unwrap_or_default()));
    let write = lines[..at].iter().rposition(is_write)?;
    let mut moved: Vec<String> = lines.iter().map(|&line| line.to_owned()).collect();
    moved[write..=at].rotate_right(1);
    Some((Change::SaveFirst { write: write + 1 }, moved))
}

fn is_save(line: &str) -> bool {
    matches!(name(&words::split(line).unwrap_or_default()).as_str(), "SAVE" | "BGSAVE")
}

fn name(words: &[Vec<u8>]) -> String {
    words.first().map(|name| String::from_utf8_lossy(name).to_uppercase()).unwrap_or_default()
}

/// What is run of an answer; empty where that is nothing.
fn form(text: &str) -> String {
    let lines = text.lines().filter(|line| !words::is_comment(line));
    let line = |line: &str| {
        if is_wait(line.trim()) {
            return WAIT_BGSAVE.to_owned();
        }
        let mut words = words::split(line).unwrap_or_default();
        if let Some(name) = words.first_mut() {
            name.make_ascii_uppercase();
        }
        words::join(&words)
    };
    lines.map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each as `change line: what is run`.
    fn mutants(text: &str) -> Vec<String> {
        let told = |mutant: Mutant| {
            let Difference { change, line } = &mutant.difference;
            let run = mutant.form.replace('\n', "; ");
            format!("{} {line}: {run}", change.word())
        };
        mutated(text).mutants.into_iter().map(told).collect()
    }

    #[test]
    fn a_command_is_left_out_and_a_save_is_the_other_one() {
        assert_eq!(
            mutants("SAVE\n# and\nBGSAVE schedule\n"),
            [
                "without-line 1: BGSAVE schedule",
                "bgsave-for-save 1: BGSAVE; BGSAVE schedule",
                "without-line 3: SAVE",
                "save-for-bgsave 3: SAVE; SAVE",
            ]
        );
    }

    #[test]
    fn the_waiting_is_left_out_as_such() {
        assert_eq!(
            mutants("BGSAVE\n@wait-bgsave # it takes long\n"),
            [
                "without-line 1: @wait-bgsave",
                "save-for-bgsave 1: SAVE; @wait-bgsave",
                "without-waiting 2: BGSAVE",
            ]
        );
    }

    #[test]
    fn a_save_comes_before_the_nearest_write() {
        let told = mutants("SET a 1\nSET b 1\nGET a\nsave\n");
        let first: Vec<_> = told.iter().filter(|it| it.starts_with("save-first")).collect();
        assert_eq!(first, ["save-first 4: SET a 1; SAVE; SET b 1; GET a"]);
        assert!(!mutants("SAVE\nSET a 1\n").iter().any(|it| it.starts_with("save-first")));
    }

    #[test]
    fn each_key_that_is_written_is_another_one_once() {
        let told = mutants("MSET a 1 \"b c\" 2\nGET a\n");
        let keys: Vec<_> = told.iter().filter(|it| it.starts_with("other-key")).collect();
        assert_eq!(
            keys,
            [
                "other-key 1: MSET a-other 1 \"b c\" 2; GET a",
                "other-key 1: MSET a 1 \"b c-other\" 2; GET a",
            ]
        );
    }

    #[test]
    fn each_value_that_is_stored_is_another_one_once() {
        let told = mutants("MSET a 1 b \"2 3\"\nINCR c\n");
        let values: Vec<_> = told.iter().filter(|it| it.starts_with("other-value")).collect();
        assert_eq!(
            values,
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
