//! An exercise in the session: edit, check, judge, hint, solution, reset.

use std::path::Path;

use super::backstage::{ExampleOrder, Judged, Order};
use super::keys::Action;
use super::work::Busy;
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

/// After so many failed attempts the session reminds of the hints, and again after as many more.
const PATIENT_ATTEMPTS: u32 = 3;

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

    /// Esc is no answer; what else goes wrong is told.
    fn answered<T>(&mut self, answer: Result<T, NoAnswer>) -> Option<T> {
        match answer {
            Ok(answer) => Some(answer),
            Err(NoAnswer::Cancelled | NoAnswer::Interrupted) => None,
            Err(NoAnswer::Failed(why)) => {
                self.tell(format!("the terminal can't be asked: {why}"));
                None
            }
        }
    }

    fn edit(&mut self, exercise: &Exercise, language: Language) {
        let Some(path) = self.tell_if_failed(answers::begin(exercise, language)) else { return };
        self.watch.knows(&path);
        let before = disk::read_text_file(&path).ok();
        self.console.step_aside();
        let edited = editor::open(&path);
        self.console.come_back();
        if self.tell_if_failed(edited).is_none() {
            return;
        }
        self.watch.knows(&path);
        if disk::read_text_file(&path).ok() == before {
            self.tell("the answer is as it was: `c` checks it all the same");
        } else {
            self.check(exercise, language);
        }
    }

    fn check_latest(&mut self, exercise: &Exercise) {
        match answers::begun(exercise).first() {
            Some(language) => self.check(exercise, *language),
            None if self.work.is_at_hand && exercise.may_be_typed() => {
                self.tell("there is no answer's file yet: `j` judges what was done by hand");
            }
            None => self.tell("there is no answer yet: `e` begins one, `p` opens the Redis prompt"),
        }
    }

    /// A saved answer is checked at once. Whether there was one.
    pub(super) fn take_saves(&mut self) -> bool {
        // One check at a time: the file is still another then.
        let Some(exercise) = self.exercise().filter(|_| self.work.busy.is_none()) else {
            return false;
        };
        let Some(file) = self.watch.saved() else { return false };
        if let Some(told) = self.watch.told_of_polling() {
            self.tell(told);
        }
        if let Some(language) = language_of(exercise, &file) {
            self.check(exercise, language);
        }
        true
    }

    fn check(&mut self, exercise: &Exercise, language: Language) {
        let path = answers::path(exercise, language);
        let Some(text) = self.tell_if_failed(answers::read(&path, language)) else { return };
        self.watch.knows(&path);
        // Run in place, a traceback names the student's own file.
        let absolute = path.canonicalize().ok().filter(|_| language == Language::Python);
        self.work.forget_work_by_hand();
        self.work.busy = Some(Busy::with(format!("checking `{}`", path.shown())));
        self.backstage.order(Order::Check(Answer { language, text, path: absolute }));
    }

    pub(super) fn judge(&mut self) {
        self.work.busy = Some(Busy::with("judging what was done".to_owned()));
        self.backstage.order(Order::Judge);
    }

    pub(super) fn start_over(&mut self) {
        self.work.forget_work_by_hand();
        self.backstage.order(Order::StartOver);
    }

    pub(super) fn take_verdict(&mut self, judged: Judged) {
        self.work.busy = None;
        let Some(exercise) = self.exercise() else { return };
        self.status.clear();
        if judged.verdict.passed() {
            self.note_passed(exercise);
        } else {
            self.note_failed(exercise, &judged.verdict);
        }
        // What can't be kept is told in the place of what the verdict shows anyway.
        self.journal(self.step(), exercise, &judged);
        if judged.answer.is_none() {
            self.keep_typed(exercise);
        }
        self.work.forget_work_by_hand();
        self.work.judged = Some(judged);
        self.look_at(View::Verdict);
    }

    fn note_passed(&mut self, exercise: &Exercise) {
        let noted = self.progress.add(&exercise.id);
        if self.tell_if_failed(noted).is_some() {
            self.tell("passed; nothing hurries you: `s` compares with the solution, `n` goes on");
        }
    }

    fn note_failed(&mut self, exercise: &Exercise, verdict: &Verdict) {
        self.tell(terminal::outcome(verdict));
        let noted = self.progress.add_failed_attempt(&exercise.id);
        let Some(failed) = self.tell_if_failed(noted) else { return };
        let all_seen = self.progress.hints_seen(&exercise.id) as usize >= exercise.hints.len();
        if failed > 0 && failed % PATIENT_ATTEMPTS == 0 && !all_seen {
            self.tell(format!("{failed} attempts without a pass so far: `h` shows a hint"));
        }
    }

    /// What was typed at the prompt becomes the answer's file.
    fn keep_typed(&mut self, exercise: &Exercise) {
        // It stays in mind: the student may go on, and all of it together is the answer then.
        let typed = &self.work.typed;
        if typed.is_empty() || !exercise.may_be_typed() {
            return;
        }
        let kept = answers::keep_typed(exercise, &format!("{}\n", typed.join("\n")));
        if let Some(path) = self.tell_if_failed(kept) {
            self.watch.knows(&path);
        }
    }

    /// Everything is met in what is done by hand: that is an answer as good as any.
    pub(super) fn note_passed_by_hand(&mut self, exercise: &Exercise, judged: Judged) {
        self.note_passed(exercise);
        self.journal(self.step(), exercise, &judged);
        self.keep_typed(exercise);
        self.work.judged = Some(judged);
        self.rendered = None;
    }

    pub(super) fn journal(&mut self, step: &Step, exercise: &Exercise, judged: &Judged) {
        let Some(journal) = &self.kept.journal else { return };
        let answer = judged.answer.as_ref().map(|answer| (answer.text.as_str(), answer.language));
        let (evidence, verdict) = (&judged.evidence, &judged.verdict);
        let (title, server) = (&step.title, &judged.server);
        let noted = journal.add_attempt(exercise, title, server, answer, evidence, verdict);
        self.tell_if_failed(noted);
    }

    fn hint(&mut self, exercise: &Exercise, number: usize) {
        self.work.hint = Some(number);
        let seen = u32::try_from(number + 1).unwrap_or(u32::MAX);
        if seen > self.progress.hints_seen(&exercise.id) {
            let noted = self.progress.set_hints_seen(&exercise.id, seen);
            self.tell_if_failed(noted);
        }
        self.look_at(View::Hint(number));
    }

    fn solution(&mut self, exercise: &Exercise) {
        if !self.progress.has(&exercise.id) {
            let sure = self.console.confirm("You have not passed it yet. Show the solution?");
            if self.answered(sure) != Some(true) {
                return;
            }
        }
        self.look_at(View::Solution);
    }

    fn reset(&mut self, exercise: &Exercise) {
        let question = "Begin this exercise anew? Your answer is kept beside it.";
        let sure = self.console.confirm(question);
        if self.answered(sure) != Some(true) {
            return;
        }
        let done = reset::one(exercise, &mut self.progress);
        let Some(backups) = self.tell_if_failed(done) else { return };
        self.begin_anew_at(self.at);
        self.tell(told_of_reset(&backups));
    }

    pub(super) fn reset_all(&mut self) {
        let question = "Begin the whole course anew? Your answers are kept beside the new ones.";
        let sure = self.console.confirm(question);
        if self.answered(sure) != Some(true) {
            return;
        }
        let exercises = self.course.exercises().map(|(.., exercise)| exercise);
        let mut backups = Vec::new();
        for exercise in exercises {
            let done = reset::one(exercise, &mut self.progress);
            let Some(more) = self.tell_if_failed(done) else { return };
            backups.extend(more);
        }
        self.begin_anew_at((0, 0));
        self.tell(told_of_reset(&backups));
    }

    /// What is judged just now was answered before.
    fn begin_anew_at(&mut self, at: (usize, usize)) {
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
        self.backstage.order(Order::Example(Box::new(ExampleOrder {
            settings: exercise.map(|it| it.settings.clone()).unwrap_or_default(),
            setup: exercise.map(|it| it.setup.clone()).unwrap_or_default(),
            answer: Answer { language: example.code.language, text, path: None },
            limit: verify::example_limit(exercise),
        })));
    }
}

fn language_of(exercise: &Exercise, file: &Path) -> Option<Language> {
    exercise.languages().into_iter().find(|language| answers::path(exercise, *language) == file)
}

fn told_of_reset(backups: &[std::path::PathBuf]) -> String {
    let names: Vec<String> = backups.iter().map(|path| format!("`{}`", path.shown())).collect();
    match &names[..] {
        [] => "it begins anew".to_owned(),
        names => format!("it begins anew; your answer is kept as {}", names.join(", ")),
    }
}
