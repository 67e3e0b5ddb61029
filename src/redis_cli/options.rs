//! Options of commands, and the numbers in their lines: what an answer may forget or get wrong.

use std::ops::Range;

/// An option's name, and how many words follow it.
type Options = &'static [(&'static str, usize)];

const TIMES: Options = &[("EX", 1), ("PX", 1), ("EXAT", 1), ("PXAT", 1)];
const WHEN: Options = &[("NX", 0), ("XX", 0), ("GT", 0), ("LT", 0)];
const TRIM: Options = &[("NOMKSTREAM", 0), ("MAXLEN", 1), ("MINID", 1), ("LIMIT", 1)];

/// Commands with options: from which word on they stand, and which there are. A word before that is
/// a key or a value, whatever it says.
const TABLE: &[(&str, usize, &[Options])] = &[
    ("SET", 3, &[TIMES, WHEN, &[("KEEPTTL", 0), ("GET", 0)]]),
    ("GETEX", 2, &[TIMES, &[("PERSIST", 0)]]),
    ("EXPIRE", 3, &[WHEN]),
    ("PEXPIRE", 3, &[WHEN]),
    ("EXPIREAT", 3, &[WHEN]),
    ("PEXPIREAT", 3, &[WHEN]),
    ("RESTORE", 4, &[&[("REPLACE", 0), ("ABSTTL", 0), ("IDLETIME", 1), ("FREQ", 1)]]),
    ("COPY", 3, &[&[("REPLACE", 0), ("DB", 1)]]),
    ("XADD", 2, &[TRIM]),
    ("XREAD", 1, &[&[("COUNT", 1), ("BLOCK", 1)]]),
    ("XREADGROUP", 4, &[&[("COUNT", 1), ("BLOCK", 1), ("NOACK", 0)]]),
    ("XRANGE", 4, &[&[("COUNT", 1)]]),
    ("XREVRANGE", 4, &[&[("COUNT", 1)]]),
    ("XPENDING", 3, &[&[("IDLE", 1)]]),
    ("XAUTOCLAIM", 6, &[&[("COUNT", 1), ("JUSTID", 0)]]),
    ("XCLAIM", 5, &[&[("IDLE", 1), ("TIME", 1), ("RETRYCOUNT", 1), ("FORCE", 0), ("JUSTID", 0)]]),
    ("XGROUP", 5, &[&[("MKSTREAM", 0)]]),
    ("ZADD", 2, &[WHEN, &[("CH", 0), ("INCR", 0)]]),
    ("SCAN", 2, &[&[("MATCH", 1), ("COUNT", 1), ("TYPE", 1)]]),
];

/// Options whose number decides what is stored.
const WITH_A_NUMBER: [&str; 6] = ["EX", "PX", "EXAT", "PXAT", "MAXLEN", "RETRYCOUNT"];
/// Commands and the index of the word that is a number of theirs.
const NUMBERS: [(&str, usize); 9] = [
    ("EXPIRE", 2),
    ("PEXPIRE", 2),
    ("EXPIREAT", 2),
    ("PEXPIREAT", 2),
    ("SETEX", 2),
    ("PSETEX", 2),
    ("INCRBY", 2),
    ("DECRBY", 2),
    ("RESTORE", 2),
];

/// Where the options of a command line stand, each with its words.
pub fn options<W: AsRef<[u8]>>(words: &[W]) -> Vec<Range<usize>> {
    let Some((_, first, options)) = of_command(words, TABLE, |(name, ..)| name) else {
        return Vec::new();
    };
    let known = || options.iter().flat_map(|options| options.iter());
    let mut found = Vec::new();
    let mut at = *first;
    while at < words.len() {
        // What follows are keys.
        if is(&words[at], "STREAMS") {
            break;
        }
        let option = known().find(|(name, _)| is(&words[at], name));
        let Some((_, arguments)) = option else {
            at += 1;
            continue;
        };
        let is_sign = words.get(at + 1).is_some_and(|word| is(word, "~") || is(word, "="));
        let end = (at + 1 + arguments + usize::from(*arguments > 0 && is_sign)).min(words.len());
        found.push(at..end);
        at = end;
    }
    found
}

