//! When each save ran and how it ended, as far as the evidence shows it.

use std::time::Duration;

use super::background::{SAVE, is_saving, last_end, saved_by_itself, was_killed};
use super::diagnoses::lastsave;
use super::own_saves::own_saves;
use crate::attempt::evidence::{Evidence, Run};
use crate::lesson::Moment;
use crate::relay::{CommandOutcome, Exchange};
use crate::runner_line::STOP_MARK;
use crate::server::{BgsaveEnd, ServerInfo};
use crate::topics::awaited_by;
use crate::verdict::diagnosis::facts::{info_field, reply_text};
use crate::verdict::work::{WorkEnd, WorkSpan, Worker};

/// Two looks of a wait are less than this apart: a pause of at most 20 ms, and INFO.
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);

const LANE: &str = "save";

/// Commands that may save, stop a save or move the file, in ways that are not followed here.
const UNFOLLOWED: [&str; 7] =
    ["SHUTDOWN", "DEBUG", "REPLICAOF", "SLAVEOF", "FAILOVER", "MODULE", "CLUSTER"];

/// All saves, in order: those that an answer asked for, or those of save points; none where others
/// may have run as well.
pub fn saves(evidence: &Evidence) -> Vec<WorkSpan> {
    let own = own_saves(evidence);
    let mut saves = if own.is_empty() { saves_asked_for(evidence) } else { own };
    let number = saves.len();
    for index in 0..number {
        if saves[index].worker == Worker::Child && saves[index].end.at().is_some() {
            saves[index].end = how_it_ended(evidence, &saves, index);
        }
    }
    if let Some(last) = last_file(evidence, &saves) {
        saves[last].made_the_file = true;
    }
    saves
}

fn saves_asked_for(evidence: &Evidence) -> Vec<WorkSpan> {
    if is_unclear(evidence) {
        return Vec::new();
    }
    let runs = evidence.timeline.earliest_runs();
    let mut saves = Vec::new();
    for (index, exchange) in evidence.timeline.exchanges.iter().enumerate() {
        saves.extend(match exchange.name().as_str() {
            "SAVE" => foreground(evidence, index, runs[index]),
            "BGSAVE" => background(evidence, index, &runs),
            _ => None,
        });
    }
    saves
}

/// Whether saves may have run that the timeline does not show.
fn is_unclear(evidence: &Evidence) -> bool {
    let timeline = &evidence.timeline;
    !is_followed(evidence)
        || timeline.exchanges.iter().any(has_run_unseen)
        || timeline.exchanges.iter().zip(timeline.pipelined()).any(is_in_a_pipeline)
        || timeline.values_set("save").any(|(_, points)| !points.trim().is_empty())
        || evidence.last().is_some_and(|now| has_saved_otherwise(evidence, &now.info))
}

/// Whether the timeline has every command that may save, and none with which saves can't be
/// followed.
pub fn is_followed(evidence: &Evidence) -> bool {
    let timeline = &evidence.timeline;
    evidence.invalid.is_none()
        && !timeline.is_incomplete
        && timeline.came_past.is_empty()
        && !timeline.left_out_names.iter().any(|name| is_about_saves(name))
        && !timeline.exchanges.iter().any(is_unfollowed)
}

fn is_about_saves(name: &str) -> bool {
    ["SAVE", "BGSAVE", "CONFIG", "FLUSHALL"].contains(&name) || UNFOLLOWED.contains(&name)
}

fn is_unfollowed(exchange: &Exchange) -> bool {
    exchange.outcome != CommandOutcome::Refused && UNFOLLOWED.contains(&exchange.name().as_str())
}

/// Whether it is a save that ran, but whose reply did not come, so that one cannot know when.
fn has_run_unseen(exchange: &Exchange) -> bool {
    ["SAVE", "BGSAVE"].contains(&exchange.name().as_str())
        && exchange.outcome == CommandOutcome::Done
        && exchange.reply.is_none()
}

fn is_in_a_pipeline((exchange, is_pipelined): (&Exchange, bool)) -> bool {
    is_pipelined && ["SAVE", "BGSAVE"].contains(&exchange.name().as_str())
}

