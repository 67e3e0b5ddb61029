//! What does not end alike every time is named, and fails the course; what the machine fails is begun again, and told.

use super::outcomes;
use crate::support::{Ended, Place};

/// An exercise whose only check is `saved`, with this in its `toml exercise` and these answers.
fn place(toml: &str, answers: &str) -> Place {
    let place = Place::new();
    fill(&place, toml, answers);
    place
}

fn fill(place: &Place, toml: &str, answers: &str) {
    let lesson = format!(
        "# L\n\n## E\n\n```toml exercise\nid = \"e\"\n{toml}\n[[check]]\nid = \"saved\"\n\
         calls = {{ save = \">= 1\" }}\n```\n\n> [!TIP]\n> look\n\n{answers}"
    );
    place.file("course/01-l.md", lesson);
}

/// Saves when it is run for the first time only, as a file tells.
fn saves_once(place: &Place) -> String {
    let file = place.work().join("has-run");
    let file = file.display();
    format!(
        "```python solution\nimport os, redis\nclient = redis.Redis()\nif not os.path.exists('{file}'):\n    \
         client.save()\nopen('{file}', 'w').close()\n```\n"
    )
}

fn verify(place: &Place, more: &[&str]) -> Ended {
    place.run(&[&["verify", "--lessons", "course", "--no-mutants"], more].concat())
}

/// The event of a case in `r.jsonl`.
fn event(place: &Place, id: &str) -> serde_json::Value {
    let text = std::fs::read_to_string(place.work().join("r.jsonl")).unwrap();
    let mut events =
        text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    events.find(|it| it["event"] == "case" && it["case"] == id).unwrap()
}

#[test]
fn a_run_that_disagrees_with_the_one_before_is_named_in_every_report() {
    let place = Place::new();
    fill(&place, "", &saves_once(&place).replace("if not", "if"));
    let files = ["human=r.human", "jsonl=r.jsonl", "junit=r.xml", "github=r.txt", "summary=r.md"];
    let reports: Vec<&str> = files.iter().flat_map(|it| ["--report", it]).collect();
    let more = [&["e/python/solution-1", "--format", "json"], reports.as_slice()].concat();
    let ended = verify(&place, &more);
    assert_eq!(ended.code, 1, "{ended:?}");
    assert_eq!(outcomes(&ended)[0].1, "failed", "{ended:?}");
    let report = |name: &str| std::fs::read_to_string(place.work().join(name)).unwrap();
    let html = report("r.md").replace("&#96;", "`");
    let texts = ["r.human", "r.jsonl", "r.xml", "r.txt"].map(report);
    for text in texts.into_iter().chain([html, ended.stdout]) {
        let told = "flaky: failed on `saved` in 1 of 2 runs; passed in 1 of 2";
        assert!(text.contains(told), "{text}");
    }
    let case = event(&place, "e/python/solution-1");
    assert_eq!((&case["flaky"], &case["runs"]), (&true.into(), &2.into()), "{case:#}");
    assert!(case["repeat"].as_str().unwrap().ends_with(" --repeat 10"), "{case:#}");
}

#[test]
fn under_repeat_every_run_counts() {
    let place = Place::new();
    fill(&place, "", &saves_once(&place));
    let more = ["e/python/solution-1", "--repeat", "8", "--jobs", "1", "--report", "jsonl=r.jsonl"];
    let ended = verify(&place, &more);
    assert_eq!(ended.code, 1, "{ended:?}");
    let told = "flaky: passed in 1 of 8 runs; failed on `saved` in 7 of 8";
    assert!(ended.stdout.contains(told), "{}", ended.stdout);
    assert!(ended.stdout.contains("`saved` flaked in 8 runs: met 1×, unmet 7×"), "{ended:?}");
    assert!(ended.stdout.contains("; 1 failed, 1 flaky; ") || ended.stdout.contains("1 flaky, "));
    assert_eq!(event(&place, "e/python/solution-1")["runs"], 8);
}

/// No answer could tell but by the process that it was forked from.
const NEEDS_WARMTH: &str = "```python solution\nimport os, redis\nwarm = 'answer.pyc' in open(f'/proc/{os.getppid()}/cmdline').read()\n\
                            if warm:\n    redis.Redis().save()\n```\n";

#[cfg(target_os = "linux")]
#[test]
fn a_first_solution_runs_as_cold_as_a_students_answer() {
    let place = place("", &NEEDS_WARMTH.repeat(2));
    let ended = verify(&place, &["e/python/solution-*", "--format", "json"]);
    let of = |number: usize, outcome: &str| (format!("e/python/solution-{number}"), outcome.into());
    assert_eq!(outcomes(&ended), [of(1, "failed"), of(2, "passed")], "{ended:?}");
    assert!(!ended.stdout.contains("flaky:"), "{}", ended.stdout);
}

#[test]
fn a_hanging_solution_runs_twice_and_a_hanging_wrong_answer_once() {
    let hangs = "import time\nwhile True:\n    time.sleep(1)\n```\n";
    let answers = format!(
        "```python solution\n{hangs}\n```python wrong fails=ends-well\nimport redis\n\
         redis.Redis().save()\n{hangs}"
    );
    let place = place("time_limit = \"1s\"", &answers);
    let only = ["e/python/solution-1", "e/python/wrong-1"];
    let ended = verify(&place, &[only.as_slice(), &["--report", "jsonl=r.jsonl"]].concat());
    assert_eq!(ended.code, 1, "{ended:?}");
    for (id, outcome, runs) in [(only[0], "failed", 2), (only[1], "passed", 1)] {
        let case = event(&place, id);
        assert_eq!((&case["outcome"], &case["runs"]), (&outcome.into(), &runs.into()), "{case:#}");
        assert_eq!(case["flaky"], false, "{case:#}");
    }
}
