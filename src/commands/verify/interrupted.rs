//! What a signal leaves of a run: the reports of what was found until then.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::super::report_message;
use super::super::reports::Reports;
use crate::cleanup::{self, lock};
use crate::error::EnvironmentError;
use crate::verify::report::{CaseReport, Report, ServerReport};

/// A terminal or a pipe may take nothing any more.
const DEADLINE: Duration = Duration::from_secs(10);

/// The report so far. A signal writes it, unless the run has ended.
pub(super) struct Unfinished(Arc<Mutex<Option<Found>>>);

struct Found {
    report: Report,
    done: usize,
    runs: usize,
}

impl Unfinished {
    /// `report` has every case, and none has run.
    pub(super) fn begin(report: Report, repeat: u32, reports: Arc<Reports>) -> Self {
        let runs = report.cases().count() * repeat as usize;
        let found = Arc::new(Mutex::new(Some(Found { report, done: 0, runs })));
        let shared = Arc::clone(&found);
        cleanup::at_end(move || {
            if let Some(found) = lock(&shared).take() {
                cleanup::write_within(DEADLINE, move || found.tell(&reports));
            }
        });
        Self(found)
    }

    /// A run of a case has ended; `case` is about all its runs so far.
    pub(super) fn case(&self, server: usize, index: usize, case: CaseReport) {
        if let Some(found) = &mut *lock(&self.0) {
            found.done += 1;
            found.report.servers[server].cases[index] = case;
        }
    }

    pub(super) fn server(&self, server: usize, report: ServerReport) {
        if let Some(found) = &mut *lock(&self.0) {
            found.report.servers[server] = report;
        }
    }
}

impl Drop for Unfinished {
    /// Also if the run ends early by an error. After a signal this is never reached.
    fn drop(&mut self) {
        lock(&self.0).take();
    }
}

impl Found {
    fn tell(mut self, reports: &Reports) {
        let fact = format!("interrupted: {} of {} cases have run", self.done, self.runs);
        report_message(&fact);
        let help = "run it again; a name, `--changed` or `--no-mutants` choose fewer cases";
        self.report.incomplete.push(EnvironmentError::new(fact, help));
        // The signal ends the program, whatever becomes of the files.
        let _ = reports.interrupted(&self.report);
    }
}
