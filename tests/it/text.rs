//! Text is text: nothing in a course, a file name or a report steers a terminal, whatever shows it.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::terminal::{ROOMY, Student};
use crate::support::{Ended, Place};

/// Looks, a window title, C1's CSI, DEL, a bidi override and an isolate, as bytes of a file.
const RAW: &str = "\x1b[1;35;44mR\x1b]0;pwned\x07\u{9b}2J\x7f\u{202e}\u{2066}";
/// The same as TOML writes it.
const TOML: &str = r"\u001b[1;35;44mT\u001b]0;pwned\u0007\u009b2J\u007f\u202e\u2066";
/// The same as markdown and HTML write it.
const ENTITIES: &str = "&#27;[1;35;44mM&#x1b;]0;pwned&#7;&#155;2J&#127;&#x202e;&#x2066;";

/// With `R`, `T` and `M` between `@` for the three.
fn filled(text: &str) -> String {
    text.replace("@R@", RAW).replace("@T@", TOML).replace("@M@", ENTITIES)
}

const COURSE: &str = "format = 1\ntitle = \"Course @T@ @R@\" # @R@\n";

/// Every kind of string that the loader takes.
const LESSON: &str = r#"# Lesson @R@ @M@

Prose @R@ @M@ **bold @R@** `code @R@` [link @R@ @M@](https://example.org/@M@ "title @M@") and
![picture @R@ @M@](picture-@M@.png) <https://example.org/> and a note[^n].

[^n]: note @R@ @M@

- item @R@ @M@
- [ ] task @R@ @M@

1. numbered @R@ @M@

| head @R@ | @M@ |
|---|---|
| cell @R@ | @M@ |

> [!NOTE]
> quoted @R@ @M@

<details><summary>summary @R@ @M@</summary>

inside @R@ @M@

</details>

```text @R@
shown @R@
```

```redis
> SET a "@R@"
OK
> GET a
"never @R@"
```

## Step @R@ @M@

Do it @R@ @M@. <!-- task: do-it -->

```toml exercise
id = "evil"

[[check]]
id = "saved"
says = "says @T@ @R@"
otherwise = "otherwise @T@ @R@"
calls = { save = 1 }
covers = "do-it"

[[check]]
id = "replies"
reply = { "GET k-@T@" = "reply @T@" }

[[check]]
id = "configured"
config = { "maxmemory-@T@" = "@T@" }

[[check]]
id = "sent"
sent = { order = ["SET @T@"] }

[[check]]
id = "dumped"
dump = { keys = ["@T@"] }

[[check]]
id = "printed"
stdout = "prints @T@"

[[check]]
id = "matched"
stdout = { matches = "m @T@" }

[[equivalent]]
mutant = "redis/solution-1/without-line-1"
because = "because @T@ @R@"
```

```redis setup
SET k "@R@"
```

> [!TIP]
> hint @R@ @M@

```redis starter fails=saved
SET starter "@R@"
```

```redis solution
SET solution "@R@"
SAVE
```

```redis wrong fails=saved
SET wrong "@R@"
```

note @R@ @M@

## Fields @R@

```toml exercise
id = "fields"

[[check]]
id = "informed"
info = { "field_@T@" = "@T@" }
```

> [!TIP]
> hint

```redis solution
SAVE
```

## Settings @R@

```toml exercise
id = "settings"

[server]
maxmemory-policy = "@T@"

[[check]]
id = "saved"
calls = { save = 1 }
```

> [!TIP]
> hint

```redis solution
SAVE
```
"#;

/// Every string stands where it is told as a fault.
const FAULTY: &str = r#"# Faulty @R@

> [!@R@]
> alert

```redis @R@
SAVE
```

```redis
> SET "@R@
```

## Exercise

```toml exercise
id = "id @T@"
time_limit = "@T@"
crash = "@T@"
"key @T@" = 1

[server]
"setting @T@" = "@T@"
maxmemory = "--@T@"

[[check]]
id = "check @T@"
lastsave = "@T@"
at = "@T@"
needs = ["@T@\n::error::needs"]
covers = "@T@"
"key @T@\n::error::key" = 1

[[check]]
id = "call"
calls = { "a @T@" = "@T@" }

[[check]]
id = "regex"
stdout = { matches = "(@T@" }

[[check]]
id = "ask"
reply = { "GET \"@T@" = 1 }

[[meanwhile]]
id = "@T@"
when = "@T@"

[[equivalent]]
mutant = "@T@"
because = "@T@"
```

```redis wrong fails=@R@
SAVE
```
"#;

fn is_unsafe(c: char) -> bool {
    let is_layout = matches!(c, '\n' | '\t');
    let reorders = matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    reorders || (c.is_control() && !is_layout)
}

#[track_caller]
fn assert_clean(what: &str, text: &str) {
    if let Some((at, c)) = text.char_indices().find(|(_, c)| is_unsafe(*c)) {
        let line = text[..at].matches('\n').count();
        panic!("{what}: {c:?} in {:?}", text.lines().nth(line).unwrap_or_default());
    }
}

#[track_caller]
fn assert_both_clean(what: &str, ended: &Ended) {
    assert_clean(&format!("{what}, output"), &ended.stdout);
    assert_clean(&format!("{what}, errors"), &ended.stderr);
}

/// Every string of the document but those that hold what a server or a program said.
#[track_caller]
fn assert_strings_clean(what: &str, value: &Value) {
    const DATA: [&str; 4] = ["expected", "found", "transcript", "changes"];
    match value {
        Value::String(text) => assert_clean(what, text),
        Value::Array(items) => items.iter().for_each(|item| assert_strings_clean(what, item)),
        Value::Object(fields) => {
            for (name, field) in fields.iter().filter(|(name, _)| !DATA.contains(&name.as_str())) {
                assert_strings_clean(&format!("{what}.{name}"), field);
            }
        }
        _ => {}
    }
}

fn place(lesson: &str) -> Place {
    let place = Place::new();
    place.file("course/course.toml", filled(COURSE));
    place.file("course/01-evil.md", filled(lesson));
    place.file("answer.redis", "PING\n");
    place
}

fn run(place: &Place, arguments: &[&str]) -> Ended {
    place.run(&[arguments, &["--lessons", "course"]].concat())
}

#[test]
fn no_string_of_a_course_steers_the_terminal_that_shows_it() {
    let place = place(LESSON);
    let commands: [&[&str]; 9] = [
        &["list"],
        &["list", "--plain"],
        &["check", "evil", "answer.redis"],
        &["check", "evil", "answer.redis", "--plain"],
        &["check", "evil", "answer.redis", "--transcript"],
        &["check", "fields", "answer.redis"],
        &["check", "settings", "answer.redis"],
        &["hint", "evil", "--all"],
        &["solution", "evil", "--yes"],
    ];
    for command in commands {
        let ended = run(&place, command);
        assert_both_clean(&command.join(" "), &ended);
        assert!(ended.stderr.contains("the control character U+001B is replaced"), "{ended:?}");
        let is_judged = !["settings", "fields"].contains(command.get(1).unwrap_or(&""));
        assert_eq!(ended.stdout.contains('\u{fffd}'), is_judged, "{ended:?}");
    }
    for command in [&["list"][..], &["check", "evil", "answer.redis"]] {
        let ended = run(&place, &[command, &["--format", "json"]].concat());
        assert_both_clean("json", &ended);
        assert_strings_clean("json", &serde_json::from_str(&ended.stdout).unwrap());
    }
}

const KINDS: [&str; 5] = ["human", "jsonl", "junit", "github", "summary"];

/// Runs `verify` and looks at each of its reports.
fn assert_reports_clean(place: &Place, more: &[&str]) -> Ended {
    let files = KINDS.map(|kind| (kind, format!("report.{kind}")));
    let mut arguments = vec!["verify".to_owned()];
    arguments.extend(more.iter().map(|word| (*word).to_owned()));
    for (kind, file) in &files {
        arguments.extend(["--report".to_owned(), format!("{kind}={file}")]);
    }
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let ended = run(place, &arguments);
    assert_both_clean("verify", &ended);
    for (kind, file) in &files {
        let text = std::fs::read_to_string(place.work().join(file)).unwrap();
        assert!(text.contains('\u{fffd}'), "{kind}: {text}");
        assert_clean(kind, &text);
        if *kind == "jsonl" {
            for line in text.lines() {
                assert_strings_clean(kind, &serde_json::from_str(line).unwrap());
            }
        }
    }
    ended
}

#[test]
fn no_string_of_a_course_steers_the_terminal_that_shows_a_report() {
    let place = place(LESSON);
    let ended = assert_reports_clean(&place, &[]);
    assert_eq!(ended.code, 1, "{ended:?}");
    let ended = assert_reports_clean(&place, &["--plain", "evil"]);
    assert_eq!(ended.code, 1, "{ended:?}");
    let ended = run(&place, &["verify", "evil", "--format", "json"]);
    assert_both_clean("verify json", &ended);
    assert_strings_clean("verify json", &serde_json::from_str(&ended.stdout).unwrap());
    for kind in KINDS {
        let ended = place.run(&["merge", "report.jsonl", "--report", kind]);
        assert_both_clean(&format!("merge {kind}"), &ended);
    }
}

#[test]
fn no_fault_of_a_course_steers_the_terminal_that_shows_it() {
    let place = place(FAULTY);
    for more in [&["list"][..], &["list", "--plain"]] {
        let ended = run(&place, more);
        assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "{ended:?}");
        assert_both_clean("faults", &ended);
        assert!(ended.stderr.contains("cannot be an id"), "{ended:?}");
        let begins = |line: &str| line.trim_start().starts_with("::");
        assert!(!ended.stderr.lines().any(begins), "{ended:?}");
    }
    let ended = assert_reports_clean(&place, &[]);
    assert_eq!(ended.code, 2, "{ended:?}");
}

