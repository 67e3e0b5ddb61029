//! `{word:NAME}` in setups and checks: a random word, new for each attempt and the same everywhere
//! in it, so that nobody can know it by heart.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::pattern::{all_captures, matches};
use super::problem::{Problems, did_you_mean};
use super::{Check, Code, Exercise, Meanwhile, Trigger};
use crate::random;
use crate::redis_cli::words::split;

const BEGIN: &str = "{word:";
const LETTERS: usize = 10;

/// The words of one attempt, by name.
pub type RandomWords = BTreeMap<String, String>;

/// The names in a text.
pub fn names_in(text: &str) -> Vec<String> {
    if !text.contains(BEGIN) {
        return Vec::new();
    }
    let found = all_captures(r"\{word:([a-z0-9]+(-[a-z0-9]+)*)\}", text);
    found.iter().map(|found| found[1].to_owned()).collect()
}

/// The text with these words in place of their names.
pub fn put<'t>(text: &'t str, words: &RandomWords) -> Cow<'t, str> {
    if !text.contains(BEGIN) {
        return Cow::Borrowed(text);
    }
    let mut text = text.to_owned();
    for (name, word) in words {
        text = text.replace(&format!("{BEGIN}{name}}}"), word);
    }
    Cow::Owned(text)
}

/// The text with letters in place of each word, for what must be valid whatever the words are.
pub fn sample(text: &str) -> String {
    let names = names_in(text);
    put(text, &names.into_iter().map(|name| (name, "word".to_owned())).collect()).into_owned()
}

/// What begins like a word and is none.
fn broken(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once(BEGIN)?;
    let rest_of_line = rest.lines().next().unwrap_or_default();
    let Some((name, rest)) = rest.split_once('}').filter(|(name, _)| !name.contains('\n')) else {
        return Some(rest_of_line);
    };
    if matches("[a-z0-9]+(-[a-z0-9]+)*", name) { broken(rest) } else { Some(name) }
}

impl Exercise {
    /// New words for an attempt; none if the exercise has no names for any.
    pub fn new_words(&self) -> RandomWords {
        let in_checks = self.checks.iter().flat_map(Check::words);
        let beside = self.meanwhile.iter().flat_map(|meanwhile| &meanwhile.steps.run);
        let beside = beside.flat_map(|line| names_in(line));
        let names: BTreeSet<String> =
            new_names(&self.setup).into_iter().chain(in_checks).chain(beside).collect();
        names.into_iter().map(|name| (name, random_word())).collect()
    }

    /// The same exercise with the words of an attempt.
    pub fn with_words(&self, words: &RandomWords) -> Cow<'_, Self> {
        if words.is_empty() {
            return Cow::Borrowed(self);
        }
        let mut exercise = self.clone();
        exercise.setup = setup_with(&self.setup, words);
        for check in &mut exercise.checks {
            if let Some(subject) = check.subject.with_words(words) {
                check.subject = subject;
            }
        }
        for meanwhile in &mut exercise.meanwhile {
            meanwhile.put_words(words);
        }
        Cow::Owned(exercise)
    }
}

impl Meanwhile {
    fn put_words(&mut self, words: &RandomWords) {
        if let Trigger::Condition(subject) = &mut self.when
            && let Some(with_words) = subject.with_words(words)
        {
            *subject = with_words;
        }
        if let Trigger::Command { line, words: parts, .. } = &mut self.when {
            *line = put(line, words).into_owned();
            *parts = split(line).unwrap_or_default();
        }
        for line in &mut self.steps.run {
            *line = put(line, words).into_owned();
        }
    }
}

impl Check {
    /// The names of the random words that it expects.
    fn words(&self) -> Vec<String> {
        let mut names = Vec::new();
        for text in self.subject.texts() {
            names.extend(names_in(text));
        }
        names
    }
}

/// A setup outside of an attempt at the exercise, such as that of an example, with words of its own.
pub fn setup_with_new_words(setup: &[Code]) -> Vec<Code> {
    let names = new_names(setup).into_iter();
    setup_with(setup, &names.map(|name| (name, random_word())).collect())
}

fn new_names(setup: &[Code]) -> BTreeSet<String> {
    setup.iter().flat_map(|code| names_in(&code.text)).collect()
}

fn setup_with(setup: &[Code], words: &RandomWords) -> Vec<Code> {
    let with_words =
        |code: &Code| Code { text: put(&code.text, words).into_owned(), ..code.clone() };
    setup.iter().map(with_words).collect()
}

fn random_word() -> String {
    let digits = random::word().chars().take(LETTERS).collect::<Vec<_>>();
    digits.into_iter().map(|digit| letter(digit.to_digit(16).unwrap_or(0))).collect()
}

fn letter(number: u32) -> char {
    char::from_u32(u32::from('a') + number).unwrap_or('a')
}

/// Reports words that are written wrong, and those that no setup gives to the server: an answer could
/// not find them.
pub(super) fn check(exercise: &Exercise, problems: &mut Problems) {
    let of_worlds = exercise.worlds.iter().flat_map(|world| &world.setup);
    let setups: Vec<Code> = exercise.setup.iter().chain(of_worlds).cloned().collect();
    let mut given = new_names(&setups);
    let beside = exercise.meanwhile.iter().flat_map(|meanwhile| &meanwhile.steps.run);
    given.extend(beside.flat_map(|line| names_in(line)));
    for code in &setups {
        if let Some(name) = broken(&code.text) {
            report_broken(name, code.span.start..code.span.start, problems);
        }
    }
    for check in &exercise.checks {
        if let Some(name) = check.subject.texts().into_iter().find_map(broken) {
            report_broken(name, check.span.clone(), problems);
        }
        for name in check.words().iter().filter(|name| !given.contains(*name)) {
            let help = did_you_mean(name, given.iter().map(String::as_str));
            let help = help.unwrap_or_else(|| format!("write `{{word:{name}}}` into the setup"));
            let message = format!("no setup and no `run` uses the word `{name}`");
            problems.error(check.span.clone(), message, Some(help));
        }
    }
}

fn report_broken(name: &str, span: super::Span, problems: &mut Problems) {
    let help = "write `{word:NAME}`, the name in lower case letters, digits and `-`".to_owned();
    problems.error(span, format!("`{BEGIN}{name}` is no word"), Some(help));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_put_where_their_names_stand() {
        let words = RandomWords::from([("a".to_owned(), "xyz".to_owned())]);
        assert_eq!(put("SET k {word:a}{word:a} {word:b}", &words), "SET k xyzxyz {word:b}");
        assert_eq!(names_in("{word:a-1} {word:B} {word:c}"), ["a-1", "c"]);
        assert_eq!(sample("^{word:a}$"), "^word$");
    }

    #[test]
    fn words_are_letters_and_never_the_same() {
        let (one, other) = (random_word(), random_word());
        assert_ne!(one, other);
        assert!(one.len() == LETTERS && one.chars().all(|letter| letter.is_ascii_lowercase()));
    }

    #[test]
    fn what_only_looks_like_a_word_is_found() {
        assert_eq!(broken("{word:a} {word:B b}"), Some("B b"));
        assert_eq!(broken("{word:a\nb}"), Some("a"));
        assert_eq!(broken("{word:a}"), None);
    }
}
