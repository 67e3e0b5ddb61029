//! A topic for the tests: this file and its line in `TOPICS` are all that a topic takes.

use std::sync::Arc;

use super::{BackgroundWork, Topic};
use crate::attempt::evidence::{Evidence, Observation};
use crate::checks::{Kind, Seen, Subject};
use crate::lesson::Check;
use crate::verdict::diagnosis::facts::Facts;
use crate::verdict::diagnosis::symptom::Symptom;
use crate::verdict::diagnosis::{Cause, Diagnosis, Stage};

pub const TOPIC: Topic = Topic {
    checks: &[&KIND],
    background: &[WORK],
    symptoms: |check, _| {
        if check.kind == KIND.key { vec![NOT_WOUND_UP] } else { Vec::new() }
    },
    diagnoses: &[Diagnosis {
        knows_others: false,
        id: "toy-never-wound-up",
        stage: Stage::NeverAsked,
        cause: "the toy was never wound up",
        explains: &[NOT_WOUND_UP],
        recognise: |facts| facts.never_sent("WINDUP").then(Cause::default),
    }],
    ..Topic::NONE
};

const KIND: Kind = Kind {
    key: "toy",
    rows: &[("`toy = \"runs\"`", "the toy runs")],
    read: |toml, entry| {
        let word = toml.string(entry)?;
        (word == "runs").then(|| Arc::new(Runs) as Arc<dyn Subject>)
    },
};

const WORK: BackgroundWork = BackgroundWork {
    name: "toy",
    begun_by: "windup",
    wait_line: Some("@wait-toy"),
    begin_trigger: "@toy-began",
    end_trigger: "@toy-ended",
    is_pending: |now, _| now.number("toy_runs") != 0,
    is_running: |now| now.number("toy_runs") != 0,
    progress: |_| (0, 0),
    begun: |now| now.number("toy_starts"),
};

const NOT_WOUND_UP: Symptom = Symptom("the toy was not wound up");

#[derive(Debug)]
struct Runs;

impl Subject for Runs {
    fn sentence(&self) -> String {
        "the toy runs".to_owned()
    }

    fn judge_at(&self, now: &Observation, _evidence: &Evidence) -> Option<Seen> {
        let starts = now.info.number("toy_starts");
        let (expected, found) = ("at least one start".to_owned(), format!("{starts} starts"));
        Some(Seen { met: starts > 0, expected, found })
    }

    fn symptoms(&self, _check: &Check, _facts: &Facts<'_>) -> Vec<Symptom> {
        Vec::new()
    }
}

mod tests {
    use super::*;
    use crate::lesson::{Moment, Trigger};
    use crate::server::ServerInfo;
    use crate::verdict::judge;
    use crate::verdict::tests::{exercise, observation};

    const CHECK: &str = "[[check]]\nid = \"runs\"\ntoy = \"runs\"\n";

    fn seen(info: &str) -> Evidence {
        let look = observation(100, info);
        Evidence::new(ServerInfo::default())
            .seeing(Moment::Settled, Ok(look.clone()))
            .seeing(Moment::Exit, Ok(look))
    }

    #[test]
    fn a_topic_adds_a_check() {
        let exercise = exercise(CHECK);
        assert_eq!(exercise.checks[0].sentence(), "the toy runs");
        assert!(judge(&exercise, &seen("toy_starts:1\n")).passed());
        assert_eq!(judge(&exercise, &seen("")).findings[0].found, "0 starts");
    }

    #[test]
    fn a_topic_adds_a_cause() {
        assert_cause("toy-never-wound-up", "the toy was never wound up");
    }

    fn assert_cause(id: &str, cause: &str) {
        let found = judge(&exercise(CHECK), &seen("")).diagnosis.unwrap();
        assert_eq!((found.id, found.cause.as_str()), (id, cause));
    }

    #[test]
    fn a_topic_adds_a_mark() {
        let checks = "[[meanwhile]]\nid = \"stopped\"\nwhen = \"@toy-ended\"\n[[check]]\n\
                      id = \"then\"\nat = \"stopped\"\nreply = { PING = \"PONG\" }\n";
        let exercise = exercise(checks);
        assert!(matches!(exercise.meanwhile[0].when, Trigger::Ended(work) if *work == WORK));
        assert_eq!(judge(&exercise, &seen("")).findings[0].found, "no toy ended");
    }

    #[test]
    fn an_attempt_waits_for_the_work_of_a_topic() {
        assert_eq!(super::super::awaited_by("@WAIT-TOY # runs"), Some(&WORK));
        let (runs, rests) = (observation(0, "toy_runs:1\n"), observation(0, ""));
        assert!(super::super::is_busy(&runs.info, &rests.info));
        assert!(!super::super::is_busy(&rests.info, &rests.info));
    }
}
