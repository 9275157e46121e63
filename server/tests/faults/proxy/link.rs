//! What a wire does to bytes without losing any: delay, jitter, a bandwidth, stalls for what was lost and sent again.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use rand_core::{Rng as _, SeedableRng as _};
use rand_pcg::Pcg32;
use tokio::io::AsyncReadExt as _;
use tokio::net::tcp::OwnedReadHalf;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

/// Bytes of a packet: what one Ethernet frame carries.
const PACKET_BYTES: usize = 1_460;
/// Packets under way in one direction of one connection; whoever sends more waits.
const PACKETS_MAX: usize = 64;
/// The shortest retransmission time-out of Linux ([RFC 6298](https://www.rfc-editor.org/rfc/rfc6298) says 1 s, all
/// systems take less): a lost packet comes this much and a round trip later, and all behind it wait.
const RETRANSMISSION_MIN: Duration = Duration::from_millis(200);

/// One direction of a connection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Link {
    /// From one end to the other: half of a round trip.
    pub delay: Duration,
    /// Up to so much more, anew for each packet; none overtakes another.
    pub jitter: Duration,
    /// 0: as much as there is.
    pub bits_per_s: u64,
    /// Packets of 1,000 that are lost, and come after a time-out.
    pub loss_per_mille: u32,
}

impl Link {
    /// Half a round trip each way, and nothing else.
    pub fn round_trip(ms: u64) -> Self {
        Self { delay: Duration::from_millis(ms / 2), ..Self::default() }
    }
}

/// When each packet of one direction arrives.
#[derive(Debug)]
pub struct Pace {
    link: Link,
    random: Pcg32,
    /// When the line is free for the next packet.
    free: Option<Instant>,
    /// When the last packet arrives.
    last: Option<Instant>,
}

impl Pace {
    pub fn new(link: Link, seed: u64) -> Self {
        Self { link, random: Pcg32::seed_from_u64(seed), free: None, last: None }
    }

    /// When a packet of so many bytes arrives that is sent at `now`.
    pub fn arrival(&mut self, now: Instant, bytes: usize) -> Instant {
        let Link { delay, jitter, bits_per_s, loss_per_mille } = self.link;
        let begin = self.free.map_or(now, |free| free.max(now));
        let on_the_line = match bits_per_s {
            0 => Duration::ZERO,
            rate => Duration::from_secs_f64(bytes as f64 * 8.0 / rate as f64),
        };
        self.free = Some(begin + on_the_line);
        let fraction = f64::from(self.random.next_u32()) / f64::from(u32::MAX);
        let mut arrival = begin + on_the_line + delay + jitter.mul_f64(fraction);
        if self.random.next_u32() % 1_000 < loss_per_mille {
            arrival += RETRANSMISSION_MIN + 2 * delay;
        }
        let arrival = self.last.map_or(arrival, |last| last.max(arrival));
        self.last = Some(arrival);
        arrival
    }
}

/// What comes out at the far end of a link.
#[derive(Debug)]
pub struct Intake {
    packets: mpsc::Receiver<(Instant, Bytes)>,
    /// The packet that comes next, if it is known already.
    next: Option<(Instant, Bytes)>,
    task: JoinHandle<()>,
}

impl Intake {
    /// Reads a socket through a link.
    pub fn new(mut socket: OwnedReadHalf, link: Link, seed: u64) -> Self {
        let (sender, packets) = mpsc::channel(PACKETS_MAX);
        let task = tokio::spawn(async move {
            let mut pace = Pace::new(link, seed);
            loop {
                let mut packet = BytesMut::with_capacity(PACKET_BYTES);
                let mut piece = (&mut socket).take(PACKET_BYTES as u64);
                // A reset ends it as a farewell does; what is under way still arrives.
                if !matches!(piece.read_buf(&mut packet).await, Ok(1..)) {
                    return;
                }
                let arrival = pace.arrival(Instant::now(), packet.len());
                if sender.send((arrival, packet.freeze())).await.is_err() {
                    return;
                }
            }
        });
        Self { packets, next: None, task }
    }

    /// The next bytes; nothing when the connection ended. Nothing is lost when it is dropped half-way.
    pub async fn read(&mut self) -> Option<Bytes> {
        if self.next.is_none() {
            self.next = Some(self.packets.recv().await?);
        }
        if let Some((arrival, _)) = self.next {
            sleep_until(arrival).await;
        }
        self.next.take().map(|(_, bytes)| bytes)
    }

    /// Lets go of the socket.
    pub async fn close(mut self) {
        self.task.abort();
        // It was aborted, or had ended by itself.
        let _ = (&mut self.task).await;
    }
}

impl Drop for Intake {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// When packets of these bytes arrive, in ms, all sent at once.
    fn arrivals(link: Link, packets: &[usize]) -> Vec<u128> {
        let start = Instant::now();
        let mut pace = Pace::new(link, 7);
        packets.iter().map(|bytes| (pace.arrival(start, *bytes) - start).as_millis()).collect()
    }

    #[test]
    fn a_delay_is_the_same_for_all() {
        assert_eq!(arrivals(Link::round_trip(700), &[10, 1_460, 1]), [350, 350, 350]);
    }

    #[test]
    fn a_narrow_line_takes_one_packet_after_the_other() {
        let link = Link { bits_per_s: 56_000, ..Link::default() };
        assert_eq!(arrivals(link, &[700, 700, 1_400]), [100, 200, 400]);
    }

    #[test]
    fn jitter_differs_but_none_overtakes_another() {
        let link = Link { jitter: Duration::from_millis(100), ..Link::round_trip(20) };
        let arrivals = arrivals(link, &[1; 50]);
        assert!(arrivals.is_sorted() && arrivals[0] >= 10 && arrivals[49] <= 110, "{arrivals:?}");
        assert!(arrivals[49] > arrivals[0], "{arrivals:?}");
    }

    #[test]
    fn what_is_lost_comes_later_and_all_behind_it_waits() {
        let link = Link { loss_per_mille: 20, ..Link::round_trip(20) };
        let arrivals = arrivals(link, &[1; 500]);
        let on_time = arrivals.iter().filter(|ms| **ms == 10).count();
        assert!((1..500).contains(&on_time), "{on_time}");
        assert_eq!(arrivals[499], 230);
    }
}
