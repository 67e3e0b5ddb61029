//! Passes the bytes of one connection on, in both directions. Records them first, so that the
//! recorder has every reply that a client has read.

use std::sync::Mutex;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::sync::watch;

use super::connection::ConnectionState;
use super::decode;
use super::forward::{Forwarder, ServerTarget};
use super::gate::{Gate, Turn};
use crate::cleanup::lock;

const BUFFER_BYTES: usize = 16 * 1024;
/// After this time, a command that may block its connection does.
const BLOCKED_AFTER: Duration = Duration::from_millis(25);
pub(super) const POLL: Duration = Duration::from_millis(1);

/// The turn of a connection, if it has it.
pub(super) type OwnTurn = Mutex<Option<Turn>>;

impl Forwarder {
    /// Passes commands on until the client ends its stream. While the gate is shut, one at a time.
    /// Returns whether the client has ended it, and not the server taken no more.
    pub(super) async fn pass_commands(
        &self,
        mut from: ReadHalf<'_>,
        to: &mut WriteHalf<'_>,
        id: u64,
        turn: &OwnTurn,
    ) -> bool {
        let mut buffer = vec![0; BUFFER_BYTES];
        while let Ok(count @ 1..) = from.read(&mut buffer).await {
            let bytes = &buffer[..count];
            let ends = match self.shut_gate() {
                Some(_) => lock(&self.recorder).command_ends(id, bytes),
                None => Vec::new(),
            };
            let mut begin = 0;
            for end in ends {
                if self.pass_command(&bytes[begin..end], to, id, turn).await.is_err() {
                    return false;
                }
                begin = end;
            }
            if begin == count {
                continue;
            }
            let rest = lock(&self.recorder).commands(id, &bytes[begin..]);
            if to.write_all(&rest).await.is_err() {
                return false;
            }
        }
        let _ = to.shutdown().await;
        true
    }

    /// Passes bytes on that end with the end of a command, when it is this connection's turn.
    async fn pass_command(
        &self,
        bytes: &[u8],
        to: &mut WriteHalf<'_>,
        id: u64,
        turn: &OwnTurn,
    ) -> std::io::Result<()> {
        let gate = self.shut_gate();
        if let Some(gate) = &gate {
            let own = gate.take_turn().await;
            if own.is_some() {
                gate.pass_before().await;
            }
            gate.sends(own.is_some());
            *lock(turn) = own;
        }
        let passed = lock(&self.recorder).commands(id, bytes);
        to.write_all(&passed).await?;
        if let Some(gate) = &gate {
            self.end_turn_without_reply(id, gate, turn).await;
        }
        Ok(())
    }

    /// Gives the turn back if the reply may take as long as another client does, or none comes.
    async fn end_turn_without_reply(&self, id: u64, gate: &Gate, turn: &OwnTurn) {
        let state = || lock(&self.recorder).state(id);
        match state() {
            ConnectionState::Busy => {}
            // Refused before it was sent, or already replied to.
            ConnectionState::Idle => give_back(gate, turn),
            ConnectionState::MayBlock => {
                let mut left = BLOCKED_AFTER;
                while !left.is_zero() && state() == ConnectionState::MayBlock {
                    tokio::time::sleep(POLL).await;
                    left = left.saturating_sub(POLL);
                }
                // A reply that has come keeps the turn until it was looked at.
                if state() == ConnectionState::MayBlock {
                    give_back(gate, turn);
                }
            }
            // Nobody can say when it was run.
            ConnectionState::Unknown => {
                gate.has_missed();
                give_back(gate, turn);
            }
        }
    }

    /// Passes replies on until the server closes the connection. While the gate is shut, a reply is
    /// held until it was looked at what its command did; where the server was killed meanwhile, it
    /// never comes. What comes for a client that has ended is recorded all the same. Returns whether
    /// the server closed the connection.
    pub(super) async fn pass_replies(
        &self,
        mut from: ReadHalf<'_>,
        to: &mut WriteHalf<'_>,
        id: u64,
        turn: &OwnTurn,
        route: &watch::Receiver<Option<ServerTarget>>,
    ) -> bool {
        let mut buffer = vec![0; BUFFER_BYTES];
        while let Ok(count @ 1..) = from.read(&mut buffer).await {
            let (passed, replied) = {
                let mut recorder = lock(&self.recorder);
                let passed = recorder.replies(id, &buffer[..count]);
                let replied = recorder.take_handed_out();
                let began = recorder.began;
                let exchanges: Vec<_> =
                    replied.iter().map(|entry| decode::exchange(entry, began)).collect();
                (passed, exchanges)
            };
            if !replied.is_empty() {
                if let Some(gate) = self.shut_gate() {
                    gate.has_replied(replied);
                    // The turn is given back when the next commands may be sent.
                    let own = lock(turn).take();
                    let _turn = match own {
                        Some(turn) => Some(turn),
                        None => gate.take_turn_to_look().await,
                    };
                    gate.pass().await;
                    gate.sends(false);
                    // Both may be known at once: that the reply may pass, and that nobody is to get it.
                    if route.has_changed().unwrap_or(true) {
                        return false;
                    }
                } else {
                    lock(turn).take();
                }
            } else if let Some(gate) = self.shut_gate()
                && lock(&self.recorder).state(id) == ConnectionState::Unknown
            {
                give_back(&gate, turn);
            }
            if to.write_all(&passed).await.is_err() {
                lock(&self.recorder).client_has_ended(id);
            }
        }
        let rest = lock(&self.recorder).rest_of_replies(id);
        let _ = to.write_all(&rest).await;
        let _ = to.shutdown().await;
        true
    }
}

/// Gives the turn back, if this connection has it.
fn give_back(gate: &Gate, turn: &OwnTurn) {
    if lock(turn).take().is_some() {
        gate.sends(false);
    }
}