/// The indexes of the words of a command line that are numbers of the command, not values.
pub fn numbers<W: AsRef<[u8]>>(words: &[W]) -> Vec<usize> {
    let of_command = of_command(words, &NUMBERS, |(name, _)| name).map(|(_, index)| *index);
    let of_options = options(words).into_iter().filter_map(|option| {
        let is_number = WITH_A_NUMBER.iter().any(|name| is(&words[option.start], name));
        is_number.then(|| option.end - 1)
    });
    let mut found: Vec<usize> = of_command.into_iter().chain(of_options).collect();
    found.retain(|index| words.get(*index).is_some_and(|word| other_number(word).is_some()));
    found
}

/// Another number than the one in the text, and as plausible.
pub fn other_number<W: AsRef<[u8]>>(number: &W) -> Option<String> {
    let number: i64 = std::str::from_utf8(number.as_ref()).ok()?.parse().ok()?;
    Some(if number == 0 { 1 } else { number.checked_mul(2)? }.to_string())
}

/// The text with each of its numbers changed, one at a time: `2 3` is `4 3` and `2 6`.
pub fn with_other_numbers(text: &str) -> Vec<String> {
    let parts: Vec<&str> = text.split(' ').collect();
    let mut changed = Vec::new();
    for (at, part) in parts.iter().enumerate() {
        let Some(other) = other_number(part) else { continue };
        let mut parts: Vec<&str> = parts.clone();
        parts[at] = &other;
        changed.push(parts.join(" "));
    }
    changed
}

/// The names of all options, in lower case, as a client library takes them by keyword.
pub fn names() -> impl Iterator<Item = String> {
    let options = TABLE.iter().flat_map(|(.., options)| options.iter().copied().flatten());
    options.map(|(name, _)| name.to_lowercase())
}

fn of_command<'t, W: AsRef<[u8]>, T>(
    words: &[W],
    table: &'t [T],
    name: fn(&T) -> &'static str,
) -> Option<&'t T> {
    let first = words.first()?;
    table.iter().find(|row| is(first, name(row)))
}

fn is<W: AsRef<[u8]>>(word: &W, name: &str) -> bool {
    word.as_ref().eq_ignore_ascii_case(name.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<&str> {
        line.split(' ').collect()
    }

    #[test]
    fn options_are_found_with_their_words() {
        for (line, found) in [
            ("SET a NX", &[][..]),
            ("set a 1 nx EX 1800", &["nx", "EX 1800"]),
            ("SET a 1 KEEPTTL", &["KEEPTTL"]),
            ("XADD s MAXLEN ~ 1000 * f 1", &["MAXLEN ~ 1000"]),
            ("XADD s NOMKSTREAM MAXLEN 5 1-1 f EX", &["NOMKSTREAM", "MAXLEN 5"]),
            ("XREADGROUP GROUP g c COUNT 1 STREAMS COUNT >", &["COUNT 1"]),
            ("RESTORE a 0 payload REPLACE", &["REPLACE"]),
            ("XGROUP CREATE s g 0 MKSTREAM", &["MKSTREAM"]),
            ("GET NX", &[]),
            ("", &[]),
        ] {
            let words = words(line);
            let options = options(&words);
            let shown: Vec<String> =
                options.into_iter().map(|range| words[range].join(" ")).collect();
            assert_eq!(shown, found, "{line}");
        }
    }

    #[test]
    fn numbers_are_those_of_the_command() {
        for (line, found) in [
            ("SET a 1 EX 1800", &["1800"][..]),
            ("EXPIRE a 60", &["60"]),
            ("INCRBY a 5", &["5"]),
            ("XADD s MAXLEN ~ 1000 * f 1", &["1000"]),
            ("RESTORE a 0 payload", &["0"]),
            ("XREAD COUNT 1 STREAMS s 0", &[]),
            ("SET a 1", &[]),
        ] {
            let words = words(line);
            let shown: Vec<&str> = numbers(&words).into_iter().map(|index| words[index]).collect();
            assert_eq!(shown, found, "{line}");
        }
        assert_eq!(other_number(&"0").as_deref(), Some("1"));
        assert_eq!(with_other_numbers("2 3"), ["4 3", "2 6"]);
        assert_eq!(with_other_numbers("always"), Vec::<String>::new());
    }
}
