//! No text in a course, a file name or a report can control a terminal.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::terminal::{ROOMY, Student};
use crate::support::{Ended, Workspace, local_server};

/// Colours, a window title, C1's CSI, DEL, a bidi override and an isolate, as bytes of a file.
const RAW: &str = "\x1b[1;35;44mR\x1b]0;pwned\x07\u{9b}2J\x7f\u{202e}\u{2066}";
/// The same characters as TOML escapes.
const TOML: &str = r"\u001b[1;35;44mT\u001b]0;pwned\u0007\u009b2J\u007f\u202e\u2066";
/// The same characters as HTML entities.
const ENTITIES: &str = "&#27;[1;35;44mM&#x1b;]0;pwned&#7;&#155;2J&#127;&#x202e;&#x2066;";

/// Replaces `@R@` by [`RAW`], `@T@` by [`TOML`] and `@M@` by [`ENTITIES`].
fn filled(text: &str) -> String {
    text.replace("@R@", RAW).replace("@T@", TOML).replace("@M@", ENTITIES)
}

const COURSE: &str = "format = 1\ntitle = \"Course @T@ @R@\" # @R@\n";

/// Every kind of string that the loader accepts.
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

/// Every string appears in an error message.
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

/// Checks every string of the document except those that hold output of a server or a program.
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

fn workspace(lesson: &str) -> Workspace {
    let workspace = Workspace::new();
    workspace.file("course/course.toml", filled(COURSE));
    workspace.file("course/01-evil.md", filled(lesson));
    workspace.file("answer.redis", "PING\n");
    workspace
}

fn run(workspace: &Workspace, arguments: &[&str]) -> Ended {
    workspace.run(&[arguments, &["--lessons", "course"]].concat())
}

#[test]
fn course_strings_do_not_control_the_terminal() {
    let workspace = workspace(LESSON);
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
        let ended = run(&workspace, command);
        assert_both_clean(&command.join(" "), &ended);
        let is_judged = !["settings", "fields"].contains(command.get(1).unwrap_or(&""));
        assert_eq!(ended.stdout.contains('\u{fffd}'), is_judged, "{ended:?}");
    }
    for command in [&["list"][..], &["check", "evil", "answer.redis"]] {
        let ended = run(&workspace, &[command, &["--format", "json"]].concat());
        assert_both_clean("json", &ended);
        assert_strings_clean("json", &serde_json::from_str(&ended.stdout).unwrap());
    }
}

const KINDS: [&str; 5] = ["human", "jsonl", "junit", "github", "summary"];

