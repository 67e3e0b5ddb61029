//! The picture of the common mistakes: what somebody should see who knows only the picture.

use std::time::Duration;

use redis::Value;

use crate::attempt::evidence::{
    Evidence, FileContents, LoadFailure, Observation, Output, ProgramEnd, ProgramRun, Run, Typed,
    TypedExchange, Wait, Waits,
};
use crate::lesson::Moment;
use crate::present::evidence::tests::{evidence, exchange};
use crate::present::lanes::picture;
use crate::present::plain;
use crate::present::text::display_width;
use crate::redis_cli::reply::Printed;
use crate::relay::{CommandOutcome, Exchange, Mark, Reply};
use crate::runner_line::STOP_MARK;
use crate::server::ServerInfo;
use crate::topics::snapshots::background;
use crate::verdict::work::{WorkEnd, work};
use crate::verdict::{Diagnosed, Pointer, Verdict};

const STARTED: &str = "+Background saving started";
const BUSY: &str = "-ERR Background save already in progress";
const IN_PROGRESS: &str = "rdb_bgsave_in_progress:1\nrdb_last_bgsave_status:ok\n";
const ENDED: &str = "rdb_bgsave_in_progress:0\nrdb_last_bgsave_status:ok\n";

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// A command at this many milliseconds.
fn sent(at: u64, line: &str, reply: &str) -> Exchange {
    exchange(at * 1000, line, reply)
}

fn that_took(took: u64, exchange: Exchange) -> Exchange {
    let reply = exchange.reply.map(|reply| Reply { took: millis(took), ..reply });
    Exchange { reply, ..exchange }
}

/// An answer that ended after so many milliseconds, and a server that says this then.
fn answer(exchanges: Vec<Exchange>, took: u64, exit: &str) -> Evidence {
    let exit = Observation::of(ServerInfo::of(100, exit));
    Evidence { took: millis(took), ..evidence(exchanges) }.seeing(Moment::Exit, Ok(exit))
}

/// The server had settled after so many milliseconds, with a new snapshot.
fn settled(evidence: Evidence, at: u64, lastsave: i64) -> Evidence {
    let now = Observation::of(ServerInfo::of(lastsave, ENDED));
    Evidence { settled: Some(millis(at)), ..evidence }.seeing(Moment::Settled, Ok(now))
}

/// What GET of each key replied; nothing for a key that is not there.
fn holding(keys: &[(&str, &str)]) -> Observation {
    let mut now = Observation::of(ServerInfo::of(0, ""));
    for (key, value) in keys {
        let reply = match *value {
            "" => Value::Nil,
            value => Value::BulkString(value.into()),
        };
        now.replies.insert(format!("GET {key}"), Printed::new(&reply));
    }
    now
}

fn program(end: ProgramEnd) -> Run {
    Run::Program(ProgramRun { end, stdout: Output::default(), stderr: Output::default() })
}

fn waited_for_a_save(at: u64, took: u64) -> Run {
    let exchange = TypedExchange {
        number: 3,
        line: "@wait-bgsave".to_owned(),
        reply: "no background save runs".to_owned(),
        at: millis(at),
        took: millis(took),
    };
    Run::Typed(Typed { exchanges: vec![exchange], stopped: None })
}

fn verdict(pointers: &[Pointer]) -> Verdict {
    let (id, cause) = ("x", String::new());
    let diagnosis = Some(Diagnosed { id, cause, evidence: pointers.to_vec() });
    Verdict { findings: Vec::new(), diagnosis }
}

/// Drawn on a wide and on a narrow screen, and in words.
fn everywhere(evidence: &Evidence, pointers: &[Pointer]) -> String {
    colored::control::set_override(false);
    let verdict = verdict(pointers);
    let drawn = [80, 40].map(|width| picture(evidence, &verdict, width));
    for (text, width) in drawn.iter().zip([80, 40]) {
        assert!(text.lines().all(|line| display_width(line) <= width), "{text}");
    }
    let words = plain::while_on(|| picture(evidence, &verdict, 80));
    assert!(words.is_ascii(), "{words}");
    drawn.join("\n") + "\n" + &words
}

fn measured_save() -> Evidence {
    let wait = Wait { at: millis(1), took: millis(2816) };
    let waits = Waits { longest: wait, pings: 5, watched: millis(2840), slow: vec![wait] };
    let save = that_took(2815, sent(1, "SAVE", "+OK"));
    let evidence = settled(answer(vec![save], 2820, ENDED), 2825, 103);
    Evidence { waits: Some(waits), ..evidence }
}

#[test]
fn save_is_a_wall() {
    let pointers = [Pointer::Exchange(0), Pointer::LongestWait];
    insta::assert_snapshot!("save_is_a_wall", everywhere(&measured_save(), &pointers));
}

