//! A host: one container in which several servers run side by side.

use std::collections::{HashMap, VecDeque};
use std::mem::ManuallyDrop;
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nix::unistd::getuid;
use testcontainers::bollard::models::{NetworkSettings, PortBinding};
use testcontainers::core::IntoContainerPort as _;
use testcontainers::runners::AsyncRunner as _;
use testcontainers::{ContainerRequest, GenericImage, ImageExt as _};

use super::engine::{Image, ask, client, name_and_tag};
use super::engine_gone;
use super::labels::{OWNER_LABEL, SESSION_LABEL, mark_as_kept, remove, remove_at_end};
use super::network::{BRIDGE, Network};
use super::supervisor::Supervisor;
use crate::cleanup::{self, lock};
use crate::error::{EnvironmentError, with_sources};
use crate::runtime::{block_on, runtime};
use crate::server::session_lock::SessionLock;

const MAIN: &str = include_str!("host.sh");
/// The folder of the servers' directories, in memory; the official images have a volume there.
const DIRECTORY: &str = "/data";
/// The first port in the container. Not 6379: REPLICAOF 127.0.0.1 6379 must not find another
/// server.
const FIRST_PORT: u16 = 41_001;
const START_DEADLINE: Duration = Duration::from_secs(60);
/// User ids that can run a container: rootless engines map only these.
const USUAL_USERS: RangeInclusive<u32> = 1..=65_533;
/// A user id that no machine uses.
const NOBODY: u32 = 41_001;
/// The capabilities that the entrypoints of official images need to drop root.
const ENTRYPOINT_CAPABILITIES: [&str; 5] = ["CHOWN", "DAC_OVERRIDE", "KILL", "SETGID", "SETUID"];
/// The limit of processes and threads; a server has about six, and each job has one server.
const PROCESSES: i64 = 2048;
/// The memory limit of all servers together, with their files: a value of 512 MB and its snapshot
/// fit.
const MEMORY_BYTES: i64 = 4 * 1024 * 1024 * 1024;
/// The programs that the scripts call; the official images have them all.
const PROGRAMS: [&str; 8] = ["cat", "head", "mkdir", "mv", "rm", "setsid", "sleep", "wc"];

/// A running container with a fixed number of ports, one per running server. Removed when dropped.
#[derive(Debug)]
pub(super) struct Host {
    supervisor: Supervisor,
    container: EngineContainer,
    address: String,
    /// The unused ports; the one that has been free for the longest time comes first.
    free: Mutex<VecDeque<HostPort>>,
    /// The number of the next server.
    next: AtomicU32,
}

/// One server's port.
#[derive(Debug, Clone, Copy)]
pub(super) struct HostPort {
    /// In the container.
    pub(super) inside: u16,
    /// At [`Host::address`].
    pub(super) outside: u16,
}

/// One server's slot in a host.
#[derive(Debug)]
pub(super) struct HostSlot {
    pub(super) host: Arc<Host>,
    pub(super) port: HostPort,
    /// The server's number in the supervisor, which no other in this container has had.
    pub(super) number: String,
}

impl Host {
    /// Starts a container for `capacity` servers at a time, and waits until it can start servers.
    pub(super) fn start(image: &Image, capacity: u16) -> Result<Self, EnvironmentError> {
        let network = Network::find().map_err(|why| not_started(image, &why))?;
        let lock = SessionLock::of_this_session()?;
        remove_at_end(&lock.session);
        let _creating = cleanup::creating();
        let start = |user| {
            EngineContainer::start(&lock.session, request(image, capacity, &network, lock, user))
        };
        let container = match start(user_for(image)) {
            // In some images only root can run the programs.
            Err(why) if why.to_lowercase().contains("permission denied") => start(None),
            started => started,
        };
        let container = container.map_err(|why| not_started(image, &why))?;
        let supervisor =
            Supervisor::start(&container.id).map_err(|why| not_started(image, &why))?;
        let mut host = Self {
            supervisor,
            container,
            address: String::new(),
            free: Mutex::default(),
            next: AtomicU32::new(1),
        };
        host.check_programs(image)?;
        let settings = host.network_settings()?;
        let address = match &network {
            Network::Bridge => own_address(&settings),
            Network::Loopback => Some("127.0.0.1".to_owned()),
            Network::Remote(name) => Some(name.clone()),
        };
        let ports = inside(capacity).map(|inside| port(&settings, network.binding(), inside));
        let (Some(address), Some(ports)) = (address, ports.collect()) else {
            let fact = format!("the container `{}` has no address or no ports", host.id());
            return Err(EnvironmentError::new(fact, "try `--server process`"));
        };
        (host.address, host.free) = (address, Mutex::new(ports));
        Ok(host)
    }

