//! Where the engine is, and how to reach its containers.

use std::net::{IpAddr, Ipv4Addr, UdpSocket};

use super::engine::{ask, client};
use super::engine_address::EngineAddress;

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
    /// Determined from the engine's address and the engine; the error says why the engine can't be
    /// used.
    pub(super) fn find() -> Result<Self, String> {
        let address = EngineAddress::find()?;
        let network = Self::of(&address)?;
        // A TCP port of this machine may be forwarded anywhere.
        let is_local = network == Self::Loopback
            && address.host.starts_with("unix://")
            && shares_our_name().unwrap_or(false)
            && bridge_is_ours().unwrap_or(false);
        Ok(if is_local { Self::Bridge } else { network })
    }

    /// Determined from the address alone.
    pub(super) fn of(address: &EngineAddress) -> Result<Self, String> {
        let refused = |why| Err(format!("the engine at {} {why}", address.shown()));
        match address.host.split_once("://") {
            Some(("ssh", _)) => {
                refused("is on another machine, and redislings does not support SSH")
            }
            Some(("https", _)) => {
                refused("requires TLS, which redislings does not support for engines")
            }
            _ if address.requires_tls => refused(
                "requires TLS (DOCKER_TLS_VERIFY), which redislings does not support for engines",
            ),
            Some(("tcp" | "http", rest)) => Ok(Self::at(rest)),
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
            ("unix:///run/user/1000/docker.sock", Ok(Network::Loopback)),
            ("tcp://127.0.0.1:2375", Ok(Network::Loopback)),
            ("tcp://localhost:2375/", Ok(Network::Loopback)),
            ("http://[::1]:2375", Ok(Network::Loopback)),
            ("tcp://docker:2375", remote("docker")),
            ("http://10.0.0.7", remote("10.0.0.7")),
            ("tcp://[fd00::2]:2375", remote("fd00::2")),
            ("tcp://localhost.example.com:2375", remote("localhost.example.com")),
        ] {
            let address = EngineAddress::by_docker_host(docker_host, false);
            assert_eq!(Network::of(&address), expected, "{docker_host}");
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
            ("ssh://me@10.0.0.7", false, "SSH"),
            ("https://10.0.0.7:2376", false, "TLS"),
            ("tcp://docker:2376", true, "DOCKER_TLS_VERIFY"),
        ] {
            let address = EngineAddress::by_docker_host(docker_host, tls_verify);
            let error = Network::of(&address).unwrap_err();
            assert!(error.contains(docker_host) && error.contains(why), "{error}");
        }
    }
}
