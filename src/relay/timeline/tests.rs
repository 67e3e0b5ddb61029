use super::*;

fn exchange(words: &[&str]) -> Exchange {
    let words = words.iter().map(|word| word.as_bytes().to_vec()).collect();
    let (at, outcome) = (Duration::ZERO, CommandOutcome::Unknown);
    Exchange { at, connection: 1, words, reply: None, outcome }
}

#[test]
fn a_name_is_like_itself_in_any_case_and_arguments_are_not() {
    let sent = exchange(&["set", "order:1001", "paid"]);
    assert!(sent.begins_with(&["SET"]) && sent.begins_with(&["Set", "order:1001"]));
    assert!(!sent.begins_with(&["SET", "ORDER:1001"]));
    assert!(!sent.begins_with(&["SET", "order:1001", "paid", "NX"]));
}

/// A timeline of commands that were all run with success.
fn timeline(lines: &[&str]) -> Timeline {
    let done = |line: &&str| {
        let words: Vec<&str> = line.split(' ').collect();
        Exchange { outcome: CommandOutcome::Done, ..exchange(&words) }
    };
    Timeline { exchanges: lines.iter().map(done).collect(), ..Timeline::default() }
}

fn order(timeline: &Timeline, starts: &[&str]) -> Shown {
    let words = |line: &&str| crate::redis_cli::words::split(line).unwrap();
    timeline.has_in_order(&starts.iter().map(words).collect::<Vec<_>>(), |_, _| Some(true))
}

#[test]
fn an_order_is_shown_whatever_came_between() {
    let sent = timeline(&["SET a 1", "PING", "set b 2", "DBSIZE"]);
    assert_eq!(order(&sent, &["SET a", "DBSIZE"]), Shown::Yes);
    assert_eq!(order(&sent, &["SET", "SET", "dbsize"]), Shown::Yes);
    assert_eq!(order(&sent, &["SET b", "SET a"]), Shown::No);
    assert_eq!(order(&sent, &["DBSIZE", "DBSIZE"]), Shown::No);
}

#[test]
fn only_what_was_run_with_success_is_in_order() {
    for outcome in [CommandOutcome::Refused, CommandOutcome::NotRun] {
        let mut sent = timeline(&["SET a 1", "BGSAVE"]);
        sent.exchanges[1].outcome = outcome;
        assert_eq!(order(&sent, &["SET", "BGSAVE"]), Shown::No, "{outcome:?}");
    }
}

#[test]
fn what_was_not_kept_may_be_in_order() {
    let left_out_names = BTreeSet::from(["SET".to_owned()]);
    let sent = timeline(&["SET a 1", "BGSAVE"]);
    let sent = Timeline { left_out: 1, left_out_names, ..sent };
    assert_eq!(order(&sent, &["SET", "BGSAVE"]), Shown::Yes);
    assert_eq!(order(&sent, &["BGSAVE", "SET"]), Shown::Unknown);
    assert_eq!(order(&sent, &["BGSAVE", "SAVE"]), Shown::No, "no SAVE was left out");
}

#[test]
fn nobody_knows_what_came_through_a_connection_that_was_lost() {
    let sent = Timeline { is_incomplete: true, ..timeline(&["SAVE"]) };
    assert_eq!(order(&sent, &["SAVE"]), Shown::Yes);
    assert_eq!(order(&sent, &["SAVE", "BGSAVE"]), Shown::Unknown);
}

#[test]
fn a_command_without_a_known_end_may_be_in_order() {
    let mut sent = timeline(&["SAVE", "BGSAVE"]);
    sent.exchanges[1].outcome = CommandOutcome::Unknown;
    assert_eq!(order(&sent, &["SAVE", "BGSAVE"]), Shown::Unknown);
    assert_eq!(order(&sent, &["BGSAVE", "SAVE"]), Shown::No);
}

