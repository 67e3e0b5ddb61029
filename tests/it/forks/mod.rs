//! Answers in forks of a warmed interpreter.

mod programs;

use std::path::PathBuf;
use std::sync::LazyLock;
use std::time::Duration;

use redislings::attempt::Python;
use redislings::attempt::evidence::{ProgramEnd, ProgramRun};
use redislings::error::{EnvironmentError, EnvironmentErrorKind};
use redislings::lesson::course::default_packages;
use redislings::server::Endpoint;
use tokio_util::sync::CancellationToken;

use self::programs::{BESIDES, ENDINGS, READING, SURROUNDINGS};
use crate::support::redis_server::ForeignServer;
use crate::support::{has_ended, wait_until};

const LIMIT: Duration = Duration::from_secs(60);

/// Fails outside a fork. The command line of a fork is that of the interpreter, not of the answer.
const IS_A_FORK: &str = "import subprocess, os\n\
    assert b'zygote.py' in subprocess.check_output(['ps', '-ww', '-o', 'args=', '-p', \
    str(os.getpid())])\n";

static FRESH: LazyLock<Python> =
    LazyLock::new(|| Python::find(&default_packages(), &|_| {}).expect("a Python"));

fn warmed() -> Python {
    FRESH.warmed(&default_packages()).expect("a Python that forks")
}

struct Program {
    _folder: tempfile::TempDir,
    path: PathBuf,
}

impl Program {
    fn new(text: impl AsRef<[u8]>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("answer.py");
        std::fs::write(&path, text).unwrap();
        Self { _folder: folder, path }
    }

    fn try_run(&self, python: &Python, limit: Duration) -> Result<ProgramRun, EnvironmentError> {
        // Nothing listens there.
        let endpoint = Endpoint {
            host: "127.0.0.1".into(),
            port: 1,
            url: "redis://127.0.0.1:1".into(),
            password: None,
        };
        Ok(python.run(&self.path, &endpoint, limit, &CancellationToken::new())?.collect())
    }
}

fn run(python: &Python, text: &str) -> ProgramRun {
    Program::new(format!("import redis\n{text}")).try_run(python, LIMIT).unwrap()
}

fn printed(python: &Python, text: &str) -> String {
    let run = run(python, text);
    assert_eq!(run.end, ProgramEnd::Exited(0), "{text}: {}", run.stderr.text);
    run.stdout.text
}

/// End, stdout and stderr, without numbers that differ each time: working directory, process ids
/// and addresses.
fn shown(run: &ProgramRun) -> String {
    let text = format!("{:?}\n{}\n----\n{}", run.end, run.stdout.text, run.stderr.text);
    let mut shown = String::new();
    let mut rest = text.as_str();
    while let Some(at) = ["/answer-", "0x", "Process-", "pid ", "pid=", "started "]
        .into_iter()
        .filter_map(|mark| rest.find(mark).map(|at| at + mark.len()))
        .min()
    {
        shown.push_str(&rest[..at]);
        rest = rest[at..].trim_start_matches(|c: char| c.is_ascii_hexdigit());
    }
    shown + rest
}

fn assert_alike<T: AsRef<[u8]>>(texts: impl Iterator<Item = T>) {
    let forks = warmed();
    let mut different = Vec::new();
    for text in texts {
        let program = Program::new(&text);
        let [fresh, fork] =
            [&*FRESH, &forks].map(|python| shown(&program.try_run(python, LIMIT).unwrap()));
        if fresh != fork {
            let text = String::from_utf8_lossy(text.as_ref()).into_owned();
            different.push(format!("== {text}\n-- fresh: {fresh}\n-- fork: {fork}\n"));
        }
    }
    assert!(different.is_empty(), "{} differ:\n{}", different.len(), different.join("\n"));
    assert_eq!(printed(&forks, IS_A_FORK), "");
}

fn with_redis(programs: &'static [&str]) -> impl Iterator<Item = String> {
    programs.iter().map(|text| format!("import redis\n{text}"))
}

#[test]
fn a_fork_begins_like_a_fresh_process() {
    assert_alike(with_redis(SURROUNDINGS));
}

#[test]
fn a_fork_ends_like_a_fresh_process() {
    assert_alike(with_redis(ENDINGS));
}

#[test]
fn a_fork_starts_others_like_a_fresh_process() {
    assert_alike(with_redis(BESIDES));
}

#[test]
fn a_fork_reads_its_program_like_a_fresh_process() {
    assert_alike(READING.iter());
}

