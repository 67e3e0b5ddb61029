//! Runs and judges answers, each on a fresh server.

use std::cell::OnceCell;

use tokio_util::sync::CancellationToken;

use super::super::waiting::Spinner;
use super::super::{Stop, choose_version, open_relay, server_version};
use crate::attempt::{self, Answer, AttemptError, Evidence, Fixture, Phase, Python};
use crate::cli::{CheckOptions, Common};
use crate::error::EnvironmentError;
use crate::lesson::{Course, Exercise, Language};
use crate::present;
use crate::progress_event::ProgressEvent;
use crate::relay::Relay;
use crate::server::Chosen;
use crate::trial::try_answer;
use crate::verdict::Verdict;

pub(super) struct Checker<'c> {
    course: &'c Course,
    chosen: Chosen,
    /// Found for the first answer that needs it.
    python: OnceCell<Result<Python, EnvironmentError>>,
    relay: Relay,
}

/// An answer that was run on this server, which has no name if it did not start.
pub(super) struct Checked {
    pub(super) server: String,
    pub(super) judged: Result<(Verdict, Evidence), EnvironmentError>,
}

impl<'c> Checker<'c> {
    pub(super) fn new(
        common: &Common,
        course: &'c Course,
        options: &CheckOptions,
    ) -> Result<Self, Stop> {
        let version = options.server_version.as_deref().map(server_version).transpose()?;
        let spinner = Spinner::new();
        let report = |event: ProgressEvent<'_>| spinner.tell(event);
        let chosen = choose_version(common, version.as_ref(), &report)?;
        report(ProgressEvent::Message(&format!("server: {}", chosen.name)));
        let relay = open_relay(common, &chosen.source)?;
        if relay.usual_port_is_taken() {
            let line = present::usual_port_taken(relay.address());
            report(ProgressEvent::Message(&format!(
                "{line}; programs that an answer starts find that port in `$REDIS_PORT`"
            )));
        }
        Ok(Self { course, chosen, python: OnceCell::new(), relay })
    }

    pub(super) fn check(&self, exercise: &Exercise, answer: &Answer) -> Checked {
        let mut server = String::new();
        let judged = self.run(exercise, answer, &mut server);
        Checked { server, judged }
    }

    fn run(
        &self,
        exercise: &Exercise,
        answer: &Answer,
        server_name: &mut String,
    ) -> Result<(Verdict, Evidence), EnvironmentError> {
        let spinner = Spinner::new();
        let report = |event: ProgressEvent<'_>| spinner.tell(event);
        let python = match answer.language {
            Language::Python => Some(self.python(&report)?),
            Language::Redis => None,
        };
        report(ProgressEvent::Status("starting the server"));
        let mut server = attempt::start_server(&self.chosen.source, exercise)?;
        server.name().clone_into(server_name);
        report(ProgressEvent::Status("checking the answer"));
        let phases = |phase: Phase| report(ProgressEvent::Status(&present::waiting::phase(phase)));
        // Ctrl-C ends the whole program.
        let cancel = CancellationToken::new();
        let (server, relay) = (&mut server, &self.relay);
        let mut fixture = Fixture { server, relay, report: &phases, cancel: &cancel };
        let (evidence, verdict) = try_answer(&mut fixture, exercise, answer, python)
            .map_err(AttemptError::uncancelled)?;
        Ok((verdict, evidence))
    }

    fn python(&self, report: &dyn Fn(ProgressEvent<'_>)) -> Result<&Python, EnvironmentError> {
        let find = || {
            report(ProgressEvent::Status("looking at `python3`"));
            Python::find(&self.course.python_packages, report)
        };
        self.python.get_or_init(find).as_ref().map_err(Clone::clone)
    }
}
