//! Errors in lessons other than answers: their location and the exit code of `verify`.

use crate::support::{Ended, Workspace};

/// Verifies an exercise with these additional settings, this setup and this starter.
fn verify(toml: &str, setup: &str, starter: &str) -> Ended {
    let lesson = format!(
        "# L\n\n## E\n\n> [!TIP]\n> look\n\n```redis setup\n{setup}\n```\n\n\
         ```redis starter fails=saved\nPING\n```\n\n\
         ```redis solution\nSAVE\n```\n\n```python starter fails=saved\n{starter}\n```\n\n\
         ```python solution\nimport redis\nredis.Redis().save()\n```\n\n\
         ```toml exercise\nid = \"e\"\n{toml}\n[[check]]\nid = \"saved\"\ncalls = {{ save = 1 }}\n\
         ```\n"
    );
    let workspace = Workspace::new();
    workspace.file("course/01-l.md", lesson);
    workspace.run(&["verify", "--lessons", "course", "--no-mutants", "--server", "process"])
}

#[track_caller]
fn assert_fails_at(ended: &Ended, line: usize, says: &str) {
    assert_eq!(ended.code, 1, "{ended:?}");
    let expected = format!("  --> course/01-l.md:{line}\n  {says}");
    assert!(ended.stdout.contains(&expected), "{expected}\nis not in\n{}", ended.stdout);
}

#[test]
fn a_refused_setup_command_is_a_lesson_error() {
    let ended = verify("", "SET a 1\n\n# more\nINCR a b", "pass");
    assert_fails_at(
        &ended,
        12,
        "the setup fails: `INCR a b` is answered by `(error) ERR wrong number",
    );
}

#[test]
fn a_setup_with_a_wrong_rule_for_users_is_a_lesson_error() {
    let ended = verify("", "ACL SETUSER ann nonsense", "pass");
    let fact =
        "the setup fails: `ACL SETUSER ann nonsense` is answered by `(error) ERR Error in ACL";
    assert_fails_at(&ended, 9, fact);
}

#[test]
fn a_setup_beyond_maxmemory_is_a_lesson_error() {
    let ended = verify("[server]\nmaxmemory = 1", "SET a 1", "pass");
    assert_fails_at(&ended, 9, "the setup fails: `SET a 1` is answered by `(error) OOM");
}

#[test]
fn a_setup_that_runs_out_of_open_files_is_an_environment_error() {
    let most = std::fs::read_to_string("/proc/sys/fs/nr_open").unwrap();
    let too_many = most.trim().parse::<u64>().unwrap() + 1000;
    let ended = verify("", &format!("SET a 1\nCONFIG SET maxclients {too_many}"), "pass");
    assert_eq!(ended.code, 3, "{ended:?}");
}

#[test]
fn a_refused_setting_is_located() {
    let ended = verify("[server]\nno-such = 1", "SET a 1", "pass");
    assert_fails_at(&ended, 32, "no server starts with the lesson's `[server]`");
    assert!(!ended.stdout.contains("another server"), "{}", ended.stdout);
}

#[test]
fn a_starter_that_does_not_run_is_found() {
    let ended = verify("", "SET a 1", "print('x'");
    assert_fails_at(&ended, 20, "the starter must run to its end");
}

#[test]
fn an_unexpected_reply_is_located_at_its_command() {
    let workspace = Workspace::new();
    workspace.file("course/01-l.md", "# L\n\n```redis\n> SET a 1\nOK\n> GET a\n\"2\"\n```\n");
    let ended = workspace.run(&["verify", "--lessons", "course", "--server", "process"]);
    assert_fails_at(&ended, 6, "`GET a` is answered by");
}

#[test]
fn a_refused_command_is_located() {
    let workspace = Workspace::new();
    workspace.file("course/01-l.md", "# L\n\n```redis\n# two\nSET a 1\n\nINCR a b\n```\n");
    let ended = workspace.run(&["verify", "--lessons", "course", "--server", "process"]);
    assert_fails_at(&ended, 7, "`INCR a b` is answered by");
}

#[test]
fn an_unmet_minimum_wait_fails_the_starter() {
    let lesson = "# L\n\n## E\n\n> [!TIP]\n> look\n\n```toml exercise\nid = \"e\"\n[server]\n\
        rdb-key-save-delay = 600000\n[[check]]\nid = \"all-wait\"\nblocked = \"> 300ms\"\n```\n\n\
        ```redis setup\nSET a 1\n```\n\n\
        ```redis starter fails=all-wait\nPING\n```\n\n```redis solution\nSAVE\n```\n";
    let workspace = Workspace::new();
    workspace.file("course/01-l.md", lesson);
    let ended = workspace.run(&["verify", "--lessons", "course", "--server", "process"]);
    assert_eq!(ended.code, 0, "{ended:?}");
}