/// The answer ended while the child was writing, and the server was killed when it had settled.
fn not_waited_for() -> Evidence {
    let exchanges =
        vec![sent(90, "SET report:daily ready", "+OK"), sent(92, "BGSAVE SCHEDULE", STARTED)];
    let evidence = settled(answer(exchanges, 300, IN_PROGRESS), 2110, 102);
    let back = holding(&[("order:1001", "paid"), ("report:daily", "ready")]);
    Evidence { run: program(ProgramEnd::Exited(0)), ..evidence }.seeing(Moment::Crash, Ok(back))
}

#[test]
fn a_child_writes_on_when_the_answer_has_ended() {
    let pointers = [Pointer::Exchange(1)];
    insta::assert_snapshot!("a_child_writes_on", everywhere(&not_waited_for(), &pointers));
}

#[test]
fn a_kill_ends_the_child_too() {
    let exchanges = vec![
        sent(1, "SET order:1001 paid", "+OK"),
        sent(2, "SET order:1002 paid", "+OK"),
        sent(3, "SET order:1003 paid", "+OK"),
        sent(4, "BGSAVE", STARTED),
    ];
    let back = holding(&[("order:1001", ""), ("order:1002", ""), ("order:1003", "")]);
    let evidence = answer(exchanges, 6, IN_PROGRESS).seeing(Moment::Crash, Ok(back));
    insta::assert_snapshot!("a_kill_ends_the_child", everywhere(&evidence, &[]));
}

#[test]
fn save_is_refused_while_a_child_writes() {
    let exchanges = vec![
        sent(1, "SET order:1001 paid", "+OK"),
        sent(2, "BGSAVE", STARTED),
        sent(3, "SAVE", BUSY),
    ];
    let evidence = settled(answer(exchanges, 4, IN_PROGRESS), 1520, 101);
    insta::assert_snapshot!("save_is_refused", everywhere(&evidence, &[Pointer::Exchange(2)]));
}

/// `order:during` was written while the child wrote, `order:after` when it had ended.
fn before_during_after() -> Evidence {
    let exchanges = vec![
        sent(1, "SET order:before 1", "+OK"),
        sent(2, "BGSAVE", STARTED),
        sent(3, "SET order:during 1", "+OK"),
        sent(4, "SET status shipped", "+OK"),
        sent(2110, "SET order:after 1", "+OK"),
        sent(2111, "HSET prediction order:before yes order:during no", ":2"),
    ];
    let mut evidence = settled(answer(exchanges, 2112, ENDED), 2113, 102);
    let mark = Mark { word: background::SAVE.end_trigger, at: millis(2095), seen: millis(2100) };
    evidence.timeline.marks.push(mark);
    evidence.run = waited_for_a_save(5, 2104);
    evidence.at_mut(Moment::Exit).replies = holding(&[("status", "shipped")]).replies;
    let keys =
        [("order:before", "1"), ("order:during", ""), ("order:after", ""), ("status", "paid")];
    evidence.seeing(Moment::Restore, Ok(holding(&keys)))
}

#[test]
fn the_file_holds_the_moment_of_bgsave() {
    insta::assert_snapshot!("before_during_after", everywhere(&before_during_after(), &[]));
}

#[test]
fn a_write_after_bgsave_is_seen_to_be_missing() {
    let exchanges = vec![sent(1, "BGSAVE", STARTED), sent(2, "SET report:daily ready", "+OK")];
    let mut evidence = settled(answer(exchanges, 2110, ENDED), 2112, 102);
    evidence.run = waited_for_a_save(3, 2105);
    let back = holding(&[("order:1001", "paid"), ("report:daily", "")]);
    let evidence = evidence.seeing(Moment::Crash, Ok(back));
    let pointers = [Pointer::Exchange(1), Pointer::Exchange(0)];
    insta::assert_snapshot!("a_write_after_bgsave", everywhere(&evidence, &pointers));
}

#[test]
fn a_poll_that_never_ends_runs_into_the_time_limit() {
    let mut exchanges = vec![that_took(1500, sent(100, "SAVE", "+OK"))];
    exchanges.extend((0..160).map(|index| sent(1601 + index * 50, "LASTSAVE", ":102")));
    let evidence = answer(exchanges, 10_000, ENDED);
    let evidence = Evidence { run: program(ProgramEnd::TimedOut), ..evidence };
    let pointers = [Pointer::Exchange(1), Pointer::Exchange(0)];
    insta::assert_snapshot!("a_poll_never_ends", everywhere(&evidence, &pointers));
}

