//! What the author of an exercise should think about, although it loads.

use std::collections::BTreeMap;
use std::time::Duration;

use super::super::problem::{Problems, did_you_mean};
use super::super::{Check, Exercise, Language};
use super::fence::Role;
use super::outline::Section;
use crate::checks::Question;
use crate::redis_cli::{commands, words};
use crate::topics::TOPICS;

const PYTHON_SOLUTION: Role = Role::Solution(Language::Python);
/// Waits that no answer causes.
const NOISE: Duration = Duration::from_millis(20);
/// Who types the answer reads the task first, and perhaps has a coffee.
const LEAST: Duration = Duration::from_secs(10 * 60);

pub(super) fn check(section: &Section, exercise: &Exercise, problems: &mut Problems) {
    for (message, help) in TOPICS.iter().filter_map(|topic| (topic.advice)(exercise)) {
        problems.warning(exercise.span.clone(), message, Some(help.to_owned()));
    }
    for block in section.blocks().filter(|block| block.fence.role == PYTHON_SOLUTION) {
        for (_, span) in block.content.lines().filter(|(line, _)| sleeps(line)) {
            let help = "wait for what must have happened, in a loop with a deadline";
            let message = "a solution that waits for a fixed time is a race";
            problems.warning(span, message, Some(help.to_owned()));
        }
    }
    check_subjects(exercise, problems);
    check_twins(section, problems);
    let setups = section.blocks().filter(|block| block.fence.role == Role::Setup);
    for (line, span) in setups.flat_map(|block| block.content.lines()) {
        let Some((key, time)) = time_to_live(line) else { continue };
        if time < LEAST && exercise.checks.iter().any(|check| asks_for(check, &key)) {
            let message = format!("the key `{key}` ends after {} s", time.as_secs_f64());
            let help = "by hand everything takes longer than in a program: give it ten minutes or \
                        more";
            problems.warning(span, message, Some(help.to_owned()));
        }
    }
}

/// Checks that can hardly be met, or never be looked at.
fn check_subjects(exercise: &Exercise, problems: &mut Problems) {
    for check in &exercise.checks {
        for name in check.subject.counted_commands() {
            let command = name.split('|').next().unwrap_or_default();
            if commands::find(command).is_some() || commands::has_subcommands(command) {
                continue;
            }
            let message = format!("Redis has no command `{}`", name.to_uppercase());
            let help = did_you_mean(command, commands::names());
            match help {
                Some(_) => problems.error(check.span.clone(), message, help),
                None => problems.warning(check.span.clone(), message, None),
            }
        }
        let limit = check.subject.wait_limit();
        let is_noise = limit.is_some_and(|limit| limit.forbids() && limit.is_exceeded(NOISE));
        if is_noise {
            let message = "the machine makes others wait this long, too";
            let help = Some("put the limit far above 20 ms".to_owned());
            problems.warning(check.span.clone(), message, help);
        }
        if check.is_about_the_program() && !exercise.languages().contains(&Language::Python) {
            let message =
                format!("`{}` needs a program, and no `python` solution is here", check.id);
            let help = Some("remove the check, or add a `python solution`".to_owned());
            problems.warning(check.span.clone(), message, help);
        }
    }
}

/// Answers that are the same as another, which says nothing new.
fn check_twins(section: &Section, problems: &mut Problems) {
    let mut earlier: BTreeMap<(Language, String), &'static str> = BTreeMap::new();
    for block in section.blocks() {
        let (language, what) = match block.fence.role {
            Role::Starter(language) => (language, "starter"),
            Role::Solution(language) => (language, "solution"),
            Role::Wrong(language) => (language, "wrong answer"),
            _ => continue,
        };
        let text = block.content.text().trim().to_owned();
        if let Some(other) = earlier.insert((language, text), what) {
            let message = format!("this {what} is the same as the {other} above");
            problems.warning(block.fence.place.clone(), message, Some("remove one".to_owned()));
        }
    }
}

fn sleeps(line: &str) -> bool {
    line.starts_with("time.sleep(") || line.starts_with("sleep(")
}

fn asks_for(check: &Check, key: &str) -> bool {
    check.subject.expected_keys().iter().any(|known| known == key)
        || check.subject.questions().iter().any(|question| names(question, key))
}

fn names(question: &Question, key: &str) -> bool {
    let Question::Command(line) = question else { return false };
    words::split(line).is_ok_and(|words| words.iter().any(|word| word == key.as_bytes()))
}

/// The key to which a line of the setup gives a time to live, and that time.
fn time_to_live(line: &str) -> Option<(String, Duration)> {
    let words = words::split(line.trim()).ok()?;
    let words: Vec<String> =
        words.iter().map(|word| String::from_utf8_lossy(word).into_owned()).collect();
    let (name, key) = (words.first()?.to_ascii_uppercase(), words.get(1)?.clone());
    let (unit, number) = match name.as_str() {
        "EXPIRE" | "SETEX" => ("EX", words.get(2)?),
        "PEXPIRE" | "PSETEX" => ("PX", words.get(2)?),
        "SET" | "GETEX" => {
            let is_option =
                |word: &&String| ["EX", "PX"].iter().any(|unit| unit.eq_ignore_ascii_case(word));
            let at = words.iter().skip(2).position(|word| is_option(&word))? + 2;
            (words[at].as_str(), words.get(at + 1)?)
        }
        _ => return None,
    };
    let number: u64 = number.parse().ok()?;
    let is_seconds = unit.eq_ignore_ascii_case("EX");
    Some((
        key,
        if is_seconds { Duration::from_secs(number) } else { Duration::from_millis(number) },
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_that_a_line_gives_a_key_is_read() {
        for (line, seconds) in [
            ("SET a 1 EX 30", Some(30)),
            ("set a 1 nx px 5000", Some(5)),
            ("EXPIRE a 7", Some(7)),
            ("PSETEX a 2000 v", Some(2)),
            ("SET a EX", None),
            ("EXPIREAT a 4102444800", None),
            ("GET a", None),
        ] {
            let found = time_to_live(line).map(|(key, time)| (key, time.as_secs()));
            assert_eq!(found, seconds.map(|seconds| ("a".to_owned(), seconds)), "{line}");
        }
    }
}
