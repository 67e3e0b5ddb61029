//! Saving files that are no answer to the open exercise.

use super::{FIRST, resumes};
use crate::support::terminal::Student;

#[test]
fn a_file_of_another_exercise_or_of_none_is_told() {
    let student = Student::at(FIRST);
    std::fs::create_dir(student.path("work/answers")).unwrap();
    let terminal = resumes(&student);
    student.saves("creating_snapshots.redis", "SET a 1\n");
    terminal.sees("answers/creating_snapshots.redis belongs to no exercise");
    terminal.sees("answers/creating-snapshots.py or");
    student.saves("using-bgsave.redis", "SET a 1\n");
    terminal.sees("answers/using-bgsave.redis belongs to \"Using BGSAVE\"; this is");
}

#[test]
fn at_a_step_without_an_exercise_a_saved_answer_is_told_too() {
    let student = Student::at(FIRST);
    std::fs::create_dir(student.path("work/answers")).unwrap();
    let mut terminal = resumes(&student);
    terminal.presses("b");
    terminal.sees("step 5 of 11");
    student.saves("using-bgsave.py", "print(1)\n");
    terminal.sees("answers/using-bgsave.py belongs to \"Using BGSAVE\"");
}
