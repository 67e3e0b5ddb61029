//! One attempt after its setup: baseline, the answer, the looks, crash and restore.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::answer::{Answer, FinishedAnswer, run_answer};
use super::answer_control::AnswerControl;
use super::background::BackgroundTask;
use super::baseline::baseline;
use super::cancelled::{AttemptError, go_on};
use super::contents::Contents;
use super::environment::{
    ensure_may_be_busy, ensure_only_the_answer_is_judged, ensure_silence_is_explained,
    stall_matters,
};
use super::evidence::{Evidence, KeyState, LoadFailure, Look, NOT_STARTED, Waits};
use super::files::{KeptFiles, load};
use super::fixture::Fixture;
use super::key_states;
use super::later::look_later;
use super::log_contents;
use super::look::{LOOK_LIMIT, look_at_the_end, observe_at};
use super::meanwhile;
use super::phase::Phase;
use super::probe;
use super::python::Python;
use super::restore::{Failure, failure, load_failure, restore};
use super::runner::{ServerControl, bad_restart};
use super::unknown_replies::resolve_unknown_replies;
use super::validity::{
    ensure_disk_has_room, ensure_no_outside_change, paused_too_long, server_end,
    was_kept_from_writing, why_invalid,
};
use super::watcher_report::WatcherReport;
use crate::checks::quoted;
use crate::error::EnvironmentError;
use crate::lesson::{Crash, Exercise, Moment};
use crate::relay::{StepKind, Timeline};
use crate::runner_line::STOP_MARK;
use crate::server::{CallError, Ending, Server, ServerInfo};
use crate::topics::TOPICS;

/// How long a server may still save, or not reply, after the answer's time limit.
pub(super) const OVERRUN: Duration = Duration::from_secs(1);

/// Runs the answer once on a server with the setup in place.
pub(super) fn run(
    fixture: &mut Fixture<'_>,
    exercise: &Exercise,
    answer: &Answer,
    python: Option<&Python>,
) -> Result<Evidence, AttemptError> {
    let control = Arc::new(AnswerControl::new(exercise));
    let beginning = Beginning::of(fixture, exercise, &answer.text, control)?;
    (fixture.report)(Phase::Answer { limit: exercise.time_limit });
    let (began, limit) = (beginning.began, exercise.time_limit);
    let Beginning { before, control, .. } = &beginning;
    let protected = TOPICS.iter().find_map(|topic| (topic.protected_setting)(exercise));
    let server = ServerControl { place: exercise.place(), restart: &exercise.restart, protected };
    let controls = (server, &**control);
    let finished = run_answer(fixture, answer, python, before, controls, (began, limit))
        .inspect_err(|_| control.end())?;
    go_on(fixture.cancel)?;
    // An answer that was killed and began again may have had more time than one.
    let deadline = Instant::now().max(began + limit) + OVERRUN;
    let evidence = observe(fixture, exercise, beginning, finished, deadline)?;
    python.map_or(Ok(()), |python| python.ensure_packages_present(&evidence.run))?;
    Ok(Evidence { usual_port_is_taken: fixture.relay.usual_port_is_taken(), ..evidence })
}

/// The state when an answer begins, and the tasks that run beside it.
pub(super) struct Beginning {
    pub(super) before: ServerInfo,
    pub(super) file_bytes: Option<u64>,
    /// The keys that checks ask about.
    pub(super) keys: Vec<(Vec<u8>, KeyState)>,
    /// Present if a check asks how long clients had to wait.
    pub(super) probe: Option<BackgroundTask<Waits>>,
    /// Present if a check looks at the server while the answer runs.
    pub(super) watcher: Option<BackgroundTask<WatcherReport>>,
    /// For what is done beside the answer.
    pub(super) control: Arc<AnswerControl>,
    /// Present if a check compares the whole snapshot with the keys before the answer.
    pub(super) contents: Option<Contents>,
    pub(super) began: Instant,
}

impl Beginning {
    pub(super) fn of(
        fixture: &mut Fixture<'_>,
        exercise: &Exercise,
        answer: &str,
        control: Arc<AnswerControl>,
    ) -> Result<Self, EnvironmentError> {
        let compares = exercise.compares_with_all_from_before();
        let contents = compares.then(|| Contents::read(fixture.server, exercise)).transpose()?;
        let keys = key_states::of_named_keys(fixture.server.client(), exercise);
        let before = baseline(fixture.server, exercise, answer)?;
        let file_bytes = fixture.server.dump_bytes()?;
        let probe = exercise.watches_clients().then(|| probe::start(fixture.server)).transpose()?;
        fixture.relay.begin();
        let began = Instant::now();
        let watch = || {
            let (server, relay) = (&fixture.server, fixture.relay);
            meanwhile::watch(server, relay, exercise, &before, &control, began)
        };
        let watcher = exercise.watches_meanwhile().then(watch).transpose()?;
        Ok(Self { before, file_bytes, keys, probe, watcher, control, contents, began })
    }
}

