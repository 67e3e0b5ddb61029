//! What became of a case, run once or several times.

use std::time::Duration;

use super::prove::Proof;
use crate::verdict::Outcome;

/// What became of a case in all its runs.
#[derive(Debug, Clone, Default)]
pub struct CaseResult {
    /// In the order in which they first came; not empty. Many runs that were good and alike take the room of one.
    pub proofs: Vec<Proof>,
}

impl CaseResult {
    /// Another run of the case has ended.
    pub(super) fn add(&mut self, proof: Proof) {
        match self.proofs.iter_mut().find(|it| it.is_like(&proof)) {
            Some(alike) => {
                alike.runs += proof.runs;
                alike.again += proof.again;
                alike.took += proof.took;
            }
            None => self.proofs.push(proof),
        }
    }

    /// How many times it ran.
    pub fn runs(&self) -> usize {
        self.proofs.iter().map(|proof| proof.runs).sum()
    }

    /// How many times a run was begun again.
    pub fn again(&self) -> usize {
        self.proofs.iter().map(|proof| proof.again).sum()
    }

    /// How long all its runs took.
    pub fn took(&self) -> Duration {
        self.proofs.iter().map(|proof| proof.took).sum()
    }

    /// Whether all is as it must be, each time.
    pub fn is_good(&self) -> bool {
        self.proofs.iter().all(Proof::is_good) && self.flakes().is_empty()
    }

    /// The first run that is not as it must be; else the first.
    pub fn telling(&self) -> Option<&Proof> {
        let failed = self.proofs.iter().find(|proof| !proof.problems.is_empty());
        let unchecked = || self.proofs.iter().find(|proof| !proof.is_good());
        failed.or_else(unchecked).or_else(|| self.proofs.first())
    }

    /// `passed in 1 of 2 runs; failed on `saved` in 1 of 2`; `None` where all runs ended alike.
    pub fn outcomes(&self) -> Option<String> {
        let mut counts: Vec<(String, usize)> = Vec::new();
        for proof in &self.proofs {
            let outcome = proof.outcome();
            match counts.iter_mut().find(|(other, _)| *other == outcome) {
                Some((_, count)) => *count += proof.runs,
                None => counts.push((outcome, proof.runs)),
            }
        }
        let all = self.runs();
        let told = counts.iter().enumerate().map(|(index, (outcome, count))| {
            let runs = if index == 0 { " runs" } else { "" };
            format!("{outcome} in {count} of {all}{runs}")
        });
        (counts.len() > 1).then(|| told.collect::<Vec<_>>().join("; "))
    }

    /// Checks that were not alike in all runs, a sentence each; none of a mutant.
    pub fn flakes(&self) -> Vec<String> {
        let judged = self.proofs.iter().filter(|it| !it.findings.is_empty() && !it.is_mutant);
        let judged: Vec<&Proof> = judged.collect();
        let mut ids: Vec<&str> = Vec::new();
        for (id, _) in judged.iter().flat_map(|proof| &proof.findings) {
            if !ids.contains(&id.as_str()) {
                ids.push(id);
            }
        }
        ids.into_iter().filter_map(|id| flake(id, &judged)).collect()
    }
}

/// `ends-well` and its like are told only where they are unmet: where they are not told, they are met.
fn flake(id: &str, judged: &[&Proof]) -> Option<String> {
    let of = |proof: &&Proof| {
        let found = proof.findings.iter().find(|(check, _)| check == id);
        found.map_or(Outcome::Met, |(_, outcome)| *outcome)
    };
    let count = |outcome| -> usize {
        judged.iter().filter(|proof| of(proof) == outcome).map(|proof| proof.runs).sum()
    };
    let counts = [Outcome::Met, Outcome::Unmet, Outcome::NotReached].map(count);
    let runs: usize = counts.iter().sum();
    if counts.contains(&runs) {
        return None;
    }
    let [met, unmet, not_reached] = counts;
    let counts = [(met, "met"), (unmet, "unmet"), (not_reached, "not reached")];
    let told = counts.iter().filter(|(count, _)| *count > 0);
    let told: Vec<String> = told.map(|(count, what)| format!("{what} {count}×")).collect();
    Some(format!("`{id}` flaked in {runs} runs: {}", told.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A run in which these checks ended like this.
    fn run(findings: &[(&str, Outcome)]) -> Proof {
        let findings = findings.iter().map(|(id, outcome)| ((*id).to_owned(), *outcome)).collect();
        Proof { findings, ..Proof::without_verdict("redis 7.0.15 (process)") }
    }

    fn flakes(runs: &[&[(&str, Outcome)]]) -> Vec<String> {
        let mut result = CaseResult::default();
        for findings in runs {
            result.add(run(findings));
        }
        result.flakes()
    }

    #[test]
    fn checks_that_end_alike_every_time_are_no_flakes() {
        let alike: &[(&str, Outcome)] = &[("a", Outcome::Met), ("b", Outcome::NotReached)];
        assert_eq!(flakes(&[alike, alike, alike]), Vec::<String>::new());
    }

    #[test]
    fn runs_that_were_good_and_alike_take_the_room_of_one() {
        let mut result = CaseResult::default();
        for outcome in [Outcome::Met, Outcome::Unmet, Outcome::Met] {
            result.add(Proof { took: Duration::from_millis(1), ..run(&[("a", outcome)]) });
        }
        assert_eq!((result.proofs.len(), result.runs()), (2, 3));
        assert_eq!(result.took(), Duration::from_millis(3));
    }

    #[test]
    fn a_check_that_is_told_only_where_it_is_unmet_flakes_too() {
        let (ended, not): (&[_], &[_]) =
            (&[("a", Outcome::Met)], &[("ends-well", Outcome::Unmet), ("a", Outcome::Met)]);
        let told = "`ends-well` flaked in 3 runs: met 2×, unmet 1×";
        assert_eq!(flakes(&[ended, not, ended]), [told]);
    }

    #[test]
    fn runs_that_ended_otherwise_are_told_with_how_often() {
        let mut result = CaseResult::default();
        for outcome in [Outcome::Met, Outcome::Unmet, Outcome::Met] {
            result.add(run(&[("a", outcome)]));
        }
        let told = "passed in 2 of 3 runs; failed on `a` in 1 of 3";
        assert_eq!(result.outcomes().as_deref(), Some(told));
    }

    #[test]
    fn of_a_mutant_it_does_not_matter_on_what_it_fails() {
        let runs = [("a", Outcome::Met), ("a", Outcome::Unmet)].map(|it| run(&[it]));
        let proofs = runs.into_iter().map(|run| Proof { is_mutant: true, ..run }).collect();
        assert_eq!(CaseResult { proofs }.flakes(), Vec::<String>::new());
    }
}
