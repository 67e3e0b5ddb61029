//! What an attempt runs on.

use redis::{ConnectionAddr, ConnectionInfo};
use tokio_util::sync::CancellationToken;

use super::phase::Phase;
use crate::error::EnvironmentError;
use crate::relay::Relay;
use crate::server::{Ending, Endpoint, Server};

/// A server and the relay through which the answer reaches it.
pub struct Fixture<'s> {
    /// Fresh, and started with the exercise's settings.
    pub server: &'s mut Server,
    /// Routes to the server while the answer runs.
    pub relay: &'s Relay,
    /// Receives each phase of the attempt, for progress display.
    pub report: &'s dyn Fn(Phase),
    /// Ends the attempt early.
    pub cancel: &'s CancellationToken,
}

impl Fixture<'_> {
    /// The endpoint that a program uses: the relay's address.
    pub(super) fn endpoint(&self) -> Endpoint {
        self.server.endpoint().behind(self.relay.address())
    }

    /// The connection settings of a `redis` answer, through the relay.
    pub(super) fn target(&self) -> ConnectionInfo {
        let address = self.relay.address();
        let target = self.server.target();
        target.set_addr(ConnectionAddr::Tcp(address.ip().to_string(), address.port()))
    }

    pub(super) fn route_to_server(&self) {
        let Endpoint { host, port, password, .. } = self.server.endpoint();
        self.relay.route_to(&host, port, password);
    }

    /// Kills the server with SIGKILL and closes every connection to it.
    pub(super) fn kill(&mut self) -> Result<(), EnvironmentError> {
        self.relay.disconnect();
        self.server.kill()
    }

    /// Ends the server as a service does, and closes every connection to it once it has ended.
    pub(super) fn terminate(&mut self) -> Result<Ending, EnvironmentError> {
        let ending = self.server.terminate()?;
        if ending == Ending::Ended {
            self.relay.disconnect();
        }
        Ok(ending)
    }

    /// Restarts the server behind the same relay address, with these settings laid over its own.
    pub(super) fn restart(
        &mut self,
        settings: &[(String, String)],
    ) -> Result<(), EnvironmentError> {
        self.server.restart(settings)?;
        self.route_to_server();
        Ok(())
    }
}
