//! One container in which servers run beside each other.

use std::collections::{HashMap, VecDeque};
use std::ops::RangeInclusive;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use nix::unistd::getuid;
use testcontainers::bollard::models::{NetworkSettings, PortBinding};
use testcontainers::core::IntoContainerPort as _;
use testcontainers::runners::AsyncRunner as _;
use testcontainers::{ContainerAsync, ContainerRequest, GenericImage, ImageExt as _};

use super::engine::{Image, ask, client, name_and_tag, patience};
use super::engine_gone;
use super::labels::{
    HOST_LABEL, OWNER_LABEL, SESSION_LABEL, mark_as_kept, remove_at_end, remove_by_id,
    remove_labelled,
};
use super::reach::{BRIDGE, Reach};
use super::supervisor::Supervisor;
use crate::cleanup::{self, lock};
use crate::error::{WorldError, with_sources};
use crate::runtime::{block_on, runtime};
use crate::server::session_lock::SessionLock;

const MAIN: &str = include_str!("host.sh");
/// Where the servers' directories stand, in memory; in the official images a volume would stand there.
const DIRECTORY: &str = "/data";
/// Of the ports inside. Not the usual one: REPLICAOF 127.0.0.1 6379 must not find another server there.
const FIRST_PORT: u16 = 41_001;
const START_DEADLINE: Duration = Duration::from_secs(60);
const REMOVAL_DEADLINE: Duration = Duration::from_secs(20);
/// Who may be a user of a container too: engines without root of their own map that many.
const USUAL_USERS: RangeInclusive<u32> = 1..=65_533;
/// A user that no machine has.
const NOBODY: u32 = 41_001;
const FOR_ENTRYPOINTS: [&str; 5] = ["CHOWN", "DAC_OVERRIDE", "KILL", "SETGID", "SETUID"];
/// Threads included; a server has about six, and there is one for each job.
const PROCESSES: i64 = 2048;
/// Of all servers together, with their files: a value of 512 MB and its snapshot fit.
const MEMORY_BYTES: i64 = 4 * 1024 * 1024 * 1024;
/// What the scripts call; all of them are in the official images.
const PROGRAMS: [&str; 7] = ["cat", "head", "mkdir", "rm", "setsid", "sleep", "wc"];

/// A running container with a fixed number of ports, one for each server at a time. Removed when dropped.
#[derive(Debug)]
pub(super) struct Host {
    supervisor: Supervisor,
    container: Container,
    reach: Reach,
    address: String,
    /// Those that no server has; the one that has been free for the longest time comes first.
    free: Mutex<VecDeque<Port>>,
    /// The number of the next server.
    next: AtomicU32,
}

/// One server's port.
#[derive(Debug, Clone, Copy)]
pub(super) struct Port {
    /// In the container.
    pub(super) inside: u16,
    /// At [`Host::address`].
    pub(super) outside: u16,
}

impl Host {
    /// Starts one for `capacity` servers at a time, and waits until servers can be started in it.
    pub(super) fn start(image: &Image, capacity: u16) -> Result<Self, WorldError> {
        let reach = Reach::find().map_err(|why| not_started(image, &why))?;
        let lock = SessionLock::of_this_session()?;
        remove_at_end(lock.session());
        let label = unique(lock.session());
        let _creating = cleanup::creating();
        let start = |user: User| {
            // A container that was created but not started is testcontainers' no more.
            Container::start(request(image, capacity, &reach, lock, &label, user))
                .inspect_err(|_| remove_labelled(HOST_LABEL, &label))
        };
        let container = match start(User::of(image)) {
            // An image whose programs are for root only.
            Err(why) if why.to_lowercase().contains("permission denied") => start(User::Images),
            started => started,
        };
        let container = container.map_err(|why| not_started(image, &why))?;
        let supervisor =
            Supervisor::start(&container.id).map_err(|why| not_started(image, &why))?;
        let mut host = Self {
            supervisor,
            container,
            reach,
            address: String::new(),
            free: Mutex::default(),
            next: AtomicU32::new(1),
        };
        host.look_for_programs(image)?;
        let network = host.network()?;
        let address = match &host.reach {
            Reach::Bridge => own_address(&network),
            Reach::Here => Some("127.0.0.1".to_owned()),
            Reach::Elsewhere(name) => Some(name.clone()),
        };
        let ports = inside(capacity).map(|inside| host.port(&network, inside)).collect();
        let (Some(address), Some(ports)) = (address, ports) else {
            let fact = format!("the container `{}` has no address or no ports", host.id());
            return Err(WorldError::new(fact, "try `--server process`"));
        };
        (host.address, host.free) = (address, Mutex::new(ports));
        Ok(host)
    }

