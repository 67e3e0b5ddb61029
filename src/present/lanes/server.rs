//! The lanes of the server: work such as saves, who had to wait, what the file holds, the crash.

use std::time::Duration;

use super::contents::{contents, keys_may_have_ended};
use super::values::{Content, Edge, Label, Lane, Look, Picture, Span, SpanText, Told};
use crate::attempt::evidence::{Evidence, Waits};
use crate::lesson::Moment;
use crate::present::evidence::{MARK, numbers};
use crate::runner_line::{START_MARK, STOP_MARK};
use crate::verdict::Pointer;
use crate::verdict::work::{WorkEnd, WorkSpan, Worker};

/// Shorter work keeps nobody waiting that one would notice.
const SHORTEST_WALL: Duration = Duration::from_millis(20);

pub fn add(picture: &mut Picture, evidence: &Evidence, work: &[WorkSpan], pointers: &[Pointer]) {
    add_work(picture, evidence, work);
    add_stops(picture, evidence);
    add_waits(picture, evidence, work, pointers.contains(&Pointer::LongestWait));
    let file = work.iter().find(|span| span.made_the_file);
    add_file(picture, evidence, file);
    add_crash(picture, evidence, file);
}

fn add_work(picture: &mut Picture, evidence: &Evidence, work: &[WorkSpan]) {
    let mut lanes: Vec<&str> = work.iter().map(|work| work.lane).collect();
    lanes.dedup();
    for lane in lanes {
        let own = work.iter().filter(|work| work.lane == lane);
        let spans = own.map(|work| span(evidence, work)).collect();
        picture.lanes.push(Lane { label: Label::new(lane, lane), content: Content::Spans(spans) });
    }
    for work in work {
        picture.story.extend(story(evidence, work));
    }
}

fn span(evidence: &Evidence, work: &WorkSpan) -> Span {
    let (edge, after) = match work.end {
        WorkEnd::Succeeded(_) => (Edge::Closed, "done"),
        WorkEnd::Failed(_) => (Edge::Broken, "failed"),
        WorkEnd::Stopped(_) => (Edge::Broken, "ended by a signal"),
        WorkEnd::Ended(_) => (Edge::Closed, "ended"),
        WorkEnd::Killed => (Edge::Broken, "killed"),
        WorkEnd::StillRunning => (Edge::Open, "not done"),
        WorkEnd::Unknown => (Edge::Open, "?"),
    };
    let end = work.end.at();
    let shown_until = end.unwrap_or(crash_or_end(evidence));
    let ran_until = match work.end {
        WorkEnd::Killed | WorkEnd::StillRunning => shown_until,
        _ => work.ran_until,
    };
    let look = if work.worker == Worker::Server { Look::Wall } else { Look::Child };
    let choices =
        if work.is_scheduled { &["scheduled, began later", "scheduled"] } else { work.doing };
    let answered = evidence.took;
    let goes_on = ran_until > answered + SHORTEST_WALL;
    let mut texts = vec![SpanText {
        from: work.from,
        until: if goes_on { answered } else { shown_until },
        choices,
    }];
    if goes_on {
        let choices = &["still writing after your answer ended", "still writing", "still"];
        texts.push(SpanText { from: answered, until: shown_until, choices });
    }
    Span {
        from: work.from,
        begins_later: work.is_scheduled,
        ran_until,
        until: end,
        edge,
        crossed_at: goes_on.then_some(answered),
        look,
        texts,
        after,
    }
}

/// The end of everything that is drawn.
fn crash_or_end(evidence: &Evidence) -> Duration {
    evidence.settled.unwrap_or(evidence.took).max(evidence.took)
}

fn story(evidence: &Evidence, work: &WorkSpan) -> Vec<Told> {
    let (name, answered) = (work.name, evidence.took);
    let says = match work.worker {
        Worker::Server => format!("a {name} began in the server itself: it answered nobody else"),
        Worker::Child if work.is_scheduled => format!("a {name} was scheduled"),
        Worker::Child => format!("a {name} began"),
    };
    let mut told = vec![Told::then(work.from, says)];
    if work.ran_until >= answered && work.worker == Worker::Child {
        told.push(Told::then(answered, format!("the {name} was still running")));
    }
    let (at, how) = match work.end {
        WorkEnd::Succeeded(at) => (at, "had ended, and its file was complete"),
        WorkEnd::Failed(at) => (at, "had failed"),
        WorkEnd::Stopped(at) => (at, "had been ended by a signal"),
        WorkEnd::Ended(at) => (at, "had ended"),
        WorkEnd::Killed => (crash_or_end(evidence), "was killed together with the server"),
        WorkEnd::StillRunning | WorkEnd::Unknown => return told,
    };
    told.push(Told::at(at, format!("the {name} {how}")));
    told
}

/// The times in which the answer had stopped its server.
fn add_stops(picture: &mut Picture, evidence: &Evidence) {
    let marks = &evidence.timeline.marks;
    let mut spans = Vec::new();
    for stop in marks.iter().filter(|mark| mark.word == STOP_MARK) {
        let mut later = marks.iter().filter(|mark| mark.seen > stop.seen);
        let start = later.find(|mark| mark.word == START_MARK);
        let until = start.map_or(crash_or_end(evidence), |start| start.seen);
        let choices = &["the server is stopped", "stopped", "off"];
        spans.push(Span {
            from: stop.seen,
            begins_later: false,
            ran_until: until,
            until: start.map(|start| start.seen),
            edge: if start.is_some() { Edge::Closed } else { Edge::Open },
            crossed_at: None,
            look: Look::Wall,
            texts: vec![SpanText { from: stop.seen, until, choices }],
            after: "",
        });
        picture.story.push(Told::during(stop.seen, until, "the server was stopped"));
    }
    if !spans.is_empty() {
        let label = Label::new("server", "server");
        picture.lanes.push(Lane { label, content: Content::Spans(spans) });
    }
}

