//! The thread itself: one order after another, and looks around between them.

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use super::super::warm::{Warm, fresh};
use super::{Dated, ExampleOrder, FindRedis, Judged, LiveNews, News, Order, Redis, Visit};
use crate::attempt::evidence::is_saving;
use crate::attempt::{self, Answer, Evidence, Live, Python, SaveProgress, Stand};
use crate::error::WorldError;
use crate::lesson::course::Package;
use crate::lesson::{Exercise, Language};
use crate::present::waiting;
use crate::redis_prompt::CommandDocs;
use crate::server::{Chosen, Server, Source};
use crate::tap::Tap;
use crate::telling::Told;
use crate::verdict::{conclude, judge_live};

/// How often it looks whether somebody came, and what was done.
const TICK: Duration = Duration::from_millis(20);
/// How often it looks at a server that nobody asks anything.
const IDLE_LOOK: Duration = Duration::from_secs(1);
/// Whoever only turns pages needs no servers.
const REST: Duration = Duration::from_millis(150);
/// Who watches is told soon that the server is busy.
const FIRST_LOOK: Duration = Duration::from_millis(400);
/// A server that is known to be busy is asked less often.
const BUSY_LOOK: Duration = Duration::from_secs(5);
/// For the server's own word about its commands.
const DOCS_LIMIT: Duration = Duration::from_secs(2);

/// Servers, and how they are found.
#[derive(Clone)]
struct Found {
    chosen: Chosen,
    tap: Arc<Tap>,
}

/// Work by hand, and when it was last looked at.
struct AtHand {
    live: Live,
    looked: Instant,
    news: u64,
    saves: bool,
    passed: bool,
    /// It did not answer the last look.
    is_busy: bool,
}

pub(super) struct Worker {
    orders: Receiver<Order>,
    tell: Sender<Dated>,
    find_redis: Box<FindRedis>,
    python_packages: Vec<Package>,
    redis: Option<Found>,
    python: Option<Python>,
    finding_python: Option<Receiver<Result<Python, WorldError>>>,
    visit: Visit,
    exercise: Option<Arc<Exercise>>,
    warm: Option<Warm>,
    live: Option<AtHand>,
    docs: Option<Arc<CommandDocs>>,
    /// When the last order was carried out.
    obeyed: Instant,
    /// Whether a server for a client who waits could not be had.
    has_failed: bool,
}

impl Worker {
    pub(super) fn new(
        orders: Receiver<Order>,
        tell: Sender<Dated>,
        find_redis: Box<FindRedis>,
        python_packages: Vec<Package>,
    ) -> Self {
        Self {
            orders,
            tell,
            find_redis,
            python_packages,
            redis: None,
            python: None,
            finding_python: None,
            visit: Visit::default(),
            exercise: None,
            warm: None,
            live: None,
            docs: None,
            obeyed: Instant::now(),
            has_failed: false,
        }
    }

    /// Until nobody gives orders any more.
    pub(super) fn run(mut self) {
        self.get_ready();
        loop {
            match self.orders.recv_timeout(TICK) {
                Ok(order) => self.obey(order),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            self.look_around();
        }
    }

    /// While the student reads: a server is found and started, and a Python.
    fn get_ready(&mut self) {
        // What fails here is told by the first order, which opens a step.
        if let Ok(found) = self.redis() {
            self.warm = Warm::start(&found.chosen.source, &[]);
            self.finding_python = self.find_python();
        }
    }

    /// On a thread of its own: an installation takes long, and a `redis` answer needs none.
    fn find_python(&self) -> Option<Receiver<Result<Python, WorldError>>> {
        let (packages, tell) = (self.python_packages.clone(), self.tell.clone());
        let (sender, found) = mpsc::channel();
        let find = move || {
            let telling = |told: Told<'_>| {
                let (Told::Line(text) | Told::Progress(text)) = told;
                let _ = tell.send((None, News::Background(text.to_owned())));
            };
            let python = Python::find(&packages, &telling);
            let _ = tell.send((None, News::Background(String::new())));
            let _ = sender.send(python);
        };
        // Without a thread it is found when it is needed.
        thread::Builder::new().name("python".into()).spawn(find).ok()?;
        Some(found)
    }

    fn tell(&self, news: News) {
        let _ = self.tell.send((Some(self.visit), news));
    }

    /// What matters wherever the student is.
    fn tell_everybody(&self, news: News) {
        let _ = self.tell.send((None, news));
    }

