//! Does what the session asks for: the only place with input and output. What comes of it is an
//! event.

use std::path::{Path, PathBuf};
use std::sync::mpsc::Sender;

use tokio_util::sync::CancellationToken;

use super::SavedWork;
use super::console::{Console, Size};
use super::event::{Event, PromptEvent};
use super::input::InputThread;
use super::prompt_terminal::{self, PromptTerminal};
use super::request::Request;
use super::state::State;
use super::view::{body, view};
use super::watch::Watch;
use super::worker;
use super::worker::messages::{self, CancellableRequest, FindRedis, RunNumber};
use crate::answers;
use crate::ask::NoAnswer;
use crate::cleanup::InterruptibleWait;
use crate::disk;
use crate::editor;
use crate::error::EnvironmentError;
use crate::lesson::{Course, Exercise, Language};
use crate::progress::Progress;
use crate::reset;
use crate::sanitize::ShownPath as _;

pub(super) struct Performer<'s> {
    pub(super) progress: Progress,
    saved: SavedWork,
    console: &'s mut dyn Console,
    worker: Sender<CancellableRequest>,
    /// Cancels the last run.
    cancel: CancellationToken,
    events: Sender<Event>,
    /// In line mode, Ctrl-C ends a run and not the program.
    interruptible: Option<InterruptibleWait>,
    pub(super) watch: Watch,
    pub(super) input: InputThread,
    prompt: PromptTerminal,
    /// What was drawn last, of which changes and at which size.
    body: Option<(u64, Size, String)>,
}

impl<'s> Performer<'s> {
    pub(super) fn start(
        course: &Course,
        progress: Progress,
        saved: SavedWork,
        console: &'s mut dyn Console,
        find_redis: Box<FindRedis>,
        events: &Sender<Event>,
    ) -> Result<Self, EnvironmentError> {
        let wake = events.clone();
        Ok(Self {
            worker: worker::start(find_redis, course.python_packages.clone(), events)?,
            watch: Watch::start(Path::new(answers::FOLDER), move || {
                let _ = wake.send(Event::FileChanged);
            }),
            input: InputThread::start(console.read_key(), console.signals(), events)?,
            prompt: PromptTerminal::new(saved.history.clone(), events.clone()),
            cancel: CancellationToken::new(),
            events: events.clone(),
            interruptible: None,
            progress,
            saved,
            console,
            body: None,
        })
    }

    pub(super) fn draw(&mut self, state: &State<'_>) -> Event {
        let (changes, size) = (state.changes, self.console.size());
        let last = self.body.take().filter(|(of, at, _)| (*of, *at) == (changes, size));
        // A spinner is redrawn ten times a second, and markdown takes time.
        let body = last.map_or_else(|| body(state, size), |(.., body)| body);
        let frame = view(state, size, body);
        let shown = self.console.show(&frame);
        self.body = Some((changes, size, frame.body));
        Event::Shown(shown)
    }

    pub(super) fn read_input(&mut self, state: &State<'_>) {
        self.input.read(state.input(), self.prompt.editor());
    }

    pub(super) fn perform(&mut self, request: Request<'_>) -> Option<Event> {
        self.try_to_perform(request).unwrap_or_else(|why| Some(why.into()))
    }