fn add_waits(picture: &mut Picture, evidence: &Evidence, work: &[WorkSpan], is_marked: bool) {
    let label = Label::new("others wait", "others");
    if let Some(waits) = evidence.waits.as_ref().filter(|waits| waits.pings > 0) {
        let content = Content::Waits(waits.clone());
        picture.lanes.push(Lane { label, content });
        let mark = if is_marked { format!("  {MARK}") } else { String::new() };
        picture.notes.push(format!("another client sent {}{mark}", numbers(waits)));
        picture.story.push(longest(waits));
        return;
    }
    let walls: Vec<Span> = work
        .iter()
        .filter(|work| work.worker == Worker::Server)
        .filter_map(|work| wall(work.from, work.end.at()?))
        .collect();
    if !walls.is_empty() {
        picture.lanes.push(Lane { label, content: Content::Spans(walls) });
    }
}

fn wall(from: Duration, until: Duration) -> Option<Span> {
    let choices = &["everyone else has to wait", "all must wait", "wait"];
    (until.saturating_sub(from) > SHORTEST_WALL).then(|| Span {
        from,
        begins_later: false,
        ran_until: until,
        until: Some(until),
        edge: Edge::Closed,
        crossed_at: None,
        look: Look::Wall,
        texts: vec![SpanText { from, until, choices }],
        after: "",
    })
}

fn longest(waits: &Waits) -> Told {
    let (at, took) = (waits.longest.at, waits.longest.took);
    let says = "another client waited for a reply: that was the longest wait";
    Told::during(at, at + took, says)
}

/// What the file holds: what it holds alone if a check asks, else what came back from it.
fn add_file(picture: &mut Picture, evidence: &Evidence, file: Option<&WorkSpan>) {
    let (restored, crash) = (Moment::Restore, Moment::Crash);
    let alone = evidence.looks.get(&restored).filter(|_| !keys_may_have_ended(evidence));
    let alone = alone.map(|look| contents(evidence, look));
    let back = evidence.looks.get(&crash).filter(|_| shows_the_file(evidence));
    let held = alone.or(back.filter(|_| file.is_some()).map(|look| contents(evidence, look)));
    let text = match (&held, file) {
        (Some(held), _) => held.clone(),
        (None, Some(_)) => "all keys of this moment".to_owned(),
        (None, None) => return,
    };
    let (at, sign) = match file {
        Some(save) => (save.from, '▲'),
        None => (crash_or_end(evidence), ' '),
    };
    let (label, look) = (Label::new("file holds", "file"), Look::File);
    picture.lanes.push(Lane { label, content: Content::Caption { at, sign, look, text } });
    let holds = held.map(|held| format!("the file holds {held}"));
    picture.story.extend(holds.map(Told::afterwards));
    if let Some(save) = file {
        let says = format!("the file is of the moment at which the {} began", save.name);
        picture.story.push(Told::afterwards(says));
    }
}

/// Whether what came back is what the file holds: the server has read the file, and not one that logs
/// each command, and no key has ended since.
fn shows_the_file(evidence: &Evidence) -> bool {
    let mut looks = evidence.before_the_crash().chain(evidence.at(Moment::Crash));
    looks.all(|now| now.info.number("aof_enabled") == 0) && !keys_may_have_ended(evidence)
}

fn add_crash(picture: &mut Picture, evidence: &Evidence, file: Option<&WorkSpan>) {
    let (crash, restart) = (Moment::Crash, Moment::Restart);
    let Some((moment, look)) =
        [crash, restart].into_iter().find_map(|at| Some((at, evidence.looks.get(&at)?)))
    else {
        return;
    };
    let at = crash_or_end(evidence);
    let text = match (moment, look) {
        (Moment::Restart, Ok(_)) => "told to end, and restarted",
        (Moment::Restart, Err(_)) => "told to end, and did not come back",
        (_, Ok(_)) => "killed and restarted",
        (_, Err(_)) => "killed, and did not start again",
    };
    let label = Label::new("server", "server");
    let sign = if moment == restart { '▪' } else { '☠' };
    let caption = Content::Caption { at, sign, look: Look::Bad, text: text.to_owned() };
    picture.lanes.push(Lane { label, content: caption });
    picture.story.push(Told::at(at, format!("the server was {text}")));
    if moment == restart {
        return;
    }
    let is_told = evidence.looks.contains_key(&Moment::Restore)
        || (file.is_some() && shows_the_file(evidence));
    if is_told {
        return;
    }
    let held = contents(evidence, look);
    let says = format!("after the crash this came back: {held}");
    picture.story.push(Told::afterwards(says));
    let (label, look) = (Label::new("came back", "back"), Look::Plain);
    let caption = Content::Caption { at, sign: ' ', look, text: held };
    picture.lanes.push(Lane { label, content: caption });
}
