//! `verify` and `check` where the world fails: exit code 3 and a true sentence, nothing left, never a wrong verdict.

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

use crate::support::{Ended, Place, wait_until};

/// However the world fails, a run ends within this.
const BOUND: Duration = Duration::from_secs(45);

/// Cases in Python, each of which says that it has begun and goes on when it is told so, and some more.
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

/// A statement for `BEGIN("name")`; the file tells the answer's process id.
const BEGIN: &str = r#"import os, redis, time
client = redis.Redis()
client.ping()
flags = os.environ["FLAGS"]
open(flags + "/NAME.new", "w").write(str(os.getpid()))
os.rename(flags + "/NAME.new", flags + "/NAME")
while not os.path.exists(flags + "/go"):
    time.sleep(0.01)"#;

/// How the commands begin by which servers are started.
const SERVERS: [&str; 2] = ["redis-server", "valkey-server"];

const NAMES: [&str; 4] = ["example", "starter", "solution", "wrong"];
/// Those that wait.
const WAITING: [&str; 4] =
    ["l/example-1", "e/python/starter", "e/python/solution-1", "e/python/wrong-1"];

/// A place with this lesson as its course.
fn place(lesson: &str) -> Place {
    let place = Place::new();
    let mut text = lesson.to_owned();
    for name in NAMES {
        text = text.replace(&format!("BEGIN(\"{name}\")"), &BEGIN.replace("NAME", name));
    }
    place.file("course/01-l.md", text);
    place.file("flags/.here", "");
    place
}

/// `verify` of the course there, all waiting cases at once; `more` may say how many.
fn verify(place: &Place, more: &[&str]) -> Command {
    let jobs = if more.contains(&"--jobs") { &[][..] } else { &["--jobs", "8"] };
    let usual = ["verify", "--lessons", "course", "--format", "json"];
    let mut command = place.command(&[&usual, jobs, more].concat());
    command.env("FLAGS", place.work().join("flags"));
    command
}

/// A PATH on which the program `name` runs these lines of `sh` before it is the real one.
fn in_front_of(real: &Path, place: &Place, name: &str, lines: &str) -> String {
    let script = format!("#!/bin/sh\n{lines}\nexec '{}' \"$@\"\n", real.display());
    let path = place.file(&format!("bin/{name}"), script);
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    format!("{}:{}", place.work().join("bin").display(), std::env::var("PATH").unwrap())
}

/// A run that goes on.
struct Running<'p> {
    place: &'p Place,
    child: Child,
    began: Instant,
}

impl<'p> Running<'p> {
    fn start(place: &'p Place, mut command: Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Self { place, child: command.spawn().unwrap(), began: Instant::now() }
    }

    /// One in which all waiting cases have begun.
    fn waits(place: &'p Place, command: Command) -> Self {
        let mut running = Self::start(place, command);
        running.until_all_have_begun();
        running
    }

    fn until_all_have_begun(&mut self) {
        let flag = |name: &str| self.place.work().join("flags").join(name);
        let child = &mut self.child;
        wait_until("all cases have begun", || {
            assert!(child.try_wait().unwrap().is_none(), "it has ended too early");
            NAMES.iter().all(|name| flag(name).exists())
        });
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).unwrap())
    }

    /// Processes that it has started whose command holds one of these words.
    fn children(&self, words: &[&str]) -> Vec<Pid> {
        Self::children_of(self.pid(), words)
    }

    fn children_of(parent: Pid, words: &[&str]) -> Vec<Pid> {
        let output = Command::new("ps").args(["-A", "-o", "pid=,ppid=,args="]).output().unwrap();
        let lines = String::from_utf8_lossy(&output.stdout).into_owned();
        let ours = lines.lines().filter_map(|line| {
            let mut fields = line.split_whitespace();
            let (pid, its_parent) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
            let is_wanted = words.iter().any(|word| line.contains(word));
            (Pid::from_raw(its_parent) == parent && is_wanted).then(|| Pid::from_raw(pid))
        });
        ours.collect()
    }

    /// SIGKILL to them; there are some, of which one or the other may just have ended.
    fn kill_children(&self, words: &[&str]) {
        let children = self.children(words);
        assert!(!children.is_empty(), "there is no {words:?}");
        for child in children {
            assert!(matches!(kill(child, Signal::SIGKILL), Ok(()) | Err(Errno::ESRCH)));
        }
    }

    /// The waiting cases go on.
    fn go(self) -> Self {
        self.place.file("flags/go", "");
        self
    }

    /// Waits for its end, which must come in time and leave no file.
    fn end(mut self) -> Ended {
        wait_until("it ends", || self.child.try_wait().unwrap().is_some());
        assert!(self.began.elapsed() < BOUND, "after {:?}", self.began.elapsed());
        let ended = Ended::from(self.child.wait_with_output().unwrap());
        assert_eq!(self.place.leftovers(), Vec::<String>::new());
        ended
    }
}

/// What became of a case.
fn outcome<'j>(report: &'j serde_json::Value, case: &str) -> &'j str {
    let cases = report["cases"].as_array().unwrap();
    cases.iter().find(|it| it["case"] == case).unwrap()["outcome"].as_str().unwrap()
}

fn report(ended: &Ended) -> serde_json::Value {
    serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error} in {ended:?}"))
}

/// Nothing is said to have failed, and it ends with "could not be checked".
fn is_unchecked(ended: &Ended) -> serde_json::Value {
    let report = report(ended);
    assert_eq!((ended.code, &report["outcome"]), (3, &"unchecked".into()), "{report:#}");
    let cases = report["cases"].as_array().unwrap();
    let failed: Vec<_> = cases.iter().filter(|it| it["outcome"] == "failed").collect();
    assert!(failed.is_empty(), "{failed:#?}");
    report
}

/// The waiting cases could not be checked, for this reason; none of the others failed.
fn waiting_are_unchecked(ended: &Ended, why: &str) {
    let report = is_unchecked(ended);
    for case in WAITING {
        assert_eq!(outcome(&report, case), "unchecked", "{case} in {report:#}");
    }
    assert!(ended.stdout.contains(why), "{report:#}");
    assert!(!ended.stdout.contains("the clock of"), "{report:#}");
}
