//! Which containers are ours, and how they are removed.

use std::collections::HashMap;
use std::sync::Once;
use std::time::{Duration, Instant};

use testcontainers::bollard::query_parameters::{
    ListContainersOptionsBuilder, RemoveContainerOptionsBuilder, RenameContainerOptionsBuilder,
};

use super::engine::{ask, client, engine_version};
use crate::cleanup;
use crate::server::session_lock::SessionLock;

/// On each of our containers: the run of redislings to which it belongs.
pub(super) const SESSION_LABEL: &str = "redislings.session";
/// The owner, whose runs may remove each other's leftovers: see [`SessionLock`].
pub(super) const OWNER_LABEL: &str = "redislings.owner";

/// The name prefix of a container that outlives us. A label can't be changed later.
const KEPT: &str = "redislings-kept-";

const REMOVAL_DEADLINE: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(5);

/// Removes containers of runs of redislings that were killed (SIGKILL): once per run, in the
/// background, and only if an engine answers.
pub fn sweep_leftovers() {
    static SWEPT: Once = Once::new();
    SWEPT.call_once(|| {
        // If the thread can't start, the next run sweeps.
        let _ = std::thread::Builder::new().name("sweep".into()).spawn(remove_dead_runs);
    });
}

fn remove_dead_runs() {
    if engine_version().is_err() {
        return;
    }
    let Ok(lock) = SessionLock::of_this_session() else { return };
    for (id, session) in labelled(OWNER_LABEL, &lock.owner) {
        if !lock.is_alive(&session) {
            remove(&id);
        }
    }
}

/// Makes sure that a signal removes this run's containers.
pub(super) fn remove_at_end(session: &'static str) {
    static REGISTERED: Once = Once::new();
    REGISTERED.call_once(|| {
        cleanup::at_end(move || {
            for (id, _) in labelled(SESSION_LABEL, session) {
                remove(&id);
            }
        });
    });
}

/// Renames a container so that no run removes it as a leftover.
pub(super) fn mark_as_kept(id: &str) -> Result<(), String> {
    let name = format!("{KEPT}{}", id.get(..12).unwrap_or(id));
    let options = RenameContainerOptionsBuilder::new().name(&name).build();
    ask(client()?.rename_container(id, options))
}

/// The ids and sessions of containers with this label, running or not, except kept ones.
fn labelled(label: &str, value: &str) -> Vec<(String, String)> {
    let Ok(docker) = client() else { return Vec::new() };
    let filters = HashMap::from([("label", vec![format!("{label}={value}")])]);
    let options = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
    let mut containers = ask(docker.list_containers(Some(options))).unwrap_or_default();
    containers.retain(|container| !container.names.as_deref().is_some_and(is_kept));
    let found = containers.into_iter().filter_map(|container| {
        Some((container.id?, container.labels?.remove(SESSION_LABEL).unwrap_or_default()))
    });
    found.collect()
}

fn is_kept(names: &[String]) -> bool {
    names.iter().any(|name| name.starts_with(&format!("/{KEPT}")))
}

/// Removes a container by its id or name, and returns when it is gone. The engine returns an error if it is already removing the
/// container by itself.
pub(super) fn remove(container: &str) {
    let Ok(docker) = client() else { return };
    let options = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
    let deadline = Instant::now() + REMOVAL_DEADLINE;
    while ask(docker.remove_container(container, Some(options.clone()))).is_err()
        && ask(docker.inspect_container(container, None)).is_ok()
        && Instant::now() < deadline
    {
        std::thread::park_timeout(POLL);
    }
}
