//! Verdicts about the state of the server at a moment, whatever commands led to it.

use std::path::Path;

use redislings::attempt::{self, Answer, Fixture};
use redislings::lesson::{Exercise, Language, parse};
use redislings::relay::{Port, Relay};
use redislings::server::{Server, Source};
use redislings::verdict::judge;
use tokio_util::sync::CancellationToken;

use crate::support::redis_server::of_several_versions;
use crate::support::{Workspace, found, on_each, unmet};

const PREDICTION: &str =
    "HSET prediction order:before yes order:during no order:after no status paid\n";

/// An answer to `restore-from-the-dump` with these lines during BGSAVE and after its end.
fn around_the_end(during: &str, after: &str) -> String {
    format!("SET order:before 1\nBGSAVE\n{during}\n@wait-bgsave\n{after}\n{PREDICTION}")
}

#[track_caller]
fn fails_on(exercise: &str, name: &str, answer: &str, checks: &[&str]) -> serde_json::Value {
    let (verdict, code) = Workspace::new().check(exercise, name, answer);
    assert_eq!((unmet(&verdict), code), (checks.to_vec(), 1), "{answer}: {verdict:#}");
    verdict
}

#[track_caller]
fn passes(exercise: &str, name: &str, answer: &str) {
    let (verdict, code) = Workspace::new().check(exercise, name, answer);
    assert_eq!(code, 0, "{answer}: {verdict:#}");
}

#[test]
fn writes_during_a_save_are_seen_whatever_the_command() {
    for during in [
        "BITOP OR order:during order:before order:before\nSET status shipped",
        "EVAL \"return redis.call('set','order:'..'during','1')\" 0\nGETSET status shipped",
        "SELECT 1\nSET order:during 1\nMOVE order:during 0\nSELECT 0\nSET status shipped",
        "MULTI\nSET status shipped\nINCR order:during\nEXEC",
    ] {
        let answer = around_the_end(during, "SET order:after 1");
        passes("restore-from-the-dump", "a.redis", &answer);
    }
}

#[test]
fn commands_that_only_look_like_writes_do_not_count() {
    let cases = [
        ("SET order:during 1\nSET status shippd", "SET status shipped", "status-changes-during"),
        (
            "SET order:during 1\nSET status shipped NX",
            "SET status shipped",
            "status-changes-during",
        ),
        (
            "SELECT 1\nSET order:during 1\nSELECT 0\nSET status shipped",
            "SET order:during 1",
            "during-comes-during",
        ),
        (
            "EVAL \"return 0\" 1 order:during\nSET status shipped",
            "SET order:during 1",
            "during-comes-during",
        ),
        ("SET order:during 1\nSET status shipped\nSET order:after 1", "", "after-comes-after"),
    ];
    for (during, after, check) in cases {
        let answer = around_the_end(during, &format!("{after}\nSET order:after 1"));
        fails_on("restore-from-the-dump", "a.redis", &answer, &[check]);
    }
}

#[test]
fn a_write_that_runs_after_the_save_does_not_count_as_during() {
    let answer = "import redis, socket, time\n\
        r = redis.Redis()\n\
        late = socket.create_connection(('localhost', 6379))\n\
        r.set('order:before', 1)\nr.bgsave()\n\
        late.sendall(b'BLPOP nothing 4\\r\\nSET order:during 1\\r\\nSET status shipped\\r\\n')\n\
        while r.get('status') != b'shipped': time.sleep(0.05)\n\
        r.set('order:after', 1)\n\
        r.hset('prediction', mapping={'order:before': 'yes', 'order:during': 'no', 'order:after': \
        'no', 'status': 'paid'})\n";
    fails_on("restore-from-the-dump", "a.py", answer, &["during-comes-during"]);
}

