//! `--update` rewrites the expected replies in the file of a lesson.

use crate::support::Workspace;

const LESSON: &str = "# L\n\n\
    ```redis\n\
    > SET a 1\n\
    OKAY\n\
    > INCR a\n\
    (integer) ...\n\
    > INFO persistence\n\
    # Persistence\n\
    ...\n\
    rdb_changes_since_last_save:7\n\
    ...\n\
    ```\n\n\
    The text stays `OKAY`.\n";

#[test]
fn outdated_replies_are_rewritten() {
    let workspace = Workspace::new();
    let file = workspace.file("course/01-l.md", LESSON);
    let ended = workspace.run(&["verify", "--lessons", "course", "--update"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    let wanted = LESSON.replacen("OKAY", "OK", 1).replace("save:7", "save:2");
    assert_eq!(std::fs::read_to_string(file).unwrap(), wanted);
    assert!(ended.stderr.contains("rewrote the reply to `SET a 1`"), "{}", ended.stderr);
}

#[test]
fn a_reply_that_always_changes_still_fails_after_the_update() {
    let workspace = Workspace::new();
    workspace.file("course/01-l.md", "```redis\n> CLIENT ID\n(integer) 0\n> TIME\n1) \"1\"\n```\n");
    let ended = workspace.run(&["verify", "--lessons", "course", "--update"]);
    assert_eq!(ended.code, 1, "{ended:?}");
    assert!(ended.stdout.contains("`TIME` is answered by"), "{}", ended.stdout);
}

#[test]
fn matching_replies_leave_the_file_untouched() {
    let workspace = Workspace::new();
    let file = workspace.file("course/01-l.md", "```redis\n> PING\nPONG\n```\n");
    let before = std::fs::metadata(&file).unwrap().modified().unwrap();
    let ended = workspace.run(&["verify", "--lessons", "course", "--update"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!(std::fs::metadata(&file).unwrap().modified().unwrap(), before);
}

#[test]
fn the_built_in_course_can_not_be_rewritten() {
    let workspace = Workspace::new();
    let mut command = workspace.command(&["verify", "--update"]);
    let ended =
        crate::support::Ended::from(command.env_remove("REDISLINGS_LESSONS").output().unwrap());
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(ended.stderr.contains("the built-in course can't be rewritten"), "{}", ended.stderr);
}
