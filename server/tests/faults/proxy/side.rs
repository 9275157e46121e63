//! One end of a connection, and the ways to end it.

use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::time::timeout;

use super::Tasks;
use super::fault::End;
use super::link::{Intake, Link};

/// How long a connection is kept on which nothing goes on. Above every time-out of a client.
const SILENCE_MAX: Duration = Duration::from_secs(60);
/// How long a farewell waits for the other side's.
const FAREWELL_MAX: Duration = Duration::from_secs(5);

/// One end of a connection.
pub struct Side {
    pub intake: Intake,
    pub output: OwnedWriteHalf,
}

impl Side {
    pub fn new(socket: TcpStream, link: Link, seed: u64) -> Self {
        let (read, output) = socket.into_split();
        Self { intake: Intake::new(read, link, seed), output }
    }

    pub async fn end(self, how: End, tasks: &Tasks) {
        match how {
            End::Fin => {
                let mut side = self;
                // An error means that the other side was faster.
                let _ = side.output.shutdown().await;
                tasks.spawn(side.swallow(FAREWELL_MAX));
            }
            End::Rst => {
                // Closing with a linger time of zero resets the connection.
                let _ = self.output.as_ref().set_zero_linger();
                self.intake.close().await;
                // Dropped as it is, it would say a proper farewell first.
                self.output.forget();
            }
            End::Silence => tasks.spawn(self.swallow(SILENCE_MAX)),
        }
    }

    /// Reads on to the end, for at most so long.
    async fn swallow(mut self, at_most: Duration) {
        let _ = timeout(at_most, async { while self.intake.read().await.is_some() {} }).await;
    }
}
