//! How to reach a server, and as which user.

use std::net::SocketAddr;

use redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo as _, RedisConnectionInfo};

use super::ServerHost;
use crate::random;

/// Where clients can reach a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// A name or an address.
    pub host: String,
    pub port: u16,
    /// `redis://host:port`; an address given by the user may have user, password and database.
    pub url: String,
    /// The password that the relay sends first; its clients need none.
    pub password: Option<String>,
}

impl Endpoint {
    /// The same server behind a relay at this address; user, password and database in the URL are
    /// kept.
    #[must_use]
    pub fn behind(&self, relay: SocketAddr) -> Self {
        let (scheme, rest) = self.url.split_once("://").unwrap_or(("redis", &self.url));
        let (authority, path) = rest.find(['/', '?']).map_or((rest, ""), |at| rest.split_at(at));
        let login = authority.rfind('@').map_or("", |at| &authority[..=at]);
        let url = format!("{scheme}://{login}{relay}{path}");
        Self { host: relay.ip().to_string(), port: relay.port(), url, password: None }
    }

    pub(super) fn at(host: &str, port: u16) -> Self {
        let url = format!("redis://{host}:{port}");
        Self { host: host.to_owned(), port, url, password: None }
    }
}

pub(super) fn target(host: &ServerHost) -> ConnectionInfo {
    match host {
        ServerHost::Container(container) => target_at(container.host(), container.port()),
        ServerHost::Process(process) => target_at("127.0.0.1", process.port()),
        ServerHost::Address(address) => address.target(),
    }
}

/// On servers of ours the checker has its own user: an answer may lock out the default user (CONFIG
/// SET requirepass, ACL SETUSER), and the checker must still be able to read the evidence.
pub(super) fn checker_target(host: &ServerHost, checker: &CheckerUser) -> ConnectionInfo {
    let target = target(host);
    match host {
        ServerHost::Address(_) => target,
        ServerHost::Container(_) | ServerHost::Process(_) => {
            let settings = target.redis_settings().clone();
            let settings = settings.set_username(CheckerUser::NAME).set_password(&checker.password);
            target.set_redis_settings(settings)
        }
    }
}

/// The checker's user on one server.
#[derive(Debug)]
pub(super) struct CheckerUser {
    pub(super) password: String,
}

impl CheckerUser {
    const NAME: &str = "checker";

    pub(super) fn new() -> Self {
        // This prevents accidents, not attacks: whoever can send commands to the server can also
        // read its memory.
        Self { password: random::word() }
    }

    /// The value of the option `user`.
    pub(super) fn rule(&self) -> String {
        format!("{} on >{} ~* &* +@all", Self::NAME, self.password)
    }
}

#[expect(clippy::expect_used, reason = "a TCP address always is connection info")]
pub(super) fn target_at(host: &str, port: u16) -> ConnectionInfo {
    // Otherwise CLIENT SETINFO would be part of the evidence.
    let settings = RedisConnectionInfo::default().set_skip_set_lib_name();
    let address = ConnectionAddr::Tcp(host.to_owned(), port);
    address
        .into_connection_info()
        .expect("a TCP address is connection info")
        .set_redis_settings(settings)
}
