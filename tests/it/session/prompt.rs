//! The Redis prompt in the session.

use super::{FIRST, opens_saving, opens_the_prompt, resumes};
use crate::support::terminal::{CTRL_C, CTRL_D, Student, Terminal, UP};

fn at_the_prompt(student: &Student) -> Terminal {
    let mut terminal = resumes(student);
    opens_the_prompt(&mut terminal);
    terminal
}

#[test]
fn ctrl_c_clears_the_line_and_the_session_lives() {
    let student = Student::at(FIRST);
    let mut terminal = at_the_prompt(&student);
    terminal.presses("half a line");
    terminal.sees("redis> half a line");
    terminal.presses(CTRL_C);
    terminal.types("PING");
    terminal.sees_the_line("PONG");
}

#[test]
fn what_is_typed_right_after_the_key_is_not_lost() {
    let student = Student::at(FIRST);
    let mut terminal = resumes(&student);
    terminal.presses("pINCR early\rINCR ear");
    terminal.sees("redis> INCR early\n(integer) 1");
    terminal.sees("redis> INCR ear");
    terminal.presses("ly\r");
    terminal.sees_the_line("(integer) 2");
}

#[test]
fn ctrl_c_between_a_reply_and_the_next_prompt_does_not_end_the_session() {
    let student = Student::at(FIRST);
    let mut terminal = at_the_prompt(&student);
    for number in 0..10 {
        terminal.types(&format!("ECHO {number}-{number}"));
        terminal.sees_the_line(&format!("\"{number}-{number}\""));
        terminal.presses(CTRL_C);
    }
    terminal.types("ECHO alive");
    terminal.sees_the_line("\"alive\"");
}

#[test]
fn ctrl_c_cancels_only_a_blocked_command() {
    let student = Student::at(FIRST);
    let mut terminal = at_the_prompt(&student);
    terminal.types("BLPOP q 0");
    terminal.sees("no reply yet");
    terminal.presses(CTRL_C);
    terminal.sees("cancelled: the connection was closed");
    terminal.types("PING");
    terminal.sees_the_line("PONG");
}

#[test]
fn each_pasted_line_is_a_command() {
    let student = Student::at(FIRST);
    let mut terminal = at_the_prompt(&student);
    terminal.presses("\x1b[200~SET pasted 1\nINCR pasted\x1b[201~\r");
    terminal.sees("redis> SET pasted 1\nOK\nredis> INCR pasted\n(integer) 2");
}

#[test]
fn the_history_is_there_after_a_restart() {
    let student = Student::at(FIRST);
    let mut terminal = at_the_prompt(&student);
    terminal.types("ECHO remembered");
    terminal.types("exit");
    terminal.sees("step 6 of 11");
    terminal.presses("q");
    terminal.ends();
    let mut terminal = at_the_prompt(&student);
    // The last line in the history is `exit`.
    terminal.presses(UP.repeat(2));
    terminal.sees("redis> ECHO remembered");
}

#[test]
fn tab_completes_a_command() {
    let student = Student::at(FIRST);
    let mut terminal = at_the_prompt(&student);
    terminal.presses("LASTS\t");
    terminal.sees("redis> LASTSAVE");
}

#[test]
fn a_command_is_explained() {
    let student = Student::at(FIRST);
    let mut terminal = at_the_prompt(&student);
    terminal.types("help LASTSAVE");
    terminal.sees("group       server");
}

#[test]
fn exit_and_ctrl_d_lead_back_to_the_lesson() {
    let student = Student::at(FIRST);
    let mut terminal = at_the_prompt(&student);
    terminal.types("exit");
    terminal.sees("step 6 of 11");
    opens_the_prompt(&mut terminal);
    terminal.presses(CTRL_D);
    terminal.sees("step 6 of 11");
}

#[test]
fn a_resp3_map_is_shown_as_in_redis_cli() {
    let student = Student::at(FIRST);
    let mut terminal = at_the_prompt(&student);
    terminal.types("HELLO 3");
    terminal.sees("1# \"server\" => \"");
    terminal.types("CONFIG GET save");
    terminal.sees("1# \"save\" => \"\"");
}

#[test]
fn typed_commands_are_saved_as_the_judged_answer() {
    let student = Student::at(FIRST);
    let mut terminal = at_the_prompt(&student);
    terminal.types("PING");
    terminal.types("SAVE");
    terminal.types("exit");
    terminal.sees("c check what you did");
    terminal.presses("c");
    terminal.sees("✗ BGSAVE began a snapshot");
    assert_eq!(student.answer("creating-snapshots.redis"), "PING\nSAVE\n");
}

#[test]
fn passing_is_announced_at_the_prompt() {
    let student = Student::new();
    let mut terminal = opens_saving(&student);
    opens_the_prompt(&mut terminal);
    terminal.types("SAVE");
    terminal.types("BGSAVE");
    terminal.sees_the_line("passed: all checks met");
    terminal.types("exit");
    terminal.sees("1 of 1 passed");
    // A wait line may follow, if the session has seen the student wait.
    assert!(student.answer("saving-twice.redis").starts_with("SAVE\nBGSAVE\n"));
}

#[test]
fn an_earlier_verdict_is_not_shown_as_the_state_of_the_fresh_server() {
    let student = Student::at(FIRST);
    student.saves("creating-snapshots.redis", "SAVE\n");
    let mut terminal = resumes(&student);
    terminal.presses("c");
    terminal.sees("✗ BGSAVE began a snapshot");
    opens_the_prompt(&mut terminal);
    assert!(terminal.text().contains("○ SAVE took a snapshot"), "{}", terminal.text());
}

#[test]
fn a_background_save_can_be_waited_for() {
    let student = Student::at("using-bgsave");
    let mut terminal = at_the_prompt(&student);
    terminal.types("BGSAVE");
    terminal.types("@wait-bgsave");
    terminal.sees("a background save runs");
    terminal.sees("✓ no background save runs any more when the answer ends");
}

#[test]
fn a_reading_step_has_a_prompt_too() {
    let student = Student::new();
    let mut terminal = student.starts_redislings(crate::support::terminal::USUAL);
    terminal.sees("Welcome to redislings");
    terminal.presses("n");
    terminal.sees("Everything you put into Redis");
    opens_the_prompt(&mut terminal);
    terminal.types("ECHO read");
    terminal.sees_the_line("\"read\"");
    terminal.types("exit");
    terminal.sees("Everything you put into Redis");
}

#[test]
fn a_cancelled_line_is_not_in_the_answer() {
    let student = Student::at(FIRST);
    let mut terminal = at_the_prompt(&student);
    terminal.types("SAVE");
    for line in ["SUBSCRIBE a", "BLPOP a 0"] {
        terminal.types(line);
        terminal.sees("Ctrl-C cancels");
        terminal.presses(CTRL_C);
        terminal.sees_no_more("Ctrl-C cancels");
    }
    terminal.types("exit");
    terminal.sees("c check what you did");
    terminal.presses("c");
    terminal.sees("✗ BGSAVE began a snapshot");
    assert_eq!(student.answer("creating-snapshots.redis"), "SAVE\n");
}
