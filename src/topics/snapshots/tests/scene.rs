//! Evidence made by hand: what was sent, what INFO said, how the answer ended.

use std::time::Duration;

use redis::Value;

use crate::attempt::evidence::{
    Evidence, FileContents, Output, ProgramEnd, ProgramRun, Run, Typed, TypedExchange, Wait, Waits,
};
use crate::checks::exists;
use crate::lesson::{Code, Exercise, Language, Moment};
use crate::redis_cli::reply::{Printed, format_reply_to};
use crate::redis_cli::words;
use crate::relay::{CommandOutcome, Exchange, Reply, Timeline};
use crate::server::ServerInfo;
use crate::verdict::tests::{exercise, observation};
use crate::verdict::{Diagnosed, Pointer, judge};

pub(crate) const OK: &str = "+OK";
pub(crate) const STARTED: &str = "+Background saving started";
pub(crate) const BUSY: &str = "-ERR Background save already in progress";
pub(crate) const QUEUED: &str = "+QUEUED";
/// No reply came.
pub(crate) const NONE: &str = "";
/// A program's last error after a command without a reply.
pub(crate) const TIMEOUT: &str =
    "redis.exceptions.TimeoutError: Timeout reading from localhost:6379";
/// A line of the server's log.
pub(crate) const KILLED: &str = "Background saving terminated by signal 10";

pub(crate) const SAVED: &str = "[[check]]\nid = \"c\"\nlastsave = \"advanced\"\n";
pub(crate) const SAVED_AT_EXIT: &str =
    "[[check]]\nid = \"c\"\nat = \"exit\"\nlastsave = \"advanced\"\n";
pub(crate) const CALLS_SAVE: &str = "[[check]]\nid = \"c\"\ncalls = { save = \">= 1\" }\n";
pub(crate) const CALLS_BGSAVE: &str = "[[check]]\nid = \"c\"\ncalls = { bgsave = \">= 1\" }\n";
pub(crate) const NO_SAVE: &str = "[[check]]\nid = \"c\"\ncalls = { save = 0 }\n";
pub(crate) const QUIET: &str =
    "[[check]]\nid = \"c\"\nat = \"exit\"\ninfo = { rdb_bgsave_in_progress = 0 }\n";
pub(crate) const STATUS: &str =
    "[[check]]\nid = \"c\"\ninfo = { rdb_last_bgsave_status = \"ok\" }\n";
pub(crate) const STORED: &str =
    "[[check]]\nid = \"c\"\nreply = { \"GET report:daily\" = \"ready\" }\n";
pub(crate) const SURVIVES: &str =
    "[[check]]\nid = \"c\"\nat = \"crash\"\nreply = { \"GET report:daily\" = \"ready\" }\n";
pub(crate) const STDOUT: &str = "[[check]]\nid = \"c\"\nstdout = \"Done.\"\n";
/// [`Scene::waited`] replaces this check with `blocked`.
pub(crate) const CALM: &str = STATUS;

pub(crate) struct Scene {
    exercise: Exercise,
    evidence: Evidence,
    info: String,
    lastsave: i64,
}

/// An exercise with these checks, and a program that ended well after these commands and replies:
/// one exchange every 100 ms on one connection, each reply after 1 ms. INFO's counters fit them.
pub(crate) fn scene(checks: &str, sent: &[(&str, &str)]) -> Scene {
    let exchanges = sent.iter().enumerate().map(|(index, sent)| exchange(index, sent)).collect();
    Scene {
        exercise: exercise(checks),
        evidence: Evidence {
            looks: [Moment::Exit, Moment::Settled].map(|at| (at, Ok(observation(100, "")))).into(),
            timeline: Timeline { exchanges, ..Timeline::default() },
            run: program(ProgramEnd::Exited(0), ""),
            ..Evidence::new(ServerInfo::of(
                100,
                "total_forks:0\nrdb_last_bgsave_status:ok\nrdb_last_bgsave_time_sec:-1\n",
            ))
        },
        info: String::new(),
        lastsave: 100,
    }
}

fn program(end: ProgramEnd, stderr: &str) -> Run {
    let stderr = Output { text: stderr.to_owned(), omitted: 0 };
    Run::Program(ProgramRun { end, stdout: Output::default(), stderr })
}

/// The reply to a command that Redis does not know.
pub(crate) fn unknown(name: &str) -> String {
    format!("-ERR unknown command '{name}', with args beginning with: ")
}

