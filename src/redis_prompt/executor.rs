//! Runs lines one after another on one connection, and returns what redis-cli prints for each.

mod subscribed;

use std::time::{Duration, Instant};

use redis::ConnectionInfo;

use super::conversation::{CommandKind, Conversation};
use super::exchange::{NoReply, PromptExchange, WatchCallback};
use super::wire::{Lost, Wire};
use crate::redis_cli::words;
use crate::resp::value::Resp;

/// From this time on, redis-cli shows how long a reply took.
const SLOW: Duration = Duration::from_millis(500);
/// The time limit of AUTH and SELECT on a new connection.
const GREETING_LIMIT: Duration = Duration::from_secs(5);

/// The result of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromptReply {
    /// What redis-cli prints, without a final line break; may be empty.
    pub text: String,
    pub end: PromptOutcome,
}

/// How a line ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PromptOutcome {
    /// All replies arrived, which may be errors.
    Replied,
    /// There was no complete reply within the limit; the connection was dropped.
    TimedOut,
    /// The callback cancelled the line; the connection was dropped.
    Cancelled,
    /// No connection could be made, or it was closed before the reply.
    NotConnected,
    /// Nothing was sent: the line was empty, malformed or refused.
    NotSent,
}

/// Runs lines on one connection as redis-cli does.
#[derive(Debug)]
pub struct Executor {
    target: ConnectionInfo,
    connection: ConnectionState,
    state: Conversation,
    reader: ReplyReader,
    /// Whether a command without a reply (CLIENT REPLY) was sent after the last reply.
    is_unconfirmed: bool,
    /// How many PINGs were sent to know that all messages have come.
    barriers: u64,
}

/// Who reads the replies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ReplyReader {
    /// Sees messages as they arrive, and how long a slow reply took.
    Person,
    /// Goes on to the next line as soon as possible.
    Runner,
}

#[derive(Debug)]
enum ConnectionState {
    /// No line was run yet, or the connection was dropped: the next line connects.
    NotYet,
    Open(Box<Wire>),
    /// Connecting failed, or the server closed the connection.
    Lost,
}

impl Executor {
    /// An executor for the server at `target`, with its user and database. The first line connects.
    pub fn new(target: ConnectionInfo) -> Self {
        Self::read_by(ReplyReader::Person, target)
    }

    /// An executor for the lines of an answer: it does not wait for messages, and does not show
    /// how long a reply took.
    pub fn for_an_answer(target: ConnectionInfo) -> Self {
        Self::read_by(ReplyReader::Runner, target)
    }

    fn read_by(reader: ReplyReader, target: ConnectionInfo) -> Self {
        let state = Conversation::in_database(target.redis_settings().db());
        let connection = ConnectionState::NotYet;
        Self { target, connection, state, reader, is_unconfirmed: false, barriers: 0 }
    }

    /// Whether a subscribed connection may go on with other commands.
    pub fn goes_on_when_subscribed(&self) -> bool {
        self.state.is_resp3() && self.reader == ReplyReader::Runner
    }

    /// Whether MULTI is open: other commands are only queued.
    pub fn is_in_transaction(&self) -> bool {
        self.state.is_in_transaction()
    }

    /// Whether a command without a reply (CLIENT REPLY) was sent, which the server may not have
    /// read yet.
    pub fn is_unconfirmed(&self) -> bool {
        self.is_unconfirmed
    }

    /// Waits until the server has read the commands without a reply, and closes the connection.
    pub fn finish(&mut self, limit: Duration) {
        if let ConnectionState::Open(wire) = &mut self.connection
            && self.is_unconfirmed
        {
            wire.finish(limit);
        }
        self.connection = ConnectionState::NotYet;
    }

    /// `redis> `, with the database and an open transaction as redis-cli shows them:
    /// `redis[1](TX)> `.
    pub fn prompt(&self) -> String {
        match self.connection {
            ConnectionState::Lost => "not connected> ".to_owned(),
            ConnectionState::NotYet | ConnectionState::Open(_) => format!("redis{}> ", self.state),
        }
    }

