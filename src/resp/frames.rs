//! Splits a stream of bytes into commands or replies, in bounded memory.
//!
//! This module only finds the boundaries of frames and shortens long strings, since a value may
//! have 512 MB; the `redis` crate decodes the frames.

use std::borrow::Cow;

use super::Header;
use super::kinds::is_message;

/// The limit for one string in a command; longer ones are cut, as in SLOWLOG.
const ARGUMENT_BYTES: usize = 512;
/// The limit for one string in a reply: enough for INFO's section about persistence.
const REPLY_STRING_BYTES: usize = 4096;
/// The limit for a command's arguments, including its name.
const ARGUMENTS: usize = 32;
/// The limit for a whole reply; a longer one is replaced by a description.
const REPLY_BYTES: usize = 64 * 1024;
/// Redis closes a connection that sends a longer line (`PROTO_INLINE_MAX_SIZE`); its own lines are
/// shorter.
const LINE_BYTES: usize = 64 * 1024;

/// The sender of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Side {
    /// The client: arrays of bulk strings, or inline commands.
    #[default]
    Commands,
    /// The server: values of any type.
    Replies,
}

/// The bytes are not RESP, so the stream can no longer be parsed.
#[derive(Debug, PartialEq, Eq)]
pub struct InvalidFrame;

/// One whole command or reply, shortened, as RESP; or an inline command as it was typed.
///
/// The most common reply, OK, is not copied.
pub type RespFrame = Cow<'static, [u8]>;

/// Finds the frames in bytes that come in pieces.
#[derive(Debug, Clone, Default)]
pub struct Frames {
    side: Side,
    /// The beginning of an incomplete line.
    line: Vec<u8>,
    /// The string that is being received.
    string: Option<LongString>,
    /// Elements of the frame that have not come yet; 0 between frames.
    missing: usize,
    /// The frame so far, shortened. Its memory is reused for the next frame.
    frame: Vec<u8>,
    /// The length of the frame's first line.
    head: usize,
    /// How many elements are in `frame`.
    kept: usize,
    /// How many elements came but are not in `frame`.
    left_out: usize,
}

/// A bulk string, blob error or verbatim string.
#[derive(Debug, Clone)]
struct LongString {
    /// Bytes to come, including the line break after the string.
    left: usize,
    /// Bytes of the string to keep.
    to_keep: usize,
    /// Bytes of the string that are not kept.
    cut: usize,
}

impl Frames {
    pub fn new(side: Side) -> Self {
        Self { side, ..Self::default() }
    }

    /// Takes the next bytes of the stream and calls `found` with every frame that they complete and
    /// the number of these bytes up to its end.
    pub fn feed(
        &mut self,
        mut bytes: &[u8],
        found: &mut dyn FnMut(RespFrame, usize),
    ) -> Result<(), InvalidFrame> {
        let given = bytes.len();
        while !bytes.is_empty() {
            bytes = if self.string.is_some() {
                self.take_string(bytes)
            } else {
                self.take_line(bytes)?
            };
            if self.string.is_none() && self.missing == 0 && self.head > 0 {
                found(self.finish(), given - bytes.len());
            }
        }
        Ok(())
    }

