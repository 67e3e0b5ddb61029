//! Saves that fail, as on a full disk. A directory stands in the place of the snapshot file, and no
//! server can rename its new file to that, whoever runs it (measured on Redis 6.2.5, 7.0.15 and
//! Valkey 9.1.2). The old file waits beside the server's directory.

use super::Server;
use crate::error::EnvironmentError;

/// What becomes of a server's saves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disk {
    /// Every save fails, and the old snapshot file stays as it is.
    Refuses,
    Works,
}

impl Server {
    /// Makes saves fail from now on, after a restart too, or work again.
    pub fn set_disk(&mut self, disk: Disk) -> Result<(), EnvironmentError> {
        self.disk = disk;
        match disk {
            Disk::Refuses => self.host.refuse_saves(),
            Disk::Works => self.host.allow_saves(),
        }
    }
}

pub(super) fn not_ours() -> EnvironmentError {
    EnvironmentError::new(
        "the files of a server at an address are left alone",
        "leave out `--server`: redislings then starts its own server",
    )
}
