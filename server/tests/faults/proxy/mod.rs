//! A TCP proxy that understands just enough HTTP/1.1 to be mean.
//!
//! ```text
//! client ─► link ─► fault ─► server
//!        ◄─ fault ◄─ hold ◄─ link ◄─
//! ```
//!
//! `link` delays, `hold` keeps answers back as antivirus programs do, `fault` cuts, doubles, delays and replays what a
//! plan says. The plan is a function of a request's kind and its ordinal among those of its kind, so a seed gives the
//! same plan whatever the machine's speed. One player has one proxy.

pub mod fault;
pub mod hold;
mod http;
mod link;
pub mod plan;
mod relay;
mod side;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use fault::Fault;
use hold::Holding;
pub use http::Kind;
use http::Request;
pub use link::Link;

/// What happens to the request of a kind that is the n-th of it, from 0.
type Faults = Box<dyn Fn(Kind, u64) -> Fault + Send + Sync>;

/// How a proxy behaves.
pub struct Behaviour {
    pub up: Link,
    pub down: Link,
    pub holding: Holding,
    pub faults: Faults,
    /// For the links' randomness.
    pub seed: u64,
}

impl Default for Behaviour {
    /// It passes everything on at once.
    fn default() -> Self {
        let faults = Box::new(|_, _| Fault::None);
        Self { up: Link::default(), down: Link::default(), holding: Holding::NOTHING, faults, seed: 0 }
    }
}

/// A running proxy; it and all its connections end when it is dropped.
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    is_broken: watch::Sender<bool>,
    tasks: Tasks,
}

/// Everything that runs for one proxy.
#[derive(Clone, Default)]
struct Tasks(Arc<Mutex<JoinSet<()>>>);

impl Tasks {
    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.0.lock().unwrap().spawn(task);
    }
}

/// What the connections of a proxy share.
struct Shared {
    server: SocketAddr,
    behaviour: Behaviour,
    started: Instant,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    connections: u64,
    requests: BTreeMap<Kind, u64>,
    log: Vec<String>,
}

impl Proxy {
    /// Listens on a free port of loopback.
    pub async fn start(server: SocketAddr, behaviour: Behaviour) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Mutex::default();
        let shared = Arc::new(Shared { server, behaviour, started: Instant::now(), seen });
        let (is_broken, broken) = watch::channel(false);
        let tasks = Tasks::default();
        tasks.spawn(accept(listener, Arc::clone(&shared), broken, tasks.clone()));
        Self { address, shared, is_broken, tasks }
    }

    /// Where it listens, as a URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on every connection breaks.
    pub fn break_off(&self) {
        self.shared.note("the line is cut");
        self.is_broken.send_replace(true);
    }

    /// The line is mended.
    pub fn mend(&self) {
        self.shared.note("the line is mended");
        self.is_broken.send_replace(false);
    }

    /// Requests of a kind that came so far.
    pub fn count(&self, kind: Kind) -> u64 {
        self.shared.seen.lock().unwrap().requests.get(&kind).copied().unwrap_or(0)
    }

    /// What happened, a line each.
    pub fn log(&self) -> String {
        self.shared.seen.lock().unwrap().log.join("\n")
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // The tasks hold the set that holds them: it is emptied here.
        self.tasks.0.lock().unwrap().abort_all();
    }
}

impl Shared {
    /// What happens to a request that just came.
    fn draw(&self, request: &Request) -> Fault {
        let kind = request.kind;
        let mut seen = self.seen.lock().unwrap();
        let count = seen.requests.entry(kind).or_default();
        let ordinal = *count;
        *count += 1;
        drop(seen);
        let fault = (self.behaviour.faults)(kind, ordinal);
        self.note(&format!("{kind:?} {ordinal} {}: {fault}", request.query));
        fault
    }

    fn note(&self, what: &str) {
        let at_ms = self.started.elapsed().as_millis();
        self.seen.lock().unwrap().log.push(format!("{at_ms:>7} ms  {what}"));
    }

    /// A seed for the next connection's links.
    fn link_seed(&self) -> u64 {
        let mut seen = self.seen.lock().unwrap();
        seen.connections += 1;
        self.behaviour.seed.wrapping_mul(1_000_003).wrapping_add(seen.connections)
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>, broken: watch::Receiver<bool>, tasks: Tasks) {
    loop {
        // One that ended before it was accepted is no concern of anybody's.
        let Ok((socket, _)) = listener.accept().await else { continue };
        socket.set_nodelay(true).unwrap();
        let (shared, mut broken) = (Arc::clone(&shared), broken.clone());
        let tasks_of_connection = tasks.clone();
        tasks.spawn(async move {
            tokio::select! {
                biased;
                _ = broken.wait_for(|is_broken| *is_broken) => {}
                () = relay::serve(socket, shared, tasks_of_connection) => {}
            }
        });
    }
}

async fn connect(server: SocketAddr) -> std::io::Result<TcpStream> {
    let socket = TcpStream::connect(server).await?;
    socket.set_nodelay(true)?;
    Ok(socket)
}
