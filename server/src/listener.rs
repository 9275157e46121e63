//! The listening socket, with the options that accepted sockets inherit.

use std::io;
use std::net::{SocketAddr, TcpListener};

#[cfg(target_os = "linux")]
use socket2::TcpKeepalive;
use socket2::{Domain, Protocol, Socket, Type};

/// Connections that wait to be accepted: a crowd that arrives at once is not refused.
pub const BACKLOG: i32 = 4096;
/// Bytes of one socket that wait in the kernel unsent. A reader who stalls costs this much there and not 3.9 MB; what
/// waits beyond it waits in the outbox, where it is bounded and shared.
#[cfg(target_os = "linux")]
pub const NOT_SENT_BYTES_MAX: u32 = 16 * 1024;
/// How long a peer may leave the kernel without a sign of life before it gives the connection up: a phone that fell
/// asleep, a train in a tunnel. It counts for sent bytes that nobody acknowledges (`TCP_USER_TIMEOUT`), for a window that
/// stays closed, and for probes that nobody answers.
///
/// `away` is due 20 s after a peer fell silent, 2 s of which are the wait for a successor. The worst case is a stream whose
/// beat falls into the last moment before the probes would have found its peer: the kernel stops to probe and begins to
/// count anew. So twice this time must fit: 8 s of probes + 8 s without acknowledgement + 2 s + what a sweep and a busy
/// machine need. (11 s would do for the beats of 5 s and of 15 s alone, but not for those between.)
#[cfg(target_os = "linux")]
pub const SILENCE_MAX: std::time::Duration = std::time::Duration::from_secs(8);
/// Silence after which the kernel probes: longer than most beats of 5 s, so that a stream with those costs few probes.
/// Without them a stream with a beat of 15 s would be found only at its next beat.
#[cfg(target_os = "linux")]
pub const PROBE_AFTER: std::time::Duration = std::time::Duration::from_secs(5);
/// Time between two probes. Three are lost before a peer is given up: one lost packet is no lost player.
#[cfg(target_os = "linux")]
pub const PROBE_EVERY: std::time::Duration = std::time::Duration::from_secs(1);

/// A socket that listens on `address`.
///
/// # Errors
/// What the operating system says, above all that the port is taken.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // A restarted server takes its port back although old connections linger. (On Windows the option would let a second
    // server share the port.)
    #[cfg(not(windows))]
    socket.set_reuse_address(true)?;
    socket.set_tcp_nodelay(true)?;
    #[cfg(target_os = "linux")]
    {
        socket.set_tcp_user_timeout(Some(SILENCE_MAX))?;
        let probes = TcpKeepalive::new().with_time(PROBE_AFTER).with_interval(PROBE_EVERY);
        socket.set_tcp_keepalive(&probes)?;
        socket.set_tcp_notsent_lowat(NOT_SENT_BYTES_MAX)?;
    }
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}
