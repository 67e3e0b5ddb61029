//! The actions on an exercise: edit, check, judge, hint, solution, reset.

use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use super::super::keys::VerdictKey;
use super::super::request::Request;
use super::super::state::{State, View};
use super::super::step_state::RunKind;
use super::super::worker::messages::{self, ExampleRequest, JudgedAnswer, RunNumber};
use crate::answers;
use crate::attempt::Answer;
use crate::lesson::{Exercise, Language};
use crate::present::evidence::Form;
use crate::present::judged::Detail;
use crate::progress::ProgressChange;
use crate::sanitize::ShownPath as _;
use crate::verify;

/// The session suggests a hint after every so many failed attempts.
const ATTEMPTS_PER_REMINDER: u32 = 3;

impl<'c> State<'c> {
    pub(super) fn edit(&mut self, chooses_language: bool) {
        // The check that follows would end the judging.
        if self.tell_of_judging() {
            return;
        }
        if let Some(exercise) = self.exercise() {
            let run = self.next_run();
            self.request(Request::Edit { exercise, chooses_language, run });
        }
    }

    /// Checks the answer in this language, or the latest.
    pub(super) fn check(&mut self, language: Option<Language>) {
        if self.tell_of_judging() {
            return;
        }
        if let Some(exercise) = self.exercise() {
            let run = self.next_run();
            self.request(Request::Check(exercise, language, run));
        }
    }

    /// Notes that the worker checks a file.
    pub(super) fn note_check(&mut self, language: Language, run: RunNumber) {
        let Some(exercise) = self.exercise() else { return };
        let file = answers::path(exercise, language).shown();
        self.note_language(language);
        self.wait_for_run(run, RunKind::Check, &format!("checking `{file}`"));
    }

    pub(super) fn ask_to_show_solution(&mut self) {
        if let Some(exercise) = self.exercise() {
            let asks_first = !self.has_passed();
            self.request(Request::ReadAnswers { exercise, asks_first });
        }
    }

    pub(super) fn ask_to_reset(
        &mut self,
        exercises: impl IntoIterator<Item = &'c Exercise>,
        is_whole_course: bool,
    ) {
        let exercises = exercises.into_iter().collect();
        self.request(Request::Reset { exercises, is_whole_course });
    }

    pub(super) fn tell_of_no_answer(&mut self) {
        self.work.file = None;
        self.tell(if self.may_be_judged_by_hand() {
            "there is no answer yet: `e` starts one, `p` opens the prompt"
        } else {
            "there is no answer file yet: `e` starts one; nothing else can pass this exercise"
        });
    }

    /// Remembers the language of the answer for this exercise and the next ones.
    pub(super) fn note_language(&mut self, language: Language) {
        self.work.file = Some(language);
        if self.record.language() != Some(language) {
            self.save(ProgressChange::Answered(language));
        }
    }

    /// Checks an answer file that has been saved.
    pub(super) fn check_saved(&mut self, file: &Path, notice: Option<&str>) {
        if let Some(notice) = notice {
            self.tell(notice);
        }
        let Some(exercise) = self.exercise() else { return };
        if let Some((language, _)) = answers::paths(exercise).find(|(_, own)| own == file) {
            self.check(Some(language));
        }
    }

    /// Tells why nothing happens when a file is saved that is no answer to the open exercise.
    pub(super) fn tell_of_saved_file(&mut self, file: &Path) {
        let steps = self.course.lessons.iter().flat_map(|lesson| &lesson.steps);
        let mut exercises = steps.filter_map(|step| Some((step, step.exercise.as_ref()?)));
        let owner = exercises.find(|(_, exercise)| has_the_file(exercise, file));
        let here = &self.step().title;
        let file = file.shown();
        self.tell(match (owner, self.exercise()) {
            (Some((step, _)), Some(_)) => {
                format!("`{file}` belongs to \"{}\"; this is \"{here}\"", step.title)
            }
            (Some((step, _)), None) => {
                format!("`{file}` belongs to \"{}\", which is not open: `l` lists all", step.title)
            }
            (None, Some(exercise)) => {
                let own: Vec<String> = own_files(exercise);
                format!("`{file}` belongs to no exercise; this one's file is {}", own.join(" or "))
            }
            (None, None) => format!("`{file}` belongs to no exercise"),
        });
    }

    /// Tells that a run has to wait for a judging. Returns whether there is one.
    fn tell_of_judging(&mut self) -> bool {
        let Some(judging) = self.pending_judging() else { return false };
        let title = &self.step_at(judging.visit.at).title;
        self.tell(format!("your work at \"{title}\" is still being judged: try again after that"));
        true
    }

    pub(super) fn judge(&mut self) {
        if self.tell_of_judging() {
            return;
        }
        let run = self.next_run();
        self.wait_for_run(run, RunKind::Judging, "judging what was done");
        self.ask_worker(messages::Request::Judge(run));
    }

    pub(super) fn start_over(&mut self) {
        self.work.forget_work_by_hand();
        self.work.starts_over = true;
        self.ask_worker(messages::Request::StartOver);
    }

    pub(super) fn take_verdict(&mut self, judged: JudgedAnswer) {
        self.work.busy = None;
        let Some(exercise) = self.exercise() else { return };
        self.status.clear();
        if judged.verdict.passed() {
            self.note_passed(exercise);
        } else {
            self.note_failed(exercise);
        }
        self.keep(exercise, judged);
        self.work.forget_work_by_hand();
        self.look_at(View::Verdict(Detail::Short));
    }