/// Runs `verify` and checks each of its reports.
fn assert_reports_clean(workspace: &Workspace, more: &[&str]) -> Ended {
    let files = KINDS.map(|kind| (kind, format!("report.{kind}")));
    let mut arguments = vec!["verify".to_owned()];
    arguments.extend(more.iter().map(|word| (*word).to_owned()));
    for (kind, file) in &files {
        arguments.extend(["--report".to_owned(), format!("{kind}={file}")]);
    }
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let ended = run(workspace, &arguments);
    assert_both_clean("verify", &ended);
    for (kind, file) in &files {
        let text = std::fs::read_to_string(workspace.work().join(file)).unwrap();
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
fn course_strings_do_not_control_the_terminal_in_reports() {
    let workspace = workspace(LESSON);
    let ended = assert_reports_clean(&workspace, &[]);
    assert_eq!(ended.code, 1, "{ended:?}");
    let ended = assert_reports_clean(&workspace, &["--plain", "evil"]);
    assert_eq!(ended.code, 1, "{ended:?}");
    let ended = run(&workspace, &["verify", "evil", "--format", "json"]);
    assert_both_clean("verify json", &ended);
    assert_strings_clean("verify json", &serde_json::from_str(&ended.stdout).unwrap());
    for kind in KINDS {
        let ended = workspace.run(&["merge", "report.jsonl", "--report", kind]);
        assert_both_clean(&format!("merge {kind}"), &ended);
    }
}

#[test]
fn course_errors_do_not_control_the_terminal() {
    let workspace = workspace(FAULTY);
    for more in [&["list"][..], &["list", "--plain"]] {
        let ended = run(&workspace, more);
        assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "{ended:?}");
        assert_both_clean("faults", &ended);
        assert!(ended.stderr.contains("cannot be an id"), "{ended:?}");
        let speaks = ended.stderr.lines().any(|line| line.trim_start().starts_with("::"));
        assert!(!speaks, "{ended:?}");
    }
    let ended = assert_reports_clean(&workspace, &[]);
    assert_eq!(ended.code, 2, "{ended:?}");
}

/// A report as `verify` writes it, with every string replaced.
const EVIL_REPORT: [&str; 5] = [
    concat!(
        r#"{"event":"begin","format":1,"redislings":"1","course":"C","slice":null,"wanted":1,"#,
        r#""fingerprint":"C","servers":["C"],"#,
        r#""cases":[{"place":0,"case":"C","kind":"wrong","lesson":"C","file":"C","line":1}]}"#,
    ),
    concat!(
        r#"{"event":"case","case":"C","kind":"wrong","lesson":"C","file":"C","line":1,"#,
        r#""wanted":"C","server":"C","outcome":"failed","problems":["C"],"#,
        r#""unchecked":{"reason":"C","help":"C"},"#,
        r#""details":"C","repeat":"C","runs":1,"again":0,"flaky":false,"took_ms":1.0}"#,
    ),
    r#"{"event":"server","wanted":"C","unchecked":{"reason":"C","help":"C"},"took_ms":1.0}"#,
    r#"{"event":"warning","file":"C","line":1,"column":1,"message":"C","help":"C"}"#,
    concat!(
        r#"{"event":"end","conclusion":"failed","passed":0,"failed":1,"unchecked":0,"not_run":0,"#,
        r#""flaky":0,"incomplete":[{"reason":"C","help":"C"}]}"#,
    ),
];

/// These lines of a report with the control characters after each `C`.
fn evil_lines(lines: &[&str]) -> String {
    let in_json = TOML.to_owned() + r"\u2028" + &RAW.replace(|c: char| c.is_ascii_control(), "");
    lines.join("\n").replace("\"C\"", &format!("\"C {in_json}\"")) + "\n"
}

#[test]
fn merged_reports_do_not_control_the_terminal() {
    let workspace = Workspace::new();
    workspace.file("evil.jsonl", evil_lines(&EVIL_REPORT));
    for kind in KINDS {
        for more in [&[][..], &["--plain"]] {
            let ended = workspace.run(&[&["merge", "evil.jsonl", "--report", kind], more].concat());
            assert_eq!(ended.code, 1, "{ended:?}");
            assert!(ended.stdout.contains('\u{fffd}'), "{ended:?}");
            assert_both_clean(kind, &ended);
        }
    }
    let other =
        evil_lines(&EVIL_REPORT[..2]).replacen("\"outcome\":\"failed\"", "\"outcome\":\"C\"", 1);
    let unloadable = evil_lines(&EVIL_REPORT[3..]).replace("\"warning\"", "\"problem\"");
    let unknown = evil_lines(&["{\"event\":\"C\"}"]);
    for text in [other.replace("\"C\"", &format!("\"{TOML}\"")), unloadable, unknown] {
        workspace.file("other.jsonl", text);
        let ended = workspace.run(&["merge", "other.jsonl"]);
        assert_eq!(ended.code, 2, "{ended:?}");
        assert_both_clean("merge", &ended);
    }
}

/// A file name with control characters and a GitHub command.
const NAME: &str = "a\n::error::\x1b[31m\u{202e}";

#[test]
fn file_names_do_not_control_the_terminal() {
    let workspace = Workspace::new();
    let lesson = format!("01-{NAME}.md");
    workspace.file(&format!("course/{lesson}"), "# L\n");
    workspace.file(&format!("{NAME}/01-l.md"), "# L\n\n```toml exercise\nid = \"e\"\n```\n");
    workspace.file(&format!("{NAME}.redis"), "PING\n");
    workspace.file(&format!("full/{NAME}"), "");
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
        let mut on_github = workspace.command(command);
        on_github.env("GITHUB_ACTIONS", "true").stdin(Stdio::null());
        let ended = Ended::from(on_github.output().unwrap());
        for ended in [&workspace.run(command), &ended] {
            assert_both_clean(&command.join(" "), ended);
            assert_eq!(ended.code, 2, "{command:?} {ended:?}");
        }
        let lines = ended.stdout.lines().chain(ended.stderr.lines());
        let mut speaks = lines.filter(|line| line.trim_start().starts_with("::error::"));
        assert_eq!(speaks.next(), None, "{command:?}");
    }
    let expected = "the file name contains the control character U+000A";
    let ended = workspace.run(&["list", "--lessons", "course"]);
    assert!(ended.stderr.contains(expected), "{ended:?}");
}

#[test]
fn the_repeat_command_quotes_an_odd_folder() {
    let workspace = Workspace::new();
    workspace.file(&format!("{NAME}/01-l.md"), "# L\n\n```redis\n> PING\nno\n```\n");
    let ended = workspace.run(&["verify", "--lessons", NAME]);
    assert_both_clean("verify", &ended);
    let repeat = ended.stdout.lines().find_map(|line| line.trim().strip_prefix("repeat: "));
    let words = repeat.unwrap().replace("redislings", "printf '%s|'");
    let output = Command::new("bash").args(["-c", &words]).output().unwrap();
    let words = OsStr::from_bytes(&output.stdout).to_str().unwrap().to_owned();
    assert!(words.ends_with(&format!("--lessons|{NAME}|")), "{words:?}");
}

#[test]
fn update_leaves_a_lesson_with_control_characters_alone() {
    let workspace = Workspace::new();
    let lesson = format!("# L {RAW}\n\n```redis\n> PING\nno\n```\n");
    let file = workspace.file("course/01-l.md", &lesson);
    let ended = run(&workspace, &["verify", "--update"]);
    assert_eq!(ended.code, 3, "{ended:?}");
    assert!(ended.stderr.contains("holds control characters, so it is not rewritten"), "{ended:?}");
    assert_eq!(std::fs::read_to_string(file).unwrap(), lesson);
}

