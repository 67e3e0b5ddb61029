//! Servers in containers, started with testcontainers. Only this folder uses it.
//!
//! A container is a *host*: a small script, the *supervisor*, runs many fresh servers in it, each
//! at its own port, so that a server costs about as much as a local process. A `Server` holds a
//! slot in a host, and [`Hosts`] holds the hosts; a container is removed when both have released
//! it.
//!
//! testcontainers publishes ports on every interface and does not remove containers when a signal
//! ends us, so this module publishes and removes them itself. Published ports are slow, so they are
//! used only if there is no other way ([`network`]).

mod credentials;
mod engine;
mod engine_address;
mod failed_pulls;
mod hand_over;
mod host;
mod hosted;
mod hosts;
mod labels;
mod network;
mod pull;
mod supervisor;

pub use engine::{Image, engine_version, find_image, has_image};
pub use engine_address::HANDED_OVER;
pub use failed_pulls::{FailedPull, MEMORY as FAILURE_MEMORY, failed_pull, forget_failed_pull};
pub use hand_over::hand_over_address;
pub use hosted::Hosted;
pub use hosts::Hosts;
pub use labels::sweep_leftovers;

use crate::error::EnvironmentError;

fn engine_gone(why: impl Into<String>) -> EnvironmentError {
    EnvironmentError::new(
        format!("the Docker engine failed: {}", why.into()),
        "see `docker ps` and the engine's log, or use `--server process`",
    )
}