#[test]
fn what_multi_queued_ran_at_exec() {
    let mut sent = timeline(&["MULTI", "BGSAVE", "SAVE", "EXEC"]);
    let value = Value::SimpleString("QUEUED".to_owned());
    sent.exchanges[1].reply = Some(Reply { value, took: Duration::ZERO });
    sent.exchanges[2].connection = 2;
    assert_eq!(order(&sent, &["SAVE", "BGSAVE"]), Shown::Yes);
    assert_eq!(order(&sent, &["BGSAVE", "SAVE"]), Shown::No);
}

#[test]
fn what_was_sent_early_and_ran_late_is_in_order_as_it_ran() {
    let mut sent = timeline(&["BLPOP q 4", "SAVE", "BGSAVE"]);
    let seconds = Duration::from_secs;
    for (place, at, took) in [(0, 0, 4), (1, 0, 5), (2, 1, 0)] {
        sent.exchanges[place].at = seconds(at);
        let took = seconds(took);
        sent.exchanges[place].reply = Some(Reply { value: Value::Okay, took });
    }
    sent.exchanges[2].connection = 2;
    assert_eq!(order(&sent, &["SAVE", "BGSAVE"]), Shown::No);
    assert_eq!(order(&sent, &["BGSAVE", "SAVE"]), Shown::Yes);
}

#[test]
fn a_command_without_a_reply_ran_behind_those_before_it() {
    let mut sent = timeline(&["SAVE", "CLIENT REPLY OFF", "BGSAVE"]);
    let took = Duration::from_secs(3);
    sent.exchanges[0].reply = Some(Reply { value: Value::Okay, took });
    assert_eq!(order(&sent, &["SAVE", "BGSAVE"]), Shown::Yes);
    assert_eq!(order(&sent, &["BGSAVE", "SAVE"]), Shown::No);
}

#[test]
fn refusals_are_counted_also_where_they_were_not_kept() {
    let mut sent = timeline(&["CONFIG GET a", "SAVE"]);
    sent.exchanges[0].outcome = CommandOutcome::Refused;
    sent.left_out = 9;
    let refusals = [("CONFIG".to_owned(), 2), ("SAVE".to_owned(), 1)];
    sent.refusals = refusals.into();
    assert_eq!(sent.has_refused(&["save"]), Shown::Yes);
    assert_eq!(sent.has_refused(&["BGSAVE"]), Shown::No);
    assert_eq!(sent.has_refused(&["CONFIG", "get"]), Shown::Yes);
    assert_eq!(sent.has_refused(&["CONFIG", "SET"]), Shown::Unknown);
    sent.refusals[0].1 = 1;
    assert_eq!(sent.has_refused(&["CONFIG", "SET"]), Shown::No);
}

#[test]
fn what_a_client_sends_by_itself_matters_where_it_is_refused() {
    let refused = |words: &[&str]| Exchange { outcome: CommandOutcome::Refused, ..exchange(words) };
    assert!(exchange(&["client", "setinfo", "LIB-NAME", "x"]).only_sets_up_the_connection());
    assert!(!exchange(&["CLIENT", "PAUSE", "9"]).only_sets_up_the_connection());
    assert!(exchange(&["AUTH", "x"]).only_sets_up_the_connection());
    assert!(!refused(&["AUTH", "x"]).only_sets_up_the_connection());
    assert!(refused(&["CLIENT", "SETINFO", "x"]).only_sets_up_the_connection());
}

#[test]
fn arguments_that_are_left_out_are_another_thing_than_their_ends() {
    assert!(exchange(&["MSET", "a", "… (68 more arguments)"]).lacks_arguments());
    let cut = exchange(&["SET", "a", "xx… (488 more bytes)"]);
    assert!(cut.is_cut() && !cut.lacks_arguments());
}

#[test]
fn a_subcommand_is_like_itself_in_any_case() {
    assert!(exchange(&["config", "resetstat"]).begins_with(&["CONFIG", "RESETSTAT"]));
}
