//! Manual work is judged like the same commands in a file.

use std::sync::Arc;
use std::time::{Duration, Instant};

use redislings::attempt::{self, Answer, AttemptError, Evidence, Fixture, Live, LiveLook};
use redislings::error::{EnvironmentError, EnvironmentErrorKind};
use redislings::lesson::{Course, Exercise, Language, Moment};
use redislings::redis_cli::words;
use redislings::relay::{Port, Relay};
use redislings::server::source::{Source, Wanted, choose};
use redislings::server::{Client, Server};
use redislings::topics;
use redislings::verdict::{LiveVerdict, Tick, Verdict, conclude, judge_live};

use redis::IntoConnectionInfo as _;
use tokio_util::sync::CancellationToken;

use crate::support::{lesson_4, on_each, shipped_lessons, wait_until};

const LIMIT: Duration = Duration::from_secs(30);
/// The commands of a file follow one another at once. The course's shortest save takes 300 ms.
const PAUSE: Duration = Duration::from_millis(150);
const TRIES: usize = 10;

fn source() -> Source {
    let wanted = [Wanted::Process, Wanted::Bundled];
    wanted.iter().find_map(|kind| choose(kind, "", &|_| ()).ok()).expect("a server").source
}

fn course() -> Course {
    Course::load(&lesson_4()).expect("the course is sound").0
}

/// Every `redis` answer in the exercise, right or wrong.
fn answers(exercise: &Exercise) -> Vec<&str> {
    let failing =
        exercise.starters.iter().chain(&exercise.wrong_answers).map(|answer| &answer.code);
    let all = exercise.solutions.iter().chain(failing);
    all.filter(|code| code.language == Language::Redis).map(|code| code.text.as_str()).collect()
}

fn from_a_file(exercise: &Exercise, text: &str, source: &Source) -> Verdict {
    let mut server = Server::start(source, &exercise.settings).unwrap();
    let relay = Relay::open(Port::Free).unwrap();
    let cancel = CancellationToken::new();
    let mut fixture =
        Fixture { server: &mut server, relay: &relay, report: &|_| {}, cancel: &cancel };
    let answer = Answer { language: Language::Redis, text: text.to_owned(), path: None };
    let evidence = attempt::attempt(&mut fixture, exercise, &answer, None).unwrap();
    conclude(exercise, &evidence).unwrap()
}

fn begin_live(exercise: &Exercise, source: &Source) -> (Live, Client) {
    without_stall(|| {
        let server = Server::start(source, &exercise.settings)?;
        let relay = Arc::new(Relay::open(Port::Free)?);
        let target = format!("redis://{}", relay.address()).into_connection_info().unwrap();
        Ok((Live::begin(server, relay, exercise)?, Client::new(target)))
    })
}

fn look(live: &mut Live) -> LiveLook {
    let deadline = Instant::now() + LIMIT;
    loop {
        if let Some(look) = live.look(LIMIT).unwrap() {
            return look;
        }
        assert!(Instant::now() < deadline, "the server says nothing");
    }
}

fn is_saving(look: &LiveLook) -> bool {
    let settled = look.evidence.at(Moment::Settled).unwrap();
    topics::is_busy(&settled.info, &look.evidence.before)
}

/// Sends the lines one after another, as a student would type them.
fn types(live: &mut Live, client: &mut Client, text: &str) {
    for line in text.lines().map(str::trim).filter(|line| !words::is_comment(line)) {
        if topics::awaited_by(line).is_some() {
            wait_until("the save has ended", || !is_saving(&look(live)));
        } else if let Ok(words) = words::split(line) {
            // A refusal is a reply. A command that never ends, or ends the server, has none.
            let _ = client.call(&words, LIMIT);
        }
    }
}

/// The live verdict once no save runs any more.
fn settled(live: &mut Live, exercise: &Exercise) -> LiveVerdict {
    let mut settled = None;
    wait_until("the save has ended", || {
        let look = look(live);
        let verdict = judge_live(exercise, &look);
        let has_settled = verdict.invalid.is_some() || !is_saving(&look);
        settled = has_settled.then_some(verdict);
        has_settled
    });
    settled.unwrap()
}

