//! Every cause that is named is checked against what was seen: a wrong cause is worse than none.

use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use redislings::verdict::diagnosis::{DIAGNOSES, Symptom};
use serde_json::Value;

use crate::support::{Place, found, unmet};

/// An answer and the document of its verdict.
struct Judged {
    name: String,
    answer: String,
    verdict: Value,
}

impl Judged {
    fn of(exercise: &str, name: &str, answer: &str) -> Self {
        let mut verdict = Value::Null;
        // What a busy machine adds is not looked at.
        for _ in 0..3 {
            verdict = Place::new().check(exercise, name, answer).0;
            let reason = verdict["reason"].as_str().unwrap_or_default();
            if !["stood still", "held up", "overloaded"].iter().any(|it| reason.contains(it)) {
                break;
            }
        }
        let name = format!("{exercise}/{name}");
        Self { name, answer: answer.to_owned(), verdict }
    }

    fn id(&self) -> &str {
        self.verdict["cause"]["id"].as_str().unwrap_or_default()
    }

    fn text(&self) -> &str {
        self.verdict["cause"]["text"].as_str().unwrap_or_default()
    }

    fn exchanges(&self) -> &[Value] {
        self.verdict["transcript"]["exchanges"].as_array().map_or(&[], Vec::as_slice)
    }

    /// The places of the commands that begin so, whatever became of them.
    fn sent(&self, start: &str) -> Vec<usize> {
        self.like(start, |_| true)
    }

    fn done(&self, start: &str) -> Vec<usize> {
        self.like(start, |exchange| exchange["outcome"] == "done")
    }

    /// Those that were refused with an error that says this.
    fn refused(&self, start: &str, says: &str) -> bool {
        let is_it = |it: &Value| {
            let reply = it["reply"].as_str().unwrap_or_default();
            it["outcome"] == "refused" && reply.contains(says)
        };
        !self.like(start, is_it).is_empty()
    }

    fn unanswered(&self, start: &str) -> bool {
        !self.like(start, |exchange| exchange["reply"].is_null()).is_empty()
    }

    fn like(&self, start: &str, is_it: impl Fn(&Value) -> bool) -> Vec<usize> {
        let start = start.to_uppercase();
        let begins = |exchange: &Value| {
            let command = exchange["command"].as_str().unwrap_or_default().to_uppercase();
            command == start || command.starts_with(&format!("{start} ")) || start.is_empty()
        };
        let all = self.exchanges().iter().enumerate();
        all.filter(|(_, it)| begins(it) && is_it(it)).map(|(place, _)| place).collect()
    }

    fn saves(&self) -> Vec<usize> {
        let mut saves = [self.done("SAVE"), self.done("BGSAVE")].concat();
        saves.sort_unstable();
        saves
    }

    fn ended_badly(&self) -> bool {
        unmet(&self.verdict).contains(&"ends-well")
    }

    fn timed_out(&self) -> bool {
        self.ended_badly() && found(&self.verdict, "ends-well").contains("still running")
    }

    fn changed(&self, field: &str) -> String {
        let changes = self.verdict["changes"].as_array().into_iter().flatten();
        changes.filter(|it| it["field"] == field).map(|it| it["after"].to_string()).collect()
    }

    /// The line of the answer that the cause names.
    fn line(&self) -> &str {
        let number = self.text().strip_prefix("line ").unwrap_or_default();
        let digits: String = number.chars().take_while(char::is_ascii_digit).collect();
        let number: usize = digits.parse().unwrap_or(0);
        self.answer.lines().nth(number.wrapping_sub(1)).unwrap_or_default().trim()
    }

    /// What stands between backticks.
    fn quoted(&self) -> Vec<&str> {
        self.text().split('`').skip(1).step_by(2).collect()
    }

    /// Whether one of the commands holds this.
    fn holds(&self, text: &str) -> bool {
        self.exchanges().iter().any(|it| it["command"].as_str().unwrap_or_default().contains(text))
    }

