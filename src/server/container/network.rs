//! Where the engine is, and how to reach its containers.

use std::net::{IpAddr, Ipv4Addr, UdpSocket};

use super::engine::{ask, client};

/// Docker's default network.
pub(super) const BRIDGE: &str = "bridge";

/// How to reach the servers in the engine's containers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Network {
    /// At the container's own address: the engine's network is a network of this machine. No ports
    /// are published.
    Bridge,
    /// Only at 127.0.0.1: the engine runs in a virtual machine on this one, for example.
    Loopback,
    /// At another host. Everybody who can reach it can reach the ports.
    Remote(String),
}

impl Network {
    /// Determined from `DOCKER_HOST` and the engine; the error says why the engine can't be used.
    pub(super) fn find() -> Result<Self, String> {
        let network = Self::from_environment()?;
        let is_local = network == Self::Loopback
            && is_by_socket()
            && shares_our_name().unwrap_or(false)
            && bridge_is_ours().unwrap_or(false);
        Ok(if is_local { Self::Bridge } else { network })
    }

    /// Determined from environment variables only.
    pub(super) fn from_environment() -> Result<Self, String> {
        Self::of(&variable("DOCKER_HOST"), &variable("DOCKER_TLS_VERIFY"))
    }

    fn of(docker_host: &str, tls_verify: &str) -> Result<Self, String> {
        let Some((scheme, rest)) = docker_host.split_once("://") else { return Ok(Self::Loopback) };
        let refused = |why| Err(format!("the engine at `{docker_host}` {why}"));
        match scheme {
            "ssh" => refused("is on another machine, and redislings does not support SSH"),
            "https" => refused("requires TLS, which redislings does not support for engines"),
            "tcp" | "http" if !matches!(tls_verify, "" | "0") => refused(
                "requires TLS (DOCKER_TLS_VERIFY), which redislings does not support for engines",
            ),
            "tcp" | "http" => Ok(Self::at(rest)),
            _ => Ok(Self::Loopback),
        }
    }

    fn at(authority: &str) -> Self {
        let authority = authority.split('/').next().unwrap_or_default();
        let name = match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((address, _)) => address,
            None => authority.split(':').next().unwrap_or_default(),
        };
        match name {
            "127.0.0.1" | "localhost" | "::1" | "" => Self::Loopback,
            name => Self::Remote(name.to_owned()),
        }
    }

    /// The address at which the engine publishes ports; `None` if it publishes none.
    pub(super) fn binding(&self) -> Option<&'static str> {
        match self {
            Self::Bridge => None,
            Self::Loopback => Some("127.0.0.1"),
            Self::Remote(_) => Some("0.0.0.0"),
        }
    }
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_default()
}

/// Whether we use the engine's Unix socket. A TCP port of this machine may be forwarded anywhere.
fn is_by_socket() -> bool {
    let docker_host = variable("DOCKER_HOST");
    docker_host.is_empty() || docker_host.starts_with("unix://")
}

/// Whether the engine runs on this machine itself, and not in a virtual machine.
fn shares_our_name() -> Result<bool, String> {
    let info = ask(client()?.info())?;
    let name = nix::unistd::gethostname().map_err(|error| error.to_string())?;
    let has_our_name = info.name.is_some_and(|engine| name.to_str() == Some(engine.as_str()));
    Ok(cfg!(target_os = "linux") && has_our_name)
}

/// Whether this machine has an interface in Docker's default network.
fn bridge_is_ours() -> Result<bool, String> {
    let bridge = ask(client()?.inspect_network(BRIDGE, None))?;
    let configs = bridge.ipam.and_then(|ipam| ipam.config).unwrap_or_default();
    let mut subnets = configs.into_iter().filter_map(|config| Subnet::parse(&config.subnet?));
    Ok(subnets.any(|subnet| subnet.has_us().unwrap_or(false)))
}

/// `172.17.0.0/16`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Subnet {
    first: u32,
    mask: u32,
}

impl Subnet {
    fn parse(text: &str) -> Option<Self> {
        let (address, length) = text.split_once('/')?;
        let address: Ipv4Addr = address.parse().ok()?;
        let length: u32 = length.parse().ok().filter(|length| (8..=30).contains(length))?;
        let mask = u32::MAX << (32 - length);
        Some(Self { first: address.to_bits() & mask, mask })
    }

    fn has(self, address: Ipv4Addr) -> bool {
        address.to_bits() & self.mask == self.first
    }

    /// Whether we would send packets there from an address in the subnet; sends nothing.
    fn has_us(self) -> std::io::Result<bool> {
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
        socket.connect((Ipv4Addr::from_bits(self.first + 1), 9))?;
        let ours = socket.local_addr()?.ip();
        Ok(matches!(ours, IpAddr::V4(address) if self.has(address)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_network_follows_from_docker_host() {
        let remote = |name: &str| Ok(Network::Remote(name.to_owned()));
        for (docker_host, expected) in [
            ("", Ok(Network::Loopback)),
            ("unix:///run/user/1000/docker.sock", Ok(Network::Loopback)),
            ("tcp://127.0.0.1:2375", Ok(Network::Loopback)),
            ("tcp://localhost:2375/", Ok(Network::Loopback)),
            ("http://[::1]:2375", Ok(Network::Loopback)),
            ("tcp://docker:2375", remote("docker")),
            ("http://10.0.0.7", remote("10.0.0.7")),
            ("tcp://[fd00::2]:2375", remote("fd00::2")),
            ("tcp://localhost.example.com:2375", remote("localhost.example.com")),
        ] {
            assert_eq!(Network::of(docker_host, ""), expected, "{docker_host}");
        }
    }

    #[test]
    fn a_subnet_knows_its_addresses() {
        let subnet = Subnet::parse("172.17.0.0/16").unwrap();
        assert!(subnet.has(Ipv4Addr::new(172, 17, 3, 4)));
        assert!(!subnet.has(Ipv4Addr::new(172, 18, 0, 1)));
        assert!(Subnet::parse("127.0.0.0/8").unwrap().has_us().unwrap());
        assert_eq!(Subnet::parse("fd00::/64"), None);
    }

    #[test]
    fn unsupported_engines_are_named() {
        for (docker_host, tls_verify, why) in [
            ("ssh://me@10.0.0.7", "", "SSH"),
            ("https://10.0.0.7:2376", "", "TLS"),
            ("tcp://docker:2376", "1", "DOCKER_TLS_VERIFY"),
        ] {
            let error = Network::of(docker_host, tls_verify).unwrap_err();
            assert!(error.contains(docker_host) && error.contains(why), "{error}");
        }
    }
}
