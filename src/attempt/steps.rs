//! What is done beside an answer: another client's commands, time that passes, and a kill.

use std::sync::Arc;
use std::time::{Duration, Instant};

use redis::{ConnectionInfo, Value};
use tokio_util::sync::CancellationToken;

use super::answer_control::AnswerControl;
use super::environment::cannot;
use super::time_shift;
use super::timing::REPLY_LIMIT;
use crate::error::{EnvironmentError, EnvironmentErrorKind};
use crate::lesson::meanwhile::{DiskChange, Kill, Steps};
use crate::redis_cli::{reply, words};
use crate::relay::{Connections, Gate, Step, StepKind};
use crate::server::{Client, Disk, ServerInfo};

/// How long commands that arrived before a kill may take to run.
const ARRIVED_LIMIT: Duration = Duration::from_millis(300);
/// How long the server may take to notice that a killed answer's connections are closed.
const CLOSED_LIMIT: Duration = Duration::from_millis(500);
const POLL: Duration = Duration::from_millis(2);

/// Errors that a command gets on any server, whatever the answer has done there.
const AUTHORS_ERRORS: [&str; 4] = ["ERR unknown", "ERR Unknown", "ERR wrong number", "ERR syntax"];

/// Another client, and the answer that it may kill.
pub(super) struct Actor {
    pub(super) client: Client,
    /// Where the server is reached.
    pub(super) target: ConnectionInfo,
    /// Ends every wait for the server.
    pub(super) cancel: CancellationToken,
    pub(super) gate: Arc<Gate>,
    pub(super) connections: Connections,
    pub(super) control: Arc<AnswerControl>,
    /// How many clients the server had before the answer.
    pub(super) clients_before: i64,
    pub(super) began: Instant,
}

impl Actor {
    /// Does the steps in their order; `note` receives each that was done.
    pub(super) fn act(
        &mut self,
        steps: &Steps,
        note: &mut dyn FnMut(Step),
    ) -> Result<(), EnvironmentError> {
        if let Some(time) = steps.later {
            time_shift::pass(&mut self.client, time)?;
            note(self.step(StepKind::Passed(time)));
        }
        if let Some(disk) = steps.disk {
            self.set_disk(disk, note)?;
        }
        for line in &steps.run {
            let reply = self.run(line)?;
            note(self.step(StepKind::Ran { line: line.clone(), reply }));
        }
        match steps.kill {
            Some(Kill::Answer) => self.kill_answer(note),
            Some(Kill::Server) => self.kill_server(note)?,
            None => {}
        }
        Ok(())
    }

    fn step(&self, what: StepKind) -> Step {
        Step { at: self.began.elapsed(), what }
    }

    fn run(&mut self, line: &str) -> Result<Value, EnvironmentError> {
        // The loader has rejected lines that cannot be split.
        let words = words::split(line).unwrap_or_default();
        let reply = self.client.call(&words, REPLY_LIMIT);
        let reply = reply.map_err(|why| cannot(&format!("run another client's `{line}`"), &why))?;
        if let Value::ServerError(error) = &reply {
            let text = reply::error_line(error.code(), error.details());
            let text = text.trim_start_matches("(error) ");
            if AUTHORS_ERRORS.iter().any(|start| text.starts_with(start)) {
                let fact = format!("another client's `{line}` is refused: {text}");
                let help = "the cause is `run` in the lesson's `[[meanwhile]]`, not the answer";
                let error = EnvironmentError::new(fact, help);
                return Err(error.of(EnvironmentErrorKind::FailedSetup));
            }
        }
        Ok(reply)
    }

    /// Unless the answer has ended.
    fn set_disk(
        &mut self,
        disk: DiskChange,
        note: &mut dyn FnMut(Step),
    ) -> Result<(), EnvironmentError> {
        let (disk, what) = match disk {
            DiskChange::Refuses => (Disk::Refuses, StepKind::DiskRefuses),
            DiskChange::Works => (Disk::Works, StepKind::DiskWorks),
        };
        if self.control.set_disk(disk)? {
            note(self.step(what));
        }
        Ok(())
    }

    /// Kills the answer when the commands that have arrived have run, unless it has ended.
    fn kill_answer(&mut self, note: &mut dyn FnMut(Step)) {
        self.gate.let_commands_through(true);
        self.wait_until_arrived_commands_ran();
        let is_dead = self.control.kill();
        if is_dead {
            self.connections.close();
            self.wait_until_connections_are_closed();
        }
        self.gate.let_commands_through(false);
        if is_dead {
            // What else is due now comes before the first command of the answer's next run.
            self.gate.look_before(true);
            note(self.step(StepKind::KilledAnswer));
            self.control.kill_is_complete();
        }
    }

    /// Kills the server when the commands that have arrived have run. Clients reach the restarted
    /// one at the same address.
    fn kill_server(&mut self, note: &mut dyn FnMut(Step)) -> Result<(), EnvironmentError> {
        self.gate.let_commands_through(true);
        self.wait_until_arrived_commands_ran();
        let killed = self.control.kill_server();
        self.gate.let_commands_through(false);
        if let Some(target) = killed? {
            self.target = target;
            self.client = self.observer();
            note(self.step(StepKind::KilledServer));
        }
        Ok(())
    }

    /// A new connection to the server, as it is reached now.
    pub(super) fn observer(&self) -> Client {
        let mut client = Client::that_asks_again(self.target.clone());
        client.cancelled_by(&self.cancel);
        client
    }

    /// Waits until nothing comes any more, and the server runs nothing but our own questions.
    fn wait_until_arrived_commands_ran(&mut self) {
        let deadline = Instant::now() + ARRIVED_LIMIT;
        let (mut seen, mut difference) = (None, None);
        while Instant::now() < deadline {
            let Ok(info) = ServerInfo::take(&mut self.client, REPLY_LIMIT) else { return };
            let now = (self.connections.traffic(), info.number("total_commands_processed"));
            let new = seen.map(|(traffic, ran)| (now.0 - traffic, now.1 - ran));
            if new.is_some_and(|(traffic, _)| traffic == 0) && new == difference {
                return;
            }
            (seen, difference) = (Some(now), new);
            std::thread::park_timeout(POLL);
        }
    }

    fn wait_until_connections_are_closed(&mut self) {
        let deadline = Instant::now() + CLOSED_LIMIT;
        while Instant::now() < deadline {
            let Ok(info) = ServerInfo::take(&mut self.client, REPLY_LIMIT) else { return };
            if info.number("connected_clients") <= self.clients_before {
                return;
            }
            std::thread::park_timeout(POLL);
        }
    }
}