    fn never(&self, name: &str) -> bool {
        let has_word = |text: &str| {
            text.split(|c: char| !c.is_ascii_alphanumeric()).any(|it| it.eq_ignore_ascii_case(name))
        };
        let typed = self.name.ends_with(".redis") && {
            let mut lines = self.answer.lines().filter(|line| !line.trim().starts_with('#'));
            lines.any(has_word)
        };
        self.sent(name).is_empty() && !typed && !self.ended_badly()
    }

    /// What holds of every cause.
    fn is_sound(&self) {
        let (id, text) = (self.id(), self.text());
        let of_this = || format!("{}: {id}: {text}\n{:#}", self.name, self.verdict);
        let diagnosis = DIAGNOSES.iter().filter(|it| it.id == id);
        let explains: Vec<Symptom> = diagnosis.flat_map(|it| it.explains).copied().collect();
        assert!(!explains.is_empty(), "{}", of_this());
        let of_the_end = [Symptom::EndedBadly, Symptom::InDoubt];
        assert!(
            !self.timed_out() || of_the_end.iter().any(|it| explains.contains(it)),
            "{}",
            of_this()
        );
        if text.contains("refused") {
            assert!(self.refused("", ""), "{}", of_this());
        }
        if text.starts_with("line ") {
            assert!(!self.line().is_empty(), "{}", of_this());
        }
        for pointer in self.verdict["cause"]["evidence"].as_array().unwrap() {
            if let Some(index) = pointer["index"].as_u64() {
                assert!(usize::try_from(index).unwrap() < self.exchanges().len(), "{}", of_this());
            }
        }
        let claim = CLAIMS.iter().find(|(of, _)| *of == id).map(|(_, claim)| claim);
        assert!(claim.is_some_and(|claim| claim(self)), "{}", of_this());
    }
}

type Claim = fn(&Judged) -> bool;

