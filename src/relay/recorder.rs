//! Records what goes through the relay, in bounded memory: every command with its reply, and every
//! message to a subscriber.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, LazyLock};
use std::time::Instant;

use super::connection::{Answered, Connection, ConnectionState};
use super::event::Mark;
use super::timeline::{Timeline, upper_case};
use crate::redis_cli::commands;
use crate::resp::frames::RespFrame;
use crate::resp::kinds::{is_error, name};

/// How many commands are kept from the beginning, and as many from the end.
const RETAINED: usize = 4000;
/// How many bytes are kept of each.
const RETAINED_BYTES: usize = 8 * 1024 * 1024;
/// Commands without a reply, over all connections. A connection that exceeds the limit is no longer
/// followed.
const WAITING: usize = 1_000_000;
/// The size of those commands.
const WAITING_BYTES: usize = 64 * 1024 * 1024;

/// One command and its reply, as they came.
#[derive(Debug, Clone)]
pub(super) struct RecordedCommand {
    /// Counts commands in the order in which they came, over all connections.
    pub(super) number: u64,
    pub(super) came: Instant,
    pub(super) connection: u32,
    pub(super) command: RespFrame,
    pub(super) reply: Option<(RespFrame, Instant)>,
    /// It gets no reply (CLIENT REPLY).
    pub(super) is_muted: bool,
}

impl RecordedCommand {
    fn bytes(&self) -> usize {
        self.command.len() + self.reply.as_ref().map_or(0, |(reply, _)| reply.len())
    }

    fn is_refused(&self) -> bool {
        self.reply.as_ref().is_some_and(|(reply, _)| is_error(reply))
    }
}

/// A message to a subscriber, as it came.
#[derive(Debug)]
pub(super) struct RecordedMessage {
    pub(super) came: Instant,
    pub(super) connection: u32,
    pub(super) frame: RespFrame,
}

/// The recording of the current answer, and all open connections.
#[derive(Debug)]
pub(super) struct Recorder {
    pub(super) began: Instant,
    pub(super) recording: Recording,
    connections: BTreeMap<u64, Connection>,
    next_id: u64,
    /// Counts packets and ends of connections.
    changes: u64,
    /// Over all connections.
    waiting: Waiting,
    /// Copies of the commands that were replied to since they were last taken; `None` while nobody
    /// wants them.
    handed_out: Option<Vec<RecordedCommand>>,
}

/// Commands without a reply.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Waiting {
    pub(super) commands: usize,
    pub(super) bytes: usize,
}

impl Waiting {
    /// Replaces one connection's share.
    fn change(&mut self, before: Self, after: Self) {
        self.commands = self.commands + after.commands - before.commands;
        self.bytes = self.bytes + after.bytes - before.bytes;
    }

    fn is_too_much(self) -> bool {
        self.commands > WAITING || self.bytes > WAITING_BYTES
    }
}

/// Everything since the answer began.
#[derive(Debug, Default)]
pub(super) struct Recording {
    /// The number of the first command after the answer's end.
    end: Option<u64>,
    next_number: u64,
    /// How many connections have sent or received something.
    connections: u32,
    first: Retained,
    /// Commands between `first` and `last` that may matter.
    notable: Retained,
    last: Retained,
    /// The name, as the client wrote it, of the last command that was left out.
    last_left_out: Vec<u8>,
    pub(super) refusals: BTreeMap<String, u64>,
    /// The first ones.
    pub(super) messages: Vec<RecordedMessage>,
    message_bytes: usize,
    /// What needs no decoding.
    pub(super) known: Timeline,
}

#[derive(Debug, Default)]
struct Retained {
    entries: VecDeque<RecordedCommand>,
    bytes: usize,
}

impl Retained {
    fn has_room(&self) -> bool {
        self.entries.len() < RETAINED && self.bytes < RETAINED_BYTES
    }

    fn add(&mut self, entry: RecordedCommand) {
        self.bytes += entry.bytes();
        self.entries.push_back(entry);
    }

    fn take_oldest(&mut self) -> Option<RecordedCommand> {
        let oldest = self.entries.pop_front()?;
        self.bytes -= oldest.bytes();
        Some(oldest)
    }
}

impl Default for Recorder {
    fn default() -> Self {
        Self {
            began: Instant::now(),
            recording: Recording::default(),
            connections: BTreeMap::new(),
            next_id: 0,
            changes: 0,
            waiting: Waiting::default(),
            handed_out: None,
        }
    }
}

