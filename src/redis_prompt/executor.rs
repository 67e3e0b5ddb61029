//! Lines typed one after another on one connection, with what redis-cli says to each.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use redis::ConnectionInfo;

use super::conversation::{Conversation, Kind};
use super::wire::{Lost, Wire};
use crate::redis_cli::reply::format_resp_to;
use crate::redis_cli::resp::Resp;
use crate::redis_cli::words;

/// How often somebody who waits is asked whether to go on.
const ASKED_EVERY: Duration = Duration::from_millis(100);
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

/// What goes on while a line runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meanwhile<'a> {
    /// There is no reply yet, so long after the line was sent; told about ten times a second.
    Waiting(Duration),
    /// What comes without being the reply, to be shown at once: the messages of SUBSCRIBE and MONITOR, and what
    /// a server pushes after HELLO 3.
    Message(&'a str),
}

/// Is told what goes on; `Break` cancels the line.
pub type Watch<'a> = dyn FnMut(Meanwhile<'_>) -> ControlFlow<()> + 'a;

/// Executes lines on one connection as redis-cli would.
#[derive(Debug)]
pub struct Executor {
    target: ConnectionInfo,
    connection: Connection,
    state: Conversation,
}

#[derive(Debug)]
enum Connection {
    /// Nothing was typed yet, or the connection was given up: the next line connects.
    NotYet,
    Open(Box<Wire>),
    /// The last try failed, or the server closed it.
    Lost,
}

/// Why a line has no reply.
enum NoReply {
    Lost(Lost),
    TimedOut,
    Cancelled,
}

impl Executor {
    /// For the server at `target`, with its user and database. Connects with the first line.
    pub fn new(target: ConnectionInfo) -> Self {
        let state = Conversation::in_database(target.redis_settings().db());
        Self { target, connection: Connection::NotYet, state }
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
        let Some(kind) = Kind::of(&words) else { return nothing_to_send() };
        if let Kind::Refused(why) = kind {
            return Reply { text: why.to_owned(), end: Outcome::NotSent };
        }
        let began = Instant::now();
        let deadline = began + limit;
        if let Err(text) = self.connect(deadline) {
            self.connection = Connection::Lost;
            return Reply { text, end: Outcome::NotConnected };
        }
        let mut said = Vec::new();
        let mut exchange = Exchange { words: &words, kind, began, deadline, watch };
        for _ in 0..times {
            match self.exchange(&mut exchange) {
                Ok(text) => said.push(text),
                Err(NoReply::Lost(Lost::Closed)) if ends_the_server(&words) => {
                    self.connection = Connection::Lost;
                    return ended(said, Outcome::Replied, began);
                }
                Err(why) => return self.gives_up(said, why, began),
            }
        }
        ended(said, Outcome::Replied, began)
    }

    /// Makes a connection where there is none, and says on it who we are and in which database.
    fn connect(&mut self, deadline: Instant) -> Result<(), String> {
        if matches!(self.connection, Connection::Open(_)) {
            return Ok(());
        }
        let left = deadline.saturating_duration_since(Instant::now());
        let mut wire = Wire::connect(self.target.addr(), left)?;
        self.state.is_connected_anew();
        for words in self.greeting() {
            let greeted = wire.send(&words, GREETING_LIMIT);
            let reply = greeted.and_then(|()| wire.receive(left.min(GREETING_LIMIT)));
            match reply.map_err(|lost| lost.to_string())? {
                Some(Resp::Error(why)) => {
                    return Err(format!("(error) {}", String::from_utf8_lossy(&why)));
                }
                Some(_) => {}
                None => return Err("Error: the server does not answer".to_owned()),
            }
        }
        self.connection = Connection::Open(Box::new(wire));
        Ok(())
    }

    fn greeting(&self) -> Vec<Vec<Vec<u8>>> {
        let settings = self.target.redis_settings();
        let words = |words: &[&str]| words.iter().map(|word| word.as_bytes().to_vec()).collect();
        let mut greeting = Vec::new();
        match (settings.username(), settings.password()) {
            (Some(user), Some(password)) => greeting.push(words(&["AUTH", user, password])),
            (None, Some(password)) => greeting.push(words(&["AUTH", password])),
            (_, None) => {}
        }
        let database = self.state.chosen_database();
        if database != 0 {
            greeting.push(words(&["SELECT", &database.to_string()]));
        }
        greeting
    }