#[test]
fn a_write_after_the_reported_end_counts_as_after() {
    // No pause: the write directly follows the reply that reports the end.
    let answer = "import redis\n\
        r = redis.Redis()\n\
        r.set('order:before', 1)\nr.bgsave()\nr.mset({'order:during': 1, 'status': 'shipped'})\n\
        while r.info('persistence')['rdb_bgsave_in_progress']: pass\n\
        redis.Redis().set('order:after', 1)\n\
        r.hset('prediction', mapping={'order:before': 'yes', 'order:during': 'no', 'order:after': \
        'no', 'status': 'paid'})\n";
    passes("restore-from-the-dump", "a.py", answer);
}

/// Checks and writes in one script: no client can learn of the end in between.
const SCRIPT: &str = "import redis\nr = redis.Redis()\nr.set('order:before', 1)\nr.bgsave()\n\
    DURING\n\
    script = \"if string.find(redis.call('INFO', 'persistence'), 'rdb_bgsave_in_progress:0') then \
    redis.call(WRITE) return 1 end return 0\"\n\
    while not r.eval(script, 0): pass\n\
    r.set('order:after', 1)\n\
    r.hset('prediction', mapping={'order:before': 'yes', 'order:during': 'no', 'order:after': \
    'no', 'status': 'paid'})\n";

#[test]
fn a_script_that_writes_at_the_end_counts_as_after() {
    let right = SCRIPT.replace("DURING", "r.mset({'order:during': 1, 'status': 'shipped'})");
    let right = right.replace("WRITE", "'SET', 'order:after', '1'");
    let late = SCRIPT.replace("DURING", "");
    let late = late.replace("WRITE", "'MSET', 'order:during', '1', 'status', 'shipped'");
    for _ in 0..2 {
        passes("restore-from-the-dump", "a.py", &right);
        fails_on("restore-from-the-dump", "a.py", &late, &["during-comes-during"]);
    }
}

#[test]
fn a_second_snapshot_replaces_the_file() {
    let answer = around_the_end(
        "MSET order:during 1 status shipped",
        "SET order:after 1\nBGSAVE\n@wait-bgsave",
    );
    fails_on("restore-from-the-dump", "a.redis", &answer, &["file-is-of-that-moment"]);
}

#[test]
fn blocking_the_server_at_the_end_hides_nothing() {
    let orders = "MSET order:1001 paid order:1002 paid order:1003 paid\n";
    for hidden in ["SAVE\nDEL order:1001", "CONFIG SET save \"1 1\""] {
        let answer = format!("{orders}{hidden}\nCLIENT PAUSE 60000\n");
        let (verdict, code) =
            Workspace::new().check("trigger-snapshots-manually", "a.redis", &answer);
        assert_ne!(code, 0, "{verdict:#}");
    }
    let changed = format!("CONFIG SET rdb-key-save-delay 0\n{orders}SAVE\nCLIENT PAUSE 60000\n");
    fails_on("trigger-snapshots-manually", "a.redis", &changed, &["evidence-is-valid"]);
    let muted = format!("{orders}CLIENT REPLY OFF\nSAVE\nDEL order:1003\n");
    fails_on("trigger-snapshots-manually", "a.redis", &muted, &["orders-are-stored"]);
    let skipped = format!("{orders}CLIENT REPLY SKIP\nSAVE\n");
    passes("trigger-snapshots-manually", "a.redis", &skipped);
}

#[test]
fn setting_the_same_value_is_not_a_change() {
    let answer =
        "CONFIG SET rdb-key-save-delay 500000\nSET report:daily ready\nBGSAVE\n@wait-bgsave\n";
    passes("using-bgsave", "a.redis", answer);
}

#[test]
fn the_last_background_save_counts() {
    let answer = format!(
        "BGSAVE\n@wait-bgsave\n{}",
        around_the_end("MSET order:during 1 status shipped", "SET order:after 1")
    );
    passes("restore-from-the-dump", "a.redis", &answer);
}

#[test]
fn a_missing_background_save_is_reported() {
    let answer =
        format!("MSET order:before 1 order:during 1 order:after 1 status shipped\n{PREDICTION}");
    let check = "saved-in-the-background";
    let verdict = fails_on("restore-from-the-dump", "a.redis", &answer, &[check]);
    assert_eq!(found(&verdict, check), "no background save ended");
}

