//! What the author of an exercise should think about, although it loads.

use std::time::Duration;

use super::super::Exercise;
use super::super::problem::Problems;
use super::fence::Role;
use super::outline::Section;
use crate::checks::Question;
use crate::redis_cli::words;
use crate::topics::TOPICS;

/// Who types the answer reads the task first, and perhaps has a coffee.
const LEAST: Duration = Duration::from_secs(10 * 60);

pub(super) fn check(section: &Section, exercise: &Exercise, problems: &mut Problems) {
    for (message, help) in TOPICS.iter().filter_map(|topic| (topic.advice)(exercise)) {
        problems.warning(exercise.span.clone(), message, Some(help.to_owned()));
    }
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

fn asks_for(check: &super::super::Check, key: &str) -> bool {
    let names_it = |question: &Question| {
        let Question::Command(line) = question else { return false };
        words::split(line).is_ok_and(|words| words.iter().any(|word| word == key.as_bytes()))
    };
    check.subject.expected_keys().iter().any(|known| known == key)
        || check.subject.questions().iter().any(names_it)
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
