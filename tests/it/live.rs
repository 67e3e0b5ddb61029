//! Work by hand is judged as the same commands in a file are.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use redislings::attempt::commands::is_wait;
use redislings::attempt::{self, Answer, Evidence, Live, Look, Stand};
use redislings::error::{WorldError, WorldErrorKind};
use redislings::lesson::{Course, Exercise, Language};
use redislings::redis_cli::words;
use redislings::server::source::{Source, Wanted, choose};
use redislings::server::{Client, Server};
use redislings::tap::{Exchange, Port, Tap};
use redislings::verdict::{LiveVerdict, Tick, Verdict, conclude, judge_live};

use redis::IntoConnectionInfo as _;

use crate::support::{on_each, wait_until};

const LIMIT: Duration = Duration::from_secs(30);
/// A file's commands follow one another at once. The shortest save of the course takes 300 ms: who types later than that
/// does another thing.
const HESITATION: Duration = Duration::from_millis(150);

fn source() -> Source {
    let wanted = [Wanted::Process, Wanted::Bundled];
    wanted.iter().find_map(|it| choose(it, "", &|_| ()).ok()).expect("a server").source
}

fn course() -> Course {
    let lessons = Path::new(env!("CARGO_MANIFEST_DIR")).join("lessons");
    Course::load(&lessons).expect("the course is sound").0
}

/// Every `redis` answer that the exercise knows, right or wrong.
fn answers(exercise: &Exercise) -> Vec<&str> {
    let failing = exercise.starters.iter().chain(&exercise.wrong_answers).map(|it| &it.code);
    let all = exercise.solutions.iter().chain(failing);
    all.filter(|code| code.language == Language::Redis).map(|code| code.text.as_str()).collect()
}

fn from_a_file(exercise: &Exercise, text: &str, source: &Source) -> Verdict {
    let mut server = Server::start(source, &exercise.settings).unwrap();
    let tap = Tap::open(Port::Free).unwrap();
    let mut stand = Stand { server: &mut server, tap: &tap, telling: &|_| {} };
    let answer = Answer { language: Language::Redis, text: text.to_owned(), path: None };
    let evidence = attempt::attempt(&mut stand, exercise, &answer, None).unwrap();
    conclude(exercise, &evidence).unwrap()
}

fn at_hand(exercise: &Exercise, source: &Source) -> (Live, Client) {
    let server = Server::start(source, &exercise.settings).unwrap();
    let tap = Arc::new(Tap::open(Port::Free).unwrap());
    let target = format!("redis://{}", tap.address()).into_connection_info().unwrap();
    (Live::begin(server, tap, exercise).unwrap(), Client::new(target))
}

fn look(live: &mut Live) -> Look {
    let deadline = Instant::now() + LIMIT;
    loop {
        if let Some(look) = live.look(LIMIT).unwrap() {
            return look;
        }
        assert!(Instant::now() < deadline, "the server says nothing");
    }
}

fn is_saving(look: &Look) -> bool {
    let settled = look.evidence.settled.as_ref().unwrap();
    attempt::evidence::is_saving(&settled.snapshot, &look.evidence.before)
}

/// Types the lines as a student would, one after another.
fn types(live: &mut Live, client: &mut Client, text: &str) {
    for line in text.lines().map(str::trim).filter(|line| !words::is_comment(line)) {
        if is_wait(line) {
            wait_until("the save has ended", || !is_saving(&look(live)));
        } else if let Ok(words) = words::split(line) {
            // A refusal is a reply; a command that never ends, or ends the server, has none.
            let _ = client.call(&words, LIMIT);
        }
    }
}

/// How the checks stand when all has settled.
fn settled(live: &mut Live, exercise: &Exercise) -> LiveVerdict {
    let mut settled = None;
    wait_until("the save has ended", || {
        let look = look(live);
        let verdict = judge_live(exercise, &look);
        let has_settled = verdict.doubt.is_some() || !is_saving(&look);
        settled = has_settled.then_some(verdict);
        has_settled
    });
    settled.unwrap()
}

/// All answers of the course, several at a time: most of their time is spent waiting for slow saves.
fn each_answer(judge: impl Fn(&Exercise, &str, &Source) + Sync) {
    let (source, course) = (source(), course());
    let all: Vec<(&Exercise, &str)> = course
        .exercises()
        .flat_map(|(_, _, exercise)| answers(exercise).into_iter().map(move |it| (exercise, it)))
        .collect();
    assert!(all.len() >= 20, "only {} answers", all.len());
    on_each(&all, 6, |(exercise, text)| judge(exercise, text, &source));
}

/// An error where the machine held up who typed: between the lines that wait nobody waits.
fn typed_without_a_pause(text: &str, evidence: Evidence) -> Result<Evidence, WorldError> {
    let waits = text.lines().filter(|line| is_wait(line.trim())).count();
    let exchanges = &evidence.transcript.exchanges;
    let commands: Vec<_> = exchanges.iter().filter(|exchange| !exchange.is_mark()).collect();
    let is_pause = |pair: &&[&Exchange]| pair[1].at > pair[0].ended() + HESITATION;
    if commands.windows(2).filter(is_pause).count() > waits {
        let held_up = WorldError::new("the machine held up the typing", "try again");
        return Err(held_up.of(WorldErrorKind::Standstill));
    }
    Ok(evidence)
}

/// What was done by hand can't be begun again by itself where the machine stood still: who did it is told, and tries again.
fn on_a_machine_that_goes_on<T>(work: impl Fn() -> Result<T, WorldError>) -> T {
    let mut tries = (0..5).map(|_| work());
    let stood_still = |tried: &Result<T, WorldError>| {
        tried.as_ref().is_err_and(|error| error.kind == WorldErrorKind::Standstill)
    };
    tries.find(|tried| !stood_still(tried)).expect("a machine that goes on").unwrap()
}

#[test]
fn the_courses_redis_answers_are_judged_by_hand_as_from_a_file() {
    each_answer(|exercise, text, source| {
        let wanted = from_a_file(exercise, text, source);
        let found = on_a_machine_that_goes_on(|| {
            let (mut live, mut client) = at_hand(exercise, source);
            types(&mut live, &mut client, text);
            typed_without_a_pause(text, live.finish(&|_| {})?)
        });
        let found = conclude(exercise, &found).unwrap();
        assert_eq!(found.unmet(), wanted.unmet(), "{}:\n{text}", exercise.id);
    });
}

#[test]
fn the_courses_redis_answers_pass_live_only_where_they_pass_at_the_end() {
    each_answer(|exercise, text, source| {
        let (verdict, found) = on_a_machine_that_goes_on(|| {
            let (mut live, mut client) = at_hand(exercise, source);
            types(&mut live, &mut client, text);
            let verdict = settled(&mut live, exercise);
            live.finish(&|_| {}).map(|found| (verdict, found))
        });
        let has_passed = conclude(exercise, &found).unwrap().passed();
        let is_whole = !verdict.ticks.contains(&Tick::AtTheEnd);
        assert_eq!(verdict.passed, has_passed && is_whole, "{}:\n{text}", exercise.id);
    });
}

#[test]
fn nothing_is_passed_by_who_does_nothing() {
    let source = source();
    for (_, _, exercise) in course().exercises() {
        let (mut live, _client) = at_hand(exercise, &source);
        assert!(!judge_live(exercise, &look(&mut live)).passed, "{}", exercise.id);
    }
}
