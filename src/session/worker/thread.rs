//! The worker's loop: it handles one request after another, and looks at the servers in between.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::super::event::Event;
use super::super::warm::{Warm, fresh};
use super::at_hand::{AtHand, look};
use super::messages::{
    CANCEL_POLL, CancellableRequest, ExampleRequest, FindRedis, JudgedAnswer, Redis, Request,
    RunNumber, StepEvent, StepVisit, WorkerEvent,
};
use super::python::PythonFinder;
use crate::attempt::{self, Answer, AttemptError, Evidence, Fixture, Live, Phase, Python, go_on};
use crate::error::EnvironmentError;
use crate::lesson::course::Package;
use crate::lesson::{Exercise, Language};
use crate::present::waiting;
use crate::progress_event::ProgressEvent;
use crate::redis_prompt::CommandDocs;
use crate::relay::Relay;
use crate::server::{Chosen, Server, Source};
use crate::trial::try_answer;
use crate::verdict::{Verdict, conclude};

/// How often the worker looks for new clients and new commands.
const TICK: Duration = Duration::from_millis(20);
/// How often the worker looks at an idle server.
const IDLE_LOOK: Duration = Duration::from_secs(1);
/// How long a step must stay open before a server is started for it: a student who only turns pages
/// needs none.
const WARM_UP_DELAY: Duration = Duration::from_millis(150);
/// How long a check must take before the next server is started: the start needs the processor.
const WARM_UP_IN_A_CHECK: Duration = Duration::from_secs(1);
/// The time limit of COMMAND DOCS.
const DOCS_LIMIT: Duration = Duration::from_secs(2);

#[derive(Clone)]
struct FoundRedis {
    chosen: Chosen,
    relay: Arc<Relay>,
}

pub(super) struct Worker {
    requests: Receiver<CancellableRequest>,
    events: Sender<Event>,
    find_redis: Box<FindRedis>,
    redis: Option<FoundRedis>,
    python: PythonFinder,
    visit: StepVisit,
    /// What is being run for a verdict or an output.
    run: Option<RunNumber>,
    exercise: Option<Arc<Exercise>>,
    warm: Option<Warm>,
    live: Option<AtHand>,
    docs: Option<Arc<CommandDocs>>,
    /// When the last request was finished.
    last_request: Instant,
    /// Whether no server could be started for a waiting client.
    has_failed: bool,
}

impl Worker {
    pub(super) fn new(
        requests: Receiver<CancellableRequest>,
        events: Sender<Event>,
        find_redis: Box<FindRedis>,
        python_packages: Vec<Package>,
    ) -> Self {
        Self {
            requests,
            events,
            find_redis,
            redis: None,
            python: PythonFinder::new(python_packages),
            visit: StepVisit::default(),
            run: None,
            exercise: None,
            warm: None,
            live: None,
            docs: None,
            last_request: Instant::now(),
            has_failed: false,
        }
    }

