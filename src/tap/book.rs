//! What goes through the tap, written down: every command beside its reply, in bounded memory.

use std::collections::{BTreeMap, VecDeque};
use std::time::Instant;

use super::frames::{Frame, Frames, NotResp, Side};

/// Kept from the beginning, and as many from the end.
const KEPT: usize = 4000;
/// Of the bytes of either.
const KEPT_BYTES: usize = 8 * 1024 * 1024;
/// Commands without a reply on one connection; with more it is not followed any further.
const PENDING: usize = 100_000;

/// One command and its reply, as they came.
#[derive(Debug)]
pub(super) struct Entry {
    /// Commands in the order in which they came, over all connections.
    pub(super) number: u64,
    pub(super) came: Instant,
    pub(super) connection: u32,
    pub(super) command: Frame,
    pub(super) reply: Option<(Frame, Instant)>,
}

impl Entry {
    fn bytes(&self) -> usize {
        self.command.len() + self.reply.as_ref().map_or(0, |(reply, _)| reply.len())
    }

    fn is_refused(&self) -> bool {
        self.reply.as_ref().is_some_and(|(reply, _)| is_error(reply))
    }
}

/// Everything since the answer began.
#[derive(Debug)]
pub(super) struct Book {
    pub(super) began: Instant,
    next_number: u64,
    next_connection: u32,
    first: Kept,
    /// Behind the first: what may matter though there is much of everything.
    notable: Kept,
    last: Kept,
    pub(super) left_out: u64,
    pub(super) refusals: BTreeMap<String, u64>,
    connections: BTreeMap<u64, Connection>,
    next_id: u64,
}

#[derive(Debug, Default)]
struct Kept {
    entries: VecDeque<Entry>,
    bytes: usize,
}

impl Kept {
    fn has_room(&self) -> bool {
        self.entries.len() < KEPT && self.bytes < KEPT_BYTES
    }

    fn add(&mut self, entry: Entry) {
        self.bytes += entry.bytes();
        self.entries.push_back(entry);
    }

    fn take_oldest(&mut self) -> Option<Entry> {
        let oldest = self.entries.pop_front()?;
        self.bytes -= oldest.bytes();
        Some(oldest)
    }
}

/// A client's connection.
#[derive(Debug)]
struct Connection {
    /// 1 for the first that sent something since the answer began; 0: it sent nothing yet.
    number: u32,
    commands: Frames,
    replies: Frames,
    /// Sent and not answered yet, in order.
    pending: VecDeque<Pending>,
    /// A reply that came before any command: `max number of clients reached`, for instance.
    early: Option<Frame>,
    muted: Muted,
    /// It gets pub/sub messages, which are no replies.
    subscribed: bool,
    /// It gets MONITOR's lines, which are no replies.
    monitors: bool,
    /// It is passed on, but not understood any more.
    lost: bool,
}

#[derive(Debug)]
struct Pending {
    entry: Entry,
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

impl Book {
    pub(super) fn new() -> Self {
        Self {
            began: Instant::now(),
            next_number: 0,
            next_connection: 1,
            first: Kept::default(),
            notable: Kept::default(),
            last: Kept::default(),
            left_out: 0,
            refusals: BTreeMap::new(),
            connections: BTreeMap::new(),
            next_id: 0,
        }
    }

    /// Begins a new page: open connections stay, what they did is forgotten.
    pub(super) fn begin(&mut self) {
        let connections = std::mem::take(&mut self.connections);
        *self = Self { connections, next_id: self.next_id, ..Self::new() };
        for connection in self.connections.values_mut() {
            connection.number = 0;
            connection.pending.iter_mut().for_each(|pending| pending.is_old = true);
        }
    }

    pub(super) fn open(&mut self) -> u64 {
        self.next_id += 1;
        let connection = Connection {
            number: 0,
            commands: Frames::new(Side::Commands),
            replies: Frames::new(Side::Replies),
            pending: VecDeque::new(),
            early: None,
            muted: Muted::No,
            subscribed: false,
            monitors: false,
            lost: false,
        };
        self.connections.insert(self.next_id, connection);
        self.next_id
    }

    /// What is still unanswered will never be.
    pub(super) fn close(&mut self, id: u64) {
        let Some(connection) = self.connections.remove(&id) else { return };
        for pending in connection.pending.into_iter().filter(|pending| !pending.is_old) {
            self.write_down(pending.entry);
        }
    }

    /// Bytes on their way to the server.
    pub(super) fn commands(&mut self, id: u64, bytes: &[u8]) {
        let Some(mut connection) = self.connections.remove(&id) else { return };
        if !connection.lost {
            let mut found = Vec::new();
            let understood = connection.commands.feed(bytes, &mut |frame| found.push(frame));
            let now = Instant::now();
            for frame in found {
                self.command(&mut connection, frame, now);
            }
            connection.lost |= understood.is_err() || connection.pending.len() > PENDING;
        }
        self.connections.insert(id, connection);
    }

