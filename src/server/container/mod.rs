//! Servers in containers, by testcontainers. Only this folder names it.
//!
//! A container is a *host*: a small script, the *supervisor*, runs many fresh servers in it, each at a port of its
//! own, and a server costs about what a process of this machine costs. A `Server` holds a place in a host, the
//! [`Hosts`] hold the hosts, and both go before the container goes.
//!
//! testcontainers publishes ports on every interface and removes nothing when a signal ends us, so
//! both are done here (Redis facts 9). Published ports are dear, so they are where there is no other way ([`reach`]).

mod engine;
mod host;
mod hosted;
mod hosts;
mod labels;
mod pull;
mod reach;
mod supervisor;

pub use engine::{Image, engine_version, find_image, has_image};
pub use hosted::Hosted;
pub use hosts::Hosts;
pub use labels::sweep_leftovers;

use crate::error::WorldError;

fn engine_gone(why: impl Into<String>) -> WorldError {
    WorldError::new(
        format!("the Docker engine failed: {}", why.into()),
        "see `docker ps` and the engine's log, or use `--server process`",
    )
}