    /// The engine's name for it.
    pub(super) fn id(&self) -> &str {
        &self.container.id
    }

    /// Where its ports are found: a name or an address.
    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// A port for one server, until it is given back.
    pub(super) fn take_port(&self) -> Option<Port> {
        lock(&self.free).pop_front()
    }

    /// Nothing listens there any more.
    pub(super) fn give_back(&self, port: Port) {
        lock(&self.free).push_back(port);
    }

    /// The next server's number.
    pub(super) fn next_number(&self) -> u32 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    /// Whether the container still does what it is told, as far as known.
    pub(super) fn is_usable(&self) -> bool {
        self.supervisor.is_reachable()
    }

    /// Lets the container outlive us, with the servers that run in it then.
    pub(super) fn keep(&self) -> Result<(), WorldError> {
        self.call(&["keep"], &[])?;
        mark_as_kept(self.id()).map_err(engine_gone)
    }

    /// Calls a function of the supervisor's script.
    pub(super) fn call(&self, words: &[&str], payload: &[u8]) -> Result<Vec<u8>, WorldError> {
        self.supervisor.call(words, payload).map_err(|why| {
            let id = self.id().get(..12).unwrap_or(self.id());
            WorldError::new(
                format!("the container `{id}` can't be used: {why}"),
                "see `docker ps -a` and the engine's log, or use `--server process`",
            )
        })
    }

    fn look_for_programs(&self, image: &Image) -> Result<(), WorldError> {
        let request: Vec<&str> = ["lacks"].into_iter().chain(PROGRAMS).collect();
        let missing = String::from_utf8_lossy(&self.call(&request, &[])?).trim().to_owned();
        if missing.is_empty() { Ok(()) } else { Err(lacks(image, &missing)) }
    }

    fn network(&self) -> Result<NetworkSettings, WorldError> {
        let docker = client().map_err(engine_gone)?;
        let found = ask(docker.inspect_container(self.id(), None)).map_err(engine_gone)?;
        Ok(found.network_settings.unwrap_or_default())
    }

    fn port(&self, network: &NetworkSettings, inside: u16) -> Option<Port> {
        let Some(binding) = self.reach.binding() else {
            return Some(Port { inside, outside: inside });
        };
        let bindings = network.ports.as_ref()?.get(&format!("{inside}/tcp"))?.as_ref()?;
        let mut ours = bindings.iter().filter(|it| it.host_ip.as_deref() == Some(binding));
        let outside = ours.find_map(|it| it.host_port.as_ref()?.parse().ok())?;
        Some(Port { inside, outside })
    }
}

/// In the engine's network.
fn own_address(network: &NetworkSettings) -> Option<String> {
    let address = network.networks.as_ref()?.get(BRIDGE)?.ip_address.clone()?;
    Some(address).filter(|address| !address.is_empty())
}

/// Removed when dropped.
#[derive(Debug)]
struct Container {
    /// Taken when it is removed.
    handle: Option<ContainerAsync<GenericImage>>,
    id: String,
}

impl Container {
    fn start(request: ContainerRequest<GenericImage>) -> Result<Self, String> {
        // On a task of its own: given up, testcontainers would wait for an engine that says nothing.
        let start = runtime().spawn(request.start());
        let started = block_on(async { tokio::time::timeout(START_DEADLINE, start).await });
        let late = |_elapsed| format!("it did not within {} s", START_DEADLINE.as_secs());
        let started = started.map_err(late)?.map_err(|panic| panic.to_string())?;
        let handle = started.map_err(|error| with_sources(&error))?;
        let id = handle.id().to_owned();
        Ok(Self { handle: Some(handle), id })
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        let Some(handle) = self.handle.take() else { return };
        let removal = runtime().spawn(handle.rm());
        let deadline = patience(REMOVAL_DEADLINE);
        let removed = block_on(async { tokio::time::timeout(deadline, removal).await });
        // The engine may be removing it already, by itself.
        if matches!(removed, Ok(Ok(Err(_)))) {
            remove_by_id(&self.id);
        }
    }
}

