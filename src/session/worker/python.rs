//! Finding a Python while the student reads.

use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;

use tokio_util::sync::CancellationToken;

use super::super::event::Event;
use super::messages::{CANCEL_POLL, StepEvent, WorkerEvent};
use crate::attempt::{AttemptError, Python};
use crate::error::EnvironmentError;
use crate::lesson::course::Package;
use crate::progress_event::ProgressEvent;

type FoundPython = Result<Python, EnvironmentError>;

/// Finds a Python on a thread of its own: an installation takes long, and a `redis` answer does not
/// need it.
pub(super) struct PythonFinder {
    packages: Vec<Package>,
    finding: Option<Receiver<FoundPython>>,
    found: Option<Python>,
}

impl PythonFinder {
    pub(super) fn new(packages: Vec<Package>) -> Self {
        Self { packages, finding: None, found: None }
    }

    pub(super) fn begin(&mut self, events: &Sender<Event>) {
        let (packages, events) = (self.packages.clone(), events.clone());
        let (sender, finding) = mpsc::channel();
        let find = move || {
            let _ = sender.send(find_in_background(&packages, &events));
        };
        // Without a thread, Python is found when it is needed.
        self.finding =
            thread::Builder::new().name("python".into()).spawn(find).ok().map(|_| finding);
    }

    /// Waits for the thread, which goes on for the next check if this one is cancelled.
    pub(super) fn get(
        &mut self,
        events: &Sender<Event>,
        cancel: &CancellationToken,
        report: &dyn Fn(ProgressEvent<'_>),
    ) -> Result<Python, AttemptError> {
        if let Some(python) = &self.found {
            return Ok(python.clone());
        }
        if self.finding.is_none() {
            self.begin(events);
        }
        let python = match self.wait(cancel)? {
            Some(found) => found?,
            None => Python::find(&self.packages, report)?,
        };
        self.found = Some(python.clone());
        Ok(python)
    }

    /// `None` if there is no thread.
    fn wait(&mut self, cancel: &CancellationToken) -> Result<Option<FoundPython>, AttemptError> {
        let Some(finding) = &self.finding else { return Ok(None) };
        loop {
            match finding.recv_timeout(CANCEL_POLL) {
                Err(RecvTimeoutError::Timeout) if cancel.is_cancelled() => {
                    return Err(AttemptError::Cancelled);
                }
                Err(RecvTimeoutError::Timeout) => {}
                found => {
                    self.finding = None;
                    return Ok(found.ok());
                }
            }
        }
    }
}

/// Finds a Python and sends its progress as background work.
fn find_in_background(packages: &[Package], events: &Sender<Event>) -> FoundPython {
    let python = Python::find(packages, &|progress| {
        let (ProgressEvent::Message(text) | ProgressEvent::Status(text)) = progress;
        send_background(events, text);
    });
    send_background(events, "");
    python
}

fn send_background(events: &Sender<Event>, text: &str) {
    let event = WorkerEvent::Background(text.to_owned());
    let _ = events.send(Event::Worker(StepEvent::for_every_step(event)));
}