    /// Runs until the handle is dropped.
    pub(super) fn run(mut self) {
        self.get_ready();
        loop {
            match self.requests.recv_timeout(TICK) {
                Ok((request, cancel)) => self.handle(request, &cancel),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            self.look_around();
        }
    }

    /// Finds and starts a server, and finds a Python, while the student reads.
    fn get_ready(&mut self) {
        // The first request, which opens a step, reports what fails here.
        if let Ok(found) = self.redis() {
            self.warm = Warm::start(&found.chosen.source, &[]);
            self.python.begin(&self.events);
        }
    }

    /// Sends an event of the run, or else for the step that is open.
    fn send(&self, event: WorkerEvent) {
        let (visit, run) = (Some(self.visit), self.run);
        let _ = self.events.send(Event::Worker(StepEvent { visit, run, event }));
    }

    /// Sends an event that matters at every step.
    fn send_for_every_step(&self, event: WorkerEvent) {
        let _ = self.events.send(Event::Worker(StepEvent::for_every_step(event)));
    }

    fn report_phase(&self, phase: Phase) {
        self.send(WorkerEvent::Progress(waiting::phase(phase)));
    }

    fn handle(&mut self, request: Request, cancel: &CancellationToken) {
        let done = match request {
            Request::Open(visit, exercise) => self.open(visit, exercise).map_err(Into::into),
            Request::Begin => self.begin().map_err(Into::into),
            Request::Check(run, answer) => self.check(run, answer, cancel),
            Request::Judge(run) => self.judge(run, cancel),
            Request::StartOver => {
                self.end_work();
                Ok(())
            }
            Request::Example(run, example) => self.run_example(run, &example, cancel),
        };
        match done {
            // Whoever cancelled it waits for nothing more.
            Ok(()) | Err(AttemptError::Cancelled) => {}
            Err(AttemptError::Environment(error)) => self.send(WorkerEvent::Failed(error)),
        }
        self.run = None;
        self.last_request = Instant::now();
    }

    fn open(&mut self, visit: StepVisit, exercise: Arc<Exercise>) -> Result<(), EnvironmentError> {
        // Work up to now belongs to the step before.
        self.end_work();
        self.visit = visit;
        self.exercise = Some(exercise);
        self.redis().map(|_| ())
    }

    /// Begins to start the server that is needed next, but not while the student only turns pages,
    /// nor during a check, which needs the processor.
    fn warm_up(&mut self) {
        let settings = self.settings();
        if self.last_request.elapsed() < WARM_UP_DELAY {
            return;
        }
        if let Some(found) = self.redis.clone() {
            self.warm_up_for(&found, &settings);
        }
    }

    /// Begins to start a server with these settings, unless one is there.
    fn warm_up_for(&mut self, found: &FoundRedis, settings: &[(String, String)]) {
        if !self.warm.as_ref().is_some_and(|warm| warm.fits(settings)) {
            self.warm = Warm::start(&found.chosen.source, settings);
        }
    }

    fn settings(&self) -> Vec<(String, String)> {
        self.exercise.as_ref().map(|exercise| exercise.settings.clone()).unwrap_or_default()
    }

    /// The warm server if it fits these settings, otherwise a new one.
    fn fresh_server(
        &mut self,
        settings: &[(String, String)],
        cancel: &CancellationToken,
    ) -> Result<Server, AttemptError> {
        let found = self.redis()?;
        self.warm_up_for(&found, settings);
        // If it is cancelled, the server that is starting is the next one's.
        while self.warm.as_ref().is_some_and(|warm| !warm.is_ready(CANCEL_POLL)) {
            go_on(cancel)?;
        }
        match self.warm.take().and_then(Warm::take) {
            Some(server) => Ok(server),
            None => Ok(fresh(&found.chosen.source, settings)?),
        }
    }

    fn begin(&mut self) -> Result<(), EnvironmentError> {
        if self.live.is_none() {
            let Some(exercise) = self.exercise.clone() else { return Ok(()) };
            let found = self.redis()?;
            let server = self.fresh_server(&exercise.settings, &CancellationToken::new());
            let server = server.map_err(AttemptError::uncancelled)?;
            let live = Live::begin(server, found.relay, &exercise)?;
            self.live = Some(AtHand::new(live));
        }
        let Some(work) = &self.live else { return Ok(()) };
        let docs = self.docs.get_or_insert_with(|| {
            Arc::new(CommandDocs::of_the_server(&mut work.live.client(), DOCS_LIMIT))
        });
        let (docs, server) = (Arc::clone(docs), work.live.server_name().to_owned());
        // The prompt begins with the checks as they are on this server.
        if let Err(error) = self.look_at_work() {
            self.live = None;
            return Err(error);
        }
        self.send(WorkerEvent::Began { server, docs });
        Ok(())
    }

    fn check(
        &mut self,
        run: RunNumber,
        answer: Answer,
        cancel: &CancellationToken,
    ) -> Result<(), AttemptError> {
        self.end_work();
        self.run = Some(run);
        go_on(cancel)?;
        let Some(exercise) = self.exercise.clone() else { return Ok(()) };
        let found = self.redis()?;
        let python = self.python_for(answer.language, cancel)?;
        let mut server = self.fresh_server(&exercise.settings, cancel)?;
        // A newer save may end a check that takes long: it should not wait for a server.
        let settings = &exercise.settings;
        self.warm = Warm::start_in(WARM_UP_IN_A_CHECK, &found.chosen.source, settings);
        let report = |phase| self.report_phase(phase);
        let (server, relay) = (&mut server, &*found.relay);
        let mut fixture = Fixture { server, relay, report: &report, cancel };
        let tried = try_answer(&mut fixture, &exercise, &answer, python.as_ref());
        self.warm.iter().for_each(Warm::hurry);
        let (evidence, verdict) = tried?;
        self.send_judged(Some(answer), fixture.server.name(), evidence, verdict);
        Ok(())
    }

    fn judge(&mut self, run: RunNumber, cancel: &CancellationToken) -> Result<(), AttemptError> {
        self.run = Some(run);
        // The student is told that the work is gone.
        go_on(cancel).inspect_err(|_| self.end_work())?;
        let (Some(exercise), Some(work)) = (self.exercise.clone(), self.live.take()) else {
            let help = "`p` opens the prompt, and any client at the lesson's address counts";
            let fact = "nothing has been done on the server yet";
            return Err(EnvironmentError::new(fact, help).into());
        };
        let server = work.live.server_name().to_owned();
        let evidence = work.live.finish(&|phase| self.report_phase(phase), cancel);
        let judged = evidence.and_then(|evidence| {
            let verdict = conclude(&exercise, &evidence)?;
            self.send_judged(None, &server, evidence, verdict);
            Ok(())
        });
        if judged.is_err() {
            self.report_explored(server);
        }
        judged
    }

    /// Ends work by hand, and sends its timeline for the journal.
    fn end_work(&mut self) {
        let Some(work) = self.live.take() else { return };
        let server = work.live.server_name().to_owned();
        drop(work);
        self.report_explored(server);
    }

    fn report_explored(&self, server: String) {
        let Some(found) = &self.redis else { return };
        let timeline = Box::new(found.relay.timeline());
        let event = WorkerEvent::Explored { server, timeline };
        // Also of a run that was cancelled: what was done by hand is kept.
        let visit = Some(self.visit);
        let _ = self.events.send(Event::Worker(StepEvent { visit, run: None, event }));
    }

    fn send_judged(
        &self,
        answer: Option<Answer>,
        server: &str,
        evidence: Evidence,
        verdict: Verdict,
    ) {
        let judged = JudgedAnswer { answer, server: server.to_owned(), evidence, verdict };
        self.send(WorkerEvent::Judged(Box::new(judged)));
    }

    fn run_example(
        &mut self,
        run: RunNumber,
        example: &ExampleRequest,
        cancel: &CancellationToken,
    ) -> Result<(), AttemptError> {
        self.end_work();
        self.run = Some(run);
        go_on(cancel)?;
        let found = self.redis()?;
        let python = self.python_for(example.answer.language, cancel)?;
        let mut server = self.fresh_server(&example.settings, cancel)?;
        let report = |phase| self.report_phase(phase);
        let (server, relay) = (&mut server, &*found.relay);
        let mut fixture = Fixture { server, relay, report: &report, cancel };
        let (setup, answer) = (&example.setup, &example.answer);
        let run =
            attempt::run_example(&mut fixture, setup, answer, python.as_ref(), example.limit)?;
        self.send(WorkerEvent::Ran(Box::new(run)));
        Ok(())
    }

    /// Handles new clients of the relay and new commands on the server.
    fn look_around(&mut self) {
        let is_awaited = self.redis.as_ref().is_some_and(is_awaited);
        let done = if self.live.is_some() {
            self.look_at_work()
        } else if is_awaited && !self.has_failed && self.exercise.is_some() {
            self.begin()
        } else {
            // A failure to start a server is reported only once while a client waits.
            self.has_failed &= is_awaited;
            self.warm_up();
            Ok(())
        };
        if let Err(error) = done {
            self.end_work();
            self.has_failed = true;
            self.send(WorkerEvent::Failed(error));
        }
    }

    fn look_at_work(&mut self) -> Result<(), EnvironmentError> {
        let (Some(found), Some(exercise)) = (self.redis.clone(), self.exercise.clone()) else {
            return Ok(());
        };
        let Some(work) = &mut self.live else { return Ok(()) };
        let traffic = found.relay.traffic();
        if traffic == work.traffic && !work.is_settling && work.looked.elapsed() < IDLE_LOOK {
            return Ok(());
        }
        let event = look(&exercise, work, traffic)?;
        self.send(WorkerEvent::Live(event));
        Ok(())
    }

    fn redis(&mut self) -> Result<FoundRedis, EnvironmentError> {
        if let Some(found) = &self.redis {
            return Ok(found.clone());
        }
        let Redis { chosen, relay } =
            (self.find_redis)(&|progress| report_to(&self.events, progress))?;
        let found = FoundRedis { chosen, relay: Arc::new(relay) };
        let (name, address) = (found.chosen.name.clone(), found.relay.address());
        let usual_port_is_taken = found.relay.usual_port_is_taken();
        self.send_for_every_step(WorkerEvent::Found { name, address, usual_port_is_taken });
        self.redis = Some(found.clone());
        Ok(found)
    }

    fn python_for(
        &mut self,
        language: Language,
        cancel: &CancellationToken,
    ) -> Result<Option<Python>, AttemptError> {
        if language == Language::Redis {
            return Ok(None);
        }
        let report = |progress: ProgressEvent<'_>| report_to(&self.events, progress);
        self.python.get(&self.events, cancel, &report).map(Some)
    }
}

/// Sends the progress of what matters at every step.
fn report_to(events: &Sender<Event>, progress: ProgressEvent<'_>) {
    let event = match progress {
        ProgressEvent::Message(line) => WorkerEvent::Line(line.to_owned()),
        ProgressEvent::Status(line) => WorkerEvent::Progress(line.to_owned()),
    };
    let _ = events.send(Event::Worker(StepEvent::for_every_step(event)));
}

/// Whether a client waits for a server that we start. A server of the student's own is used only on
/// request.
fn is_awaited(found: &FoundRedis) -> bool {
    !matches!(found.chosen.source, Source::Address(_)) && found.relay.is_awaited()
}