    /// Runs one line within `limit`, which includes connecting. `watch` is called in the meantime.
    pub fn run(
        &mut self,
        line: &str,
        limit: Duration,
        watch: &mut WatchCallback<'_>,
    ) -> PromptReply {
        let (times, words) = match parse_line(line) {
            Ok(parsed) => parsed,
            Err(text) => return PromptReply { text, end: PromptOutcome::NotSent },
        };
        let Some(mut kind) = CommandKind::of(&words) else { return nothing_to_send() };
        if kind == CommandKind::Subscribes && self.goes_on_when_subscribed() {
            kind = CommandKind::Confirms(words.len() - 1);
        }
        if let CommandKind::Refused(why) = kind {
            return PromptReply { text: why.to_owned(), end: PromptOutcome::NotSent };
        }
        let began = Instant::now();
        let deadline = began + limit;
        // The server may have closed an idle connection. The runner then repeats the line; a person
        // sees the error and repeats it.
        let mut may_be_stale = self.reader == ReplyReader::Runner
            && matches!(self.connection, ConnectionState::Open(_));
        let mut texts = match self.connect(deadline) {
            Ok(complaints) => complaints,
            Err(text) => {
                self.connection = ConnectionState::Lost;
                return PromptReply { text, end: PromptOutcome::NotConnected };
            }
        };
        let mut exchange = PromptExchange { words: &words, kind, began, deadline, watch };
        for _ in 0..times {
            let mut result = self.exchange(&mut exchange);
            if may_be_stale && matches!(result, Err(NoReply::Lost(Lost::Closed))) {
                self.connection = ConnectionState::NotYet;
                texts.extend(self.connect(deadline).unwrap_or_default());
                result = self.exchange(&mut exchange);
            }
            may_be_stale = false;
            match result {
                Ok(text) => texts.push(text),
                Err(NoReply::Lost(Lost::Closed)) if ends_the_server(&words) => {
                    self.connection = ConnectionState::Lost;
                    return self.reply(texts, PromptOutcome::Replied, began);
                }
                Err(why) => return self.drop_connection(texts, why, began),
            }
        }
        self.reply(texts, PromptOutcome::Replied, began)
    }

    /// Connects if there is no connection, authenticates and selects the database. Returns the
    /// server's errors to that: they are shown, but the line is still sent, since it may be the
    /// right AUTH.
    fn connect(&mut self, deadline: Instant) -> Result<Vec<String>, String> {
        if matches!(self.connection, ConnectionState::Open(_)) {
            return Ok(Vec::new());
        }
        let left = deadline.saturating_duration_since(Instant::now());
        let mut wire = Wire::connect(self.target.addr(), left)?;
        self.state.is_connected_anew();
        let limit = left.min(GREETING_LIMIT);
        let mut complaints = Vec::new();
        if let Some(words) = self.authentication() {
            complaints.extend(refusal(&mut wire, &words, limit)?.map(|why| failed("AUTH", &why)));
        }
        let database = self.state.chosen_database();
        if database != 0 {
            let words = ["SELECT".to_owned(), database.to_string()];
            if let Some(why) = refusal(&mut wire, &words, limit)? {
                complaints.push(failed(&words.join(" "), &why));
                self.state = Conversation::in_database(0);
            }
        }
        self.connection = ConnectionState::Open(Box::new(wire));
        Ok(complaints)
    }

    fn authentication(&self) -> Option<Vec<String>> {
        let settings = self.target.redis_settings();
        let password = settings.password()?;
        let words = ["AUTH"].into_iter().chain(settings.username()).chain([password]);
        Some(words.map(str::to_owned).collect())
    }

