//! A server in a container, by testcontainers. Only this file and those below it name it.
//!
//! testcontainers publishes ports on every interface and removes nothing when a signal ends us, so
//! both are done here (Redis facts 9).

mod pull;

use std::collections::HashMap;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use testcontainers::bollard::Docker;
use testcontainers::bollard::errors::Error;
use testcontainers::bollard::models::PortBinding;
use testcontainers::bollard::query_parameters::{
    ContainerArchiveInfoOptionsBuilder, CreateImageOptionsBuilder, KillContainerOptionsBuilder,
    ListContainersOptionsBuilder, LogsOptionsBuilder, RemoveContainerOptionsBuilder,
};
use testcontainers::core::IntoContainerPort as _;
use testcontainers::core::client::docker_client_instance;
use testcontainers::runners::AsyncRunner as _;
use testcontainers::{ContainerAsync, ContainerRequest, GenericImage, ImageExt as _};

use super::options::Options;
use super::session_lock::SessionLock;
use super::{DUMP_FILE, Ended, log};
use crate::cleanup;
use crate::error::{WorldError, with_sources};
use crate::runtime::block_on;
use crate::telling::Told;

/// On every container of ours: which run of redislings it belongs to.
const SESSION_LABEL: &str = "redislings.session";
/// Whose leftovers may be swept: see [`SessionLock`].
const OWNER_LABEL: &str = "redislings.owner";
/// One for each container, to find what a start that failed half-way left behind.
const SERVER_LABEL: &str = "redislings.server";

/// Where the server runs: in the official images a volume, so not in the container's own layer.
const DIRECTORY: &str = "/data";

const ENGINE_DEADLINE: Duration = Duration::from_secs(5);
const START_DEADLINE: Duration = Duration::from_secs(60);
const CALL_DEADLINE: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(5);

/// An image on the engine that has a server in it.
#[derive(Debug, Clone)]
pub struct Image {
    /// As given: `redis:8.10.2`.
    pub reference: String,
    /// The image's own command, `redis-server` or `valkey-server`.
    program: String,
}

/// Whether a Docker engine answers; else why not.
pub fn engine_version() -> Result<String, String> {
    refuse_remote_engines()?;
    let ask = async {
        let docker = docker_client_instance().await.map_err(|error| with_sources(&error))?;
        let version = docker.version().await.map_err(|error| with_sources(&error))?;
        Ok(version.version.unwrap_or_else(|| "of an unknown version".to_owned()))
    };
    let answer = block_on(async { tokio::time::timeout(ENGINE_DEADLINE, ask).await });
    answer.unwrap_or_else(|_| {
        Err(format!("the engine did not answer within {} s", ENGINE_DEADLINE.as_secs()))
    })
}

/// Ports are published on the engine's 127.0.0.1 only, which is ours only if the engine is here.
fn refuse_remote_engines() -> Result<(), String> {
    let host = std::env::var("DOCKER_HOST").unwrap_or_default();
    let is_remote =
        ["tcp://", "http://", "https://", "ssh://"].iter().any(|scheme| host.starts_with(scheme))
            && !["//127.0.0.1", "//localhost", "//[::1]"].iter().any(|local| host.contains(local));
    if is_remote {
        return Err(format!(
            "the engine at `{host}` is on another machine, and our ports open on its 127.0.0.1 only"
        ));
    }
    Ok(())
}