    /// The engine's id of the container.
    pub(super) fn id(&self) -> &str {
        &self.container.id
    }

    /// The name or address at which its ports can be reached.
    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// Takes a port for one server, until it is given back.
    pub(super) fn take_slot(self: &Arc<Self>) -> Option<HostSlot> {
        let port = lock(&self.free).pop_front()?;
        let number = self.next.fetch_add(1, Ordering::Relaxed).to_string();
        Some(HostSlot { host: Arc::clone(self), port, number })
    }

    /// Frees a port at which nothing listens any more.
    pub(super) fn give_back(&self, port: HostPort) {
        lock(&self.free).push_back(port);
    }

    /// Whether the container still accepts requests, as far as we know.
    pub(super) fn is_usable(&self) -> bool {
        self.supervisor.is_reachable()
    }

    /// Lets the container and the servers in it outlive us.
    pub(super) fn keep(&self) -> Result<(), EnvironmentError> {
        self.call(&["keep"], &[])?;
        mark_as_kept(self.id()).map_err(engine_gone)
    }

    /// Calls a function of the supervisor's script.
    pub(super) fn call(&self, words: &[&str], payload: &[u8]) -> Result<Vec<u8>, EnvironmentError> {
        self.supervisor.call(words, payload).map_err(|why| {
            let id = self.id().get(..12).unwrap_or(self.id());
            EnvironmentError::new(
                format!("the container `{id}` can't be used: {why}"),
                "see `docker ps -a` and the engine's log, or use `--server process`",
            )
        })
    }

    fn check_programs(&self, image: &Image) -> Result<(), EnvironmentError> {
        let request: Vec<&str> = ["lacks"].into_iter().chain(PROGRAMS).collect();
        let missing = String::from_utf8_lossy(&self.call(&request, &[])?).trim().to_owned();
        if missing.is_empty() { Ok(()) } else { Err(lacks(image, &missing)) }
    }

    fn network_settings(&self) -> Result<NetworkSettings, EnvironmentError> {
        let docker = client().map_err(engine_gone)?;
        let container = ask(docker.inspect_container(self.id(), None)).map_err(engine_gone)?;
        Ok(container.network_settings.unwrap_or_default())
    }
}

/// The container's address in the engine's network.
fn own_address(settings: &NetworkSettings) -> Option<String> {
    let address = settings.networks.as_ref()?.get(BRIDGE)?.ip_address.clone()?;
    Some(address).filter(|address| !address.is_empty())
}

/// Where the engine publishes a port of the container, if it does that at an address.
fn port(settings: &NetworkSettings, binding: Option<&str>, inside: u16) -> Option<HostPort> {
    if binding.is_none() {
        return Some(HostPort { inside, outside: inside });
    }
    let bindings = settings.ports.as_ref()?.get(&format!("{inside}/tcp"))?.as_ref()?;
    let mut ours = bindings.iter().filter(|published| published.host_ip.as_deref() == binding);
    let outside = ours.find_map(|published| published.host_port.as_ref()?.parse().ok())?;
    Some(HostPort { inside, outside })
}

/// A container that is removed when dropped.
#[derive(Debug)]
struct EngineContainer {
    id: String,
}

