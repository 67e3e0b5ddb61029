//! What happens beside an answer: other clients, time that passes, kills; and what must be so at
//! every moment.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use redis::IntoConnectionInfo as _;
use redislings::attempt::Live;
use redislings::lesson::Course;
use redislings::redis_cli::words;
use redislings::relay::{Port, Relay};
use redislings::server::{Client, Server};
use redislings::verdict::{Verdict, conclude};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::support::{Ended, Workspace, found, local_server, local_source, unmet};

const LIMIT: Duration = Duration::from_secs(30);

fn course() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/beside")
}

/// A course of one exercise, whose first lines are these.
fn workspace(exercise: &str, setup: &str) -> Workspace {
    // A setup must not be empty.
    let setup = if setup.is_empty() { "SET unrelated 1" } else { setup };
    let lesson = format!(
        "# L\n\n## E\n\n```toml exercise\nid = \"e\"\ntime_limit = \"1m\"\n{exercise}\n```\n\n```redis \
         setup\n{setup}\n```\n\n> [!TIP]\n> look\n\n```redis solution\nPING\n```\n\n```python \
         solution\nprint()\n```\n"
    );
    let workspace = Workspace::new();
    workspace.file("course/01-l.md", lesson);
    workspace
}

fn check(workspace: &Workspace, name: &str, answer: &str) -> (Value, i32) {
    workspace.file(name, answer);
    let ended = check_as(workspace, name, &["--format", "json"]);
    (serde_json::from_str(&ended.stdout).unwrap_or_default(), ended.code)
}

fn check_as(workspace: &Workspace, name: &str, more: &[&str]) -> Ended {
    let arguments = ["check", "e", name, "--lessons", "course", "--server", local_server()];
    workspace.run(&[&arguments[..], more].concat())
}

#[track_caller]
fn assert_unmet(workspace: &Workspace, answer: &str, expected: &[&str]) {
    let (verdict, code) = check(workspace, "a.redis", answer);
    assert_eq!(unmet(&verdict), expected, "{answer}\n{verdict:#}");
    assert_eq!(code, i32::from(!expected.is_empty()), "{verdict:#}");
}

#[test]
fn each_answer_beside_which_something_happens_is_judged_right() {
    let workspace = Workspace::new();
    let course = course();
    let arguments = ["verify", "--no-mutants", "--server", local_server(), "--lessons"];
    let ended = workspace.run(&[&arguments[..], &[course.to_str().unwrap()]].concat());
    // An overloaded machine leaves some of them open; it makes none of them wrong.
    let is_overloaded = ended.code == 3 && !ended.stdout.contains(" failed");
    assert!(ended.code == 0 || is_overloaded, "{ended:?}");
}

const PRODUCER: &str = "[[meanwhile]]\nwhen = \"GET a\"\nnth = 2\nrun = [\"SET b 1\", \"INCR \
                        b\"]\n[[check]]\nid = \"b\"\nreply = { \"GET b\" = \"2\" }";

#[test]
fn the_second_command_is_waited_for() {
    let workspace = workspace(PRODUCER, "SET a 1");
    assert_unmet(&workspace, "GET a\nGET a\n", &[]);
    assert_unmet(&workspace, "get a\n", &["b"]);
    // One that is refused does not count, and one that MULTI has queued counts at EXEC.
    assert_unmet(&workspace, "GET a a\nGET a\n", &["b"]);
    assert_unmet(&workspace, "MULTI\nGET a\nGET a\nEXEC\n", &[]);
    assert_unmet(&workspace, "MULTI\nGET a\nGET a\nDISCARD\n", &["b"]);
}

#[test]
fn what_is_due_with_a_kill_comes_before_the_next_run() {
    let counted = "[[meanwhile]]\nwhen = { reply = { \"EXISTS a\" = 1 } }\nkill = \"answer\"\n\
        [[meanwhile]]\nwhen = { reply = { \"EXISTS a\" = 1 } }\nrun = [\"SET a 7\"]\n\
        [[check]]\nid = \"a\"\nreply = { \"GET a\" = \"8\" }";
    let workspace = workspace(counted, "");
    for _ in 0..20 {
        assert_unmet(&workspace, "INCR a\n", &[]);
    }
}

#[test]
fn an_answer_that_pauses_another_client_fails() {
    let workspace = workspace(PRODUCER, "SET a 1");
    assert_unmet(&workspace, "CLIENT PAUSE 60000 WRITE\nGET a\nGET a\n", &["evidence-is-valid"]);
    assert_unmet(&workspace, "CLIENT PAUSE 1000 WRITE\nGET a\nGET a\n", &[]);
}