/// The image if the engine has it or can pull it; `telling` is called before a pull and while it goes on.
pub fn find_image(reference: &str, telling: &dyn Fn(Told<'_>)) -> Result<Image, String> {
    let docker = client()?;
    if let Some(image) = local_image(&docker, reference) {
        return Ok(image);
    }
    telling(Told::Line(&format!("pulling the image `{reference}`, once")));
    pull(&docker, reference, telling)?;
    local_image(&docker, reference)
        .ok_or_else(|| format!("the image `{reference}` was pulled but is not there"))
}

/// Whether the engine has the image already.
pub fn has_image(reference: &str) -> bool {
    client().is_ok_and(|docker| local_image(&docker, reference).is_some())
}

fn client() -> Result<Docker, String> {
    block_on(docker_client_instance()).map_err(|error| with_sources(&error))
}

fn local_image(docker: &Docker, reference: &str) -> Option<Image> {
    let inspect = docker.inspect_image(reference);
    let found =
        block_on(async { tokio::time::timeout(CALL_DEADLINE, inspect).await }).ok()?.ok()?;
    let command =
        found.config.and_then(|config| config.cmd).and_then(|command| command.into_iter().next());
    let program = command
        .filter(|word| word.ends_with("-server"))
        .unwrap_or_else(|| "redis-server".to_owned());
    Some(Image { reference: reference.to_owned(), program })
}

fn pull(docker: &Docker, reference: &str, telling: &dyn Fn(Told<'_>)) -> Result<(), String> {
    let (name, tag) = name_and_tag(reference);
    let options = CreateImageOptionsBuilder::new();
    let options = if reference.contains('@') {
        options.from_image(reference).build()
    } else {
        options.from_image(&name).tag(&tag).build()
    };
    let steps = docker.create_image(Some(options), None, None);
    block_on(pull::follow(steps, reference, telling))
}

/// `redis:7` is (`redis`, `7`), `host:5000/redis` is (`host:5000/redis`, `latest`), and a digest is
/// split so that joining both with `:` gives it back.
fn name_and_tag(reference: &str) -> (String, String) {
    match reference.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name.to_owned(), tag.to_owned()),
        _ => (reference.to_owned(), "latest".to_owned()),
    }
}

/// A running (or killed) container with one server in it.
#[derive(Debug)]
pub struct Container {
    /// Taken when it is removed.
    handle: Option<ContainerAsync<GenericImage>>,
    id: String,
    port: u16,
    /// How much of the log was written before the last start.
    log_offset: usize,
}

impl Container {
    /// Creates and starts a container; the server in it may need some more milliseconds.
    pub(super) fn start(
        image: &Image,
        options: Options<'_>,
        dump: Option<&[u8]>,
    ) -> Result<Self, WorldError> {
        let lock = SessionLock::of_this_session()?;
        remove_at_end(lock.session());
        let server = unique(lock.session());
        let _creating = cleanup::creating();
        let started = block_on(request(image, options, dump, lock, &server).start());
        let container = match started {
            Ok(container) => container,
            Err(error) => {
                // A container that was created but not started is testcontainers' no more.
                remove_labelled(SERVER_LABEL, &server);
                let fact = format!(
                    "the image `{}` did not start: {}",
                    image.reference,
                    with_sources(&error)
                );
                return Err(WorldError::new(
                    fact,
                    "see `redislings doctor`, or use `--server process`",
                ));
            }
        };
        let id = container.id().to_owned();
        let mut started = Self { handle: Some(container), id, port: 0, log_offset: 0 };
        started.port = started.published_port()?;
        Ok(started)
    }

    /// The engine's name for it.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The port on 127.0.0.1; another one after [`Self::restart`] (Redis facts 7).
    pub fn port(&self) -> u16 {
        self.port
    }

    /// SIGKILL to the whole container, and the wait for its end.
    pub fn kill(&mut self) -> Result<(), WorldError> {
        let options = KillContainerOptionsBuilder::new().signal("SIGKILL").build();
        let docker = client().map_err(engine_gone)?;
        // It may have ended by itself: what counts is that it has ended.
        let _ = block_on(docker.kill_container(&self.id, Some(options)));
        let deadline = Instant::now() + CALL_DEADLINE;
        while self.ended().is_none() {
            if Instant::now() > deadline {
                return Err(engine_gone(format!(
                    "the container `{}` does not end",
                    self.short_id()
                )));
            }
            std::thread::park_timeout(POLL);
        }
        Ok(())
    }

