//! Which containers are ours, and how they go.

use std::collections::HashMap;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use testcontainers::bollard::query_parameters::{
    ListContainersOptionsBuilder, RemoveContainerOptionsBuilder, RenameContainerOptionsBuilder,
};

use super::engine::{ask, client, engine_version};
use crate::cleanup;
use crate::server::session_lock::SessionLock;

/// On every container of ours: which run of redislings it belongs to.
pub(super) const SESSION_LABEL: &str = "redislings.session";
/// Whose leftovers may be swept: see [`SessionLock`].
pub(super) const OWNER_LABEL: &str = "redislings.owner";
/// One for each container, to find what a start that failed half-way left behind.
pub(super) const HOST_LABEL: &str = "redislings.host";

/// How the name of a container begins that outlives us: labels can't be changed.
const KEPT: &str = "redislings-kept-";

const REMOVAL_DEADLINE: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(5);

/// Removes, once a run and in the background, what runs of redislings that were killed (SIGKILL) left
/// behind. Where no engine answers, nothing happens.
pub fn sweep_leftovers() {
    static SWEPT: OnceLock<()> = OnceLock::new();
    SWEPT.get_or_init(|| {
        // Without a thread nothing is swept this time.
        let _ = std::thread::Builder::new().name("sweep".into()).spawn(|| {
            if engine_version().is_err() {
                return;
            }
            let Ok(lock) = SessionLock::of_this_session() else { return };
            for (id, session) in labelled(OWNER_LABEL, lock.owner()) {
                if !lock.is_alive(&session) {
                    remove_by_id(&id);
                }
            }
        });
    });
}

/// Makes sure that a signal takes this run's containers with it.
pub(super) fn remove_at_end(session: &str) {
    static REGISTERED: OnceLock<()> = OnceLock::new();
    REGISTERED.get_or_init(|| {
        let session = session.to_owned();
        cleanup::at_end(move || remove_labelled(SESSION_LABEL, &session));
    });
}

/// From now on it is nobody's leftover.
pub(super) fn mark_as_kept(id: &str) -> Result<(), String> {
    let name = format!("{KEPT}{}", id.get(..12).unwrap_or(id));
    let options = RenameContainerOptionsBuilder::new().name(&name).build();
    ask(client()?.rename_container(id, options))
}

pub(super) fn remove_labelled(label: &str, value: &str) {
    for (id, _) in labelled(label, value) {
        remove_by_id(&id);
    }
}

/// Containers with this label, running or not, that were not kept: their ids and sessions.
fn labelled(label: &str, value: &str) -> Vec<(String, String)> {
    let Ok(docker) = client() else { return Vec::new() };
    let filters = HashMap::from([("label", vec![format!("{label}={value}")])]);
    let options = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
    let containers = ask(docker.list_containers(Some(options))).unwrap_or_default();
    let is_kept = |names: &[String]| names.iter().any(|name| name.starts_with(&format!("/{KEPT}")));
    let ours = containers.into_iter().filter(|it| !it.names.as_deref().is_some_and(is_kept));
    let known = ours.filter_map(|it| Some((it.id?, it.labels?)));
    known.map(|(id, labels)| (id, labels.get(SESSION_LABEL).cloned().unwrap_or_default())).collect()
}

/// Returns when it is gone: the engine refuses to remove what it is just removing by itself.
pub(super) fn remove_by_id(id: &str) {
    let Ok(docker) = client() else { return };
    let options = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
    let deadline = Instant::now() + REMOVAL_DEADLINE;
    while ask(docker.remove_container(id, Some(options.clone()))).is_err()
        && ask(docker.inspect_container(id, None)).is_ok()
        && Instant::now() < deadline
    {
        std::thread::park_timeout(POLL);
    }
}
