//! Live checks while the student works manually, with any client.

use super::{
    FIRST, PASSED, address, another_client, asks, client_at, opens_saving, opens_the_prompt,
    resumes,
};
use crate::support::terminal::{CTRL_D, Student};

/// Three orders, to be there after a crash.
const BY_HAND: &str = "trigger-snapshots-manually";

#[test]
fn another_clients_work_ticks_and_passes_without_a_key() {
    let student = Student::new();
    let mut terminal = opens_saving(&student);
    let mut other = another_client(&mut terminal);
    terminal.sees("0 of 4 met");
    asks(&mut other, &["SAVE"]);
    terminal.sees("✓ SAVE took a snapshot");
    terminal.sees("○ BGSAVE began a snapshot");
    terminal.sees("0 of 1 passed");
    asks(&mut other, &["BGSAVE"]);
    terminal.sees("✓ the background save ended well");
    terminal.sees(PASSED);
    terminal.sees("1 of 1 passed");
}

#[test]
fn checks_of_program_output_are_skipped_for_commands() {
    let student = Student::new();
    let mut terminal = opens_saving(&student);
    let mut other = another_client(&mut terminal);
    asks(&mut other, &["SAVE", "BGSAVE"]);
    terminal.sees(PASSED);
    terminal.sees("○ the program prints Saved. (needs a program)");
}

#[test]
fn crash_checks_are_judged_on_request() {
    let student = Student::at(BY_HAND);
    let mut terminal = resumes(&student);
    let mut other = another_client(&mut terminal);
    asks(&mut other, &["MSET order:1001 paid order:1002 paid order:1003 paid", "SAVE"]);
    terminal.sees("all checks so far are met: c checks the work");
    terminal.sees("○ the three orders are still there after the crash (judged at the end)");
    terminal.sees("0 of 5 passed");
    terminal.presses("c");
    terminal.sees("✓ the three orders are still there after the crash");
    terminal.sees("1 of 5 passed");
}

#[test]
fn work_that_a_crash_undoes_does_not_pass() {
    let student = Student::at(BY_HAND);
    let mut terminal = resumes(&student);
    let mut other = another_client(&mut terminal);
    asks(&mut other, &["MSET order:1001 paid order:1002 paid", "SAVE", "SET order:1003 paid"]);
    terminal.sees("all checks so far are met: c checks the work");
    terminal.presses("c");
    terminal.sees("✗ the three orders are still there after the crash");
    terminal.sees("0 of 5 passed");
}

#[test]
fn a_file_is_checked_on_a_server_of_its_own() {
    let student = Student::at(FIRST);
    let mut terminal = resumes(&student);
    let mut other = another_client(&mut terminal);
    asks(&mut other, &["SAVE"]);
    terminal.sees("✓ SAVE took a snapshot");
    student.saves("creating-snapshots.redis", "BGSAVE\n");
    terminal.sees("✗ SAVE took a snapshot");
}

#[test]
fn o_gives_the_next_client_a_fresh_server() {
    let student = Student::at(FIRST);
    let mut terminal = resumes(&student);
    let mut other = another_client(&mut terminal);
    asks(&mut other, &["SET mine 1", "SAVE"]);
    terminal.sees("✓ SAVE took a snapshot");
    terminal.presses("o");
    terminal.sees("fresh server ready");
    terminal.sees("0 of 7 met");
    let mut next = another_client(&mut terminal);
    asks(&mut next, &["COPY mine theirs", "BGSAVE"]);
    terminal.sees("✓ BGSAVE began a snapshot");
    terminal.sees("○ SAVE took a snapshot");
}

#[test]
fn a_check_that_is_spoilt_is_told_at_once() {
    let student = Student::at("using-bgsave");
    let mut terminal = resumes(&student);
    opens_the_prompt(&mut terminal);
    terminal.sees("○ no SAVE stopped the shop");
    terminal.types("SAVE");
    terminal.sees("✗ no SAVE stopped the shop (can't be met any more: o starts over)");
    terminal.is_asked_for_a_command();
    terminal.presses(CTRL_D);
    terminal.sees("c check what you did");
    terminal.sees("✗ no SAVE stopped the shop");
    terminal.presses("o");
    terminal.sees("fresh server ready");
    terminal.presses("v");
    terminal.sees("○ no SAVE stopped the shop");
}

#[test]
fn checks_met_by_another_client_are_shown_above_the_prompt() {
    let student = Student::at(FIRST);
    let mut terminal = resumes(&student);
    opens_the_prompt(&mut terminal);
    let mut other = client_at(address(&terminal));
    terminal.presses("LASTS");
    asks(&mut other, &["SAVE"]);
    terminal.sees("✓ SAVE took a snapshot");
    // The line that is being typed is still there.
    terminal.presses("AVE\r");
    terminal.sees("redis> LASTSAVE");
    terminal.sees("(integer) ");
}
