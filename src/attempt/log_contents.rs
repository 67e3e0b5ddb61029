//! What stands in the append-only log that an answer leaves, and where a start can't read on.

use super::evidence::{BrokenLog, LogContents};
use crate::lesson::Exercise;
use crate::resp::Header;
use crate::server::Server;

/// A larger log is none of an exercise.
const LARGEST: u64 = 1024 * 1024;

/// So much of what stands in the place of an entry is kept.
const SHOWN_BYTES: usize = 20;
/// A file begins with this if a rewrite has put a snapshot into it.
const SNAPSHOT: &[u8] = b"REDIS";

/// What a start reads last: the file that the server wrote to, by its manifest. `None` where
/// answers do not work on the server's files, or where it can't be read.
pub(super) fn read(server: &Server, exercise: &Exercise) -> Option<LogContents> {
    if !exercise.stop || !exercise.keeps_a_log() {
        return None;
    }
    let name = server.last_aof().ok()??;
    let path = server.directory().map(|directory| directory.join(name.as_str()));
    if path.is_some_and(|path| std::fs::metadata(path).is_ok_and(|file| file.len() > LARGEST)) {
        return None;
    }
    Some(contents(&server.file(&name).ok()??))
}

/// The file's whole entries, up to where a start can't read on. An entry that the end of the file
/// cuts short hinders no start.
fn contents(file: &[u8]) -> LogContents {
    let mut log = LogContents::default();
    let mut rest = if file.starts_with(SNAPSHOT) { &[] } else { file };
    while !rest.is_empty() {
        match entry(&mut rest) {
            Ok(Some(words)) => log.entries.push(words),
            Ok(None) => {}
            Err(broken) => {
                log.broken = broken;
                break;
            }
        }
    }
    log
}

/// The next entry; `None`: a comment. The error is `None` where the file ends within the entry.
fn entry(rest: &mut &[u8]) -> Result<Option<Vec<Vec<u8>>>, Option<BrokenLog>> {
    let first = line(rest)?;
    if first.starts_with(b"#") {
        return Ok(None);
    }
    let count = number(first, b'*').filter(|count| *count > 0);
    let count = count.ok_or_else(|| Some(BrokenLog::NotAnEntry(shown(first))))?;
    let mut words = Vec::new();
    for _ in 0..count {
        let length = line(rest)?;
        let bytes = number(length, b'$').ok_or(Some(BrokenLog::NotWhole(shown(length))))?;
        let (word, after) = rest.split_at_checked(bytes).ok_or(None)?;
        *rest = after;
        match line(rest) {
            Ok(b"") => words.push(word.to_vec()),
            Err(None) => return Err(None),
            _ => return Err(Some(BrokenLog::NotWhole(shown(word)))),
        }
    }
    Ok(Some(words))
}

/// The next line without its end.
fn line<'a>(rest: &mut &'a [u8]) -> Result<&'a [u8], Option<BrokenLog>> {
    let end = rest.iter().position(|byte| *byte == b'\n').ok_or(None)?;
    let line = &rest[..end];
    *rest = &rest[end + 1..];
    line.strip_suffix(b"\r").ok_or_else(|| Some(BrokenLog::LineEnd(shown(line))))
}

/// The number that the line announces, if it begins with this sign.
fn number(line: &[u8], sign: u8) -> Option<usize> {
    match Header::of(line) {
        Ok(Header::Elements(number) | Header::String(number)) if line.first() == Some(&sign) => {
            Some(number)
        }
        _ => None,
    }
}

fn shown(bytes: &[u8]) -> String {
    let kept = &bytes[..bytes.len().min(SHOWN_BYTES)];
    String::from_utf8_lossy(kept).escape_debug().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "*2\r\n$4\r\nINCR\r\n$1\r\na\r\n";

    fn log(text: &str) -> (usize, Option<BrokenLog>) {
        let log = contents(text.as_bytes());
        (log.entries.len(), log.broken)
    }

    #[test]
    fn a_whole_log_holds_its_entries() {
        assert_eq!(log(&format!("{ONE}#TS:1\r\n{ONE}")), (2, None));
        assert_eq!(log("REDIS0010\u{1}"), (0, None));
        assert_eq!(log(""), (0, None));
    }

    #[test]
    fn an_entry_that_the_end_cuts_short_hinders_no_start() {
        for end in 1..ONE.len() {
            assert_eq!(log(&format!("{ONE}{}", &ONE[..end])), (1, None), "{end}");
        }
    }

    #[test]
    fn what_is_no_entry_is_found() {
        let not_an_entry = |text: &str| Some(BrokenLog::NotAnEntry(text.to_owned()));
        assert_eq!(log(&format!("{ONE}\r\n{ONE}")), (1, not_an_entry("")));
        assert_eq!(log(&format!("{ONE}{}", &ONE[4..])), (1, not_an_entry("$4")));
        assert_eq!(log(&format!("{ONE}*0\r\n{ONE}")), (1, not_an_entry("*0")));
    }

    #[test]
    fn half_an_entry_in_the_middle_is_found() {
        let not_whole = |text: &str| Some(BrokenLog::NotWhole(text.to_owned()));
        let half = &ONE[..ONE.len() - 3];
        assert_eq!(log(&format!("{half}{ONE}")), (0, not_whole("*")));
        assert_eq!(log(&format!("{}{ONE}", &ONE[..14])), (0, not_whole("*2")));
    }

    #[test]
    fn lines_without_a_carriage_return_are_found() {
        let line_end = |line: &str| Some(BrokenLog::LineEnd(line.to_owned()));
        assert_eq!(log(&ONE.replace("\r\n", "\n")), (0, line_end("*2")));
        assert_eq!(log(&format!("{ONE}\n{ONE}")), (1, line_end("")));
    }
}