/// As `verify` writes it, with every string replaced.
const EVIL_REPORT: [&str; 5] = [
    r#"{"event":"begin","format":1,"redislings":"1","course":"C","slice":null,"wanted":1,"fingerprint":"C","servers":["C"],"cases":[{"place":0,"case":"C","kind":"wrong","lesson":"C","file":"C","line":1}]}"#,
    r#"{"event":"case","case":"C","kind":"wrong","lesson":"C","file":"C","line":1,"wanted":"C","server":"C","outcome":"failed","problems":["C"],"unchecked":{"reason":"C","help":"C"},"details":"C","repeat":"C","runs":1,"again":0,"flaky":false,"took_ms":1.0}"#,
    r#"{"event":"server","wanted":"C","unchecked":{"reason":"C","help":"C"},"took_ms":1.0}"#,
    r#"{"event":"warning","file":"C","line":1,"column":1,"message":"C","help":"C"}"#,
    r#"{"event":"end","conclusion":"failed","passed":0,"failed":1,"unchecked":0,"not_run":0,"flaky":0,"incomplete":[{"reason":"C","help":"C"}]}"#,
];

#[test]
fn no_report_of_somebody_elses_steers_the_terminal_that_shows_it_merged() {
    let place = Place::new();
    let in_json = TOML.to_owned() + r"\u2028" + &RAW.replace(|c: char| c.is_ascii_control(), "");
    let evil =
        |lines: &[&str]| lines.join("\n").replace("\"C\"", &format!("\"C {in_json}\"")) + "\n";
    place.file("evil.jsonl", evil(&EVIL_REPORT));
    for kind in KINDS {
        for more in [&[][..], &["--plain"]] {
            let ended = place.run(&[&["merge", "evil.jsonl", "--report", kind], more].concat());
            assert_eq!(ended.code, 1, "{ended:?}");
            assert!(ended.stdout.contains('\u{fffd}'), "{ended:?}");
            assert_both_clean(kind, &ended);
        }
    }
    let other = evil(&EVIL_REPORT[..2]).replacen("\"outcome\":\"failed\"", "\"outcome\":\"C\"", 1);
    let unloadable = evil(&EVIL_REPORT[3..]).replace("\"warning\"", "\"problem\"");
    let unknown = evil(&["{\"event\":\"C\"}"]);
    for text in [other.replace("\"C\"", &format!("\"{TOML}\"")), unloadable, unknown] {
        place.file("other.jsonl", text);
        let ended = place.run(&["merge", "other.jsonl"]);
        assert_eq!(ended.code, 2, "{ended:?}");
        assert_both_clean("merge", &ended);
    }
}

