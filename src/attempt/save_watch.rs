//! When background saves end while an answer runs: what a transcript alone does not tell.

use std::time::{Duration, Instant};

use super::beside::{Beside, Shared};
use super::evidence::{forks_for_saves, is_saving};
use super::pace::pause;
use crate::error::WorldError;
use crate::server::{Client, Server, Snapshot};

const LIMIT: Duration = Duration::from_secs(1);

/// Looks again and again; gives for every background save that ended the last moment, since `began`, at which
/// it was surely not over yet: what comes behind that may have seen its end.
pub(super) fn watch(
    server: &Server,
    before: &Snapshot,
    began: Instant,
) -> Result<Beside<Vec<Duration>>, WorldError> {
    let client = Client::that_asks_again(server.checker_target());
    let before = before.clone();
    Beside::start("save-watch", move |shared| look_on(client, &before, began, shared))
}

fn look_on(mut client: Client, before: &Snapshot, began: Instant, shared: &Shared<Vec<Duration>>) {
    let mut last_look = Duration::ZERO;
    loop {
        // Told to stop, it looks once more: the end may just have come.
        let is_last = shared.is_told_to_stop();
        let asked = began.elapsed();
        if let Ok(now) = Snapshot::take(&mut client, LIMIT) {
            let begun = forks_for_saves(&now) - forks_for_saves(before);
            let over = usize::try_from(begun - i64::from(is_saving(&now, before))).unwrap_or(0);
            shared.note(|ends| ends.resize(over.max(ends.len()), last_look));
            last_look = asked;
        }
        if is_last {
            return;
        }
        pause(began);
    }
}
