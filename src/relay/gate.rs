//! Holds commands and replies until a thread has looked at the server, so that each look shows the
//! server before the next command and after the last reply.
//!
//! While the gate is shut, the commands of all connections go to the server one at a time: who has
//! the turn sends one, and gives the turn back when its reply was looked at.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::Thread;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::timeline::Exchange;
use crate::cleanup::lock;

/// How long a packet is held at most if the server does not reply to a look. It is longer than the
/// looker waits for the server.
const LIMIT: Duration = Duration::from_secs(8);
/// How long a packet is held at most while something is done beside the answer.
const ACTING_LIMIT: Duration = Duration::from_secs(30);

/// The right to send the next command.
pub(super) type Turn = OwnedSemaphorePermit;

/// Connects the relay, which holds packets, with a thread that looks at the server.
#[derive(Debug)]
pub struct Gate {
    /// How many looks were requested.
    requested: AtomicU64,
    /// The number of the last finished request; all before it are finished too.
    done: watch::Sender<u64>,
    /// Packets that passed without a look.
    missed: AtomicU64,
    /// Whether packets must wait for a look.
    is_shut: AtomicBool,
    /// Whether commands must wait for a look as well: something may change by itself.
    looks_before: AtomicBool,
    /// Whether a command was sent whose reply was not looked at yet.
    has_sent: AtomicBool,
    /// Whether the looker does something beside the answer.
    is_acting: AtomicBool,
    turn: Arc<Semaphore>,
    /// Whether commands pass without a turn, although replies are held.
    lets_commands_through: watch::Sender<bool>,
    /// The commands whose replies were held, since they were last taken.
    replied: Mutex<Vec<Exchange>>,
    looker: Mutex<Option<Thread>>,
}

impl Default for Gate {
    fn default() -> Self {
        Self {
            requested: AtomicU64::default(),
            done: watch::Sender::default(),
            missed: AtomicU64::default(),
            is_shut: AtomicBool::default(),
            looks_before: AtomicBool::new(true),
            has_sent: AtomicBool::default(),
            is_acting: AtomicBool::default(),
            turn: Arc::new(Semaphore::new(1)),
            lets_commands_through: watch::Sender::default(),
            replied: Mutex::default(),
            looker: Mutex::default(),
        }
    }
}

impl Gate {
    /// Makes this thread the looker: it is unparked when a look is requested.
    pub fn register_looker(&self) {
        *lock(&self.looker) = Some(std::thread::current());
    }

    /// How many looks were requested. Read it before a look, and pass it to [`Self::finish_look`]
    /// after the look.
    pub fn requested(&self) -> u64 {
        self.requested.load(Ordering::SeqCst)
    }

    /// Whether a packet waits for a look.
    pub fn has_waiters(&self) -> bool {
        *self.done.borrow() < self.requested()
    }

    /// Shuts the gate from the first packet on.
    pub fn shut(&self) {
        self.is_shut.store(true, Ordering::SeqCst);
    }

    /// Whether commands must wait for a look before they are sent.
    pub fn look_before(&self, must: bool) {
        self.looks_before.store(must, Ordering::SeqCst);
    }

    /// Finishes a look that began when `asked` looks were requested. `is_shut`: whether later
    /// packets must wait for the next look.
    pub fn finish_look(&self, asked: u64, is_shut: bool) {
        self.is_shut.store(is_shut, Ordering::SeqCst);
        self.done.send_if_modified(|done| {
            let is_later = *done < asked;
            *done = asked.max(*done);
            is_later
        });
    }

    /// How many packets passed because no look was finished in time.
    pub fn missed(&self) -> u64 {
        self.missed.load(Ordering::SeqCst)
    }

    pub fn has_missed(&self) {
        self.missed.fetch_add(1, Ordering::SeqCst);
    }

    /// Lets every packet pass from now on.
    pub fn open(&self) {
        self.finish_look(u64::MAX, false);
    }

    /// Whether a command was sent whose reply was not looked at yet: what is seen now may be its
    /// doing.
    pub fn has_sent(&self) -> bool {
        self.has_sent.load(Ordering::SeqCst)
    }

    pub(super) fn sends(&self, sends: bool) {
        self.has_sent.store(sends, Ordering::SeqCst);
    }

    /// The commands whose replies came and were held, since this was last called.
    pub fn take_replied(&self) -> Vec<Exchange> {
        std::mem::take(&mut *lock(&self.replied))
    }

    /// While something is done beside the answer, packets are held for longer.
    pub fn act(&self, is_acting: bool) {
        self.is_acting.store(is_acting, Ordering::SeqCst);
    }

    /// Whether commands pass without a turn, although replies are held.
    pub fn let_commands_through(&self, are_let: bool) {
        self.lets_commands_through.send_replace(are_let);
    }

    pub(super) fn is_shut(&self) -> bool {
        self.is_shut.load(Ordering::SeqCst)
    }

    pub(super) fn has_replied(&self, exchanges: Vec<Exchange>) {
        lock(&self.replied).extend(exchanges);
    }

    /// Waits for the turn to send a command; `None`: commands are let through without one.
    pub(super) async fn take_turn(&self) -> Option<Turn> {
        let mut through = self.lets_commands_through.subscribe();
        tokio::select! {
            biased;
            _ = through.wait_for(|are_let| *are_let) => None,
            turn = Arc::clone(&self.turn).acquire_owned() => turn.ok(),
        }
    }

    /// Waits for the turn, to look at a reply.
    pub(super) async fn take_turn_to_look(&self) -> Option<Turn> {
        Arc::clone(&self.turn).acquire_owned().await.ok()
    }

    /// Before a command is sent: waits for a look if something may have changed by itself.
    pub(super) async fn pass_before(&self) {
        if self.looks_before.load(Ordering::SeqCst) {
            self.pass().await;
        }
    }

    /// If the gate is shut, requests a look and waits until it is finished, but not longer than
    /// the limit.
    pub(super) async fn pass(&self) {
        if !self.is_shut() {
            return;
        }
        let ticket = self.requested.fetch_add(1, Ordering::SeqCst) + 1;
        if let Some(looker) = &*lock(&self.looker) {
            looker.unpark();
        }
        let has_looked = self.is_done(ticket, LIMIT).await
            || (self.is_acting.load(Ordering::SeqCst) && self.is_done(ticket, ACTING_LIMIT).await);
        if !has_looked {
            self.has_missed();
        }
    }

    /// Whether the look of this request is finished within the limit.
    async fn is_done(&self, ticket: u64, limit: Duration) -> bool {
        let mut done = self.done.subscribe();
        tokio::time::timeout(limit, done.wait_for(|done| *done >= ticket)).await.is_ok()
    }
}
