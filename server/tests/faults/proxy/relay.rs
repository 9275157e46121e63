//! One connection: requests go to the server, answers come back, and on the way the plan happens to them.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};

use super::fault::{End, Fault, Way, Which};
use super::hold::Held;
use super::http::{Answer, Request};
use super::side::Side;
use super::{Shared, Tasks, connect};

/// How long the proxy keeps a connection to the server for the next request; the server closes it after 5 s.
const KEPT_MAX: Duration = Duration::from_secs(2);
/// What a proxy says when nobody listens behind it.
const BAD_GATEWAY: &[u8] = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

/// How an answer's way ended.
enum Outcome {
    /// All of it came.
    Over { closes: bool },
    /// The client went away.
    ClientGone,
    /// The server did, before the answer was over, or to end it.
    ServerGone,
    /// So many bytes as the plan says went on.
    Cut,
}

/// One client's connection.
struct Relay {
    client: Side,
    kept: Option<(Side, Instant)>,
    shared: Arc<Shared>,
    tasks: Tasks,
}

/// Serves one client's connection until it ends.
pub async fn serve(socket: TcpStream, shared: Arc<Shared>, tasks: Tasks) {
    let client = Side::new(socket, shared.behaviour.up, shared.link_seed());
    let mut relay = Relay { client, kept: None, shared, tasks };
    let how = relay.run().await;
    relay.client.end(how, &relay.tasks).await;
}

impl Relay {
    /// How the client's connection is to end.
    async fn run(&mut self) -> End {
        while let Some(request) = Request::read(&mut self.client.intake).await {
            let fault = self.shared.draw(&request);
            let end = self.happen(&request, fault).await;
            if let Some(end) = end.unwrap_or(Some(End::Fin)) {
                return end;
            }
        }
        End::Fin
    }

    /// Lets a fault happen to a request. How the client's connection ends, if it does.
    ///
    /// # Errors
    /// The server cannot be reached, or did not take the request.
    async fn happen(&mut self, request: &Request, fault: Fault) -> std::io::Result<Option<End>> {
        match fault {
            Fault::None => {}
            Fault::Held { by } => sleep(by).await,
            Fault::Late { by, client } => {
                self.send_later(request, by);
                return Ok(Some(client));
            }
            Fault::Replayed { after } => self.send_later(request, after),
            Fault::Cut { way: Way::Request, after_bytes, client, server } => {
                let mut side = self.connect().await?;
                side.output.write_all(&request.bytes[..after_bytes.min(request.bytes.len() - 1)]).await?;
                side.end(server, &self.tasks).await;
                return Ok(Some(client));
            }
            Fault::Cut { way: Way::Answer, .. } | Fault::Doubled { .. } | Fault::HalfClosed => {}
        }
        let Ok(mut server) = self.connect().await else {
            self.client.output.write_all(BAD_GATEWAY).await?;
            return Ok(Some(End::Fin));
        };
        server.output.write_all(&request.bytes).await?;
        if fault == Fault::HalfClosed {
            server.output.shutdown().await?;
        }
        if let Fault::Doubled { answer, apart } = fault {
            sleep(apart).await;
            let mut double = self.connect().await?;
            double.output.write_all(&request.bytes).await?;
            if answer == Which::Second {
                std::mem::swap(&mut server, &mut double);
            }
            double.end(End::Silence, &self.tasks).await;
        }
        Ok(self.answer(request, server, fault).await)
    }

    /// Brings the answer back. How the client's connection ends, if it does.
    async fn answer(&mut self, request: &Request, mut server: Side, fault: Fault) -> Option<End> {
        let cut = match fault {
            Fault::Cut { after_bytes, client, server, .. } => Some((after_bytes, client, server)),
            _ => None,
        };
        let left = cut.map_or(usize::MAX, |(after_bytes, ..)| after_bytes);
        let held = Held::new(self.shared.behaviour.holding, request);
        let outcome = bring_back(&mut self.client, &mut server, held, left).await;
        let (client_end, server_end) = match (outcome, cut) {
            (Outcome::Over { .. } | Outcome::Cut, Some((_, client, server))) => (Some(client), server),
            (Outcome::Over { closes: false }, None) if fault != Fault::HalfClosed => {
                self.kept = Some((server, Instant::now()));
                return None;
            }
            (Outcome::Over { closes: false }, None) => (None, End::Fin),
            // Without a cut there is no end of bytes.
            (Outcome::Over { .. } | Outcome::ClientGone | Outcome::ServerGone | Outcome::Cut, _) => {
                (Some(End::Fin), End::Fin)
            }
        };
        server.end(server_end, &self.tasks).await;
        client_end
    }

    /// A connection to the server: the one that was kept, or a new one.
    async fn connect(&mut self) -> std::io::Result<Side> {
        match self.kept.take() {
            Some((side, since)) if since.elapsed() < KEPT_MAX => Ok(side),
            _ => {
                let socket = connect(self.shared.server).await?;
                Ok(Side::new(socket, self.shared.behaviour.down, self.shared.link_seed()))
            }
        }
    }

    /// Sends a request of its own, later; its answer goes nowhere.
    fn send_later(&self, request: &Request, after: Duration) {
        let (shared, tasks, bytes) = (Arc::clone(&self.shared), self.tasks.clone(), request.bytes.clone());
        let kind = request.kind;
        self.tasks.spawn(async move {
            sleep(after).await;
            shared.note(&format!("{kind:?} goes to the server after {after:?}"));
            // A server that is gone by then has nothing to fear of it.
            let Ok(socket) = connect(shared.server).await else { return };
            let mut side = Side::new(socket, shared.behaviour.down, shared.link_seed());
            if side.output.write_all(&bytes).await.is_err() {
                return;
            }
            if side.intake.read().await.is_some() {
                shared.note(&format!("{kind:?} got an answer that nobody wants"));
            }
            side.end(End::Silence, &tasks).await;
        });
    }
}

async fn bring_back(client: &mut Side, server: &mut Side, mut held: Held, mut left: usize) -> Outcome {
    let mut answer = Answer::new();
    loop {
        let patience = held.patience(&answer);
        let impatience = async {
            match patience {
                Some(patience) => sleep(patience).await,
                None => pending().await,
            }
        };
        let (piece, is_end) = tokio::select! {
            piece = server.intake.read() => match piece {
                Some(piece) => {
                    answer.feed(&piece);
                    (held.take(&piece, &answer), false)
                }
                None => (held.release(), true),
            },
            more = client.intake.read() => {
                assert!(more.is_none(), "no client of these tests sends the next request early");
                return Outcome::ClientGone;
            }
            () = impatience => (held.release(), false),
        };
        let cut = piece.len() > left;
        let piece = &piece[..piece.len().min(left)];
        left -= piece.len();
        if client.output.write_all(piece).await.is_err() {
            return Outcome::ClientGone;
        }
        match (cut, answer.is_over(), is_end) {
            (true, ..) => return Outcome::Cut,
            (_, true, _) => return Outcome::Over { closes: answer.closes() },
            (.., true) => return Outcome::ServerGone,
            _ => {}
        }
    }
}
