//! The connection of the checker and of typed answers: every call has one deadline.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Cmd, ConnectionInfo, ErrorKind, Value};
use tokio_util::sync::CancellationToken;

use super::versions::name_in_commandstats;
use crate::runtime::block_on;

/// Where an answer has set `maxclients`, the server turns us away until it has noticed that the
/// answer's connections are closed. A longer wait could give a save the time to end.
const CLOSING: Duration = Duration::from_millis(200);
const PAUSE: Duration = Duration::from_millis(5);

/// Why a call has no reply. A Redis error is a reply: [`Value::ServerError`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// No complete reply within the limit; the connection was closed.
    #[error("no reply within {:.1} s", .0.as_secs_f64())]
    TimedOut(Duration),
    /// Nothing listens there, or it refused the connection.
    #[error("could not connect: {0}")]
    NotConnected(String),
    /// The server answered with an error such as `NOAUTH`, `BUSY` or `LOADING`.
    #[error("the server refuses to answer: {0}")]
    Refused(String),
    /// The connection was closed during the call.
    #[error("the connection was closed: {0}")]
    Closed(String),
    /// The call was cancelled; the connection was closed.
    #[error("the call was cancelled")]
    Cancelled,
}

/// A connection that reconnects after it was lost, and counts its calls.
#[derive(Debug)]
pub struct Client {
    target: ConnectionInfo,
    connection: Option<MultiplexedConnection>,
    asks_again: bool,
    /// Ends a call that waits for its reply.
    cancel: CancellationToken,
    /// Successful calls by name as in INFO commandstats, so that they can be subtracted.
    calls: BTreeMap<String, u64>,
    /// Calls without a reply: the server may have run them or not.
    unanswered: BTreeMap<String, u64>,
}

impl Client {
    /// The first call connects.
    pub fn new(target: ConnectionInfo) -> Self {
        Self {
            target,
            connection: None,
            asks_again: false,
            cancel: CancellationToken::new(),
            calls: BTreeMap::new(),
            unanswered: BTreeMap::new(),
        }
    }

    /// Repeats a call once if the connection was closed. Use it for calls that may run twice: an
    /// answer may close idle connections (CLIENT KILL, CONFIG SET timeout), and that must not cost
    /// evidence.
    pub fn that_asks_again(target: ConnectionInfo) -> Self {
        Self { asks_again: true, ..Self::new(target) }
    }

    /// From now on, every call ends when this is cancelled.
    pub fn cancelled_by(&mut self, cancel: &CancellationToken) {
        self.cancel = cancel.clone();
    }

    /// How often each command was called successfully.
    pub fn calls(&self) -> &BTreeMap<String, u64> {
        &self.calls
    }

    /// How often each command was called without a reply: the server may have run it, or may run it
    /// later.
    pub fn unanswered(&self) -> &BTreeMap<String, u64> {
        &self.unanswered
    }

    /// Sends one command and waits for its reply. `limit` includes the time to connect.
    pub fn call<W: AsRef<[u8]>>(
        &mut self,
        words: &[W],
        limit: Duration,
    ) -> Result<Value, CallError> {
        let replies = self.pipeline(&[words], limit)?;
        Ok(replies.into_iter().next().unwrap_or(Value::Nil))
    }

    /// Sends commands back to back and waits for all replies; `limit` applies to each try.
    pub fn pipeline<W: AsRef<[u8]>>(
        &mut self,
        commands: &[&[W]],
        limit: Duration,
    ) -> Result<Vec<Value>, CallError> {
        let was_connected = self.connection.is_some();
        match self.pipeline_once(commands, limit) {
            Err(CallError::Closed(_)) if self.asks_again && was_connected => {
                self.pipeline_once(commands, limit)
            }
            result => result,
        }
    }

    fn pipeline_once<W: AsRef<[u8]>>(
        &mut self,
        commands: &[&[W]],
        limit: Duration,
    ) -> Result<Vec<Value>, CallError> {
        let mut pipeline = redis::pipe();
        for words in commands {
            let mut command = Cmd::new();
            for word in *words {
                command.arg(word.as_ref());
            }
            pipeline.add_command(command);
        }
        // Taken, so that the connection is dropped if the exchange fails.
        let connection = self.connection.take();
        let patience = if self.asks_again { CLOSING } else { Duration::ZERO };
        let exchange = async {
            let mut connection = match connection {
                Some(connection) => connection,
                None => connect(&self.target, patience).await?,
            };
            let replies = connection.send_packed_commands(&pipeline, 0, pipeline.len()).await;
            replies
                .map(|replies| (connection, replies))
                .map_err(|error| CallError::Closed(error.to_string()))
        };
        let result = block_on(async {
            tokio::select! {
                biased;
                () = self.cancel.cancelled() => Err(CallError::Cancelled),
                result = tokio::time::timeout(limit, exchange) => {
                    result.unwrap_or(Err(CallError::TimedOut(limit)))
                }
            }
        });
        if matches!(
            result,
            Err(CallError::TimedOut(_) | CallError::Closed(_) | CallError::Cancelled)
        ) {
            for words in commands {
                *self.unanswered.entry(name_in_commandstats(words)).or_default() += 1;
            }
        }
        let (connection, replies) = result?;
        self.connection = Some(connection);
        for (words, reply) in commands.iter().zip(&replies) {
            if !matches!(reply, Value::ServerError(_)) {
                *self.calls.entry(name_in_commandstats(words)).or_default() += 1;
            }
        }
        Ok(replies)
    }

    /// Counts a command of another connection of ours as one of this one, so that it is not taken
    /// for the answer's; the name as in commandstats.
    pub fn note_own_call(&mut self, name: &str) {
        *self.calls.entry(name.to_owned()).or_default() += 1;
    }
}

/// A server that turns us away is asked again for as long as `patience`.
async fn connect(
    target: &ConnectionInfo,
    patience: Duration,
) -> Result<MultiplexedConnection, CallError> {
    let client = redis::Client::open(target.clone()).map_err(not_connected)?;
    let deadline = Instant::now() + patience;
    // Our own deadline covers everything; the library's would interrupt a SAVE of one second.
    let config =
        AsyncConnectionConfig::new().set_connection_timeout(None).set_response_timeout(None);
    loop {
        let connection = client.get_multiplexed_async_connection_with_config(&config).await;
        let error = match connection {
            Ok(connection) => return Ok(connection),
            Err(error) => error,
        };
        // `maxclients` is told in place of AUTH's reply.
        let was_turned_away = error.kind() == ErrorKind::AuthenticationFailed;
        if !was_turned_away || Instant::now() >= deadline {
            return Err(not_connected(error));
        }
        tokio::time::sleep(PAUSE).await;
    }
}

fn not_connected(error: redis::RedisError) -> CallError {
    CallError::NotConnected(error.to_string())
}