    fn obey(&mut self, order: Order) {
        let done = match order {
            Order::Open(visit, exercise) => self.open(visit, exercise),
            Order::Begin => self.begin(),
            Order::Check(answer) => self.check(answer),
            Order::Judge => self.judge(),
            Order::StartOver => {
                self.end_work();
                Ok(())
            }
            Order::Example(example) => self.run_example(&example),
        };
        if let Err(error) = done {
            self.tell(News::Failed(error));
        }
        self.obeyed = Instant::now();
    }

    fn open(&mut self, visit: Visit, exercise: Arc<Exercise>) -> Result<(), WorldError> {
        // What was done up to now was done there.
        self.end_work();
        self.visit = visit;
        self.exercise = Some(exercise);
        self.redis().map(|_| ())
    }

    /// Begins to start the server that is needed next, where it is known; not while the student only passes by, nor
    /// beside a check, which would be one more who wants the processor.
    fn warm_up(&mut self) {
        let settings = self.settings();
        let Some(found) = self.redis.as_ref().filter(|_| self.obeyed.elapsed() >= REST) else {
            return;
        };
        if !self.warm.as_ref().is_some_and(|warm| warm.fits(&settings)) {
            self.warm = Warm::start(&found.chosen.source, &settings);
        }
    }

    fn settings(&self) -> Vec<(String, String)> {
        self.exercise.as_ref().map(|exercise| exercise.settings.clone()).unwrap_or_default()
    }

    /// The server that was warmed, else a new one.
    fn fresh_server(&mut self) -> Result<Server, WorldError> {
        let found = self.redis()?;
        let settings = self.settings();
        let warm = self.warm.take().filter(|warm| warm.fits(&settings));
        match warm.and_then(Warm::take) {
            Some(server) => Ok(server),
            None => fresh(&found.chosen.source, &settings),
        }
    }

    fn begin(&mut self) -> Result<(), WorldError> {
        if self.live.is_none() {
            let Some(exercise) = self.exercise.clone() else { return Ok(()) };
            let found = self.redis()?;
            let server = self.fresh_server()?;
            let live = Live::begin(server, found.tap, &exercise)?;
            let looked = Instant::now();
            self.live = Some(AtHand {
                live,
                looked,
                news: u64::MAX,
                saves: false,
                passed: false,
                is_busy: false,
            });
        }
        self.tell_begun();
        Ok(())
    }

    fn tell_begun(&mut self) {
        let Some(work) = &self.live else { return };
        let docs = self.docs.get_or_insert_with(|| {
            Arc::new(CommandDocs::of_the_server(&mut work.live.client(), DOCS_LIMIT))
        });
        let docs = Arc::clone(docs);
        self.tell(News::Began { server: work.live.server_name().to_owned(), docs });
    }

    fn check(&mut self, answer: Answer) -> Result<(), WorldError> {
        self.end_work();
        let Some(exercise) = self.exercise.clone() else { return Ok(()) };
        let found = self.redis()?;
        let python = self.python_for(answer.language)?;
        let mut server = self.fresh_server()?;
        let telling = |phase| self.tell(News::Progress(waiting::phase(phase)));
        let mut stand = Stand { server: &mut server, tap: &found.tap, telling: &telling };
        let evidence = attempt::attempt(&mut stand, &exercise, &answer, python.as_ref())?;
        self.conclude(&exercise, Some(answer), server.name(), evidence)
    }

    fn judge(&mut self) -> Result<(), WorldError> {
        let (Some(exercise), Some(work)) = (self.exercise.clone(), self.live.take()) else {
            let help = "`p` opens the prompt, and any client at the lesson's address counts";
            return Err(WorldError::new("nothing was done on the server yet", help));
        };
        let server = work.live.server_name().to_owned();
        let telling = |phase| self.tell(News::Progress(waiting::phase(phase)));
        let evidence = work.live.finish(&telling);
        let judged = evidence.and_then(|it| self.conclude(&exercise, None, &server, it));
        if judged.is_err() {
            self.tell_explored(server);
        }
        judged
    }

    /// What was done by hand is over, and told to whoever keeps a journal.
    fn end_work(&mut self) {
        let Some(work) = self.live.take() else { return };
        let server = work.live.server_name().to_owned();
        drop(work);
        self.tell_explored(server);
    }

    fn tell_explored(&self, server: String) {
        let Some(found) = &self.redis else { return };
        let transcript = Box::new(found.tap.transcript());
        self.tell(News::Explored { server, transcript });
    }

    fn conclude(
        &self,
        exercise: &Exercise,
        answer: Option<Answer>,
        server: &str,
        evidence: Evidence,
    ) -> Result<(), WorldError> {
        let verdict = conclude(exercise, &evidence)?;
        let server = server.to_owned();
        self.tell(News::Judged(Box::new(Judged { answer, server, evidence, verdict })));
        Ok(())
    }

