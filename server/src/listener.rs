//! The listening socket, with the options that accepted sockets inherit.

use std::io;
use std::net::{SocketAddr, TcpListener};

use socket2::{Domain, Protocol, Socket, Type};

/// Connections that wait to be accepted: a crowd that arrives at once is not refused.
pub const BACKLOG: i32 = 4096;
/// Bytes of one socket that wait in the kernel unsent. A reader who stalls costs this much there and not 3.9 MB; what
/// waits beyond it waits in the outbox, where it is bounded and shared.
#[cfg(target_os = "linux")]
pub const NOT_SENT_BYTES_MAX: u32 = 16 * 1024;
/// How long sent bytes may stay unacknowledged before the kernel gives the connection up: a phone that fell asleep.
#[cfg(target_os = "linux")]
pub const UNACKNOWLEDGED_MAX: std::time::Duration = std::time::Duration::from_secs(15);

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
        socket.set_tcp_user_timeout(Some(UNACKNOWLEDGED_MAX))?;
        socket.set_tcp_notsent_lowat(NOT_SENT_BYTES_MAX)?;
    }
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}
