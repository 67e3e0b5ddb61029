//! What runs a server: a process, a container, or somebody else.

use std::fmt::Debug;
use std::path::Path;

use super::options::Options;
use super::{Ended, FileName, disk};
use crate::error::EnvironmentError;

/// What runs a server. The defaults are for the user's own, at an address: we only talk to it.
pub(super) trait ServerHost: Debug + Send + Sync {
    /// Where clients can reach it: a name or an address, and a port, which a restart may change.
    fn address(&self) -> (&str, u16);

    /// Sends SIGKILL to the server and to the child of a running BGSAVE, and waits for their end.
    fn kill(&mut self) -> Result<(), EnvironmentError> {
        Err(EnvironmentError::new(
            "a server at an address is never killed",
            "leave out `--server`: redislings then starts its own server",
        ))
    }

    /// Starts the killed server again with the same files.
    fn restart(&mut self, _options: &Options) -> Result<(), EnvironmentError> {
        Ok(())
    }

    /// Sends SIGTERM to the server.
    fn terminate(&mut self) -> Result<(), EnvironmentError> {
        Err(disk::not_ours())
    }

    /// The names of the files in its directory and in the folders there.
    fn files(&self) -> Result<Vec<String>, EnvironmentError> {
        Err(disk::not_ours())
    }

    fn file(&self, _name: &FileName) -> Result<Option<Vec<u8>>, EnvironmentError> {
        Err(disk::not_ours())
    }

    fn put_file(&mut self, _name: &FileName, _content: &[u8]) -> Result<(), EnvironmentError> {
        Err(disk::not_ours())
    }

    fn remove_file(&mut self, _name: &FileName) -> Result<(), EnvironmentError> {
        Err(disk::not_ours())
    }

    fn ended(&mut self) -> Option<Ended> {
        None
    }

    /// What the server wrote since its last start.
    fn log(&self) -> Option<String> {
        None
    }

    fn dump_bytes(&self) -> Result<Option<u64>, EnvironmentError> {
        Ok(None)
    }

    fn dump(&self) -> Result<Option<Vec<u8>>, EnvironmentError> {
        Ok(None)
    }

    /// Puts a directory in the place of its snapshot file, which no save can replace, and keeps the
    /// file elsewhere.
    fn refuse_saves(&mut self) -> Result<(), EnvironmentError> {
        Err(disk::not_ours())
    }

    /// Puts the file back.
    fn allow_saves(&mut self) -> Result<(), EnvironmentError> {
        Ok(())
    }

    /// Fails if nothing can be written beside its files.
    fn check_room(&self) -> Result<(), EnvironmentError> {
        Ok(())
    }

    /// Lets the server outlive us; returns the command that ends it and removes its files.
    fn keep(self: Box<Self>) -> Result<String, EnvironmentError> {
        Ok(String::new())
    }

    /// The directory of its files, if that is on this machine.
    fn directory(&self) -> Option<&Path> {
        None
    }

    fn is_stopped(&self) -> bool {
        false
    }

    fn container_id(&self) -> Option<&str> {
        None
    }
}
