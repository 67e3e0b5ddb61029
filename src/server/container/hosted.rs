//! A server in a host container.

use std::mem::ManuallyDrop;
use std::time::{Duration, Instant};

use super::host::HostSlot;
use super::hosts::Hosts;
use crate::error::EnvironmentError;
use crate::server::configuration::Configuration;
use crate::server::options::Options;
use crate::server::{Ended, FileName, ServerFile, ServerHost};

const END_DEADLINE: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(2);
/// 128 and the number of the signal, as `sh` reports it.
const KILLED: &str = "137";

/// A running (or killed) server in a container that it shares with other servers.
#[derive(Debug)]
pub struct Hosted {
    slot: HostSlot,
    command: Vec<String>,
    configuration: Configuration,
    starts: u32,
}

impl Hosted {
    /// Starts one with these files. Does not wait until it is ready.
    pub(in crate::server) fn start(
        hosts: &Hosts,
        options: &Options,
        files: &[ServerFile],
    ) -> Result<Self, EnvironmentError> {
        let slot = hosts.slot()?;
        let (command, configuration) = (hosts.image().command.clone(), Configuration::default());
        let mut server = Self { slot, command, configuration, starts: 0 };
        if !files.is_empty() {
            server.call("make_directory")?;
        }
        for file in files {
            server.put_file(&file.name, &file.content)?;
        }
        server.restart(options)?;
        Ok(server)
    }

    fn repeat_until_all_are_dead(&self, function: &str) -> Result<(), EnvironmentError> {
        let deadline = Instant::now() + END_DEADLINE;
        while !self.call(function)?.is_empty() {
            if Instant::now() > deadline {
                return Err(super::engine_gone("a killed server did not end"));
            }
            std::thread::park_timeout(POLL);
        }
        Ok(())
    }

    fn call(&self, function: &str) -> Result<Vec<u8>, EnvironmentError> {
        self.call_with(function, &[], &[])
    }

    fn call_with(
        &self,
        function: &str,
        words: &[&str],
        payload: &[u8],
    ) -> Result<Vec<u8>, EnvironmentError> {
        let request = [&[function, self.slot.number.as_str()], words].concat();
        self.slot.host.call(&request, payload)
    }
}

impl ServerHost for Hosted {
    fn address(&self) -> (&str, u16) {
        (self.slot.host.address(), self.slot.port.outside)
    }

    fn kill(&mut self) -> Result<(), EnvironmentError> {
        self.repeat_until_all_are_dead("end")
    }

    fn restart(&mut self, options: &Options) -> Result<(), EnvironmentError> {
        // Protected mode would refuse connections from the engine's bridge. The password keeps
        // others out.
        let port = self.slot.port.inside.to_string();
        let fixed = [
            ("port", port.as_str()),
            ("protected-mode", "no"),
            ("daemonize", "no"),
            ("logfile", ""),
        ];
        let now = if self.starts > 0 { self.call("configuration")? } else { Vec::new() };
        let now = String::from_utf8_lossy(&now).into_owned();
        let configuration = self.configuration.next(&now, options, &fixed).to_owned();
        let start = (self.starts + 1).to_string();
        let command = self.command.iter().map(String::as_str);
        let words: Vec<&str> =
            [start.as_str(), &configuration].into_iter().chain(command).collect();
        self.call_with("start", &words, &[])?;
        self.starts += 1;
        Ok(())
    }

    fn terminate(&mut self) -> Result<(), EnvironmentError> {
        self.call("terminate").map(drop)
    }

    fn files(&self) -> Result<Vec<String>, EnvironmentError> {
        let names = self.call("files")?;
        Ok(String::from_utf8_lossy(&names).lines().map(str::to_owned).collect())
    }

    fn file(&self, name: &FileName) -> Result<Option<Vec<u8>>, EnvironmentError> {
        let mut printed = self.call_with("file", &[name.as_str()], &[])?;
        // A letter stands before the content of a file that is there.
        Ok((!printed.is_empty()).then(|| printed.split_off(1)))
    }

    fn put_file(&mut self, name: &FileName, content: &[u8]) -> Result<(), EnvironmentError> {
        let (size, folder) = (content.len().to_string(), name.folder().unwrap_or_default());
        self.call_with("put_file", &[name.as_str(), &size, folder], content).map(drop)
    }

    fn remove_file(&mut self, name: &FileName) -> Result<(), EnvironmentError> {
        self.call_with("remove_file", &[name.as_str()], &[]).map(drop)
    }

    /// If the container is gone, the server was killed.
    fn ended(&mut self) -> Option<Ended> {
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

    fn log(&self) -> Option<String> {
        let log = self.call_with("log", &[&self.starts.to_string()], &[]).ok()?;
        Some(String::from_utf8_lossy(&log).into_owned())
    }

    fn dump_bytes(&self) -> Result<Option<u64>, EnvironmentError> {
        let size = self.call("dump_bytes")?;
        Ok(String::from_utf8_lossy(&size).trim().parse().ok())
    }

    fn dump(&self) -> Result<Option<Vec<u8>>, EnvironmentError> {
        let is_there = self.dump_bytes()?.is_some();
        if is_there { self.call("dump").map(Some) } else { Ok(None) }
    }

    fn refuse_saves(&mut self) -> Result<(), EnvironmentError> {
        self.call("refuse_saves").map(drop)
    }

    fn allow_saves(&mut self) -> Result<(), EnvironmentError> {
        self.call("allow_saves").map(drop)
    }

    fn check_room(&self) -> Result<(), EnvironmentError> {
        self.call("check_room").map(drop)
    }

    /// The container outlives us too.
    fn keep(self: Box<Self>) -> Result<String, EnvironmentError> {
        self.slot.host.keep()?;
        // We no longer end either of them.
        let kept = ManuallyDrop::new(self);
        Ok(format!("docker rm --force --volumes {}", kept.slot.host.id()))
    }

    fn container_id(&self) -> Option<&str> {
        Some(self.slot.host.id())
    }
}

impl Drop for Hosted {
    fn drop(&mut self) {
        let removed = if self.starts == 0 {
            self.call("forget").map(drop)
        } else {
            self.repeat_until_all_are_dead("remove")
        };
        // Do not reuse the port of a server that may still listen.
        if removed.is_ok() {
            self.slot.host.give_back(self.slot.port);
        }
    }
}