/// What each cause claims, and where that must be seen.
const CLAIMS: &[(&str, Claim)] = &[
    ("resetstat", |it| !it.done("CONFIG RESETSTAT").is_empty()),
    ("shutdown", |it| it.unanswered("SHUTDOWN")),
    ("debug-ended-the-server", |it| !it.sent("DEBUG").is_empty()),
    ("slow-down-changed", |it| it.holds("rdb-key-save-delay")),
    ("locked-out", |it| !it.done("CONFIG SET").is_empty() || !it.done("ACL").is_empty()),
    ("client-pause", |it| !it.done("CLIENT PAUSE").is_empty()),
    ("endless-script", |it| it.unanswered("EVAL") || it.unanswered("EVALSHA")),
    ("client-timeout-during-save", |it| it.unanswered("SAVE") && !it.timed_out()),
    ("own-data-takes-too-long", |it| it.timed_out() && takes_too_long(it)),
    ("waits-for-somebody-else", |it| it.timed_out() && it.unanswered("")),
    ("connected-elsewhere", |it| it.exchanges().is_empty()),
    ("password-not-asked", |it| it.refused("AUTH", "") || it.refused("HELLO", "")),
    ("became-a-replica", |it| it.refused("", "READONLY")),
    ("save-inside-multi", |it| it.refused("SAVE", "transaction") && !it.sent("MULTI").is_empty()),
    ("save-inside-lua", |it| it.refused("", "not allowed from script")),
    ("save-refused-while-bgsave-runs", |it| it.refused("SAVE", "already in progress")),
    ("bgsave-refused-while-bgsave-runs", |it| it.refused("BGSAVE", "already in progress")),
    ("bgsave-refused-while-aof-rewrites", |it| it.refused("BGSAVE", "child process")),
    ("misconf-switched-off", |it| it.holds("stop-writes-on-bgsave-error")),
    ("misconf", |it| it.refused("", "MISCONF")),
    ("lastsave-poll-after-failed-save", |it| it.done("LASTSAVE").len() > 2),
    ("lastsave-poll-never-ends", |it| it.done("LASTSAVE").len() > 2 && !it.saves().is_empty()),
    ("lastsave-read-too-late", |it| it.done("SAVE") < it.done("LASTSAVE")),
    ("info-poll-never-ends", |it| it.timed_out() && it.done("INFO").len() > 2),
    ("bgsave-could-not-fork", |it| it.refused("BGSAVE", "ERR")),
    ("save-failed", |it| it.refused("SAVE", "ERR")),
    ("flushall-ended-the-save", |it| it.done("BGSAVE").first() < it.done("FLUSHALL").last()),
    ("bgsave-failed", |it| {
        !it.done("BGSAVE").is_empty() && it.changed("rdb_last_bgsave_status").contains("err")
    }),
    ("flushall-after-the-snapshot", |it| it.saves().first() < it.done("FLUSHALL").last()),
    ("snapshot-goes-elsewhere", |it| !it.done("CONFIG SET").is_empty()),
    ("protected-setting", |it| it.refused("CONFIG SET", "protected")),
    ("quit-closed-the-connection", |it| {
        it.sent("QUIT").last() == it.exchanges().len().checked_sub(1).as_ref()
    }),
    ("pasted-code-fence", |it| it.line().starts_with(it.quoted()[0])),
    ("pasted-prompt", |it| {
        it.line().starts_with(it.quoted()[0]) && it.quoted()[0].contains(['>', '$'])
    }),
    ("pasted-redis-cli", |it| it.line().starts_with(it.quoted()[0])),
    ("semicolon-at-the-end", |it| it.line().ends_with(';') && it.line().ends_with(it.quoted()[1])),
    ("typographic-quotes", |it| it.line().contains(it.quoted()[0]) && !it.line().is_ascii()),
    ("invisible-character", |it| format!("{:?}", it.line()).contains('{') || !it.line().is_ascii()),
    ("invisible-character-printed", |it| !it.ended_badly()),
    ("unknown-runner-line", |it| {
        !it.done("BGSAVE").is_empty() && !it.line().eq_ignore_ascii_case("@wait-bgsave")
    }),
    ("unknown-command", |it| it.refused(it.quoted()[0], "unknown")),
    ("wrong-number-of-arguments", |it| it.refused(it.quoted()[0], "wrong number of arguments")),
    ("unclosed-quote", |it| it.line().contains(['"', '\''])),
    ("bgsave-inside-multi", |it| {
        let is_scheduled = |exchange: &&Value| {
            exchange["reply"].as_str().is_some_and(|reply| reply.contains("scheduled"))
        };
        let exec = it.exchanges().iter().filter(is_scheduled).any(|it| it["command"] == "EXEC");
        exec && (!it.text().contains("ended before") || is_saving(it))
    }),
    ("ended-though-info-said-saving", |it| !it.done("INFO").is_empty() && is_saving(it)),
    ("waited-too-early", |it| it.answer.find("@wait") < it.answer.rfind("BGSAVE") && is_saving(it)),
    ("guessed-wait", |it| it.done("BGSAVE").last() == it.exchanges().len().checked_sub(1).as_ref()),
    ("save-not-awaited", |it| it.unanswered("SAVE") && it.sent("CLIENT REPLY").is_empty()),
    ("bgsave-reply-taken-as-done", |it| !it.done("BGSAVE").is_empty() && is_saving(it)),
    ("written-after-the-snapshot", |it| {
        let place = |index: usize| it.verdict["cause"]["evidence"][index]["index"].as_u64();
        place(0) > place(1)
    }),
    ("save-blocks-everyone", |it| !it.done("SAVE").is_empty() || it.unanswered("SAVE")),
    ("script-blocks-everyone", |it| !it.verdict["waits"].is_null()),
    ("slow-command-blocks-everyone", |it| !it.verdict["waits"].is_null()),
    ("multi-left-open", |it| !it.done("MULTI").is_empty() && it.done("EXEC").is_empty()),
    ("transaction-discarded", |it| {
        let not_run = it.exchanges().iter().any(|it| it["outcome"] == "not-run");
        not_run && !(it.sent("EXEC").is_empty() && it.sent("DISCARD").is_empty())
    }),
    ("command-refused", |it| it.refused("", "")),
    ("program-is-no-python", |it| it.exchanges().is_empty() && it.ended_badly()),
    ("program-failed", |it| {
        let name = it.text().split_once("with ").and_then(|(_, rest)| rest.split_once(':'));
        name.is_some_and(|(name, _)| found(&it.verdict, "ends-well").contains(name))
    }),
    ("nothing-was-sent", |it| it.exchanges().is_empty() && !it.ended_badly()),
    ("no-command-was-given", |it| it.exchanges().is_empty()),
    ("appendonly-taken-for-a-snapshot", |it| it.never("SAVE") && it.never("BGSAVE")),
    ("read-instead-of-saved", |it| {
        let read = !it.done("LASTSAVE").is_empty() || !it.done("INFO").is_empty();
        read && it.never("SAVE") && it.never("BGSAVE")
    }),
    ("nobody-asked-for-a-snapshot", |it| it.never("SAVE") && it.never("BGSAVE")),
    ("save-never-sent", |it| it.never("SAVE") && !it.done("BGSAVE").is_empty()),
    ("bgsave-never-sent", |it| it.never("BGSAVE") && !it.done("SAVE").is_empty()),
    ("another-database", |it| it.holds(it.quoted()[0]) && !it.done("SELECT").is_empty()),
    ("another-type", |it| it.holds(it.quoted()[0])),
    ("key-deleted", |it| it.holds(it.quoted()[0])),
    ("flushed-everything", |it| !(it.done("FLUSHALL").is_empty() && it.done("FLUSHDB").is_empty())),
    ("key-expired", |it| it.holds(it.quoted()[0])),
    ("another-save-came-after", |it| it.saves().len() > 1),
    ("another-value", |it| it.quoted()[..2].iter().all(|text| it.holds(text))),
    ("another-key", |it| it.holds(it.quoted()[0])),
    ("write-refused", |it| it.refused("", "") && it.holds(it.quoted()[0])),
    ("never-written", |it| it.quoted().iter().all(|key| !it.holds(key)) && !it.ended_badly()),
    ("line-not-understood", |it| !it.line().is_empty()),
];

