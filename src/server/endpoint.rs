//! How to reach a server, and as which user.

use std::net::SocketAddr;

use redis::{ConnectionInfo, IntoConnectionInfo as _, RedisConnectionInfo};

use super::options::{CHECKER, Options};
use super::{ServerHost, Source};

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
}

#[expect(clippy::expect_used, reason = "a TCP address always is connection info")]
pub(super) fn target(source: &Source, host: &dyn ServerHost) -> ConnectionInfo {
    if let Source::Address(address) = source {
        return address.target.clone();
    }
    let (host, port) = host.address();
    // Otherwise CLIENT SETINFO would be part of the evidence.
    let settings = RedisConnectionInfo::default().set_skip_set_lib_name();
    let target = (host, port).into_connection_info().expect("a TCP address is connection info");
    target.set_redis_settings(settings)
}

/// On servers of ours the checker has its own user.
pub(super) fn checker_target(
    source: &Source,
    host: &dyn ServerHost,
    options: &Options,
) -> ConnectionInfo {
    let target = target(source, host);
    if matches!(source, Source::Address(_)) {
        return target;
    }
    let settings = target.redis_settings().clone().set_username(CHECKER);
    target.set_redis_settings(settings.set_password(&options.checker_password))
}