    /// Takes bytes up to the end of a line; returns the rest.
    fn take_line<'b>(&mut self, bytes: &'b [u8]) -> Result<&'b [u8], InvalidFrame> {
        let Some(end) = bytes.iter().position(|&byte| byte == b'\n') else {
            self.line.extend_from_slice(bytes);
            return if self.line.len() > LINE_BYTES { Err(InvalidFrame) } else { Ok(&[]) };
        };
        let (line, rest) = bytes.split_at(end + 1);
        if self.line.is_empty() {
            self.parse(line)?;
        } else {
            self.line.extend_from_slice(line);
            let line = std::mem::take(&mut self.line);
            self.parse(&line)?;
        }
        Ok(rest)
    }

    fn parse(&mut self, line: &[u8]) -> Result<(), InvalidFrame> {
        let is_first = self.missing == 0;
        if self.side == Side::Commands && is_first && line.first() != Some(&b'*') {
            self.keep_line(line, true);
            return Ok(());
        }
        if is_first {
            self.missing = 1;
        }
        self.missing -= 1;
        let elements = match Header::of(line).map_err(|_| InvalidFrame)? {
            Header::Whole => 0,
            Header::String(length) => {
                self.begin_string(line, length, is_first);
                return Ok(());
            }
            Header::Elements(elements) => elements,
            // An attribute precedes an element and does not count as one.
            Header::Attribute(elements) => elements + 1,
        };
        self.missing = self.missing.checked_add(elements).ok_or(InvalidFrame)?;
        self.keep_line(line, is_first);
        Ok(())
    }

    fn begin_string(&mut self, line: &[u8], length: usize, is_first: bool) {
        let limit = match self.side {
            Side::Commands => ARGUMENT_BYTES,
            // It is cut in any case, and there may be hundreds of them.
            Side::Replies if length > REPLY_STRING_BYTES && is_message(&self.frame) => {
                ARGUMENT_BYTES
            }
            Side::Replies => REPLY_STRING_BYTES,
        };
        let is_kept = self.has_room();
        let to_keep = if is_kept { length.min(limit) } else { 0 };
        let cut = if is_kept { length - to_keep } else { 0 };
        if cut == 0 {
            self.keep_line(line, is_first);
        } else {
            let shown = to_keep + shortened(cut).len();
            let header = format!("{}{shown}\r\n", char::from(line[0]));
            self.keep_line(header.as_bytes(), is_first);
        }
        self.string = Some(LongString { left: length + 2, to_keep, cut });
    }

    /// Takes bytes of the string that is being received; returns the rest.
    fn take_string<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        let Some(string) = &mut self.string else { return bytes };
        let length = bytes.len().min(string.left);
        let (part, rest) = bytes.split_at(length);
        let to_keep = length.min(string.to_keep);
        self.frame.extend_from_slice(&part[..to_keep]);
        string.to_keep -= to_keep;
        string.left -= length;
        if string.left == 0 {
            let cut = string.cut;
            // Nothing is kept of a string that is left out, not even the line break after it.
            if self.left_out == 0 {
                self.frame.extend_from_slice(shortened(cut).as_bytes());
                self.frame.extend_from_slice(b"\r\n");
            }
            self.string = None;
        }
        rest
    }

    fn keep_line(&mut self, line: &[u8], is_first: bool) {
        if is_first {
            self.frame.extend_from_slice(line);
            self.head = self.frame.len();
        } else if self.has_room() {
            self.frame.extend_from_slice(line);
            self.kept += 1;
        } else {
            self.left_out += 1;
        }
    }

    /// Once an element was left out, all later ones are left out too.
    fn has_room(&self) -> bool {
        self.left_out == 0
            && match self.side {
                Side::Commands => self.kept < ARGUMENTS,
                Side::Replies => self.frame.len() < REPLY_BYTES,
            }
    }

    fn finish(&mut self) -> RespFrame {
        let (head, body) = self.frame.split_at(self.head);
        let frame = match self.side {
            _ if self.left_out == 0 => match self.frame.as_slice() {
                b"+OK\r\n" => Cow::Borrowed(b"+OK\r\n".as_slice()),
                frame => frame.to_vec().into(),
            },
            Side::Commands => {
                let more = format!("… ({} more arguments)", self.left_out);
                let last = format!("${}\r\n{more}\r\n", more.len());
                let head = format!("*{}\r\n", self.kept + 1);
                Cow::Owned([head.as_bytes(), body, last.as_bytes()].concat())
            }
            Side::Replies => {
                let what = if head.first() == Some(&b'%') { "map" } else { "array" };
                let elements = String::from_utf8_lossy(head.get(1..).unwrap_or_default());
                let text = format!("+({what} of {}, too long to keep)\r\n", elements.trim());
                Cow::Owned(text.into_bytes())
            }
        };
        self.frame.clear();
        (self.head, self.kept, self.left_out) = (0, 0, 0);
        frame
    }
}

