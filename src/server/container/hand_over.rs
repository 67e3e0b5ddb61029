//! Hands the engine's address over to testcontainers.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use super::engine_address::{EngineAddress, HANDED_OVER};
use super::network::Network;
use crate::error::EnvironmentError;

/// Starts the program again in this process if testcontainers would look for the engine elsewhere.
/// It heeds `DOCKER_HOST`, but no contexts and few sockets, and safe code can't set a variable of a
/// running program. Call it before anything is begun. Returns if there is nothing to hand over.
pub fn hand_over_address(
    arguments: impl Iterator<Item = OsString>,
) -> Result<(), EnvironmentError> {
    let Ok(address) = EngineAddress::find() else { return Ok(()) };
    let is_known = match std::env::var("DOCKER_HOST") {
        Ok(host) => host == address.host,
        Err(_) => address.is_default(),
    };
    if is_known || Network::of(&address).is_err() {
        return Ok(());
    }
    let failed = |error: &io::Error| {
        let fact = format!("cannot start again with the engine at {}: {error}", address.shown());
        EnvironmentError::new(fact, format!("set DOCKER_HOST to `{}`", address.host))
    };
    let program = std::env::current_exe().map_err(|error| failed(&error))?;
    let handed_over = format!("{}\n{}", address.host, address.origin);
    let mut arguments = arguments;
    let name = arguments.next().unwrap_or_else(|| program.clone().into());
    let mut command = Command::new(program);
    command.arg0(name).args(arguments);
    Err(failed(&command.env("DOCKER_HOST", &address.host).env(HANDED_OVER, handed_over).exec()))
}
