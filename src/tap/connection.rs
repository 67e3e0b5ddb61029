//! One client's connection: which reply belongs to which command.
//!
//! Redis answers in order, so a reply belongs to the oldest command without one. The exceptions are here:
//! messages that nobody asked for, commands that are never answered, and errors that come unasked.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use super::book::{Entry, Waiting};
use super::frames::{Frame, Frames, Side};

/// A client's connection, and what it waits for.
#[derive(Debug)]
pub(super) struct Connection {
    /// 1 for the first that sent something since the answer began; 0: it sent nothing yet.
    number: u32,
    /// `None`: what the client sends is passed on, but not understood any more.
    commands: Option<Frames>,
    /// The same of the server's replies.
    replies: Option<Frames>,
    /// Sent and not answered yet, in order.
    pending: VecDeque<Pending>,
    /// Of the commands in `pending`.
    pending_bytes: usize,
    /// What the relay has to say for the client, where the server wants a password: AUTH with it.
    auth: Option<Arc<[u8]>>,
    /// How many replies to that are still to come.
    own_replies: usize,
    /// The beginning of what may be such a reply.
    held_back: Vec<u8>,
    /// A reply that came before any command: `max number of clients reached`, for instance.
    early: Option<Frame>,
    muted: Muted,
    /// It gets pub/sub messages, which are no replies.
    subscribed: bool,
    /// It gets MONITOR's lines, which are no replies.
    monitors: bool,
}

#[derive(Debug)]
struct Pending {
    /// `None`: the relay's own AUTH.
    entry: Option<Entry>,
    /// From before the answer began: matched, but not written down.
    is_old: bool,
    awaits: Awaits,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Awaits {
    Reply,
    /// The first of (UN)SUBSCRIBE's confirmations; the others are like messages.
    Confirmation,
    /// OK, and then a line for every command of every client.
    Monitor,
}

/// CLIENT REPLY.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Muted {
    No,
    /// OFF.
    Yes,
    /// SKIP: the next command has no reply.
    Next,
}

/// What a reply is.
#[derive(Debug)]
enum Answered {
    /// The end of a command that is to be written down.
    Command(Box<Entry>),
    /// To the relay's own AUTH; the client does not see it.
    Own,
    /// Of no interest.
    Other,
}

impl Connection {
    /// `auth`: what the relay says first, and again when the client has undone it.
    pub(super) fn new(auth: Option<Arc<[u8]>>) -> Self {
        let mut connection = Self {
            auth,
            number: 0,
            commands: Some(Frames::new(Side::Commands)),
            replies: Some(Frames::new(Side::Replies)),
            pending: VecDeque::new(),
            pending_bytes: 0,
            early: None,
            muted: Muted::No,
            subscribed: false,
            monitors: false,
            own_replies: 0,
            held_back: Vec::new(),
        };
        connection.expect_own_reply();
        connection
    }

    fn expect_own_reply(&mut self) {
        if self.auth.is_some() {
            self.own_replies += 1;
            let pending = Pending { entry: None, is_old: false, awaits: Awaits::Reply };
            self.pending.push_back(pending);
        }
    }

    /// An answer begins: what is still awaited is none of it.
    pub(super) fn begin(&mut self) {
        self.number = 0;
        self.pending.iter_mut().for_each(|pending| pending.is_old = true);
    }

    pub(super) fn is_lost(&self) -> bool {
        self.commands.is_none() || self.replies.is_none()
    }

    /// It is passed on, but not followed any further.
    pub(super) fn give_up(&mut self) {
        self.commands = None;
    }

    /// What waits for its replies.
    pub(super) fn waiting(&self) -> Waiting {
        Waiting { commands: self.pending.len(), bytes: self.pending_bytes }
    }

    /// Its number in the transcript; `next` if it has none yet.
    pub(super) fn number_or(&mut self, next: u32) -> u32 {
        if self.number == 0 {
            self.number = next;
        }
        self.number
    }