#[test]
fn the_orders_must_be_in_the_last_snapshot() {
    let flushed = "SAVE\nFLUSHALL\nBGSAVE\n@wait-bgsave\n";
    fails_on("creating-snapshots", "a.redis", flushed, &["orders-are-on-disk"]);
    let deleted = "DEL order:1001\nSAVE\nBGSAVE\n";
    fails_on("creating-snapshots", "a.redis", deleted, &["orders-are-on-disk"]);
}

#[test]
fn every_product_is_compared() {
    let changes = [
        "SET product:3 gone",
        "DEL product:777",
        "EXPIRE product:500 10000",
        "RENAME product:8 product:08",
        "COPY product:1 product:2 REPLACE",
    ];
    on_each(&changes, 3, |change| {
        let answer = format!("{change}\nBGSAVE\n@wait-bgsave\n");
        let check = ["products-are-in-the-snapshot"];
        fails_on("save-blocks-everyone", "a.redis", &answer, &check);
    });
    let more = "SET note \"saved at noon\"\nBGSAVE\n@wait-bgsave\nDEL product:1\n";
    passes("save-blocks-everyone", "a.redis", more);
}

#[test]
fn a_save_point_is_not_a_snapshot_by_hand() {
    let wait = "import redis, time\nr = redis.Redis()\n\
        r.mset({'order:1001': 'paid', 'order:1002': 'paid', 'order:1003': 'paid', 'report:daily': \
        'ready'})\n\
        was = r.lastsave()\nr.config_set('save', '1 1')\n\
        while r.lastsave() == was: time.sleep(0.05)\n\
        r.config_set('save', '')\nprint('Background snapshot finished.')\n";
    fails_on("trigger-snapshots-manually", "a.py", wait, &["triggered-by-hand"]);
    fails_on("using-bgsave", "a.py", wait, &["snapshot-in-the-background"]);
}

#[test]
fn replies_that_are_switched_off_are_not_awaited() {
    for answer in [
        "CLIENT REPLY OFF\nSAVE\nBGSAVE\nCLIENT REPLY ON\nPING\n",
        "CLIENT REPLY SKIP\nSAVE\nBGSAVE\n",
        "SAVE\nCLIENT REPLY SKIP\nBGSAVE\n",
        "CLIENT REPLY OFF\nSAVE\nBGSAVE\n",
    ] {
        passes("creating-snapshots", "a.redis", answer);
    }
    let waits = "CLIENT REPLY OFF\nSET report:daily ready\nBGSAVE\n@wait-bgsave\n";
    passes("using-bgsave", "a.redis", waits);
}

#[test]
fn after_hello_3_a_subscribed_connection_runs_any_command() {
    passes(
        "creating-snapshots",
        "a.redis",
        "HELLO 3\nSUBSCRIBE news sports\nPUBLISH news hi\nSAVE\nBGSAVE\n",
    );
    let endless = "MONITOR\nSAVE\nBGSAVE\n";
    fails_on("creating-snapshots", "a.redis", endless, &["ends-well", "snapshot-is-new"]);
}

#[test]
fn an_idle_connection_that_was_closed_is_reopened() {
    let answer = format!(
        "CONFIG SET timeout 1\n{}",
        around_the_end("MSET order:during 1 status shipped", "SET order:after 1")
    );
    passes("restore-from-the-dump", "a.redis", &answer);
}

#[test]
fn quit_ends_the_answer_as_in_redis_cli() {
    fails_on("creating-snapshots", "a.redis", "QUIT\nSAVE\nBGSAVE\n", &["snapshot-is-new"]);
    passes("creating-snapshots", "a.redis", "SAVE\nBGSAVE\nQUIT\n");
}

