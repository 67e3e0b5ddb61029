//! The hosts of one image: started when needed, and shared by everything that starts servers.

use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};

use super::engine::{Image, engine_version};
use super::host::{Host, HostSlot};
use crate::cleanup::lock;
use crate::error::EnvironmentError;

/// One server, and another that loads its snapshot. Each published port adds about 20 ms to the
/// start of a host and 45 ms to its removal.
const USUAL_CAPACITY: u16 = 2;

/// A handle: its clones share the hosts, which are removed with the last clone and the last
/// server.
#[derive(Debug, Clone)]
pub struct Hosts {
    image: Arc<Image>,
    /// How many servers the next host can run at a time.
    capacity: Arc<AtomicU16>,
    /// Those that run.
    started: Arc<Mutex<Vec<Arc<Host>>>>,
}

impl Hosts {
    /// Starts no host yet.
    pub fn new(image: Image) -> Self {
        let capacity = Arc::new(AtomicU16::new(USUAL_CAPACITY));
        Self { image: Arc::new(image), capacity, started: Arc::default() }
    }

    /// Sets how many servers will run at a time: hosts that are started from now on have this many
    /// slots. When all slots are taken, another host is started.
    pub fn make_room_for(&self, servers: u16) {
        self.capacity.store(servers.max(1), Ordering::Relaxed);
    }

    pub(super) fn image(&self) -> &Image {
        &self.image
    }

    /// Returns a free slot. Blocks while another thread starts a host.
    pub(super) fn slot(&self) -> Result<HostSlot, EnvironmentError> {
        let mut hosts = lock(&self.started);
        // Servers in an unusable host still hold it, and report the failure.
        let gone: Vec<_> = hosts.extract_if(.., |host| !host.is_usable()).collect();
        let slot = match hosts.iter().find_map(Host::take_slot) {
            Some(slot) => Ok(slot),
            None => self.add(!gone.is_empty(), &mut hosts),
        };
        drop(hosts);
        drop(gone);
        slot
    }

    /// Returns a slot of another host. If a host is gone, the engine may be gone too. Asks for its
    /// version first: waiting for a start would take longer.
    fn add(
        &self,
        is_one_gone: bool,
        hosts: &mut Vec<Arc<Host>>,
    ) -> Result<HostSlot, EnvironmentError> {
        if is_one_gone {
            engine_version().map_err(super::engine_gone)?;
        }
        let host = Arc::new(Host::start(&self.image, self.capacity.load(Ordering::Relaxed))?);
        hosts.push(Arc::clone(&host));
        host.take_slot().ok_or_else(|| super::engine_gone("a new container has no free port"))
    }
}