/// Observes the server at every moment that the exercise asks for, until `deadline` at most, and
/// crashes it if the exercise asks for that.
pub(super) fn observe(
    fixture: &mut Fixture<'_>,
    exercise: &Exercise,
    beginning: Beginning,
    finished: FinishedAnswer,
    deadline: Instant,
) -> Result<Evidence, AttemptError> {
    let took = beginning.began.elapsed();
    beginning.control.end();
    fixture.relay.end();
    let mut evidence = Evidence {
        file_bytes_before: beginning.file_bytes,
        took,
        ..Evidence::new(beginning.before.clone())
    };
    let is_overdue = finished.is_overdue();
    let held_up = finished.ensure_look_is_in_time();
    // An overdue answer's server need not settle.
    let settles_until = (!is_overdue).then_some(deadline);
    count_from_the_last_start(fixture.server, exercise, &mut evidence);
    let looked = look_at_the_end(fixture, exercise, &mut evidence, settles_until);
    go_on(fixture.cancel)?;
    let Beginning { probe, watcher, contents, keys, began, .. } = beginning;
    probe.iter().for_each(BackgroundTask::halt);
    // Not before the look: reading a long timeline would delay it.
    let report = watcher.map(BackgroundTask::finish).unwrap_or_default();
    evidence.timeline = with_outcomes(fixture.relay.timeline(), &report, &evidence);
    // Before time is moved on.
    if looked.is_ok() && !is_overdue && exercise.crash == Crash::WhenSettled {
        let apart = began.elapsed();
        evidence.keys = key_states::changes(fixture.server.client(), keys, apart);
    }
    if looked.is_ok() && !is_overdue {
        look_later(fixture, exercise, &mut evidence)?;
    }
    evidence.looks.extend(report.looks(exercise));
    (evidence.came, evidence.violations) = (report.came(), report.violations);
    evidence.invalid = why_nothing_counts(fixture.server, exercise, &evidence, looked)?;
    if let Some(failure) = report.failure.filter(|_| evidence.invalid.is_none()) {
        evidence.invalid = Some(paused_too_long(&evidence.timeline).ok_or(failure)?);
    }
    // An overdue answer fails, whatever else we find.
    let goes_on = evidence.invalid.is_none() && !is_overdue;
    let crash = exercise.needs_crash() && goes_on;
    if crash {
        (fixture.report)(Phase::Crash);
        fixture.kill()?;
    }
    let kept = KeptFiles::of(&finished, exercise)?;
    // Not before: a process that holds the output open would delay the look and the crash.
    evidence.run = finished.into_run();
    evidence.waits = probe.map(BackgroundTask::finish);
    evidence.file_bytes = fixture.server.dump_bytes()?;
    evidence.log = log_contents::read(fixture.server, exercise);
    ensure_undisturbed(fixture, exercise, &evidence, held_up, is_overdue)?;
    go_on(fixture.cancel)?;
    if exercise.needs_the_dump() && goes_on {
        (fixture.report)(Phase::Restore);
        let look = restore(fixture.server, exercise, contents.as_ref())?;
        evidence.looks.insert(Moment::Restore, look);
    }
    for (index, from) in exercise.loads.iter().enumerate().filter(|_| goes_on) {
        (fixture.report)(Phase::Restore);
        let moment = Moment::RestoredFrom(index);
        let look = load(fixture.server, exercise, contents.as_ref(), moment, from, &kept)?;
        evidence.looks.insert(moment, look);
    }
    go_on(fixture.cancel)?;
    if crash {
        let look = look_after(Moment::Crash, fixture, exercise)?;
        // What the killed server cannot load is no good file, whatever another server makes of it.
        if let (Err(why @ LoadFailure::Unloadable(_)), true) = (&look, exercise.needs_the_dump()) {
            evidence.looks.insert(Moment::Restore, Err(why.clone()));
        }
        evidence.looks.insert(Moment::Crash, look);
    }
    if exercise.needs_restart() && goes_on {
        (fixture.report)(Phase::Restart);
        let look = match fixture.terminate()? {
            Ending::Ended => look_after(Moment::Restart, fixture, exercise)?,
            Ending::Refused(why) => {
                let why = format!("the server was told to end and goes on: {}", quoted(&why));
                Err(LoadFailure::Because(why))
            }
        };
        evidence.looks.insert(Moment::Restart, look);
    }
    Ok(evidence)
}