#[test]
fn a_replaced_character_is_warned_about_with_its_location() {
    let workspace = Workspace::new();
    let example = "```redis\n> PING\nPONG\n```\n";
    workspace.file("course/01-l.md", format!("# L\n\na\x1bb \u{202e}\u{202c}\n\n{example}"));
    let ended = run(&workspace, &["verify", "--plain", "--server", local_server()]);
    let warning = "warning: the control character U+001B is replaced, and 2 more like it in this \
                   file\n  at course/01-l.md:3\n";
    assert_eq!((ended.code, ended.stdout.starts_with(warning)), (0, true), "{ended:?}");
}

/// The session must not send any of the control sequences in the course.
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
fn course_strings_do_not_control_the_terminal_in_a_session() {
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
    terminal.sees("all steps");
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
fn course_strings_do_not_control_a_plain_session() {
    let workspace = workspace(LESSON);
    workspace.file("answers/evil.redis", "PING\n");
    let ended =
        workspace.run_with_input(&["--plain", "--lessons", "course"], "n\nn\nn\nh\nl\nt\nq\n");
    assert!(ended.stdout.contains("Do it") && ended.stdout.contains("all steps"), "{ended:?}");
    assert_both_clean("session", &ended);
}

/// Commands for the GitHub runner, printed by a program.
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

fn noisy() -> Workspace {
    let workspace = Workspace::new();
    workspace.file("course/01-noisy.md", NOISY);
    let lines = COMMANDS.map(|command| format!("print(\"{command}\")\n"));
    workspace.file("answer.py", lines.concat());
    workspace
}

fn run_on_github(workspace: &Workspace, arguments: &[&str]) -> Ended {
    let mut command = workspace.command(&[arguments, &["--lessons", "course"]].concat());
    command.env("GITHUB_ACTIONS", "true").stdin(Stdio::null());
    Ended::from(command.output().unwrap())
}

/// Splits output as the GitHub runner does: lines that it searches for commands, and other lines.
fn searched_by_github(stdout: &str) -> (Vec<&str>, Vec<&str>) {
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
    assert_eq!(token, None, "commands are never enabled again: {stdout}");
    (outside, inside)
}

fn is_command(line: &str) -> bool {
    line.trim_start().starts_with("::") || line.contains("##[")
}

#[test]
fn program_output_is_not_a_github_command() {
    let workspace = noisy();
    let commands: [&[&str]; 5] = [
        &["check", "noisy", "answer.py"],
        &["verify", "--report", "human"],
        &["list"],
        &["hint", "noisy"],
        &["solution", "noisy", "--yes"],
    ];
    for command in commands {
        let ended = run_on_github(&workspace, command);
        let (outside, inside) = searched_by_github(&ended.stdout);
        assert_eq!(outside, [""; 0], "{command:?}");
        assert!(!inside.is_empty(), "{command:?} {ended:?}");
        assert!(!ended.stderr.lines().any(is_command), "{ended:?}");
    }
    let printed = run_on_github(&workspace, &["check", "noisy", "answer.py"]);
    let (_, inside) = searched_by_github(&printed.stdout);
    for command in COMMANDS {
        assert!(inside.iter().any(|line| line.trim() == command), "{command} {printed:?}");
    }
    let elsewhere = run(&workspace, &["check", "noisy", "answer.py"]);
    let marks = elsewhere.stdout.matches("::stop-commands::");
    assert!(marks.eq(["::stop-commands::"]), "only the program's own: {elsewhere:?}");
    assert!(!run(&workspace, &["list"]).stdout.contains("::"));
}

#[test]
fn annotations_are_github_commands_after_the_report() {
    let workspace = noisy();
    let ended = run_on_github(&workspace, &["verify", "--report", "jsonl=r.jsonl"]);
    let merged = run_on_github(&workspace, &["merge", "r.jsonl"]);
    for ended in [ended, merged] {
        let (outside, inside) = searched_by_github(&ended.stdout);
        assert!(!outside.is_empty(), "{ended:?}");
        for line in &outside {
            assert!(line.starts_with("::error file=") || line.starts_with("::warning"), "{line}");
        }
        assert!(inside.iter().any(|line| line.trim() == "::error::mine"), "{ended:?}");
        let report = ended.stdout.find("cases passed").unwrap();
        assert!(report < ended.stdout.find("::error file=").unwrap());
    }
    for kind in ["jsonl", "junit", "summary"] {
        let ended = run_on_github(&workspace, &["merge", "r.jsonl", "--report", kind]);
        assert!(!ended.stdout.lines().any(is_command), "{kind} {ended:?}");
    }
    let ended = run_on_github(&workspace, &["check", "noisy", "answer.py", "--format", "json"]);
    assert!(!ended.stdout.lines().any(is_command), "{ended:?}");
}
