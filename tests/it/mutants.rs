//! `redislings verify`: what is made out of solutions, and what is covered by checks.

use crate::support::{Ended, Place};

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

/// [`LESSON`] with a text replaced, verified with these arguments.
fn verify(from: &str, to: &str, arguments: &[&str]) -> Ended {
    assert!(LESSON.contains(from), "{from}");
    let place = Place::new();
    place.file("course/01-l.md", LESSON.replacen(from, to, 1));
    place.run(&[&["verify", "--lessons", "course"], arguments].concat())
}

/// With this below the checks.
fn verify_with(lines: &str, arguments: &[&str]) -> Ended {
    verify("needs = \"saved\"\n", &format!("needs = \"saved\"\n{lines}\n"), arguments)
}

fn equivalent(mutant: &str) -> String {
    format!("[[equivalent]]\nmutant = \"{mutant}\"\nbecause = \"so\"")
}

#[track_caller]
fn assert_told(ended: &Ended, code: i32, texts: &[&str]) {
    let all = format!("{}{}", ended.stdout, ended.stderr);
    assert_eq!(ended.code, code, "{all}");
    for text in texts {
        assert!(all.contains(text), "{text}\nis not in\n{all}");
    }
}

#[track_caller]
fn assert_not_told(ended: &Ended, text: &str) {
    let all = format!("{}{}", ended.stdout, ended.stderr);
    assert!(!all.contains(text), "{text}\nis in\n{all}");
}

fn ids(ended: &Ended) -> Vec<String> {
    let report: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    let cases = report["cases"].as_array().unwrap().iter();
    cases.map(|case| case["case"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn an_exercise_without_holes_holds_without_a_warning() {
    let ended = verify("", "", &[]);
    assert_told(&ended, 0, &["e/redis/solution-1"]);
    assert_not_told(&ended, "warning");
}

#[test]
fn a_hole_in_the_checks_is_found_where_the_solution_was_changed() {
    let lesson = LESSON.replace(STORED, "").replace("fails=stored\nSAVE", "fails=saved\nPING");
    let place = Place::new();
    place.file("course/01-l.md", &lesson);
    let ended = place.run(&["verify", "--lessons", "course", "e/redis/solution-1"]);
    let line = lesson.lines().position(|line| line == "SET a 1").unwrap() + 1;
    assert_told(
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
fn a_name_above_mutants_selects_them_and_a_mutants_name_it_alone() {
    let all = verify("", "", &["e/redis/solution-1", "--format", "json"]);
    let of = |names: &[&str]| {
        names.iter().map(|it| format!("e/redis/solution-1{it}")).collect::<Vec<_>>()
    };
    let mutants = [
        "",
        "/without-line-1",
        "/other-key-1",
        "/other-value-1",
        "/without-line-2",
        "/bgsave-for-save-2",
        "/save-first-2",
    ];
    assert_eq!(ids(&all), of(&mutants));
    let one = verify("", "", &["e/redis/solution-1/save-first-2", "--format", "json"]);
    assert_eq!(ids(&one), of(&["/save-first-2"]));
    let globbed = verify("", "", &["*/without-line-?", "--format", "json"]);
    assert_eq!(ids(&globbed), of(&["/without-line-1", "/without-line-2"]));
}

#[test]
fn without_mutants_there_are_none() {
    let ended = verify("", "", &["--no-mutants", "--format", "json"]);
    assert_eq!(
        ids(&ended),
        ["e/redis/starter", "e/redis/solution-1", "e/redis/wrong-1", "e/redis/empty"]
    );
    let ended = verify("", "", &["--no-mutants", "e/redis/solution-1/save-first-2"]);
    assert_told(&ended, 2, &["nothing called `e/redis/solution-1/save-first-2`"]);
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
    let place = Place::new();
    for (lesson, code) in [(lesson, 1), (equal, 0)] {
        place.file("course/01-l.md", lesson);
        let ended = place.run(&[&["verify", "--lessons", "course"], &look[..]].concat());
        assert_eq!(ended.code, code, "{ended:?}");
    }
}

#[test]
fn a_mutant_that_is_wrongly_called_equivalent_is_told_where_that_is_said() {
    let ended = verify_with(
        &equivalent("redis/solution-1/save-first-2"),
        &["e/redis/solution-1/save-first-2"],
    );
    assert_told(
        &ended,
        1,
        &[
            "--> course/01-l.md:22\n",
            "with the save of line 2 before the write in line 1 the solution is called equivalent, but fails on `stored`",
        ],
    );
}

#[test]
fn an_equivalent_that_names_no_mutant_is_the_lessons_fault() {
    let ended = verify_with(&equivalent("redis/solution-1/save-first-9"), &[]);
    assert_told(
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
fn mutants_of_python_programs_are_found_as_well() {
    let lesson = "# L\n\n## E\n\n```toml exercise\nid = \"e\"\n[[check]]\nid = \"counted\"\nreply = { \"GET a\" = \"1\" }\n```\n\n> [!TIP]\n> look\n\n```python solution\nimport redis\n\nclient = redis.Redis()\nclient.incr(\"a\")\nprint(\"done\")\n```\n";
    let place = Place::new();
    place.file("course/01-l.md", lesson);
    let ended = place.run(&["verify", "--lessons", "course", "e/python/solution-1"]);
    assert_told(
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
fn a_check_that_nothing_fails_on_is_a_warning_at_its_id() {
    let check = "\n[[check]]\nid = \"well\"\ninfo = { rdb_last_bgsave_status = \"ok\" }";
    let ended = verify_with(check, &["--report", "github"]);
    assert_told(
        &ended,
        0,
        &[
            "::warning file=course/01-l.md,line=23,col=6,",
            "nothing ever fails on `well`",
            "`fails=well`",
        ],
    );
    assert_not_told(&ended, "no starter and no wrong answer");
}

#[test]
fn where_not_all_has_run_nothing_is_said_of_what_fails() {
    let check = "\n[[check]]\nid = \"well\"\ninfo = { rdb_last_bgsave_status = \"ok\" }";
    for part in [
        &["--no-mutants"][..],
        &["--partition", "1/2"],
        &["e/redis/solution-1"],
        &["--language", "python"],
    ] {
        let ended = verify_with(check, part);
        assert_told(&ended, 0, &["no starter and no wrong answer fails on `well`"]);
        assert_not_told(&ended, "nothing ever fails");
    }
}

#[test]
fn a_check_that_only_a_mutant_fails_on_is_no_warning() {
    let starter = LESSON.replace("```redis wrong fails=stored\nSAVE\n```\n", "");
    let place = Place::new();
    place.file("course/01-l.md", starter);
    let ended = place.run(&["verify", "--lessons", "course"]);
    assert_told(&ended, 0, &[]);
    assert_not_told(&ended, "fails on");
}

#[test]
fn a_task_that_no_check_covers_is_a_warning_at_its_comment() {
    let ended = verify("covers = \"store-it\"\n", "", &["e/redis/starter", "--report", "github"]);
    let warning = "::warning file=course/01-l.md,line=5,col=10,";
    assert_told(&ended, 0, &[warning, "no check covers the task `store-it`"]);
}

#[test]
fn repeated_mutants_do_not_flake() {
    let ended = verify("", "", &["e/redis/solution-1", "--repeat", "3"]);
    assert_told(&ended, 0, &[]);
}
