//! A user's own server at an address: inspected before it is used, never flushed, killed or
//! configured.

use std::net::IpAddr;
use std::time::Duration;

use redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo as _};

use super::ServerHost;
use super::client::Client;
use super::info::ServerInfo;
use crate::error::EnvironmentError;

const LIMIT: Duration = Duration::from_secs(5);

/// A `redis://` address.
#[derive(Debug, Clone)]
pub struct Address {
    /// As the user wrote it.
    pub url: String,
    /// The user allows keys in it.
    pub allow_non_empty: bool,
    pub(super) target: ConnectionInfo,
    host: String,
    port: u16,
}

impl ServerHost for Address {
    fn address(&self) -> (&str, u16) {
        (&self.host, self.port)
    }
}

impl Address {
    /// Reads `redis://[user:password@]host[:port][/db]`; the error says what is wrong.
    pub fn parse(url: &str, allow_non_empty: bool) -> Result<Self, String> {
        if url.starts_with("rediss://") {
            return Err("TLS addresses (`rediss://`) are not supported".to_owned());
        }
        let database = url.rsplit_once("://").and_then(|(_, rest)| rest.split_once('/'));
        if database.is_some_and(|(_, path)| !matches!(path.split('?').next(), Some("" | "0"))) {
            return Err("only database 0 can be used: `redis://host:port`".to_owned());
        }
        let target = url.into_connection_info().map_err(|error| error.to_string())?;
        let target = target
            .clone()
            .set_redis_settings(target.redis_settings().clone().set_skip_set_lib_name());
        match target.addr().clone() {
            ConnectionAddr::Tcp(host, port) => {
                Ok(Self { url: url.to_owned(), allow_non_empty, target, host, port })
            }
            _ => Err("an address is written `redis://host:port`".to_owned()),
        }
    }

    /// Host and port without the password, to be shown.
    pub fn shown(&self) -> String {
        format!("redis://{}:{}", self.host, self.port)
    }

    /// Whether clients on this machine reach this server at `localhost` and this port.
    pub fn is_local(&self, port: u16) -> bool {
        let is_loopback = self.host.eq_ignore_ascii_case("localhost")
            || self.host.parse().is_ok_and(|address: IpAddr| address.is_loopback());
        is_loopback && self.port == port
    }

    /// Fails unless the server is a plain, empty Redis; returns its first info.
    pub fn inspect(&self) -> Result<ServerInfo, EnvironmentError> {
        let mut client = Client::new(self.target.clone());
        let info = ServerInfo::take(&mut client, LIMIT).map_err(|error| {
            let shown = self.shown();
            EnvironmentError::new(
                format!("the server at `{shown}` does not answer like a plain Redis: {error}"),
                "check the address, or leave out `--server`: redislings then starts its own server",
            )
        })?;
        if let Some(oddity) = oddity(&info) {
            let fact = format!("the server at `{}` is not a plain Redis: {oddity}", self.shown());
            return Err(EnvironmentError::new(
                fact,
                "use a standalone primary, or leave out `--server`",
            ));
        }
        let keys = info.keys();
        if keys > 0 && !self.allow_non_empty {
            let fact = format!("the server at `{}` is not empty (keys: {keys})", self.shown());
            let help = "use an empty server; or, if nothing in it matters, add `--allow-non-empty` \
                        (keys are then written beside yours; nothing is ever flushed)";
            return Err(EnvironmentError::new(fact, help));
        }
        Ok(info)
    }
}

fn oddity(info: &ServerInfo) -> Option<String> {
    let mode = info.field("redis_mode").or(info.field("server_mode")).unwrap_or("unknown");
    let role = info.field("role").unwrap_or("unknown");
    if mode != "standalone" {
        Some(format!("its mode is `{mode}`"))
    } else if role != "master" {
        Some(format!("its role is `{role}`"))
    } else if info.number("connected_slaves") > 0 {
        Some("it has replicas".to_owned())
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tls_address_is_refused() {
        assert!(Address::parse("rediss://host:6379", false).unwrap_err().contains("TLS"));
    }

    #[test]
    fn host_and_port_are_read() {
        let address = Address::parse("redis://localhost:7000/0", false).unwrap();
        assert_eq!(address.address(), ("localhost", 7000));
    }

    #[test]
    fn a_server_of_this_machine_is_known_by_its_port() {
        let is_local = |url: &str| Address::parse(url, false).unwrap().is_local(6379);
        assert!(is_local("redis://localhost") && is_local("redis://127.0.0.1:6379"));
        assert!(!is_local("redis://localhost:7000") && !is_local("redis://db.example:6379"));
    }

    #[test]
    fn another_database_than_0_is_refused() {
        assert!(
            Address::parse("redis://localhost:7000/2", false).unwrap_err().contains("database")
        );
    }

    #[test]
    fn a_unix_socket_is_refused() {
        assert!(Address::parse("redis+unix:///tmp/x.sock", false).is_err());
    }
}
