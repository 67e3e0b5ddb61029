//! The picture in words, in order of time.

use std::fmt::Write as _;

use super::time;
use super::values::{Picture, Told, When};
use crate::present::plain;
use crate::present::text::wrap;

/// The maximum number of sentences; those in the middle are left out.
const SENTENCES: usize = 24;

pub fn sentences(picture: &Picture, width: usize) -> String {
    let mut text = "what happened, in order:\n".to_owned();
    let all: Vec<String> = picture.story.iter().map(sentence).collect();
    let left_out = all.len().saturating_sub(SENTENCES);
    for (index, sentence) in all.iter().enumerate() {
        let is_left_out = (SENTENCES / 2..SENTENCES / 2 + left_out).contains(&index);
        if index == SENTENCES / 2 && left_out > 0 {
            let _ = writeln!(text, "  {left_out} more");
        }
        if !is_left_out {
            let sentence = plain::worded(sentence);
            let _ = writeln!(text, "  {}", wrap(&sentence, width.saturating_sub(4), "    "));
        }
    }
    text
}

fn sentence(told: &Told) -> String {
    let says = &told.says;
    match told.when {
        When::At(at) => format!("At {} {says}.", time(at)),
        When::During(from, until) => format!("From {} to {} {says}.", time(from), time(until)),
        When::Then(_) | When::Afterwards => {
            let mut says = says.clone();
            says[..1].make_ascii_uppercase();
            format!("{says}.")
        }
    }
}
