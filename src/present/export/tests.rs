use super::*;
use crate::lesson::Language;
use crate::present::journal::JournalAnswer;

fn command(at_us: u64, command: &str, reply: &str) -> JournalCommand {
    let (command, reply) = (command.to_owned(), reply.to_owned());
    JournalCommand { at_us, connection: 1, command, reply, marked: false, skipped: 0 }
}

fn check(outcome: Outcome, says: &str) -> JournalCheck {
    JournalCheck {
        outcome,
        says: says.to_owned(),
        expected: "a later LASTSAVE than before".to_owned(),
        found: "LASTSAVE is still 1795".to_owned(),
        otherwise: Some("what does BGSAVE's reply promise?".to_owned()),
    }
}

fn entry(at: i64, attempt: Option<Attempt>, commands: Vec<JournalCommand>) -> JournalEntry {
    JournalEntry {
        session: "1795600000-7".to_owned(),
        at,
        title: "Triggering snapshots by hand".to_owned(),
        server: "redis 7.0.15 (process)".to_owned(),
        attempt,
        commands,
        left_out: 0,
    }
}

fn change(field: &str, marked: bool) -> JournalChange {
    JournalChange { field: field.to_owned(), before: "0".to_owned(), after: "1".to_owned(), marked }
}

fn attempt(text: &str, checks: Vec<JournalCheck>) -> Attempt {
    let answer = JournalAnswer { language: Language::Redis, text: text.to_owned() };
    Attempt {
        exercise: "trigger-snapshots-manually".to_owned(),
        answer: Some(answer),
        stdout: String::new(),
        stderr: String::new(),
        checks,
        cause: None,
        changes: Vec::new(),
        dump: None,
        waits: None,
        picture: None,
    }
}

#[test]
fn a_failed_attempt_is_exported_whole() {
    let checks = vec![
        check(Outcome::Met, "the orders are `paid`"),
        check(Outcome::Unmet, "a snapshot was finished"),
        check(Outcome::NotReached, "the orders survive <the crash>"),
    ];
    let attempt = Attempt {
        cause: Some("BGSAVE's reply only means begun".to_owned()),
        changes: vec![change("expired_keys", false), change("evicted_keys", true)],
        dump: Some("order:1001 and 2 more".to_owned()),
        waits: Some("longest 0.9 ms of 2543 PINGs".to_owned()),
        picture: Some("             0 s ── 1 ms\n  your answer  ▌BGSAVE ▌end\n".to_owned()),
        ..attempt("SET order:1001 \"``` paid\"\nBGSAVE\n", checks)
    };
    let commands = vec![
        command(800, r#"SET order:1001 "``` paid""#, "OK"),
        JournalCommand {
            marked: true,
            skipped: 3,
            ..command(1100, "BGSAVE", "Background saving started")
        },
    ];
    let text = markdown(&[entry(1_795_600_105, Some(attempt), commands)]);
    insta::assert_snapshot!(text, @r#"
    # redislings: session of 2026-11-25 09:48 UTC

    1 attempt at 1 exercise, 0 passed.

    ## Triggering snapshots by hand

    Exercise `trigger-snapshots-manually`.

    ### Attempt 1: not passed

    2026-11-25 09:48:25 UTC, redis 7.0.15 (process)

    The answer:

    ````redis
    SET order:1001 "``` paid"
    BGSAVE
    ````

    1 of 3 checks met:

    - ✓ met: the orders are `paid`
    - ✗ unmet: a snapshot was finished
      - expected: a later LASTSAVE than before
      - found: LASTSAVE is still 1795
      - advice: what does BGSAVE's reply promise?
    - – not judged: the orders survive \<the crash\>

    Cause: BGSAVE's reply only means begun

    In order of time:

    ```text
                 0 s ── 1 ms
      your answer  ▌BGSAVE ▌end
    ```

    What Redis saw:

    ````text
    +0.8 ms  SET order:1001 "``` paid"  OK
    … 3 more
    +1.1 ms  BGSAVE                     Background saving started  ◄ see the cause
    ````

    What has changed:

    | | before | after |
    |---|---|---|
    | expired_keys | 0 | 1 |
    | evicted_keys | 0 | 1  ◄ see the cause |

    What the snapshot file alone holds: order:1001 and 2 more

    Who had to wait: longest 0.9 ms of 2543 PINGs
    "#);
}

#[test]
fn an_exploration_has_no_verdict() {
    let other = JournalCommand { connection: 2, ..command(12_000_000, "GET a", "(nil)") };
    let text = markdown(&[entry(1_795_600_105, None, vec![command(5, "PING", "PONG"), other])]);
    insta::assert_snapshot!(text, @r"
    # redislings: session of 2026-11-25 09:48 UTC

    No attempts.

    ## Triggering snapshots by hand

    ### At the prompt

    2026-11-25 09:48:25 UTC, redis 7.0.15 (process)

    What Redis saw:

    ```text
    +0.0 ms  #1  PING   PONG
    +12.0 s  #2  GET a  (nil)
    ```
    ");
}

fn done(session: &str, exercise: &str) -> JournalEntry {
    let attempt = Attempt { exercise: exercise.to_owned(), ..attempt("SAVE", Vec::new()) };
    let entry = entry(1_795_600_105, Some(attempt), Vec::new());
    JournalEntry { session: session.to_owned(), title: exercise.to_uppercase(), ..entry }
}

#[test]
fn attempts_at_one_exercise_stand_together_in_each_session() {
    let entries = [done("1", "a"), done("1", "b"), done("2", "b"), done("1", "a")];
    let text = markdown(&entries);
    let headings: Vec<&str> = text.lines().filter(|line| line.starts_with('#')).collect();
    insta::assert_snapshot!(headings.join("\n"), @r"
    # redislings: session of 2026-11-25 09:48 UTC
    ## A
    ### Attempt 1: passed
    ### Attempt 2: passed
    ## B
    ### Attempt 1: passed
    # redislings: session of 2026-11-25 09:48 UTC
    ## B
    ### Attempt 1: passed
    ");
}

#[test]
fn what_a_program_printed_is_told() {
    let attempt = Attempt {
        stdout: "saved\n".to_owned(),
        stderr: "Traceback\n  line 1\n".to_owned(),
        answer: Some(JournalAnswer {
            language: Language::Python,
            text: "if a:\n\tsave()".to_owned(),
        }),
        ..attempt("", Vec::new())
    };
    let text = markdown(&[entry(1_795_600_105, Some(attempt), Vec::new())]);
    assert!(text.contains("```python\nif a:\n\tsave()\n```\n"), "{text}");
    assert!(text.contains("The program printed:\n\n```text\nsaved\n```\n"), "{text}");
    assert!(text.contains("Its errors:\n\n```text\nTraceback\n  line 1\n```\n"), "{text}");
}

#[test]
fn a_time_that_no_clock_shows_is_no_panic() {
    assert_eq!(utc(i64::MAX), "1970-01-01 00:00:00");
    assert_eq!(utc(1_795_600_105), "2026-11-25 09:48:25");
}

#[test]
fn a_reply_of_several_lines_stands_in_a_block() {
    let mut check = check(Outcome::Unmet, "the list is whole");
    check.found = "LRANGE l 0 -1:\n  1) \"a\"\n! 2) \"x\"".to_owned();
    let text = markdown(&[entry(0, Some(attempt("PING\n", vec![check])), Vec::new())]);
    let block = "  - found: LRANGE l 0 -1:\n    ```text\n      1) \"a\"\n    ! 2) \"x\"\n    ```\n";
    assert!(text.contains(block), "{text}");
}