    /// Bytes on their way to the client.
    pub(super) fn replies(&mut self, id: u64, bytes: &[u8]) {
        let Some(mut connection) = self.connections.remove(&id) else { return };
        if !connection.lost {
            let mut found = Vec::new();
            let understood: Result<(), NotResp> =
                connection.replies.feed(bytes, &mut |frame| found.push(frame));
            let now = Instant::now();
            for frame in found {
                self.reply(&mut connection, frame, now);
            }
            connection.lost |= understood.is_err();
        }
        self.connections.insert(id, connection);
    }

    fn command(&mut self, connection: &mut Connection, command: Frame, came: Instant) {
        // Redis takes an empty line, and an array of nothing, for nothing.
        if connection.lost || name(&command).is_empty() {
            return;
        }
        if connection.number == 0 {
            connection.number = self.next_connection;
            self.next_connection += 1;
        }
        let (awaits, number) = (connection.awaits(&command), self.next_number);
        self.next_number += 1;
        let entry = Entry { number, came, connection: connection.number, command, reply: None };
        let Some(awaits) = awaits else { return self.write_down(entry) };
        connection.pending.push_back(Pending { entry, is_old: false, awaits });
        if let Some(reply) = connection.early.take() {
            self.reply(connection, reply, came);
        }
    }

    fn reply(&mut self, connection: &mut Connection, reply: Frame, came: Instant) {
        let first_awaits = connection.pending.front().map(|pending| pending.awaits);
        let is_for_first = first_awaits.is_some_and(|awaits| {
            if is_push(&reply) || (connection.subscribed && is_pubsub(&reply)) {
                awaits == Awaits::Confirmation && confirms_subscription(&reply)
            } else {
                !(connection.monitors && is_monitor_line(&reply))
            }
        });
        if !is_for_first {
            if connection.pending.is_empty() && is_error(&reply) {
                connection.early = Some(reply);
            }
            return;
        }
        let Some(mut pending) = connection.pending.pop_front() else { return };
        connection.monitors |= pending.awaits == Awaits::Monitor && !is_error(&reply);
        pending.entry.reply = Some((reply, came));
        if !pending.is_old {
            self.write_down(pending.entry);
        }
    }

    fn write_down(&mut self, entry: Entry) {
        if entry.is_refused() && self.refusals.len() < KEPT {
            let name = String::from_utf8_lossy(name(&entry.command)).to_uppercase();
            *self.refusals.entry(name).or_default() += 1;
        }
        if self.first.has_room() {
            self.first.add(entry);
            return;
        }
        self.last.add(entry);
        while !self.last.has_room() {
            let Some(oldest) = self.last.take_oldest() else { return };
            if self.notable.has_room() && is_notable(&oldest) {
                self.notable.add(oldest);
            } else {
                self.left_out += 1;
            }
        }
    }

    /// Everything written down, and what still waits for its reply, in the order in which it came.
    pub(super) fn entries(&self) -> Vec<&Entry> {
        let kept = [&self.first, &self.notable, &self.last];
        let waiting = self.connections.values().flat_map(|connection| &connection.pending);
        let waiting = waiting.filter(|pending| !pending.is_old).map(|pending| &pending.entry);
        let mut all: Vec<&Entry> =
            kept.into_iter().flat_map(|kept| &kept.entries).chain(waiting).collect();
        all.sort_by_key(|entry| entry.number);
        all
    }
}

impl Connection {
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
                self.lost = true;
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
            ("MONITOR", ..) => Awaits::Monitor,
            _ => Awaits::Reply,
        };
        (muted == Muted::No).then_some(awaits)
    }
}

/// What changes more than a key, or was refused.
fn is_notable(entry: &Entry) -> bool {
    const NAMES: [&str; 14] = [
        "SAVE",
        "BGSAVE",
        "FLUSHALL",
        "FLUSHDB",
        "SHUTDOWN",
        "CONFIG",
        "DEBUG",
        "REPLICAOF",
        "SLAVEOF",
        "CLIENT",
        "ACL",
        "BGREWRITEAOF",
        "EVAL",
        "FCALL",
    ];
    let name = name(&entry.command);
    entry.is_refused() || NAMES.iter().any(|it| name.eq_ignore_ascii_case(it.as_bytes()))
}

/// Commands after which more or less than one reply comes.
fn changes_the_connection(name: &[u8]) -> bool {
    const NAMES: [&str; 10] = [
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
fn name(command: &[u8]) -> &[u8] {
    let mut lines = command.split(|&byte| byte == b'\n');
    let first = lines.next().unwrap_or_default();
    if first.first() == Some(&b'*') {
        return lines.nth(1).unwrap_or_default().trim_ascii_end();
    }
    first.split(u8::is_ascii_whitespace).find(|word| !word.is_empty()).unwrap_or_default()
}

fn is_error(frame: &[u8]) -> bool {
    matches!(frame.first(), Some(b'-' | b'!'))
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

#[cfg(test)]
mod tests;