/// The counters of a server that the answer has stopped begin anew when it starts.
fn count_from_the_last_start(server: &Server, exercise: &Exercise, evidence: &mut Evidence) {
    let started = server.started_again().filter(|_| exercise.stop);
    if let Some(started) = started.filter(|now| now.run_id() != evidence.before.run_id()) {
        evidence.before.clone_from(started);
    }
}

/// Why the evidence is invalid, if it is; `looked` is how the looks at the end went.
fn why_nothing_counts(
    server: &mut Server,
    exercise: &Exercise,
    evidence: &Evidence,
    looked: Result<(), CallError>,
) -> Result<Option<String>, EnvironmentError> {
    let Err(why) = looked else {
        ensure_silence_is_explained(server, evidence)?;
        return Ok(why_invalid(exercise, evidence));
    };
    if exercise.stop && server.is_down() {
        // After a crash it is started in any case.
        let is_missed = !exercise.looks_only_after_a_crash();
        return Ok(is_missed.then(|| NOT_STARTED.to_owned()));
    }
    let gone = server_end(server, &why)?;
    if gone.is_some() {
        return Ok(gone);
    }
    // Only a timeout needs an explanation: a server that locks us out says so at once.
    if matches!(why, CallError::TimedOut(_)) {
        ensure_may_be_busy(server, evidence)?;
    }
    Ok(Some(format!("the server says nothing any more: {why}")))
}

/// An error if anything but the answer may have changed the evidence. `held_up` says whether the
/// machine held up the answer or the look at its end.
fn ensure_undisturbed(
    fixture: &Fixture<'_>,
    exercise: &Exercise,
    evidence: &Evidence,
    held_up: Result<(), EnvironmentError>,
    is_overdue: bool,
) -> Result<(), EnvironmentError> {
    fixture.relay.check_connections()?;
    ensure_no_outside_change(fixture.server)?;
    ensure_disk_has_room(fixture.server, was_kept_from_writing(evidence))?;
    if stall_matters(exercise, evidence) {
        held_up?;
        for topic in TOPICS {
            (topic.ensure_undisturbed)(fixture.server, evidence)?;
        }
    }
    for topic in TOPICS {
        (topic.ensure_quick_enough)(exercise, evidence, is_overdue)?;
    }
    if is_overdue {
        Ok(())
    } else {
        ensure_only_the_answer_is_judged(fixture.server, exercise, evidence)
    }
}

/// Marks in the timeline where background work ended, and where it began by itself; resolves
/// unknown replies.
pub(super) fn with_outcomes(
    mut timeline: Timeline,
    report: &WatcherReport,
    evidence: &Evidence,
) -> Timeline {
    timeline.steps.extend_from_slice(&report.steps);
    let begun = report.begun_by_itself(&timeline);
    timeline.marks.extend(begun);
    timeline.marks.extend_from_slice(&report.ends);
    // The counters say nothing of what came before the last start.
    let was_stopped = timeline.marks.iter().any(|mark| mark.word == STOP_MARK)
        || timeline.steps.iter().any(|step| step.what == StepKind::KilledServer);
    if let Some(last) = evidence.last().filter(|_| !was_stopped) {
        resolve_unknown_replies(&mut timeline, &evidence.before, &last.info);
    }
    timeline
}

/// Starts the server again and looks at it. An answer can break the files that the server loads.
fn look_after(
    moment: Moment,
    fixture: &mut Fixture<'_>,
    exercise: &Exercise,
) -> Result<Look, EnvironmentError> {
    if let Err(error) = fixture.restart(&exercise.restart) {
        let of_the_dump = load_failure(error.clone());
        return match (of_the_dump, failure(error)?) {
            (Ok(why), _) => Ok(Err(why)),
            (Err(_), Failure::Files(why)) => {
                let why = format!("the server did not start again: {}", quoted(&why));
                Ok(Err(LoadFailure::Because(why)))
            }
            (Err(_), Failure::Setting(why)) => Err(bad_restart(fixture.server, &why)),
        };
    }
    let until = Instant::now() + LOOK_LIMIT;
    observe_at(fixture.server, exercise, moment, until).map(Ok).map_err(|why| {
        let fact = format!("the server does not reply after its restart: {why}");
        EnvironmentError::new(fact, "try again")
    })
}
