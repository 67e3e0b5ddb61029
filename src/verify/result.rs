//! The result of a case over all its runs.

use std::time::Duration;

use super::case_run::CaseRun;
use crate::verdict::Outcome;

#[derive(Debug, Clone, Default)]
pub struct CaseResult {
    /// In order of first occurrence; not empty. Good runs with equal results share one entry.
    pub runs: Vec<CaseRun>,
}

impl CaseResult {
    pub(super) fn add(&mut self, run: CaseRun) {
        match self.runs.iter_mut().find(|other| other.is_like(&run)) {
            Some(equal) => {
                equal.runs += run.runs;
                equal.retries += run.retries;
                equal.took += run.took;
            }
            None => self.runs.push(run),
        }
    }

    /// The number of runs, without retries.
    pub fn runs(&self) -> usize {
        self.runs.iter().map(|run| run.runs).sum()
    }

    /// The number of retries.
    pub fn retries(&self) -> usize {
        self.runs.iter().map(|run| run.retries).sum()
    }

    /// The time of all runs together.
    pub fn took(&self) -> Duration {
        self.runs.iter().map(|run| run.took).sum()
    }

    /// Whether every run met the case's expectation and no check flaked.
    pub fn is_good(&self) -> bool {
        self.runs.iter().all(CaseRun::is_good) && self.flakes().is_empty()
    }

    /// The run to report: the first that failed, else the first that could not be checked, else
    /// the first.
    pub fn report(&self) -> Option<&CaseRun> {
        self.runs.iter().min_by_key(|run| (run.problems.is_empty(), run.is_good()))
    }

    /// `passed in 1 of 2 runs; failed on `saved` in 1 of 2`; `None` if all runs ended equally.
    pub fn outcomes(&self) -> Option<String> {
        let mut counts: Vec<(String, usize)> = Vec::new();
        for run in &self.runs {
            let outcome = run.outcome();
            match counts.iter_mut().find(|(other, _)| *other == outcome) {
                Some((_, count)) => *count += run.runs,
                None => counts.push((outcome, run.runs)),
            }
        }
        if counts.len() < 2 {
            return None;
        }
        let all = self.runs();
        let mut parts = Vec::new();
        for (index, (outcome, count)) in counts.iter().enumerate() {
            let runs = if index == 0 { " runs" } else { "" };
            parts.push(format!("{outcome} in {count} of {all}{runs}"));
        }
        Some(parts.join("; "))
    }

    /// A sentence for each check whose outcome differed between runs; none for mutants.
    pub fn flakes(&self) -> Vec<String> {
        let judged = self.runs.iter().filter(|run| !run.findings.is_empty() && !run.is_mutant);
        let judged: Vec<&CaseRun> = judged.collect();
        let mut ids: Vec<&str> = Vec::new();
        for (id, _) in judged.iter().flat_map(|run| &run.findings) {
            if !ids.contains(&id.as_str()) {
                ids.push(id);
            }
        }
        ids.into_iter().filter_map(|id| flake(id, &judged)).collect()
    }
}

/// `None` if the check ended equally in all runs.
fn flake(id: &str, judged: &[&CaseRun]) -> Option<String> {
    let outcomes =
        [(Outcome::Met, "met"), (Outcome::Unmet, "unmet"), (Outcome::NotReached, "not reached")];
    let mut parts = Vec::new();
    for (outcome, word) in outcomes {
        let ended_so = judged.iter().filter(|run| outcome_of(id, run) == outcome);
        let count: usize = ended_so.map(|run| run.runs).sum();
        if count > 0 {
            parts.push(format!("{word} {count}×"));
        }
    }
    let runs: usize = judged.iter().map(|run| run.runs).sum();
    (parts.len() > 1).then(|| format!("`{id}` flaked in {runs} runs: {}", parts.join(", ")))
}

/// Some checks, such as `ends-well`, have a finding only if they are unmet; without one they are
/// met.
fn outcome_of(id: &str, run: &CaseRun) -> Outcome {
    let finding = run.findings.iter().find(|(check, _)| check == id);
    finding.map_or(Outcome::Met, |(_, outcome)| *outcome)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A run with these outcomes of its checks.
    fn run(findings: &[(&str, Outcome)]) -> CaseRun {
        let findings = findings.iter().map(|(id, outcome)| ((*id).to_owned(), *outcome)).collect();
        CaseRun { findings, ..CaseRun::without_verdict("redis 7.0.15 (process)") }
    }

    fn flakes(runs: &[&[(&str, Outcome)]]) -> Vec<String> {
        let mut result = CaseResult::default();
        for findings in runs {
            result.add(run(findings));
        }
        result.flakes()
    }

    #[test]
    fn checks_with_equal_outcomes_in_all_runs_are_not_flakes() {
        let equal: &[(&str, Outcome)] = &[("a", Outcome::Met), ("b", Outcome::NotReached)];
        assert_eq!(flakes(&[equal, equal, equal]), Vec::<String>::new());
    }

    #[test]
    fn good_runs_with_equal_results_share_an_entry() {
        let mut result = CaseResult::default();
        for outcome in [Outcome::Met, Outcome::Unmet, Outcome::Met] {
            result.add(CaseRun { took: Duration::from_millis(1), ..run(&[("a", outcome)]) });
        }
        assert_eq!((result.runs.len(), result.runs()), (2, 3));
        assert_eq!(result.took(), Duration::from_millis(3));
    }

    #[test]
    fn a_check_with_a_finding_only_when_unmet_can_flake_too() {
        let (ended, not): (&[_], &[_]) =
            (&[("a", Outcome::Met)], &[("ends-well", Outcome::Unmet), ("a", Outcome::Met)]);
        let sentence = "`ends-well` flaked in 3 runs: met 2×, unmet 1×";
        assert_eq!(flakes(&[ended, not, ended]), [sentence]);
    }

    #[test]
    fn different_outcomes_are_counted() {
        let mut result = CaseResult::default();
        for outcome in [Outcome::Met, Outcome::Unmet, Outcome::Met] {
            result.add(run(&[("a", outcome)]));
        }
        let sentence = "passed in 2 of 3 runs; failed on `a` in 1 of 3";
        assert_eq!(result.outcomes().as_deref(), Some(sentence));
    }

    #[test]
    fn a_mutant_may_fail_on_any_check() {
        let runs = [("a", Outcome::Met), ("a", Outcome::Unmet)].map(|finding| run(&[finding]));
        let runs = runs.into_iter().map(|run| CaseRun { is_mutant: true, ..run }).collect();
        assert_eq!(CaseResult { runs }.flakes(), Vec::<String>::new());
    }
}