    /// Sends the line once and reads what comes.
    fn exchange(&mut self, exchange: &mut Exchange<'_, '_>) -> Result<String, NoReply> {
        let Connection::Open(wire) = &mut self.connection else {
            return Err(NoReply::Lost(Lost::Closed));
        };
        let left = exchange.deadline.saturating_duration_since(Instant::now());
        wire.send(exchange.words, left).map_err(NoReply::Lost)?;
        let reply = match exchange.kind {
            Kind::Subscribes => exchange.follow(wire, Some(READING)),
            Kind::Monitors => exchange.follow(wire, None),
            Kind::Unsubscribes(_) | Kind::Plain | Kind::Refused(_) => exchange.replies(wire),
        };
        let (text, last) = reply?;
        self.state.has_replied(exchange.words, &last);
        Ok(text)
    }

    fn gives_up(&mut self, mut said: Vec<String>, why: NoReply, began: Instant) -> Reply {
        // A reply that comes later would be taken for the next line's.
        self.connection = Connection::NotYet;
        self.state.is_connected_anew();
        match why {
            NoReply::Cancelled => ended(said, Outcome::Cancelled, began),
            NoReply::TimedOut => {
                said.push("(no reply: the time limit is over)".to_owned());
                Reply { text: said.join("\n"), end: Outcome::TimedOut }
            }
            NoReply::Lost(lost) => {
                self.connection = Connection::Lost;
                said.push(lost.to_string());
                ended(said, Outcome::NotConnected, began)
            }
        }
    }
}

const READING: &str = "Reading messages... (press Ctrl-C to quit)";

/// One line on its way.
struct Exchange<'a, 'w> {
    words: &'a [Vec<u8>],
    kind: Kind,
    began: Instant,
    deadline: Instant,
    watch: &'a mut Watch<'w>,
}

impl Exchange<'_, '_> {
    /// The line's own replies; what the server pushes before them is shown at once, as redis-cli does.
    fn replies(&mut self, wire: &mut Wire) -> Result<(String, Resp), NoReply> {
        let (expected, pushes_count) = match self.kind {
            Kind::Unsubscribes(channels) => (channels.max(1), true),
            _ => (1, false),
        };
        let mut lines = Vec::new();
        loop {
            let value = self.next(wire)?;
            if let (Resp::Push(items), false) = (&value, pushes_count) {
                self.show(&pushed(items))?;
                continue;
            }
            lines.push(format_resp_to(self.words, &value));
            if lines.len() == expected || matches!(value, Resp::Error(_)) {
                return Ok((lines.join("\n"), value));
            }
        }
    }

    /// Shows what comes until somebody cancels or the server refuses.
    fn follow(&mut self, wire: &mut Wire, first: Option<&str>) -> Result<(String, Resp), NoReply> {
        if let Some(first) = first {
            self.show(first)?;
        }
        loop {
            let value = self.next(wire)?;
            let text = format_resp_to(self.words, &value);
            if matches!(value, Resp::Error(_)) {
                return Ok((text, value));
            }
            self.show(&text)?;
        }
    }

    fn next(&mut self, wire: &mut Wire) -> Result<Resp, NoReply> {
        loop {
            let left = self.deadline.saturating_duration_since(Instant::now());
            match wire.receive(left.min(ASKED_EVERY)).map_err(NoReply::Lost)? {
                Some(value) => return Ok(value),
                None if left.is_zero() => return Err(NoReply::TimedOut),
                None => self.tell(Meanwhile::Waiting(self.began.elapsed()))?,
            }
        }
    }

    fn show(&mut self, text: &str) -> Result<(), NoReply> {
        self.tell(Meanwhile::Message(text))
    }

    fn tell(&mut self, news: Meanwhile<'_>) -> Result<(), NoReply> {
        match (self.watch)(news) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(NoReply::Cancelled),
        }
    }
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

fn ended(mut said: Vec<String>, end: Outcome, began: Instant) -> Reply {
    let took = began.elapsed();
    if took >= SLOW {
        said.push(format!("({:.2}s)", took.as_secs_f64()));
    }
    said.retain(|text| !text.is_empty());
    Reply { text: said.join("\n"), end }
}

/// What a server says without being asked: the keys that a tracking client has to forget, or anything else.
fn pushed(items: &[Resp]) -> String {
    match items {
        [Resp::Bulk(kind), Resp::Array(keys)] if kind == b"invalidate" => {
            let name = |key: &Resp| match key {
                Resp::Bulk(bytes) => format!("'{}'", String::from_utf8_lossy(bytes)),
                other => format_resp_to::<&str>(&[], other),
            };
            let names: Vec<String> = keys.iter().map(name).collect();
            format!("-> invalidate: {}", names.join(", "))
        }
        items => format_resp_to::<&str>(&[], &Resp::Push(items.to_vec())),
    }
}