/// `+`, `-` and `:` as on the wire, `$` before a string, or `nil`.
pub(crate) fn value(reply: &str) -> Value {
    match reply.split_at(1) {
        ("$", text) => Value::BulkString(text.as_bytes().to_vec()),
        ("n", _) => Value::Nil,
        _ => redis::parse_redis_value(format!("{reply}\r\n").as_bytes()).unwrap(),
    }
}

fn exchange(index: usize, (line, reply): &(&str, &str)) -> Exchange {
    let reply = (!reply.is_empty()).then(|| value(reply));
    let outcome = match &reply {
        None => CommandOutcome::Unknown,
        Some(Value::ServerError(_)) => CommandOutcome::Refused,
        Some(_) => CommandOutcome::Done,
    };
    Exchange {
        at: Duration::from_millis(100) * u32::try_from(index).unwrap(),
        connection: 1,
        words: words::split(line).unwrap(),
        reply: reply.map(|value| Reply { value, took: Duration::from_millis(1) }),
        outcome,
    }
}

impl Scene {
    /// INFO's lines at exit and later. Other fields follow from what was sent.
    pub(crate) fn info(mut self, info: &str) -> Self {
        // The first line of a name counts.
        self.info.insert_str(0, info);
        self
    }

    pub(crate) fn lastsave(mut self, lastsave: i64) -> Self {
        self.lastsave = lastsave;
        self
    }

    /// A background save was still running when the answer ended.
    pub(crate) fn saving(self) -> Self {
        self.info("rdb_bgsave_in_progress:1\n")
    }

