//! Lines of a `redis` answer that contain what was pasted along.

use super::cause::Cause;
use super::facts::Facts;
use super::lines::{is_about_words, lines};
use super::meant::{was_to_store, would_have_met};
use crate::attempt::evidence::{Evidence, Run};
use crate::invisible;
use crate::redis_cli::{commands, prompt, words};
use crate::server::ServerInfo;

/// A part of a line that does not belong to the command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pasted {
    Fence,
    Prompt,
    RedisCli,
    Semicolon,
    Quotes,
    Invisible,
}

/// The first part of a line that does not belong to the command, its text for the student, and the
/// line without it.
fn pasted(line: &str) -> Option<(Pasted, String, String)> {
    if line.starts_with("```") || line.starts_with("~~~") {
        return Some((Pasted::Fence, line.to_owned(), String::new()));
    }
    if let Some((found, rest)) = prompt::split(line) {
        return Some((Pasted::Prompt, found.to_owned(), rest.to_owned()));
    }
    if let Some((program, rest)) = split_program(line) {
        return Some((Pasted::RedisCli, program.to_owned(), rest));
    }
    if let Some(c) = line.chars().find(|c| invisible::is_invisible(*c)) {
        return Some((Pasted::Invisible, invisible::escaped(c), without_invisible(line)));
    }
    if let Some(c) = line.chars().find(|c| straight(*c).is_some()) {
        let rest = line.chars().map(|c| straight(c).unwrap_or(c)).collect();
        return Some((Pasted::Quotes, c.to_string(), rest));
    }
    let rest = line.strip_suffix(';')?;
    let last = line.split_whitespace().last()?;
    Some((Pasted::Semicolon, last.to_owned(), rest.trim_end_matches(';').to_owned()))
}

/// The straight quote for a typographic one.
fn straight(c: char) -> Option<char> {
    match c {
        '“' | '”' | '„' | '‟' | '«' | '»' | '″' => Some('"'),
        '‘' | '’' | '‚' | '‛' | '′' => Some('\''),
        _ => None,
    }
}

/// Splits off `redis-cli` and drops its options.
fn split_program(line: &str) -> Option<(&str, String)> {
    let program = prompt::program(line)?;
    let mut rest: Vec<&str> = line.split_whitespace().skip(1).collect();
    while let Some(option) = rest.first().copied().filter(|word| word.starts_with('-')) {
        let has_value = ["-h", "-p", "-n", "-a", "-u", "-s", "-r", "-i"].contains(&option);
        rest.drain(..(1 + usize::from(has_value)).min(rest.len()));
    }
    Some((program, rest.join(" ")))
}

/// The command in a line, without any pasted text.
pub(super) fn mended(line: &str) -> Vec<Vec<u8>> {
    let mut line = line.trim().to_owned();
    // There may be several, as in `> SAVE;`.
    for _ in 0..4 {
        let Some((_, _, rest)) = pasted(&line) else { break };
        rest.trim().clone_into(&mut line);
    }
    words::split(&line).unwrap_or_default()
}

/// Why Redis refused a line, if what was pasted along is the reason.
pub(super) fn why_refused(line: &str) -> Option<String> {
    let (found, what, rest) = pasted(line)?;
    let is_explained = commands::find(rest.split_whitespace().next().unwrap_or_default()).is_some();
    (is_explained || found == Pasted::Fence).then(|| match found {
        Pasted::Fence => "it is a code fence".to_owned(),
        Pasted::Prompt => format!("it begins with a prompt (`{what}`)"),
        Pasted::RedisCli => format!("`{what}` is a program of the shell"),
        Pasted::Semicolon => format!("it ends with `;`, which to Redis is a letter of `{what}`"),
        Pasted::Quotes => format!("it has a typographic quote (`{what}`)"),
        Pasted::Invisible => format!("it holds a character that can't be seen (`{what}`)"),
    })
}

/// The first line with this kind of pasted text, if one of them would have met the check.
pub(super) fn has_pasted(facts: &Facts<'_>, kind: Pasted) -> Option<Cause> {
    let mut affected = Vec::new();
    for line in lines(facts) {
        let Some((found, what, _)) = pasted(&line.typed.line) else { continue };
        if found == kind && line.error().is_none_or(is_about_words) {
            affected.push((line, what));
        }
    }
    let explains = affected.iter().any(|(line, _)| {
        let meant = mended(&line.typed.line);
        match line.error() {
            Some(_) => would_have_met(facts, &meant, line.index),
            None => was_to_store(facts, &meant, &line.typed.line),
        }
    });
    // A line that Redis accepted as it is may be right.
    let (line, what) = affected.into_iter().find(|(line, _)| {
        line.error().is_some() || was_to_store(facts, &mended(&line.typed.line), &line.typed.line)
    })?;
    explains.then(|| line.found().with(what))
}

/// The program's output is right except for a character that looks like a space, or like nothing.
pub fn invisible_in_output(facts: &Facts<'_>) -> Option<Cause> {
    let Run::Program(program) = &facts.evidence.run else { return None };
    let c = program.stdout.text.chars().find(|c| invisible::is_invisible(*c))?;
    let mut plain = program.clone();
    plain.stdout.text = without_invisible(&plain.stdout.text);
    let evidence = Evidence { run: Run::Program(plain), ..Evidence::new(ServerInfo::default()) };
    let is_right = facts.check?.subject.judge(&evidence)?.met;
    is_right.then(|| Cause::default().with(invisible::escaped(c)))
}

/// Replaces what looks like a space with one, and drops other invisible characters.
fn without_invisible(text: &str) -> String {
    let shown = text.chars().filter(|c| invisible::is_blank(*c) || !invisible::is_invisible(*c));
    shown.map(|c| if invisible::is_blank(c) { ' ' } else { c }).collect()
}
