//! The lane of what happened beside the answer: another client's commands, time that passed, and
//! kills.

use super::gather::gathered;
use super::values::{Content, DETAILS, Label, Lane, Look, Picture, Point, Told, Weight};
use crate::attempt::evidence::Evidence;
use crate::lesson::check::time_words;
use crate::present::text::{reveal, truncate};
use crate::redis_cli::words;
use crate::relay::{Step, StepKind};

/// The most detailed form of a command is cut to this.
const LONGEST: usize = 26;
/// Where there are more points, no command of another client tells more than the answer's.
const TELLING: usize = 12;

pub fn add(picture: &mut Picture, evidence: &Evidence) {
    let steps = &evidence.timeline.steps;
    if steps.is_empty() {
        return;
    }
    let mut points = Vec::new();
    for step in steps {
        points.push(point(step));
        picture.story.push(Told::at(step.at, says(step)));
    }
    let mut points = gathered(points);
    if points.len() > TELLING {
        for point in points.iter_mut().filter(|point| point.look == Look::Command) {
            point.weight = Weight::Read;
        }
    }
    let label = Label::new("another client", "another");
    picture.lanes.push(Lane { label, content: Content::Points(points) });
}

fn point(step: &Step) -> Point {
    let (texts, look) = match &step.what {
        StepKind::Ran { line, .. } => {
            let line = reveal(line).into_owned();
            let name = words::split(&line).ok().and_then(|words| words.into_iter().next());
            let name = name.map(|name| String::from_utf8_lossy(&name).to_uppercase());
            let short = name.unwrap_or_default();
            let line = truncate(&line, LONGEST);
            ([line.clone(), line, short.clone(), short], Look::Command)
        }
        StepKind::Passed(time) => {
            let time = time_words(*time);
            let long = format!("{time} pass");
            ([long.clone(), long, time.clone(), time], Look::Marked)
        }
        StepKind::DiskRefuses => (disk("the disk refuses"), Look::Bad),
        StepKind::DiskWorks => (disk("the disk works again"), Look::Marked),
        StepKind::KilledAnswer => (killed("☠ kills your answer"), Look::Bad),
        StepKind::KilledServer => (killed("☠ kills the server"), Look::Bad),
    };
    let (at, weight) = (step.at, Weight::Evidence);
    Point { at, count: 1, trail: None, texts, look, weight, is_about_work: false }
}

fn disk(whole: &str) -> [String; DETAILS] {
    [whole, whole, "disk", "disk"].map(str::to_owned)
}

fn killed(whole: &str) -> [String; DETAILS] {
    [whole, "☠ kill", "☠ kill", "☠"].map(str::to_owned)
}

fn says(step: &Step) -> String {
    match &step.what {
        StepKind::Ran { line, .. } => format!("another client sent {}", reveal(line)),
        StepKind::Passed(time) => format!("time was moved on by {}", time_words(*time)),
        StepKind::DiskRefuses => "from now on the disk refused saves".to_owned(),
        StepKind::DiskWorks => "the disk took saves again".to_owned(),
        StepKind::KilledAnswer => "your answer was killed, and began again".to_owned(),
        StepKind::KilledServer => "the server was killed, and started again".to_owned(),
    }
}
