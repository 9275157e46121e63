//! Recordings to files: which rooms are recorded, and one thread that writes for all of them.
//!
//! A room's own thread does no more than append lines to memory ([`recorded`], [`sink`]); twice a second the [`writer`]
//! packs what each room has said into a block of its file. Whatever goes wrong with a file, its room goes on untouched.
//!
//! Bounds: bytes of one file, bytes of all files, and [`sink::PENDING_BYTES_MAX`] that wait to be written. Past each of them
//! a recording ends, or does not begin, with a word in the log and a number in the metrics.

mod recorded;
mod sink;
#[cfg(test)]
mod tests;
mod writer;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use sward_protocol::payload::Payload;

use self::recorded::Recorded;
use self::sink::Sink;
use self::writer::{Told, Writer};
use super::core::RoomStep;
use super::recording::format::Header;
use crate::entropy;
use crate::metrics::Metrics;

/// Recordings that wait to be begun.
const BEGINNINGS_MAX: usize = 1024;
/// How long a server that stops waits for the last blocks: a disk that hangs must not keep it.
const FINISH_WAIT_MAX: Duration = Duration::from_secs(5);
/// What a recording's file is called at its end.
pub const EXTENSION: &str = ".sward.gz";

/// What is recorded, and where to.
#[derive(Debug, Clone)]
pub struct Rules {
    /// The folder of the files. It is made if it is not there.
    pub folder: PathBuf,
    /// The share of rooms that are recorded, 0 to 1.
    pub sample: f64,
    /// Whose rooms; empty: those of all games.
    pub games: Vec<String>,
    /// Bytes of one recording.
    pub bytes_max: u64,
    /// Bytes of all recordings in the folder.
    pub total_bytes_max: u64,
}

/// Records rooms.
#[derive(Debug)]
pub struct Recorder {
    rules: Arc<Rules>,
    shared: Arc<Shared>,
    thread: Mutex<Option<Running>>,
}

#[derive(Debug)]
struct Running {
    tell: SyncSender<Told>,
    /// Hung up when the thread has ended.
    ended: Receiver<()>,
    thread: JoinHandle<()>,
}

/// What rooms and the writer both look at.
#[derive(Debug)]
struct Shared {
    metrics: Arc<Metrics>,
    /// Bytes that wait to be written, of all rooms.
    pending_bytes: AtomicUsize,
    /// Bytes of all recordings in the folder.
    total_bytes: AtomicU64,
    /// Whether there was no room for a recording since they were last counted.
    was_full: AtomicBool,
    /// Whether the server stops.
    is_stopping: AtomicBool,
}

impl Recorder {
    /// One that records nothing yet.
    #[must_use]
    pub fn new(rules: Rules, metrics: Arc<Metrics>) -> Self {
        let shared = Shared {
            metrics,
            pending_bytes: AtomicUsize::new(0),
            total_bytes: AtomicU64::new(0),
            was_full: AtomicBool::new(false),
            is_stopping: AtomicBool::new(false),
        };
        Self { rules: Arc::new(rules), shared: Arc::new(shared), thread: Mutex::default() }
    }

    /// Begins to record.
    ///
    /// # Errors
    /// What the operating system says: there is no such folder and it cannot be made, or there can be no thread.
    pub fn start(&self) -> io::Result<()> {
        let folder = &self.rules.folder;
        make_folder(folder)
            .and_then(|()| folder_bytes(folder))
            .map(|bytes| self.shared.total_bytes.store(bytes, Ordering::Relaxed))
            .map_err(|error| {
                io::Error::new(error.kind(), format!("--record {}: {error}", folder.display()))
            })?;
        let (tell, told) = sync_channel(BEGINNINGS_MAX);
        let writer = Writer::new(Arc::clone(&self.rules), Arc::clone(&self.shared), told);
        let (ends, ended) = sync_channel(0);
        let write = move || {
            writer.run();
            drop(ends);
        };
        let thread = thread::Builder::new().name("sward-recorder".to_owned()).spawn(write)?;
        *self.running() = Some(Running { tell, ended, thread });
        Ok(())
    }