impl Recorder {
    /// Begins a new recording. Open connections stay, but their earlier commands are dropped.
    pub(super) fn begin(&mut self) {
        self.began = Instant::now();
        self.recording = Recording::default();
        self.handed_out = None;
        self.connections.values_mut().for_each(Connection::begin);
    }

    /// Marks this moment.
    pub(super) fn mark(&mut self, word: &'static str) {
        let at = self.began.elapsed();
        self.recording.known.marks.push(Mark { word, at, seen: at });
    }

    /// Ends the recording: later commands do not belong to it. `has_all`: no message to a subscriber
    /// that has ended may still come.
    pub(super) fn end(&mut self, has_all: bool) {
        self.recording.end = Some(self.recording.next_number);
        self.recording.known.messages_left_out += u64::from(!has_all);
    }

    /// Adds a connection. `auth`: the AUTH command that the relay sends first, if the server
    /// requires a password.
    pub(super) fn open(&mut self, auth: Option<Arc<[u8]>>) -> u64 {
        self.next_id += 1;
        let connection = Connection::new(auth);
        self.waiting.change(Waiting::default(), connection.waiting());
        self.connections.insert(self.next_id, connection);
        self.next_id
    }

    pub(super) fn traffic(&self) -> u64 {
        self.changes
    }

    /// Removes a connection; its pending commands are recorded without a reply.
    pub(super) fn close(&mut self, id: u64) {
        self.changes += 1;
        let Some(connection) = self.connections.remove(&id) else { return };
        self.waiting.change(connection.waiting(), Waiting::default());
        connection.into_unanswered().for_each(|entry| self.recording.record(entry));
    }

    /// The client has ended its stream; the server may not know that yet.
    pub(super) fn client_has_ended(&mut self, id: u64) {
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.client_has_ended = true;
        }
    }

    pub(super) fn has_subscribers(&self) -> bool {
        self.connections.values().any(|one| one.subscribed)
    }

    /// Whether the server may still send something to a subscriber that has ended.
    pub(super) fn has_ended_subscribers(&self) -> bool {
        self.connections.values().any(|one| one.subscribed && one.client_has_ended)
    }

    /// The server has closed the connection. Recorded if the client had not.
    pub(super) fn server_closed(&mut self, id: u64) {
        let cut_off = self.connections.get(&id).filter(|one| !one.client_has_ended);
        if let Some(number) = cut_off.and_then(Connection::number) {
            let at = Instant::now().saturating_duration_since(self.began);
            self.recording.known.cut_off.insert(number, at);
        }
    }

    /// Takes bytes from a client and returns the bytes to send to the server.
    pub(super) fn commands<'b>(&mut self, id: u64, bytes: &'b [u8]) -> Cow<'b, [u8]> {
        self.changes += 1;
        let Some(connection) = self.connections.get_mut(&id) else { return Cow::Borrowed(bytes) };
        let (recording, now, before) = (&mut self.recording, Instant::now(), connection.waiting());
        let passed = connection.commands(bytes, &mut |connection, command| {
            // Redis ignores an empty line and an empty array.
            if name(&command).is_empty() {
                return;
            }
            let entry = recording.entry(connection, command, now);
            if let Some(complete) = connection.ask(entry) {
                recording.record(complete);
            }
        });
        self.waiting.change(before, connection.waiting());
        if self.waiting.is_too_much() {
            connection.give_up();
        }
        self.recording.known.is_incomplete |= connection.is_lost();
        passed
    }

    /// Takes bytes from the server and returns the bytes to send to the client.
    pub(super) fn replies<'b>(&mut self, id: u64, bytes: &'b [u8]) -> Cow<'b, [u8]> {
        self.changes += 1;
        let Some(connection) = self.connections.get_mut(&id) else { return Cow::Borrowed(bytes) };
        let (recording, now, before) = (&mut self.recording, Instant::now(), connection.waiting());
        let handed_out = &mut self.handed_out;
        let passed = connection.replies(bytes, now, &mut |connection, answered| match answered {
            Answered::Command(complete) => {
                if let Some(handed_out) = handed_out {
                    handed_out.push(complete.as_ref().clone());
                }
                recording.record(*complete);
            }
            Answered::Message(frame) => recording.record_message(connection, frame, now),
            Answered::Own | Answered::Other => {}
        });
        self.waiting.change(before, connection.waiting());
        self.recording.known.is_incomplete |= connection.is_lost();
        Cow::Owned(passed)
    }

    /// What is left to send to the client when the server has closed the connection.
    pub(super) fn rest_of_replies(&mut self, id: u64) -> Vec<u8> {
        self.connections.get_mut(&id).map(Connection::take_held_back).unwrap_or_default()
    }

    /// From now on, [`Self::take_handed_out`] gives copies of the commands that were replied to.
    pub(super) fn hand_out(&mut self) {
        self.handed_out = Some(Vec::new());
    }

    pub(super) fn take_handed_out(&mut self) -> Vec<RecordedCommand> {
        self.handed_out.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// The number of bytes up to the end of each command that these next bytes of a client
    /// complete.
    pub(super) fn command_ends(&self, id: u64, bytes: &[u8]) -> Vec<usize> {
        self.connections.get(&id).map(|one| one.command_ends(bytes)).unwrap_or_default()
    }

    /// What this connection waits for.
    pub(super) fn state(&self, id: u64) -> ConnectionState {
        self.connections.get(&id).map_or(ConnectionState::Idle, Connection::state)
    }

    /// Whether a command of this name should have a reply but has none.
    pub(super) fn has_unanswered(&self, command: &str) -> bool {
        self.all().any(|entry| {
            entry.reply.is_none()
                && !entry.is_muted
                && name(&entry.command).eq_ignore_ascii_case(command.as_bytes())
        })
    }

    /// All recorded and all pending commands, in the order in which they came.
    pub(super) fn entries(&self) -> Vec<&RecordedCommand> {
        let mut all: Vec<&RecordedCommand> = self.all().collect();
        all.sort_by_key(|entry| entry.number);
        all
    }

    /// The same, in any order.
    fn all(&self) -> impl Iterator<Item = &RecordedCommand> {
        let parts = [&self.recording.first, &self.recording.notable, &self.recording.last];
        let waiting = self.connections.values().flat_map(Connection::unanswered);
        let end = self.recording.end.unwrap_or(u64::MAX);
        let all = parts.into_iter().flat_map(|part| &part.entries).chain(waiting);
        all.filter(move |entry| entry.number < end)
    }
}