/// A lesson with keys of every type, in two databases, and with times to live.
const ALL_TYPES: &str = "# L\n\n\
    ## E\n\n\
    ```toml exercise\n\
    id = \"e\"\n\n\
    [[check]]\n\
    id = \"whole\"\n\
    dump = { holds = \"before\" }\n\
    ```\n\n\
    ```redis setup\n\
    MSET text a number 12 odd \"\\xff\\x00\"\n\
    EVAL \"for i = 1, 700 do redis.call('RPUSH', 'list', i); redis.call('SADD', 'set', 'm' .. i); \
    redis.call('HSET', 'hash', 'f' .. i, i); redis.call('ZADD', 'zset', i % 7, 'm' .. i) end\" 0\n\
    XADD stream 1-1 a 1\n\
    XGROUP CREATE stream g 0\n\
    XREADGROUP GROUP g anna STREAMS stream >\n\
    SET session abc EX 5000\n\
    SET short abc PX 30\n\
    SELECT 3\n\
    SET elsewhere 1\n\
    SELECT 0\n\
    ```\n\n\
    > [!TIP]\n\
    > look\n\n\
    ```redis solution\n\
    SAVE\n\
    ```\n\n\
    ```redis wrong fails=whole\n\
    DEL text\n\
    SAVE\n\
    ```\n";

fn exercise(lesson: &str) -> Exercise {
    let (lesson, problems) = parse::parse(Path::new("01-l.md"), lesson.to_owned());
    let mut lesson = lesson.unwrap_or_else(|| panic!("{problems:?}"));
    lesson.steps.iter_mut().find_map(|step| step.exercise.take()).unwrap()
}

/// Whether the answer passes, and what its first check found.
fn first_finding(source: &Source, exercise: &Exercise, text: &str) -> (bool, String) {
    let mut server = Server::start(source, &exercise.settings).unwrap();
    let relay = Relay::open(Port::Free).unwrap();
    let cancel = CancellationToken::new();
    let mut fixture =
        Fixture { server: &mut server, relay: &relay, report: &|_| {}, cancel: &cancel };
    let answer = Answer { language: Language::Redis, text: text.to_owned(), path: None };
    let evidence = attempt::attempt(&mut fixture, exercise, &answer, None).unwrap();
    let verdict = judge(exercise, &evidence);
    (verdict.passed(), verdict.findings[0].found.clone())
}

#[test]
fn keys_of_every_type_are_compared_on_every_version() {
    let exercise = exercise(ALL_TYPES);
    on_each(&of_several_versions(), 3, |(name, program)| {
        let source = Source::Process { program: program.clone(), bundled: false };
        let (passed, found) = first_finding(&source, &exercise, "SAVE\n");
        assert!(passed, "{name}: {found}");
        let changes = [
            ("SET odd \"\\xff\\x01\"", "odd has another value"),
            ("LSET list 350 x", "list has another value"),
            ("SREM set m7", "set has another value"),
            ("HSET hash f9 0", "hash has another value"),
            ("ZINCRBY zset 1 m3", "zset has another value"),
            ("XADD stream 2-1 a 2", "stream has another value"),
            ("XACK stream g 1-1", "stream has another value"),
            ("PERSIST session", "session has another time to live"),
            ("EXPIRE session 50", "session has another time to live"),
            ("EXPIRE text 5000", "text has another time to live"),
            ("SELECT 3\nDEL elsewhere", "elsewhere in database 3 is missing"),
        ];
        for (change, expected) in changes {
            let answer = format!("{change}\nSAVE\n");
            let (passed, found) = first_finding(&source, &exercise, &answer);
            assert!(!passed && found.contains(expected), "{name}: {change}: {found}");
        }
    });
}

#[test]
fn a_snapshot_too_large_to_compare_is_not_judged() {
    let begins = ALL_TYPES.find("MSET text").unwrap();
    let ends = ALL_TYPES.find("SELECT 0\n").unwrap();
    let much = "EVAL \"for i = 1, 100001 do redis.call('SET', 'k' .. i, i) end\" 0\n";
    let workspace = Workspace::new();
    workspace.file("course/01-l.md", [&ALL_TYPES[..begins], much, &ALL_TYPES[ends..]].concat());
    let ended = workspace.run_with_input(&["check", "e", "-", "--lessons", "course"], "SAVE\n");
    assert_eq!(ended.code, 3, "{ended:?}");
    assert!(ended.stderr.contains("more than 100000 keys or 64 MB"), "{}", ended.stderr);
}
