//! How the evidence of a save is shown: what Redis saw of it, and what it has changed.

use std::time::Duration;

use crate::attempt::evidence::{Evidence, Observation};
use crate::lesson::Moment;
use crate::present::evidence::Form;
use crate::present::evidence::tests::{evidence, exchange, in_words, poll, short, shown};
use crate::relay::Mark;
use crate::server::ServerInfo;
use crate::verdict::Pointer;

#[test]
fn a_poll_shows_how_a_background_save_stands() {
    let info = "rdb_bgsave_in_progress:0\r\nrdb_last_bgsave_status:ok\r\nloading:0\r\n";
    insta::assert_snapshot!(short(poll(info)), @r"

      what Redis saw
        +0.1 ms  BGSAVE                             Background saving started
        +0.2 ms  INFO persistence ×37 until +1.8 s  rdb_bgsave_in_progress:0, rdb_l…
    ");
}

/// A background save still runs when the answer ends.
fn saving_at_exit() -> Evidence {
    let exit = Observation::of(ServerInfo::of(101, "rdb_bgsave_in_progress:1\n"));
    evidence(Vec::new()).seeing(Moment::Exit, Ok(exit))
}

#[test]
fn the_table_tells_what_has_changed_and_where_the_cause_lies() {
    let mut evidence = saving_at_exit();
    let log = "Background saving terminated by signal 10\n".to_owned();
    evidence.at_mut(Moment::Exit).log = Some(log);
    let pointers = [Pointer::Row("rdb_bgsave_in_progress"), Pointer::Log];
    insta::assert_snapshot!(shown(&evidence, &pointers, Form::Short, 100), @r"

      what has changed
        LASTSAVE                100 → 101 (+1 s)
        rdb_bgsave_in_progress  0 → 1 when the answer ended  ◄ see the cause
        the server's log        the background save was ended by a signal  ◄ see the cause
    ");
}

#[test]
fn on_a_narrow_screen_what_has_changed_stands_below_its_field() {
    let pointers = [Pointer::Row("rdb_bgsave_in_progress")];
    insta::assert_snapshot!(shown(&saving_at_exit(), &pointers, Form::Short, 40), @r"

    what has changed
      LASTSAVE
        100 → 101 (+1 s)
      rdb_bgsave_in_progress
        0 → 1 when the answer ended
        ◄ see the cause
    ");
}

#[test]
fn in_words_only_every_change_is_a_line() {
    let pointers = [Pointer::Row("rdb_bgsave_in_progress")];
    insta::assert_snapshot!(in_words(&saving_at_exit(), &pointers, Form::Short), @r"

    what has changed:
      LASTSAVE: 100, then 101 (+1 s)
      rdb_bgsave_in_progress: 0, then 1 when the answer ended (see the cause)
    ");
}

#[test]
fn the_end_of_a_background_save_stands_in_its_place() {
    let mut evidence = evidence(vec![
        exchange(100, "BGSAVE", "+Background saving started"),
        exchange(2_000_100, "SET order:after 1", "+OK"),
    ]);
    let at = Duration::from_secs(2);
    evidence.timeline.marks.push(Mark { word: "@bgsave-ended", at, seen: at });
    let text = shown(&evidence, &[], Form::Short, 90);
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    assert!(lines[3].ends_with("+2000.0 ms  (the background save has ended)"), "{text}");
    assert!(!text.contains("#1") && !text.contains("no reply"), "{text}");
}
