//! A peer whose packets are lost: no FIN, no RST, nothing. It lives in a network namespace of its own, whose address is
//! taken away while its connections are open.

use std::any::Any;
use std::fs::File;
use std::net::TcpStream;
use std::os::fd::AsFd as _;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use serde_json::json;

use crate::h2_client::H2;
use crate::support::{Connection, DEADLINE, Player, Server, Stream};
use crate::ways::{Watcher, nothing_stays};

/// `away` is due so soon after the last packet.
const BOUND: Duration = Duration::from_secs(20);

/// A namespace with one address, linked to this machine's. Gone when dropped.
struct Network {
    name: String,
    link: String,
}

impl Network {
    const HERE: &'static str = "198.18.77.1";
    const THERE: &'static str = "198.18.77.2";
    const THEIR_MAC: &'static str = "02:00:00:00:77:02";

    fn new() -> Result<Self, String> {
        let id = std::process::id();
        let network = Self { name: format!("sward-{id}"), link: format!("sward{id}") };
        let Self { name, link } = &network;
        ip(&["netns", "add", name])?;
        ip(&["link", "add", link, "type", "veth", "peer", "name", "far", "netns", name])?;
        ip(&["address", "add", &format!("{}/30", Self::HERE), "dev", link])?;
        ip(&["link", "set", link, "up"])?;
        ip(&["-n", name, "link", "set", "far", "address", Self::THEIR_MAC])?;
        ip(&["-n", name, "address", "add", &format!("{}/30", Self::THERE), "dev", "far"])?;
        ip(&["-n", name, "link", "set", "far", "up"])?;
        // A neighbour that does not answer would be an error that the kernel reports; packets must vanish without one.
        let mac = Self::THEIR_MAC;
        ip(&["neighbour", "replace", Self::THERE, "lladdr", mac, "dev", link, "nud", "permanent"])?;
        Ok(network)
    }

    /// A connection from there to here.
    fn connect(&self, port: u16) -> TcpStream {
        let namespace = File::open(format!("/run/netns/{}", self.name)).unwrap();
        // A socket stays in the namespace of the thread that made it.
        let connecting = thread::spawn(move || {
            move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
            TcpStream::connect((Network::HERE, port)).unwrap()
        });
        let socket = connecting.join().unwrap();
        socket.set_read_timeout(Some(DEADLINE)).unwrap();
        socket
    }

    /// From now on every packet to there is dropped, and none comes from there.
    fn swallow(&self) {
        ip(&["-n", &self.name, "address", "flush", "dev", "far"]).unwrap();
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        let _ = ip(&["link", "delete", &self.link]);
        let _ = ip(&["netns", "delete", &self.name]);
    }
}

fn ip(arguments: &[&str]) -> Result<(), String> {
    let output = Command::new("ip").args(arguments).output().map_err(|error| format!("ip: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("ip {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr).trim()))
}

/// The network, or `None` where it cannot be made: said loudly, and a failure in CI. Who is not root may be by sudo.
fn network(test: &str) -> Option<Network> {
    if !rustix::process::geteuid().is_root() {
        let this = std::env::current_exe().unwrap();
        let again = Command::new("sudo")
            .args(["-n", "--preserve-env=CI"])
            .arg(this)
            .args(["--exact", test, "--nocapture"])
            .status();
        match again {
            // 101: it ran there, and failed.
            Ok(status) if status.success() => return None,
            Ok(status) if status.code() == Some(101) => panic!("failed as root"),
            _ => {}
        }
    }
    match Network::new() {
        Ok(network) => Some(network),
        Err(why) => {
            eprintln!("*** THE TEST OF A SILENT PEER DID NOT RUN: {why} (it needs root and iproute2) ***");
            assert!(std::env::var("CI").as_deref() != Ok("true"), "it must run in CI");
            None
        }
    }
}

#[test]
fn a_peer_whose_packets_are_lost_is_away_within_twenty_seconds() {
    let Some(network) = network("network::a_peer_whose_packets_are_lost_is_away_within_twenty_seconds")
    else {
        return;
    };
    let server = Server::start_on("0.0.0.0:0", &["--grace-ms", "3000"]);
    let port = server.address.port();
    // Each in a room of his own: the news of one who is away would be a write to the next.
    let mut lost = Vec::new();
    for beat_ms in [5_000, 7_000, 9_000, 12_000, 15_000] {
        let path = format!("/v1/stream?beat={beat_ms}");
        let mut room = Watcher::new(&server);
        let (bo, _) = room.mate("Bo");
        lost.push((format!("black hole, beat {} s", beat_ms / 1000), room, open(&network, port, &bo, &path)));
        let mut room = Watcher::new(&server);
        let (cy, _) = room.mate("Cy");
        lost.push((
            format!("the same on HTTP/2, beat {} s", beat_ms / 1000),
            room,
            open_h2(&network, port, &cy, &path),
        ));
    }
    let mut room = Watcher::new(&server);
    let (di, _) = room.mate("Di");
    let (talker, _) = room.mate("Eve");
    lost.push(("black hole, busy room".to_owned(), room, open(&network, port, &di, "/v1/stream")));
    let rooms = lost.len() as u64;
    server.await_metric("sward_streams", 2 * rooms);

    network.swallow();
    let began = Instant::now();
    let waiting = AtomicUsize::new(lost.len());
    thread::scope(|scope| {
        scope.spawn(|| {
            while waiting.load(Ordering::Relaxed) > 0 && began.elapsed() < 2 * BOUND {
                assert_eq!(talker.send(&json!({"type": "say"})).status, 200);
                thread::sleep(Duration::from_millis(100));
            }
        });
        for (way, room, _connection) in &mut lost {
            let waiting = &waiting;
            scope.spawn(move || {
                room.away();
                let took = began.elapsed();
                eprintln!("{way}: away after {:.2} s", took.as_secs_f64());
                waiting.fetch_sub(1, Ordering::Relaxed);
                assert!(took < BOUND, "{way}: {took:?}");
            });
        }
    });
    nothing_stays(&server, rooms, rooms);
}

fn open(network: &Network, port: u16, player: &Player<'_>, path: &str) -> Box<dyn Any + Send> {
    let mut connection = Connection { socket: network.connect(port), read: Vec::new() };
    connection.send("GET", &player.path(path), "HTTP/1.1", &[], b"");
    let mut stream = Stream::of(connection);
    stream.expect("hello");
    // The chaser: after it there is silence but for beats.
    while stream.next_frame().unwrap().name != "noop" {}
    Box::new(stream)
}

fn open_h2(network: &Network, port: u16, player: &Player<'_>, path: &str) -> Box<dyn Any + Send> {
    let mut connection = H2::over(network.connect(port), None, 65_535);
    let mut stream = connection.stream(&player.path(path));
    stream.expect("hello");
    while stream.next_frame().unwrap().name != "noop" {}
    Box::new((connection, stream))
}
