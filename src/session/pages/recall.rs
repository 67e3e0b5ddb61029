//! Questions of recall, from lessons in which the student has passed an exercise.

use super::super::keys::RecallKey;
use crate::lesson::{Course, RecallQuestion};
use crate::present::{markdown, terminal};
use crate::progress::Record;

/// How many questions are asked at one start.
const QUESTIONS: usize = 3;

/// The questions of one start, and how far the student is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Recall {
    /// The indexes of each one's lesson, and of the question in it.
    questions: Vec<(usize, usize)>,
    at: usize,
    pub(in super::super) shows_answer: bool,
}

impl Recall {
    /// Those that were never shown come first, then those that were shown longest ago. `None` if
    /// there are none.
    pub(in super::super) fn of(course: &Course, record: &Record) -> Option<Self> {
        let mut questions = Vec::new();
        for (number, lesson) in course.lessons.iter().enumerate() {
            let mut exercises = lesson.steps.iter().filter_map(|step| step.exercise.as_ref());
            if exercises.any(|exercise| record.has(&exercise.id)) {
                questions.extend((0..lesson.recall.len()).map(|index| (number, index)));
            }
        }
        questions.sort_by_key(|place| record.recalled_at(&name(course, *place)));
        questions.truncate(QUESTIONS);
        (!questions.is_empty()).then_some(Self { questions, at: 0, shows_answer: false })
    }

    pub(super) fn count(&self) -> usize {
        self.questions.len()
    }

    /// What `n` does.
    pub(in super::super) fn key(&self) -> RecallKey {
        match (self.shows_answer, self.is_last()) {
            (false, _) => RecallKey::ShowAnswer,
            (true, false) => RecallKey::NextQuestion,
            (true, true) => RecallKey::GoOn,
        }
    }

    pub(in super::super) fn is_last(&self) -> bool {
        self.at + 1 >= self.questions.len()
    }

    pub(in super::super) fn with_answer(self) -> Self {
        Self { shows_answer: true, ..self }
    }

    /// The next question.
    pub(in super::super) fn after(self) -> Self {
        Self { at: self.at + 1, shows_answer: false, ..self }
    }

    /// The name of the current question in the progress file.
    pub(in super::super) fn name(&self, course: &Course) -> String {
        name(course, self.questions[self.at])
    }

    fn question<'c>(&self, course: &'c Course) -> &'c RecallQuestion {
        let (lesson, index) = self.questions[self.at];
        &course.lessons[lesson].recall[index]
    }
}

/// A question has no id; where its number is another one's later, only the order suffers.
fn name(course: &Course, (lesson, index): (usize, usize)) -> String {
    format!("{}/{}", course.lessons[lesson].id, index + 1)
}

/// The page of the current question.
pub(in super::super) fn recall(recall: &Recall, course: &Course, width: usize) -> String {
    let question = recall.question(course);
    let title = format!("Question {} of {}", recall.at + 1, recall.count());
    let mut text = terminal::heading(&title);
    text.push('\n');
    text.push_str(&markdown::render(&question.question, width));
    if recall.shows_answer {
        text.push('\n');
        text.push_str(&markdown::render(&question.answer, width));
    }
    text
}