/// Whether a background save ran, or was still to come, when the answer ended.
fn is_saving(it: &Judged) -> bool {
    let findings = it.verdict["findings"].as_array().into_iter().flatten();
    let mut found = findings.filter_map(|it| it["found"].as_str());
    it.changed("rdb_bgsave_in_progress").contains('1') || found.any(|it| it.contains("scheduled"))
}

/// `… had N keys to write, …: at D s a key that takes X s, and the answer has L s`.
fn takes_too_long(it: &Judged) -> bool {
    let words = it.text().split([' ', ',']);
    let numbers: Vec<f64> = words.filter_map(|word| word.parse().ok()).collect();
    let [keys, own, delay, takes, limit] = numbers[..] else { return false };
    (keys * delay - takes).abs() < 0.01 && takes > limit && own > 0.0 && own <= keys
}

#[test]
fn each_cause_has_a_claim() {
    for diagnosis in DIAGNOSES {
        let rows = CLAIMS.iter().filter(|(id, _)| *id == diagnosis.id).count();
        assert_eq!(rows, 1, "{}", diagnosis.id);
    }
    assert!(CLAIMS.iter().all(|(id, _)| DIAGNOSES.iter().any(|it| it.id == *id)));
}

const PYTHON: &str = "import redis, time\nr = redis.Redis(decode_responses=True)\n";
const ORDERS: &str = "SET order:1001 paid\nSET order:1002 paid\nSET order:1003 paid\n";
const RESTORED: &str = "SET order:during 1\nSET status shipped\n@wait-bgsave\nSET order:after 1\nHSET prediction order:before yes order:during no order:after no status paid\n";

const CREATING: &str = "creating-snapshots";
const USING: &str = "using-bgsave";
const TRIGGER: &str = "trigger-snapshots-manually";
const BLOCKS: &str = "save-blocks-everyone";

