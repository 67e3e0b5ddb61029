use std::time::Duration;

use redis::Value;

use super::*;
use crate::attempt::evidence::{Observation, Run, Typed, TypedExchange, Wait, Waits};
use crate::lesson::Moment;
use crate::present::lanes::picture;
use crate::redis_cli::words;
use crate::relay::{CommandOutcome, Exchange, Message, Reply, Timeline};
use crate::server::ServerInfo;
use crate::topics::background;
use crate::verdict::Diagnosed;

pub(crate) fn exchange(at: u64, line: &str, reply: &str) -> Exchange {
    let value = match reply {
        "" => None,
        text if text.starts_with(['+', '-', ':']) => {
            Some(redis::parse_redis_value(format!("{text}\r\n").as_bytes()).unwrap())
        }
        text => Some(Value::BulkString(text.into())),
    };
    let outcome = match &value {
        None => CommandOutcome::Unknown,
        Some(Value::ServerError(_)) => CommandOutcome::Refused,
        Some(_) => CommandOutcome::Done,
    };
    Exchange {
        at: Duration::from_micros(at),
        connection: 1,
        words: words::split(line).unwrap(),
        reply: value.map(|value| Reply { value, took: Duration::from_micros(100) }),
        outcome,
    }
}

pub(crate) fn evidence(exchanges: Vec<Exchange>) -> Evidence {
    let transcript = Timeline { exchanges, ..Timeline::default() };
    Evidence { timeline: transcript, ..Evidence::new(ServerInfo::of(100, "")) }
}

fn verdict(evidence: &[Pointer]) -> Verdict {
    let cause = "BGSAVE's reply only means begun".to_owned();
    let diagnosis = Diagnosed { id: "x", cause, evidence: evidence.to_vec() };
    let diagnosis = Some(diagnosis).filter(|_| !evidence.is_empty());
    Verdict { findings: Vec::new(), diagnosis }
}

pub(crate) fn shown(evidence: &Evidence, pointers: &[Pointer], form: Form, width: usize) -> String {
    colored::control::set_override(false);
    let verdict = verdict(pointers);
    let has_picture = !picture(evidence, &verdict, width).is_empty();
    blocks(evidence, &verdict, form, has_picture, width)
}

pub(crate) fn short(exchanges: Vec<Exchange>) -> String {
    shown(&evidence(exchanges), &[], Form::Short, 80)
}

const BUSY: &str = "-ERR Background save already in progress";

#[test]
fn nothing_to_tell_is_nothing_shown() {
    assert_eq!(short(Vec::new()), "");
}

