//! Flaky cases are named and fail the course. Cases that the machine disturbed run again.

use super::outcomes;
use crate::support::{Ended, Workspace};

/// A course with one exercise whose only check is `saved`, with these settings and answers.
fn workspace(toml: &str, answers: &str) -> Workspace {
    let workspace = Workspace::new();
    fill(&workspace, toml, answers);
    workspace
}

fn fill(workspace: &Workspace, toml: &str, answers: &str) {
    let lesson = format!(
        "# L\n\n## E\n\n```toml exercise\nid = \"e\"\n{toml}\n[[check]]\nid = \"saved\"\n\
         calls = {{ save = \">= 1\" }}\n```\n\n> [!TIP]\n> look\n\n{answers}"
    );
    workspace.file("course/01-l.md", lesson);
}

/// A solution that saves only in its first run. A file marks that run.
fn saves_once(workspace: &Workspace) -> String {
    let file = workspace.work().join("has-run");
    let file = file.display();
    format!(
        "```python solution\nimport os, redis\nclient = redis.Redis()\n\
         if not os.path.exists('{file}'):\n    \
         client.save()\nopen('{file}', 'w').close()\n```\n"
    )
}

fn verify(workspace: &Workspace, more: &[&str]) -> Ended {
    workspace.run(&[&["verify", "--lessons", "course", "--no-mutants"], more].concat())
}

/// The event of a case in `r.jsonl`.
fn event(workspace: &Workspace, id: &str) -> serde_json::Value {
    let text = std::fs::read_to_string(workspace.work().join("r.jsonl")).unwrap();
    let mut events =
        text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    events.find(|event| event["event"] == "case" && event["case"] == id).unwrap()
}

#[test]
fn a_flaky_case_is_named_in_every_report() {
    let workspace = Workspace::new();
    fill(&workspace, "", &saves_once(&workspace).replace("if not", "if"));
    let files = ["human=r.human", "jsonl=r.jsonl", "junit=r.xml", "github=r.txt", "summary=r.md"];
    let reports: Vec<&str> = files.iter().flat_map(|file| ["--report", file]).collect();
    let more = [&["e/python/solution-1", "--format", "json"], reports.as_slice()].concat();
    let ended = verify(&workspace, &more);
    assert_eq!(ended.code, 1, "{ended:?}");
    assert_eq!(outcomes(&ended)[0].1, "failed", "{ended:?}");
    let expected = "flaky: failed on `saved` in 1 of 2 runs; passed in 1 of 2";
    assert!(ended.stdout.contains(expected), "{ended:?}");
    for name in ["r.human", "r.jsonl", "r.xml", "r.txt", "r.md"] {
        let mut text = std::fs::read_to_string(workspace.work().join(name)).unwrap();
        if name == "r.md" {
            text = text.replace("&#96;", "`");
        }
        assert!(text.contains(expected), "{name}: {text}");
    }
    let case = event(&workspace, "e/python/solution-1");
    assert_eq!((&case["flaky"], &case["runs"]), (&true.into(), &2.into()), "{case:#}");
    assert!(case["repeat"].as_str().unwrap().ends_with(" --repeat 10"), "{case:#}");
}

#[test]
fn under_repeat_every_run_counts() {
    let workspace = Workspace::new();
    fill(&workspace, "", &saves_once(&workspace));
    let more = ["e/python/solution-1", "--repeat", "8", "--jobs", "1", "--report", "jsonl=r.jsonl"];
    let ended = verify(&workspace, &more);
    assert_eq!(ended.code, 1, "{ended:?}");
    let expected = "flaky: passed in 1 of 8 runs; failed on `saved` in 7 of 8";
    assert!(ended.stdout.contains(expected), "{}", ended.stdout);
    assert!(ended.stdout.contains("`saved` flaked in 8 runs: met 1×, unmet 7×"), "{ended:?}");
    assert!(ended.stdout.contains("; 1 failed, 1 flaky; ") || ended.stdout.contains("1 flaky, "));
    assert_eq!(event(&workspace, "e/python/solution-1")["runs"], 8);
}

/// Saves only in a fork of a warmed interpreter: the command line of its parent shows that.
const NEEDS_WARMTH: &str = "```python solution\nimport os, redis\n\
    warm = 'zygote.py' in open(f'/proc/{os.getppid()}/cmdline').read()\n\
                            if warm:\n    redis.Redis().save()\n```\n";

#[cfg(target_os = "linux")]
#[test]
fn the_first_solution_runs_in_a_fresh_process() {
    let workspace = workspace("", &NEEDS_WARMTH.repeat(2));
    let ended = verify(&workspace, &["e/python/solution-*", "--format", "json"]);
    let expected = [("e/python/solution-1", "failed"), ("e/python/solution-2", "passed")]
        .map(|(case, outcome)| (case.to_owned(), outcome.to_owned()));
    assert_eq!(outcomes(&ended), expected, "{ended:?}");
    assert!(!ended.stdout.contains("flaky:"), "{}", ended.stdout);
}

#[test]
fn a_hanging_solution_runs_twice_and_a_hanging_wrong_answer_once() {
    let hangs = "import time\nwhile True:\n    time.sleep(1)\n```\n";
    let answers = format!(
        "```python solution\n{hangs}\n```python wrong fails=ends-well\nimport redis\n\
         redis.Redis().save()\n{hangs}"
    );
    let workspace = workspace("time_limit = \"1s\"", &answers);
    let only = ["e/python/solution-1", "e/python/wrong-1"];
    let ended = verify(&workspace, &[only.as_slice(), &["--report", "jsonl=r.jsonl"]].concat());
    assert_eq!(ended.code, 1, "{ended:?}");
    for (id, outcome, runs) in [(only[0], "failed", 2), (only[1], "passed", 1)] {
        let case = event(&workspace, id);
        assert_eq!((&case["outcome"], &case["runs"]), (&outcome.into(), &runs.into()), "{case:#}");
        assert_eq!(case["flaky"], false, "{case:#}");
    }
}
