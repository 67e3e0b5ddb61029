//! Where the Docker engine is: found as the docker command finds it, then at the usual places of
//! rootless Docker, Docker Desktop and other engines.

use std::collections::HashMap;
use std::io;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use crate::sanitize::{ShownPath as _, clean};

/// The engine's address for a program that we have started again: the address and where it comes
/// from, on two lines.
pub const HANDED_OVER: &str = "REDISLINGS_ENGINE";
const DEFAULT_SOCKET: &str = "/var/run/docker.sock";
/// The context that means `DOCKER_HOST` or the default socket.
const DEFAULT_CONTEXT: &str = "default";
const PROPERTIES: &str = ".testcontainers.properties";

/// The address of an engine, which may not answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct EngineAddress {
    /// A value of `DOCKER_HOST`: `unix:///var/run/docker.sock`.
    pub(super) host: String,
    /// Such as `DOCKER_HOST`; empty for a usual place.
    pub(super) origin: String,
    pub(super) requires_tls: bool,
}

impl EngineAddress {
    /// The error says where no engine is.
    pub(super) fn find() -> Result<Self, String> {
        Machine::this(&variable).find()
    }

    pub(super) fn by_docker_host(host: &str, requires_tls: bool) -> Self {
        at(host, "DOCKER_HOST".to_owned(), requires_tls)
    }

    /// The address in backticks, and where it comes from.
    pub(super) fn shown(&self) -> String {
        let host = clean(&self.host);
        match self.origin.as_str() {
            "" => format!("`{host}`"),
            origin => format!("`{host}` ({})", clean(origin)),
        }
    }

    /// Whether everybody expects it there.
    pub(super) fn is_default(&self) -> bool {
        self.origin.is_empty() && self.host == unix(Path::new(DEFAULT_SOCKET))
    }
}

/// The value of an environment variable; `None` if it is empty.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn unix(socket: &Path) -> String {
    format!("unix://{}", socket.to_string_lossy())
}

/// What decides about the address.
struct Machine<'m> {
    variable: &'m dyn Fn(&str) -> Option<String>,
    home: PathBuf,
    user: u32,
    connect: fn(&Path) -> io::Result<()>,
}

/// `~/.docker/config.json`.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct DockerConfig {
    current_context: String,
}

/// A context's `meta.json`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ContextMeta {
    #[serde(default)]
    endpoints: HashMap<String, ContextEndpoint>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct ContextEndpoint {
    host: String,
}

/// `~/.testcontainers.properties`.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Properties {
    #[serde(rename = "tc.host")]
    tc_host: String,
    #[serde(rename = "docker.host")]
    docker_host: String,
    #[serde(rename = "docker.tls.verify")]
    tls_verify: String,
}

impl<'m> Machine<'m> {
    fn this(variable: &'m dyn Fn(&str) -> Option<String>) -> Self {
        let home = etcetera::home_dir().unwrap_or_default();
        let connect = |socket: &Path| UnixStream::connect(socket).map(drop);
        Self { variable, home, user: nix::unistd::getuid().as_raw(), connect }
    }

    /// testcontainers' order, which everything that uses it shares, and within it the docker
    /// command's.
    fn find(&self) -> Result<EngineAddress, String> {
        if let Some(address) = self.handed_over() {
            return Ok(address);
        }
        let properties = self.properties();
        let of_property = |name: &str, host: &str| {
            let requires_tls = properties.tls_verify.trim() == "1" && !host.starts_with("unix://");
            let origin = format!("`{name}` in `~/{PROPERTIES}`");
            (!host.trim().is_empty()).then(|| at(host, origin, requires_tls))
        };
        let by_variable = (self.variable)("DOCKER_HOST").map(|host| {
            let tls = (self.variable)("DOCKER_TLS_VERIFY").is_some_and(|value| value != "0");
            let is_remote = !host.trim_start().starts_with("unix://");
            EngineAddress::by_docker_host(&host, tls && is_remote)
        });
        let named = of_property("tc.host", &properties.tc_host).or(by_variable);
        if let Some(address) = named {
            return Ok(address);
        }
        if let Some(name) = (self.variable)("DOCKER_CONTEXT") {
            return self.of_context(&name, "DOCKER_CONTEXT");
        }
        if let Some(address) = of_property("docker.host", &properties.docker_host) {
            return Ok(address);
        }
        match self.docker_config().current_context.as_str() {
            "" => self.at_usual_place(),
            name => self.of_context(name, "`docker context use`"),
        }
    }

    fn handed_over(&self) -> Option<EngineAddress> {
        let text = (self.variable)(HANDED_OVER)?;
        let (host, origin) = text.split_once('\n')?;
        let is_current = (self.variable)("DOCKER_HOST").as_deref() == Some(host);
        is_current.then(|| at(host, origin.to_owned(), false))
    }