#[test]
fn every_width_is_kept() {
    colored::control::set_override(false);
    let scenes = [measured_save(), not_waited_for(), before_during_after()];
    for (scene, width) in
        scenes.iter().flat_map(|scene| (30..=120).map(move |width| (scene, width)))
    {
        let text = picture(scene, &verdict(&[]), width);
        assert!(text.lines().all(|line| display_width(line) <= width), "{width}\n{text}");
        assert!(!text.is_empty());
    }
}

fn ends(evidence: &Evidence) -> Vec<WorkEnd> {
    work(evidence).into_iter().map(|work| work.end).collect()
}

#[test]
fn a_save_that_the_relay_did_not_see_leaves_all_in_doubt() {
    let past = |change: fn(&mut Evidence)| {
        let mut evidence = not_waited_for();
        change(&mut evidence);
        ends(&evidence)
    };
    assert_eq!(past(|_| {}), [WorkEnd::Succeeded(millis(2110))]);
    assert_eq!(past(|evidence| _ = evidence.timeline.came_past.insert("SAVE".to_owned())), []);
    assert_eq!(past(|evidence| evidence.timeline.is_incomplete = true), []);
    assert_eq!(past(|evidence| evidence.invalid = Some("started again".to_owned())), []);
    assert_eq!(
        past(|evidence| evidence.timeline.exchanges.push(sent(95, "DEBUG RELOAD", "+OK"))),
        []
    );
}

#[test]
fn a_save_that_client_pause_held_up_begins_with_its_reply() {
    let bgsave = || that_took(2000, sent(11, "BGSAVE", STARTED));
    let after = |pause: &str| {
        let exchanges = vec![sent(10, pause, "+OK"), bgsave()];
        work(&answer(exchanges, 2100, IN_PROGRESS))[0].from
    };
    assert_eq!(after("CLIENT PAUSE 2000"), millis(2011));
    assert_eq!(after("CLIENT PAUSE 1"), millis(11));
}

#[test]
fn what_a_stop_ended_is_not_told_as_an_end() {
    let mut evidence = settled(answer(vec![sent(1, "BGSAVE", STARTED)], 4, ENDED), 20, 100);
    let (at, seen) = (millis(2), millis(3));
    evidence.timeline.marks.push(Mark { word: STOP_MARK, at, seen });
    assert_eq!(ends(&evidence), [WorkEnd::Unknown]);
}

#[test]
fn an_end_without_a_new_snapshot_is_no_success() {
    let exchanges = vec![sent(1, "BGSAVE", STARTED), sent(2, "FLUSHALL", "+OK")];
    let evidence = settled(answer(exchanges, 4, ENDED), 20, 100);
    assert_eq!(ends(&evidence), [WorkEnd::Ended(millis(4))]);
    assert!(work(&evidence).iter().all(|work| !work.made_the_file));
}

#[test]
fn a_signal_that_ended_the_child_is_in_the_log() {
    let exchanges = vec![sent(1, "BGSAVE", STARTED), sent(2, "FLUSHALL", "+OK")];
    let mut evidence = settled(answer(exchanges, 4, ENDED), 20, 100);
    evidence.at_mut(Moment::Settled).log = Some(super::scene::KILLED.to_owned());
    assert_eq!(ends(&evidence), [WorkEnd::Stopped(millis(4))]);
}

#[test]
fn a_save_of_which_nothing_more_was_seen_has_no_end() {
    let exchanges = vec![sent(1, "BGSAVE", STARTED)];
    assert_eq!(ends(&Evidence { took: millis(9), ..evidence(exchanges) }), [WorkEnd::Unknown]);
}

#[test]
fn a_save_that_is_running_at_the_kill_may_still_have_finished() {
    let exchanges = vec![sent(1, "BGSAVE", STARTED)];
    let crash = Err(LoadFailure::NoFile);
    let killed = answer(exchanges, 4, IN_PROGRESS).seeing(Moment::Crash, crash);
    assert_eq!(ends(&killed), [WorkEnd::Killed]);
    assert_eq!(ends(&Evidence { file_bytes: Some(99), ..killed }), [WorkEnd::StillRunning]);
}

#[test]
fn a_scheduled_save_has_no_moment() {
    let exchanges = vec![
        sent(1, "MULTI", "+OK"),
        sent(2, "BGSAVE", "+QUEUED"),
        sent(3, "EXEC", "+OK"),
        sent(4, "SET a 1", "+OK"),
    ];
    let mut evidence = settled(answer(exchanges, 5, ENDED), 2000, 102);
    for at in [Moment::Exit, Moment::Settled] {
        evidence.at_mut(at).info =
            ServerInfo::of(102, &format!("{ENDED}total_forks:1\ncmdstat_bgsave:calls=1\n"));
    }
    let work = work(&evidence);
    assert!(work[0].is_scheduled && !work[0].made_the_file, "{work:?}");
}