/// Judges all answers of the course, several at a time, because they mostly wait for slow saves.
fn each_answer(judge: impl Fn(&Exercise, &str, &Source) + Sync) {
    let (source, course) = (source(), course());
    let all: Vec<(&Exercise, &str)> = course
        .exercises()
        .flat_map(|(_, _, exercise)| {
            answers(exercise).into_iter().map(move |text| (exercise, text))
        })
        .collect();
    assert!(all.len() >= 20, "only {} answers", all.len());
    on_each(&all, 6, |(exercise, text)| judge(exercise, text, &source));
}

/// Whether the machine held up the typing, so that a save had time to end that a file leaves none.
fn typed_with_a_pause(text: &str, evidence: &Evidence) -> bool {
    let waits = text.lines().filter(|line| topics::awaited_by(line.trim()).is_some()).count();
    let pairs = evidence.timeline.exchanges.windows(2);
    pairs.filter(|pair| pair[1].at > pair[0].ended() + PAUSE).count() > waits
}

/// Repeats manual work if the machine stalled: redislings can't repeat it by itself.
fn without_stall<T>(work: impl Fn() -> Result<T, EnvironmentError>) -> T {
    for _ in 0..TRIES {
        match work() {
            Err(error) if error.kind == EnvironmentErrorKind::Stall => {}
            result => return result.unwrap(),
        }
    }
    panic!("the machine stalled in each of {TRIES} tries");
}

#[test]
fn manual_work_is_judged_like_the_same_commands_in_a_file() {
    each_answer(|exercise, text, source| {
        let wanted = from_a_file(exercise, text, source);
        for _ in 0..TRIES {
            let evidence = without_stall(|| {
                let (mut live, mut client) = begin_live(exercise, source);
                types(&mut live, &mut client, text);
                finished(live)
            });
            let found = conclude(exercise, &evidence).unwrap();
            if found.unmet() == wanted.unmet() {
                return;
            }
            let (found, wanted) = (found.unmet(), wanted.unmet());
            let id = &exercise.id;
            let paused = typed_with_a_pause(text, &evidence);
            assert!(paused, "{id}: {found:?} by hand, {wanted:?} from a file:\n{text}");
        }
        panic!("{}: typed with a pause in each of {TRIES} tries", exercise.id);
    });
}

#[test]
fn manual_work_passes_live_only_if_it_passes_at_the_end() {
    each_answer(|exercise, text, source| {
        let (verdict, found) = without_stall(|| {
            let (mut live, mut client) = begin_live(exercise, source);
            types(&mut live, &mut client, text);
            let verdict = settled(&mut live, exercise);
            finished(live).map(|found| (verdict, found))
        });
        let has_passed = conclude(exercise, &found).unwrap().passed();
        let is_whole = !verdict.ticks.contains(&Tick::AtTheEnd);
        assert_eq!(verdict.passed, has_passed && is_whole, "{}:\n{text}", exercise.id);
    });
}

#[test]
fn doing_nothing_passes_nothing() {
    let source = source();
    for (_, _, exercise) in course().exercises() {
        let (mut live, _client) = begin_live(exercise, &source);
        assert!(!judge_live(exercise, &look(&mut live)).passed, "{}", exercise.id);
    }
}

#[test]
fn every_exercise_of_the_course_begins_by_hand() {
    let (source, course) = (source(), Course::load(&shipped_lessons()).unwrap().0);
    let mut exercises: Vec<&Exercise> = course.exercises().map(|(.., exercise)| exercise).collect();
    // No client can do anything on a server that is stopped.
    exercises.retain(|exercise| !exercise.setup.iter().any(|code| code.text.contains("@stop")));
    on_each(&exercises, 4, |exercise| {
        let (mut live, _client) = begin_live(exercise, &source);
        let verdict = judge_live(exercise, &look(&mut live));
        assert!(!verdict.passed && verdict.invalid.is_none(), "{}: {verdict:?}", exercise.id);
    });
}

#[test]
fn a_key_that_ends_ticks_its_checks_at_once() {
    let course = Course::load(&shipped_lessons()).unwrap().0;
    let found = course.exercises().find(|(.., exercise)| exercise.id == "a-session");
    let (.., exercise) = found.unwrap();
    let (mut live, mut client) = begin_live(exercise, &source());
    types(&mut live, &mut client, "SET session:42 cart:7 EX 1800");
    let verdict = judge_live(exercise, &look(&mut live));
    assert_eq!(verdict.ticks[0], Tick::Met, "{verdict:?}");
}

fn finished(live: Live) -> Result<Evidence, EnvironmentError> {
    live.finish(&|_| {}, &CancellationToken::new()).map_err(AttemptError::uncancelled)
}
