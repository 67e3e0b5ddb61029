//! The state of a session: plain values.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::keys::{ByHand, Passed, ScreenKind, Situation, VerdictKey};
use super::list::List;
use super::pages::{Ending, Recall, Scope};
use super::request::{Request, SessionEnd};
use super::step_state::{Busy, PendingRun, RunKind, StepState};
use super::worker::messages::{RunNumber, StepEvent, StepVisit};
use crate::lesson::{Course, Exercise, Language, Lesson, Step};
use crate::present::checks::Mark;
use crate::present::judged::Detail;
use crate::progress::Record;
use crate::redis_prompt::CommandDocs;
use crate::topics::BackgroundWork;

pub(super) struct State<'c> {
    pub(super) course: &'c Course,
    pub(super) record: Record,
    /// Whether this is the student's first start.
    pub(super) is_new: bool,
    /// In line mode, one line is read at a time, and text is only appended.
    pub(super) is_plain: bool,
    /// The time of the last event.
    pub(super) now: Instant,
    /// The last sign of the student's work, and the time spent at the current exercise that is not
    /// yet in the record.
    pub(super) active_at: Instant,
    pub(super) time_spent: Duration,
    /// Counts events other than time.
    pub(super) changes: u64,
    /// The indexes of the lesson and of its step, from 0.
    pub(super) at: (usize, usize),
    pub(super) visit: StepVisit,
    /// Verdicts on requests from an earlier visit no longer count: the exercise was reset.
    pub(super) anew_since: u64,
    /// The number of the last run.
    pub(super) last_run: RunNumber,
    /// The runs up to this one were cancelled: what they report comes too late.
    pub(super) cancelled: RunNumber,
    /// The run that the worker has not finished; the student may have left its step.
    pub(super) pending: Option<PendingRun>,
    /// The state of the step that was left while its check ran.
    pub(super) left: Option<StepState>,
    pub(super) mode: Mode,
    pub(super) view: View,
    /// The first visible line of the text.
    pub(super) top: usize,
    /// How many lines of the text are visible, and how many are below those.
    pub(super) seen: usize,
    pub(super) below: usize,
    pub(super) keys_pressed: usize,
    pub(super) work: StepState,
    /// What has just happened.
    pub(super) status: String,
    /// Background work, such as an image pull or an installation.
    pub(super) background: Option<Busy>,
    /// The address of the lesson's server.
    pub(super) address: Option<SocketAddr>,
    /// The kind of server, or the name of the last one.
    pub(super) server: String,
    /// What to tell the student if another program has port 6379.
    pub(super) warning: Option<String>,
    /// What was typed before the prompt read lines; a key that ends a line is a line end.
    pub(super) typed_ahead: String,
    /// What the worker has reported while a line ran at the prompt: it counts after the line's
    /// reply, since a line that is cancelled is no part of the work.
    pub(super) held_back: Vec<StepEvent>,
    /// What the current event has asked for so far.
    pub(super) requests: Vec<Request<'c>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum View {
    Welcome,
    /// At the start of a session that continues.
    WelcomeBack,
    Text,
    Verdict(Detail),
    Hint(usize),
    /// With the student's own answers.
    Solution(Vec<(Language, String)>),
    Example,
    List(List),
    /// With the page to which it goes back.
    Help(Box<Self>),
    End(Scope),
    Recall(Recall),
}

impl View {
    /// Whether it belongs to the current step, rather than to a lesson or the whole course.
    pub(super) fn is_about_a_step(&self) -> bool {
        match self {
            Self::Text | Self::Verdict(_) | Self::Hint(_) | Self::Solution(_) | Self::Example => {
                true
            }
            Self::Welcome
            | Self::WelcomeBack
            | Self::List(_)
            | Self::Help(_)
            | Self::End(_)
            | Self::Recall(_) => false,
        }
    }
}

/// What the student's keys go to.
pub(super) enum Mode {
    Screen,
    /// To the screen, until the server of the prompt is there.
    Starting,
    Prompt(PromptState),
    /// Nowhere: the timeline of unfinished work is waited for until then.
    Leaving(SessionEnd, Instant),
}

