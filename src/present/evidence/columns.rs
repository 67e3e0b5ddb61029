//! Lines of the transcript in columns: time, connection, command and reply.

use std::fmt::Write as _;

use colored::Colorize as _;

use super::event_text::{line_of, shown_at, time, whole_reply};
use super::mark_behind;
use super::transcript::{
    Form, TranscriptLine, are_of_several_connections, command, reply_of, times,
};
use crate::present::text::{display_width, truncate, wrap};
use crate::relay::CommandOutcome;

/// The maximum width of the command column.
const WIDEST_COMMAND: usize = 44;
/// With less room than this after the command, the reply goes below it.
const NARROWEST_REPLY: usize = 16;
/// The maximum number of lines of a reply that is evidence for the cause.
const REPLY_LINES: usize = 3;

/// The widths of the columns.
pub(super) struct Columns {
    time: usize,
    connection: Option<usize>,
    command: usize,
    width: usize,
}

impl Columns {
    pub(super) fn new(lines: &[(TranscriptLine<'_>, bool)], width: usize) -> Self {
        let (mut time_width, mut connection_width, mut command_width) = (0, 0, 0);
        for (line, is_kept) in lines {
            if *is_kept {
                connection_width = connection_width.max(connection(line).len());
                time_width = time_width.max(time(shown_at(line.first)).len());
                command_width = command_width.max(display_width(&command(line)));
            }
        }
        Self {
            time: time_width,
            connection: are_of_several_connections(lines).then_some(connection_width),
            command: command_width.min(WIDEST_COMMAND).min(width / 2),
            width,
        }
    }

    pub(super) fn line(&self, line: &TranscriptLine<'_>, form: Form) -> String {
        match form {
            _ if line.first.exchange().is_none() => self.without_reply(line, form),
            Form::Long => self.long(line),
            Form::Short => self.short(line),
        }
    }

    /// The columns before the command.
    fn head(&self, line: &TranscriptLine<'_>) -> String {
        let mut text = format!("    {:>1$}  ", time(shown_at(line.first)), self.time);
        if let Some(digits) = self.connection {
            let _ = write!(text, "{:<digits$}  ", connection(line));
        }
        text
    }

    fn without_reply(&self, line: &TranscriptLine<'_>, form: Form) -> String {
        let head = self.head(line);
        let room = match form {
            Form::Long => usize::MAX,
            Form::Short => self.width.saturating_sub(display_width(&head)),
        };
        format!("{head}{}\n", cut_command(line, room).cyan())
    }

    /// The whole line, however wide.
    fn long(&self, line: &TranscriptLine<'_>) -> String {
        let head = self.head(line);
        let indent = display_width(&head) + self.command + 2;
        let mut text = head + &self.padded(&command(line));
        let replies = whole_reply(line.last);
        let replies = replies.iter().map(|reply| coloured(reply, line.outcome())).collect();
        text.push_str(&hanging(replies, indent, line.marked, usize::MAX));
        text
    }

    /// The line cut to the screen.
    fn short(&self, line: &TranscriptLine<'_>) -> String {
        let head = self.head(line);
        let start = display_width(&head);
        let (room, reply) = (self.width.saturating_sub(start), reply_of(line));
        let reply_room = room.saturating_sub(self.command + 2);
        if reply.is_empty() || reply_room >= NARROWEST_REPLY {
            let indent = start + self.command + 2;
            let replies = replies(line, &reply, reply_room);
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

/// `#2`; empty for what is of no connection.
fn connection(line: &TranscriptLine<'_>) -> String {
    line.first.connection().map(|number| format!("#{number}")).unwrap_or_default()
}

/// A reply within `room` columns: one line, or several if it is marked.
fn replies(line: &TranscriptLine<'_>, reply: &str, room: usize) -> Vec<String> {
    let wrapped = if line.marked { wrap(reply, room, "") } else { reply.to_owned() };
    let mut lines: Vec<String> = wrapped.lines().map(|part| truncate(part, room)).collect();
    if lines.len() > REPLY_LINES {
        let rest = lines.split_off(REPLY_LINES - 1).join(" ");
        lines.push(truncate(&rest, room));
    }
    lines.iter().map(|part| coloured(part, line.outcome())).collect()
}

/// Lines below one another, with the first at the cursor. The mark follows the last line, or the
/// first one at unlimited width.
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

fn coloured(reply: &str, outcome: CommandOutcome) -> String {
    match outcome {
        CommandOutcome::Refused => reply.red().to_string(),
        CommandOutcome::NotRun | CommandOutcome::Unknown => reply.yellow().to_string(),
        CommandOutcome::Done => reply.to_owned(),
    }
}

/// A command cut to `width`; its number of repetitions is kept.
fn cut_command(line: &TranscriptLine<'_>, width: usize) -> String {
    let times = times(line);
    let room = width.saturating_sub(display_width(&times));
    truncate(&(truncate(&line_of(line.first), room) + &times), width)
}
