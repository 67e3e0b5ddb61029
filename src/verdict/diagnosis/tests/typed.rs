use std::time::Duration;

use crate::attempt::evidence::{Evidence, Output, ProgramEnd, ProgramRun, Run};
use crate::relay::{Step, StepKind};
use crate::topics::snapshots::tests::scene::{
    CALLS_BGSAVE, CALLS_SAVE, OK, QUEUED, STARTED, STDOUT, STORED, SURVIVES, Scene, scene, unknown,
};

fn says(scene: Scene, cause: &str) {
    assert_eq!(scene.diagnosed().map(|diagnosed| diagnosed.cause).as_deref(), Some(cause));
}

/// One line that Redis does not know, and BGSAVE.
fn refused(line: &str) -> Scene {
    let name = line.split(' ').next().unwrap();
    let error = unknown(name);
    scene(CALLS_SAVE, &[(line, &error), ("BGSAVE", STARTED)]).all_typed()
}

#[test]
fn pasted_text_is_named() {
    refused("127.0.0.1:6379> SAVE").is("pasted-prompt", 0);
    for prompt in
        ["> ", "redis> ", "redis 127.0.0.1:6379> ", "localhost:6379[1]> ", "$ ", "h:1(TX)> "]
    {
        let cause =
            format!("line 1 begins with a prompt (`{prompt}`): an answer holds commands only");
        says(refused(&format!("{prompt}SAVE")), &cause);
    }
    refused("redis-cli SAVE").is("pasted-redis-cli", 0);
    refused("redis-cli -p 6379 --raw SAVE").is("pasted-redis-cli", 0);
    refused("SAVE;").is("semicolon-at-the-end", 0);
    refused("\u{200b}SAVE").is("invisible-character", 0);
    says(
        refused("\u{feff}SAVE"),
        "line 1 holds a character that can't be seen (`\\ufeff`), and to Redis it is a letter: \
         type the line anew",
    );
    refused("“SAVE”").is("typographic-quotes", 0);
    // Several at once.
    refused("> SAVE;").is("pasted-prompt", 0);
}

#[test]
fn pasted_text_elsewhere_is_no_cause() {
    for line in ["> GET a", "redis-cli GET a", "GET;", "\u{200b}GET", "“GET”"] {
        let error = unknown(line);
        scene(CALLS_SAVE, &[(line, &error), ("BGSAVE", STARTED)])
            .all_typed()
            .seen_nowhere("save-never-sent");
    }
    // `a;` is a good value here.
    let sent = [("SET note a;", OK), ("BGSAVE", STARTED)];
    scene(CALLS_SAVE, &sent).all_typed().seen_nowhere("save-never-sent");
    // A program was not pasted.
    let error = unknown("SAVE;");
    scene(CALLS_SAVE, &[("SAVE;", &error), ("BGSAVE", STARTED)]).never("semicolon-at-the-end");
}

#[test]
fn pasted_text_is_why_a_line_was_refused_that_would_have_met_nothing() {
    for (line, why) in [
        ("127.0.0.1:6379> SET other 1", "it begins with a prompt (`127.0.0.1:6379> `)"),
        ("redis-cli SET other 1", "`redis-cli` is a program of the shell"),
        ("GET;", "it ends with `;`, which to Redis is a letter of `GET;`"),
        ("\u{200b}GET a", "it holds a character that can't be seen (`\\u200b`)"),
    ] {
        let error = unknown(line);
        let scene = scene(STORED, &[(line, &error)]).all_typed().found("nil");
        says(scene, &format!("line 1 was refused: {why}"));
    }
    let error = "-ERR syntax error";
    let scene = scene(STORED, &[("SET report:daily “two words”", error)]).all_typed();
    let why = "it has a typographic quote (`“`)";
    says(
        scene.found("nil"),
        &format!("the command that was to write `report:daily` was refused: {why}"),
    );
}

#[test]
fn pasted_text_in_stored_values() {
    let stored = |line: &str, found: &str| scene(STORED, &[(line, OK)]).all_typed().found(found);
    stored("SET report:daily ready;", "$ready;").is("semicolon-at-the-end", 0);
    stored("SET report:daily “ready”", "$“ready”").is("typographic-quotes", 0);
    stored("SET report:daily ready\u{200b}", "$ready\u{200b}").is("invisible-character", 0);
    stored("SET report:daily\u{200b} ready", "nil").is("invisible-character", 0);
    stored("SET report:daily red;", "$red;").is("another-value", 0);
    // The value was overwritten.
    let sent = [("SET report:daily ready;", OK), ("SET report:daily red", OK)];
    scene(STORED, &sent).all_typed().found("$red").is("another-value", 1);
}

