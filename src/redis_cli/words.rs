//! Splits a typed line into words by the quoting rules of redis-cli (`sdssplitargs` in Redis's
//! sds.c), and knows some properties of commands.

/// Why a line cannot be split; redis-cli prints `Invalid argument(s)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum QuoteError {
    #[error("the quote is never closed")]
    Unclosed,
    #[error("a closing quote must be followed by a space")]
    NoSpaceAfter,
}

/// The words of one line, as bytes, since `"\x00"` is a legal argument. An empty line has none.
pub fn split(line: &str) -> Result<Vec<Vec<u8>>, QuoteError> {
    let mut words = Vec::new();
    let mut rest = line.as_bytes();
    loop {
        let blanks = rest.iter().take_while(|&&byte| is_blank(byte)).count();
        rest = &rest[blanks..];
        if rest.is_empty() {
            return Ok(words);
        }
        let word;
        (word, rest) = next_word(rest)?;
        words.push(word);
    }
}

/// The words as one line that can be typed: a word that is empty or contains special characters is
/// quoted.
pub fn join<W: AsRef<[u8]>>(words: &[W]) -> String {
    let words: Vec<String> = words.iter().map(|word| quoted_if_needed(word.as_ref())).collect();
    words.join(" ")
}

fn quoted_if_needed(word: &[u8]) -> String {
    match std::str::from_utf8(word) {
        Ok(text) if !text.is_empty() && text.chars().all(is_plain) => text.to_owned(),
        _ => super::reply::quoted(word),
    }
}

fn is_plain(c: char) -> bool {
    !c.is_whitespace() && !c.is_control() && !"\"'".contains(c)
}

/// Whether a line of an answer is empty or a comment (`#`), so that there is nothing to run.
pub fn is_comment(line: &str) -> bool {
    let line = line.trim_start();
    line.is_empty() || line.starts_with('#')
}

fn next_word(mut rest: &[u8]) -> Result<(Vec<u8>, &[u8]), QuoteError> {
    let mut word = Vec::new();
    while let Some((&byte, after)) = rest.split_first() {
        match byte {
            b if is_blank(b) => break,
            b'"' | b'\'' => {
                rest = quoted(byte, after, &mut word)?;
                if rest.first().is_some_and(|&b| !is_blank(b)) {
                    return Err(QuoteError::NoSpaceAfter);
                }
                return Ok((word, rest));
            }
            _ => {
                word.push(byte);
                rest = after;
            }
        }
    }
    Ok((word, rest))
}

fn quoted<'a>(quote: u8, mut rest: &'a [u8], word: &mut Vec<u8>) -> Result<&'a [u8], QuoteError> {
    loop {
        let (byte, after) = match (quote, rest) {
            (_, []) => return Err(QuoteError::Unclosed),
            (_, [byte, after @ ..]) if *byte == quote => return Ok(after),
            (b'"', [b'\\', b'x', high, low, after @ ..])
                if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() =>
            {
                (hex(*high) << 4 | hex(*low), after)
            }
            (b'"', [b'\\', escaped, after @ ..]) => (unescaped(*escaped), after),
            (b'\'', [b'\\', b'\'', after @ ..]) => (b'\'', after),
            (_, [byte, after @ ..]) => (*byte, after),
        };
        word.push(byte);
        rest = after;
    }
}

fn is_blank(byte: u8) -> bool {
    byte == 0 || byte.is_ascii_whitespace() || byte == 0x0b
}

fn hex(digit: u8) -> u8 {
    char::from(digit).to_digit(16).and_then(|value| value.try_into().ok()).unwrap_or_default()
}

fn unescaped(byte: u8) -> u8 {
    match byte {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 0x08,
        b'a' => 0x07,
        other => other,
    }
}

/// The index, from 0, of a writer's first argument that is a stored value, and the distance between
/// such arguments; `name` in upper case. `None` if the command stores no argument unchanged.
pub fn stored_values(name: &str) -> Option<(usize, usize)> {
    match name {
        "SET" | "SETNX" | "GETSET" => Some((1, usize::MAX)),
        "MSET" | "MSETNX" => Some((1, 2)),
        "HSET" | "HMSET" | "HSETNX" => Some((2, 2)),
        "RPUSH" | "LPUSH" | "SADD" => Some((1, 1)),
        _ => None,
    }
}

/// The indexes, among the words of a command line, of the values that it stores.
pub fn values<W: AsRef<[u8]>>(words: &[W]) -> Vec<usize> {
    let Some(name) = words.first() else { return Vec::new() };
    let name = String::from_utf8_lossy(name.as_ref()).to_uppercase();
    let Some((first, step)) = stored_values(&name) else { return Vec::new() };
    (1 + first..words.len()).step_by(step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Result<Vec<String>, QuoteError> {
        let words = split(line)?;
        Ok(words.iter().map(|word| String::from_utf8_lossy(word).into_owned()).collect())
    }

    #[test]
    fn words_are_separated_by_white_space() {
        assert_eq!(words("  SET  a\t1 ").unwrap(), ["SET", "a", "1"]);
        assert!(words("   ").unwrap().is_empty());
    }

    #[test]
    fn every_blank_that_ends_a_word_is_skipped_before_the_next() {
        assert_eq!(words("a\0b\x0b c\x0c").unwrap(), ["a", "b", "c"]);
    }

    #[test]
    fn double_quotes_know_escapes() {
        assert_eq!(words(r#"SET k "a\n\x41\"\q""#).unwrap(), ["SET", "k", "a\nA\"q"]);
    }

    #[test]
    fn single_quotes_know_only_the_escaped_quote() {
        assert_eq!(words(r"SET k 'it\'s \n'").unwrap(), ["SET", "k", r"it's \n"]);
    }

    #[test]
    fn a_quote_may_open_in_the_middle_of_a_word_as_in_redis_cli() {
        assert_eq!(words(r#"SET a"b c""#).unwrap(), ["SET", "ab c"]);
    }

    #[test]
    fn an_empty_quoted_word_is_a_word() {
        assert_eq!(words(r#"SET k """#).unwrap(), ["SET", "k", ""]);
    }

    #[test]
    fn unbalanced_quotes_are_refused() {
        assert_eq!(words(r#"SET k "a"#), Err(QuoteError::Unclosed));
        assert_eq!(words(r#"SET k "a"b"#), Err(QuoteError::NoSpaceAfter));
    }

    #[test]
    fn joined_words_can_be_typed_again() {
        for line in ["SET order:1001 paid", r#"SET "a b" """#, r#"SET k "it's\n""#] {
            assert_eq!(join(&split(line).unwrap()), line);
        }
    }

    #[test]
    fn values_are_what_a_writer_stores() {
        for (line, values) in [
            ("set a 1 EX 9", &["1"][..]),
            ("MSET a 1 b 2", &["1", "2"]),
            ("HSET h f 1 g 2", &["1", "2"]),
            ("RPUSH l x y", &["x", "y"]),
            ("INCRBY a 2", &[]),
            ("GET a", &[]),
            ("SET a", &[]),
        ] {
            let words = words(line).unwrap();
            let found: Vec<&str> =
                super::values(&words).into_iter().map(|index| words[index].as_str()).collect();
            assert_eq!(found, values, "{line}");
        }
    }

    #[test]
    fn a_backslash_outside_quotes_is_itself() {
        assert_eq!(words(r"SET k a\nb").unwrap(), ["SET", "k", r"a\nb"]);
    }
}
