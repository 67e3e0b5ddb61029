//! The lanes of the answer: its commands, the messages that it received, and its end.

use std::collections::BTreeSet;
use std::time::Duration;

use super::contents;
use super::gather::gathered;
use super::values::{Content, DETAILS, Label, Lane, Look, Picture, Point, Told, Trail, Weight};
use crate::attempt::evidence::{Evidence, ProgramEnd, Run};
use crate::present::evidence::{TranscriptLine, command_line, commands_of, reply_line};
use crate::present::text::{display_width, reveal, truncate};
use crate::redis_cli::commands;
use crate::relay::{CommandOutcome, Event, Exchange, Message, Timeline};
use crate::runner_line::{self, Place, RunnerLine};
use crate::topics::{is_durable, is_known_blocker, status_commands};
use crate::verdict::Pointer;

/// More connections share a lane.
const MOST_LANES: usize = 3;
/// The most detailed form of a command is cut to this.
const LONGEST: usize = 26;
/// The keys that the shorter form shows are cut to this.
const SHORT_KEYS: usize = 14;
/// A reply that took longer than this is drawn as a wait.
const SLOW_REPLY: Duration = Duration::from_millis(20);
/// The maximum number of errors below the picture.
const ERRORS: usize = 2;

pub fn add(picture: &mut Picture, evidence: &Evidence, pointers: &[Pointer]) {
    let timeline = &evidence.timeline;
    let all = commands_of(timeline, pointers, None);
    let connections: BTreeSet<u32> =
        all.iter().filter_map(|line| line.first.connection()).collect();
    let is_split = (2..=MOST_LANES).contains(&connections.len());
    let owners: Vec<Option<u32>> =
        if is_split { connections.into_iter().map(Some).collect() } else { vec![None] };
    let asked = contents::asked_keys(evidence);
    let number = owners.len();
    for (index, owner) in owners.into_iter().enumerate() {
        let lines = commands_of(timeline, pointers, owner);
        picture.story.extend(lines.iter().map(|line| told(line, is_split)));
        let mut points = points(&lines, timeline, &asked);
        if index == 0 {
            add_waits(picture, &mut points, evidence);
        }
        points.extend(cut_offs(timeline, owner));
        if index + 1 == number {
            let end = end(evidence);
            picture.story.push(ended(evidence));
            points.push(end);
        }
        points.sort_by_key(|point| point.at);
        let label = match owner {
            Some(connection) => {
                Label::new(&format!("your answer #{connection}"), &format!("you #{connection}"))
            }
            None => Label::new("your answer", "you"),
        };
        picture.lanes.push(Lane { label, content: Content::Points(gathered(points)) });
    }
    picture.story.extend(
        cut_off_subscribers(timeline)
            .map(|(_, at)| Told::at(at, "Redis closed a subscriber's connection".to_owned())),
    );
    add_messages(picture, &timeline.messages);
    add_errors(picture, &all);
}