/// A name that shows itself in another way and speaks to GitHub.
const NAME: &str = "a\n::error::\x1b[31m\u{202e}";

#[test]
fn no_file_name_steers_the_terminal_that_shows_it() {
    let place = Place::new();
    let lesson = format!("01-{NAME}.md");
    place.file(&format!("course/{lesson}"), "# L\n");
    place.file(&format!("{NAME}/01-l.md"), "# L\n\n```toml exercise\nid = \"e\"\n```\n");
    place.file(&format!("{NAME}.redis"), "PING\n");
    place.file(&format!("full/{NAME}"), "");
    let answer = format!("{NAME}.redis");
    let path = format!("{NAME}.jsonl");
    let report = format!("junit={NAME}/no/r.xml");
    let option = format!("--{NAME}");
    let commands: [&[&str]; 15] = [
        &["list", "--lessons", "course"],
        &["list", "--lessons", "course", "--plain"],
        &["verify", "--lessons", "course", "--report", "github"],
        &["list", "--lessons", NAME],
        &["list", "--lessons", &answer],
        &["check", "creating-snapshots", NAME],
        &["check", NAME, "answer.redis"],
        &["init", "full"],
        &["init", &answer],
        &["new", NAME],
        &["merge", &path],
        &["verify", "--report", &report],
        &[NAME],
        &["check", "creating-snapshots", &option],
        &["hint", "creating-snapshots", NAME],
    ];
    for command in commands {
        let mut on_github = place.command(command);
        on_github.env("GITHUB_ACTIONS", "true").stdin(Stdio::null());
        let ended = Ended::from(on_github.output().unwrap());
        for ended in [&place.run(command), &ended] {
            assert_both_clean(&command.join(" "), ended);
            assert_eq!(ended.code, 2, "{command:?} {ended:?}");
        }
        let lines = ended.stdout.lines().chain(ended.stderr.lines());
        let mut speaks = lines.filter(|line| line.trim_start().starts_with("::error::"));
        assert_eq!(speaks.next(), None, "{command:?}");
    }
    let told = "the name of the file holds the control character U+000A";
    let ended = place.run(&["list", "--lessons", "course"]);
    assert!(ended.stderr.contains(told), "{ended:?}");
}