/// The Redis prompt.
pub(super) struct PromptState {
    pub(super) server: String,
    pub(super) docs: Arc<CommandDocs>,
    /// What the editor shows before a line.
    pub(super) text: String,
    /// Whether text can be printed while the student types.
    pub(super) has_printer: bool,
    /// The checks as they were printed last.
    pub(super) printed: CheckState,
    /// Failures that are not printed yet.
    pub(super) failures: String,
    pub(super) stage: Stage,
    /// When the stage began.
    pub(super) since: Instant,
    /// What is waited for, and whether that is on the screen.
    pub(super) wait: String,
    pub(super) is_wait_shown: bool,
    /// Lines that were pasted at once and have not run yet.
    pub(super) lines: VecDeque<String>,
    /// Whether those are shown when they run.
    pub(super) echoes: bool,
}

/// The state of the checks at one moment.
pub(super) struct CheckState {
    pub(super) marks: Vec<Mark>,
    pub(super) has_passed: bool,
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Stage {
    Reading,
    /// A command runs. If it is cancelled, only this many typed lines stay.
    Running {
        typed_before: usize,
    },
    /// The effect of a command on the checks is waited for.
    Looking,
    /// The student waits for work in the background.
    Awaiting(&'static BackgroundWork),
}

/// What is to be read now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Input<'s> {
    Nothing,
    Key,
    /// A line after this prompt, of which the beginning is typed.
    Line {
        prompt: &'s str,
        beginning: &'s str,
    },
}

impl<'c> State<'c> {
    pub(super) fn new(
        course: &'c Course,
        (record, is_new): (Record, bool),
        is_plain: bool,
        now: Instant,
    ) -> Self {
        Self {
            course,
            record,
            is_new,
            is_plain,
            now,
            active_at: now,
            time_spent: Duration::ZERO,
            changes: 0,
            at: (0, 0),
            visit: StepVisit::default(),
            anew_since: 0,
            last_run: RunNumber::default(),
            cancelled: RunNumber::default(),
            pending: None,
            left: None,
            mode: Mode::Screen,
            view: View::Text,
            top: 0,
            seen: 1,
            below: 0,
            keys_pressed: 0,
            work: StepState::default(),
            status: String::new(),
            background: Some(Busy::with("looking for a Redis server".to_owned(), now)),
            address: None,
            server: String::new(),
            warning: None,
            typed_ahead: String::new(),
            held_back: Vec::new(),
            requests: Vec::new(),
        }
    }

    pub(super) fn lesson(&self) -> &'c Lesson {
        &self.course.lessons[self.at.0]
    }

