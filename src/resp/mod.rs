//! RESP, the protocol of Redis: <https://redis.io/docs/latest/develop/reference/protocol-spec/>.
//!
//! A value is a sequence of lines; the line of a string is followed by as many bytes as it
//! announces. A value ends when as many elements have come as its aggregates announced, so it is
//! enough to count them: [`Header`] says what a line announces. [`frames`] finds whole commands and
//! replies in bounded memory, [`kinds`] tells what a frame is by its first bytes, and [`value`]
//! reads a reply without loss.

pub mod frames;
pub mod kinds;
pub mod value;

/// What the line at the beginning of a value announces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Header {
    /// Nothing: the line is the whole value, which may be nil.
    Whole,
    /// A string of this many bytes, with a line break behind it.
    String(usize),
    /// This many elements.
    Elements(usize),
    /// This many elements that do not count as one, and then the value.
    Attribute(usize),
}

/// The bytes are not RESP; the first of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Protocol error, got {} as reply type byte", crate::redis_cli::reply::quoted(&[*.0]))]
pub struct NotResp(pub u8);

impl Header {
    /// Of a line with or without its line break.
    pub fn of(line: &[u8]) -> Result<Self, NotResp> {
        let kind = line.first().copied().unwrap_or(b'\n');
        match kind {
            b'+' | b'-' | b':' | b',' | b'#' | b'_' | b'(' => return Ok(Self::Whole),
            b'$' | b'=' | b'!' | b'*' | b'~' | b'>' | b'%' | b'|' => {}
            other => return Err(NotResp(other)),
        }
        let Some(number) = length(line)? else { return Ok(Self::Whole) };
        Ok(match kind {
            b'$' | b'=' | b'!' => Self::String(number),
            b'%' => Self::Elements(2 * number),
            b'|' => Self::Attribute(2 * number),
            _ => Self::Elements(number),
        })
    }
}

/// The number after a line's first byte; `None`: -1, which is nil.
fn length(line: &[u8]) -> Result<Option<usize>, NotResp> {
    let not_resp = NotResp(line[0]);
    let digits = line[1..].trim_ascii_end();
    if digits == b"-1" {
        return Ok(None);
    }
    // Redis' own limit (`proto-max-bulk-len`) can be changed, but not beyond 18 digits.
    if digits.len() > 18 || !digits.iter().all(u8::is_ascii_digit) {
        return Err(not_resp);
    }
    let number = std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok());
    number.map(Some).ok_or(not_resp)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_announces_what_follows() {
        for (line, header) in [
            (&b"+OK\r\n"[..], Header::Whole),
            (b"$-1\r\n", Header::Whole),
            (b"*-1", Header::Whole),
            (b"$5\r\n", Header::String(5)),
            (b"*2\r\n", Header::Elements(2)),
            (b"%2\r\n", Header::Elements(4)),
            (b"|1\r\n", Header::Attribute(2)),
        ] {
            assert_eq!(Header::of(line), Ok(header), "{line:?}");
        }
    }

    #[test]
    fn other_lines_are_no_headers() {
        for line in [&b"hello"[..], b"", b"$x", b"*", b"$9999999999999999999"] {
            let kind = line.first().copied().unwrap_or(b'\n');
            assert_eq!(Header::of(line), Err(NotResp(kind)), "{line:?}");
        }
    }
}
