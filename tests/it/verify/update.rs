//! `--update`: expected replies rewritten in the lesson's file.

use crate::support::Place;

const LESSON: &str = "# L\n\n```redis\n> SET a 1\nOKAY\n> INCR a\n(integer) ...\n> INFO persistence\n# Persistence\n...\nrdb_changes_since_last_save:7\n...\n```\n\nThe text stays `OKAY`.\n";

#[test]
fn replies_that_do_not_hold_are_rewritten_and_then_hold() {
    let place = Place::new();
    let file = place.file("course/01-l.md", LESSON);
    let ended = place.run(&["verify", "--lessons", "course", "--update"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    let wanted = LESSON.replacen("OKAY", "OK", 1).replace("save:7", "save:2");
    assert_eq!(std::fs::read_to_string(file).unwrap(), wanted);
    assert!(ended.stderr.contains("the reply to `SET a 1` is rewritten"), "{}", ended.stderr);
}

#[test]
fn a_reply_that_is_another_one_each_time_is_rewritten_but_does_not_hold() {
    let place = Place::new();
    place.file("course/01-l.md", "```redis\n> CLIENT ID\n(integer) 0\n> TIME\n1) \"1\"\n```\n");
    let ended = place.run(&["verify", "--lessons", "course", "--update"]);
    assert_eq!(ended.code, 1, "{ended:?}");
    assert!(ended.stdout.contains("`TIME` is answered by"), "{}", ended.stdout);
}

#[test]
fn replies_that_hold_leave_the_file_untouched() {
    let place = Place::new();
    let file = place.file("course/01-l.md", "```redis\n> PING\nPONG\n```\n");
    let before = std::fs::metadata(&file).unwrap().modified().unwrap();
    let ended = place.run(&["verify", "--lessons", "course", "--update"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!(std::fs::metadata(&file).unwrap().modified().unwrap(), before);
}

#[test]
fn the_built_in_course_can_not_be_rewritten() {
    let place = Place::new();
    let mut command = place.command(&["verify", "--update"]);
    let ended =
        crate::support::Ended::from(command.env_remove("REDISLINGS_LESSONS").output().unwrap());
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(ended.stderr.contains("the built-in course can't be rewritten"), "{}", ended.stderr);
}