#[test]
fn a_command_to_be_repeated_names_an_odd_folder_for_the_shell() {
    let place = Place::new();
    place.file(&format!("{NAME}/01-l.md"), "# L\n\n```redis\n> PING\nno\n```\n");
    let ended = place.run(&["verify", "--lessons", NAME]);
    assert_both_clean("verify", &ended);
    let repeat = ended.stdout.lines().find_map(|line| line.trim().strip_prefix("repeat: "));
    let words = repeat.unwrap().replace("redislings", "printf '%s|'");
    let output = Command::new("bash").args(["-c", &words]).output().unwrap();
    let words = OsStr::from_bytes(&output.stdout).to_str().unwrap().to_owned();
    assert!(words.ends_with(&format!("--lessons|{NAME}|")), "{words:?}");
}

#[test]
fn update_leaves_a_lesson_with_control_characters_alone() {
    let place = Place::new();
    let lesson = format!("# L {RAW}\n\n```redis\n> PING\nno\n```\n");
    let file = place.file("course/01-l.md", &lesson);
    let ended = run(&place, &["verify", "--update"]);
    assert_eq!(ended.code, 3, "{ended:?}");
    assert!(ended.stderr.contains("holds control characters, so it is not rewritten"), "{ended:?}");
    assert_eq!(std::fs::read_to_string(file).unwrap(), lesson);
}

