//! What goes through the tap, written down: every command beside its reply, in bounded memory.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use super::connection::{Connection, is_error, name};
use super::frames::Frame;
use super::transcript::upper_case;

/// Kept from the beginning, and as many from the end.
const KEPT: usize = 4000;
/// Of the bytes of either.
const KEPT_BYTES: usize = 8 * 1024 * 1024;
/// Commands without a reply, over all connections; one that adds to more is not followed any further.
const WAITING: usize = 1_000_000;
/// Of their bytes.
const WAITING_BYTES: usize = 64 * 1024 * 1024;

/// One command and its reply, as they came.
#[derive(Debug)]
pub(super) struct Entry {
    /// Commands in the order in which they came, over all connections.
    pub(super) number: u64,
    pub(super) came: Instant,
    pub(super) connection: u32,
    pub(super) command: Frame,
    pub(super) reply: Option<(Frame, Instant)>,
    /// It has none (CLIENT REPLY).
    pub(super) is_muted: bool,
}

impl Entry {
    fn bytes(&self) -> usize {
        self.command.len() + self.reply.as_ref().map_or(0, |(reply, _)| reply.len())
    }

    fn is_refused(&self) -> bool {
        self.reply.as_ref().is_some_and(|(reply, _)| is_error(reply))
    }
}

/// What went through the tap since the answer began, and the connections that are open.
#[derive(Debug)]
pub(super) struct Book {
    page: Page,
    connections: BTreeMap<u64, Connection>,
    next_id: u64,
    /// Grows with every packet and with every connection's end.
    news: u64,
    /// Over all connections.
    waiting: Waiting,
}

/// Commands without a reply.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Waiting {
    pub(super) commands: usize,
    pub(super) bytes: usize,
}

impl Waiting {
    /// One connection's part has changed.
    fn change(&mut self, before: Self, after: Self) {
        self.commands = self.commands + after.commands - before.commands;
        self.bytes = self.bytes + after.bytes - before.bytes;
    }

    fn is_too_much(self) -> bool {
        self.commands > WAITING || self.bytes > WAITING_BYTES
    }
}

/// Everything since the answer began.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) began: Instant,
    /// The number of the first command behind the answer's end.
    end: Option<u64>,
    next_number: u64,
    next_connection: u32,
    first: Kept,
    /// Behind the first: what may matter though there is much of everything.
    notable: Kept,
    last: Kept,
    pub(super) left_out: u64,
    pub(super) left_out_names: BTreeSet<String>,
    /// The name, as it came, of the last one that was left out.
    last_left_out: Vec<u8>,
    pub(super) is_incomplete: bool,
    pub(super) refusals: BTreeMap<String, u64>,
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

impl Book {
    pub(super) fn new() -> Self {
        Self {
            page: Page::new(),
            connections: BTreeMap::new(),
            next_id: 0,
            news: 0,
            waiting: Waiting::default(),
        }
    }

    /// Begins a new page: open connections stay, what they did is forgotten.
    pub(super) fn begin(&mut self) {
        self.page = Page::new();
        self.connections.values_mut().for_each(Connection::begin);
    }

    /// Ends the page: commands that come from now on are none of it.
    pub(super) fn end(&mut self) {
        self.page.end = Some(self.page.next_number);
    }

    /// A new connection. `auth`: what the relay says on it first, to a server that wants a password.
    pub(super) fn open(&mut self, auth: Option<Arc<[u8]>>) -> u64 {
        self.next_id += 1;
        let connection = Connection::new(auth);
        self.waiting.change(Waiting::default(), connection.waiting());
        self.connections.insert(self.next_id, connection);
        self.next_id
    }

    pub(super) fn news(&self) -> u64 {
        self.news
    }

    /// What is still unanswered will never be.
    pub(super) fn close(&mut self, id: u64) {
        self.news += 1;
        let Some(connection) = self.connections.remove(&id) else { return };
        self.waiting.change(connection.waiting(), Waiting::default());
        connection.into_unanswered().for_each(|entry| self.page.write_down(entry));
    }