fn points(
    lines: &[TranscriptLine<'_>],
    timeline: &Timeline,
    asked: &BTreeSet<String>,
) -> Vec<Point> {
    let (runs, pipelined) = (timeline.earliest_runs(), timeline.pipelined());
    let mut points = Vec::new();
    for line in lines {
        let Some(exchange) = line.first.exchange() else { continue };
        let mut point = point(line, exchange, runs[line.index], asked);
        // The replies to a pipeline come together: they do not show which command took long.
        if pipelined[line.index] {
            point.trail = point.trail.filter(|trail| matches!(trail, Trail::Repeats(_)));
        }
        points.push(point);
    }
    points
}

fn point(
    line: &TranscriptLine<'_>,
    exchange: &Exchange,
    at: Duration,
    asked: &BTreeSet<String>,
) -> Point {
    let is_refused = line.outcome() == CommandOutcome::Refused && !ends_the_server(exchange);
    let trail = match line.last.exchange() {
        Some(last) if line.count > 1 => Some(Trail::Repeats(last.ended())),
        Some(last) if last.ended().saturating_sub(last.at) > SLOW_REPLY => {
            Some(Trail::Waits(last.ended()))
        }
        _ => None,
    };
    let sign = match line.outcome() {
        _ if is_refused => " ✗",
        CommandOutcome::NotRun => " (not run)",
        CommandOutcome::Unknown => " (no reply)",
        CommandOutcome::Refused | CommandOutcome::Done => "",
    };
    let times = if line.count > 1 { format!(" ×{}", line.count) } else { String::new() };
    let texts = forms(exchange).map(|text| format!("{text}{times}{sign}"));
    let look = match () {
        () if is_refused => Look::Bad,
        () if line.marked => Look::Marked,
        () => Look::Command,
    };
    let name = exchange.name();
    Point {
        at,
        count: line.count,
        trail,
        texts,
        look,
        weight: weight(line, exchange, asked),
        is_about_work: is_about_work(&name),
    }
}

/// When Redis closed subscribers' connections, by connection.
fn cut_off_subscribers(timeline: &Timeline) -> impl Iterator<Item = (u32, Duration)> {
    let subscribed = |connection| {
        timeline.exchanges.iter().any(|exchange| {
            exchange.connection == connection
                && ["SUBSCRIBE", "PSUBSCRIBE"].contains(&exchange.name().as_str())
        })
    };
    let cut_off = timeline.cut_off.iter().map(|(connection, at)| (*connection, *at));
    cut_off.filter(move |(connection, _)| subscribed(*connection))
}

fn cut_offs(timeline: &Timeline, owner: Option<u32>) -> Vec<Point> {
    cut_off_subscribers(timeline)
        .filter(|(connection, _)| owner.is_none_or(|owner| owner == *connection))
        .map(|(_, at)| Point {
            at,
            count: 1,
            trail: None,
            texts: ["✗ Redis closes the connection", "✗ closed", "✗ closed", "✗"]
                .map(str::to_owned),
            look: Look::Bad,
            weight: Weight::Evidence,
            is_about_work: false,
        })
        .collect()
}

/// Whether it is a SHUTDOWN that succeeded: it has no reply, and the server does not count it.
fn ends_the_server(exchange: &Exchange) -> bool {
    exchange.name() == "SHUTDOWN" && exchange.reply.is_none()
}

/// Whether it is how a client library learns that it has to load a script first.
fn is_a_script_to_load(refused: &Exchange, lines: &[TranscriptLine<'_>]) -> bool {
    let mut sent = lines.iter().filter_map(|line| line.last.exchange());
    refused.name() == "EVALSHA"
        && sent.any(|other| other.words == refused.words && other.outcome == CommandOutcome::Done)
}

/// The command as it would be typed, with its keys, with their last parts, and by its name only.
fn forms(exchange: &Exchange) -> [String; DETAILS] {
    let words = &exchange.words;
    let Some(command) = commands::of_words(words) else {
        let name = truncate(&shown(&words[..words.len().min(1)]), LONGEST);
        return [const { String::new() }; DETAILS].map(|_| name.clone());
    };
    let name = command.name.replace('|', " ").to_uppercase();
    let all = shown(words);
    let places = match command.keys(words.len()) {
        keys if !keys.is_empty() => keys,
        // The setting of CONFIG, the channels of Pub/Sub; else the name says it.
        _ if command.name.contains('|') => (2..words.len().min(3)).collect(),
        _ if command.name == "publish" => vec![1],
        _ if command.has("pubsub") => (1..words.len()).collect(),
        _ => Vec::new(),
    };
    let keys: Vec<String> = places
        .iter()
        .filter_map(|index| words.get(*index))
        .map(|key| shown(std::slice::from_ref(key)))
        .collect();
    // A pattern or channel is no longer the same without its beginning.
    let shorten = if command.has("pubsub") { |name| name } else { last_part };
    let parts: Vec<&str> = keys.iter().map(|key| shorten(key)).collect();
    let with_keys = truncate(format!("{name} {}", keys.join(" ")).trim_end(), LONGEST);
    let short = format!("{name} {}", truncate(&parts.join(" "), SHORT_KEYS));
    let is_short = !keys.is_empty() && display_width(&all) <= LONGEST;
    let all = if is_short { all } else { with_keys.clone() };
    [all, with_keys, short.trim_end().to_owned(), name]
}

/// `1001` of `order:1001`.
fn last_part(key: &str) -> &str {
    key.rsplit(':').next().filter(|last| !last.is_empty()).unwrap_or(key)
}

fn is_about_work(name: &str) -> bool {
    is_durable(name) || is_known_blocker(name) || status_commands().any(|known| known == name)
}

fn shown(words: &[Vec<u8>]) -> String {
    reveal(&command_line(words)).into_owned()
}

fn weight(line: &TranscriptLine<'_>, exchange: &Exchange, asked: &BTreeSet<String>) -> Weight {
    let name = exchange.name();
    let keys = commands::written_keys(&exchange.words);
    let mut keys =
        keys.iter().filter_map(|index| std::str::from_utf8(&exchange.words[*index]).ok());
    let writes_an_asked_key = keys.any(|key| asked.contains(key));
    match () {
        () if line.marked => Weight::Evidence,
        () if is_durable(&name) || is_known_blocker(&name) => Weight::Save,
        () if line.outcome() == CommandOutcome::Refused => Weight::Refusal,
        () if writes_an_asked_key => Weight::AskedKey,
        () if ["write", "pubsub"].iter().any(|has| commands::any_has(&name, has)) => Weight::Write,
        () if line.count > 1 => Weight::Poll,
        () => Weight::Read,
    }
}

fn told(line: &TranscriptLine<'_>, is_split: bool) -> Told {
    let command = line.first.exchange().map(|exchange| forms(exchange)[1].clone());
    let command = command.unwrap_or_default();
    let connection = match line.first.connection() {
        Some(number) if is_split => format!(" on connection {number}"),
        _ => String::new(),
    };
    let (at, last) = (line.first.exchange().map_or(Duration::ZERO, |first| first.at), line.last);
    let reply = last.exchange().map(reply_line).unwrap_or_default();
    let ended = last.exchange().map_or(at, Exchange::ended);
    let has_no_reply = last.exchange().is_some_and(|exchange| exchange.reply.is_none());
    let how = match line.outcome() {
        CommandOutcome::Refused if has_no_reply => " and got no reply".to_owned(),
        CommandOutcome::Refused => format!(", and was refused: {reply}"),
        CommandOutcome::NotRun => ", which never ran".to_owned(),
        CommandOutcome::Unknown => " and got no reply".to_owned(),
        CommandOutcome::Done if ended.saturating_sub(at) > SLOW_REPLY && line.count == 1 => {
            format!(" and got its reply at {}", super::time(ended))
        }
        CommandOutcome::Done => String::new(),
    };
    if line.count > 1 {
        let says = format!("your answer sent {command} {} times{connection}{how}", line.count);
        return Told::during(at, ended, says);
    }
    Told::at(at, format!("your answer sent {command}{connection}{how}"))
}

/// The runner's own lines of a `redis` answer that wait.
fn add_waits(picture: &mut Picture, points: &mut Vec<Point>, evidence: &Evidence) {
    let Run::Typed(typed) = &evidence.run else { return };
    for line in &typed.exchanges {
        let Some((word, what)) = wait(&line.line) else { continue };
        let until = line.at + line.took;
        points.push(Point {
            at: line.at,
            count: 1,
            trail: (line.took > SLOW_REPLY).then_some(Trail::Waits(until)),
            texts: [&word, &word, "@wait", "@wait"].map(str::to_owned),
            look: Look::Command,
            weight: Weight::Save,
            is_about_work: true,
        });
        let says = format!("your answer waited until {what} ({word})");
        picture.story.push(Told::during(line.at, until, says));
    }
}

/// The word of a line that waits, and what for.
fn wait(line: &str) -> Option<(String, String)> {
    if !runner_line::is_for_the_runner(line) {
        return None;
    }
    let what = match runner_line::read(line, Place::Setup).ok()? {
        RunnerLine::Wait(work) => format!("no {} ran", work.name),
        RunnerLine::WaitFor(awaited) => awaited.to_string(),
        _ => return None,
    };
    Some((line.split_whitespace().next()?.to_lowercase(), what))
}

fn end(evidence: &Evidence) -> Point {
    let (texts, look) = match &evidence.run {
        run if run.timed_out() => {
            (["✗ stopped: time limit", "✗ time limit", "✗ time limit", "✗ limit"], Look::Bad)
        }
        Run::Program(program) => match program.end {
            ProgramEnd::Exited(0) | ProgramEnd::TimedOut => (["end"; DETAILS], Look::Plain),
            ProgramEnd::Exited(_) => {
                (["✗ end with an error", "✗ error", "✗ error", "✗"], Look::Bad)
            }
            ProgramEnd::Signalled(_) => {
                (["✗ ended by a signal", "✗ signal", "✗ signal", "✗"], Look::Bad)
            }
        },
        Run::Typed(_) => (["end"; DETAILS], Look::Plain),
    };
    let texts = texts.map(str::to_owned);
    let (at, weight) = (evidence.took, Weight::End);
    Point { at, count: 1, trail: None, texts, look, weight, is_about_work: false }
}

fn ended(evidence: &Evidence) -> Told {
    let says = match &evidence.run {
        run if run.timed_out() => "your answer was stopped at its time limit",
        Run::Program(program) => match program.end {
            ProgramEnd::Exited(0) | ProgramEnd::TimedOut => "your answer ended",
            ProgramEnd::Exited(_) => "your answer ended with an error",
            ProgramEnd::Signalled(_) => "a signal ended your answer",
        },
        Run::Typed(_) => "your answer ended",
    };
    Told::at(evidence.took, says)
}

fn add_messages(picture: &mut Picture, messages: &[Message]) {
    let mut points = Vec::new();
    for message in messages {
        let channel = shown(std::slice::from_ref(&message.channel));
        let payload = truncate(&shown(std::slice::from_ref(&message.payload)), LONGEST);
        let says = format!("a message came on {channel}: {payload}");
        picture.story.push(Told::at(message.at, says));
        let short = truncate(&payload, SHORT_KEYS);
        points.push(Point {
            at: message.at,
            count: 1,
            trail: None,
            texts: [format!("{channel}: {payload}"), payload, short, "◄".to_owned()],
            look: Look::Plain,
            weight: Weight::Write,
            is_about_work: false,
        });
    }
    if !points.is_empty() {
        let label = Label::new("messages", "msgs");
        picture.lanes.push(Lane { label, content: Content::Points(gathered(points)) });
    }
}

/// The errors of refused commands, each once.
fn add_errors(picture: &mut Picture, lines: &[TranscriptLine<'_>]) {
    let mut notes: Vec<String> = Vec::new();
    for line in lines.iter().filter(|line| line.outcome() == CommandOutcome::Refused) {
        let Event::Exchange(exchange) = line.last else { continue };
        if ends_the_server(exchange) || is_a_script_to_load(exchange, lines) {
            continue;
        }
        let note = format!("✗ {}: {}", reveal(&exchange.name()), reply_line(exchange));
        if !notes.contains(&note) && notes.len() < ERRORS {
            notes.push(note);
        }
    }
    picture.notes.extend(notes);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::present::evidence::tests::exchange;

    #[test]
    fn a_short_form_names_all_channels_but_no_message() {
        let short = |command| forms(&exchange(0, command, ":1"))[2].clone();
        assert_eq!(short("SUBSCRIBE stock shop"), "SUBSCRIBE stock shop");
        assert_eq!(short("PUBLISH orders paid"), "PUBLISH orders");
    }
}
