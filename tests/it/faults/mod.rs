//! `verify` and `check` in a failing environment: exit code 3 and a true message, no leftovers,
//! never a wrong verdict.

mod answers;
mod disk;
mod engine;
mod python;
mod servers;
mod signals;

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::{Ended, Workspace, wait_until};

/// Every run ends within this time, however the environment fails. A silent engine is given up after
/// 30 s and asked a last time; on a busy machine, a run was then seen to end after 50 s.
const BOUND: Duration = Duration::from_secs(75);

/// Python cases that create a file when they begin and wait until they may go on, and some other
/// cases.
const LESSON: &str = r#"# L

```python
BEGIN("example")
client.ping()
```

## E

```toml exercise
id = "e"
time_limit = "40s"
[[check]]
id = "saved"
calls = { save = ">= 1" }
```

> [!TIP]
> look

```python starter fails=saved
BEGIN("starter")
client.ping()
```

```python solution
BEGIN("solution")
client.save()
```

```python wrong fails=saved
BEGIN("wrong")
client.ping()
```

```redis solution
SAVE
```

```redis wrong fails=saved
PING
```
"#;

/// What replaces `BEGIN("name")`. The file holds the process id of the answer.
const BEGIN: &str = r#"import os, redis, time
client = redis.Redis()
client.ping()
flags = os.environ["FLAGS"]
open(flags + "/NAME.new", "w").write(str(os.getpid()))
os.rename(flags + "/NAME.new", flags + "/NAME")
while not os.path.exists(flags + "/go"):
    time.sleep(0.01)"#;

/// The names of server programs.
const SERVERS: [&str; 2] = ["redis-server", "valkey-server"];

const NAMES: [&str; 4] = ["example", "starter", "solution", "wrong"];
/// The cases that wait.
const WAITING: [&str; 4] =
    ["l/example-1", "e/python/starter", "e/python/solution-1", "e/python/wrong-1"];

/// A workspace with this lesson as its course.
fn workspace(lesson: &str) -> Workspace {
    let workspace = Workspace::new();
    let mut text = lesson.to_owned();
    for name in NAMES {
        text = text.replace(&format!("BEGIN(\"{name}\")"), &BEGIN.replace("NAME", name));
    }
    workspace.file("course/01-l.md", text);
    workspace.file("flags/.here", "");
    workspace
}

/// `verify` of the course with enough jobs for all waiting cases, unless `more` sets `--jobs`.
fn verify(workspace: &Workspace, more: &[&str]) -> Command {
    let jobs = if more.contains(&"--jobs") { &[][..] } else { &["--jobs", "8"] };
    let usual = ["verify", "--lessons", "course", "--format", "json"];
    let mut command = workspace.command(&[&usual, jobs, more].concat());
    command.env("FLAGS", workspace.work().join("flags"));
    command
}

/// A PATH with a program `name` that runs these shell lines and then the real program.
fn in_front_of(real: &Path, workspace: &Workspace, name: &str, lines: &str) -> String {
    let script = format!("#!/bin/sh\n{lines}\nexec '{}' \"$@\"\n", real.display());
    let path = workspace.file(&format!("bin/{name}"), script);
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    format!("{}:{}", workspace.work().join("bin").display(), std::env::var("PATH").unwrap())
}

/// A run that has not ended.
struct Running<'p> {
    workspace: &'p Workspace,
    child: Child,
    began: Instant,
}

impl<'p> Running<'p> {
    fn start(workspace: &'p Workspace, mut command: Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Self { workspace, child: command.spawn().unwrap(), began: Instant::now() }
    }

    /// Starts a run and waits until all waiting cases have begun.
    fn waits(workspace: &'p Workspace, command: Command) -> Self {
        let mut running = Self::start(workspace, command);
        running.until_all_have_begun();
        running
    }

    fn until_all_have_begun(&mut self) {
        let flags = self.workspace.work().join("flags");
        wait_until("all cases have begun", || {
            assert!(self.child.try_wait().unwrap().is_none(), "it has ended too early");
            NAMES.iter().all(|name| flags.join(name).exists())
        });
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).unwrap())
    }

    /// Child processes whose command contains one of these words.
    fn children(&self, words: &[&str]) -> Vec<Pid> {
        Self::children_of(self.pid(), words)
    }

    fn children_of(parent: Pid, words: &[&str]) -> Vec<Pid> {
        let output = Command::new("ps").args(["-A", "-o", "pid=,ppid=,args="]).output().unwrap();
        let lines = String::from_utf8_lossy(&output.stdout).into_owned();
        let wanted = lines.lines().filter(|line| words.iter().any(|word| line.contains(word)));
        let processes = wanted.filter_map(|line| {
            let mut fields = line.split_whitespace();
            let pid: i32 = fields.next()?.parse().ok()?;
            let its_parent: i32 = fields.next()?.parse().ok()?;
            (Pid::from_raw(its_parent) == parent).then(|| Pid::from_raw(pid))
        });
        processes.collect()
    }

    /// Kills these children. There must be some; one of them may end before the signal arrives.
    fn kill_children(&self, words: &[&str]) {
        let children = self.children(words);
        assert!(!children.is_empty(), "there is no {words:?}");
        for child in children {
            assert!(matches!(kill(child, Signal::SIGKILL), Ok(()) | Err(Errno::ESRCH)));
        }
    }

    /// Lets the waiting cases go on.
    fn go(self) -> Self {
        self.workspace.file("flags/go", "");
        self
    }

    /// Waits until the run has ended, in time and without leftover files.
    fn end(mut self) -> Ended {
        wait_until("it ends", || self.child.try_wait().unwrap().is_some());
        assert!(self.began.elapsed() < BOUND, "after {:?}", self.began.elapsed());
        let ended = Ended::from(self.child.wait_with_output().unwrap());
        assert_eq!(self.workspace.leftovers(), Vec::<String>::new());
        ended
    }
}

/// The outcome of a case.
fn outcome<'j>(report: &'j serde_json::Value, case: &str) -> &'j str {
    let cases = report["cases"].as_array().unwrap();
    cases.iter().find(|entry| entry["case"] == case).unwrap()["outcome"].as_str().unwrap()
}

fn report(ended: &Ended) -> serde_json::Value {
    serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error} in {ended:?}"))
}

/// Exit code 3, outcome "unchecked", and no failed case.
fn is_unchecked(ended: &Ended) -> serde_json::Value {
    let report = report(ended);
    assert_eq!((ended.code, &report["outcome"]), (3, &"unchecked".into()), "{report:#}");
    let cases = report["cases"].as_array().unwrap();
    let failed: Vec<_> = cases.iter().filter(|case| case["outcome"] == "failed").collect();
    assert!(failed.is_empty(), "{failed:#?}");
    report
}

/// The waiting cases could not be checked, for this reason, and no other case failed.
fn waiting_are_unchecked(ended: &Ended, why: &str) {
    let report = is_unchecked(ended);
    for case in WAITING {
        assert_eq!(outcome(&report, case), "unchecked", "{case} in {report:#}");
    }
    assert!(ended.stdout.contains(why), "{report:#}");
    assert!(!ended.stdout.contains("the clock of"), "{report:#}");
}
