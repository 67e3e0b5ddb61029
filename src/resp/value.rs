//! Parses what a server sends without loss, as redis-cli does.
//!
//! The `redis` crate's values lose what redis-cli shows: the digits of a double
//! (`0.10000000000000001`), errors that are not UTF-8, and which reply a push precedes.

use redis::Value;

use super::{Header, NotResp};

/// One value of RESP2 or RESP3; texts are the bytes that arrived.
#[derive(Debug, Clone, PartialEq)]
pub enum Resp {
    /// `+OK`.
    Status(Vec<u8>),
    /// `-ERR …`, code and text.
    Error(Vec<u8>),
    Integer(i64),
    /// A string.
    Bulk(Vec<u8>),
    /// Nil, in any of its forms.
    Nil,
    /// A double, in the server's own digits.
    Double(Vec<u8>),
    Boolean(bool),
    /// A whole number of any length, in digits.
    BigNumber(Vec<u8>),
    /// A text to be shown as it is, without its format prefix.
    Verbatim(Vec<u8>),
    Array(Vec<Resp>),
    Set(Vec<Resp>),
    Map(Vec<(Resp, Resp)>),
    /// An unsolicited value: an invalidation, or a message of a subscription.
    Push(Vec<Resp>),
}

/// Deeper nesting is refused, since it costs stack; no real reply is nested so deeply.
const MOST_NESTED: usize = 128;

/// Finds complete values in bytes that arrive in pieces.
#[derive(Debug, Default)]
pub struct Replies {
    bytes: Vec<u8>,
    /// The length of the value's part that has been scanned.
    seen: usize,
    /// How many of the value's elements are still missing; 0 between values.
    missing: usize,
}

impl Replies {
    /// Takes the next bytes of the stream.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The next value, once all of it has arrived.
    pub fn next_value(&mut self) -> Result<Option<Resp>, NotResp> {
        if !self.has_whole_value()? {
            return Ok(None);
        }
        let mut reader = RespReader { rest: &self.bytes[..self.seen] };
        let value = reader.value(0)?;
        self.bytes.drain(..self.seen);
        self.seen = 0;
        Ok(Some(value))
    }

    /// Continues where it stopped, so that a long reply in many pieces is scanned only once.
    fn has_whole_value(&mut self) -> Result<bool, NotResp> {
        if self.seen == 0 {
            self.missing = 1;
        }
        while self.missing > 0 {
            let mut reader = RespReader { rest: &self.bytes[self.seen..] };
            let Some(line) = reader.line() else { return Ok(false) };
            let (mut left, mut elements) = (reader.rest.len(), 0);
            match Header::of(line)? {
                Header::Whole => {}
                Header::Elements(count) => elements = count,
                Header::Attribute(count) => elements = count + 1,
                Header::String(length) => match left.checked_sub(length + 2) {
                    Some(rest) => left = rest,
                    None => return Ok(false),
                },
            }
            self.seen = self.bytes.len() - left;
            self.missing = (self.missing - 1).saturating_add(elements);
        }
        Ok(true)
    }
}

/// Reads values from bytes that contain them completely.
struct RespReader<'a> {
    rest: &'a [u8],
}

impl<'a> RespReader<'a> {
    /// The next line, without its line break.
    fn line(&mut self) -> Option<&'a [u8]> {
        let end = self.rest.iter().position(|&byte| byte == b'\n')?;
        let (line, rest) = self.rest.split_at(end + 1);
        self.rest = rest;
        Some(line.strip_suffix(b"\r\n").unwrap_or(&line[..end]))
    }

    fn value(&mut self, depth: usize) -> Result<Resp, NotResp> {
        let line = self.line().unwrap_or_default();
        let header = Header::of(line)?;
        let (kind, text) = (line[0], &line[1..]);
        if depth > MOST_NESTED {
            return Err(NotResp(kind));
        }
        Ok(match header {
            Header::Whole => match kind {
                b'+' => Resp::Status(text.to_vec()),
                b'-' => Resp::Error(text.to_vec()),
                b':' => Resp::Integer(parsed(text)),
                b',' => Resp::Double(text.to_vec()),
                b'(' => Resp::BigNumber(text.to_vec()),
                b'#' => Resp::Boolean(text == b"t"),
                _ => Resp::Nil,
            },
            Header::String(length) => string(kind, self.bytes(length)),
            Header::Elements(count) => match kind {
                b'~' => Resp::Set(self.values(count, depth)?),
                b'>' => Resp::Push(self.values(count, depth)?),
                b'%' => Resp::Map(self.pairs(count, depth)?),
                _ => Resp::Array(self.values(count, depth)?),
            },
            Header::Attribute(count) => {
                self.pairs(count, depth)?;
                self.value(depth + 1)?
            }
        })
    }

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        let end = (length + 2).min(self.rest.len());
        let (bytes, rest) = self.rest.split_at(end);
        self.rest = rest;
        bytes[..end.saturating_sub(2)].to_vec()
    }

    fn values(&mut self, count: usize, depth: usize) -> Result<Vec<Resp>, NotResp> {
        (0..count).map(|_| self.value(depth + 1)).collect()
    }

    /// `count` is the number of keys and values.
    fn pairs(&mut self, count: usize, depth: usize) -> Result<Vec<(Resp, Resp)>, NotResp> {
        (0..count / 2).map(|_| Ok((self.value(depth + 1)?, self.value(depth + 1)?))).collect()
    }
}