/// Whether the server counts saves that the timeline does not have, or is another one.
fn has_saved_otherwise(evidence: &Evidence, now: &ServerInfo) -> bool {
    let before = &evidence.before;
    now.run_id() != before.run_id()
        || saved_by_itself(now, before)
        || ["SAVE", "BGSAVE"].iter().any(|name| has_more_calls(evidence, now, name))
}

/// Whether the server counts more calls than the timeline has.
fn has_more_calls(evidence: &Evidence, now: &ServerInfo, name: &str) -> bool {
    let command = name.to_lowercase();
    let counted = now.successful_calls(&command) - evidence.before.successful_calls(&command);
    let exchanges = evidence.timeline.exchanges.iter();
    let seen = exchanges
        .filter(|exchange| exchange.name() == name && exchange.outcome != CommandOutcome::Refused);
    i64::try_from(seen.count()).is_ok_and(|seen| counted > seen)
}

fn foreground(evidence: &Evidence, index: usize, from: Duration) -> Option<WorkSpan> {
    let save = &evidence.timeline.exchanges[index];
    if save.is_queued() || !may_have_run(save) {
        return None;
    }
    let end = match &save.reply {
        Some(_) => WorkEnd::Succeeded(save.ended()),
        // The server replies to nobody while SAVE runs.
        None if evidence.last().is_some() => return None,
        None if is_killed(evidence) => WorkEnd::Killed,
        None => WorkEnd::StillRunning,
    };
    Some(WorkSpan {
        name: "save",
        lane: LANE,
        doing: &["the server itself writes the file", "the server writes", "SAVE"],
        worker: Worker::Server,
        from,
        is_scheduled: false,
        ran_until: if save.reply.is_some() { save.ended() } else { from },
        end,
        made_the_file: false,
    })
}

fn may_have_run(exchange: &Exchange) -> bool {
    matches!(exchange.outcome, CommandOutcome::Done | CommandOutcome::Unknown)
}

/// When the answer first stopped its server after this.
pub fn stop_after(evidence: &Evidence, from: Duration) -> Option<Duration> {
    let mut stops = evidence.timeline.marks.iter().filter(|mark| mark.word == STOP_MARK);
    stops.find(|mark| mark.seen >= from).map(|mark| mark.at)
}

fn background(evidence: &Evidence, index: usize, runs: &[Duration]) -> Option<WorkSpan> {
    let bgsave = &evidence.timeline.exchanges[index];
    if bgsave.outcome != CommandOutcome::Done {
        return None;
    }
    let is_queued = bgsave.is_queued();
    let says_scheduled = reply_text(bgsave).is_some_and(|reply| reply.contains("scheduled"));
    let asked = if is_queued { exec_of(evidence, index)? } else { index };
    let from = if is_paused(evidence, runs[asked]) {
        evidence.timeline.exchanges[asked].ended()
    } else {
        after_foreground_saves(evidence, runs[asked])
    };
    let is_scheduled = is_queued || says_scheduled;
    let sightings = sightings(evidence, index, from, is_scheduled);
    let stopped = stop_after(evidence, from);
    let ended = sightings.iter().filter(|seen| !seen.running).map(|seen| seen.at).min();
    // A server that is stopped ends its child, and what starts later knows nothing of it.
    let ended = ended.filter(|at| stopped.is_none_or(|stopped| *at < stopped));
    let limit = ended.unwrap_or(Duration::MAX);
    let running = sightings.iter().filter(|seen| seen.running && seen.at <= limit);
    let end = match ended {
        Some(at) => WorkEnd::Ended(at),
        None if stopped.is_some() => WorkEnd::Unknown,
        None => end_unseen(evidence),
    };
    let ran_until = running.map(|seen| seen.at).max().unwrap_or(from);
    Some(WorkSpan { is_scheduled, ..by_a_child(from, ran_until, end) })
}

/// How a background save ended whose end was not seen.
pub fn end_unseen(evidence: &Evidence) -> WorkEnd {
    match evidence.last().filter(|now| is_saving(&now.info, &evidence.before)) {
        Some(_) if is_killed(evidence) => WorkEnd::Killed,
        Some(_) => WorkEnd::StillRunning,
        None => WorkEnd::Unknown,
    }
}