    /// Records a pass by hand, which counts like any other answer.
    pub(super) fn note_passed_by_hand(&mut self, exercise: &'c Exercise, judged: JudgedAnswer) {
        self.note_passed(exercise);
        self.keep(exercise, judged);
    }

    fn note_passed(&mut self, exercise: &Exercise) {
        self.tell("passed. `s` compares with the solution, `n` continues");
        self.save_time();
        self.save(ProgressChange::Passed(exercise.id.clone()));
    }

    fn note_failed(&mut self, exercise: &Exercise) {
        self.save(ProgressChange::Failed(exercise.id.clone()));
        let failed = self.record.failed_attempts(&exercise.id);
        let all_seen = self.record.hints_seen(&exercise.id) as usize >= exercise.hints.len();
        if failed > 0 && failed.is_multiple_of(ATTEMPTS_PER_REMINDER) && !all_seen {
            self.tell(format!("{failed} failed attempts so far: `h` shows a hint"));
        }
    }

    /// Keeps a verdict, and lines typed at the prompt as the answer file.
    fn keep(&mut self, exercise: &'c Exercise, judged: JudgedAnswer) {
        let judged = Rc::new(judged);
        self.request(Request::WriteAttempt(self.step(), exercise, Rc::clone(&judged)));
        // The lines are not cleared: if the student types more, all of them are the answer.
        let typed = &self.work.typed;
        if judged.answer.is_none() && !typed.is_empty() && exercise.may_be_typed() {
            let text = format!("{}\n", typed.join("\n"));
            self.request(Request::WriteAnswer(exercise, text));
            let file = answers::path(exercise, Language::Redis).shown();
            self.tell_also(&format!("what you typed at the prompt is in `{file}`"));
        }
        self.work.previous = self.work.judged.replace(judged);
    }

    /// Shows the verdict, or all of it if it is shown already.
    pub(super) fn show_verdict(&mut self) {
        let detail = match self.verdict_key() {
            VerdictKey::Details => Detail::Full(Form::Short),
            VerdictKey::Short | VerdictKey::Nothing => Detail::Short,
        };
        self.look_at(View::Verdict(detail));
    }

    /// Shows the hint that `choose` makes of the last one and of the number of hints.
    pub(super) fn show_hint(&mut self, choose: impl Fn(Option<usize>, usize) -> usize) {
        let Some(exercise) = self.exercise() else { return };
        let number = choose(self.work.hint, exercise.hints.len());
        self.work.hint = Some(number);
        let seen = u32::try_from(number + 1).unwrap_or(u32::MAX);
        if seen > self.record.hints_seen(&exercise.id) {
            self.save(ProgressChange::HintsSeen(exercise.id.clone(), seen));
        }
        self.look_at(View::Hint(number));
    }

    pub(super) fn ask_to_reset_the_chosen(&mut self) {
        let View::List(list) = &self.view else { return };
        let chosen = list.chosen(self.course, &self.record);
        match chosen.and_then(|place| self.step_at(place).exercise.as_ref()) {
            Some(exercise) => self.ask_to_reset(Some(exercise), false),
            None => self.tell("only an exercise can be reset"),
        }
    }

    /// Opens the step again if its exercise was reset. A pending verdict is on an old answer and
    /// does not count.
    pub(super) fn start_anew(
        &mut self,
        exercises: &[String],
        is_whole_course: bool,
        backups: &[PathBuf],
    ) {
        let list = matches!(self.view, View::List(_)).then(|| self.view.clone());
        let is_here = self.exercise().is_some_and(|exercise| exercises.contains(&exercise.id));
        if is_here {
            self.time_spent = Duration::ZERO;
        }
        if is_whole_course {
            self.go_to((0, 0));
        } else if is_here {
            self.go_to(self.at);
        }
        if let Some(list) = list.filter(|_| !is_whole_course) {
            self.view = list;
        }
        self.anew_since = self.visit.number;
        let names: Vec<String> = backups.iter().map(|path| format!("`{}`", path.shown())).collect();
        self.tell(match &names[..] {
            [] => "reset".to_owned(),
            [name] => format!("reset; your answer is kept as {name}"),
            names => format!("reset; your answers are kept as {}", names.join(", ")),
        });
    }

    pub(super) fn run_example(&mut self, number: usize) {
        if self.tell_of_judging() {
            return;
        }
        let step = self.step();
        let Some(example) = step.examples.get(number) else { return };
        let text = example.whole_code();
        let exercise = step.exercise.as_ref();
        let run = self.next_run();
        self.wait_for_run(run, RunKind::Example, "running the example on a fresh server");
        let request = ExampleRequest {
            settings: exercise.map(|exercise| exercise.settings.clone()).unwrap_or_default(),
            setup: exercise.map(|exercise| exercise.setup.clone()).unwrap_or_default(),
            answer: Answer { language: example.code.language, text, path: None },
            limit: verify::example_limit(exercise),
        };
        self.ask_worker(messages::Request::Example(run, Box::new(request)));
    }
}

fn has_the_file(exercise: &Exercise, file: &Path) -> bool {
    answers::paths(exercise).any(|(_, own)| own == file)
}

/// The names of its answers' files, in backticks.
fn own_files(exercise: &Exercise) -> Vec<String> {
    answers::paths(exercise).map(|(_, file)| format!("`{}`", file.shown())).collect()
}