    /// Starts the killed container again: same files, same options.
    pub fn restart(&mut self) -> Result<(), WorldError> {
        self.log_offset = self.whole_log().len();
        let docker = client().map_err(engine_gone)?;
        block_on(docker.start_container(&self.id, None))
            .map_err(|error| engine_gone(with_sources(&error)))?;
        self.port = self.published_port()?;
        Ok(())
    }

    /// How the container ended, if it did.
    pub fn ended(&self) -> Option<Ended> {
        let docker = client().ok()?;
        let found = block_on(docker.inspect_container(&self.id, None)).ok()?;
        let state = found.state?;
        if state.running.unwrap_or(false) {
            return None;
        }
        let code = state.exit_code.unwrap_or_default();
        Some(Ended {
            what: format!("its container ended with exit status {code}"),
            killed: code == 137,
        })
    }

    /// The size of its snapshot file in bytes, if there is one.
    pub fn dump_bytes(&self) -> Result<Option<u64>, WorldError> {
        let docker = client().map_err(engine_gone)?;
        let options = ContainerArchiveInfoOptionsBuilder::new().path(&dump_path()).build();
        let info = docker.get_container_archive_info(&self.id, Some(options));
        let info = block_on(async { tokio::time::timeout(CALL_DEADLINE, info).await });
        match info.map_err(|_elapsed| engine_gone("it does not tell of a file"))? {
            Ok(info) => Ok(u64::try_from(info.size).ok()),
            Err(Error::DockerResponseServerError { status_code: 404, .. }) => Ok(None),
            Err(error) => Err(engine_gone(with_sources(&error))),
        }
    }

    /// The content of its snapshot file, if there is one.
    pub fn dump(&self) -> Result<Option<Vec<u8>>, WorldError> {
        let is_there = self.dump_bytes()?.is_some();
        let Some(container) = self.handle.as_ref().filter(|_| is_there) else { return Ok(None) };
        let copy = container.copy_file_from(dump_path(), Vec::new());
        let copied = block_on(async { tokio::time::timeout(CALL_DEADLINE, copy).await });
        let copied = copied.map_err(|_elapsed| engine_gone("it does not hand out a file"))?;
        copied.map(Some).map_err(|error| engine_gone(with_sources(&error)))
    }

    /// What the server wrote since its last start.
    pub fn log(&self) -> String {
        let log = self.whole_log();
        log.get(self.log_offset..).unwrap_or_default().to_owned()
    }

    fn whole_log(&self) -> String {
        let Ok(docker) = client() else { return String::new() };
        let options = LogsOptionsBuilder::new().stdout(true).stderr(true).build();
        let read = async {
            let mut log = Vec::new();
            let mut lines = docker.logs(&self.id, Some(options));
            while let Some(Ok(line)) = lines.next().await {
                log.extend_from_slice(&line.into_bytes());
            }
            String::from_utf8_lossy(&log).into_owned()
        };
        block_on(async { tokio::time::timeout(CALL_DEADLINE, read).await }).unwrap_or_default()
    }

    fn published_port(&self) -> Result<u16, WorldError> {
        let docker = client().map_err(engine_gone)?;
        let found = block_on(docker.inspect_container(&self.id, None))
            .map_err(|error| engine_gone(with_sources(&error)))?;
        let ports = found.network_settings.and_then(|network| network.ports).unwrap_or_default();
        let bindings = ports.get("6379/tcp").cloned().flatten().unwrap_or_default();
        let local =
            bindings.into_iter().find(|binding| binding.host_ip.as_deref() == Some("127.0.0.1"));
        let port = local.and_then(|binding| binding.host_port).and_then(|port| port.parse().ok());
        port.ok_or_else(|| {
            let state = found.state.and_then(|state| state.exit_code).unwrap_or_default();
            let whole = self.log();
            let why = format!("it has no port on 127.0.0.1 (exit status {state})");
            WorldError::new(
                format!("container `{}`: {}", self.short_id(), log::dump_or(&why, &whole)),
                format!("try `--server process`; its log ends with:\n{}", log::tail(&whole, 5)),
            )
        })
    }