    /// Returns what comes of it, or why nothing does.
    fn try_to_perform(&mut self, request: Request<'_>) -> Result<Option<Event>, NotDone> {
        match request {
            Request::Worker(request) => self.ask_worker(request),
            Request::CancelRun => self.cancel.cancel(),
            Request::Watch(exercise) => {
                let files = exercise.into_iter().flat_map(answers::paths);
                self.watch.look_after(files.map(|(_, file)| file));
                return Ok(exercise.map(|exercise| Event::AnswerFile(latest(exercise))));
            }
            Request::SaveProgress(change) => {
                let error = self.progress.note(change).err();
                return Ok(Some(Event::Progress(self.progress.record().clone(), error)));
            }
            Request::WriteAttempt(step, exercise, judged) => {
                let Some(journal) = &self.saved.journal else { return Ok(None) };
                let answer = judged.answer.as_ref();
                let answer = answer.map(|answer| (answer.text.as_str(), answer.language));
                let (evidence, verdict) = (&judged.evidence, &judged.verdict);
                let (title, server) = (&step.title, &judged.server);
                journal.add_attempt(exercise, title, server, answer, evidence, verdict)?;
            }
            Request::WriteExploration(step, server, timeline) => {
                let Some(journal) = &self.saved.journal else { return Ok(None) };
                journal.add_exploration(&step.title, &server, &timeline)?;
            }
            Request::WriteAnswer(exercise, text) => {
                let path = answers::keep_typed(exercise, &text)?;
                self.watch.knows(&path);
                return Ok(Some(Event::AnswerFile(latest(exercise))));
            }
            Request::ReadAnswers { exercise, asks_first } => {
                if asks_first {
                    self.ask("Not passed yet. Show the solution?")?;
                }
                return Ok(Some(Event::Answers(answers::all(exercise))));
            }
            Request::Edit { exercise, chooses_language, run } => {
                let language = self.usual_language(exercise).filter(|_| !chooses_language);
                return self.edit(exercise, language, run).map(Some);
            }
            Request::Check(exercise, language, run) => {
                let Some(language) = language.or_else(|| latest(exercise)) else {
                    return Ok(Some(Event::NoAnswerFile));
                };
                return self.check(exercise, language, run).map(Some);
            }
            Request::Reset { exercises, is_whole_course } => {
                return self.reset(&exercises, is_whole_course).map(Some);
            }
            Request::Suspend => {
                if !self.console.suspend() {
                    let why = "cannot suspend: no shell here could continue the session";
                    return Ok(Some(Event::Told(why.to_owned())));
                }
            }
            Request::OpenPrompt(address, docs) => {
                let opened = self.prompt.open(address.as_deref(), docs);
                if !matches!(opened, PromptEvent::NotOpened(_)) {
                    self.console.suspend_ui();
                }
                return Ok(Some(Event::Prompt(opened)));
            }
            Request::RunLine(line, limit) => self.prompt.run(line, limit),
            Request::ClosePrompt => {
                self.prompt.close();
                self.console.resume_ui();
            }
            Request::Print(text) => self.prompt.print(text, self.input.reads_a_line()),
            Request::PrintWrapped(text) => {
                let text = prompt_terminal::wrapped(&text);
                self.prompt.print(text, self.input.reads_a_line());
            }
            Request::PrintNotice(text) => prompt_terminal::print_notice(&text),
            Request::PrintWait(what, elapsed) => prompt_terminal::print_wait(&what, elapsed),
            // The session ends before it is performed.
            Request::Leave(_) => {}
        }
        Ok(None)
    }

    /// The language of the answer that was edited last, or of the last answer to any exercise.
    fn usual_language(&self, exercise: &Exercise) -> Option<Language> {
        let remembered = self.progress.record().language();
        latest(exercise)
            .or_else(|| remembered.filter(|language| exercise.languages().contains(language)))
    }

    /// Sends a request to the worker; a run ends the one before. If the worker has panicked, an event
    /// says so.
    fn ask_worker(&mut self, request: messages::Request) {
        if request.is_run() {
            self.cancel.cancel();
            self.cancel = CancellationToken::new();
        }
        let _ = self.worker.send((request, self.cancel.clone()));
    }

    /// Makes Ctrl-C end a run in line mode, where it is a signal.
    pub(super) fn heed_interrupts(&mut self, state: &State<'_>) {
        let is_heeded = state.is_plain && state.awaited_run().is_some();
        if is_heeded != self.interruptible.is_some() {
            let events = self.events.clone();
            self.interruptible = is_heeded.then(|| {
                InterruptibleWait::begin(move || {
                    let _ = events.send(Event::Interrupted);
                })
            });
        }
    }