    /// Takes bytes on their way to the server. Gives those that really go there, and hands every command that they
    /// complete to `ask`, which gives it back where no reply will come.
    pub(super) fn commands<'b>(
        &mut self,
        bytes: &'b [u8],
        ask: &mut dyn FnMut(&mut Self, Frame),
    ) -> Cow<'b, [u8]> {
        let commands = frames_in(&mut self.commands, bytes);
        let (mut passed, mut from) = (Vec::new(), 0);
        for (command, end) in commands {
            let undoes_auth = name(&command).eq_ignore_ascii_case(b"RESET");
            ask(self, command);
            if let (true, Some(auth)) = (undoes_auth, self.auth.clone()) {
                self.expect_own_reply();
                passed.extend_from_slice(&bytes[from..end]);
                passed.extend_from_slice(&auth);
                from = end;
            }
        }
        if from == 0 {
            return Cow::Borrowed(bytes);
        }
        passed.extend_from_slice(&bytes[from..]);
        Cow::Owned(passed)
    }

    /// A command is sent; given back at once where no reply will come, or has come already.
    pub(super) fn ask(&mut self, entry: Entry) -> Option<Entry> {
        let Some(awaits) = self.awaits(&entry.command) else {
            return Some(Entry { is_muted: true, ..entry });
        };
        let came = entry.came;
        self.pending_bytes += entry.command.len();
        self.pending.push_back(Pending { entry: Some(entry), is_old: false, awaits });
        let early = self.early.take()?;
        match self.answer(early, came) {
            Answered::Command(entry) => Some(*entry),
            Answered::Own | Answered::Other => None,
        }
    }

    /// Takes bytes on their way to the client. Gives those that really go there, and hands every command whose reply
    /// they complete to `write_down`.
    pub(super) fn replies<'b>(
        &mut self,
        bytes: &'b [u8],
        came: Instant,
        write_down: &mut dyn FnMut(Entry),
    ) -> Cow<'b, [u8]> {
        let replies = frames_in(&mut self.replies, bytes);
        let has_own = self.own_replies > 0;
        let (mut passed, mut from) = (Vec::new(), 0);
        for (reply, end) in replies {
            match self.answer(reply, came) {
                Answered::Own => self.held_back.clear(),
                answered => {
                    if has_own {
                        passed.append(&mut self.held_back);
                        passed.extend_from_slice(&bytes[from..end]);
                    }
                    if let Answered::Command(entry) = answered {
                        write_down(*entry);
                    }
                }
            }
            from = end;
        }
        if !has_own {
            return Cow::Borrowed(bytes);
        }
        let rest = &bytes[from..];
        let may_be_own = self.pending.front().is_some_and(|first| first.entry.is_none());
        if may_be_own && self.replies.is_some() {
            self.held_back.extend_from_slice(rest);
        } else {
            passed.append(&mut self.held_back);
            passed.extend_from_slice(rest);
        }
        Cow::Owned(passed)
    }

    /// A reply comes.
    fn answer(&mut self, reply: Frame, came: Instant) -> Answered {
        let Some(first) = self.pending.front() else {
            self.note_unasked(reply);
            return Answered::Other;
        };
        let is_for_first = if is_push(&reply) || (self.subscribed && is_pubsub(&reply)) {
            first.awaits == Awaits::Confirmation && confirms_subscription(&reply)
        } else {
            !(self.monitors && is_monitor_line(&reply))
        };
        if !is_for_first {
            return Answered::Other;
        }
        if first.entry.is_none() && !answers_auth(&reply) {
            self.note_unasked(reply);
            return Answered::Other;
        }
        let Some(pending) = self.pending.pop_front() else { return Answered::Other };
        let Some(mut entry) = pending.entry else {
            self.own_replies -= 1;
            return Answered::Own;
        };
        self.pending_bytes -= entry.command.len();
        self.monitors |= pending.awaits == Awaits::Monitor && !is_error(&reply);
        entry.reply = Some((reply, came));
        if pending.is_old { Answered::Other } else { Answered::Command(Box::new(entry)) }
    }

    fn note_unasked(&mut self, reply: Frame) {
        if is_error(&reply) {
            self.early = Some(reply);
        }
    }

    /// Commands of this answer that wait for their reply.
    pub(super) fn unanswered(&self) -> impl Iterator<Item = &Entry> {
        self.pending
            .iter()
            .filter(|pending| !pending.is_old)
            .filter_map(|pending| pending.entry.as_ref())
    }

    /// The same, as the connection ends.
    pub(super) fn into_unanswered(self) -> impl Iterator<Item = Entry> {
        self.pending
            .into_iter()
            .filter(|pending| !pending.is_old)
            .filter_map(|pending| pending.entry)
    }

    /// What comes back for a command; `None`: nothing.
    fn awaits(&mut self, command: &[u8]) -> Option<Awaits> {
        let muted = self.muted;
        if muted == Muted::Next {
            self.muted = Muted::No;
        }
        if !changes_the_connection(name(command)) {
            return (muted == Muted::No).then_some(Awaits::Reply);
        }
        let [name, second, third] = first_words(command).map(str::to_ascii_uppercase);
        let awaits = match (name.as_str(), second.as_str(), third.as_str()) {
            ("CLIENT", "REPLY", "ON") => {
                self.muted = Muted::No;
                return Some(Awaits::Reply);
            }
            ("CLIENT", "REPLY", "OFF") => {
                self.muted = Muted::Yes;
                return None;
            }
            ("CLIENT", "REPLY", "SKIP") if muted != Muted::Yes => {
                self.muted = Muted::Next;
                return None;
            }
            // From here on the server sends its data, not replies.
            ("SYNC" | "PSYNC", ..) => {
                (self.commands, self.replies) = (None, None);
                return None;
            }
            (
                "SUBSCRIBE" | "PSUBSCRIBE" | "SSUBSCRIBE" | "UNSUBSCRIBE" | "PUNSUBSCRIBE"
                | "SUNSUBSCRIBE",
                ..,
            ) => {
                self.subscribed = true;
                Awaits::Confirmation
            }
            // The connection is as new.
            ("RESET", ..) => {
                (self.muted, self.subscribed, self.monitors) = (Muted::No, false, false);
                return Some(Awaits::Reply);
            }
            ("MONITOR", ..) => Awaits::Monitor,
            _ => Awaits::Reply,
        };
        (muted == Muted::No).then_some(awaits)
    }
}

