//! One client's connection: matches replies to commands.
//!
//! Redis replies in order, so a reply belongs to the oldest command without one. This module
//! handles the exceptions: messages that are not replies, commands that get no reply, and errors
//! that come before any command.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use super::recorder::{RecordedCommand, Waiting};
use crate::redis_cli::commands;
use crate::resp::frames::{Frames, RespFrame, Side};
use crate::resp::kinds::{
    answers_auth, changes_the_connection, confirms_subscription, first_words, is_error, is_message,
    is_monitor_line, is_pubsub, is_push, name, subscribes,
};

/// A longer reply is passed on in parts.
const HELD_BACK_BYTES: usize = 1024 * 1024;

/// A client's connection and its pending commands.
#[derive(Debug)]
pub(super) struct Connection {
    /// 1 for the first connection that sent something since the answer began; 0: it has sent
    /// nothing yet.
    number: u32,
    /// `None`: the client's bytes are passed on, but no longer parsed.
    commands: Option<Frames>,
    /// The same for the server's replies.
    replies: Option<Frames>,
    /// Commands without a reply, in order.
    pending: VecDeque<Pending>,
    /// The size of the commands in `pending`.
    pending_bytes: usize,
    /// The AUTH command that the relay sends for the client, if the server requires a password.
    auth: Option<Arc<[u8]>>,
    /// How many replies to the relay's own AUTH are still to come.
    own_replies: usize,
    /// The beginning of a reply. A client whose read times out in the middle of one connects anew,
    /// and a busy machine can make a pause of 0.1 s between two halves.
    held_back: Vec<u8>,
    /// An error that came before any command, such as `max number of clients reached`.
    early: Option<RespFrame>,
    muted: Muted,
    /// Whether it receives pub/sub messages, which are not replies.
    pub(super) subscribed: bool,
    /// Whether it receives MONITOR's lines, which are not replies.
    monitors: bool,
    pub(super) client_has_ended: bool,
}

#[derive(Debug)]
struct Pending {
    /// `None`: the relay's own AUTH.
    entry: Option<RecordedCommand>,
    /// From before the answer began: matched with its reply, but not recorded.
    is_old: bool,
    awaits: Awaits,
}

impl Pending {
    /// Whether another client may have to act before the reply comes.
    fn may_block(&self) -> bool {
        let Some(entry) = &self.entry else { return false };
        self.awaits != Awaits::Reply
            || std::str::from_utf8(name(&entry.command))
                .is_ok_and(|name| commands::any_has(&name.to_lowercase(), "blocking"))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Awaits {
    Reply,
    /// The first of (UN)SUBSCRIBE's confirmations; the others look like messages.
    Confirmation,
    /// OK, and then a line for every command of every client.
    Monitor,
}

/// The state of CLIENT REPLY.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Muted {
    No,
    /// OFF.
    Yes,
    /// SKIP: the next command has no reply.
    Next,
}

/// What a connection waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ConnectionState {
    /// For nothing: each command has its reply.
    Idle,
    /// For the reply to a command that the server answers at once.
    Busy,
    /// For a reply that may take as long as another client does.
    MayBlock,
    /// Its commands cannot be followed.
    Unknown,
}

/// What a reply belongs to.
#[derive(Debug)]
pub(super) enum Answered {
    /// A command, which is now complete and can be recorded.
    Command(Box<RecordedCommand>),
    /// The relay's own AUTH; the client does not see this reply.
    Own,
    /// Nothing: a subscriber's message.
    Message(RespFrame),
    /// Nothing that is recorded.
    Other,
}

impl Connection {
    /// `auth`: the AUTH command that the relay sends first, and again after RESET.
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
            client_has_ended: false,
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

    /// An answer begins: pending commands do not belong to it.
    pub(super) fn begin(&mut self) {
        self.number = 0;
        self.pending.iter_mut().for_each(|pending| pending.is_old = true);
    }

    pub(super) fn is_lost(&self) -> bool {
        self.commands.is_none() || self.replies.is_none()
    }

    pub(super) fn state(&self) -> ConnectionState {
        if self.is_lost() || self.muted != Muted::No {
            ConnectionState::Unknown
        } else if self.pending.is_empty() {
            ConnectionState::Idle
        } else if self.pending.iter().any(Pending::may_block) {
            ConnectionState::MayBlock
        } else {
            ConnectionState::Busy
        }
    }

    /// The number of bytes up to the end of each command that these next bytes complete.
    pub(super) fn command_ends(&self, bytes: &[u8]) -> Vec<usize> {
        let mut frames = self.commands.clone();
        frames_in(&mut frames, bytes).into_iter().map(|(_, end)| end).collect()
    }

    /// Stops parsing the client's bytes; they are still passed on.
    pub(super) fn give_up(&mut self) {
        self.commands = None;
    }

    /// The number and size of commands without a reply.
    pub(super) fn waiting(&self) -> Waiting {
        Waiting { commands: self.pending.len(), bytes: self.pending_bytes }
    }

