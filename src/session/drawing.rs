//! Draws the session's state as a frame.

use std::time::{Duration, Instant};

use super::console::Frame;
use super::{STATUS_DELAY, Session, View, keys, view};
use crate::answers;
use crate::present::waiting;

impl Session<'_> {
    pub(super) fn draw(&mut self) {
        self.drawn = Instant::now();
        let size = self.console.size();
        let width = view::text_width(size);
        let body = match self.rendered.take() {
            Some((columns, body)) if columns == width => body,
            _ => self.render(width),
        };
        let situation = self.situation();
        // A verdict lists the checks itself.
        let has_checks = match self.view {
            View::Text | View::Hint(_) | View::Example => true,
            View::Verdict => self.work.live.is_some(),
            View::Solution | View::Welcome | View::List(_) | View::Help => false,
        };
        let (checks, checks_in_short) = match self.exercise() {
            Some(exercise) if has_checks => view::checks(exercise, &self.work),
            _ => (Vec::new(), String::new()),
        };
        let (status, is_busy) = self.status_line(width);
        let frame = Frame {
            title: view::title(self.course, self.lesson(), self.at.1, &self.progress),
            body,
            top: self.top,
            checks,
            checks_in_short,
            status,
            is_busy,
            keys: keys::labels(&situation),
        };
        (self.top, self.seen) = self.console.show(&frame);
        self.rendered = Some((width, frame.body));
    }

    /// What is happening, otherwise what has just happened; and whether it changes all the time.
    fn status_line(&self, width: usize) -> (String, bool) {
        // Short background work would only flicker.
        let background =
            self.background.as_ref().filter(|busy| busy.since.elapsed() >= STATUS_DELAY);
        let Some(busy) = self.work.busy.as_ref().or(background) else {
            let now = &self.work.now;
            let status = if now.is_empty() { &self.status } else { now };
            return (status.trim_end().to_owned(), false);
        };
        let elapsed = busy.since.elapsed();
        let progress =
            if busy.progress.is_empty() { String::new() } else { format!(": {}", busy.progress) };
        let text = format!("{:.1} s {}{progress}", elapsed.as_secs_f64(), busy.what);
        let mut line = waiting::line(&text, elapsed, Duration::ZERO, width);
        if self.work.busy.is_none() && !self.status.is_empty() {
            line = format!("{}\n{line}", self.status.trim_end());
        }
        (line, true)
    }

    fn render(&self, width: usize) -> String {
        self.render_view(width).unwrap_or_else(|| {
            let (address, warning) = (self.address.as_deref(), self.warning.as_deref());
            view::text(self.lesson(), self.step(), address, warning, width)
        })
    }

    /// `None` where the step's text is shown.
    fn render_view(&self, width: usize) -> Option<String> {
        match (&self.view, self.exercise()) {
            (View::Verdict, Some(exercise)) => {
                let judged = self.work.judged.as_ref()?;
                let (evidence, verdict) = (&judged.evidence, &judged.verdict);
                Some(view::verdict(exercise, &judged.server, evidence, verdict, width))
            }
            (View::Hint(number), Some(exercise)) => Some(view::hint(exercise, *number, width)),
            (View::Solution, Some(exercise)) => {
                let own = answers::all(exercise);
                Some(view::solution(self.lesson(), exercise, &own, width))
            }
            (View::Example, _) => self.work.example.as_ref().map(view::example),
            (View::Welcome, _) => Some(view::welcome(width)),
            (View::Help, _) => Some(view::help(width)),
            (View::List(list), _) => Some(list.text(self.course, &self.progress, self.at, width)),
            _ => None,
        }
    }
}