#[test]
fn a_fork_does_not_see_changes_of_another_fork() {
    let forks = warmed();
    let look = format!("{IS_A_FORK}{LOOK}");
    let before = printed(&forks, &look);
    // Each line shows another part of the process: every line is different now.
    let spoilt = printed(&forks, &format!("{IS_A_FORK}{SPOIL}{LOOK}"));
    for (spoilt, before) in spoilt.lines().zip(before.lines()) {
        assert_ne!(spoilt, before);
    }
    assert_eq!(printed(&forks, &look), before);
}

/// Everything that a program can change in its own process.
const SPOIL: &str = "
import builtins, os, sys, signal, threading, atexit, resource, warnings, logging, locale, \
    random, json, socket
sys.modules['spoilt'] = sys
redis.Redis.get = lambda *it: 'spoilt'
builtins.spoilt = 1
json.loads = None
os.environ['SPOILT'] = '1'
os.environ.pop('PATH')
os.mkdir('deeper')
os.chdir('deeper')
kept = [open('left', 'w'), socket.socket()]
os.dup2(kept[0].fileno(), 0)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
signal.signal(signal.SIGINT, signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
signal.setitimer(signal.ITIMER_REAL, 50)
threading.Thread(target=signal.pause, daemon=True).start()
atexit.register(os.write, 2, b'spoilt')
os.umask(0o77)
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
resource.setrlimit(resource.RLIMIT_NOFILE, (99, 99))
sys.path.append('/spoilt')
sys.argv.append('spoilt')
sys.setrecursionlimit(500)
sys.settrace(lambda *it: None)
warnings.simplefilter('error')
logging.basicConfig(level=1)
locale.setlocale(locale.LC_ALL, 'C')
__import__('g' 'c').disable()
os.nice(3)
sys.meta_path.clear()
";

const LOOK: &str = "
import builtins, os, sys, signal, threading, resource, warnings, logging, locale, json
print('spoilt' in sys.modules, redis.Redis.get, hasattr(builtins, 'spoilt'), json.loads)
print(os.environ.get('SPOILT'), os.environ.get('PATH'), os.path.basename(os.getcwd())[:6], \
    os.listdir('.'))
print([fd for fd in range(3, 99) if os.path.exists(f'/dev/fd/{fd}')], os.fstat(0).st_mode)
print([signal.getsignal(it) for it in (signal.SIGTERM, signal.SIGINT)], \
    signal.pthread_sigmask(signal.SIG_BLOCK, []))
print(signal.getitimer(signal.ITIMER_REAL)[0] > 0, threading.active_count(), os.umask(0))
print(resource.getrlimit(resource.RLIMIT_CORE), resource.getrlimit(resource.RLIMIT_NOFILE))
print(sys.path[1:], sys.argv[1:], sys.getrecursionlimit(), sys.gettrace(), len(sys.meta_path))
print(warnings.filters, logging.root.handlers, logging.root.level, \
    locale.setlocale(locale.LC_ALL), __import__('g' 'c').isenabled(), os.nice(0))
print(sorted(globals()) if 'kept' in globals() else None)
";

#[test]
fn two_forks_draw_different_random_numbers() {
    let forks = warmed();
    let draw = "import random, uuid, secrets, tempfile\n\
        print(random.random(), uuid.uuid4(), secrets.token_hex(), \
        next(tempfile._get_candidate_names()))";
    let [one, other] = [printed(&forks, draw), printed(&forks, draw)];
    for (one, other) in one.split_whitespace().zip(other.split_whitespace()) {
        assert_ne!(one, other);
    }
}

#[test]
fn several_threads_use_forks_at_once() {
    let forks = &warmed();
    let programs: Vec<String> = (0..12)
        .map(|number| format!("import time\ntime.sleep(0.2)\nprint({number})\n{IS_A_FORK}"))
        .collect();
    let answers: Vec<String> = std::thread::scope(|scope| {
        let threads: Vec<_> =
            programs.iter().map(|text| scope.spawn(move || printed(forks, text))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let expected: Vec<String> = (0..12).map(|number| format!("{number}\n")).collect();
    assert_eq!(answers, expected);
}

#[test]
fn an_answer_imports_modules_from_its_own_folder() {
    let program = Program::new("import redis\nprint(redis.mine)\n");
    std::fs::write(program.path.with_file_name("redis.py"), "mine = 'my own'\n").unwrap();
    let run = program.try_run(&warmed(), LIMIT).unwrap();
    assert_eq!(run.stdout.text, "my own\n", "{}", run.stderr.text);
}

#[test]
fn the_time_limit_ends_a_fork_and_what_it_started() {
    let text = "import redis, os, subprocess\nother = subprocess.Popen(['sleep', '300'])\n\
        print(os.getpid(), other.pid, flush=True)\nwhile True: pass\n";
    let run = Program::new(text).try_run(&warmed(), Duration::from_secs(2)).unwrap();
    assert_eq!(run.end, ProgramEnd::TimedOut);
    for pid in run.stdout.text.split_whitespace() {
        wait_until("it has ended", || has_ended(pid.parse().unwrap()));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_child_that_leaves_the_group_of_its_fork_ends_too() {
    let text = "import os, time\nready, told = os.pipe()\nif os.fork() == 0:\n    os.setsid()\n    \
        os.write(told, b'x')\n    time.sleep(300)\nos.read(ready, 1)\nif os.fork() == 0:\n    \
        os.setsid()\n    os.close(1)\n    os.close(2)\n    os.write(told, b'x')\n    \
        time.sleep(300)\nos.read(ready, 1)\n\
        print(os.popen(f'pgrep -P {os.getpid()} python').read())\n";
    let forks = warmed();
    let pids = printed(&forks, text);
    assert_eq!(pids.split_whitespace().count(), 2, "{pids}");
    for pid in pids.split_whitespace() {
        wait_until("it has ended", || has_ended(pid.parse().unwrap()));
    }
    assert_eq!(printed(&forks, IS_A_FORK), "");
}

#[test]
fn a_lost_interpreter_is_reported_and_later_answers_run() {
    let forks = warmed();
    for kill in ["SIGKILL", "SIGTERM"] {
        let text = format!(
            "import redis, os, signal, time\nos.kill(os.getppid(), signal.{kill})\n\
             time.sleep(300)\n"
        );
        let forks = if kill == "SIGKILL" { forks.clone() } else { warmed() };
        let error = Program::new(text).try_run(&forks, LIMIT).unwrap_err();
        assert_eq!(error.kind, EnvironmentErrorKind::LostFork, "{error:?}");
        assert_eq!(printed(&forks, "print('still runs')"), "still runs\n");
    }
}

#[test]
fn an_interpreter_that_died_between_answers_is_replaced() {
    let forks = warmed();
    let pid = printed(&forks, "import os\nprint(os.getppid())");
    assert!(
        std::process::Command::new("kill").args(["-9", pid.trim()]).status().unwrap().success()
    );
    assert_eq!(printed(&forks, "print('runs')"), "runs\n");
}

#[test]
fn the_interpreter_ends_with_its_owner() {
    let forks = warmed();
    let pid = printed(&forks, "import os\nprint(os.getppid())");
    let pid = pid.trim().parse().unwrap();
    assert!(!has_ended(pid));
    drop(forks);
    assert!(has_ended(pid));
}

#[test]
fn another_redis_on_port_6379_is_never_touched_by_a_fork() {
    let name = "another_redis_on_port_6379_is_never_touched_by_a_fork";
    let Some((_usual, foreign)) = ForeignServer::on_the_usual_port(name) else { return };
    let lesson = ForeignServer::start();
    let endpoint =
        Endpoint { host: "127.0.0.1".into(), port: lesson.port, url: lesson.url(), password: None };
    let reach = [
        "redis.Redis().incr('n')",
        "redis.Redis(host='::1').incr('n')",
        "redis.from_url('redis://localhost').incr('n')",
        "redis.from_url(os.environ['REDIS_URL']).incr('n')",
        "asyncio.run(redis.asyncio.Redis().incr('n'))",
        "socket.create_connection(('localhost', 6379)).sendall(b'INCR n\\r\\n')",
        "subprocess.run([sys.executable, '-c', 'import redis; redis.Redis().incr(\"n\")'], env={}, \
         check=True)",
    ];
    let forks = warmed();
    for (index, reach) in reach.iter().enumerate() {
        let text =
            format!("import redis, asyncio, os, socket, subprocess, sys\n{reach}\n{IS_A_FORK}");
        let run = forks
            .run(&Program::new(text).path, &endpoint, LIMIT, &CancellationToken::new())
            .unwrap()
            .collect();
        assert_eq!(run.end, ProgramEnd::Exited(0), "{reach}: {}", run.stderr.text);
        let wanted = format!("\"{}\"", index + 1);
        wait_until(reach, || lesson.ask(&["GET", "n"]) == wanted);
    }
    assert_eq!(foreign.ask(&["GET", "n"]), "(nil)");
}