#[test]
fn another_clients_commands_stand_in_the_transcript() {
    let workspace = workspace(PRODUCER, "SET a 1");
    let (verdict, _) = check(&workspace, "a.redis", "GET a\nGET a\n");
    let steps = &verdict["transcript"]["steps"];
    assert_eq!(steps[0]["step"], "ran", "{verdict:#}");
    assert_eq!(steps[0]["line"], "SET b 1");
    assert_eq!(steps[1]["reply"], "(integer) 2");
    let plain = check_as(&workspace, "a.redis", &["--plain", "--transcript"]).stdout;
    assert!(plain.contains("another client: INCR b; reply: (integer) 2"), "{plain}");
    assert!(plain.contains("another client sent INCR b"), "{plain}");
}

#[test]
fn an_error_that_another_client_gets_is_the_authors_unless_the_answer_caused_it() {
    let exercise = |run: &str| {
        format!(
            "[[meanwhile]]\nwhen = \"SET a\"\nrun = \"{run}\"\n[[check]]\nid = \"a\"\nreply = {{ \
             \"EXISTS a\" = \"(integer) 1\" }}"
        )
    };
    let authors = workspace(&exercise("INCRBY b"), "");
    authors.file("a.redis", "SET a x\n");
    let ended = check_as(&authors, "a.redis", &[]);
    assert_eq!(ended.code, 3, "{ended:?}");
    assert!(ended.stderr.contains("another client's `INCRBY b` is refused"), "{ended:?}");
    let (verdict, code) = check(&workspace(&exercise("INCR a"), ""), "a.redis", "SET a x\n");
    assert_eq!(code, 0, "{verdict:#}");
    let reply = verdict["transcript"]["steps"][0]["reply"].as_str().unwrap();
    assert!(reply.contains("not an integer"), "{reply}");
}

#[test]
fn an_answer_is_killed_while_it_subscribes() {
    let exercise = "[[meanwhile]]\nwhen = \"SUBSCRIBE orders\"\nkill = \"answer\"\n[[check]]\nid = \
                    \"twice\"\nreply = { \"GET runs\" = \"2\" }";
    let workspace = workspace(exercise, "");
    let (verdict, code) = check(&workspace, "a.redis", "INCR runs\nSUBSCRIBE orders\nPING\n");
    assert_eq!(code, 0, "{verdict:#}");
}

#[test]
fn the_disk_works_again_while_a_line_waits_for_it() {
    let exercise = "[[meanwhile]]\nwhen = { reply = { \"EXISTS alarm\" = 1 } }\ndisk = \"refuses\"\n\
                    [[meanwhile]]\nwhen = { reply = { \"EXISTS room\" = 1 } }\ndisk = \"works\"\n\
                    [[check]]\nid = \"saved\"\ndump = { keys = [\"room\"] }";
    let workspace = workspace(exercise, "");
    let answer = "SET alarm 1\nSET room 1\n@wait-for rdb_bgsave_in_progress 0\nSAVE\n";
    let (verdict, code) = check(&workspace, "a.redis", answer);
    assert_eq!(code, 0, "{verdict:#}");
}

#[test]
fn what_is_true_before_the_answer_is_no_condition() {
    let exercise = "[[meanwhile]]\nwhen = { reply = { \"EXISTS a\" = \"(integer) 1\" } }\nrun = \
                    \"SET b 1\"\n[[check]]\nid = \"b\"\nreply = { \"EXISTS b\" = \"(integer) 1\" }";
    let early = workspace(exercise, "SET a 1");
    early.file("a.redis", "PING\n");
    let ended = check_as(&early, "a.redis", &[]);
    assert_eq!(ended.code, 3, "{ended:?}");
    assert!(ended.stderr.contains("waits for what is true before the answer"), "{ended:?}");
    let workspace = workspace(exercise, "");
    assert_unmet(&workspace, "SET a 1\n", &[]);
    let (verdict, _) = check(&workspace, "a.redis", "SET c 1\n");
    assert_eq!(unmet(&verdict), ["it-came-to-that", "b"]);
    assert!(found(&verdict, "it-came-to-that").contains("never true"), "{verdict:#}");
}