/// Answers that fall short, and the cause of each; none where it is not known.
fn answers() -> Vec<(&'static str, &'static str, String, &'static str)> {
    let typed = |exercise, text: &str, cause| (exercise, "a.redis", text.to_owned(), cause);
    let program =
        |exercise, text: &str, cause| (exercise, "a.py", format!("{PYTHON}{text}\n"), cause);
    vec![
        typed(CREATING, "SAVE;\nBGSAVE;\n", "semicolon-at-the-end"),
        typed(CREATING, "> SAVE\nOK\n> BGSAVE\n", "pasted-prompt"),
        typed(CREATING, "# mine\n\n127.0.0.1:6379> SAVE\nBGSAVE\n", "pasted-prompt"),
        typed(CREATING, "redis-cli SAVE\nredis-cli BGSAVE\n", "pasted-redis-cli"),
        typed(CREATING, "\u{200b}SAVE\nBGSAVE\n", "invisible-character"),
        typed(CREATING, "SAVE\nBGSVAE\n", "unknown-command"),
        typed(CREATING, "SAVE now\nBGSAVE\n", "wrong-number-of-arguments"),
        typed(CREATING, "SAVE\nBGSAVE now\n", "command-refused"),
        typed(CREATING, "SAVE\nMULTI\nBGSAVE\nEXCE\n", "unknown-command"),
        typed(CREATING, "SAVE\nMULTI\nBGSAVE\n```\nEXEC\n", "pasted-code-fence"),
        typed(CREATING, "SAVE\nMULTI\nBGSAVE\n", "multi-left-open"),
        typed(CREATING, "LASTSAVE\n", "read-instead-of-saved"),
        typed(CREATING, "SAVE\n", "bgsave-never-sent"),
        typed(CREATING, "SAVE\nBGSAVE\nFLUSHALL\n", "flushall-ended-the-save"),
        typed(CREATING, "SAVE\nBGSAVE\nCONFIG RESETSTAT\n", "resetstat"),
        typed(CREATING, "SAVE\nBGSAVE\nBLPOP nothing 0\n", "waits-for-somebody-else"),
        typed(USING, "SET report:daily ready\nBGSAVE\nwait-bgsave\n", "unknown-runner-line"),
        typed(USING, "SET report:daily ready\nBGSAVE\n@wait-save\n", "unknown-runner-line"),
        typed(USING, "SET report:daily ready;\nBGSAVE\n@wait-bgsave\n", "semicolon-at-the-end"),
        typed(USING, "SET report:daily “ready”\nBGSAVE\n@wait-bgsave\n", "typographic-quotes"),
        typed(USING, "SETT report:daily ready\nBGSAVE\n@wait-bgsave\n", "unknown-command"),
        typed(USING, "SET report:daily \"ready\nBGSAVE\n@wait-bgsave\n", "unclosed-quote"),
        typed(USING, "SET report:daily ready\nMULTI\nBGSAVE\nEXEC\n", "bgsave-inside-multi"),
        typed(USING, "SET report:daily ready\n@wait-bgsave\nBGSAVE\n", "waited-too-early"),
        typed(
            USING,
            "BGSAVE\n@wait-bgsave\nSET report:daily ready\n",
            "written-after-the-snapshot",
        ),
        typed(TRIGGER, &format!("{ORDERS}BGSAVE\n"), "bgsave-reply-taken-as-done"),
        typed(TRIGGER, &format!("{ORDERS}SAVE;\n"), "semicolon-at-the-end"),
        typed(BLOCKS, "SAVE\n", "save-blocks-everyone"),
        typed(
            "restore-from-the-dump",
            &format!("SET order:before 1\nMULTI\nBGSAVE\nEXEC\n{RESTORED}"),
            "bgsave-inside-multi",
        ),
        program(CREATING, "while True:\n    r.save()", ""),
        program(CREATING, "r.save()\nraise SystemExit('not today')", ""),
        program(CREATING, "exec('x ==== 1')", "program-failed"),
        program(CREATING, "r.save(", "program-is-no-python"),
        program(CREATING, "r.save()\nr.execute_command('BGSVE')", "unknown-command"),
        program(
            CREATING,
            "r.save(); r.bgsave()\nprint('Manual\\u00a0snapshot triggered.')",
            "invisible-character-printed",
        ),
        program(CREATING, "for i in range(150): r.set(i, i)\nr.save()", "own-data-takes-too-long"),
        program(
            USING,
            "r.set('report:daily', 'ready'); r.bgsave(); time.sleep(0.5)",
            "guessed-wait",
        ),
        program(
            TRIGGER,
            "import socket\ns = socket.create_connection(('localhost', 6379))\ns.sendall(b'MSET order:1001 paid order:1002 paid\\r\\nCLIENT REPLY OFF\\r\\nSAVE\\r\\nSET order:1003 paid\\r\\n')\ntime.sleep(2)",
            "",
        ),
    ]
}

