//! A complete answer per flush, for boxes that hold an answer until it ends.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use sward_protocol::bye::CloseCode;
use tokio::time::{Instant, timeout_at};

use super::open::{Hold, Opened, farewell};
use super::words;
use crate::clock::Clock;
use crate::fanout::reading::Chunk;

/// The reconnection time that every answer asks for, in milliseconds: the next request is to follow at once.
const RETRY_MS: u64 = 10;
/// Bytes of one answer, unless one event alone has more: the rest is in the next.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// How long a client who starts anew in a room waits for `joined`: with it he has an id, and goes on from there.
const SNAPSHOT_WAIT_MAX: Duration = Duration::from_millis(1_000);

/// The body of an answer: what waits, or the next flush, or a beat when none comes within `hold_ms`.
pub async fn answer(opened: Opened, hold_ms: u64, clock: Clock) -> Vec<u8> {
    let Opened { hold, hello, .. } = opened;
    let wait = match &hello {
        None => Duration::from_millis(hold_ms),
        Some(_) if hold.awaits_snapshot() => SNAPSHOT_WAIT_MAX,
        Some(_) => Duration::ZERO,
    };
    let format = hold.format();
    let mut out = Vec::with_capacity(1024);
    format.push_retry(&mut out, RETRY_MS);
    let has_hello = hello.is_some();
    out.extend(hello.unwrap_or_default());
    let before = out.len();
    let collected = collect(&hold, wait, &mut out).await;
    match collected {
        // What was read before goes out; the next request is told.
        Err(code) if out.len() == before && !has_hello => farewell(format, code, hold.metrics()),
        _ => {
            if out.len() == before && !has_hello {
                out.extend(words::beat(format, clock.now_ms()));
            }
            out
        }
    }
}

/// Appends what waits, once something does or the wait is over.
async fn collect(hold: &Hold, wait: Duration, out: &mut Vec<u8>) -> Result<(), CloseCode> {
    let deadline = Instant::now() + wait;
    let start = out.len();
    loop {
        let next = poll_fn(|cx| match hold.read(cx.waker()) {
            Chunk::Events { bytes, .. } => Poll::Ready(Ok(bytes)),
            Chunk::Closed(code) => Poll::Ready(Err(code)),
            Chunk::Empty if out.len() > start => Poll::Ready(Ok(Vec::new())),
            Chunk::Empty => Poll::Pending,
        });
        let Ok(next) = timeout_at(deadline, next).await else { return Ok(()) };
        let bytes = next?;
        if bytes.is_empty() {
            return Ok(());
        }
        out.extend(bytes);
        if out.len() - start >= ANSWER_BYTES_MAX {
            return Ok(());
        }
    }
}