#[test]
fn a_step_is_done_before_the_next_command_of_any_connection() {
    let exercise = "[[meanwhile]]\nwhen = { reply = { \"EXISTS a\" = \"(integer) 1\" } }\nrun = \
                    \"APPEND log actor,\"\n[[check]]\nid = \"order\"\nreply = { \"GET log\" = \
                    \"actor,answer\" }";
    let workspace = workspace(exercise, "");
    let pipeline = "import redis\nc = redis.Redis(host='localhost', port=6379)\n\
                    p = c.pipeline(transaction=False)\np.set('a', 1)\np.append('log', 'answer')\n\
                    p.execute()\n";
    let (verdict, code) = check(&workspace, "pipeline.py", pipeline);
    assert_eq!(code, 0, "{verdict:#}");
    let threads = "import redis, threading\nc = redis.Redis(host='localhost', port=6379)\n\
                   d = redis.Redis(host='localhost', port=6379)\nd.ping()\n\
                   go = threading.Event()\n\
                   def other():\n    go.wait()\n    d.append('log', 'answer')\n\
                   t = threading.Thread(target=other)\nt.start()\ngo.set()\nc.set('a', 1)\nt.join()\n";
    let (verdict, _) = check(&workspace, "threads.py", threads);
    let steps = &verdict["transcript"]["steps"];
    assert_eq!(steps.as_array().unwrap().len(), 1, "{verdict:#}");
}

#[test]
fn a_connection_that_waits_lets_the_other_client_serve_it() {
    let exercise = "[[meanwhile]]\nwhen = { info = { blocked_clients = 1 } }\nrun = \"RPUSH jobs \
                    1\"\n[[check]]\nid = \"done\"\nreply = { \"GET done\" = \"1\" }";
    let workspace = workspace(exercise, "");
    assert_unmet(&workspace, "BLPOP jobs 5\nSET done 1\n", &[]);
    assert_unmet(&workspace, "LPOP jobs\n", &["it-came-to-that", "done"]);
    let threads = "import redis, threading\n\
                   def wait():\n    c = redis.Redis(host='localhost', port=6379)\n    \
                   c.blpop('jobs', 8)\n    c.set('done', 1)\n\
                   t = threading.Thread(target=wait)\nt.start()\n\
                   d = redis.Redis(host='localhost', port=6379)\n\
                   for n in range(50):\n    d.incr('n')\nt.join()\n";
    let (verdict, code) = check(&workspace, "threads.py", threads);
    assert_eq!(code, 0, "{verdict:#}");
}

#[test]
fn a_kill_lets_what_has_arrived_run_first() {
    let exercise = "[[meanwhile]]\nwhen = { reply = { \"EXISTS a\" = \"(integer) 1\" } }\nkill = \
                    \"answer\"\n[[check]]\nid = \"b\"\nreply = { \"GET b\" = \"2\" }";
    let workspace = workspace(exercise, "");
    let answer = |between: &str| {
        format!(
            "import redis\nc = redis.Redis(host='localhost', port=6379)\n\
             print('begun')\nif not c.get('b'):\n    p = c.pipeline(transaction=False)\n    \
             p.set('a', 1)\n    {between}p.set('b', 1)\n    p.execute()\nelse:\n    c.incr('b')\n"
        )
    };
    let (verdict, code) = check(&workspace, "together.py", &answer(""));
    assert_eq!(code, 0, "{verdict:#}");
    let apart = answer("p.execute(); ");
    let (verdict, _) = check(&workspace, "apart.py", &apart);
    assert_eq!(unmet(&verdict), ["b"], "{verdict:#}");
}

#[test]
fn a_killed_answers_wait_in_the_server_ends_with_it() {
    let exercise = "[[meanwhile]]\nwhen = { info = { blocked_clients = 1 } }\nkill = \
                    \"answer\"\n[[check]]\nid = \"kept\"\nreply = { \"LLEN jobs\" = \"(integer) \
                    1\" }";
    let workspace = workspace(exercise, "SET first 1");
    let answer = "import redis\nc = redis.Redis(host='localhost', port=6379)\n\
                  if c.delete('first'):\n    \
                  c.blpop('jobs', 8)\nelse:\n    c.rpush('jobs', 1)\n";
    let (verdict, code) = check(&workspace, "a.py", answer);
    assert_eq!(code, 0, "{verdict:#}");
}

#[test]
fn an_invariant_names_the_command_that_broke_it() {
    let exercise = "[[check]]\nid = \"kept\"\nat = \"always\"\nreply = { \"GET lock\" = \"me\" }";
    let workspace = workspace(exercise, "SET lock me");
    assert_unmet(&workspace, "SET lock me\nMULTI\nDEL lock\nSET lock me\nEXEC\n", &[]);
    let (verdict, _) = check(&workspace, "a.redis", "PING\nDEL lock\nSET lock me\n");
    assert_eq!(unmet(&verdict), ["kept"]);
    assert!(found(&verdict, "kept").ends_with("after `DEL lock`"), "{verdict:#}");
    let pipeline = "import redis\np = redis.Redis(host='localhost', port=6379).pipeline(False)\n\
                    p.delete('lock')\np.set('lock', 'me')\np.execute()\n";
    let (verdict, _) = check(&workspace, "a.py", pipeline);
    assert_eq!(unmet(&verdict), ["kept"], "{verdict:#}");
}