    fn of_context(&self, name: &str, chosen_by: &str) -> Result<EngineAddress, String> {
        if name == DEFAULT_CONTEXT {
            return self.at_usual_place();
        }
        let id = format!("{:x}", Sha256::digest(name));
        let contexts = self.docker_folder().join("contexts");
        let file = contexts.join("meta").join(&id).join("meta.json");
        let what = format!("the Docker context `{}`, chosen by {chosen_by},", clean(name));
        let bytes = std::fs::read(&file).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => format!("{what} does not exist: see `docker context ls`"),
            _ => format!("{what} can't be read: `{}`: {error}", file.shown()),
        })?;
        let meta: ContextMeta = serde_json::from_slice(&bytes)
            .map_err(|error| format!("{what} can't be read: `{}`: {error}", file.shown()))?;
        let host = meta.endpoints.get("docker").map_or("", |endpoint| endpoint.host.as_str());
        if host.is_empty() {
            return self.at_usual_place();
        }
        let has_certificates = contexts.join("tls").join(&id).join("docker").is_dir();
        let requires_tls = has_certificates && !host.starts_with("unix://");
        Ok(at(host, format!("the Docker context `{name}`"), requires_tls))
    }

    /// The first socket at which an engine listens.
    fn at_usual_place(&self) -> Result<EngineAddress, String> {
        let (mut silent, mut missing) = (Vec::new(), Vec::new());
        for socket in self.usual_sockets() {
            match (self.connect)(&socket) {
                Ok(()) => return Ok(at(&unix(&socket), String::new(), false)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    missing.push(self.short(&socket));
                }
                Err(error) => silent.push(format!("`{}` ({error})", self.short(&socket))),
            }
        }
        let silent = match silent.as_slice() {
            [] => String::new(),
            silent => format!("nothing answers at {}; ", silent.join(", ")),
        };
        let missing = missing.join(", ");
        Err(format!(
            "DOCKER_HOST and the Docker context name none; {silent}no socket is at {missing}"
        ))
    }

    /// In this order, the docker command's own first.
    fn usual_sockets(&self) -> Vec<PathBuf> {
        let variable = |name: &str| (self.variable)(name).map(PathBuf::from);
        let run = PathBuf::from(format!("/run/user/{}", self.user));
        let runtime = variable("XDG_RUNTIME_DIR").unwrap_or(run);
        let config = variable("XDG_CONFIG_HOME").unwrap_or_else(|| self.home.join(".config"));
        let data = variable("XDG_DATA_HOME").unwrap_or_else(|| self.home.join(".local/share"));
        let colima = variable("COLIMA_HOME").unwrap_or_else(|| self.home.join(".colima"));
        let mut sockets = vec![
            PathBuf::from(DEFAULT_SOCKET),
            // Rootless Docker.
            runtime.join("docker.sock"),
            runtime.join(".docker/run/docker.sock"),
            // Docker Desktop on macOS and on Linux.
            self.home.join(".docker/run/docker.sock"),
            self.home.join(".docker/desktop/docker.sock"),
            self.home.join(".orbstack/run/docker.sock"),
            colima.join("default/docker.sock"),
            config.join("colima/default/docker.sock"),
            // Rancher Desktop.
            self.home.join(".rd/docker.sock"),
            runtime.join("podman/podman.sock"),
            PathBuf::from("/run/podman/podman.sock"),
            data.join("containers/podman/machine/podman.sock"),
        ];
        // podman's machine on macOS.
        let temporary = variable("TMPDIR").filter(|_| cfg!(target_os = "macos"));
        sockets
            .extend(temporary.map(|folder| folder.join("podman/podman-machine-default-api.sock")));
        sockets
    }

    /// `~/.docker/run/docker.sock`.
    fn short(&self, socket: &Path) -> String {
        match socket.strip_prefix(&self.home) {
            Ok(rest) if !self.home.as_os_str().is_empty() => format!("~/{}", rest.shown()),
            _ => socket.shown(),
        }
    }

    fn docker_folder(&self) -> PathBuf {
        (self.variable)("DOCKER_CONFIG").map_or_else(|| self.home.join(".docker"), PathBuf::from)
    }

    /// A damaged file is as good as none, as for the docker command.
    fn docker_config(&self) -> DockerConfig {
        let bytes = std::fs::read(self.docker_folder().join("config.json")).unwrap_or_default();
        serde_json::from_slice(&bytes).unwrap_or_default()
    }

    fn properties(&self) -> Properties {
        let bytes = std::fs::read(self.home.join(PROPERTIES)).unwrap_or_default();
        serde_java_properties::from_slice(&bytes).unwrap_or_default()
    }
}

/// The docker command takes an address without a scheme for TCP, and one without a port for 2375.
fn at(host: &str, origin: String, requires_tls: bool) -> EngineAddress {
    let host = host.trim();
    let (scheme, rest) = host.split_once("://").unwrap_or(("tcp", host));
    let rest = rest.trim_end_matches('/');
    let has_port = rest.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    let port = if scheme == "tcp" && !has_port { ":2375" } else { "" };
    EngineAddress { host: format!("{scheme}://{rest}{port}"), origin, requires_tls }
}

#[cfg(test)]
mod tests;
