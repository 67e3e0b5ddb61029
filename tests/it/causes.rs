//! Checks every diagnosed cause against the evidence: a wrong cause is worse than none.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use redislings::verdict::diagnosis::{DIAGNOSES, Symptom, symptom};
use serde_json::Value;

use crate::support::{Workspace, found, on_each, report_skipped, shipped_lessons, unmet};

/// An answer and the JSON of its verdict.
struct Judged {
    name: String,
    answer: String,
    verdict: Value,
}

impl Judged {
    fn of(exercise: &str, name: &str, answer: &str) -> Self {
        let mut verdict = Value::Null;
        let shipped = shipped_lessons();
        // Ignore verdicts that a busy machine has disturbed.
        for _ in 0..3 {
            let whole_course = ["--lessons", shipped.to_str().unwrap()];
            verdict = Workspace::new().check_with(exercise, name, answer, &whole_course).0;
            let reason = verdict["reason"].as_str().unwrap_or_default();
            if !["stalled", "held up", "overloaded"].iter().any(|word| reason.contains(word)) {
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

    /// The indices of the commands that begin with `start`, whatever their outcome.
    fn sent(&self, start: &str) -> Vec<usize> {
        self.like(start, |_| true)
    }

    fn done(&self, start: &str) -> Vec<usize> {
        self.like(start, |exchange| exchange["outcome"] == "done")
    }

    /// Whether such a command was refused with this error text.
    fn refused(&self, start: &str, says: &str) -> bool {
        let refused = self.like(start, |exchange| {
            let reply = exchange["reply"].as_str().unwrap_or_default();
            exchange["outcome"] == "refused" && reply.contains(says)
        });
        !refused.is_empty()
    }

    fn unanswered(&self, start: &str) -> bool {
        !self.like(start, |exchange| exchange["reply"].is_null()).is_empty()
    }

    fn like(&self, start: &str, matches: impl Fn(&Value) -> bool) -> Vec<usize> {
        let all = self.exchanges().iter().enumerate();
        all.filter(|(_, exchange)| begins_with(exchange, start) && matches(exchange))
            .map(|(index, _)| index)
            .collect()
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
        changes
            .filter(|change| change["field"] == field)
            .map(|change| change["after"].to_string())
            .collect()
    }

    /// The line of the answer that the cause names.
    fn line(&self) -> &str {
        let number = self.text().strip_prefix("line ").unwrap_or_default();
        let digits: String = number.chars().take_while(char::is_ascii_digit).collect();
        let number: usize = digits.parse().unwrap_or(0);
        self.answer.lines().nth(number.wrapping_sub(1)).unwrap_or_default().trim()
    }

    /// The texts between backticks.
    fn quoted(&self) -> Vec<&str> {
        self.text().split('`').skip(1).step_by(2).collect()
    }

    /// Whether a command contains this text.
    fn holds(&self, text: &str) -> bool {
        self.exchanges()
            .iter()
            .any(|exchange| exchange["command"].as_str().unwrap_or_default().contains(text))
    }

    fn never(&self, name: &str) -> bool {
        let mut lines = self.answer.lines().filter(|line| !line.trim().starts_with('#'));
        let typed = self.name.ends_with("redis") && lines.any(|line| has_word(line, name));
        self.sent(name).is_empty() && !typed && !self.ended_badly()
    }

    /// What is true of every cause.
    fn assert_sound(&self) {
        let (id, text) = (self.id(), self.text());
        let context = format!("{}: {id}: {text}\n{:#}", self.name, self.verdict);
        let diagnoses = DIAGNOSES.iter().filter(|diagnosis| diagnosis.id == id);
        let explains: Vec<Symptom> =
            diagnoses.flat_map(|diagnosis| diagnosis.explains).copied().collect();
        assert!(!explains.is_empty(), "{context}");
        if self.timed_out() {
            let of_the_end = [symptom::ENDED_BADLY, symptom::EVIDENCE_INVALID];
            assert!(of_the_end.iter().any(|symptom| explains.contains(symptom)), "{context}");
        }
        if text.contains("refused") {
            assert!(self.refused("", ""), "{context}");
        }
        if text.starts_with("line ") {
            assert!(!self.line().is_empty(), "{context}");
        }
        for pointer in self.verdict["cause"]["evidence"].as_array().unwrap() {
            if let Some(index) = pointer["index"].as_u64() {
                assert!(usize::try_from(index).unwrap() < self.exchanges().len(), "{context}");
            }
        }
        let claim = CLAIMS.iter().find(|(of, _)| *of == id).map(|(_, claim)| claim);
        assert!(claim.is_some_and(|claim| claim(self)), "{context}");
    }
}

/// Whether the command of an exchange begins with these words. An empty `start` matches all.
fn begins_with(exchange: &Value, start: &str) -> bool {
    let start = start.to_uppercase();
    let command = exchange["command"].as_str().unwrap_or_default().to_uppercase();
    command == start || command.starts_with(&format!("{start} ")) || start.is_empty()
}

fn text_of(exchange: &Value) -> &str {
    exchange["reply"].as_str().unwrap_or_default()
}

fn has_word(text: &str, word: &str) -> bool {
    let mut words = text.split(|c: char| !c.is_ascii_alphanumeric());
    words.any(|found| found.eq_ignore_ascii_case(word))
}

type Claim = fn(&Judged) -> bool;

fn only_set_save_points(seen: &Judged) -> bool {
    seen.never("SAVE") && seen.never("BGSAVE") && !seen.done("CONFIG SET save").is_empty()
}

/// What each cause claims, as a check of the evidence.
const CLAIMS: &[(&str, Claim)] = &[
    ("log-can-not-be-read", |seen| seen.verdict.to_string().contains("did not start")),
    ("flush-in-the-log", |seen| seen.answer.contains("aof")),
    ("log-written-anew", |seen| !seen.done("BGREWRITEAOF").is_empty()),
    ("ended-though-info-said-rewriting", |seen| !seen.done("INFO").is_empty()),
    ("ended-though-lastsave-had-not-moved", |seen| {
        seen.done("BGSAVE").last() < seen.done("LASTSAVE").last()
    }),
    ("bgsave-sent-until-accepted", |seen| {
        seen.refused("BGSAVE", "already in progress") && seen.done("BGSAVE").len() > 1
    }),
    ("waited-for-replicas", |seen| !seen.done("WAIT").is_empty()),
    ("info-asked-too-early", |seen| seen.done("INFO").last() < seen.done("BGSAVE").last()),
    ("nothing-was-written", |seen| {
        ["SET", "HSET", "XADD", "SADD"].iter().all(|name| seen.done(name).is_empty())
    }),
    ("runner-line-refused", |seen| seen.answer.contains('@')),
    ("resetstat", |seen| !seen.done("CONFIG RESETSTAT").is_empty()),
    ("shutdown", |seen| seen.unanswered("SHUTDOWN")),
    ("debug-ended-the-server", |seen| !seen.sent("DEBUG").is_empty()),
    ("slow-down-changed", |seen| seen.holds("rdb-key-save-delay")),
    ("locked-out", |seen| !seen.done("CONFIG SET").is_empty() || !seen.done("ACL").is_empty()),
    ("client-pause", |seen| !seen.done("CLIENT PAUSE").is_empty()),
    ("endless-script", |seen| seen.unanswered("EVAL") || seen.unanswered("EVALSHA")),
    ("client-timeout-during-save", |seen| seen.unanswered("SAVE") && !seen.timed_out()),
    ("own-data-takes-too-long", |seen| seen.timed_out() && takes_too_long(seen)),
    ("waits-for-somebody-else", |seen| seen.timed_out() && seen.unanswered("")),
    ("came-by-the-servers-own-port", |seen| !seen.done("CONFIG GET").is_empty()),
    ("connected-elsewhere", |seen| seen.exchanges().is_empty()),
    ("password-not-asked", |seen| seen.refused("AUTH", "") || seen.refused("HELLO", "")),
    ("became-a-replica", |seen| seen.refused("", "READONLY")),
    ("save-inside-multi", |seen| {
        seen.refused("SAVE", "transaction") && !seen.sent("MULTI").is_empty()
    }),
    ("save-inside-lua", |seen| seen.refused("", "not allowed from script")),
    ("save-refused-while-bgsave-runs", |seen| seen.refused("SAVE", "already in progress")),
    ("bgsave-refused-while-bgsave-runs", |seen| seen.refused("BGSAVE", "already in progress")),
    ("bgsave-refused-while-aof-rewrites", |seen| seen.refused("BGSAVE", "child process")),
    ("misconf-switched-off", |seen| seen.holds("stop-writes-on-bgsave-error")),
    ("misconf", |seen| seen.refused("", "MISCONF")),
    ("lastsave-poll-after-failed-save", |seen| seen.done("LASTSAVE").len() > 2),
    ("lastsave-poll-never-ends", |seen| {
        seen.done("LASTSAVE").len() > 2 && !seen.saves().is_empty()
    }),
    ("lastsave-read-too-late", |seen| seen.done("SAVE") < seen.done("LASTSAVE")),
    ("info-poll-never-ends", |seen| seen.timed_out() && seen.done("INFO").len() > 2),
    ("bgsave-could-not-fork", |seen| seen.refused("BGSAVE", "ERR")),
    ("save-failed", |seen| seen.refused("SAVE", "ERR")),
    ("flushall-ended-the-save", |seen| seen.done("BGSAVE").first() < seen.done("FLUSHALL").last()),
    ("bgsave-failed", |seen| {
        !seen.done("BGSAVE").is_empty() && seen.changed("rdb_last_bgsave_status").contains("err")
    }),
    ("flushall-after-the-snapshot", |seen| seen.saves().first() < seen.done("FLUSHALL").last()),
    ("snapshot-goes-elsewhere", |seen| !seen.done("CONFIG SET").is_empty()),
    ("protected-setting", |seen| seen.refused("CONFIG SET", "protected")),
    ("quit-closed-the-connection", |seen| {
        seen.sent("QUIT").last() == seen.exchanges().len().checked_sub(1).as_ref()
    }),
    ("pasted-code-fence", |seen| {
        seen.line().starts_with("```") && seen.text().contains(seen.line())
    }),
    ("pasted-prompt", |seen| {
        seen.line().starts_with(seen.quoted()[0]) && seen.quoted()[0].contains(['>', '$'])
    }),
    ("pasted-redis-cli", |seen| seen.line().starts_with(seen.quoted()[0])),
    ("semicolon-at-the-end", |seen| {
        seen.line().ends_with(';') && seen.line().ends_with(seen.quoted()[1])
    }),
    ("typographic-quotes", |seen| {
        seen.line().contains(seen.quoted()[0]) && !seen.line().is_ascii()
    }),
    ("invisible-character", |seen| {
        format!("{:?}", seen.line()).contains('{') || !seen.line().is_ascii()
    }),
    ("invisible-character-printed", |seen| !seen.ended_badly()),
    ("unknown-runner-line", |seen| {
        !seen.done("BGSAVE").is_empty() && !seen.line().eq_ignore_ascii_case("@wait-bgsave")
    }),
    ("unknown-command", |seen| seen.refused(seen.quoted()[0], "unknown")),
    ("wrong-number-of-arguments", |seen| {
        seen.refused(seen.quoted()[0], "wrong number of arguments")
    }),
    ("unclosed-quote", |seen| seen.line().contains(['"', '\''])),
    ("bgsave-inside-multi", |seen| {
        let is_scheduled = seen.exchanges().iter().any(|exchange| {
            let reply = exchange["reply"].as_str().unwrap_or_default();
            exchange["command"] == "EXEC" && reply.contains("scheduled")
        });
        is_scheduled && (!seen.text().contains("ended before") || is_saving(seen))
    }),
    ("ended-though-info-said-saving", |seen| !seen.done("INFO").is_empty() && is_saving(seen)),
    ("waited-too-early", |seen| {
        seen.answer.find("@wait") < seen.answer.rfind("BGSAVE") && is_saving(seen)
    }),
    ("guessed-wait", |seen| {
        seen.done("BGSAVE").last() == seen.exchanges().len().checked_sub(1).as_ref()
    }),
    ("save-not-awaited", |seen| seen.unanswered("SAVE") && seen.sent("CLIENT REPLY").is_empty()),
    ("bgsave-reply-taken-as-done", |seen| !seen.done("BGSAVE").is_empty() && is_saving(seen)),
    ("stop-ended-the-save", |seen| {
        !seen.done("BGSAVE").is_empty() && seen.answer.to_lowercase().contains("stop")
    }),
    ("saved-over-the-file-in-its-place", |seen| {
        let copy = seen.answer.rfind(" dump.rdb");
        copy.is_some_and(|copy| seen.answer[copy..].contains("SAVE"))
            && !seen.done("SAVE").is_empty()
    }),
    ("file-was-never-read", |seen| {
        let copy = seen.answer.rfind(" dump.rdb");
        copy.is_some_and(|copy| !seen.answer[copy..].contains("@start"))
    }),
    ("file-under-another-name", |seen| {
        seen.answer.contains("@copy") && !seen.answer.contains(" dump.rdb\n")
    }),
    ("copied-before-the-save-ended", |seen| {
        !seen.done("BGSAVE").is_empty() && seen.answer.contains("@copy")
    }),
    ("written-after-the-snapshot", |seen| {
        let evidence = &seen.verdict["cause"]["evidence"];
        evidence[0]["index"].as_u64() > evidence[1]["index"].as_u64()
    }),
    ("save-blocks-everyone", |seen| !seen.done("SAVE").is_empty() || seen.unanswered("SAVE")),
    ("script-blocks-everyone", |seen| !seen.verdict["waits"].is_null()),
    ("slow-command-blocks-everyone", |seen| !seen.verdict["waits"].is_null()),
    ("multi-left-open", |seen| !seen.done("MULTI").is_empty() && seen.done("EXEC").is_empty()),
    ("transaction-discarded", |seen| {
        let not_run = seen.exchanges().iter().any(|exchange| exchange["outcome"] == "not-run");
        not_run && !(seen.sent("EXEC").is_empty() && seen.sent("DISCARD").is_empty())
    }),
    ("command-refused", |seen| seen.refused("", "")),
    ("program-asks-for-input", |seen| seen.ended_badly()),
    ("program-is-no-python", |seen| seen.exchanges().is_empty() && seen.ended_badly()),
    ("program-failed", |seen| {
        let name = seen.text().split_once("with ").and_then(|(_, rest)| rest.split_once(','));
        name.is_some_and(|(name, _)| found(&seen.verdict, "ends-well").contains(name))
    }),
    ("loop-without-an-end", |seen| seen.timed_out() && seen.exchanges().len() > 5),
    ("nothing-was-sent", |seen| seen.exchanges().is_empty() && !seen.ended_badly()),
    ("no-command-was-given", |seen| seen.exchanges().is_empty()),
    ("appendonly-taken-for-a-snapshot", |seen| seen.never("SAVE") && seen.never("BGSAVE")),
    ("read-instead-of-saved", |seen| {
        let read = !seen.done("LASTSAVE").is_empty() || !seen.done("INFO").is_empty();
        read && seen.never("SAVE") && seen.never("BGSAVE")
    }),
    ("saved-by-a-save-point", only_set_save_points),
    ("save-points-taken-away", only_set_save_points),
    ("nobody-asked-for-a-snapshot", |seen| seen.never("SAVE") && seen.never("BGSAVE")),
    ("save-never-sent", |seen| seen.never("SAVE") && !seen.done("BGSAVE").is_empty()),
    ("bgsave-never-sent", |seen| seen.never("BGSAVE") && !seen.done("SAVE").is_empty()),
    ("another-database", |seen| seen.holds(seen.quoted()[0]) && !seen.done("SELECT").is_empty()),
    ("another-type", |seen| seen.holds(seen.quoted()[0])),
    ("key-deleted", |seen| seen.holds(seen.quoted()[0])),
    ("flushed-everything", |seen| {
        !(seen.done("FLUSHALL").is_empty() && seen.done("FLUSHDB").is_empty())
    }),
    ("key-expired", |seen| seen.holds(seen.quoted()[0])),
    ("another-save-came-after", |seen| seen.saves().len() > 1),
    ("another-value", |seen| seen.quoted()[..2].iter().all(|text| seen.holds(text))),
    ("another-key", |seen| seen.holds(seen.quoted()[0])),
    ("write-refused", |seen| seen.refused("", "") && seen.holds(seen.quoted()[0])),
    ("never-written", |seen| {
        seen.quoted().iter().all(|key| !seen.holds(key)) && !seen.ended_badly()
    }),
    ("lock-of-another-deleted", |seen| seen.holds(seen.quoted()[0])),
    ("went-on-without-the-lock", |seen| {
        let refused = |exchange: &Value| ["(nil)", "(integer) 0"].contains(&text_of(exchange));
        !seen.like("SET", refused).is_empty() || !seen.like("SETNX", refused).is_empty()
    }),
    ("time-to-live-replaced", |seen| seen.holds(seen.quoted()[0])),
    ("made-anew-without-an-end", |seen| seen.holds(seen.quoted()[0])),
    ("killed-before-expire", |seen| seen.holds(seen.quoted()[0])),
    ("given-an-end-later", |seen| seen.holds(seen.quoted()[0])),
    ("never-given-an-end", |seen| seen.holds(seen.quoted()[0])),
    ("pending-thrown-away", |seen| !seen.done("XGROUP DELCONSUMER").is_empty()),
    ("read-with-noack", |seen| seen.holds("NOACK")),
    ("xack-acknowledged-nothing", |seen| {
        !seen.like("XACK", |exchange| text_of(exchange) == "(integer) 0").is_empty()
    }),
    ("xdel-in-place-of-xack", |seen| !seen.done("XDEL").is_empty()),
    ("another-consumer-at-each-start", |seen| {
        seen.quoted()[0] != seen.quoted()[1] && seen.quoted().iter().all(|name| seen.holds(name))
    }),
    ("pending-never-asked-for", |seen| !seen.done("XREADGROUP").is_empty()),
    ("group-begins-behind", |seen| seen.holds("$")),
    ("dollar-skips-what-is-there", |seen| seen.holds("$")),
    ("events-are-off", |seen| !seen.holds("notify-keyspace-events")),
    ("subscribed-too-late", |seen| {
        !(seen.done("SUBSCRIBE").is_empty() && seen.done("PSUBSCRIBE").is_empty())
    }),
    ("subscribed-again", |seen| seen.sent("SUBSCRIBE").len() + seen.sent("PSUBSCRIBE").len() > 1),
    ("still-subscribed", |seen| seen.timed_out() && seen.holds("SUBSCRIBE")),
    ("line-not-understood", |seen| !seen.line().is_empty()),
    ("setting-refused", |seen| seen.refused("CONFIG SET", "") && seen.holds(seen.quoted()[0])),
    ("setting-not-rewritten", |seen| !seen.done("CONFIG SET").is_empty()),
    ("set-otherwise", |seen| seen.holds(seen.quoted()[0])),
    ("never-set", |seen| {
        seen.done(&format!("CONFIG SET {}", seen.quoted()[0])).is_empty() && !seen.ended_badly()
    }),
    ("unwanted-command", |seen| {
        let (command, _) = seen.text().split_once(" was run").unwrap_or_default();
        !command.is_empty() && !seen.done(command).is_empty()
    }),
    ("taken-away-for-a-while", |seen| {
        let (command, _) = seen.text().split_once(" took").unwrap_or_default();
        !command.is_empty() && !seen.done(command).is_empty()
    }),
    ("waited-for-other-work", |seen| seen.holds("@wait")),
    ("first-log-not-awaited", |seen| !seen.done("CONFIG SET").is_empty() && is_rewriting(seen)),
    ("rewrite-only-scheduled", |seen| !seen.done("CONFIG SET").is_empty() || seen.holds("REWRITE")),
    ("rewrite-not-awaited", |seen| !seen.done("BGREWRITEAOF").is_empty() && is_rewriting(seen)),
    ("rewrite-taken-for-the-switch", |seen| !seen.done("BGREWRITEAOF").is_empty()),
    ("fsync-taken-for-the-switch", |seen| seen.holds("appendfsync")),
    ("nobody-asked-for-a-rewrite", |seen| seen.never("BGREWRITEAOF")),
    ("save-of-a-save-point-not-awaited", |seen| seen.never("BGSAVE") && is_saving(seen)),
    ("saved-over-the-good-one", |seen| !seen.saves().is_empty()),
    ("save-point-not-due", |seen| seen.never("BGSAVE") && !is_saving(seen)),
    ("too-few-changes", |seen| seen.never("BGSAVE") && !is_saving(seen)),
];

fn is_rewriting(seen: &Judged) -> bool {
    seen.changed("aof_rewrite_in_progress").contains('1')
}

/// Whether a background save ran or was scheduled when the answer ended.
fn is_saving(seen: &Judged) -> bool {
    let findings = seen.verdict["findings"].as_array().into_iter().flatten();
    let mut found = findings.filter_map(|finding| finding["found"].as_str());
    seen.changed("rdb_bgsave_in_progress").contains('1')
        || found.any(|text| text.contains("scheduled"))
}

/// `… had N keys to write, …: at D s a key that takes X s, and the answer has L s`.
fn takes_too_long(seen: &Judged) -> bool {
    let words = seen.text().split([' ', ',']);
    let numbers: Vec<f64> = words.filter_map(|word| word.parse().ok()).collect();
    let [keys, own, delay, takes, limit] = numbers[..] else { return false };
    (keys * delay - takes).abs() < 0.01 && takes > limit && own > 0.0 && own <= keys
}

#[test]
fn each_cause_has_a_claim() {
    for diagnosis in DIAGNOSES.iter() {
        let rows = CLAIMS.iter().filter(|(id, _)| *id == diagnosis.id).count();
        assert_eq!(rows, 1, "{}", diagnosis.id);
    }
    assert!(CLAIMS.iter().all(|(id, _)| DIAGNOSES.iter().any(|diagnosis| diagnosis.id == *id)));
}

const PYTHON: &str = "import redis, time\nr = redis.Redis(decode_responses=True)\n";
const ORDERS: &str = "SET order:1001 paid\nSET order:1002 paid\nSET order:1003 paid\n";
const CREATING: &str = "creating-snapshots";
const USING: &str = "using-bgsave";
const TRIGGER: &str = "trigger-snapshots-manually";
const BLOCKS: &str = "save-blocks-everyone";
const BACKUP: &str = "backup-before-the-update";
const BACK: &str = "back-to-last-night";

/// Exercise, file name, answer, and the cause that is expected.
type KnownAnswer = (&'static str, &'static str, String, &'static str);

fn typed(exercise: &'static str, text: &str, cause: &'static str) -> KnownAnswer {
    (exercise, "a.redis", text.to_owned(), cause)
}

fn program(exercise: &'static str, text: &str, cause: &'static str) -> KnownAnswer {
    (exercise, "a.py", format!("{PYTHON}{text}\n"), cause)
}

/// Answers that fail, and the cause of each; an empty cause where none is known.
fn answers() -> Vec<KnownAnswer> {
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
        // A scheduled save begins at the server's next tick: never before what the same packet holds.
        program(
            "restore-from-the-dump",
            "r.set('order:before', 1)\n\
             last = r.lastsave()\n\
             p = r.pipeline(transaction=False)\n\
             p.execute_command('MULTI'); p.bgsave(); p.execute_command('EXEC')\n\
             p.set('order:during', 1); p.set('status', 'shipped')\n\
             p.execute()\n\
             while r.lastsave() == last: time.sleep(0.05)\n\
             r.set('order:after', 1)\n\
             r.hset('prediction', mapping={'order:before': 'yes', 'order:during': 'no',\n\
             'order:after': 'no', 'status': 'paid'})",
            "bgsave-inside-multi",
        ),
        program(CREATING, "while True:\n    r.save()", "loop-without-an-end"),
        program(CREATING, "r.save()\nraise SystemExit('not today')", ""),
        program(CREATING, "exec('x ==== 1')", "program-failed"),
        program(CREATING, "r.save(", "program-is-no-python"),
        program(
            CREATING,
            "p = redis.Redis(port=int(r.config_get('port')['port']), retry=None)\n\
             p.save(); p.bgsave()",
            "came-by-the-servers-own-port",
        ),
        program(
            CREATING,
            "try: redis.Redis(port=int(r.config_get('port')['port']), retry=None).ping()\n\
             except redis.RedisError: pass\nr.save()",
            "bgsave-never-sent",
        ),
        program(CREATING, "input('name? ')", "program-asks-for-input"),
        program(CREATING, "import getpass\ngetpass.getpass()", "program-asks-for-input"),
        program(CREATING, "r.save()\nr.execute_command('BGSVE')", "unknown-command"),
        program(
            CREATING,
            "r.save(); r.bgsave()\nprint('Manual\\u00a0snapshot triggered.')",
            "invisible-character-printed",
        ),
        program(CREATING, "for i in range(150): r.set(i, i)\nr.save()", "own-data-takes-too-long"),
        typed(CREATING, "QUIT\nSAVE\nBGSAVE\n", "quit-closed-the-connection"),
        program(
            USING,
            "r.set('report:daily', 'ready'); was = r.lastsave(); r.config_set('save', '1 1')\n\
             while r.lastsave() == was: time.sleep(0.05)",
            "saved-by-a-save-point",
        ),
        program(
            USING,
            "r.set('report:daily', 'ready'); r.bgsave(); time.sleep(0.5)",
            "guessed-wait",
        ),
        program(
            TRIGGER,
            "import socket\ns = socket.create_connection(('localhost', 6379))\n\
             s.sendall(b'MSET order:1001 paid order:1002 paid\\r\\nCLIENT REPLY \
             OFF\\r\\nSAVE\\r\\nSET order:1003 paid\\r\\n')\ntime.sleep(2)",
            "written-after-the-snapshot",
        ),
    ]
}

fn answers_that_copy() -> Vec<KnownAnswer> {
    vec![
        typed(
            BACKUP,
            "SET release v2\nBGSAVE\n@copy dump.rdb before-update.rdb\n",
            "copied-before-the-save-ended",
        ),
        typed(
            BACKUP,
            "SET release v2\nBGSAVE\n@stop\n@copy dump.rdb before-update.rdb\n@start\n",
            "stop-ended-the-save",
        ),
        typed(
            BACKUP,
            "SET release v2\nBGSAVE\n@wait-bgsave\n@stop\n@copy dump.rdb before-update.rdb\n\
             @start\nSET release v3\n",
            "",
        ),
        typed(BACK, "@copy last-night.rdb dump.rdb\n", "file-was-never-read"),
        typed(
            BACK,
            "@copy last-night.rdb dump.rdb\nSAVE\n@stop\n@start\n",
            "saved-over-the-file-in-its-place",
        ),
        typed(BACK, "@stop\n@copy last-night.rdb shop.rdb\n@start\n", "file-under-another-name"),
    ]
}

#[test]
fn causes_of_known_answers_are_right() {
    on_each(&[answers(), answers_that_copy()].concat(), 3, |(exercise, name, answer, cause)| {
        let judged = Judged::of(exercise, name, answer);
        assert_eq!(judged.verdict["outcome"], "failed", "{answer}\n{:#}", judged.verdict);
        assert_eq!(judged.id(), *cause, "{answer}\n{:#}", judged.verdict);
        if !cause.is_empty() {
            judged.assert_sound();
        }
    });
}

fn exercises_of_the_course() -> Vec<String> {
    let list = Workspace::new().run(&[
        "list",
        "--format",
        "json",
        "--lessons",
        shipped_lessons().to_str().unwrap(),
    ]);
    let list: Value = serde_json::from_str(&list.stdout).unwrap();
    let lessons = list["lessons"].as_array().unwrap().iter();
    let exercises = lessons.flat_map(|lesson| lesson["exercises"].as_array().unwrap());
    exercises.map(|exercise| exercise["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn causes_of_shared_answers_are_true() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/answers");
    let mut files: Vec<PathBuf> = Vec::new();
    for exercise in exercises_of_the_course() {
        let entries = std::fs::read_dir(folder.join(exercise)).into_iter().flatten().flatten();
        files.extend(entries.map(|entry| entry.path()));
    }
    if files.is_empty() {
        let why = format!("no answers in {}", folder.display());
        report_skipped("causes_of_shared_answers_are_true", why);
        return;
    }
    let named = Mutex::new(0);
    on_each(&files, 3, |file| {
        let (Some(exercise), Some(name)) =
            (file.parent().and_then(Path::file_name), file.file_name())
        else {
            return;
        };
        let answer = std::fs::read_to_string(file).unwrap();
        let judged = Judged::of(&exercise.to_string_lossy(), &name.to_string_lossy(), &answer);
        if !judged.id().is_empty() {
            judged.assert_sound();
            *named.lock().unwrap() += 1;
        }
    });
    assert!(*named.lock().unwrap() > 0);
}

/// After signals to the server, deleted files or killed connections an answer is not judged, and
/// the reason names the true cause.
#[test]
fn the_reason_for_a_missing_verdict_is_true() {
    let pid = "import os, signal\npid = r.info('server')['process_id']\n";
    let folder = "import shutil\nfolder = r.config_get('dir')['dir']\n";
    let ready = "r.set('report:daily', 'ready'); r.bgsave()\n";
    let all = [
        (CREATING, format!("{pid}os.kill(pid, signal.SIGTERM); time.sleep(1)"), "Received SIGTERM"),
        (
            CREATING,
            format!("{pid}os.kill(pid, signal.SIGKILL); time.sleep(1)"),
            "ended by signal 9",
        ),
        (USING, format!("{ready}{pid}os.kill(pid, signal.SIGSTOP)"), "stopped by a signal"),
        (
            USING,
            format!("{ready}{folder}time.sleep(0.3); shutil.rmtree(folder); time.sleep(2)"),
            "was deleted",
        ),
        (CREATING, format!("{folder}shutil.rmtree(folder); r.save()"), "was deleted"),
        (
            BLOCKS,
            "r.bgsave()\nwhile r.info('persistence')['rdb_bgsave_in_progress']:\n    \
             r.execute_command('CLIENT KILL TYPE normal SKIPME yes'); time.sleep(0.02)"
                .to_owned(),
            "CLIENT KILL closed connections",
        ),
    ];
    on_each(&all, 3, |(exercise, answer, why)| {
        let judged = Judged::of(exercise, "a.py", &format!("{PYTHON}{answer}\n"));
        let reason = judged.verdict["reason"].as_str().unwrap_or_default();
        assert!(reason.contains(why), "{answer}\n{:#}", judged.verdict);
    });
}