fn inside(capacity: u16) -> impl Iterator<Item = u16> {
    FIRST_PORT..FIRST_PORT + capacity
}

/// As whom everything in a container runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum User {
    /// With this number, also as the group's.
    Number(u32),
    /// As the image says.
    Images,
}

impl User {
    /// Not root; this user where that is possible, since others of that number on this machine could reach in.
    fn of(image: &Image) -> Self {
        if !matches!(image.user.as_str(), "" | "0" | "root" | "0:0" | "root:root") {
            return Self::Images;
        }
        let ours = getuid().as_raw();
        Self::Number(if USUAL_USERS.contains(&ours) { ours } else { NOBODY })
    }
}

fn request(
    image: &Image,
    capacity: u16,
    reach: &Reach,
    lock: &SessionLock,
    label: &str,
    user: User,
) -> ContainerRequest<GenericImage> {
    let (name, tag) = name_and_tag(&image.reference);
    let image = GenericImage::new(name, tag);
    let bindings: HashMap<_, _> = reach.binding().map_or_else(HashMap::new, |address| {
        let binding =
            PortBinding { host_ip: Some(address.to_owned()), host_port: Some(String::new()) };
        inside(capacity).map(|port| (format!("{port}/tcp"), Some(vec![binding.clone()]))).collect()
    });
    let exposed = inside(capacity).filter(|_| reach.binding().is_some());
    let image = exposed.fold(image, |image, port| image.with_exposed_port(port.tcp()));
    let request = image
        .with_entrypoint("sh")
        .with_cmd(["-c", MAIN, "host"])
        .with_working_dir(DIRECTORY)
        .with_label(SESSION_LABEL, lock.session())
        .with_label(OWNER_LABEL, lock.owner())
        .with_label(HOST_LABEL, label)
        .with_startup_timeout(START_DEADLINE);
    // As for processes, see `disk::temporary_folder`.
    let (request, folder) = match user {
        User::Number(id) => {
            (request.with_user(format!("{id}:{id}")), format!("mode=0700,uid={id},gid={id}"))
        }
        User::Images => (request, String::new()),
    };
    let has_entrypoint_rights = user == User::Images;
    request.with_host_config_modifier(move |host| {
        host.publish_all_ports = Some(false);
        host.port_bindings = Some(bindings.clone());
        host.tmpfs = Some(HashMap::from([(DIRECTORY.to_owned(), folder.clone())]));
        // When we are killed, the supervisor ends the container, and the engine does the rest.
        host.auto_remove = Some(true);
        host.cap_drop = Some(vec!["ALL".to_owned()]);
        // What the entrypoints of official images need to give up root.
        host.cap_add = has_entrypoint_rights
            .then(|| FOR_ENTRYPOINTS.iter().map(|&name| name.to_owned()).collect());
        host.security_opt = Some(vec!["no-new-privileges".to_owned()]);
        host.pids_limit = Some(PROCESSES);
        host.memory = Some(MEMORY_BYTES);
    })
}

fn not_started(image: &Image, why: &str) -> WorldError {
    if why.contains("\"sh\": executable file not found") {
        return lacks(image, "sh");
    }
    WorldError::new(
        format!("the image `{}` did not start: {why}", image.reference),
        "see `redislings doctor`, or use `--server process`",
    )
}

fn lacks(image: &Image, programs: &str) -> WorldError {
    let programs = programs.split(' ').map(|name| format!("`{name}`")).collect::<Vec<_>>();
    WorldError::new(
        format!("the image `{}` has no {}", image.reference, programs.join(", ")),
        "use an official image, or another with a shell and the usual programs, or `--server process`",
    )
}

fn unique(session: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("{session}-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_without_a_shell_is_named_with_what_it_lacks() {
        let image =
            Image { reference: "own/redis".into(), command: Vec::new(), user: String::new() };
        let why = "OCI runtime create failed: exec: \"sh\": executable file not found in $PATH";
        assert_eq!(not_started(&image, why).fact, "the image `own/redis` has no `sh`");
        assert_eq!(lacks(&image, "head wc").fact, "the image `own/redis` has no `head`, `wc`");
    }
}
