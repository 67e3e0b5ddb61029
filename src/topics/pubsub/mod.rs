//! Pub/Sub: messages that nobody heard, and subscriptions that never end.

mod subscriptions;
#[cfg(test)]
mod tests;

use super::Topic;
use crate::verdict::diagnosis::symptom::{
    DATA_WRONG, ENDED_BADLY, NOT_DONE, NOT_HEARD, NOT_PRINTED,
};
use crate::verdict::diagnosis::{Diagnosis, Stage};

pub const TOPIC: Topic = Topic { diagnoses: DIAGNOSES, ..Topic::NONE };

const DIAGNOSES: &[Diagnosis] = &[
    Diagnosis::of(Stage::Setting, "events-are-off", subscriptions::events_are_off)
        .knowing_others()
        .explains(&[NOT_HEARD, NOT_PRINTED, NOT_DONE, DATA_WRONG, ENDED_BADLY])
        .because(
            "the answer subscribed to `{}`, but `notify-keyspace-events` was never set: without it \
             the server sends no events",
        ),
    Diagnosis::of(Stage::Elsewhere, "subscribed-too-late", subscriptions::too_late)
        .explains(&[NOT_HEARD, NOT_PRINTED, DATA_WRONG, ENDED_BADLY])
        .because(
            "`{}` was published before the answer subscribed to `{}`, and Redis keeps no message",
        ),
    Diagnosis::of(Stage::Elsewhere, "subscribed-again", subscriptions::subscribed_again)
        .explains(&[NOT_HEARD, NOT_PRINTED, NOT_DONE, DATA_WRONG])
        .because(
            "the server closed the subscriber's connection, and the client subscribed to `{}` again: \
             what was still unread is lost, and so is what was published in between",
        ),
    Diagnosis::of(Stage::Elsewhere, "still-subscribed", subscriptions::still_subscribed)
        .explains(&[ENDED_BADLY])
        .because(
            "the program was still subscribed to `{}` when its time was over, and nothing came there \
             any more: leave the loop (`break`), or stop the thread of `run_in_thread`, when you have \
             what you need",
        ),
];