    pub(super) fn step(&self) -> &'c Step {
        self.step_at(self.at)
    }

    pub(super) fn step_at(&self, at: (usize, usize)) -> &'c Step {
        &self.course.lessons[at.0].steps[at.1]
    }

    pub(super) fn exercise(&self) -> Option<&'c Exercise> {
        self.step().exercise.as_ref()
    }

    pub(super) fn is_last_step(&self) -> bool {
        self.at.1 + 1 == self.lesson().steps.len()
    }

    /// Whether the current exercise has been passed.
    pub(super) fn has_passed(&self) -> bool {
        self.exercise().is_some_and(|exercise| self.record.has(&exercise.id))
    }

    /// Whether work by hand can pass the exercise. Where only a program can answer, it cannot: it
    /// does not show what the program would have printed.
    pub(super) fn may_be_judged_by_hand(&self) -> bool {
        self.exercise().is_some_and(Exercise::may_be_typed)
    }

    pub(super) fn check_state(&self) -> CheckState {
        let marks = self.exercise().map(|exercise| self.work.marks(exercise));
        CheckState { marks: marks.unwrap_or_default(), has_passed: self.has_passed() }
    }

    pub(super) fn situation(&self) -> Situation {
        let exercise = self.exercise();
        Situation {
            screen: match self.view {
                View::Welcome => ScreenKind::Welcome,
                View::WelcomeBack => ScreenKind::WelcomeBack,
                View::Recall(ref recall) => ScreenKind::Recall(recall.key()),
                View::End(scope) => ScreenKind::End(self.ending(scope).keys()),
                View::Text => ScreenKind::Text,
                View::List(ref list) if list.is_searching() => ScreenKind::Search,
                View::List(_) => ScreenKind::List,
                View::Help(_) => ScreenKind::Help,
                View::Verdict(_) | View::Hint(_) | View::Solution(_) | View::Example => {
                    ScreenKind::About
                }
            },
            is_plain: self.is_plain,
            exercise: exercise.map(|_| Passed(self.has_passed())),
            languages: exercise.map_or(0, |exercise| exercise.languages().len()),
            verdict: self.verdict_key(),
            hints: exercise.map_or(0, |exercise| exercise.hints.len()),
            hint: self.work.hint,
            examples: self.step().examples.len(),
            is_first: self.at == (0, 0),
            is_last: self.is_last_step(),
            by_hand: match (self.work.is_at_hand, self.may_be_judged_by_hand()) {
                (false, _) => ByHand::Nothing,
                (true, false) => ByHand::Exploration,
                (true, true) => ByHand::Answer,
            },
        }
    }

    /// What the key of the verdict does.
    pub(super) fn verdict_key(&self) -> VerdictKey {
        match self.view {
            _ if self.work.judged.is_none() => VerdictKey::Nothing,
            View::Verdict(Detail::Short) => VerdictKey::Details,
            _ => VerdictKey::Short,
        }
    }

    /// The language of the answer that is edited next: the one edited last, the one that the
    /// student used last, or the first.
    pub(super) fn language(&self) -> Option<Language> {
        let languages = self.exercise()?.languages();
        let used = self.work.file.or(self.record.language());
        used.filter(|used| languages.contains(used)).or(languages.first().copied())
    }

    /// Whether the checks are listed, or folded to one line because the student reads.
    pub(super) fn lists_checks(&self) -> bool {
        let has_worked = self.work.live.is_some() || self.work.judged.is_some();
        self.is_plain || self.work.lists_checks.unwrap_or(has_worked)
    }

    /// The marks of the checks for the screen. A passed exercise that is opened again shows that.
    pub(super) fn shown_marks(&self, exercise: &Exercise) -> Vec<Mark> {
        let has_worked = self.work.live.is_some() || self.work.judged.is_some();
        if self.has_passed() && !has_worked {
            return vec![Mark::Met; exercise.checks.len()];
        }
        self.work.marks(exercise)
    }

    /// The end of the current lesson, or of the course.
    pub(super) fn ending(&self, scope: Scope) -> Ending<'c> {
        Ending::of(self.course, &self.record, self.at.0, scope)
    }

    /// Whether the session has the screen.
    pub(super) fn is_on_screen(&self) -> bool {
        matches!(self.mode, Mode::Screen | Mode::Starting)
    }

    /// The run for which the student waits at this step.
    pub(super) fn awaited_run(&self) -> Option<&PendingRun> {
        let is_awaited = matches!(self.mode, Mode::Screen) && self.work.busy.is_some();
        self.pending.as_ref().filter(|run| is_awaited && run.visit == self.visit)
    }

    /// Whether Esc ends that run. Elsewhere it closes the list, its search or the help.
    pub(super) fn escape_ends_a_run(&self) -> bool {
        self.awaited_run().is_some() && self.view.is_about_a_step()
    }

    /// The judging of work by hand, here or at a step that was left. It is not ended by another
    /// run: what was done by hand cannot be repeated.
    pub(super) fn pending_judging(&self) -> Option<&PendingRun> {
        self.pending.as_ref().filter(|run| run.kind == RunKind::Judging)
    }

    /// Whether saved files matter now.
    pub(super) fn awaits_saves(&self) -> bool {
        matches!(self.mode, Mode::Screen) && self.pending_judging().is_none()
    }

    pub(super) fn is_spinning(&self) -> bool {
        self.is_on_screen() && (self.work.busy.is_some() || self.background.is_some())
    }

    pub(super) fn input(&self) -> Input<'_> {
        match &self.mode {
            // The console of line mode reads whole lines, and the next one is for the prompt.
            Mode::Starting if self.is_plain => Input::Nothing,
            Mode::Screen | Mode::Starting => Input::Key,
            Mode::Prompt(PromptState { stage: Stage::Reading, text, .. }) => {
                Input::Line { prompt: text, beginning: &self.typed_ahead }
            }
            Mode::Prompt(_) | Mode::Leaving(..) => Input::Nothing,
        }
    }

    /// Whether time itself is an event.
    pub(super) fn ticks(&self) -> bool {
        match &self.mode {
            Mode::Screen | Mode::Starting => self.is_spinning(),
            Mode::Prompt(prompt) => prompt.stage != Stage::Reading,
            Mode::Leaving(..) => true,
        }
    }
}