    /// Its number in the timeline.
    pub(super) fn number(&self) -> Option<u32> {
        (self.number > 0).then_some(self.number)
    }

    /// Its number in the timeline; `next` if it has none yet.
    pub(super) fn number_or(&mut self, next: u32) -> u32 {
        if self.number == 0 {
            self.number = next;
        }
        self.number
    }

    /// Takes bytes from the client and returns the bytes to send to the server. Calls `ask` with
    /// every command that the bytes complete.
    pub(super) fn commands<'b>(
        &mut self,
        bytes: &'b [u8],
        ask: &mut dyn FnMut(&mut Self, RespFrame),
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

    /// Adds a sent command. Returns it at once if it gets no reply, or already has one.
    pub(super) fn ask(&mut self, entry: RecordedCommand) -> Option<RecordedCommand> {
        let Some(awaits) = self.awaits(&entry.command) else {
            return Some(RecordedCommand { is_muted: true, ..entry });
        };
        let came = entry.came;
        self.pending_bytes += entry.command.len();
        self.pending.push_back(Pending { entry: Some(entry), is_old: false, awaits });
        let early = self.early.take()?;
        match self.answer(early, came) {
            Answered::Command(entry) => Some(*entry),
            Answered::Own | Answered::Message(_) | Answered::Other => None,
        }
    }

    /// Takes bytes from the server and returns the bytes to send to the client. Calls `record` with
    /// every reply and message that the bytes complete.
    pub(super) fn replies(
        &mut self,
        bytes: &[u8],
        came: Instant,
        record: &mut dyn FnMut(&mut Self, Answered),
    ) -> Vec<u8> {
        let (mut passed, mut from) = (Vec::new(), 0);
        for (reply, end) in frames_in(&mut self.replies, bytes) {
            self.held_back.extend_from_slice(&bytes[from..end]);
            from = end;
            match self.answer(reply, came) {
                Answered::Own => self.held_back.clear(),
                answered => {
                    passed.append(&mut self.held_back);
                    record(self, answered);
                }
            }
        }
        self.held_back.extend_from_slice(&bytes[from..]);
        let is_long = self.held_back.len() > HELD_BACK_BYTES && !self.may_be_own();
        if is_long || self.replies.is_none() {
            passed.append(&mut self.held_back);
        }
        passed
    }

    /// Whether the next reply may be the one to the relay's own AUTH.
    fn may_be_own(&self) -> bool {
        self.pending.front().is_some_and(|first| first.entry.is_none())
    }

    /// The beginning of a reply that the server will not complete.
    pub(super) fn take_held_back(&mut self) -> Vec<u8> {
        if self.may_be_own() { Vec::new() } else { std::mem::take(&mut self.held_back) }
    }

    /// Matches a reply with the oldest pending command.
    fn answer(&mut self, reply: RespFrame, came: Instant) -> Answered {
        let is_beside = is_push(&reply) || (self.subscribed && is_pubsub(&reply));
        if is_beside && is_message(&reply) {
            return Answered::Message(reply);
        }
        let Some(first) = self.pending.front() else {
            self.keep_early_error(reply);
            return Answered::Other;
        };
        let is_for_first = if is_beside {
            first.awaits == Awaits::Confirmation && confirms_subscription(&reply)
        } else {
            !(self.monitors && is_monitor_line(&reply))
        };
        if !is_for_first {
            return Answered::Other;
        }
        if first.entry.is_none() && !answers_auth(&reply) {
            self.keep_early_error(reply);
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

    fn keep_early_error(&mut self, reply: RespFrame) {
        if is_error(&reply) {
            self.early = Some(reply);
        }
    }

    /// Commands of this answer that have no reply yet.
    pub(super) fn unanswered(&self) -> impl Iterator<Item = &RecordedCommand> {
        self.pending
            .iter()
            .filter(|pending| !pending.is_old)
            .filter_map(|pending| pending.entry.as_ref())
    }

    pub(super) fn into_unanswered(self) -> impl Iterator<Item = RecordedCommand> {
        self.pending
            .into_iter()
            .filter(|pending| !pending.is_old)
            .filter_map(|pending| pending.entry)
    }

    /// The kind of reply that a command gets; `None`: it gets none.
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
            // From now on the server sends replication data, not replies.
            ("SYNC" | "PSYNC", ..) => {
                (self.commands, self.replies) = (None, None);
                return None;
            }
            (name, ..) if subscribes(name.as_bytes()) => {
                self.subscribed = true;
                Awaits::Confirmation
            }
            // RESET makes the connection like a new one.
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

/// The frames that these bytes complete, each with the number of bytes up to its end. Sets `stream`
/// to `None` if the bytes are not RESP.
fn frames_in(stream: &mut Option<Frames>, bytes: &[u8]) -> Vec<(RespFrame, usize)> {
    let mut found = Vec::new();
    if let Some(frames) = stream
        && frames.feed(bytes, &mut |frame, end| found.push((frame, end))).is_err()
    {
        *stream = None;
    }
    found
}
