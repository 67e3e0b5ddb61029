//! Streams: entries that were never read, never acknowledged, or thrown away.

mod groups;
mod reads;
#[cfg(test)]
mod tests;

use super::Topic;
use crate::verdict::diagnosis::symptom::{DATA_WRONG, NOT_DONE, NOT_PRINTED};
use crate::verdict::diagnosis::{Diagnosis, Stage};

pub const TOPIC: Topic = Topic { diagnoses: DIAGNOSES, ..Topic::NONE };

const DIAGNOSES: &[Diagnosis] = &[
    Diagnosis::of(Stage::Gone, "pending-thrown-away", groups::thrown_away)
        .knowing_others()
        .explains(&[DATA_WRONG, NOT_DONE])
        .because(
            "XGROUP DELCONSUMER threw away what was pending for `{}` ({}): nobody can take that over any more",
        ),
    Diagnosis::of(Stage::Gone, "read-with-noack", groups::read_with_noack)
        .knowing_others()
        .explains(&[DATA_WRONG, NOT_DONE])
        .because(
            "XREADGROUP with NOACK gives entries out without keeping them pending, so nothing is \
             there to be acknowledged",
        ),
    Diagnosis::of(Stage::Gone, "xack-acknowledged-nothing", groups::acknowledged_nothing)
        .knowing_others()
        .explains(&[DATA_WRONG, NOT_DONE])
        .because("`XACK {}` answered 0: it acknowledged nothing"),
    Diagnosis::of(Stage::Gone, "xdel-in-place-of-xack", groups::deleted_in_place_of_acknowledged)
        .knowing_others()
        .explains(&[DATA_WRONG, NOT_DONE])
        .because(
            "XDEL takes an entry out of the stream, but `{}` stays pending in the group until XACK",
        ),
    Diagnosis::of(Stage::Gone, "another-consumer-at-each-start", groups::another_name)
        .knowing_others()
        .explains(&[DATA_WRONG])
        .because(
            "the consumer was called `{}` and, after the program was killed, `{}`: to Redis they \
             are two, and what is pending for one is not given to the other",
        ),
    Diagnosis::of(Stage::Gone, "pending-never-asked-for", groups::pending_never_asked_for)
        .knowing_others()
        .explains(&[DATA_WRONG])
        .because(
            "after the program was killed it read with `>` only, and `>` never returns what is \
             pending; `0` does",
        ),
    Diagnosis::of(Stage::Gone, "group-begins-behind", groups::begins_behind)
        .knowing_others()
        .explains(&[DATA_WRONG, NOT_DONE])
        .because("the group `{}` was made at `$`, so it never gives out what was there before"),
    Diagnosis::of(Stage::Gone, "dollar-skips-what-is-there", reads::skipped_by_dollar)
        .knowing_others()
        .explains(&[DATA_WRONG, NOT_PRINTED])
        .because("XREAD with `$` returns only what is added after the call, never what is there"),
];