#[test]
fn a_fence_spoils_the_transaction_that_it_stands_in() {
    let error = unknown("```");
    let abort = "-EXECABORT Transaction discarded because of previous errors.";
    let write = "SET report:daily ready";
    let sent = [("MULTI", OK), (write, QUEUED), ("```", &error), ("EXEC", abort)];
    scene(STORED, &sent).not_run(1).all_typed().found("nil").is("pasted-code-fence", 2);
    let sent = [("```", &*error), ("MULTI", OK), (write, QUEUED), ("EXEC", abort)];
    scene(STORED, &sent).not_run(2).all_typed().found("nil").is("transaction-discarded", 3);
}

#[test]
fn a_misspelt_command_is_named_with_its_line() {
    let error = unknown("SETT");
    let sent = [("SETT report:daily ready", &*error)];
    scene(STORED, &sent).all_typed().found("nil").is("unknown-command", 0);
    let said = "line 1: Redis does not know `SETT`; did you mean `SET`?";
    says(scene(STORED, &sent).all_typed().found("nil"), said);
    // A program has no lines of its own.
    says(scene(STORED, &sent).found("nil"), &said["line 1: ".len()..]);
    scene(STDOUT, &sent)
        .failed("redis.exceptions.ResponseError: unknown command 'SETT', with args beginning with:")
        .is("unknown-command", 0);
    let (error, exec) = (unknown("BGSVAE"), unknown("EXCE"));
    scene(CALLS_BGSAVE, &[("BGSVAE", &error)]).all_typed().is("unknown-command", 0);
    let sent = [("MULTI", OK), ("BGSAVE", QUEUED), ("EXCE", &exec)];
    scene(CALLS_BGSAVE, &sent).not_run(1).all_typed().is("unknown-command", 2);
    // Another misspelt command is not why SAVE was not sent.
    scene(CALLS_SAVE, &[("BGSVAE", &error), ("BGSAVE", STARTED)]).seen_nowhere("save-never-sent");
}

#[test]
fn a_misspelt_command_that_would_not_have_met_the_check_is_named_as_well() {
    let error = unknown("SETT");
    let other = scene(STORED, &[("SETT report:daily other", &*error)]).all_typed().found("nil");
    says(other, "line 1 was refused: Redis does not know `SETT`; did you mean `SET`?");
    // A check whose failure has no known symptom.
    let publishes = "[[check]]\nid = \"c\"\ncalls = { publish = \">= 1\" }";
    let error = unknown("PUBLSH");
    let sent = scene(publishes, &[("PUBLSH orders hi", &*error)]).all_typed().found("never");
    says(sent, "line 1 was refused: Redis does not know `PUBLSH`; did you mean `PUBLISH`?");
    let error = unknown("wait-toy");
    let waits = scene(STORED, &[("wait-toy", &*error)]).all_typed().found("nil");
    says(waits, "line 1 was refused: Redis does not know `wait-toy`; did you mean `@wait-toy`?");
}

#[test]
fn a_command_with_too_few_words() {
    let error = "-ERR wrong number of arguments for 'set' command";
    let sent = [("SET report:daily", error)];
    scene(STORED, &sent).all_typed().found("nil").is("wrong-number-of-arguments", 0);
    says(
        scene(STORED, &sent).all_typed().found("nil"),
        "line 1: wrong number of arguments for `SET`",
    );
    scene(STORED, &[("SET other", error)]).found("nil").never("wrong-number-of-arguments");
}

#[test]
fn a_counted_command_with_too_many_words() {
    let error = "-ERR wrong number of arguments for 'publish' command";
    let check = "[[check]]\nid = \"c\"\ncalls = { publish = \">= 1\" }\n";
    let sent = [("PUBLISH orders order:1001 paid", error)];
    scene(check, &sent).all_typed().is("line-not-understood", 0);
    let check = "[[check]]\nid = \"c\"\ncalls = { publish = 1 }\n";
    let sent = [("PUBLISH orders paid", ":0"), ("PUBLISH orders paid", ":0"), sent[0]];
    let twice = scene(check, &sent).info("cmdstat_publish:calls=2,failed_calls=0\n");
    twice.all_typed().never("line-not-understood");
}

#[test]
fn a_quote_that_is_never_closed() {
    let unread = |line: &'static str| {
        scene(STORED, &[]).typed(&[line]).found("nil").change(|evidence| {
            let Run::Typed(typed) = &mut evidence.run else { return };
            "Invalid argument(s)".clone_into(&mut typed.exchanges[0].reply);
        })
    };
    unread("SET report:daily \"ready").seen_nowhere("unclosed-quote");
    unread("SET other \"ready").seen_nowhere("line-not-understood");
}