pub fn by_a_child(from: Duration, ran_until: Duration, end: WorkEnd) -> WorkSpan {
    WorkSpan {
        name: SAVE.name,
        lane: LANE,
        doing: &["a child writes the file", "a child writes", "child"],
        worker: Worker::Child,
        from,
        is_scheduled: false,
        ran_until,
        end,
        made_the_file: false,
    }
}

/// Whether the server was surely killed before a save that was running could finish its file.
fn is_killed(evidence: &Evidence) -> bool {
    evidence.looks.contains_key(&Moment::Crash) && evidence.file_bytes == evidence.file_bytes_before
}

fn exec_of(evidence: &Evidence, index: usize) -> Option<usize> {
    let exchanges = &evidence.timeline.exchanges;
    let connection = exchanges[index].connection;
    let mut later = exchanges.iter().enumerate().skip(index);
    later
        .find(|(_, other)| other.connection == connection && other.name() == "EXEC")
        .map(|(exec, _)| exec)
}

/// A command that comes while SAVE runs on another connection runs when SAVE has ended.
fn after_foreground_saves(evidence: &Evidence, at: Duration) -> Duration {
    let exchanges = evidence.timeline.exchanges.iter();
    let saves = exchanges.filter(|exchange| {
        exchange.name() == "SAVE" && exchange.outcome == CommandOutcome::Done && exchange.at < at
    });
    saves.map(Exchange::ended).fold(at, Duration::max)
}

/// Whether a CLIENT PAUSE that came before held up what came at this time.
fn is_paused(evidence: &Evidence, at: Duration) -> bool {
    let exchanges = evidence.timeline.exchanges.iter();
    let mut before = exchanges.take_while(|exchange| exchange.at <= at);
    before.any(|exchange| {
        let is_done = exchange.outcome == CommandOutcome::Done;
        is_done && exchange.asked_pause().is_some_and(|asked| at < exchange.at + asked)
    })
}

/// Whether a background save was running at this time, or had ended by then.
struct Sighting {
    at: Duration,
    running: bool,
}

/// What was seen of a background save that began at `from`, in order of time.
fn sightings(
    evidence: &Evidence,
    index: usize,
    from: Duration,
    is_scheduled: bool,
) -> Vec<Sighting> {
    let mut seen = seen_by_commands(evidence, index);
    for mark in evidence.timeline.marks.iter().filter(|mark| mark.word == SAVE.end_trigger) {
        seen.push(Sighting { at: mark.at, running: true });
        seen.push(Sighting { at: mark.seen, running: false });
    }
    seen.extend(seen_by_waits(evidence));
    seen.extend(seen_at_the_end(evidence));
    seen.retain(|seen| seen.at > from);
    seen.sort_by_key(|seen| seen.at);
    // INFO does not show a save that is only scheduled.
    if is_scheduled {
        let first = seen.iter().position(|seen| seen.running).unwrap_or(seen.len());
        let end = seen_at_the_end(evidence).into_iter().rfind(|seen| !seen.running);
        seen.drain(..first);
        seen.extend(end.filter(|_| seen_to_have_begun(evidence)));
    }
    seen
}

fn seen_to_have_begun(evidence: &Evidence) -> bool {
    evidence.last().is_some_and(|now| SAVE.begun_since(&now.info, &evidence.before) > 0)
}

/// What the replies to the answer's own commands show.
fn seen_by_commands(evidence: &Evidence, bgsave: usize) -> Vec<Sighting> {
    let mut seen = Vec::new();
    let mut last_time = None;
    for exchange in &evidence.timeline.exchanges[bgsave + 1..] {
        let name = exchange.name();
        if let Some(value) = info_field(exchange, "rdb_bgsave_in_progress") {
            let running = value != "0";
            let at = if running { exchange.at } else { exchange.ended() };
            seen.push(Sighting { at, running });
        } else if matches!(name.as_str(), "SAVE" | "BGSAVE") {
            match exchange.outcome {
                CommandOutcome::Done if !exchange.is_queued() => {
                    seen.push(Sighting { at: exchange.at, running: false });
                    last_time = None;
                }
                CommandOutcome::Refused if says_busy(exchange) => {
                    seen.push(Sighting { at: exchange.at, running: true });
                }
                _ => {}
            }
        } else if let Some(time) = lastsave(exchange) {
            if last_time.is_some_and(|earlier| earlier != time) {
                seen.push(Sighting { at: exchange.ended(), running: false });
            }
            last_time = Some(time);
        }
    }
    seen
}