    fn running(&self) -> std::sync::MutexGuard<'_, Option<Running>> {
        self.thread.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends all recordings as those of a server that stops, and returns when they are written, or after 5 s. Nothing is
    /// recorded any more.
    pub fn finish(&self) {
        self.finish_within(FINISH_WAIT_MAX);
    }

    fn finish_within(&self, wait: Duration) {
        let Some(Running { tell, ended, thread }) = self.running().take() else { return };
        self.shared.is_stopping.store(true, Ordering::Relaxed);
        // One that has much to be told, or is gone, need not be woken.
        let _ = tell.try_send(Told::Much);
        if ended.recv_timeout(wait) == Err(RecvTimeoutError::Timeout) {
            tracing::error!("the disk does not take the end of the recordings");
        } else if thread.join().is_err() {
            tracing::error!("the thread that writes recordings has failed");
        }
    }

    /// The room as it is, or one whose steps are written down. `options` and `seed` are what it was made with.
    #[must_use]
    pub fn wrap(
        self: &Arc<Self>,
        room: Box<dyn RoomStep>,
        game_version: &str,
        options: &Payload,
        seed: u64,
    ) -> Box<dyn RoomStep> {
        if !self.wants(&*room) {
            return room;
        }
        let header = Header {
            recording: super::recording::format::VERSION,
            server: env!("CARGO_PKG_VERSION").to_owned(),
            game: room.charter().game.clone(),
            game_version: game_version.to_owned(),
            room: room.charter().clone(),
            options: options.clone(),
            seed,
            began_ms: 0,
        };
        Box::new(Recorded::new(room, Arc::clone(self), header))
    }

    fn wants(&self, room: &dyn RoomStep) -> bool {
        let Rules { sample, games, .. } = &*self.rules;
        let is_meant = games.is_empty() || games.contains(&room.charter().game);
        // 53 bits fill a double's mantissa exactly.
        #[expect(clippy::cast_precision_loss, reason = "53 bits fit a double")]
        let drawn = || (entropy::seed() >> 11) as f64 / 9_007_199_254_740_992.0;
        room.settings().recorded.unwrap_or_else(|| is_meant && drawn() < *sample)
    }

    /// Begins a recording. `None`: there is no room for it.
    fn begin(&self, header: &Header) -> Option<Arc<Sink>> {
        let running = self.running();
        let tell = &running.as_ref()?.tell;
        let is_full = self.shared.total_bytes.load(Ordering::Relaxed) >= self.rules.total_bytes_max;
        let sink = Arc::new(Sink::new(Arc::clone(&self.shared), tell.clone()));
        let mut line = Vec::new();
        header.push(&mut line);
        let path = self.path(header);
        let room = header.room.id;
        let began = Told::Begin { sink: Arc::clone(&sink), path, header: line, room };
        if is_full {
            if !self.shared.was_full.swap(true, Ordering::Relaxed) {
                tracing::warn!(%room, "there is no room for one more recording (--record-total-bytes)");
            }
        } else if tell.try_send(began).is_ok() {
            self.shared.metrics.recordings.open.inc();
            return Some(sink);
        }
        self.shared.metrics.recordings.refused.inc();
        None
    }

    fn path(&self, header: &Header) -> PathBuf {
        let Header { game, room, began_ms, .. } = header;
        self.rules.folder.join(format!("{game}-{}-{began_ms}{EXTENSION}", room.id))
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.finish();
    }
}

/// What players wrote is in there: it is nobody else's to read.
fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Bytes of all recordings in a folder.
fn folder_bytes(folder: &Path) -> io::Result<u64> {
    let mut bytes = 0_u64;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let is_one = entry.file_name().to_str().is_some_and(|name| name.ends_with(EXTENSION));
        // One that was removed meanwhile has none.
        let length = entry.metadata().map_or(0, |file| file.len());
        bytes = bytes.saturating_add(if is_one { length } else { 0 });
    }
    Ok(bytes)
}