    fn run_example(&mut self, example: &ExampleOrder) -> Result<(), WorldError> {
        self.end_work();
        let found = self.redis()?;
        let python = self.python_for(example.answer.language)?;
        let mut server = Server::start(&found.chosen.source, &example.settings)?;
        let telling = |phase| self.tell(News::Progress(waiting::phase(phase)));
        let mut stand = Stand { server: &mut server, tap: &found.tap, telling: &telling };
        let (setup, answer) = (&example.setup, &example.answer);
        let run = attempt::run_example(&mut stand, setup, answer, python.as_ref(), example.limit)?;
        self.tell(News::Ran(Box::new(run)));
        Ok(())
    }

    /// Somebody may have come through the tap, or done something.
    fn look_around(&mut self) {
        let is_awaited = self.redis.as_ref().is_some_and(is_awaited);
        let done = if self.live.is_some() {
            self.look_at_work()
        } else if is_awaited && !self.has_failed && self.exercise.is_some() {
            self.begin()
        } else {
            // Whoever waits is told once why there is no server.
            self.has_failed &= is_awaited;
            self.warm_up();
            Ok(())
        };
        if let Err(error) = done {
            self.end_work();
            self.has_failed = true;
            self.tell(News::Failed(error));
        }
    }

    fn look_at_work(&mut self) -> Result<(), WorldError> {
        let (Some(found), Some(exercise)) = (self.redis.clone(), self.exercise.clone()) else {
            return Ok(());
        };
        let Some(work) = &mut self.live else { return Ok(()) };
        let news = found.tap.news();
        if news == work.news && !work.saves && work.looked.elapsed() < IDLE_LOOK {
            return Ok(());
        }
        let news = look(&exercise, work, news)?;
        self.tell(News::Live(news));
        Ok(())
    }

    fn redis(&mut self) -> Result<Found, WorldError> {
        if let Some(found) = &self.redis {
            return Ok(found.clone());
        }
        let Redis { chosen, tap } = (self.find_redis)(&|told| self.tell_everybody(news_of(told)))?;
        let found = Found { chosen, tap: Arc::new(tap) };
        let (why, address) = (found.chosen.why.clone(), found.tap.address());
        let usual_port_is_taken = found.tap.usual_port_is_taken();
        self.tell_everybody(News::Found { why, address, usual_port_is_taken });
        self.redis = Some(found.clone());
        Ok(found)
    }

    fn python_for(&mut self, language: Language) -> Result<Option<Python>, WorldError> {
        match language {
            Language::Python => self.python().map(Some),
            Language::Redis => Ok(None),
        }
    }

    fn python(&mut self) -> Result<Python, WorldError> {
        if let Some(python) = &self.python {
            return Ok(python.clone());
        }
        let finding = self.finding_python.take().or_else(|| self.find_python());
        let python = match finding.and_then(|finding| finding.recv().ok()) {
            Some(python) => python?,
            None => {
                Python::find(&self.python_packages, &|told| self.tell_everybody(news_of(told)))?
            }
        };
        self.python = Some(python.clone());
        Ok(python)
    }
}

/// Whether a client waits for a server of ours. Somebody's own is touched only when the student says so.
fn is_awaited(found: &Found) -> bool {
    !matches!(found.chosen.source, Source::Address(_)) && found.tap.is_awaited()
}

fn look(exercise: &Exercise, work: &mut AtHand, news: u64) -> Result<LiveNews, WorldError> {
    let looked = Instant::now();
    let limit = if work.is_busy { BUSY_LOOK } else { FIRST_LOOK };
    let look = work.live.look(limit)?;
    work.looked = Instant::now();
    work.is_busy = look.is_none();
    let Some(look) = look else {
        return Ok(LiveNews { looked, verdict: None, saving: None, passed: None });
    };
    work.news = news;
    let settled = look.evidence.settled.as_ref();
    let saves = |now: &&attempt::Observation| is_saving(&now.snapshot, &look.evidence.before);
    let saving = settled.filter(saves).map(|now| SaveProgress::of(&now.snapshot));
    work.saves = saving.is_some();
    let live = judge_live(exercise, &look);
    let is_new = live.passed && !work.passed;
    work.passed |= live.passed;
    let passed = is_new.then(|| conclude(exercise, &look.evidence).ok()).flatten().map(|verdict| {
        let server = work.live.server_name().to_owned();
        Box::new(Judged { answer: None, server, evidence: look.evidence, verdict })
    });
    Ok(LiveNews { looked, verdict: Some(live), saving, passed })
}

fn news_of(told: Told<'_>) -> News {
    match told {
        Told::Line(line) => News::Line(line.to_owned()),
        Told::Progress(line) => News::Progress(line.to_owned()),
    }
}