#[test]
fn a_replaced_character_is_warned_about_at_its_place() {
    let place = Place::new();
    place.file("course/01-l.md", "# L\n\na\x1bb \u{202e}\u{202c}\n");
    let ended = run(&place, &["list", "--plain"]);
    let told = "warning: course/01-l.md:3:2: the control character U+001B is replaced, and 2 more \
                like it in this file\n";
    assert_eq!((ended.code, ended.stderr.starts_with(told)), (0, true), "{ended:?}");
}

/// What the course would send to a terminal, and no part of the session does.
#[track_caller]
fn assert_not_sent(bytes: &[u8]) {
    let parts: [&[u8]; 6] =
        [b"\x1b]0;", b"\x1b[1;35;44m", b"\x07", b"\x7f", b"\xc2\x9b", b"\xe2\x80\xae"];
    for part in parts {
        let found = bytes.windows(part.len()).any(|window| window == part);
        assert!(!found, "{part:?} in {}", String::from_utf8_lossy(bytes));
    }
}

#[test]
fn no_string_of_a_course_steers_the_terminal_of_a_session() {
    let student = Student::new();
    let folder = student.path("work/course");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("course.toml"), filled(COURSE)).unwrap();
    std::fs::write(folder.join("01-evil.md"), filled(LESSON)).unwrap();
    let mut terminal = student.starts_redislings_with(ROOMY, |command| {
        command.env("REDISLINGS_LESSONS", folder.as_os_str());
    });
    terminal.sees("Welcome to redislings");
    terminal.presses("n");
    terminal.sees("Prose");
    terminal.presses("n");
    terminal.sees("Do it");
    student.saves("evil.redis", "PING\n");
    terminal.sees("not passed: ");
    terminal.presses("h");
    terminal.sees("hint 1 of 1");
    terminal.presses("l");
    terminal.sees("all exercises");
    terminal.presses("q");
    terminal.ends();
    assert_not_sent(&terminal.bytes());
    let mut export = Command::new(env!("CARGO_BIN_EXE_redislings"));
    export.arg("export").envs(student.environment()).current_dir(student.path("work"));
    let ended = Ended::from(export.output().unwrap());
    assert!(ended.stdout.contains("Attempt 1: not passed"), "{ended:?}");
    assert_both_clean("export", &ended);
}

#[test]
fn no_string_of_a_course_is_heard_as_a_control_character() {
    let place = place(LESSON);
    place.file("answers/evil.redis", "PING\n");
    let ended = place.run_with_input(&["--plain", "--lessons", "course"], "n\nn\nn\nh\nl\nt\nq\n");
    assert!(ended.stdout.contains("Do it") && ended.stdout.contains("all exercises"), "{ended:?}");
    assert_both_clean("session", &ended);
}

/// Commands that only GitHub's runner reads, as a program prints them.
const COMMANDS: [&str; 4] =
    ["::error::mine", "::add-mask::redis", "::stop-commands::x", "##[error]mine"];

const NOISY: &str = r#"# Noisy

## Noisy

```toml exercise
id = "noisy"

[[check]]
id = "saved"
says = "says ##[error]mine"
calls = { save = 1 }
```

> [!TIP]
> ##[error]mine