/// The frames that these bytes complete, each with the number of bytes up to its end. What is not understood is given up.
fn frames_in(stream: &mut Option<Frames>, bytes: &[u8]) -> Vec<(Frame, usize)> {
    let mut found = Vec::new();
    if let Some(frames) = stream
        && frames.feed(bytes, &mut |frame, end| found.push((frame, end))).is_err()
    {
        *stream = None;
    }
    found
}

/// Commands after which more or less than one reply comes.
fn changes_the_connection(name: &[u8]) -> bool {
    const NAMES: [&str; 11] = [
        "RESET",
        "CLIENT",
        "MONITOR",
        "SYNC",
        "PSYNC",
        "SUBSCRIBE",
        "PSUBSCRIBE",
        "SSUBSCRIBE",
        "UNSUBSCRIBE",
        "PUNSUBSCRIBE",
        "SUNSUBSCRIBE",
    ];
    NAMES.iter().any(|it| name.eq_ignore_ascii_case(it.as_bytes()))
}

/// A command's name, as it came; empty where there is none.
pub(super) fn name(command: &[u8]) -> &[u8] {
    let line_end = |from: usize| {
        let rest = command.get(from..).unwrap_or_default();
        rest.iter().position(|&byte| byte == b'\n').map_or(command.len(), |at| from + at + 1)
    };
    if command.first() == Some(&b'*') {
        let from = line_end(line_end(0));
        return command.get(from..line_end(from)).unwrap_or_default().trim_ascii_end();
    }
    let line = &command[..line_end(0)];
    line.split(u8::is_ascii_whitespace).find(|word| !word.is_empty()).unwrap_or_default()
}

pub(super) fn is_error(frame: &[u8]) -> bool {
    matches!(frame.first(), Some(b'-' | b'!'))
}

/// Whatever else the server says first is about the connection: `max number of clients reached`. Where the answer has
/// changed the password, its new connections are refused as they would be without ours.
fn answers_auth(reply: &[u8]) -> bool {
    [&b"+OK"[..], b"-WRONGPASS", b"-ERR AUTH"].iter().any(|start| reply.starts_with(start))
}

/// RESP3's out-of-band messages.
fn is_push(frame: &[u8]) -> bool {
    frame.first() == Some(&b'>')
}

/// RESP2's pub/sub messages are arrays like any other.
fn is_pubsub(frame: &[u8]) -> bool {
    let [kind, ..] = first_words(frame);
    confirms_subscription(frame) || ["message", "pmessage", "smessage"].contains(&kind)
}

fn confirms_subscription(frame: &[u8]) -> bool {
    let [kind, ..] = first_words(frame);
    let kind = kind
        .strip_prefix(['p', 's'])
        .filter(|it| it.ends_with("ubscribe") && it.len() > 8)
        .unwrap_or(kind);
    kind == "subscribe" || kind == "unsubscribe"
}

/// `+1795342630.123456 [0 127.0.0.1:53218] "SET" "a" "1"`.
fn is_monitor_line(frame: &[u8]) -> bool {
    frame.first() == Some(&b'+') && frame.get(1).is_some_and(u8::is_ascii_digit)
}

/// The first three strings of an array of bulk strings, or the first words of an inline command; empty where
/// there are none.
fn first_words(frame: &[u8]) -> [&str; 3] {
    let mut words = [""; 3];
    if !matches!(frame.first(), Some(b'*' | b'>')) {
        let text = std::str::from_utf8(frame).unwrap_or_default();
        for (word, found) in words.iter_mut().zip(text.split_ascii_whitespace()) {
            *word = found.trim_matches(['"', '\'']);
        }
        return words;
    }
    let mut rest = frame;
    let mut next_line = || {
        let end = rest.iter().position(|&byte| byte == b'\n')?;
        let (line, behind) = rest.split_at(end + 1);
        rest = behind;
        Some(line)
    };
    next_line();
    for word in &mut words {
        // A string with a line's end in it is none of the words that are looked for.
        let (Some(b'$'), Some(text)) = (next_line().and_then(<[u8]>::first), next_line()) else {
            break;
        };
        *word = std::str::from_utf8(text).unwrap_or_default().trim_end_matches(['\r', '\n']);
    }
    words
}