    /// Sends the line once and reads what comes.
    fn exchange(&mut self, exchange: &mut PromptExchange<'_, '_>) -> Result<String, NoReply> {
        let ConnectionState::Open(wire) = &mut self.connection else {
            return Err(NoReply::Lost(Lost::Closed));
        };
        let left = exchange.deadline.saturating_duration_since(Instant::now());
        wire.send(exchange.words, left).map_err(NoReply::Lost)?;
        if !self.state.awaits_a_reply(exchange.words) {
            self.is_unconfirmed = true;
            return Ok(String::new());
        }
        let (text, last) = exchange.reply(wire)?;
        self.is_unconfirmed = false;
        self.state.has_replied(exchange.words, &last);
        Ok(text)
    }

    fn drop_connection(
        &mut self,
        mut texts: Vec<String>,
        why: NoReply,
        began: Instant,
    ) -> PromptReply {
        // A late reply would be taken for the reply to the next line.
        self.connection = ConnectionState::NotYet;
        self.state.is_connected_anew();
        match why {
            NoReply::Cancelled => self.reply(texts, PromptOutcome::Cancelled, began),
            NoReply::TimedOut => {
                texts.push("(no reply: the time limit is over)".to_owned());
                PromptReply { text: texts.join("\n"), end: PromptOutcome::TimedOut }
            }
            NoReply::Lost(lost) => {
                self.connection = ConnectionState::Lost;
                texts.push(lost.to_string());
                self.reply(texts, PromptOutcome::NotConnected, began)
            }
        }
    }

    fn reply(&self, mut texts: Vec<String>, end: PromptOutcome, began: Instant) -> PromptReply {
        let took = began.elapsed();
        if took >= SLOW && self.reader == ReplyReader::Person {
            texts.push(format!("({:.2}s)", took.as_secs_f64()));
        }
        texts.retain(|text| !text.is_empty());
        PromptReply { text: texts.join("\n"), end }
    }
}

/// Sends a command on a new connection. Returns the server's error, if it replies with one.
fn refusal(wire: &mut Wire, words: &[String], limit: Duration) -> Result<Option<String>, String> {
    let words: Vec<Vec<u8>> = words.iter().map(|word| word.clone().into_bytes()).collect();
    let sent = wire.send(&words, limit);
    match sent.and_then(|()| wire.receive(limit)).map_err(|lost| lost.to_string())? {
        Some(Resp::Error(why)) => Ok(Some(String::from_utf8_lossy(&why).into_owned())),
        Some(_) => Ok(None),
        None => Err("Error: the server does not answer".to_owned()),
    }
}

fn failed(command: &str, why: &str) -> String {
    format!("{command} failed: {why}")
}

/// A line's words and how often to send them: `3 PING` is PING three times.
fn parse_line(line: &str) -> Result<(u64, Vec<Vec<u8>>), String> {
    let mut words = words::split(line).map_err(|_| "Invalid argument(s)".to_owned())?;
    if words.len() < 2 || !is_number(&words[0]) {
        return Ok((1, words));
    }
    let number = words.remove(0);
    let times = std::str::from_utf8(&number).ok().and_then(|number| number.parse().ok());
    match times {
        Some(times @ 1..) => Ok((times, words)),
        _ => Err("Invalid redis-cli repeat command option value.".to_owned()),
    }
}

/// SHUTDOWN has no reply if it succeeds: the server only closes the connection.
fn ends_the_server(words: &[Vec<u8>]) -> bool {
    words.first().is_some_and(|word| word.eq_ignore_ascii_case(b"shutdown"))
}

fn is_number(word: &[u8]) -> bool {
    let digits = word.strip_prefix(b"-").or(word.strip_prefix(b"+")).unwrap_or(word);
    !digits.is_empty() && digits.iter().all(u8::is_ascii_digit)
}

fn nothing_to_send() -> PromptReply {
    PromptReply { text: String::new(), end: PromptOutcome::NotSent }
}
