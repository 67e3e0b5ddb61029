//! Lines typed one after another on one connection, with what redis-cli says to each.

use std::time::{Duration, Instant};

use redis::ConnectionInfo;

use super::conversation::{Conversation, Kind};
use super::exchange::{Exchange, NoReply, Watch};
use super::wire::{Lost, Wire};
use crate::redis_cli::resp::Resp;
use crate::redis_cli::words;

/// From here on redis-cli shows how long a reply took.
const SLOW: Duration = Duration::from_millis(500);
/// For what is said on a new connection before the line itself.
const GREETING_LIMIT: Duration = Duration::from_secs(5);

/// What became of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// What redis-cli prints, without the last line's end; may be empty.
    pub text: String,
    /// How it ended.
    pub end: Outcome,
}

/// How a line ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// With all replies, errors of the server's among them.
    Replied,
    /// No whole reply within the limit: the connection was thrown away.
    TimedOut,
    /// Whoever waited did not want to wait longer: the connection was thrown away.
    Cancelled,
    /// No connection could be made, or it was closed before the reply had come.
    NotConnected,
    /// Nothing was sent: the line is none, or one that has no place here.
    NotSent,
}

/// Executes lines on one connection as redis-cli would.
#[derive(Debug)]
pub struct Executor {
    target: ConnectionInfo,
    connection: Connection,
    state: Conversation,
    reader: Reader,
    /// Whether something was sent without a reply (CLIENT REPLY), and nothing with one since.
    is_unconfirmed: bool,
}

/// Who reads what comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reader {
    /// Somebody who sees messages as they come, and how long a slow reply took.
    Person,
    /// The runner, which goes on to the next line as soon as it can.
    Runner,
}

#[derive(Debug)]
enum Connection {
    /// Nothing was typed yet, or the connection was given up: the next line connects.
    NotYet,
    Open(Box<Wire>),
    /// The last try failed, or the server closed it.
    Lost,
}

impl Executor {
    /// For the server at `target`, with its user and database. Connects with the first line.
    pub fn new(target: ConnectionInfo) -> Self {
        Self::read_by(Reader::Person, target)
    }

    /// The same for lines that nobody types: messages are not waited for, and no reply says how long it took.
    pub fn for_an_answer(target: ConnectionInfo) -> Self {
        Self::read_by(Reader::Runner, target)
    }

    fn read_by(reader: Reader, target: ConnectionInfo) -> Self {
        let state = Conversation::in_database(target.redis_settings().db());
        Self { target, connection: Connection::NotYet, state, reader, is_unconfirmed: false }
    }

    /// Whether a subscribed connection may go on with other commands.
    pub fn goes_on_when_subscribed(&self) -> bool {
        self.state.is_resp3() && self.reader == Reader::Runner
    }

    /// Whether something was sent without a reply (CLIENT REPLY), so that the server may not have read it yet.
    pub fn is_unconfirmed(&self) -> bool {
        self.is_unconfirmed
    }

    /// Waits until the server has read all that was sent without a reply; closes the connection.
    pub fn finish(&mut self, limit: Duration) {
        if let Connection::Open(wire) = &mut self.connection
            && self.is_unconfirmed
        {
            wire.finish(limit);
        }
        self.connection = Connection::NotYet;
    }

    /// `redis> `, with the database and an open transaction as redis-cli shows them: `redis[1](TX)> `.
    pub fn prompt(&self) -> String {
        match self.connection {
            Connection::Lost => "not connected> ".to_owned(),
            Connection::NotYet | Connection::Open(_) => format!("redis{}> ", self.state),
        }
    }

