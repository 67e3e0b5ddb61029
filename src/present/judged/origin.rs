//! The line of the answer at which the cause is seen.

use super::traceback;
use crate::attempt::Answer;
use crate::attempt::evidence::{Evidence, Run, Typed};
use crate::lesson::Language;
use crate::present::text::reveal;
use crate::redis_cli::words;
use crate::relay::Exchange;
use crate::sanitize::ShownPath as _;
use crate::verdict::{Pointer, Verdict};

/// `answers/a.py:9  client.flushdb()`, or `line 9: client.flushdb()` for an answer without a file;
/// `None` if it is not known for sure.
pub(super) fn origin(answer: &Answer, evidence: &Evidence, verdict: &Verdict) -> Option<String> {
    let pointers = &verdict.diagnosis.as_ref()?.evidence;
    // The first one is the clearest: the line of another one would be about something else.
    let mut pointers = pointers.iter().filter(|pointer| is_in_the_answer(pointer));
    let number = line_number(answer, evidence, pointers.next()?)?;
    let line = reveal(answer.text.lines().nth(number.checked_sub(1)?)?.trim());
    Some(match &answer.path {
        Some(path) => {
            let path = path.shown();
            format!("{}:{number}  {line}", traceback::short_path(&path))
        }
        None => format!("line {number}: {line}"),
    })
}

fn is_in_the_answer(pointer: &Pointer) -> bool {
    matches!(pointer, Pointer::Exchange(_) | Pointer::ProgramErrors)
}

/// From 1.
fn line_number(answer: &Answer, evidence: &Evidence, pointer: &Pointer) -> Option<usize> {
    match (pointer, &evidence.run) {
        (Pointer::Exchange(index), Run::Typed(typed)) => typed_line(typed, evidence, *index),
        (Pointer::Exchange(index), Run::Program(_)) if answer.language == Language::Python => {
            only_call(&answer.text, evidence.timeline.exchanges.get(*index)?)
        }
        (Pointer::ProgramErrors, Run::Program(program)) => {
            traceback::last_line_in(answer.path.as_deref(), &program.stderr.text)
        }
        _ => None,
    }
}

/// The typed line that sent the exchange. The runner sends what is typed in order.
fn typed_line(typed: &Typed, evidence: &Evidence, index: usize) -> Option<usize> {
    let exchanges = &evidence.timeline.exchanges;
    let mut sent = 0;
    for line in &typed.exchanges {
        let words = words::split(&line.line).ok();
        if words.is_some_and(|words| exchanges.get(sent).is_some_and(|to| to.words == words)) {
            if sent == index {
                return Some(line.number);
            }
            sent += 1;
        }
    }
    None
}

/// The only line of a program that names the command as a method or as a text, in any case:
/// `client.flushdb()`, `execute_command("FLUSHDB")`. Of several such lines, the only one that has
/// the command's arguments as well; else none is sure.
fn only_call(text: &str, exchange: &Exchange) -> Option<usize> {
    let name = exchange.name().to_lowercase();
    let words: Vec<String> = exchange
        .words
        .iter()
        .skip(1)
        .map(|word| String::from_utf8_lossy(word).to_lowercase())
        .collect();
    let with_second = words.first().map(|second| format!("{name}_{second}"));
    let in_python = redis_py_name(&name).map(str::to_owned);
    let names = with_second.into_iter().chain([name]).chain(in_python);
    names.into_iter().find_map(|name| {
        let mut lines: Vec<(usize, &str)> =
            (1..).zip(text.lines()).filter(|(_, line)| calls(line, &name)).collect();
        if lines.len() > 1 {
            // `config_set` names an argument of its own.
            let arguments: Vec<&String> =
                words.iter().filter(|word| !name.ends_with(&format!("_{word}"))).collect();
            lines.retain(|(_, line)| arguments.iter().all(|word| has_word(line, word)));
        }
        match lines[..] {
            [(number, _)] => Some(number),
            _ => None,
        }
    })
}

/// redis-py's method for a command, where it is called otherwise.
fn redis_py_name(command: &str) -> Option<&'static str> {
    match command {
        "del" => Some("delete"),
        "incrby" => Some("incr"),
        "decrby" => Some("decr"),
        "exec" => Some("execute"),
        _ => None,
    }
}

/// Whether the code has this word, and not only as a part of another one.
fn has_word(code: &str, word: &str) -> bool {
    let code = code.to_lowercase();
    let is_part = |character: Option<char>| character.is_some_and(char::is_alphanumeric);
    code.match_indices(word).any(|(at, _)| {
        !is_part(code[..at].chars().next_back()) && !is_part(code[at + word.len()..].chars().next())
    })
}

fn calls(line: &str, name: &str) -> bool {
    let code = line.split(" #").next().unwrap_or(line).to_lowercase();
    if code.trim_start().starts_with('#') {
        return false;
    }
    code.match_indices(name).any(|(at, _)| {
        let after = &code[at + name.len()..];
        let is_method = code[..at].ends_with('.') && after.starts_with('(');
        let is_text = code[..at].ends_with(['"', '\'']) && after.starts_with(['"', '\'', ' ']);
        is_method || is_text
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::present::evidence::tests::exchange;

    #[test]
    fn a_call_is_a_method_or_a_text() {
        assert!(calls("client.flushdb()  # begun", "flushdb"));
        assert!(calls("client.execute_command('FLUSHDB')", "flushdb"));
        assert!(!calls("# client.flushdb()", "flushdb"));
        assert!(!calls("wait()  # for .flushdb", "flushdb"));
        assert!(!calls("client.setex('a', 1, 2)", "set"));
        assert!(!calls("found = set(keys)", "set"));
    }

    #[test]
    fn of_several_calls_the_one_with_the_arguments_is_sure() {
        let sent = |line: &str| exchange(0, line, "+OK");
        let text = "r.config_set('save', '')\nr.set('a', 1)\n\
                    r.config_set('save', '60 1')\nr.delete('a')";
        assert_eq!(only_call(text, &sent("CONFIG SET save \"60 1\"")), Some(3));
        assert_eq!(only_call(text, &sent("CONFIG SET save \"6 1\"")), None);
        assert_eq!(only_call(text, &sent("DEL a")), Some(4));
        assert_eq!(only_call("r.set('a', 1)\nr.set('a', 1)", &sent("SET a 1")), None);
        assert_eq!(only_call("r.set('a', 10)\nr.set('a', 1)", &sent("SET a 1")), Some(2));
    }
}