#[test]
fn quit_is_the_end_of_the_answer() {
    let sent = [("BGSAVE", STARTED), ("QUIT", OK)];
    let closed = "Error: Server closed the connection";
    let behind = |lines: &[&str]| {
        let lines = [&["BGSAVE", "QUIT"], lines].concat();
        scene(CALLS_SAVE, &sent).typed(&lines).change(|evidence| {
            let Run::Typed(typed) = &mut evidence.run else { return };
            for exchange in &mut typed.exchanges[2..] {
                closed.clone_into(&mut exchange.reply);
            }
        })
    };
    behind(&["SAVE"]).is("quit-closed-the-connection", 1);
    behind(&["GET a"]).seen_nowhere("save-never-sent");
    behind(&[]).seen_nowhere("save-never-sent");
    // A program's client connects again.
    scene(CALLS_SAVE, &sent).never("quit-closed-the-connection");
    // BGSAVE ran anyway.
    let sent = [("QUIT", OK), ("BGSAVE", STARTED)];
    let lines = ["QUIT", "SAVE", "BGSAVE"];
    scene(CALLS_SAVE, &sent).typed(&lines).never("quit-closed-the-connection");
}

#[test]
fn invisible_characters_in_the_output() {
    let printed = |text: &str| {
        let stdout = Output { text: text.to_owned(), omitted: 0 };
        let run = ProgramRun { end: ProgramEnd::Exited(0), stdout, stderr: Output::default() };
        scene("[[check]]\nid = \"c\"\nstdout = \"All done.\"\n", &[])
            .change(|evidence| evidence.run = Run::Program(run))
    };
    printed("All\u{a0}done.\n").seen_nowhere("invisible-character-printed");
    says(
        printed("All done.\u{200b}\n"),
        "the program printed a character that can't be seen (`\\u200b`): but for it the output is \
         what is asked for",
    );
    printed("All\u{a0}is done.\n").has_no_cause();
}

#[test]
fn a_save_that_was_misspelt_does_not_bring_the_data() {
    let error = unknown("SAVE;");
    let sent = [("SET report:daily ready", OK), ("SAVE;", &*error)];
    scene(SURVIVES, &sent).all_typed().found("nil").is("semicolon-at-the-end", 1);
    let sent = [("SAVE;", &*error), ("SAVE", OK), ("SET report:daily ready", OK)];
    scene(SURVIVES, &sent).all_typed().found("nil").is("written-after-the-snapshot", 2);
}

/// A scene's commands come every 100 ms.
fn stopped_after(millis: u64, sent: &[(&str, &str)]) -> Scene {
    let took = Duration::from_millis(millis);
    scene(STDOUT, sent).timed_out().change(|seen| seen.took = took)
}

#[test]
fn a_loop_ran_until_the_time_was_over() {
    let sent = [("SAVE", OK); 7];
    stopped_after(620, &sent).is("loop-without-an-end", 6);
    stopped_after(420, &sent[..5]).has_no_cause();
    scene(STDOUT, &sent).has_no_cause();
    // It had ended long before.
    stopped_after(9000, &sent).has_no_cause();
    // It began late, and may have been about to end.
    let late = [[("GET order", OK); 8], [("INFO persistence", OK); 8]].concat();
    stopped_after(1550, &late).has_no_cause();
}

#[test]
fn a_slow_program_that_sends_several_transactions_is_in_no_loop() {
    let orders = ["SADD packed 1", "SADD packed 2", "SADD packed 3", "SADD packed 4"];
    let sent: Vec<(&str, &str)> =
        orders.into_iter().flat_map(|order| [(order, OK), ("EXEC", OK)]).collect();
    let twice = [&sent[..], &sent].concat();
    stopped_after(1550, &twice).has_no_cause();
    let same = [("SADD packed 1", OK), ("EXEC", OK)].repeat(7);
    stopped_after(1350, &same).is("loop-without-an-end", 12);
}

#[test]
fn a_program_that_is_killed_and_begins_again_is_in_no_loop() {
    let sent = [("XREADGROUP GROUP packing anna STREAMS orders 0", OK); 8];
    stopped_after(750, &sent).is("loop-without-an-end", 7);
    let killed_at = |at| {
        move |seen: &mut Evidence| {
            let at = Duration::from_millis(at);
            seen.timeline.steps.push(Step { at, what: StepKind::KilledAnswer });
        }
    };
    stopped_after(750, &sent).change(killed_at(450)).has_no_cause();
}