fn says_busy(exchange: &Exchange) -> bool {
    exchange.error().is_some_and(|error| error.contains("save already in progress"))
}

/// What the runner's own lines that wait show.
fn seen_by_waits(evidence: &Evidence) -> Vec<Sighting> {
    let Run::Typed(typed) = &evidence.run else { return Vec::new() };
    let mut seen = Vec::new();
    for exchange in &typed.exchanges {
        if awaited_by(&exchange.line) != Some(&SAVE) || exchange.reply != SAVE.none_runs() {
            continue;
        }
        let end = exchange.at + exchange.took;
        if exchange.took > BETWEEN_LOOKS {
            seen.push(Sighting { at: end.saturating_sub(BETWEEN_LOOKS), running: true });
        }
        seen.push(Sighting { at: end, running: false });
    }
    seen
}

fn seen_at_the_end(evidence: &Evidence) -> Vec<Sighting> {
    let mut seen = Vec::new();
    if let Some(exit) = evidence.at(Moment::Exit) {
        let running = is_saving(&exit.info, &evidence.before);
        seen.push(Sighting { at: evidence.took, running });
    }
    if let Some(settled) = evidence.settled {
        let still_ran = settled.saturating_sub(BETWEEN_LOOKS);
        if still_ran > evidence.took {
            seen.push(Sighting { at: still_ran, running: true });
        }
        seen.push(Sighting { at: settled, running: false });
    }
    seen
}

/// How a background save ended that has ended.
fn how_it_ended(evidence: &Evidence, saves: &[WorkSpan], index: usize) -> WorkEnd {
    let end = saves[index].end;
    let (Some(at), Some(now)) = (end.at(), evidence.last()) else { return end };
    if saves[index + 1..].iter().any(|save| save.worker == Worker::Child) {
        return end;
    }
    match now.info.field("rdb_last_bgsave_status") {
        _ if was_killed(now) => WorkEnd::Stopped(at),
        Some("err") if evidence.before.field("rdb_last_bgsave_status") != Some("err") => {
            WorkEnd::Failed(at)
        }
        Some("ok") if has_succeeded(evidence, saves) => WorkEnd::Succeeded(at),
        _ => end,
    }
}

/// Whether the last background save, which has not failed, wrote its file. INFO's status is `ok`
/// too if FLUSHALL ended it, and a save is counted when it begins (`tests/facts`, INFO persistence).
fn has_succeeded(evidence: &Evidence, saves: &[WorkSpan]) -> bool {
    let Some(now) = evidence.last() else { return false };
    let (now_info, before) = (&now.info, &evidence.before);
    let has_flushed = now_info.successful_calls("flushall") > before.successful_calls("flushall");
    let new = now_info.number("rdb_saves") - before.number("rdb_saves");
    let are_counted = before.field("rdb_saves").is_some()
        && i64::try_from(saves.len()).is_ok_and(|all| new == all);
    let is_logged = !now.log_is_silent && last_end(now) == Some(BgsaveEnd::Succeeded);
    let only_one_moved_it = saves.len() == 1 && now_info.lastsave != before.lastsave;
    is_logged || only_one_moved_it || (are_counted && !has_flushed)
}

/// The save whose file was the last one written, if that is sure.
fn last_file(evidence: &Evidence, saves: &[WorkSpan]) -> Option<usize> {
    let timeline = &evidence.timeline;
    let mut moved = ["dir", "dbfilename"].iter().map(|name| timeline.values_set(name).count());
    if moved.any(|count| count > 0) {
        return None;
    }
    for (index, save) in saves.iter().enumerate().rev() {
        match save.end {
            WorkEnd::Succeeded(_) if save.is_scheduled => return None,
            WorkEnd::Succeeded(_) => return Some(index),
            WorkEnd::Failed(_) | WorkEnd::Stopped(_) | WorkEnd::Killed => {}
            WorkEnd::Ended(_) | WorkEnd::StillRunning | WorkEnd::Unknown => return None,
        }
    }
    None
}
