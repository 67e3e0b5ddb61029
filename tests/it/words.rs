//! Random words: `{word:NAME}` in setups and checks.

use std::sync::Arc;
use std::time::Duration;

use redis::IntoConnectionInfo as _;
use redislings::attempt::Live;
use redislings::lesson::Course;
use redislings::relay::{Port, Relay};
use redislings::server::{Client, Server};
use redislings::verdict::{Tick, conclude, judge_live};
use tokio_util::sync::CancellationToken;

use crate::support::{Workspace, local_source};

/// The answer must copy what stands in `secret` to `copy`.
const LESSON: &str = "# L\n\n## E\n\n```toml exercise\nid = \"e\"\n\n[[check]]\nid = \"copied\"\n\
    reply = { \"GET copy\" = \"{word:token}\" }\n\n[[check]]\nid = \"found\"\n\
    needs = [\"copied\"]\nreply = { \"EXISTS key:{word:key}\" = 0 }\n```\n\n> [!TIP]\n> look\n\n\
    ```redis setup\nMSET secret {word:token} key:{word:key} 1 name {word:key}\n```\n\n\
    ```redis starter fails=copied\nGET secret\n```\n\n\
    ```redis solution\nCOPY secret copy\n\
    EVAL \"return redis.call('DEL', 'key:' .. redis.call('GET', 'name'))\" 0\n```\n\n\
    ```redis wrong fails=copied\nSET copy {word:token}\n```\n\n\
    ```redis wrong fails=found\nCOPY secret copy\n```\n";

fn workspace() -> Workspace {
    let workspace = Workspace::new();
    workspace.file("course/01-l.md", LESSON);
    workspace
}

/// The reply that a wrong answer should have got.
fn expected(workspace: &Workspace) -> String {
    let (json, code) =
        workspace.check_with("e", "a.redis", "SET copy x\n", &["--lessons", "course"]);
    assert_eq!(code, 1, "{json:#}");
    json["findings"][0]["expected"].as_str().unwrap().to_owned()
}

#[test]
fn a_course_with_words_is_verified() {
    let ended = workspace().run(&["verify", "--lessons", "course"]);
    assert_eq!(ended.code, 0, "{ended:?}");
}

#[test]
fn each_attempt_has_words_of_its_own() {
    let workspace = workspace();
    let words = [expected(&workspace), expected(&workspace)];
    assert_ne!(words[0], words[1]);
    for word in words {
        let word = word.strip_prefix("GET copy → ").unwrap();
        assert!(
            word.len() == 10 && word.chars().all(|letter| letter.is_ascii_lowercase()),
            "{word}"
        );
    }
}

#[test]
fn an_example_in_the_section_runs_on_a_setup_with_words() {
    let workspace = Workspace::new();
    let example = "```redis\n> STRLEN secret\n(integer) 10\n```\n\n```toml exercise";
    workspace.file("course/01-l.md", LESSON.replace("```toml exercise", example));
    let ended = workspace.run(&["verify", "--lessons", "course", "--no-mutants"]);
    assert_eq!(ended.code, 0, "{ended:?}");
}

#[test]
fn work_by_hand_keeps_its_words() {
    let workspace = workspace();
    let (course, _) = Course::load(&workspace.work().join("course")).unwrap();
    let exercise = course.lessons[0].steps[0].exercise.as_ref().unwrap();
    let server = Server::start(&local_source(), &[]).unwrap();
    let relay = Arc::new(Relay::open(Port::Free).unwrap());
    let target = format!("redis://{}", relay.address()).into_connection_info().unwrap();
    let mut live = Live::begin(server, relay, exercise).unwrap();
    let limit = Duration::from_secs(30);
    let mut by_hand = Client::new(target);
    by_hand.call(&["COPY", "secret", "copy"], limit).unwrap();
    let look = live.look(limit).unwrap().unwrap();
    assert_eq!(judge_live(exercise, &look).ticks, [Tick::Met, Tick::Open]);
    let script = "return redis.call('DEL', 'key:' .. redis.call('GET', 'name'))";
    by_hand.call(&["EVAL", script, "0"], limit).unwrap();
    let look = live.look(limit).unwrap().unwrap();
    assert_eq!(judge_live(exercise, &look).ticks, [Tick::Met, Tick::Met]);
    let evidence = live.finish(&|_| (), &CancellationToken::new()).unwrap();
    assert_eq!(evidence.words, look.evidence.words);
    assert!(conclude(exercise, &evidence).unwrap().passed());
}