impl EngineContainer {
    fn start(session: &str, request: ContainerRequest<GenericImage>) -> Result<Self, String> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("{session}-{}", NEXT.fetch_add(1, Ordering::Relaxed));
        // testcontainers does not remove a container that was created but not started.
        Self::start_by(request.with_container_name(&name)).inspect_err(|_| remove(&name))
    }

    fn start_by(request: ContainerRequest<GenericImage>) -> Result<Self, String> {
        // In its own task, since dropping the future of testcontainers would wait for an engine
        // that does not answer.
        let start = runtime().spawn(request.start());
        let started = block_on(async { tokio::time::timeout(START_DEADLINE, start).await });
        let started = started
            .map_err(|_elapsed| format!("it took more than {} s", START_DEADLINE.as_secs()))?
            .map_err(|panic| panic.to_string())?;
        // testcontainers would remove it in the background; we have to know when it is gone.
        let handle = ManuallyDrop::new(started.map_err(|error| with_sources(&error))?);
        Ok(Self { id: handle.id().to_owned() })
    }
}

impl Drop for EngineContainer {
    fn drop(&mut self) {
        remove(&self.id);
    }
}

fn inside(capacity: u16) -> impl Iterator<Item = u16> {
    FIRST_PORT..FIRST_PORT + capacity
}

/// The user and group that run everything in a container; `None` is the user of the image. Never
/// root. Our own user id if possible, since a user of this machine with the same id could access
/// the container's processes.
fn user_for(image: &Image) -> Option<u32> {
    let is_root = matches!(image.user.as_str(), "" | "0" | "root" | "0:0" | "root:root");
    let ours = getuid().as_raw();
    is_root.then_some(if USUAL_USERS.contains(&ours) { ours } else { NOBODY })
}

fn request(
    image: &Image,
    capacity: u16,
    network: &Network,
    lock: &SessionLock,
    user: Option<u32>,
) -> ContainerRequest<GenericImage> {
    let (name, tag) = name_and_tag(&image.reference);
    let image = GenericImage::new(name, tag);
    let bindings: HashMap<_, _> = network.binding().map_or_else(HashMap::new, |address| {
        let binding =
            PortBinding { host_ip: Some(address.to_owned()), host_port: Some(String::new()) };
        inside(capacity).map(|port| (format!("{port}/tcp"), Some(vec![binding.clone()]))).collect()
    });
    let exposed = inside(capacity).filter(|_| network.binding().is_some());
    let image = exposed.fold(image, |image, port| image.with_exposed_port(port.tcp()));
    let request = image
        .with_entrypoint("sh")
        .with_cmd(["-c", MAIN, "host"])
        .with_working_dir(DIRECTORY)
        .with_label(SESSION_LABEL, &lock.session)
        .with_label(OWNER_LABEL, &lock.owner)
        .with_startup_timeout(START_DEADLINE);
    // In memory, for the same reason as for processes: see `disk::temporary_folder`.
    let (request, folder) = match user {
        Some(id) => {
            (request.with_user(format!("{id}:{id}")), format!("mode=0700,uid={id},gid={id}"))
        }
        None => (request, String::new()),
    };
    request.with_host_config_modifier(move |host| {
        host.publish_all_ports = Some(false);
        host.port_bindings = Some(bindings.clone());
        host.tmpfs = Some(HashMap::from([(DIRECTORY.to_owned(), folder.clone())]));
        // If we are killed, the supervisor ends the container, and the engine removes it.
        host.auto_remove = Some(true);
        host.cap_drop = Some(vec!["ALL".to_owned()]);
        host.cap_add = user.is_none().then(|| ENTRYPOINT_CAPABILITIES.map(str::to_owned).to_vec());
        host.security_opt = Some(vec!["no-new-privileges".to_owned()]);
        host.pids_limit = Some(PROCESSES);
        host.memory = Some(MEMORY_BYTES);
    })
}

fn not_started(image: &Image, why: &str) -> EnvironmentError {
    if why.contains("\"sh\": executable file not found") {
        return lacks(image, "sh");
    }
    EnvironmentError::new(
        format!("the image `{}` did not start: {why}", image.reference),
        "see `redislings doctor`, or use `--server process`",
    )
}

fn lacks(image: &Image, programs: &str) -> EnvironmentError {
    let programs = programs.split(' ').map(|name| format!("`{name}`")).collect::<Vec<_>>();
    EnvironmentError::new(
        format!("the image `{}` has no {}", image.reference, programs.join(", ")),
        "use an official image, another with a shell and the usual programs, or `--server process`",
    )
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