    /// Takes bytes from a client; gives those that go to the server.
    pub(super) fn commands<'b>(&mut self, id: u64, bytes: &'b [u8]) -> Cow<'b, [u8]> {
        self.news += 1;
        let Some(connection) = self.connections.get_mut(&id) else { return Cow::Borrowed(bytes) };
        let (page, now, before) = (&mut self.page, Instant::now(), connection.waiting());
        let passed = connection.commands(bytes, &mut |connection, command| {
            // Redis takes an empty line, and an array of nothing, for nothing.
            if name(&command).is_empty() {
                return;
            }
            let entry = page.entry(connection, command, now);
            if let Some(complete) = connection.ask(entry) {
                page.write_down(complete);
            }
        });
        self.waiting.change(before, connection.waiting());
        if self.waiting.is_too_much() {
            connection.give_up();
        }
        self.page.is_incomplete |= connection.is_lost();
        passed
    }

    /// Takes bytes from the server; gives those that go to the client.
    pub(super) fn replies<'b>(&mut self, id: u64, bytes: &'b [u8]) -> Cow<'b, [u8]> {
        self.news += 1;
        let Some(connection) = self.connections.get_mut(&id) else { return Cow::Borrowed(bytes) };
        let (page, before) = (&mut self.page, connection.waiting());
        let passed =
            connection.replies(bytes, Instant::now(), &mut |complete| page.write_down(complete));
        self.waiting.change(before, connection.waiting());
        self.page.is_incomplete |= connection.is_lost();
        passed
    }

    /// Whether a command of this name has no reply and was to have one.
    pub(super) fn has_unanswered(&self, command: &str) -> bool {
        let is_it = |entry: &&Entry| name(&entry.command).eq_ignore_ascii_case(command.as_bytes());
        self.all().any(|entry| entry.reply.is_none() && !entry.is_muted && is_it(&entry))
    }

    pub(super) fn page(&self) -> &Page {
        &self.page
    }

    /// Everything written down, and what still waits for its reply, in the order in which it came.
    pub(super) fn entries(&self) -> Vec<&Entry> {
        let mut all: Vec<&Entry> = self.all().collect();
        all.sort_by_key(|entry| entry.number);
        all
    }

    /// The same in no order.
    fn all(&self) -> impl Iterator<Item = &Entry> {
        let kept = [&self.page.first, &self.page.notable, &self.page.last];
        let waiting = self.connections.values().flat_map(Connection::unanswered);
        let end = self.page.end.unwrap_or(u64::MAX);
        let all = kept.into_iter().flat_map(|kept| &kept.entries).chain(waiting);
        all.filter(move |entry| entry.number < end)
    }
}

impl Page {
    fn new() -> Self {
        Self {
            began: Instant::now(),
            end: None,
            next_number: 0,
            next_connection: 1,
            first: Kept::default(),
            notable: Kept::default(),
            last: Kept::default(),
            left_out: 0,
            left_out_names: BTreeSet::new(),
            last_left_out: Vec::new(),
            is_incomplete: false,
            refusals: BTreeMap::new(),
        }
    }

    fn entry(&mut self, connection: &mut Connection, command: Frame, came: Instant) -> Entry {
        let number = self.next_number;
        self.next_number += 1;
        let connection = connection.number_or(self.next_connection);
        self.next_connection = self.next_connection.max(connection + 1);
        Entry { number, came, connection, command, reply: None, is_muted: false }
    }

    fn write_down(&mut self, entry: Entry) {
        if entry.is_refused() && self.refusals.len() < KEPT {
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

    fn leave_out(&mut self, entry: &Entry) {
        self.left_out += 1;
        let name = name(&entry.command);
        // Where so many are left out, most are like the one before.
        if self.last_left_out == name {
            return;
        }
        name.clone_into(&mut self.last_left_out);
        let name = upper_case(name);
        if self.left_out_names.len() < KEPT {
            self.left_out_names.insert(name);
        } else {
            self.is_incomplete = true;
        }
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

#[cfg(test)]
mod tests;