    fn short_id(&self) -> &str {
        self.id.get(..12).unwrap_or(&self.id)
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        if let Some(container) = self.handle.take() {
            let removed = block_on(container.rm());
            if removed.is_err() {
                remove_by_id(&self.id);
            }
        }
    }
}

fn request(
    image: &Image,
    options: Options<'_>,
    dump: Option<&[u8]>,
    lock: &SessionLock,
    server: &str,
) -> ContainerRequest<GenericImage> {
    let (name, tag) = name_and_tag(&image.reference);
    // Connections come from the engine's bridge, which protected mode would refuse; the port itself
    // is published on 127.0.0.1 only.
    let fixed = [("port", "6379"), ("protected-mode", "no"), ("daemonize", "no"), ("logfile", "")];
    let mut command = vec![image.program.clone()];
    command.extend(options.arguments(&fixed));
    let binding =
        PortBinding { host_ip: Some("127.0.0.1".to_owned()), host_port: Some(String::new()) };
    let request = GenericImage::new(name, tag)
        .with_exposed_port(6379.tcp())
        .with_cmd(command)
        .with_working_dir(DIRECTORY)
        .with_label(SESSION_LABEL, lock.session())
        .with_label(OWNER_LABEL, lock.owner())
        .with_label(SERVER_LABEL, server)
        .with_startup_timeout(START_DEADLINE)
        .with_host_config_modifier(move |host| {
            host.publish_all_ports = Some(false);
            host.port_bindings =
                Some(HashMap::from([("6379/tcp".to_owned(), Some(vec![binding.clone()]))]));
        });
    match dump {
        Some(dump) => request.with_copy_to(dump_path(), dump.to_vec()),
        None => request,
    }
}

fn dump_path() -> String {
    format!("{DIRECTORY}/{DUMP_FILE}")
}

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
fn remove_at_end(session: &str) {
    static REGISTERED: OnceLock<()> = OnceLock::new();
    REGISTERED.get_or_init(|| {
        let session = session.to_owned();
        cleanup::at_end(move || remove_labelled(SESSION_LABEL, &session));
    });
}

fn remove_labelled(label: &str, value: &str) {
    for (id, _) in labelled(label, value) {
        remove_by_id(&id);
    }
}

/// Containers with this label, running or not: their ids and sessions.
fn labelled(label: &str, value: &str) -> Vec<(String, String)> {
    let Ok(docker) = client() else { return Vec::new() };
    let filters = HashMap::from([("label", vec![format!("{label}={value}")])]);
    let options = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
    let list = block_on(async {
        tokio::time::timeout(CALL_DEADLINE, docker.list_containers(Some(options))).await
    });
    let containers = list.ok().and_then(Result::ok).unwrap_or_default();
    let known = containers.into_iter().filter_map(|it| Some((it.id?, it.labels?)));
    known.map(|(id, labels)| (id, labels.get(SESSION_LABEL).cloned().unwrap_or_default())).collect()
}

fn remove_by_id(id: &str) {
    let Ok(docker) = client() else { return };
    let options = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
    let _ = block_on(async {
        tokio::time::timeout(CALL_DEADLINE, docker.remove_container(id, Some(options))).await
    });
}

fn unique(session: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("{session}-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

fn engine_gone(why: impl Into<String>) -> WorldError {
    WorldError::new(
        format!("the Docker engine failed: {}", why.into()),
        "see `docker ps` and the engine's log, or use `--server process`",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_split_at_its_tag() {
        let split = |reference: &str| name_and_tag(reference);
        assert_eq!(split("redis:8.10.2"), ("redis".into(), "8.10.2".into()));
        assert_eq!(split("host:5000/redis"), ("host:5000/redis".into(), "latest".into()));
        assert_eq!(split("redis@sha256:ab"), ("redis@sha256".into(), "ab".into()));
    }
}
