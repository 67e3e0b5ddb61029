//! The hosts of one image: started when they are needed, shared by all who start servers.

use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};

use super::engine::{Image, engine_version};
use super::host::{Host, Port};
use crate::cleanup::lock;
use crate::error::WorldError;

/// One server, and another that loads its snapshot. Every port that is published makes the start of a host longer by
/// about 20 ms and its removal by 45 ms.
const USUAL_CAPACITY: u16 = 2;

/// A handle: its clones share the hosts, which go with the last of them and the last server.
#[derive(Debug, Clone)]
pub struct Hosts(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    image: Image,
    /// Of the next host: how many servers at a time.
    capacity: AtomicU16,
    hosts: Mutex<Vec<Arc<Host>>>,
}

/// One server's place in a host.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) host: Arc<Host>,
    pub(super) port: Port,
    pub(super) number: u32,
}

impl Hosts {
    /// None is started yet.
    pub fn new(image: Image) -> Self {
        let capacity = AtomicU16::new(USUAL_CAPACITY);
        Self(Arc::new(Shared { image, capacity, hosts: Mutex::default() }))
    }

    /// How many servers there will be at a time: a host that is started from now on has so many places. When all are
    /// taken, another host is started.
    pub fn make_room_for(&self, servers: u16) {
        self.0.capacity.store(servers.max(1), Ordering::Relaxed);
    }

    pub(super) fn image(&self) -> &Image {
        &self.0.image
    }

    /// A place that no other server has. Whoever comes while a host is started waits for that.
    pub(super) fn place(&self) -> Result<Place, WorldError> {
        let mut hosts = lock(&self.0.hosts);
        // Open servers in it hold it still, and will tell.
        let gone: Vec<_> = hosts.extract_if(.., |host| !host.is_usable()).collect();
        let place = match hosts.iter().find_map(in_host) {
            Some(place) => Ok(place),
            None => self.add(&gone, &mut hosts).and_then(|host| {
                in_host(&host).ok_or_else(|| super::engine_gone("a new container has no free port"))
            }),
        };
        drop(hosts);
        drop(gone);
        place
    }

    /// An engine that let a container go may not answer any more, and its start would be waited for long.
    fn add(&self, gone: &[Arc<Host>], hosts: &mut Vec<Arc<Host>>) -> Result<Arc<Host>, WorldError> {
        if !gone.is_empty() {
            engine_version().map_err(super::engine_gone)?;
        }
        let host = Arc::new(Host::start(&self.0.image, self.0.capacity.load(Ordering::Relaxed))?);
        hosts.push(Arc::clone(&host));
        Ok(host)
    }
}

fn in_host(host: &Arc<Host>) -> Option<Place> {
    let port = host.take_port()?;
    Some(Place { host: Arc::clone(host), port, number: host.next_number() })
}