#[test]
fn the_polls_of_an_answer_show_when_a_save_ran() {
    let mut exchanges = vec![sent(1, "BGSAVE", STARTED)];
    exchanges.extend((1..5).map(|index| sent(index * 100, "INFO persistence", IN_PROGRESS)));
    exchanges.push(sent(500, "INFO persistence", ENDED));
    let work = work(&settled(answer(exchanges, 600, ENDED), 601, 101));
    let end = WorkEnd::Succeeded(millis(500) + Duration::from_micros(100));
    assert_eq!((work[0].ran_until, work[0].end), (millis(400), end));
}

#[test]
fn what_is_not_about_order_has_no_picture() {
    let evidence = answer(vec![sent(1, "SET a 1", "+OK"), sent(2, "GET a", "1")], 4, ENDED);
    assert_eq!(picture(&evidence, &verdict(&[]), 80), "");
}

#[test]
fn keys_of_a_file_that_no_check_names_are_counted() {
    let keys = ["a", "b"].map(str::to_owned).to_vec();
    let mut now = Observation::of(ServerInfo::of(0, ""));
    now.file = Some(FileContents { keys, count: 2, ..FileContents::default() });
    let text = everywhere(&measured_save().seeing(Moment::Restore, Ok(now)), &[]);
    assert!(text.contains("▲ a, b\n"), "{text}");
}

#[test]
fn a_save_whose_reply_did_not_come_leaves_the_others_in_doubt() {
    let silent = |line: &str| Exchange { outcome: CommandOutcome::Done, ..sent(1, line, "") };
    let exchanges = vec![silent("SAVE"), sent(1, "BGSAVE", STARTED)];
    assert_eq!(ends(&settled(answer(exchanges, 4, IN_PROGRESS), 2000, 102)), []);
    assert_eq!(ends(&settled(answer(vec![silent("BGSAVE")], 4, IN_PROGRESS), 2000, 102)), []);
}

#[test]
fn a_bgsave_that_another_client_sent_early_begins_when_save_has_ended() {
    let save = that_took(1500, sent(100, "SAVE", "+OK"));
    let early = that_took(1450, sent(200, "BGSAVE", STARTED));
    let began = |connection: u32| {
        let early = Exchange { connection, ..early.clone() };
        let evidence = settled(answer(vec![save.clone(), early], 1700, IN_PROGRESS), 2000, 102);
        work(&evidence).get(1).map(|save| save.from)
    };
    assert_eq!(began(2), Some(millis(1600)));
    // The replies to a pipeline come together, and do not show when each command ran.
    assert_eq!(began(1), None);
}

#[test]
fn of_many_saves_the_last_ones_are_drawn() {
    let saves = (0..200).map(|number| that_took(5, sent(number * 10, "SAVE", "+OK"))).collect();
    let evidence = answer(saves, 2_000, ENDED);
    for width in [40, 80] {
        let text = picture(&evidence, &Verdict { findings: Vec::new(), diagnosis: None }, width);
        assert!(text.contains("earlier bars are not in"), "{text}");
    }
}

/// A save point fired after 100 ms; `forks`: how many saves the server has begun at the end.
fn fired(forks: u32, exchanges: Vec<Exchange>) -> Evidence {
    let now = format!("{ENDED}run_id:a\nrdb_saves:{forks}\ntotal_forks:{forks}\n");
    let mut evidence = answer(exchanges, 2000, &now);
    evidence.before = ServerInfo::of(100, "run_id:a\nrdb_saves:0\ntotal_forks:0\n");
    evidence.at_mut(Moment::Exit).info = ServerInfo::of(101, &now);
    let mark = |word, at, seen| Mark { word, at: millis(at), seen: millis(seen) };
    evidence.timeline.marks.push(mark(background::SAVE.begin_trigger, 90, 100));
    evidence.timeline.marks.push(mark(background::SAVE.end_trigger, 980, 1000));
    evidence
}

#[test]
fn a_save_that_a_save_point_began_has_its_lane() {
    let set =
        vec![sent(1, "CONFIG SET save \"2 3\"", "+OK"), sent(50, "SET order:1001 paid", "+OK")];
    insta::assert_snapshot!("a_save_point_fires", everywhere(&fired(1, set), &[]));
}

#[test]
fn saves_that_were_not_all_seen_are_not_drawn() {
    assert_eq!(ends(&fired(1, Vec::new())), [WorkEnd::Succeeded(millis(1000))]);
    assert_eq!(ends(&fired(2, Vec::new())), []);
    assert_eq!(ends(&fired(1, vec![sent(1, "FLUSHALL", "+OK")])), []);
}