fn string(kind: u8, mut bytes: Vec<u8>) -> Resp {
    match kind {
        b'!' => Resp::Error(bytes),
        // Without the prefix `txt:` or `mkd:`.
        b'=' => Resp::Verbatim(bytes.split_off(bytes.len().min(4))),
        _ => Resp::Bulk(bytes),
    }
}

fn parsed(line: &[u8]) -> i64 {
    std::str::from_utf8(line).ok().and_then(|digits| digits.parse().ok()).unwrap_or_default()
}

impl From<&Value> for Resp {
    fn from(value: &Value) -> Self {
        match value {
            Value::Nil => Self::Nil,
            Value::Okay => Self::Status(b"OK".to_vec()),
            Value::Int(number) => Self::Integer(*number),
            Value::SimpleString(text) => Self::Status(text.clone().into_bytes()),
            Value::BulkString(bytes) => Self::Bulk(bytes.clone()),
            Value::VerbatimString { text, .. } => Self::Verbatim(text.clone().into_bytes()),
            Value::Double(number) => Self::Double(number.to_string().into_bytes()),
            Value::Boolean(value) => Self::Boolean(*value),
            Value::BigNumber(digits) => Self::BigNumber(digits.clone()),
            Value::ServerError(error) => {
                Self::Error(error_text(error.code(), error.details()).into_bytes())
            }
            Value::Array(items) => Self::Array(values_of(items)),
            Value::Set(items) => Self::Set(values_of(items)),
            Value::Push { data, .. } => Self::Push(values_of(data)),
            Value::Map(pairs) => {
                Self::Map(pairs.iter().map(|(key, value)| (key.into(), value.into())).collect())
            }
            Value::Attribute { data, .. } => Self::from(data.as_ref()),
            other => Self::Status(format!("{other:?}").into_bytes()),
        }
    }
}

fn values_of(items: &[Value]) -> Vec<Resp> {
    items.iter().map(Resp::from).collect()
}

/// An error's code and text.
pub fn error_text(code: &str, details: Option<&str>) -> String {
    match details {
        Some(details) if !details.is_empty() => format!("{code} {details}"),
        _ => code.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use redis::VerbatimFormat;

    use super::*;

    /// All values in `bytes`, fed in pieces of `size`.
    fn values(bytes: &[u8], size: usize) -> Vec<Resp> {
        let mut replies = Replies::default();
        let mut all = Vec::new();
        for piece in bytes.chunks(size) {
            replies.feed(piece);
            while let Some(value) = replies.next_value().unwrap() {
                all.push(value);
            }
        }
        all
    }

    fn bulk(text: &str) -> Resp {
        Resp::Bulk(text.into())
    }

    #[test]
    fn values_are_found_however_the_bytes_are_cut() {
        let bytes = "+OK\r\n-ERR no\r\n:-3\r\n$4\r\na\r\nb\r\n$-1\r\n*-1\r\n_\r\n,1e+20\r\n#t\r\n\
                     (123\r\n=5\r\ntxt:x\r\n!3\r\nE f\r\n*2\r\n*0\r\n$0\r\n\r\n~1\r\n:1\r\n\
                     %1\r\n$1\r\nk\r\n*1\r\n:2\r\n>2\r\n+a\r\n+b\r\n|1\r\n+k\r\n+v\r\n:7\r\n";
        let expected = [
            Resp::Status("OK".into()),
            Resp::Error("ERR no".into()),
            Resp::Integer(-3),
            bulk("a\r\nb"),
            Resp::Nil,
            Resp::Nil,
            Resp::Nil,
            Resp::Double("1e+20".into()),
            Resp::Boolean(true),
            Resp::BigNumber("123".into()),
            Resp::Verbatim("x".into()),
            Resp::Error("E f".into()),
            Resp::Array(vec![Resp::Array(Vec::new()), bulk("")]),
            Resp::Set(vec![Resp::Integer(1)]),
            Resp::Map(vec![(bulk("k"), Resp::Array(vec![Resp::Integer(2)]))]),
            Resp::Push(vec![Resp::Status("a".into()), Resp::Status("b".into())]),
            Resp::Integer(7),
        ];
        for size in 1..=bytes.len() {
            assert_eq!(values(bytes.as_bytes(), size), expected, "pieces of {size}");
        }
    }

    #[test]
    fn other_protocols_are_refused() {
        let mut replies = Replies::default();
        replies.feed(b"HTTP/1.1 400\r\n");
        assert_eq!(replies.next_value(), Err(NotResp(b'H')));
        assert_eq!(NotResp(b'H').to_string(), "Protocol error, got \"H\" as reply type byte");
    }

    #[test]
    fn nesting_without_end_is_refused_before_the_stack_is_full() {
        let mut replies = Replies::default();
        replies.feed("*1\r\n".repeat(100_000).as_bytes());
        replies.feed(b":1\r\n");
        assert!(replies.next_value().is_err());
    }

    #[test]
    fn a_value_of_the_redis_crate_keeps_what_it_says() {
        let text = Value::VerbatimString { format: VerbatimFormat::Text, text: "x".to_owned() };
        let map = Value::Map(vec![(Value::Okay, Value::Array(vec![text, Value::Nil]))]);
        let inner = Resp::Array(vec![Resp::Verbatim("x".into()), Resp::Nil]);
        assert_eq!(Resp::from(&map), Resp::Map(vec![(Resp::Status("OK".into()), inner)]));
    }
}
