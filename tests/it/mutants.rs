//! `redislings verify`: mutants of solutions, and the coverage of checks.

use crate::support::{Ended, Workspace};

const LESSON: &str = r#"# L

## E

Store it <!-- task: store-it --> and save it. <!-- task: save-it -->

```toml exercise
id = "e"

[[check]]
id = "saved"
calls = { save = 1 }
covers = "save-it"

[[check]]
id = "stored"
at = "crash"
reply = { "GET a" = "1" }
covers = "store-it"
needs = "saved"
```

> [!TIP]
> look

```redis starter fails=saved
GET a
```

```redis solution
SET a 1
SAVE
```

```redis wrong fails=stored
SAVE
```
"#;

const STORED: &str = "
[[check]]
id = \"stored\"
at = \"crash\"
reply = { \"GET a\" = \"1\" }
covers = \"store-it\"
needs = \"saved\"
";

/// Verifies [`LESSON`] with one text replaced.
fn verify(from: &str, to: &str, arguments: &[&str]) -> Ended {
    assert!(LESSON.contains(from), "{from}");
    let workspace = Workspace::new();
    workspace.file("course/01-l.md", LESSON.replacen(from, to, 1));
    workspace.run(&[&["verify", "--lessons", "course"], arguments].concat())
}

/// Verifies [`LESSON`] with these lines below its checks.
fn verify_with(lines: &str, arguments: &[&str]) -> Ended {
    verify("needs = \"saved\"\n", &format!("needs = \"saved\"\n{lines}\n"), arguments)
}

fn equivalent(mutant: &str) -> String {
    format!("[[equivalent]]\nmutant = \"{mutant}\"\nbecause = \"so\"")
}

/// The ids of cases of the first solution in Redis commands.
fn solution_cases(suffixes: &[&str]) -> Vec<String> {
    suffixes.iter().map(|suffix| format!("e/redis/solution-1{suffix}")).collect()
}

#[track_caller]
fn assert_output(ended: &Ended, code: i32, texts: &[&str]) {
    let all = format!("{}{}", ended.stdout, ended.stderr);
    assert_eq!(ended.code, code, "{all}");
    for text in texts {
        assert!(all.contains(text), "{text}\nis not in\n{all}");
    }
}

#[track_caller]
fn assert_no_output(ended: &Ended, text: &str) {
    let all = format!("{}{}", ended.stdout, ended.stderr);
    assert!(!all.contains(text), "{text}\nis in\n{all}");
}

fn ids(ended: &Ended) -> Vec<String> {
    let report: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    let cases = report["cases"].as_array().unwrap().iter();
    cases.map(|case| case["case"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_fully_checked_exercise_verifies_without_a_warning() {
    let ended = verify("", "", &[]);
    assert_output(&ended, 0, &["e/redis/solution-1"]);
    assert_no_output(&ended, "warning");
}

#[test]
fn a_gap_in_the_checks_is_located_at_the_changed_line() {
    let lesson = LESSON.replace(STORED, "").replace("fails=stored\nSAVE", "fails=saved\nPING");
    let workspace = Workspace::new();
    workspace.file("course/01-l.md", &lesson);
    let ended = workspace.run(&["verify", "--lessons", "course", "e/redis/solution-1"]);
    let line = lesson.lines().position(|line| line == "SET a 1").unwrap() + 1;
    assert_output(
        &ended,
        1,
        &[
            &format!("e/redis/solution-1/without-line-1\n  --> course/01-l.md:{line}\n"),
            "without `SET a 1` in line 1 the solution still passes: no check needs it",
            "with the save of line 2 before the write in line 1 the solution still passes",
            "with another key in place of `a` in line 1 the solution still passes",
            "repeat: redislings verify e/redis/solution-1/without-line-1 --server",
        ],
    );
}

#[test]
fn a_prefix_selects_all_mutants_and_a_full_name_selects_one() {
    let all = verify("", "", &["e/redis/solution-1", "--format", "json"]);
    let mutants = [
        "",
        "/without-line-1",
        "/other-key-1",
        "/other-value-1",
        "/without-line-2",
        "/bgsave-for-save-2",
        "/save-first-2",
    ];
    assert_eq!(ids(&all), solution_cases(&mutants));
    let one = verify("", "", &["e/redis/solution-1/save-first-2", "--format", "json"]);
    assert_eq!(ids(&one), solution_cases(&["/save-first-2"]));
    let globbed = verify("", "", &["*/without-line-?", "--format", "json"]);
    assert_eq!(ids(&globbed), solution_cases(&["/without-line-1", "/without-line-2"]));
}

#[test]
fn no_mutants_runs_no_mutant() {
    let ended = verify("", "", &["--no-mutants", "--format", "json"]);
    assert_eq!(
        ids(&ended),
        ["e/redis/starter", "e/redis/solution-1", "e/redis/wrong-1", "e/redis/empty"]
    );
    let ended = verify("", "", &["--no-mutants", "e/redis/solution-1/save-first-2"]);
    assert_output(&ended, 2, &["nothing called `e/redis/solution-1/save-first-2`"]);
}

#[test]
fn an_equivalent_mutant_may_pass() {
    let solution = "SET a 1\nGET a\nSAVE\n```";
    let look = ["e/redis/solution-1/without-line-2"];
    let lesson = LESSON.replace("SET a 1\nSAVE\n```", solution);
    let equal = lesson.replace(
        "needs = \"saved\"\n",
        &format!("needs = \"saved\"\n\n{}\n", equivalent("redis/solution-1/without-line-2")),
    );
    let workspace = Workspace::new();
    for (lesson, code) in [(lesson, 1), (equal, 0)] {
        workspace.file("course/01-l.md", lesson);
        let ended = workspace.run(&[&["verify", "--lessons", "course"], &look[..]].concat());
        assert_eq!(ended.code, code, "{ended:?}");
    }
}

#[test]
fn a_wrong_equivalent_entry_is_reported_at_its_line() {
    let ended = verify_with(
        &equivalent("redis/solution-1/save-first-2"),
        &["e/redis/solution-1/save-first-2"],
    );
    assert_output(
        &ended,
        1,
        &[
            "--> course/01-l.md:22\n",
            "with the save of line 2 before the write in line 1 the solution fails on `stored`, \
             but the lesson calls it equivalent",
        ],
    );
}

#[test]
fn an_equivalent_entry_without_a_mutant_is_a_lesson_error() {
    let ended = verify_with(&equivalent("redis/solution-1/save-first-9"), &[]);
    assert_output(
        &ended,
        2,
        &[
            "there is no mutant `redis/solution-1/save-first-9`",
            "course/01-l.md:22:10",
            "did you mean `redis/solution-1/save-first-2`?",
        ],
    );
}

#[test]
fn mutants_of_python_programs_run_too() {
    let lesson = "# L\n\n## E\n\n```toml exercise\nid = \"e\"\n[[check]]\nid = \"counted\"\n\
        reply = { \"GET a\" = \"1\" }\n```\n\n> [!TIP]\n> look\n\n```python solution\n\
        import redis\n\nclient = redis.Redis()\nclient.incr(\"a\")\nprint(\"done\")\n```\n";
    let workspace = Workspace::new();
    workspace.file("course/01-l.md", lesson);
    let ended = workspace.run(&["verify", "--lessons", "course", "e/python/solution-1"]);
    assert_output(
        &ended,
        1,
        &[
            "e/python/solution-1/without-line-5\n  --> course/01-l.md:20\n",
            "without `print(\"done\")` in line 5 the solution still passes: no check needs it",
            "e/python/solution-1: 2 of 3",
        ],
    );
}

#[test]
fn a_check_that_never_fails_is_warned_about_at_its_id() {
    let check = "\n[[check]]\nid = \"well\"\ninfo = { rdb_last_bgsave_status = \"ok\" }";
    let ended = verify_with(check, &["--report", "github"]);
    assert_output(
        &ended,
        0,
        &[
            "::warning file=course/01-l.md,line=23,col=6,",
            "nothing ever fails on `well`",
            "`fails=well`",
        ],
    );
    assert_no_output(&ended, "no starter or wrong answer");
}

#[test]
fn a_partial_run_does_not_warn_about_checks_that_never_fail() {
    let check = "\n[[check]]\nid = \"well\"\ninfo = { rdb_last_bgsave_status = \"ok\" }";
    for part in [
        &["--no-mutants"][..],
        &["--partition", "1/2"],
        &["e/redis/solution-1"],
        &["--language", "python"],
    ] {
        let ended = verify_with(check, part);
        assert_output(&ended, 0, &["no starter or wrong answer fails on `well`"]);
        assert_no_output(&ended, "nothing ever fails");
    }
}

#[test]
fn a_check_that_only_a_mutant_fails_on_gives_no_warning() {
    let starter = LESSON.replace("```redis wrong fails=stored\nSAVE\n```\n", "");
    let workspace = Workspace::new();
    workspace.file("course/01-l.md", starter);
    let ended = workspace.run(&["verify", "--lessons", "course"]);
    assert_output(&ended, 0, &[]);
    assert_no_output(&ended, "fails on");
}

#[test]
fn an_uncovered_task_is_warned_about_at_its_comment() {
    let ended = verify("covers = \"store-it\"\n", "", &["e/redis/starter", "--report", "github"]);
    let warning = "::warning file=course/01-l.md,line=5,col=10,";
    assert_output(&ended, 0, &[warning, "no check covers the task `store-it`"]);
}

#[test]
fn repeated_mutants_do_not_flake() {
    let ended = verify("", "", &["e/redis/solution-1", "--repeat", "3"]);
    assert_output(&ended, 0, &[]);
}