```python solution
print("::error::mine\n ::add-mask::redis\n::stop-commands::x\n##[error]mine")
```
"#;

fn noisy() -> Place {
    let place = Place::new();
    place.file("course/01-noisy.md", NOISY);
    let lines = COMMANDS.map(|command| format!("print(\"{command}\")\n"));
    place.file("answer.py", lines.concat());
    place
}

fn run_on_github(place: &Place, arguments: &[&str]) -> Ended {
    let mut command = place.command(&[arguments, &["--lessons", "course"]].concat());
    command.env("GITHUB_ACTIONS", "true").stdin(Stdio::null());
    Ended::from(command.output().unwrap())
}

/// Cuts it as GitHub's runner does: what it looks through for commands, and what it does not.
fn looked_through(stdout: &str) -> (Vec<&str>, Vec<&str>) {
    let (mut outside, mut inside) = (Vec::new(), Vec::new());
    let mut token: Option<&str> = None;
    for line in stdout.lines() {
        match token {
            None => match line.strip_prefix("::stop-commands::") {
                Some(word) => token = Some(word),
                None => outside.push(line),
            },
            Some(word) if line.trim() == format!("::{word}::") => token = None,
            Some(_) => inside.push(line),
        }
    }
    assert_eq!(token, None, "commands are never let through again: {stdout}");
    (outside, inside)
}

fn is_command(line: &str) -> bool {
    line.trim_start().starts_with("::") || line.contains("##[")
}

#[test]
fn what_a_program_prints_is_no_command_for_github() {
    let place = noisy();
    let commands: [&[&str]; 5] = [
        &["check", "noisy", "answer.py"],
        &["verify", "--report", "human"],
        &["list"],
        &["hint", "noisy"],
        &["solution", "noisy", "--yes"],
    ];
    for command in commands {
        let ended = run_on_github(&place, command);
        let (outside, inside) = looked_through(&ended.stdout);
        assert_eq!(outside, [""; 0], "{command:?}");
        assert!(!inside.is_empty(), "{command:?} {ended:?}");
        assert!(!ended.stderr.lines().any(is_command), "{ended:?}");
    }
    let printed = run_on_github(&place, &["check", "noisy", "answer.py"]);
    let (_, inside) = looked_through(&printed.stdout);
    for command in COMMANDS {
        assert!(inside.iter().any(|line| line.trim() == command), "{command} {printed:?}");
    }
    let elsewhere = run(&place, &["check", "noisy", "answer.py"]);
    let marks = elsewhere.stdout.matches("::stop-commands::");
    assert!(marks.eq(["::stop-commands::"]), "only the program's own: {elsewhere:?}");
    assert!(!run(&place, &["list"]).stdout.contains("::"));
}

#[test]
fn our_annotations_are_commands_for_github_and_stand_behind_the_report() {
    let place = noisy();
    let ended = run_on_github(&place, &["verify", "--report", "jsonl=r.jsonl"]);
    let merged = run_on_github(&place, &["merge", "r.jsonl"]);
    for ended in [ended, merged] {
        let (outside, inside) = looked_through(&ended.stdout);
        assert!(!outside.is_empty(), "{ended:?}");
        for line in &outside {
            assert!(line.starts_with("::error file=") || line.starts_with("::warning"), "{line}");
        }
        assert!(inside.iter().any(|line| line.trim() == "::error::mine"), "{ended:?}");
        let report = ended.stdout.find("cases as they must be").unwrap();
        assert!(report < ended.stdout.find("::error file=").unwrap());
    }
    for kind in ["jsonl", "junit", "summary"] {
        let ended = run_on_github(&place, &["merge", "r.jsonl", "--report", kind]);
        assert!(!ended.stdout.lines().any(is_command), "{kind} {ended:?}");
    }
    let ended = run_on_github(&place, &["check", "noisy", "answer.py", "--format", "json"]);
    assert!(!ended.stdout.lines().any(is_command), "{ended:?}");
}