#[test]
fn commands_and_replies_stand_in_columns() {
    let sent = vec![
        exchange(0, "SET order:1001 paid", "+OK"),
        exchange(400, "BGSAVE", "+Background saving started"),
        exchange(900, "SAVE", BUSY),
    ];
    let text = shown(&evidence(sent), &[Pointer::Exchange(2)], Form::Short, 90);
    insta::assert_snapshot!(text, @r"

      what Redis saw
        +0.0 ms  SET order:1001 paid  OK
        +0.4 ms  BGSAVE               Background saving started
        +0.9 ms  SAVE                 ERR Background save already in progress  ◄ see the cause
    ");
}

#[test]
fn a_message_stands_where_it_came() {
    let mut evidence = evidence(vec![
        exchange(0, "SUBSCRIBE orders", "+OK"),
        exchange(900, "UNSUBSCRIBE orders", "+OK"),
    ]);
    evidence.timeline.messages.push(Message {
        at: Duration::from_micros(400),
        connection: 1,
        pattern: None,
        channel: b"orders".to_vec(),
        payload: b"order:1001 paid".to_vec(),
    });
    insta::assert_snapshot!(shown(&evidence, &[Pointer::Exchange(1)], Form::Short, 90), @r#"

      what Redis saw
        +0.0 ms  SUBSCRIBE orders                    OK
        +0.4 ms  ◄ message orders "order:1001 paid"
        +0.9 ms  UNSUBSCRIBE orders                  OK  ◄ see the cause
    "#);
    let words = in_words(&evidence, &[], Form::Short);
    assert!(words.contains("\n  at 0.4 ms: message orders \"order:1001 paid\"\n"), "{words}");
}

/// A client that polls INFO, which answers this, after BGSAVE.
pub(crate) fn poll(info: &str) -> Vec<Exchange> {
    let mut sent = vec![
        exchange(0, "CLIENT SETINFO LIB-NAME redis-py", "+OK"),
        exchange(10, "HELLO 3", "+OK"),
        exchange(100, "BGSAVE", "+Background saving started"),
    ];
    sent.extend((0..37).map(|index| exchange(200 + index * 50_000, "INFO persistence", info)));
    sent
}

#[test]
fn a_poll_is_one_line_and_its_setting_up_none() {
    let info = "aof_rewrite_in_progress:0\r\nmodule_fork_in_progress:0\r\nloading:0\r\n";
    insta::assert_snapshot!(short(poll(info)), @r"

      what Redis saw
        +0.1 ms  BGSAVE                             Background saving started
        +0.2 ms  INFO persistence ×37 until +1.8 s  3 lines
    ");
}

fn two_questions(index: u64) -> [Exchange; 2] {
    [exchange(index * 1000, "LASTSAVE", ":100"), exchange(index * 1000 + 500, "GET a", "b")]
}

#[test]
fn two_alternating_questions_are_two_lines() {
    insta::assert_snapshot!(short((0..9).flat_map(two_questions).collect()), @r#"

      what Redis saw
        +0.0 ms  LASTSAVE ×9 until +8.0 ms  (integer) 100
        +0.5 ms  GET a ×9 until +8.5 ms     "b"
    "#);
}

#[test]
fn a_long_transcript_keeps_its_ends_and_what_matters() {
    let mut sent: Vec<Exchange> =
        (0..50).map(|index| exchange(index * 1000, &format!("SET k:{index} v"), "+OK")).collect();
    sent.insert(25, exchange(24_500, "SAVE", BUSY));
    let text = short(sent);
    assert_eq!(text.lines().filter(|line| line.contains(" ms  ")).count(), 12, "{text}");
    assert!(text.contains("k:0 ") && text.contains("k:49 ") && text.contains("ERR Background"));
    assert_eq!(text.matches("… ").count(), 2, "{text}");
    assert!(text.contains("… 19 more"), "{text}");
}

#[test]
fn many_refusals_that_say_the_same_are_counted() {
    let sent = (0..50).map(|index| exchange(index * 1000, &format!("SET k:{index}"), "-ERR no"));
    let text = short(sent.collect());
    assert!(text.contains("… 38 more, 38 of them refused"), "{text}");
}

#[test]
fn the_long_form_leaves_nothing_out() {
    let info = "aof_rewrite_in_progress:0\r\nloading:0\r\n";
    let sent = vec![
        exchange(0, "CLIENT SETNAME a", "+OK"),
        exchange(10, "INFO", info),
        exchange(20, "INFO", info),
    ];
    insta::assert_snapshot!(shown(&evidence(sent), &[], Form::Long, 80), @r"

      what Redis saw
        +0.0 ms  CLIENT SETNAME a  OK
        +0.0 ms  INFO              aof_rewrite_in_progress:0
                                   loading:0
        +0.0 ms  INFO              aof_rewrite_in_progress:0
                                   loading:0
    ");
}

#[test]
fn connections_are_told_apart_where_there_are_several() {
    let mut sent = vec![exchange(0, "SAVE", "+OK"), exchange(10_500_000, "PING", "")];
    sent[1].connection = 12;
    insta::assert_snapshot!(short(sent), @r"

      what Redis saw
        +0.0 ms  #1   SAVE  OK
        +10.5 s  #12  PING  (no reply)
    ");
}

#[test]
fn no_text_of_a_client_steers_the_terminal() {
    let text = short(vec![exchange(0, r#"SET "a\x1b[2J" "b c""#, "caf\u{e9}\u{202e}\u{1b}[31m")]);
    assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}'), "{text:?}");
    assert!(text.contains(r#""b c""#), "{text}");
}

/// The answer has the server started again.
fn start_again(evidence: &mut Evidence) {
    evidence.before = ServerInfo::of(100, "run_id:0123456789\n");
    let now = Observation::of(ServerInfo::of(101, "run_id:abcdef0123\n"));
    evidence.looks.insert(Moment::Exit, Ok(now));
}

#[test]
fn on_a_narrow_screen_what_does_not_fit_stands_below() {
    let mut evidence = evidence(vec![
        exchange(0, "SET order:1001:long:key paid", "+OK"),
        exchange(700, "SAVE", BUSY),
    ]);
    start_again(&mut evidence);
    let pointers = [Pointer::Exchange(1), Pointer::Row("run_id")];
    insta::assert_snapshot!(shown(&evidence, &pointers, Form::Short, 40), @r"

    what Redis saw
      +0.0 ms  SET order:1001:long:key pa…
               OK
      +0.7 ms  SAVE
               ERR Background save already
               in progress
               ◄ see the cause

    what has changed
      run_id
        01234567 → abcdef01
        ◄ see the cause
    ");
}

#[test]
fn a_narrow_screen_cuts_lines() {
    let sent = vec![exchange(0, "SET order:1001:very:long:key:name paid", BUSY)];
    let text = shown(&evidence(sent), &[Pointer::Exchange(0)], Form::Short, 40);
    assert!(text.lines().all(|line| display_width(line) <= 40), "{text}");
    assert!(text.contains(MARK), "{text}");
}

pub(crate) fn in_words(evidence: &Evidence, pointers: &[Pointer], form: Form) -> String {
    plain::while_on(|| shown(evidence, pointers, form, 80))
}

#[test]
fn in_words_only_every_fact_is_a_line() {
    let mut poll = exchange(3000, "LASTSAVE", ":100");
    poll.connection = 2;
    let mut evidence = evidence(vec![
        exchange(800, "SET a 1", "+OK"),
        exchange(1200, "BGSAVE", BUSY),
        poll.clone(),
        Exchange { at: Duration::from_millis(1500), ..poll },
    ]);
    start_again(&mut evidence);
    let pointers = [Pointer::Exchange(1), Pointer::Row("run_id")];
    insta::assert_snapshot!(in_words(&evidence, &pointers, Form::Short), @r"

    what Redis saw:
      at 0.8 ms on connection 1: SET a 1; reply: OK
      at 1.2 ms on connection 1: BGSAVE; refused: ERR Background save already in
        progress (see the cause)
      at 3.0 ms on connection 2: LASTSAVE, 2 times until 1.5 s; reply: (integer)
        100

    what has changed:
      run_id: 01234567, then abcdef01 (see the cause)
    ");
}

#[test]
fn in_words_only_a_long_command_is_cut_unless_all_is_wanted() {
    let evidence = evidence(vec![exchange(0, &format!("SET a {}", "x".repeat(500)), "+OK")]);
    let short = in_words(&evidence, &[], Form::Short);
    assert!(short.contains("and more; reply: OK"), "{short}");
    let long = in_words(&evidence, &[], Form::Long);
    assert!(long.contains(&"x".repeat(500)), "{long}");
}

#[test]
fn in_words_only_the_cause_is_a_sentence() {
    let text = plain::while_on(|| cause(&verdict(&[Pointer::Log]), 30));
    assert_eq!(text, "\ncause: BGSAVE's reply only\n  means begun\n");
}

fn typed(lines: &[(&str, &str)]) -> Run {
    let exchanges = lines.iter().zip(1..).map(|((line, reply), number)| TypedExchange {
        number,
        line: (*line).to_owned(),
        reply: (*reply).to_owned(),
        ..TypedExchange::default()
    });
    Run::Typed(Typed { exchanges: exchanges.collect(), stopped: None })
}

/// What the snapshot file holds, as it is shown.
fn held(keys: &[&str], count: i64) -> String {
    let keys = keys.iter().map(|key| (*key).to_owned()).collect();
    let mut loaded = Observation::of(ServerInfo::of(100, ""));
    loaded.file = Some(FileContents { keys, count, ..FileContents::default() });
    let evidence = evidence(Vec::new()).seeing(Moment::Restore, Ok(loaded));
    shown(&evidence, &[], Form::Short, 80)
}

fn waited(at: u64, took: u64) -> Waits {
    let took = Duration::from_millis(took);
    let wait = Wait { at: Duration::from_millis(at), took };
    Waits { longest: wait, pings: 412, watched: Duration::from_secs(2), slow: vec![wait] }
}

/// The picture shows the waits of an answer that sent something.
#[test]
fn waits_without_a_command_are_numbers() {
    let mut evidence = evidence(Vec::new());
    evidence.waits = Some(waited(500, 2));
    let text = shown(&evidence, &[Pointer::LongestWait], Form::Short, 100);
    assert_eq!(text, "\n  who had to wait  412 PINGs, the longest wait 2.0 ms  ◄ see the cause\n");
    let text = shown(&evidence, &[], Form::Short, 40);
    assert_eq!(text, "\n  who had to wait\n    412 PINGs, the longest wait 2.0 ms\n");
    let text = in_words(&evidence, &[], Form::Short);
    assert_eq!(text, "\nwho had to wait: the longest wait was 2.0 ms, of 412 PINGs\n");
}

#[test]
fn the_cause_is_wrapped_below_its_beginning() {
    colored::control::set_override(false);
    let text = cause(&verdict(&[Pointer::Log]), 30);
    assert_eq!(text, "\n  cause: BGSAVE's reply only\n         means begun\n");
    assert_eq!(cause(&verdict(&[]), 30), "");
}

#[test]
fn what_the_transcript_shows_is_not_repeated() {
    let transcript = evidence(vec![exchange(0, "BGSAVE", "+Background saving started")]).timeline;
    let started = ("BGSAVE", "Background saving started");
    assert!(is_shown_by(&typed(&[started]), &transcript));
    for work in background() {
        let reply = work.none_runs();
        let Some(line) = work.wait_line else { continue };
        let waited = (line, reply.as_str());
        assert!(is_shown_by(&typed(&[started, waited]), &transcript));
    }
    assert!(!is_shown_by(&typed(&[("BGSAVE", "OK")]), &transcript));
    assert!(!is_shown_by(&typed(&[started, ("SAVE \"", "Invalid argument(s)")]), &transcript));
    assert!(!is_shown_by(&typed(&[]), &transcript));
}

#[test]
fn what_the_snapshot_file_holds_is_named() {
    let title = "\n  what the snapshot file alone holds\n";
    assert_eq!(held(&["a", "b"], 2), format!("{title}    a, b\n"));
    assert_eq!(held(&["a", "b"], 9), format!("{title}    a, b and 7 more\n"));
    let ten = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"];
    assert_eq!(held(&ten, 99), format!("{title}    a, b, c, d, e, f and 93 more\n"));
    assert!(held(&ten, 10).contains("i, j\n"));
    assert_eq!(held(&[], 0), format!("{title}    no key in database 0\n"));
}

#[test]
fn what_the_snapshot_file_holds_is_shown_with_its_strings() {
    let file = FileContents {
        keys: vec!["list".to_owned(), "status".to_owned()],
        values: [("status".to_owned(), "paid".to_owned())].into(),
        count: 2,
        differences: None,
    };
    assert_eq!(super::held(&file), "list, status = paid");
}

#[test]
fn what_nobody_sees_is_written_out_for_people() {
    let exchanges = vec![exchange(0, "\u{200b}SAVE", "+a\u{a0}b")];
    let told = short(exchanges);
    assert!(told.contains("\\u200bSAVE") && told.contains("a\\u00a0b"), "{told}");
    assert_eq!(command_line(&[b"a\xc2\xa0b".to_vec()]), "a\u{a0}b");
}

#[test]
fn a_repeated_command_shows_the_first_and_the_last_of_different_replies() {
    let text = short(vec![
        exchange(1, "PUBLISH flood x", ":1"),
        exchange(2, "PUBLISH flood x", ":1"),
        exchange(3, "PUBLISH flood x", ":0"),
    ]);
    assert!(text.contains("×3 until +0.0 ms  (integer) 1 … (integer) 0"), "{text}");
}