/// Works on all of them, two at a time, to the end though some may fail.
fn on_each<T: Sync>(all: &[T], work: impl Fn(&T) + Sync) {
    let (next, failed) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let work_on = || {
        while let Some(one) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
            let result = std::panic::catch_unwind(AssertUnwindSafe(|| work(one)));
            failed.fetch_add(usize::from(result.is_err()), Ordering::Relaxed);
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(work_on);
        scope.spawn(work_on);
    });
    assert_eq!(failed.into_inner(), 0);
}

#[test]
fn causes_of_known_answers_are_right_and_true() {
    on_each(&answers(), |(exercise, name, answer, cause)| {
        let judged = Judged::of(exercise, name, answer);
        assert_eq!(judged.verdict["outcome"], "failed", "{answer}\n{:#}", judged.verdict);
        assert_eq!(judged.id(), *cause, "{answer}\n{:#}", judged.verdict);
        if !cause.is_empty() {
            judged.is_sound();
        }
    });
}

#[test]
fn causes_of_handed_answers_are_true() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/answers");
    let mut files: Vec<PathBuf> = Vec::new();
    for exercise in [CREATING, USING, TRIGGER, BLOCKS, "restore-from-the-dump"] {
        let entries = std::fs::read_dir(folder.join(exercise)).into_iter().flatten().flatten();
        files.extend(entries.map(|entry| entry.path()));
    }
    if files.is_empty() {
        eprintln!("skipped: causes_of_handed_answers_are_true: no answers in {}", folder.display());
        return;
    }
    let named = Mutex::new(0);
    on_each(&files, |file| {
        let (Some(exercise), Some(name)) =
            (file.parent().and_then(Path::file_name), file.file_name())
        else {
            return;
        };
        let answer = std::fs::read_to_string(file).unwrap();
        let judged = Judged::of(&exercise.to_string_lossy(), &name.to_string_lossy(), &answer);
        if !judged.id().is_empty() {
            judged.is_sound();
            *named.lock().unwrap() += 1;
        }
    });
    assert!(*named.lock().unwrap() > 0);
}

/// What was done past all commands, or to those who look, is no answer's fault that could be shown, and no machine's.
#[test]
fn where_there_is_no_verdict_the_reason_is_true() {
    let pid = "import os, signal\npid = r.info('server')['process_id']\n";
    let folder = "import shutil\nfolder = r.config_get('dir')['dir']\n";
    let ready = "r.set('report:daily', 'ready'); r.bgsave()\n";
    let all = [
        (CREATING, format!("{pid}os.kill(pid, signal.SIGTERM); time.sleep(1)"), "Received SIGTERM"),
        (CREATING, format!("{pid}os.kill(pid, signal.SIGKILL); time.sleep(1)"), "ended by signal 9"),
        (USING, format!("{ready}{pid}os.kill(pid, signal.SIGSTOP)"), "stopped by a signal"),
        (USING, format!("{ready}{folder}time.sleep(0.3); shutil.rmtree(folder); time.sleep(2)"), "was deleted"),
        (CREATING, format!("{folder}shutil.rmtree(folder); r.save()"), "was deleted"),
        (
            CREATING,
            "p = redis.Redis(port=int(r.config_get('port')['port']))\np.save(); p.bgsave()\nprint('Manual snapshot triggered.')".to_owned(),
            "BGSAVE and SAVE were sent past `localhost:6379`",
        ),
        (
            BLOCKS,
            "r.bgsave()\nwhile r.info('persistence')['rdb_bgsave_in_progress']:\n    r.execute_command('CLIENT KILL TYPE normal SKIPME yes'); time.sleep(0.02)".to_owned(),
            "CLIENT KILL closed connections",
        ),
    ];
    on_each(&all, |(exercise, answer, why)| {
        let judged = Judged::of(exercise, "a.py", &format!("{PYTHON}{answer}\n"));
        let reason = judged.verdict["reason"].as_str().unwrap_or_default();
        assert!(reason.contains(why), "{answer}\n{:#}", judged.verdict);
    });
}
