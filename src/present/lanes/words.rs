//! The picture in words, in order of time.

use std::time::Duration;

use super::time;
use super::values::{Picture, Told};
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
            text.push_str(&format!("  {left_out} more\n"));
        }
        if !is_left_out {
            let sentence = plain::worded(sentence);
            text.push_str(&format!("  {}\n", wrap(&sentence, width.saturating_sub(4), "    ")));
        }
    }
    text
}

fn sentence(told: &Told) -> String {
    match told {
        // Of no moment on the axis.
        Told { at: Duration::MAX, says, .. } => {
            let mut says = says.clone();
            says[..1].make_ascii_uppercase();
            format!("{says}.")
        }
        Told { at, until: Some(until), says } => {
            format!("From {} to {} {says}.", time(*at), time(*until))
        }
        Told { at, until: None, says } => format!("At {} {says}.", time(*at)),
    }
}