/// The note at the end of a string that was cut.
fn shortened(cut: usize) -> String {
    if cut == 0 { String::new() } else { format!("… ({cut} more bytes)") }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The frames in `bytes`, fed in pieces of `size`.
    fn frames(side: Side, bytes: &[u8], size: usize) -> Vec<String> {
        let mut all = Vec::new();
        let mut frames = Frames::new(side);
        for piece in bytes.chunks(size) {
            let text = |frame: RespFrame| String::from_utf8_lossy(&frame).into_owned();
            frames.feed(piece, &mut |frame, _| all.push(text(frame))).unwrap();
        }
        all
    }

    #[test]
    fn frames_are_found_however_the_bytes_are_cut() {
        let replies = "+OK\r\n*2\r\n$3\r\na\r\n\r\n:1\r\n$-1\r\n%1\r\n+a\r\n*1\r\n#t\r\n\
                       |1\r\n+k\r\n+v\r\n:3\r\n*0\r\n-ERR no\r\n";
        let expected = [
            "+OK\r\n",
            "*2\r\n$3\r\na\r\n\r\n:1\r\n",
            "$-1\r\n",
            "%1\r\n+a\r\n*1\r\n#t\r\n",
            "|1\r\n+k\r\n+v\r\n:3\r\n",
            "*0\r\n",
            "-ERR no\r\n",
        ];
        for size in 1..=replies.len() {
            assert_eq!(frames(Side::Replies, replies.as_bytes(), size), expected, "{size}");
        }
    }

    #[test]
    fn each_frame_is_given_with_its_end() {
        let mut ends = Vec::new();
        let mut frames = Frames::new(Side::Replies);
        frames.feed(b"+OK\r\n$1\r\na", &mut |_, end| ends.push(end)).unwrap();
        frames.feed(b"\r\n:1\r\n", &mut |_, end| ends.push(end)).unwrap();
        assert_eq!(ends, [5, 2, 6]);
    }

    #[test]
    fn commands_are_arrays_or_typed_lines() {
        let commands = "*2\r\n$3\r\nGET\r\n$1\r\nk\r\nPING\r\n*1\r\n$4\r\nSAVE\r\n";
        let expected = ["*2\r\n$3\r\nGET\r\n$1\r\nk\r\n", "PING\r\n", "*1\r\n$4\r\nSAVE\r\n"];
        assert_eq!(frames(Side::Commands, commands.as_bytes(), 3), expected);
    }

    #[test]
    fn a_long_argument_is_cut_and_says_so() {
        let value = "x".repeat(1000);
        let command = format!("*2\r\n$4\r\nECHO\r\n$1000\r\n{value}\r\n");
        let found = frames(Side::Commands, command.as_bytes(), 100);
        let kept = format!("{}… (488 more bytes)", "x".repeat(512));
        assert_eq!(found, [format!("*2\r\n$4\r\nECHO\r\n${}\r\n{kept}\r\n", kept.len())]);
    }

    #[test]
    fn of_a_message_that_is_cut_no_more_is_kept_than_of_what_was_published() {
        let message = |length: usize| {
            let payload = "x".repeat(length);
            format!("*3\r\n$7\r\nmessage\r\n$6\r\norders\r\n${length}\r\n{payload}\r\n")
        };
        let whole = message(REPLY_STRING_BYTES);
        assert_eq!(frames(Side::Replies, whole.as_bytes(), 100), [whole]);
        let cut = frames(Side::Replies, message(REPLY_STRING_BYTES + 1).as_bytes(), 100);
        assert!(cut[0].ends_with("xx… (3585 more bytes)\r\n"), "{cut:?}");
    }

    #[test]
    fn many_arguments_are_cut_and_counted() {
        let command = format!("*100\r\n{}", "$1\r\na\r\n".repeat(100));
        let found = frames(Side::Commands, format!("{command}PING\r\n").as_bytes(), 7);
        assert!(found[0].starts_with("*33\r\n$1\r\na\r\n"));
        assert!(found[0].ends_with("… (68 more arguments)\r\n"), "{}", found[0]);
        assert_eq!(found[1], "PING\r\n");
    }

    #[test]
    fn a_reply_too_long_to_keep_is_described() {
        let reply = format!("*100000\r\n{}+OK\r\n", ":1\r\n".repeat(100_000));
        let found = frames(Side::Replies, reply.as_bytes(), 4096);
        assert_eq!(found, ["+(array of 100000, too long to keep)\r\n", "+OK\r\n"]);
    }

    #[test]
    fn a_value_of_half_a_gigabyte_needs_no_memory() {
        let mut frames = Frames::new(Side::Replies);
        let mut found = Vec::new();
        let mut feed =
            |bytes: &[u8]| frames.feed(bytes, &mut |frame, _| found.push(frame)).unwrap();
        feed(b"$536870912\r\n");
        let piece = vec![b'x'; 65536];
        for _ in 0..8192 {
            feed(&piece);
        }
        feed(b"\r\n");
        assert!(frames.frame.capacity() < 10_000);
        assert!(found.len() == 1 && found[0].len() < 5000);
    }

    #[test]
    fn bytes_that_are_not_resp_are_an_error() {
        let mut frames = Frames::new(Side::Replies);
        assert_eq!(frames.feed(b"HTTP/1.1 400\r\n", &mut |_, _| ()), Err(InvalidFrame));
        let mut frames = Frames::new(Side::Commands);
        assert_eq!(frames.feed(b"*1\r\n$x\r\n", &mut |_, _| ()), Err(InvalidFrame));
    }
}