#[test]
fn an_answer_without_replies_is_not_judged_by_what_nobody_saw() {
    let exercise = "[[check]]\nid = \"kept\"\nat = \"always\"\nreply = { \"GET lock\" = \"me\" }";
    let workspace = workspace(exercise, "SET lock me");
    workspace.file("a.redis", "CLIENT REPLY OFF\nDEL lock\nSET lock me\n");
    let ended = check_as(&workspace, "a.redis", &[]);
    assert!(ended.code == 3 || ended.stdout.contains("after"), "{ended:?}");
}

#[test]
fn time_is_moved_on_in_every_database_and_for_pending_entries() {
    let exercise = "[[check]]\nid = \"later\"\nat = \"31m later\"\nreply = { \"EXISTS k h\" = \
                    \"(integer) 1\", \"XPENDING s g IDLE 1860000 - + 10 anna\" = \"(empty array)\" \
                    }\n[[check]]\nid = \"soon\"\nat = \"90s later\"\nreply = { \"EXISTS k h\" = \
                    \"(integer) 2\" }";
    let setup = "SET k 1 EX 1800\nHSET h f 1\nXADD s 1-0 a 1\nXGROUP CREATE s g 0\nXREADGROUP \
                 GROUP g anna STREAMS s >";
    let workspace = workspace(exercise, setup);
    let (verdict, _) = check(&workspace, "a.redis", "PING\n");
    assert_eq!(unmet(&verdict), ["later"], "{verdict:#}");
    let pending = found(&verdict, "later");
    assert!(pending.contains("1-0") && pending.contains("(integer) 1"), "{pending}");
    assert!(!pending.contains("EXISTS"), "{pending}");
}

/// Types these lines by hand, one after another; returns the verdict and how many got no reply.
fn by_hand(id: &str, lines: &str) -> (Verdict, usize) {
    let course = Course::load(&course()).expect("the course is sound").0;
    let (.., exercise) = course.exercises().find(|(.., exercise)| exercise.id == id).unwrap();
    let server = Server::start(&local_source(), &exercise.settings).unwrap();
    let relay = Arc::new(Relay::open(Port::Free).unwrap());
    let target = format!("redis://{}", relay.address()).into_connection_info().unwrap();
    let mut live = Live::begin(server, relay, exercise).unwrap();
    let mut client = Client::new(target);
    let lost = lines
        .lines()
        .filter(|line| client.call(&words::split(line).unwrap(), LIMIT).is_err())
        .count();
    assert!(live.look(LIMIT).unwrap().is_some(), "the server says nothing");
    let evidence = live.finish(&|_| {}, &CancellationToken::new());
    let evidence = evidence.unwrap_or_else(|error| panic!("{error:?}"));
    (conclude(exercise, &evidence).unwrap(), lost)
}

#[test]
fn by_hand_another_client_and_time_are_as_beside_an_answer() {
    let take = "SET lock:report worker-1 NX EX 30\nSET report done\n";
    let compare = "EVAL \"if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', \
                   KEYS[1]) end\" 1 lock:report worker-1";
    let (right, lost) = by_hand("a-lock-outlived", &format!("{take}{compare}"));
    assert!(right.passed() && lost == 0, "{right:?}");
    let (wrong, _) = by_hand("a-lock-outlived", &format!("{take}DEL lock:report"));
    assert_eq!(wrong.unmet(), ["its-lock-stays"]);
}

#[test]
fn by_hand_a_kill_closes_the_connections() {
    let (wrong, lost) = by_hand("a-rate-limit", "INCR visits:42\nPING");
    assert_eq!((wrong.unmet(), lost), (vec!["nobody-is-locked-out"], 1));
    let (right, lost) = by_hand("a-rate-limit", "SET visits:42 1 EX 60\nPING");
    assert!(right.passed() && lost == 1, "{right:?}");
}

#[test]
fn an_answer_that_ends_the_server_is_told_so() {
    let exercise = "[[meanwhile]]\nwhen = { reply = { \"EXISTS a\" = \"(integer) 1\" } }\nrun = \
                    \"SET b 1\"\n[[check]]\nid = \"b\"\nreply = { \"GET b\" = \"1\" }";
    let workspace = workspace(exercise, "");
    let (verdict, code) = check(&workspace, "a.redis", "SHUTDOWN NOSAVE\n");
    assert_eq!((unmet(&verdict), code), (vec!["evidence-is-valid"], 1), "{verdict:#}");
}
