//! Boxes that hold streams back, and what a client makes of them.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::{Duration, Instant};

use sward_loadtest::client::{ClientOptions, Ladder, Rung, RungWhy};

use crate::player::{connect, join, numbers, url};
use crate::support::Server;

/// What a box does to the answers that pass it.
#[derive(Clone, Copy)]
enum Box {
    /// Holds what has no length until it is complete.
    UntilComplete,
    /// The same, but for what it does not know.
    EventStreamsUntilComplete,
    /// Greets at once and lets the rest through late.
    LateBehindTheGreeting(Duration),
    /// No box at all: 350 ms each way, jitter, and packets that are lost and sent again.
    Satellite,
}

/// A box in front of the server. Its threads end with their connections.
fn start(what: Box, server: SocketAddr) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            thread::spawn(move || pass(what, client, server));
        }
    });
    format!("http://{address}")
}

fn pass(what: Box, client: TcpStream, server: SocketAddr) {
    let Ok(server) = TcpStream::connect(server) else { return };
    let (mut up_from, mut up_to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    if matches!(what, Box::Satellite) {
        let seed = u64::from(client.peer_addr().unwrap().port());
        thread::spawn(move || fly(up_from, up_to, seed));
        return fly(server, client, seed ^ 1);
    }
    thread::spawn(move || {
        let _ = std::io::copy(&mut up_from, &mut up_to);
        let _ = up_to.shutdown(Shutdown::Both);
    });
    let (mut from, mut to) = (server, client);
    to.set_nodelay(true).unwrap();
    let mut buffer = [0; 65_536];
    let (mut held, mut pieces) = (Vec::new(), 0);
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        let piece = &buffer[..count];
        let text = String::from_utf8_lossy(piece).to_ascii_lowercase();
        if text.starts_with("http/1.1 200") && !text.contains("content-length") {
            pieces = 1;
        } else if pieces > 0 {
            pieces += 1;
        }
        let is_stream = pieces > 0;
        let holds = match what {
            Box::UntilComplete => is_stream,
            Box::EventStreamsUntilComplete => {
                is_stream && (!held.is_empty() || (pieces == 1 && text.contains("text/event-stream")))
            }
            // It flies.
            Box::Satellite => false,
            Box::LateBehindTheGreeting(late) => {
                if pieces > 1 {
                    thread::sleep(late);
                }
                false
            }
        };
        held.extend_from_slice(piece);
        if !holds && to.write_all(&std::mem::take(&mut held)).is_err() {
            break;
        }
    }
    let _ = to.write_all(&held);
    let _ = to.shutdown(Shutdown::Both);
    let _ = from.shutdown(Shutdown::Both);
}

/// One direction of a satellite link: each piece arrives 350 to 400 ms later, in order; one in fifty was lost and comes
/// a second after that, with all behind it.
fn fly(mut from: TcpStream, mut to: TcpStream, mut seed: u64) {
    to.set_nodelay(true).unwrap();
    let (sender, receiver) = sync_channel::<(Instant, Vec<u8>)>(1_024);
    thread::spawn(move || {
        for (due, piece) in receiver {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            if to.write_all(&piece).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Both);
    });
    let mut buffer = [0; 65_536];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let random = seed >> 33;
        let lost_ms = if random.is_multiple_of(50) { 1_000 } else { 0 };
        let due = Instant::now() + Duration::from_millis(350 + random % 51 + lost_ms);
        if sender.send((due, buffer[..count].to_vec())).is_err() {
            break;
        }
    }
}

async fn check(what: Option<Box>, want: Rung, why: impl Fn(&RungWhy) -> bool) {
    let server = Server::start();
    let url = what.map_or_else(|| url(&server), |what| start(what, server.address));
    let mut client = connect(&url, ClientOptions::named("Bo")).await;
    let report = client.report();
    assert_eq!((report.rung, report.proved), (want, true), "{report:?}");
    assert_eq!(report.steps.len(), usize::from(want.number()), "{report:?}");
    assert!(report.steps.iter().all(|step| why(&step.why)), "{report:?}");
    join(&mut client).await;
    for number in 0..20 {
        client.send("move", &number).unwrap();
    }
    assert_eq!(numbers(&mut client, 20).await, (0..20).collect::<Vec<u64>>());
    server.await_metric(&format!("sward_players_by_rung{{rung=\"{}\"}}", want.number()), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_free_path_is_left_on_the_lowest_rung() {
    assert_eq!(ClientOptions::named("Bo").ladder, Ladder::Climb { from: Rung::Sse });
    check(None, Rung::Sse, |_| true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_satellite_is_no_reason_to_step_down() {
    check(Some(Box::Satellite), Rung::Sse, |_| false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_box_that_holds_event_streams_is_passed_by_raw_bytes() {
    check(Some(Box::EventStreamsUntilComplete), Rung::Raw, |why| matches!(why, RungWhy::NoHello { .. }))
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_box_that_holds_all_streams_is_passed_by_complete_answers() {
    check(Some(Box::UntilComplete), Rung::Drain, |why| matches!(why, RungWhy::NoHello { .. })).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_greeting_alone_proves_nothing() {
    let late = Box::LateBehindTheGreeting(Duration::from_millis(700));
    check(Some(late), Rung::Drain, |why| matches!(why, RungWhy::Late { .. })).await;
}
