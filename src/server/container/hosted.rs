//! A server in a host.

use std::mem::ManuallyDrop;
use std::time::{Duration, Instant};

use super::hosts::{Hosts, Place};
use super::reach::Reach;
use crate::error::WorldError;
use crate::random;
use crate::server::Ended;
use crate::server::options::Options;

const END_DEADLINE: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(2);
/// 128 and the number of the signal, as `sh` tells it.
const KILLED: &str = "137";

/// A running (or killed) server in a container, which has others beside it.
#[derive(Debug)]
pub struct Hosted {
    place: Place,
    /// As the supervisor knows it.
    number: String,
    command: Vec<String>,
    /// The default user's, where others could reach the port.
    password: Option<String>,
    starts: u32,
}

impl Hosted {
    /// Starts one, on this snapshot file if there is one; it may need some more milliseconds.
    pub(in crate::server) fn start(
        hosts: &Hosts,
        options: Options<'_>,
        dump: Option<&[u8]>,
    ) -> Result<Self, WorldError> {
        let place = hosts.place()?;
        let password = match place.host.reach() {
            Reach::Bridge | Reach::Here => None,
            Reach::Elsewhere(_) => Some(random::word()),
        };
        let user = password.as_ref().map(|it| format!("default on >{it} ~* &* +@all"));
        let port = place.port.inside.to_string();
        // Connections come from the engine's bridge, which protected mode would refuse; the port itself
        // is published on 127.0.0.1 only, or behind a password.
        let mut fixed = vec![
            ("port", port.as_str()),
            ("protected-mode", "no"),
            ("daemonize", "no"),
            ("logfile", ""),
        ];
        fixed.extend(user.as_deref().map(|user| ("user", user)));
        let mut command = hosts.image().command.clone();
        command.extend(options.arguments(&fixed));
        let number = place.number.to_string();
        let mut server = Self { place, number, command, password, starts: 0 };
        if let Some(dump) = dump {
            server.call_with("give_dump", &[&dump.len().to_string()], dump)?;
        }
        server.restart()?;
        Ok(server)
    }

    /// The engine's name for its container.
    pub fn container_id(&self) -> &str {
        self.place.host.id()
    }

    /// The name or address of the machine at which its port is found.
    pub fn host(&self) -> &str {
        self.place.host.address()
    }

    /// The default user's, if it has one.
    pub fn password(&self) -> Option<&str> {
        self.password.as_deref()
    }

    /// The port there, also after [`Self::restart`].
    pub fn port(&self) -> u16 {
        self.place.port.outside
    }

    /// SIGKILL to the server and to the child of a running BGSAVE, and the wait for their end.
    pub fn kill(&mut self) -> Result<(), WorldError> {
        self.until_all_are_dead("end")
    }

    /// Starts the killed server again: same files, same options.
    pub fn restart(&mut self) -> Result<(), WorldError> {
        let start = (self.starts + 1).to_string();
        let words: Vec<&str> =
            [start.as_str()].into_iter().chain(self.command.iter().map(String::as_str)).collect();
        self.call_with("start", &words, &[])?;
        self.starts += 1;
        Ok(())
    }

    /// How the server ended, if it did; a container that is gone took it along.
    pub fn ended(&self) -> Option<Ended> {
        match self.call("state") {
            Ok(status) if status.is_empty() => None,
            Ok(status) => {
                let status = String::from_utf8_lossy(&status);
                let what = format!("it ended with exit status {status} in its container");
                Some(Ended { what, killed: status == KILLED })
            }
            Err(error) => Some(Ended { what: error.fact, killed: true }),
        }
    }

    /// The size of its snapshot file in bytes, if there is one.
    pub fn dump_bytes(&self) -> Result<Option<u64>, WorldError> {
        let size = self.call("dump_bytes")?;
        Ok(String::from_utf8_lossy(&size).trim().parse().ok())
    }

    /// The content of its snapshot file, if there is one.
    pub fn dump(&self) -> Result<Option<Vec<u8>>, WorldError> {
        let is_there = self.dump_bytes()?.is_some();
        if is_there { self.call("dump").map(Some) } else { Ok(None) }
    }

    /// What the server wrote since its last start.
    pub fn log(&self) -> Result<String, WorldError> {
        let log = self.call_with("log", &[&self.starts.to_string()], &[])?;
        Ok(String::from_utf8_lossy(&log).into_owned())
    }

    /// Writes something beside its files.
    pub(in crate::server) fn check_room(&self) -> Result<(), WorldError> {
        self.call("check_room").map(drop)
    }

    /// Lets it outlive us, and its container with it; gives the command that ends both.
    pub(in crate::server) fn keep(self) -> Result<String, WorldError> {
        self.place.host.keep()?;
        // Neither of them is ended by us any more.
        let kept = ManuallyDrop::new(self);
        Ok(format!("docker rm --force --volumes {}", kept.container_id()))
    }

    fn until_all_are_dead(&self, function: &str) -> Result<(), WorldError> {
        let deadline = Instant::now() + END_DEADLINE;
        while !self.call(function)?.is_empty() {
            if Instant::now() > deadline {
                return Err(super::engine_gone("a killed server does not end"));
            }
            std::thread::park_timeout(POLL);
        }
        Ok(())
    }

    fn call(&self, function: &str) -> Result<Vec<u8>, WorldError> {
        self.call_with(function, &[], &[])
    }

    fn call_with(
        &self,
        function: &str,
        words: &[&str],
        payload: &[u8],
    ) -> Result<Vec<u8>, WorldError> {
        let number = [function, self.number.as_str()];
        let request: Vec<&str> = number.into_iter().chain(words.iter().copied()).collect();
        self.place.host.call(&request, payload)
    }
}

impl Drop for Hosted {
    fn drop(&mut self) {
        let gone = if self.starts == 0 {
            self.call("forget").map(drop)
        } else {
            self.until_all_are_dead("remove")
        };
        // Where it may still listen, no other server comes.
        if gone.is_ok() {
            self.place.host.give_back(self.place.port);
        }
    }
}
