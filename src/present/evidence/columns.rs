//! Lines of the transcript in columns: when, from whom, what, and what Redis said to it.

use std::fmt::Write as _;

use colored::Colorize as _;

use super::mark_behind;
use super::transcript::{
    Form, Line, are_of_several_connections, command, line_of, reply_line, time, times, told_at,
    whole_reply,
};
use crate::present::text::{display_width, truncate, wrap};
use crate::tap::Outcome;

/// A command's column gets no wider.
const WIDEST_COMMAND: usize = 44;
/// With less room than this beside the command, a reply stands below it.
const NARROWEST_REPLY: usize = 16;
/// A reply that the cause rests on may take so many lines.
const REPLY_LINES: usize = 3;

/// Where the columns stand.
pub(super) struct Columns {
    time: usize,
    connection: Option<usize>,
    command: usize,
    width: usize,
}

impl Columns {
    pub(super) fn new(lines: &[(Line<'_>, bool)], width: usize) -> Self {
        let shown = || lines.iter().filter(|(_, is_kept)| *is_kept).map(|(line, _)| line);
        let several = are_of_several_connections(lines);
        let digits = |line: &Line<'_>| line.first.connection.to_string().len() + 1;
        let command = shown().map(|line| display_width(&command(line))).max().unwrap_or(0);
        Self {
            time: shown().map(|line| time(told_at(line.first)).len()).max().unwrap_or(0),
            connection: several.then(|| shown().map(digits).max().unwrap_or(0)),
            command: command.min(WIDEST_COMMAND).min(width / 2),
            width,
        }
    }

    pub(super) fn line(&self, line: &Line<'_>, form: Form) -> String {
        match form {
            Form::Long => self.long(line),
            Form::Short => self.short(line),
        }
    }

    /// Up to where the command begins.
    fn head(&self, line: &Line<'_>) -> String {
        let mut text = format!("    {:>1$}  ", time(told_at(line.first)), self.time);
        if let Some(digits) = self.connection {
            let number = match line.first.connection {
                0 => String::new(),
                number => format!("#{number}"),
            };
            let _ = write!(text, "{number:<digits$}  ");
        }
        text
    }

    /// All of it, however wide.
    fn long(&self, line: &Line<'_>) -> String {
        let head = self.head(line);
        let indent = display_width(&head) + self.command + 2;
        let mut text = head + &self.padded(&command(line));
        let replies = whole_reply(line.last);
        let replies = replies.iter().map(|reply| coloured(reply, line.last.outcome)).collect();
        text.push_str(&hanging(replies, indent, line.marked, usize::MAX));
        text
    }

    /// What fits on the screen.
    fn short(&self, line: &Line<'_>) -> String {
        let head = self.head(line);
        let start = display_width(&head);
        let (room, reply) = (self.width.saturating_sub(start), reply_line(line.last));
        let beside = room.saturating_sub(self.command + 2);
        if reply.is_empty() || beside >= NARROWEST_REPLY {
            let indent = start + self.command + 2;
            let replies = replies(line, &reply, beside);
            return head
                + &self.padded(&cut_command(line, self.command))
                + &hanging(replies, indent, line.marked, self.width);
        }
        let below = hanging(replies(line, &reply, room), start, line.marked, self.width);
        let command = cut_command(line, room);
        format!("{head}{}\n{}{below}", command.cyan(), " ".repeat(start))
    }

    fn padded(&self, command: &str) -> String {
        let gap = " ".repeat(self.command.saturating_sub(display_width(command)));
        format!("{}{gap}  ", command.cyan())
    }
}

/// A reply within `room` columns: in one line, or where it matters in some more.
fn replies(line: &Line<'_>, reply: &str, room: usize) -> Vec<String> {
    let wrapped = if line.marked { wrap(reply, room, "") } else { reply.to_owned() };
    let mut lines: Vec<String> = wrapped.lines().map(|it| truncate(it, room)).collect();
    if lines.len() > REPLY_LINES {
        let rest = lines.split_off(REPLY_LINES - 1).join(" ");
        lines.push(truncate(&rest, room));
    }
    lines.iter().map(|it| coloured(it, line.last.outcome)).collect()
}

/// Lines below one another, the first where the cursor stands; the mark behind the first one that has room for
/// it, or below.
fn hanging(mut lines: Vec<String>, indent: usize, is_marked: bool, width: usize) -> String {
    if lines.is_empty() {
        lines.push(String::new());
    }
    if is_marked {
        let at = if width == usize::MAX { 0 } else { lines.len() - 1 };
        let mark = mark_behind(&lines[at], indent, width);
        lines[at].push_str(&mark);
    }
    lines.join(&format!("\n{}", " ".repeat(indent))) + "\n"
}

fn coloured(reply: &str, outcome: Outcome) -> String {
    match outcome {
        Outcome::Refused => reply.red().to_string(),
        Outcome::NotRun | Outcome::Unknown => reply.yellow().to_string(),
        Outcome::Done => reply.to_owned(),
    }
}

/// A command cut to `width`, but not how often it was sent.
fn cut_command(line: &Line<'_>, width: usize) -> String {
    let times = times(line);
    let room = width.saturating_sub(display_width(&times));
    truncate(&(truncate(&line_of(line.first), room) + &times), width)
}