    pub(crate) fn setting(mut self, name: &str, value: &str) -> Self {
        self.exercise.settings.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The exercise's setup ran these commands before.
    pub(crate) fn setup(mut self, lines: &str) -> Self {
        let (language, span) = (Language::Redis, self.exercise.checks[0].span.clone());
        self.exercise.setup.push(Code { language, text: lines.to_owned(), span });
        self
    }

    /// Replaces the checks.
    pub(crate) fn checks(self, checks: &str) -> Self {
        Self { exercise: exercise(checks), ..self }
    }

    pub(crate) fn change(mut self, change: impl FnOnce(&mut Evidence)) -> Self {
        change(&mut self.evidence);
        self
    }

    pub(crate) fn exchange(self, index: usize, change: impl FnOnce(&mut Exchange)) -> Self {
        self.change(|evidence| change(&mut evidence.timeline.exchanges[index]))
    }

    /// MULTI queued the command, and it was never run.
    pub(crate) fn not_run(self, index: usize) -> Self {
        self.exchange(index, |exchange| exchange.outcome = CommandOutcome::NotRun)
    }

    pub(crate) fn took(self, index: usize, millis: u64) -> Self {
        self.exchange(index, |exchange| {
            exchange.reply.as_mut().unwrap().took = Duration::from_millis(millis);
        })
    }

    /// `GET report:daily` gets this reply at every moment.
    pub(crate) fn found(self, reply: &str) -> Self {
        self.answers("GET report:daily", reply)
    }

    /// This command gets this reply at every moment.
    pub(crate) fn answers(self, command: &str, reply: &str) -> Self {
        let printed = Printed::new(&value(reply));
        self.change(|evidence| {
            evidence.looks.entry(Moment::Crash).or_insert_with(|| Ok(observation(0, "")));
            for now in evidence.looks.values_mut().flatten() {
                now.replies.insert(command.to_owned(), printed.clone());
            }
        })
    }

    /// The program ended with status 1 and this last error.
    pub(crate) fn failed(self, error: &str) -> Self {
        let errors = format!("Traceback (most recent call last):\n{error}\n");
        self.change(|evidence| evidence.run = program(ProgramEnd::Exited(1), &errors))
    }

    /// The program ended with status 1 and this last error before its first line ran.
    pub(crate) fn unread(self, error: &str) -> Self {
        let errors = format!("  File \"answer.py\", line 1\n{error}\n");
        self.change(|evidence| evidence.run = program(ProgramEnd::Exited(1), &errors))
    }

    pub(crate) fn timed_out(self) -> Self {
        self.change(|evidence| evidence.run = program(ProgramEnd::TimedOut, ""))
    }

    pub(crate) fn invalid(self, why: &str) -> Self {
        self.change(|evidence| evidence.invalid = Some(why.to_owned()))
    }

    pub(crate) fn killed(self) -> Self {
        self.change(|evidence| {
            evidence.at_mut(Moment::Settled).log = Some(KILLED.to_owned());
        })
    }

    /// These lines were typed. Each gets the reply of the exchange with the same index, if there is
    /// one.
    pub(crate) fn typed(self, lines: &[&str]) -> Self {
        let sent = self.evidence.timeline.exchanges.clone();
        let typed = |(line, number): (&&str, usize)| {
            let reply = sent.get(number - 1).and_then(|sent| Some((sent, sent.reply.as_ref()?)));
            let reply = reply.map(|(sent, reply)| format_reply_to(&sent.words, &reply.value));
            TypedExchange {
                number,
                line: (*line).to_owned(),
                reply: reply.unwrap_or_default(),
                ..TypedExchange::default()
            }
        };
        let exchanges = lines.iter().zip(1..).map(typed).collect();
        self.change(|evidence| evidence.run = Run::Typed(Typed { exchanges, stopped: None }))
    }

    /// Everything that was sent was typed, one command a line.
    pub(crate) fn all_typed(self) -> Self {
        let exchanges = &self.evidence.timeline.exchanges;
        let lines: Vec<String> =
            exchanges.iter().map(|exchange| words::join(&exchange.words)).collect();
        self.typed(&lines.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// Makes the check `blocked`; the longest wait of another client, in milliseconds.
    pub(crate) fn waited(mut self, at: u64, took: u64) -> Self {
        self.exercise = exercise("[[check]]\nid = \"c\"\nblocked = \"< 20ms\"\n");
        let wait = Wait { at: Duration::from_millis(at), took: Duration::from_millis(took) };
        let watched = Duration::from_secs(2);
        let waits = Waits { longest: wait, pings: 100, watched, slow: vec![wait] };
        self.change(|evidence| evidence.waits = Some(waits))
    }

    /// Makes the check about the snapshot file, which does not contain this key.
    pub(crate) fn not_in_the_file(mut self, key: &str) -> Self {
        let settings = std::mem::take(&mut self.exercise.settings);
        let check = format!("[[check]]\nid = \"c\"\ndump = {{ keys = [\"{key}\"] }}\n");
        self.exercise = Exercise { settings, ..exercise(&check) };
        let mut second = observation(0, "");
        second.replies.insert(exists(key), Printed::new(&Value::Int(0)));
        second.file = Some(FileContents::default());
        self.change(|evidence| {
            evidence.looks.insert(Moment::Restore, Ok(second));
        })
    }

    pub(crate) fn diagnosed(mut self) -> Option<Diagnosed> {
        let done = |name: &str| {
            let exchanges = &self.evidence.timeline.exchanges;
            exchanges
                .iter()
                .filter(|exchange| {
                    exchange.outcome == CommandOutcome::Done && exchange.name() == name
                })
                .count()
        };
        let (saves, bgsaves) = (done("SAVE"), done("BGSAVE"));
        let info = format!(
            "{}total_forks:{bgsaves}\nrdb_bgsave_in_progress:0\nrdb_last_bgsave_status:ok\n\
             rdb_last_bgsave_time_sec:{}\n\
             cmdstat_save:calls={saves}\ncmdstat_bgsave:calls={bgsaves}\n",
            self.info,
            if bgsaves > 0 { 0 } else { -1 },
        );
        let info = ServerInfo::of(self.lastsave, &info);
        for at in [Moment::Exit, Moment::Settled] {
            if let Some(Ok(now)) = self.evidence.looks.get_mut(&at) {
                now.info = info.clone();
            }
        }
        let verdict = judge(&self.exercise, &self.evidence);
        assert!(!verdict.passed(), "{verdict:?}");
        verdict.diagnosis
    }

    /// Asserts the cause, and that its first evidence is this exchange.
    pub(crate) fn is(self, id: &str, index: usize) {
        self.seen_at(id, &Pointer::Exchange(index));
    }

    pub(crate) fn seen_at(self, id: &str, pointer: &Pointer) {
        let diagnosed = self.diagnosed();
        let found = diagnosed.as_ref().map(|found| (found.id, found.evidence.first()));
        assert_eq!(found, Some((id, Some(pointer))), "{diagnosed:?}");
        assert!(!diagnosed.unwrap().cause.contains("{}"));
    }

    pub(crate) fn seen_nowhere(self, id: &str) {
        let diagnosed = self.diagnosed().unwrap();
        assert_eq!((diagnosed.id, diagnosed.evidence.len()), (id, 0));
    }

    pub(crate) fn never(self, id: &str) {
        let diagnosed = self.diagnosed();
        assert_ne!(diagnosed.as_ref().map(|found| found.id), Some(id), "{diagnosed:?}");
    }

    pub(crate) fn has_no_cause(self) {
        assert_eq!(self.diagnosed(), None);
    }
}
