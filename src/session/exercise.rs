//! The actions on an exercise: edit, check, judge, hint, solution, reset.

use std::path::Path;

use super::keys::Action;
use super::step_state::Busy;
use super::worker::{ExampleRequest, JudgedAnswer, Request};
use super::{Session, View};
use crate::answers;
use crate::ask::NoAnswer;
use crate::attempt::Answer;
use crate::disk;
use crate::editor;
use crate::lesson::{Exercise, Language, Step};
use crate::present::terminal;
use crate::reset;
use crate::sanitize::ShownPath as _;
use crate::verdict::Verdict;
use crate::verify;

/// The session suggests a hint after every so many failed attempts.
const ATTEMPTS_PER_REMINDER: u32 = 3;

impl Session<'_> {
    pub(super) fn act_on(&mut self, action: Action, exercise: &Exercise) {
        match action {
            Action::Check => self.check_latest(exercise),
            Action::Edit => {
                let begun = answers::begun(exercise).into_iter().next();
                if let Some(language) = begun.or_else(|| self.choose_language(exercise)) {
                    self.edit(exercise, language);
                }
            }
            Action::EditOther => {
                if let Some(language) = self.choose_language(exercise) {
                    self.edit(exercise, language);
                }
            }
            Action::Judge => self.judge(),
            Action::Hint => {
                let next = self.work.hint.map_or(0, |hint| (hint + 1) % exercise.hints.len());
                self.hint(exercise, next);
            }
            Action::HintBefore => {
                let before = self.work.hint.unwrap_or(0).saturating_sub(1);
                self.hint(exercise, before);
            }
            Action::Solution => self.solution(exercise),
            Action::Reset => self.reset(exercise),
            _ => {}
        }
    }

    fn choose_language(&mut self, exercise: &Exercise) -> Option<Language> {
        let languages = exercise.languages();
        if let [only] = languages[..] {
            return Some(only);
        }
        let options: Vec<String> = languages
            .iter()
            .map(|language| format!("{language}: {}", answers::path(exercise, *language).shown()))
            .collect();
        let choice = self.console.choose("Answer in which language?", &options, 0);
        self.answered(choice).map(|index| languages[index])
    }

    /// `None` if the student cancelled, or if asking failed, which is shown as the status.
    fn answered<T>(&mut self, answer: Result<T, NoAnswer>) -> Option<T> {
        match answer {
            Ok(answer) => Some(answer),
            Err(NoAnswer::Cancelled | NoAnswer::Interrupted) => None,
            Err(NoAnswer::Failed(why)) => {
                self.tell(format!("cannot ask on this terminal: {why}"));
                None
            }
        }
    }

    fn edit(&mut self, exercise: &Exercise, language: Language) {
        let Some(path) = self.report_if_failed(answers::begin(exercise, language)) else { return };
        self.watch.knows(&path);
        let before = disk::read_text_file(&path).ok();
        self.console.suspend_ui();
        let edited = editor::open(&path);
        self.console.resume_ui();
        if self.report_if_failed(edited).is_none() {
            return;
        }
        self.watch.knows(&path);
        if disk::read_text_file(&path).ok() == before {
            self.tell("the answer is unchanged: `c` checks it anyway");
        } else {
            self.check(exercise, language);
        }
    }

    fn check_latest(&mut self, exercise: &Exercise) {
        match answers::begun(exercise).first() {
            Some(language) => self.check(exercise, *language),
            None if self.work.is_at_hand && exercise.may_be_typed() => {
                self.tell("there is no answer file yet: `j` judges what was done by hand");
            }
            None => self.tell("there is no answer yet: `e` starts one, `p` opens the Redis prompt"),
        }
    }

    /// Checks an answer file that has been saved. Returns whether there was one.
    pub(super) fn take_saves(&mut self) -> bool {
        // One check at a time: the watch reports the file again after the current check.
        let Some(exercise) = self.exercise().filter(|_| self.work.busy.is_none()) else {
            return false;
        };
        let Some(file) = self.watch.saved() else { return false };
        if let Some(message) = self.watch.told_of_polling() {
            self.tell(message);
        }
        if let Some(language) = language_of(exercise, &file) {
            self.check(exercise, language);
        }
        true
    }

    fn check(&mut self, exercise: &Exercise, language: Language) {
        let path = answers::path(exercise, language);
        let Some(text) = self.report_if_failed(answers::read(&path, language)) else { return };
        self.watch.knows(&path);
        // Run from its own path, so that a traceback names the student's file.
        let absolute = path.canonicalize().ok().filter(|_| language == Language::Python);
        self.work.forget_work_by_hand();
        self.work.busy = Some(Busy::with(format!("checking `{}`", path.shown())));
        self.worker.request(Request::Check(Answer { language, text, path: absolute }));
    }

    pub(super) fn judge(&mut self) {
        self.work.busy = Some(Busy::with("judging what was done".to_owned()));
        self.worker.request(Request::Judge);
    }

    pub(super) fn start_over(&mut self) {
        self.work.forget_work_by_hand();
        self.worker.request(Request::StartOver);
    }

    pub(super) fn take_verdict(&mut self, judged: JudgedAnswer) {
        self.work.busy = None;
        let Some(exercise) = self.exercise() else { return };
        self.status.clear();
        if judged.verdict.passed() {
            self.note_passed(exercise);
        } else {
            self.note_failed(exercise, &judged.verdict);
        }
        // An error in saving replaces the status: the verdict shows the outcome anyway.
        self.journal(self.step(), exercise, &judged);
        if judged.answer.is_none() {
            self.keep_typed(exercise);
        }
        self.work.forget_work_by_hand();
        self.work.judged = Some(judged);
        self.look_at(View::Verdict);
    }

    fn note_passed(&mut self, exercise: &Exercise) {
        let saved = self.progress.add(&exercise.id);
        if self.report_if_failed(saved).is_some() {
            self.tell("passed. `s` compares with the solution, `n` continues");
        }
    }

    fn note_failed(&mut self, exercise: &Exercise, verdict: &Verdict) {
        self.tell(terminal::outcome(verdict));
        let saved = self.progress.add_failed_attempt(&exercise.id);
        let Some(failed) = self.report_if_failed(saved) else { return };
        let all_seen = self.progress.hints_seen(&exercise.id) as usize >= exercise.hints.len();
        if failed > 0 && failed % ATTEMPTS_PER_REMINDER == 0 && !all_seen {
            self.tell(format!("{failed} failed attempts so far: `h` shows a hint"));
        }
    }

    /// Saves the lines typed at the prompt as the answer file.
    fn keep_typed(&mut self, exercise: &Exercise) {
        // The lines are not cleared: if the student types more, all of them are the answer.
        let typed = &self.work.typed;
        if typed.is_empty() || !exercise.may_be_typed() {
            return;
        }
        let kept = answers::keep_typed(exercise, &format!("{}\n", typed.join("\n")));
        if let Some(path) = self.report_if_failed(kept) {
            self.watch.knows(&path);
        }
    }

    /// Records a pass by hand, which counts like any other answer.
    pub(super) fn note_passed_by_hand(&mut self, exercise: &Exercise, judged: JudgedAnswer) {
        self.note_passed(exercise);
        self.journal(self.step(), exercise, &judged);
        self.keep_typed(exercise);
        self.work.judged = Some(judged);
        self.rendered = None;
    }

    pub(super) fn journal(&mut self, step: &Step, exercise: &Exercise, judged: &JudgedAnswer) {
        let Some(journal) = &self.kept.journal else { return };
        let answer = judged.answer.as_ref().map(|answer| (answer.text.as_str(), answer.language));
        let (evidence, verdict) = (&judged.evidence, &judged.verdict);
        let (title, server) = (&step.title, &judged.server);
        let saved = journal.add_attempt(exercise, title, server, answer, evidence, verdict);
        self.report_if_failed(saved);
    }

    fn hint(&mut self, exercise: &Exercise, number: usize) {
        self.work.hint = Some(number);
        let seen = u32::try_from(number + 1).unwrap_or(u32::MAX);
        if seen > self.progress.hints_seen(&exercise.id) {
            let saved = self.progress.set_hints_seen(&exercise.id, seen);
            self.report_if_failed(saved);
        }
        self.look_at(View::Hint(number));
    }

    fn solution(&mut self, exercise: &Exercise) {
        if !self.progress.has(&exercise.id) {
            let sure = self.console.confirm("Not passed yet. Show the solution?");
            if self.answered(sure) != Some(true) {
                return;
            }
        }
        self.look_at(View::Solution);
    }

    fn reset(&mut self, exercise: &Exercise) {
        let question = "Reset this exercise? Your answer is kept as a backup.";
        let sure = self.console.confirm(question);
        if self.answered(sure) != Some(true) {
            return;
        }
        let done = reset::one(exercise, &mut self.progress);
        let Some(backups) = self.report_if_failed(done) else { return };
        self.start_over_at(self.at);
        self.tell(reset_message(&backups));
    }

    pub(super) fn reset_all(&mut self) {
        let question = "Reset the whole course? Your answers are kept as backups.";
        let sure = self.console.confirm(question);
        if self.answered(sure) != Some(true) {
            return;
        }
        let exercises = self.course.exercises().map(|(.., exercise)| exercise);
        let mut backups = Vec::new();
        for exercise in exercises {
            let done = reset::one(exercise, &mut self.progress);
            let Some(more) = self.report_if_failed(done) else { return };
            backups.extend(more);
        }
        self.start_over_at((0, 0));
        self.tell(reset_message(&backups));
    }

    /// Goes to a step after a reset. A pending verdict is on an old answer and does not count.
    fn start_over_at(&mut self, at: (usize, usize)) {
        self.go_to(at);
        self.anew_since = self.visit.number;
    }

    pub(super) fn run_example(&mut self, number: usize) {
        let step = self.step();
        let Some(example) = step.examples.get(number) else { return };
        let text = verify::commands_of(example);
        let exercise = step.exercise.as_ref();
        self.work.forget_work_by_hand();
        self.work.busy = Some(Busy::with("running the example on a fresh server".to_owned()));
        self.worker.request(Request::Example(Box::new(ExampleRequest {
            settings: exercise.map(|exercise| exercise.settings.clone()).unwrap_or_default(),
            setup: exercise.map(|exercise| exercise.setup.clone()).unwrap_or_default(),
            answer: Answer { language: example.code.language, text, path: None },
            limit: verify::example_limit(exercise),
        })));
    }
}

fn language_of(exercise: &Exercise, file: &Path) -> Option<Language> {
    exercise.languages().into_iter().find(|language| answers::path(exercise, *language) == file)
}

fn reset_message(backups: &[std::path::PathBuf]) -> String {
    let names: Vec<String> = backups.iter().map(|path| format!("`{}`", path.shown())).collect();
    match &names[..] {
        [] => "reset".to_owned(),
        [name] => format!("reset; your answer is kept as {name}"),
        names => format!("reset; your answers are kept as {}", names.join(", ")),
    }
}
