//! Admits only this user's clients: every user of a machine can reach 127.0.0.1.

use std::net::SocketAddr;

use nix::unistd::{Uid, geteuid};

/// The reply to another user's client, in the form of a Redis error.
pub(super) const REFUSAL: &[u8] =
    b"-NOPERM this is another user's lesson: redislings accepts only that user's clients\r\n";

/// Whether to accept a client at `peer`, connected to `local`. It must be this user's or root's
/// (root may do anything anyway); if the system does not show the owner, any client is accepted.
pub(super) fn may_enter(local: SocketAddr, peer: SocketAddr) -> bool {
    owner(local, peer).is_none_or(|user| user == geteuid() || user.is_root())
}

/// The user who owns the socket at `peer`, connected to `local`. For a socket that is closed
/// already, Linux reports root.
#[cfg(target_os = "linux")]
fn owner(local: SocketAddr, peer: SocketAddr) -> Option<Uid> {
    linux::owner(local, peer)
}

/// Other systems report the owner of Unix sockets only.
#[cfg(not(target_os = "linux"))]
fn owner(_: SocketAddr, _: SocketAddr) -> Option<Uid> {
    None
}

/// Asks the kernel about one socket (`sock_diag(7)`). /proc/net/tcp has the answer too, but lists
/// all sockets, which takes 2 to 4 ms.
#[cfg(target_os = "linux")]
mod linux {
    use std::net::{IpAddr, SocketAddr};
    use std::os::fd::AsRawFd as _;

    use nix::sys::socket::{
        AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, recv, send, socket,
    };
    use nix::unistd::Uid;

    const SOCK_DIAG_BY_FAMILY: u16 = 20;
    const NLM_F_REQUEST: u16 = 1;
    const AF_INET: u8 = 2;
    const IPPROTO_TCP: u8 = 6;
    /// The size of an `nlmsghdr`.
    const HEADER_BYTES: usize = 16;
    /// The size of an `nlmsghdr` and an `inet_diag_req_v2`.
    const REQUEST_BYTES: usize = HEADER_BYTES + 56;
    /// The offset of the user id in an `nlmsghdr` and an `inet_diag_msg`.
    const USER_AT: usize = HEADER_BYTES + 64;

    pub(super) fn owner(local: SocketAddr, peer: SocketAddr) -> Option<Uid> {
        let (kind, protocol) = (SockType::Datagram, SockProtocol::NetlinkSockDiag);
        let kernel = socket(AddressFamily::Netlink, kind, SockFlag::SOCK_CLOEXEC, protocol).ok()?;
        send(kernel.as_raw_fd(), &request(local, peer)?, MsgFlags::empty()).ok()?;
        let mut reply = [0; 1024];
        // The kernel has answered before `send` returns.
        let length = recv(kernel.as_raw_fd(), &mut reply, MsgFlags::MSG_DONTWAIT).ok()?;
        user_in(reply.get(..length)?)
    }

    fn request(local: SocketAddr, peer: SocketAddr) -> Option<Vec<u8>> {
        let (IpAddr::V4(here), IpAddr::V4(there)) = (local.ip(), peer.ip()) else { return None };
        let mut request = Vec::with_capacity(REQUEST_BYTES);
        request.extend(u32::try_from(REQUEST_BYTES).ok()?.to_ne_bytes());
        request.extend(SOCK_DIAG_BY_FAMILY.to_ne_bytes());
        request.extend(NLM_F_REQUEST.to_ne_bytes());
        // The message's number and sender.
        request.extend([0; 8]);
        request.extend([AF_INET, IPPROTO_TCP, 0, 0]);
        // In any state.
        request.extend(u32::MAX.to_ne_bytes());
        request.extend(peer.port().to_be_bytes());
        request.extend(local.port().to_be_bytes());
        for address in [there, here] {
            request.extend(address.octets());
            request.extend([0; 12]);
        }
        // On any interface, and without the kernel's cookie for the socket.
        request.extend(0_u32.to_ne_bytes());
        request.extend([u8::MAX; 8]);
        Some(request)
    }

    fn user_in(reply: &[u8]) -> Option<Uid> {
        let kind = u16::from_ne_bytes(reply.get(4..6)?.try_into().ok()?);
        let user = u32::from_ne_bytes(reply.get(USER_AT..USER_AT + 4)?.try_into().ok()?);
        (kind == SOCK_DIAG_BY_FAMILY).then_some(Uid::from_raw(user))
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream};

    #[test]
    fn a_connection_of_this_process_is_this_users() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let local = listener.local_addr().unwrap();
        let _client = TcpStream::connect(local).unwrap();
        let (_server, peer) = listener.accept().unwrap();
        assert_eq!(owner(local, peer), Some(geteuid()));
        assert!(may_enter(local, peer));
    }

    #[test]
    fn an_unconnected_address_has_no_owner() {
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 1));
        assert_eq!(owner(nowhere, nowhere), None);
    }
}
