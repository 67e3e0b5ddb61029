//! Keys that expire: a time to live that was lost or never given, and locks.

mod life;
mod locks;
#[cfg(test)]
mod tests;

use super::Topic;
use crate::verdict::diagnosis::symptom::{DATA_WRONG, NOT_DONE};
use crate::verdict::diagnosis::{Diagnosis, Stage};

pub const TOPIC: Topic = Topic { diagnoses: DIAGNOSES, ..Topic::NONE };

const DIAGNOSES: &[Diagnosis] = &[
    Diagnosis::of(Stage::Gone, "lock-of-another-deleted", locks::deleted_anothers)
        .knowing_others()
        .explains(&[DATA_WRONG])
        .because("{} took `{}` away, and by then another client had written to it"),
    Diagnosis::of(Stage::Gone, "went-on-without-the-lock", locks::went_on_without)
        .knowing_others()
        .explains(&[DATA_WRONG, NOT_DONE])
        .because("{} did nothing, since `{}` was there already, and the answer went on to {}"),
    Diagnosis::of(Stage::Gone, "time-to-live-replaced", life::replaced)
        .knowing_others()
        .explains(&[DATA_WRONG])
        .because("{} gave `{}` a new value, and its time to live went with the old one"),
    Diagnosis::of(Stage::Gone, "made-anew-without-an-end", life::made_anew)
        .knowing_others()
        .explains(&[DATA_WRONG])
        .because("`{}` had ended before {} came, which made it anew without a time to live"),
    Diagnosis::of(Stage::Gone, "killed-before-expire", life::killed_before_expire)
        .knowing_others()
        .explains(&[DATA_WRONG])
        .because(
            "{} made `{}` without a time to live, and the program was killed before it gave it one",
        ),
    Diagnosis::of(Stage::Gone, "given-an-end-later", life::given_an_end_later)
        .knowing_others()
        .explains(&[DATA_WRONG])
        .because("{} made `{}` without a time to live, and {} gave it one only afterwards"),
    Diagnosis::of(Stage::Values, "never-given-an-end", life::never_given_an_end)
        .knowing_others()
        .explains(&[DATA_WRONG])
        .because("nothing gave `{}` a time to live"),
];
