//! Where `verify` points when it is not an answer that is at fault, and what it then ends with.

use crate::support::{Ended, Place};

/// An exercise with these lines at the end of its `toml exercise`, this setup and this starter, verified.
fn verify(toml: &str, setup: &str, starter: &str) -> Ended {
    let lesson = format!(
        "# L\n\n## E\n\n> [!TIP]\n> look\n\n```redis setup\n{setup}\n```\n\n```redis starter fails=saved\nPING\n```\n\n\
         ```redis solution\nSAVE\n```\n\n```python starter fails=saved\n{starter}\n```\n\n\
         ```python solution\nimport redis\nredis.Redis().save()\n```\n\n\
         ```toml exercise\nid = \"e\"\n{toml}\n[[check]]\nid = \"saved\"\ncalls = {{ save = 1 }}\n```\n"
    );
    let place = Place::new();
    place.file("course/01-l.md", lesson);
    place.run(&["verify", "--lessons", "course", "--no-mutants", "--server", "process"])
}

#[track_caller]
fn assert_fails_at(ended: &Ended, line: usize, says: &str) {
    assert_eq!(ended.code, 1, "{ended:?}");
    let told = format!("  --> course/01-l.md:{line}\n  {says}");
    assert!(ended.stdout.contains(&told), "{told}\nis not in\n{}", ended.stdout);
}

#[test]
fn a_setup_that_redis_refuses_is_the_lessons_fault() {
    let ended = verify("", "SET a 1\n\n# more\nINCR a b", "pass");
    assert_fails_at(
        &ended,
        12,
        "the setup fails: `INCR a b` is answered by `(error) ERR wrong number",
    );
}

#[test]
fn a_setup_for_which_the_lesson_leaves_no_memory_is_the_lessons_fault() {
    let ended = verify("[server]\nmaxmemory = 1", "SET a 1", "pass");
    assert_fails_at(&ended, 9, "the setup fails: `SET a 1` is answered by `(error) OOM");
}

#[test]
fn a_setup_that_fails_for_want_of_open_files_is_the_worlds_fault() {
    let most = std::fs::read_to_string("/proc/sys/fs/nr_open").unwrap();
    let too_many = most.trim().parse::<u64>().unwrap() + 1000;
    let ended = verify("", &format!("SET a 1\nCONFIG SET maxclients {too_many}"), "pass");
    assert_eq!(ended.code, 3, "{ended:?}");
}

#[test]
fn a_setting_that_redis_refuses_is_told_where_it_stands() {
    let ended = verify("[server]\nno-such = 1", "SET a 1", "pass");
    assert_fails_at(&ended, 31, "no server starts with the lesson's `[server]`");
    assert!(!ended.stdout.contains("another server"), "{}", ended.stdout);
}

#[test]
fn a_starter_that_does_not_run_is_found() {
    let ended = verify("", "SET a 1", "print('x'");
    assert_fails_at(&ended, 20, "the starter must run to its end");
}

#[test]
fn another_reply_is_told_at_its_command() {
    let place = Place::new();
    place.file("course/01-l.md", "# L\n\n```redis\n> SET a 1\nOK\n> GET a\n\"2\"\n```\n");
    let ended = place.run(&["verify", "--lessons", "course", "--server", "process"]);
    assert_fails_at(&ended, 6, "`GET a` is answered by");
}

#[test]
fn a_command_that_redis_refuses_is_told_where_it_stands() {
    let place = Place::new();
    place.file("course/01-l.md", "# L\n\n```redis\n# two\nSET a 1\n\nINCR a b\n```\n");
    let ended = place.run(&["verify", "--lessons", "course", "--server", "process"]);
    assert_fails_at(&ended, 7, "`INCR a b` is answered by");
}

#[test]
fn an_answer_that_keeps_nobody_waiting_can_fail_for_that() {
    let lesson = "# L\n\n## E\n\n> [!TIP]\n> look\n\n```toml exercise\nid = \"e\"\n[server]\nrdb-key-save-delay = 600000\n\
                  [[check]]\nid = \"all-wait\"\nblocked = \"> 300ms\"\n```\n\n```redis setup\nSET a 1\n```\n\n\
                  ```redis starter fails=all-wait\nPING\n```\n\n```redis solution\nSAVE\n```\n";
    let place = Place::new();
    place.file("course/01-l.md", lesson);
    let ended = place.run(&["verify", "--lessons", "course", "--server", "process"]);
    assert_eq!(ended.code, 0, "{ended:?}");
}