impl Recording {
    fn entry(
        &mut self,
        connection: &mut Connection,
        command: RespFrame,
        came: Instant,
    ) -> RecordedCommand {
        let number = self.next_number;
        self.next_number += 1;
        let connection = self.number_of(connection);
        RecordedCommand { number, came, connection, command, reply: None, is_muted: false }
    }

    fn number_of(&mut self, connection: &mut Connection) -> u32 {
        let number = connection.number_or(self.connections + 1);
        self.connections = self.connections.max(number);
        number
    }

    fn record_message(&mut self, connection: &mut Connection, frame: RespFrame, came: Instant) {
        if self.end.is_some() {
            return;
        }
        if self.messages.len() == RETAINED || self.message_bytes > RETAINED_BYTES {
            self.known.messages_left_out += 1;
            return;
        }
        self.message_bytes += frame.len();
        let connection = self.number_of(connection);
        self.messages.push(RecordedMessage { came, connection, frame });
    }

    fn record(&mut self, entry: RecordedCommand) {
        if entry.is_refused() && self.refusals.len() < RETAINED {
            *self.refusals.entry(upper_case(name(&entry.command))).or_default() += 1;
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
                self.leave_out(&oldest);
            }
        }
    }

    fn leave_out(&mut self, entry: &RecordedCommand) {
        self.known.left_out += 1;
        let name = name(&entry.command);
        // When many commands are left out, most have the same name as the one before.
        if self.last_left_out == name {
            return;
        }
        name.clone_into(&mut self.last_left_out);
        let name = upper_case(name);
        if self.known.left_out_names.len() < RETAINED {
            self.known.left_out_names.insert(name);
        } else {
            self.known.is_incomplete = true;
        }
    }
}

/// Whether a command does more than read or write keys that it names, or was refused.
fn is_notable(entry: &RecordedCommand) -> bool {
    static NAMES: LazyLock<BTreeSet<Vec<u8>>> = LazyLock::new(commands::doing_more_than_keys);
    entry.is_refused() || NAMES.contains(&name(&entry.command).to_ascii_lowercase())
}

#[cfg(test)]
mod tests;