    /// Runs one line within `limit`, connecting included. `watch` hears of what goes on meanwhile.
    pub fn run(&mut self, line: &str, limit: Duration, watch: &mut Watch<'_>) -> Reply {
        let (times, words) = match understand(line) {
            Ok(understood) => understood,
            Err(text) => return Reply { text, end: Outcome::NotSent },
        };
        let Some(mut kind) = Kind::of(&words) else { return nothing_to_send() };
        if kind == Kind::Subscribes && self.goes_on_when_subscribed() {
            kind = Kind::Confirms(words.len() - 1);
        }
        if let Kind::Refused(why) = kind {
            return Reply { text: why.to_owned(), end: Outcome::NotSent };
        }
        let began = Instant::now();
        let deadline = began + limit;
        // The server may have closed it long ago, for being idle; a person sees that and types the line again.
        let mut may_be_stale =
            self.reader == Reader::Runner && matches!(self.connection, Connection::Open(_));
        let mut said = match self.connect(deadline) {
            Ok(complaints) => complaints,
            Err(text) => {
                self.connection = Connection::Lost;
                return Reply { text, end: Outcome::NotConnected };
            }
        };
        let mut exchange = Exchange { words: &words, kind, began, deadline, watch };
        for _ in 0..times {
            let mut result = self.exchange(&mut exchange);
            if may_be_stale && matches!(result, Err(NoReply::Lost(Lost::Closed))) {
                self.connection = Connection::NotYet;
                said.extend(self.connect(deadline).unwrap_or_default());
                result = self.exchange(&mut exchange);
            }
            may_be_stale = false;
            match result {
                Ok(text) => said.push(text),
                Err(NoReply::Lost(Lost::Closed)) if ends_the_server(&words) => {
                    self.connection = Connection::Lost;
                    return self.ended(said, Outcome::Replied, began);
                }
                Err(why) => return self.gives_up(said, why, began),
            }
        }
        self.ended(said, Outcome::Replied, began)
    }

    /// Makes a connection where there is none, and says on it who we are and in which database. Gives what the
    /// server has against that: it is told, and the line is sent all the same, since it may be the right AUTH.
    fn connect(&mut self, deadline: Instant) -> Result<Vec<String>, String> {
        if matches!(self.connection, Connection::Open(_)) {
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
        self.connection = Connection::Open(Box::new(wire));
        Ok(complaints)
    }

    fn authentication(&self) -> Option<Vec<String>> {
        let settings = self.target.redis_settings();
        let password = settings.password()?;
        let words = ["AUTH"].into_iter().chain(settings.username()).chain([password]);
        Some(words.map(str::to_owned).collect())
    }

    /// Sends the line once and reads what comes.
    fn exchange(&mut self, exchange: &mut Exchange<'_, '_>) -> Result<String, NoReply> {
        let Connection::Open(wire) = &mut self.connection else {
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

    fn gives_up(&mut self, mut said: Vec<String>, why: NoReply, began: Instant) -> Reply {
        // A reply that comes later would be taken for the next line's.
        self.connection = Connection::NotYet;
        self.state.is_connected_anew();
        match why {
            NoReply::Cancelled => self.ended(said, Outcome::Cancelled, began),
            NoReply::TimedOut => {
                said.push("(no reply: the time limit is over)".to_owned());
                Reply { text: said.join("\n"), end: Outcome::TimedOut }
            }
            NoReply::Lost(lost) => {
                self.connection = Connection::Lost;
                said.push(lost.to_string());
                self.ended(said, Outcome::NotConnected, began)
            }
        }
    }

    fn ended(&self, mut said: Vec<String>, end: Outcome, began: Instant) -> Reply {
        let took = began.elapsed();
        if took >= SLOW && self.reader == Reader::Person {
            said.push(format!("({:.2}s)", took.as_secs_f64()));
        }
        said.retain(|text| !text.is_empty());
        Reply { text: said.join("\n"), end }
    }
}

/// Asks on a new connection; gives the server's error, if it answers with one.
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

/// A line's words and how often they are to be sent: `3 PING` is PING three times.
fn understand(line: &str) -> Result<(u64, Vec<Vec<u8>>), String> {
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

/// A closed connection is all that SHUTDOWN says when it succeeds.
fn ends_the_server(words: &[Vec<u8>]) -> bool {
    words.first().is_some_and(|word| word.eq_ignore_ascii_case(b"shutdown"))
}

fn is_number(word: &[u8]) -> bool {
    let digits = word.strip_prefix(b"-").or(word.strip_prefix(b"+")).unwrap_or(word);
    !digits.is_empty() && digits.iter().all(u8::is_ascii_digit)
}

fn nothing_to_send() -> Reply {
    Reply { text: String::new(), end: Outcome::NotSent }
}
