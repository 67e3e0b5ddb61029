//! Where the engine is, and how its containers are reached.

use std::net::{IpAddr, Ipv4Addr, UdpSocket};

use super::engine::{ask, client};

/// The network of a container that asks for none.
pub(super) const BRIDGE: &str = "bridge";

/// Where the servers in the engine's containers are reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reach {
    /// At the container's own address: the engine's network is one of this machine's. No port is published.
    Bridge,
    /// On 127.0.0.1, and nowhere else: the engine runs in a machine of its own on this one, for instance.
    Here,
    /// At the host of this name, by everybody who can reach it.
    Elsewhere(String),
}

impl Reach {
    /// As `DOCKER_HOST` says and the engine; else why its engine can't be used.
    pub(super) fn find() -> Result<Self, String> {
        let is_ours = || Ok::<_, String>(shares_our_name()? && bridge_is_ours()?);
        match Self::told()? {
            Self::Here if is_by_socket() && is_ours().unwrap_or(false) => Ok(Self::Bridge),
            reach => Ok(reach),
        }
    }

    /// As `DOCKER_HOST` alone says.
    pub(super) fn told() -> Result<Self, String> {
        let variable = |name| std::env::var(name).unwrap_or_default();
        Self::of(&variable("DOCKER_HOST"), &variable("DOCKER_TLS_VERIFY"))
    }

    fn of(docker_host: &str, tls_verify: &str) -> Result<Self, String> {
        let Some((scheme, rest)) = docker_host.split_once("://") else { return Ok(Self::Here) };
        let refused = |why| Err(format!("the engine at `{docker_host}` {why}"));
        match scheme {
            "ssh" => refused("is on another machine, and redislings can't reach it by SSH"),
            "https" => refused("wants TLS, which redislings does not speak to an engine"),
            "tcp" | "http" if !matches!(tls_verify, "" | "0") => refused(
                "wants TLS (DOCKER_TLS_VERIFY), which redislings does not speak to an engine",
            ),
            "tcp" | "http" => Ok(Self::at(rest)),
            _ => Ok(Self::Here),
        }
    }

    fn at(authority: &str) -> Self {
        let authority = authority.split('/').next().unwrap_or_default();
        let name = match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((address, _)) => address,
            None => authority.split(':').next().unwrap_or_default(),
        };
        match name {
            "127.0.0.1" | "localhost" | "::1" | "" => Self::Here,
            name => Self::Elsewhere(name.to_owned()),
        }
    }

    /// The engine's own address on which ports are published, if they are.
    pub(super) fn binding(&self) -> Option<&'static str> {
        match self {
            Self::Bridge => None,
            Self::Here => Some("127.0.0.1"),
            Self::Elsewhere(_) => Some("0.0.0.0"),
        }
    }
}

/// A port of ours may lead anywhere.
fn is_by_socket() -> bool {
    let docker_host = std::env::var("DOCKER_HOST").unwrap_or_default();
    docker_host.is_empty() || docker_host.starts_with("unix://")
}

/// Whether the engine runs on this machine itself, and not in a virtual one.
fn shares_our_name() -> Result<bool, String> {
    let info = ask(client()?.info())?;
    let name = nix::unistd::gethostname().map_err(|error| error.to_string())?;
    Ok(cfg!(target_os = "linux") && info.name.is_some_and(|it| name.to_str() == Some(it.as_str())))
}

/// Whether an interface of ours is in the network that containers get by default.
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

    /// From which of our addresses packets would go there; nothing is sent.
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
    fn where_servers_are_reached_follows_from_docker_host() {
        let elsewhere = |name: &str| Ok(Reach::Elsewhere(name.to_owned()));
        for (docker_host, expected) in [
            ("", Ok(Reach::Here)),
            ("unix:///run/user/1000/docker.sock", Ok(Reach::Here)),
            ("tcp://127.0.0.1:2375", Ok(Reach::Here)),
            ("tcp://localhost:2375/", Ok(Reach::Here)),
            ("http://[::1]:2375", Ok(Reach::Here)),
            ("tcp://docker:2375", elsewhere("docker")),
            ("http://10.0.0.7", elsewhere("10.0.0.7")),
            ("tcp://[fd00::2]:2375", elsewhere("fd00::2")),
            ("tcp://localhost.example.com:2375", elsewhere("localhost.example.com")),
        ] {
            assert_eq!(Reach::of(docker_host, ""), expected, "{docker_host}");
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
    fn what_the_docker_client_does_not_speak_is_told() {
        for (docker_host, tls_verify, why) in [
            ("ssh://me@10.0.0.7", "", "SSH"),
            ("https://10.0.0.7:2376", "", "TLS"),
            ("tcp://docker:2376", "1", "DOCKER_TLS_VERIFY"),
        ] {
            let told = Reach::of(docker_host, tls_verify).unwrap_err();
            assert!(told.contains(docker_host) && told.contains(why), "{told}");
        }
    }
}
