//! What the thread that has the servers tells, while the student is where it began.

use std::time::Instant;

use super::backstage::{LiveNews, News, Order};
use super::work::Busy;
use super::{FAREWELL, SHORT_PATIENCE, Session, View};
use crate::lesson::Step;
use crate::present::{plain, terminal, usual_port_taken, waiting};
use crate::tap::Transcript;
use crate::verdict::Tick;

impl Session<'_> {
    /// Whether there were any news.
    pub(super) fn take_news(&mut self) -> bool {
        let mut were_any = false;
        while let Some(dated) = self.backstage.news() {
            were_any = true;
            if let Some(news) = self.unless_late(dated) {
                self.take(news);
            }
        }
        were_any
    }

    pub(super) fn take(&mut self, news: News) {
        match news {
            News::Line(line) => {
                if let Some(busy) = self.work.busy.as_mut() {
                    busy.progress = line;
                } else {
                    self.background = Some(Busy::with(line));
                }
            }
            News::Progress(progress) => match (&mut self.work.busy, &mut self.background) {
                (Some(busy), _) | (None, Some(busy)) => busy.progress = progress,
                (None, none) => *none = Some(Busy::with(progress)),
            },
            News::Background(text) => {
                let since = self.background.as_ref().map_or_else(Instant::now, |it| it.since);
                self.background = Some(text)
                    .filter(|text| !text.is_empty())
                    .map(|what| Busy { since, ..Busy::with(what) });
            }
            News::Found { why, address, usual_port_is_taken } => {
                self.background = None;
                self.address = Some(address.to_string());
                self.warning = usual_port_is_taken.then(|| usual_port_taken(address));
                self.rendered = None;
                if self.status.is_empty() {
                    self.tell(format!("server: {why}"));
                }
                self.warn();
            }
            News::Began { .. } => self.work.is_at_hand = true,
            News::Live(live) => self.take_live(live),
            News::Explored { server, transcript } => {
                // A look may have come just before, and have told of work that is over by now.
                self.work.forget_work_by_hand();
                self.tell("the next who connects finds a fresh server");
                self.note_exploration(self.step(), &server, &transcript);
            }
            News::Judged(judged) => self.take_verdict(*judged),
            News::Ran(run) => {
                self.work.busy = None;
                self.work.forget_work_by_hand();
                self.work.example = Some(*run);
                self.look_at(View::Example);
            }
            News::Failed(error) => {
                self.work.busy = None;
                self.background = None;
                // Its server is gone, or was given up for another.
                self.work.forget_work_by_hand();
                self.status = terminal::world_error(&error);
            }
        }
    }

    /// Tells of another program at port 6379, below what is told already.
    pub(super) fn warn(&mut self) {
        // Where one line is printed below the other, the text has told it.
        let is_told = plain::is_on() && self.view == View::Text && self.exercise().is_some();
        if let Some(warning) = self.warning.as_ref().filter(|_| !is_told) {
            let told = std::mem::take(&mut self.status);
            self.status = match told.trim_end() {
                "" => warning.clone(),
                told => format!("{told}\n{warning}"),
            };
        }
    }

    fn take_live(&mut self, live: LiveNews) {
        self.work.is_at_hand = true;
        self.work.now.clear();
        let Some(exercise) = self.exercise() else { return };
        let Some(verdict) = live.verdict else {
            "the server is too busy to answer anybody".clone_into(&mut self.work.now);
            return;
        };
        self.work.note_saving(live.saving.is_some());
        self.work.now = live.saving.map(waiting::saving).unwrap_or_default();
        let before = self.work.marks(exercise);
        let doubt = verdict.doubt.clone();
        let is_ready = exercise.may_be_typed()
            && !verdict.ticks.contains(&Tick::Open)
            && verdict.ticks.contains(&Tick::AtTheEnd);
        self.work.live = Some(verdict);
        let new = self.work.newly_met(&before, exercise);
        if let Some(judged) = live.passed {
            self.note_passed_by_hand(exercise, *judged);
        } else if let Some(doubt) = doubt {
            self.tell(format!("{doubt}; `o` begins with a fresh server"));
        } else if !new.is_empty() && is_ready {
            self.tell("all that can be seen now is met: `j` judges it, crash and all");
        } else if !new.is_empty() {
            self.tell(format!("met: {}", new.join(", ")));
        }
    }

    /// What was done by hand and not judged goes into the journal, if the server tells it soon enough.
    pub(super) fn keep_unfinished_work(&mut self) {
        if !self.work.is_at_hand {
            return;
        }
        self.backstage.order(Order::StartOver);
        let deadline = Instant::now() + FAREWELL;
        while Instant::now() < deadline {
            while let Some(news) = self.news() {
                let is_all = matches!(news, News::Explored { .. });
                self.take(news);
                if is_all {
                    return;
                }
            }
            std::thread::park_timeout(SHORT_PATIENCE);
        }
    }

    pub(super) fn note_exploration(&mut self, step: &Step, server: &str, transcript: &Transcript) {
        let journal = self.kept.journal.as_ref();
        let noted = journal.map(|it| it.add_exploration(&step.title, server, transcript));
        self.tell_if_failed(noted.unwrap_or(Ok(())));
    }
}