    fn edit(
        &mut self,
        exercise: &Exercise,
        usual: Option<Language>,
        run: RunNumber,
    ) -> Result<Event, NotDone> {
        let language = match usual {
            Some(language) => language,
            None => self.choose_language(exercise)?,
        };
        let path = answers::begin(exercise, language)?;
        self.watch.knows(&path);
        let before = disk::read_text_file(&path).ok();
        self.console.suspend_ui();
        let edited = editor::open(&path);
        self.console.resume_ui();
        edited?;
        self.watch.knows(&path);
        if disk::read_text_file(&path).ok() == before {
            return Ok(Event::Unchanged(language));
        }
        self.check(exercise, language, run)
    }

    fn choose_language(&mut self, exercise: &Exercise) -> Result<Language, NotDone> {
        let languages = exercise.languages();
        if let [only] = languages[..] {
            return Ok(only);
        }
        let options: Vec<String> = answers::paths(exercise)
            .map(|(language, file)| format!("{language}: {}", file.shown()))
            .collect();
        Ok(languages[self.console.choose("Answer in which language?", &options, 0)?])
    }

    fn check(
        &mut self,
        exercise: &Exercise,
        language: Language,
        run: RunNumber,
    ) -> Result<Event, NotDone> {
        let path = answers::path(exercise, language);
        // Before it is read: a save in between is checked again, not missed.
        self.watch.knows(&path);
        let answer = answers::read(&path, language)?;
        self.ask_worker(messages::Request::Check(run, answer));
        Ok(Event::Checking(language, run))
    }

    fn reset(&mut self, exercises: &[&Exercise], is_whole_course: bool) -> Result<Event, NotDone> {
        self.ask(if is_whole_course {
            "Reset the whole course? Your answers are kept as backups."
        } else {
            "Reset this exercise? Your answer is kept as a backup."
        })?;
        let backups = self.reset_all(exercises);
        // What was written is no save of the student's, even if not all could be reset.
        self.watch.knows_all(exercises.iter().flat_map(|exercise| {
            Language::ALL.into_iter().map(|language| answers::path(exercise, language))
        }));
        let record = self.progress.record().clone();
        let backups = match backups {
            Ok(backups) => backups,
            Err(error) => return Ok(Event::Progress(record, Some(error))),
        };
        let exercises = exercises.iter().map(|exercise| exercise.id.clone()).collect();
        Ok(Event::Reset { exercises, is_whole_course, record, backups })
    }

    /// Returns the names under which older answers are kept. On an error, the exercises before that
    /// one are reset.
    fn reset_all(&mut self, exercises: &[&Exercise]) -> Result<Vec<PathBuf>, EnvironmentError> {
        let mut backups = Vec::new();
        for exercise in exercises {
            backups.extend(reset::one(exercise, &mut self.progress)?);
        }
        Ok(backups)
    }

    /// Goes on only after a yes.
    fn ask(&mut self, question: &str) -> Result<(), NotDone> {
        if self.console.confirm(question)? { Ok(()) } else { Err(NoAnswer::Cancelled.into()) }
    }
}

/// The language of the answer that was edited last.
fn latest(exercise: &Exercise) -> Option<Language> {
    answers::begun(exercise).into_iter().next()
}

/// Why a request was not performed.
enum NotDone {
    Failed(EnvironmentError),
    Unanswered(NoAnswer),
}

impl From<EnvironmentError> for NotDone {
    fn from(error: EnvironmentError) -> Self {
        Self::Failed(error)
    }
}

impl From<NoAnswer> for NotDone {
    fn from(no_answer: NoAnswer) -> Self {
        Self::Unanswered(no_answer)
    }
}

impl From<NotDone> for Event {
    fn from(why: NotDone) -> Self {
        match why {
            NotDone::Failed(error) => Self::Failed(error),
            NotDone::Unanswered(NoAnswer::Failed(why)) => {
                Self::Told(format!("cannot ask on this terminal: {why}"))
            }
            NotDone::Unanswered(_) => Self::Told(String::new()),
        }
    }
}
