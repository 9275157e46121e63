//! The thread that writes all recordings: each block of lines a gzip member of its file.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use flate2::Compress;
use sward_protocol::ids::RoomId;

use super::sink::{Sink, Taken};
use super::{Rules, Shared, folder_bytes};
use crate::room::recording::format::{End, push_end};
use crate::stream::gzip::{Gzip, compressor};

/// How long lines wait to be written at most: a process that is killed loses so much.
const WRITE_EVERY: Duration = Duration::from_millis(500);
/// How soon it is noticed that somebody made room in a folder that was full.
const COUNT_EVERY: Duration = Duration::from_secs(1);
/// What the last block of a file takes: set aside, so that each has one.
const END_BYTES: u64 = 128;
/// Memory for a block that is kept for the next one.
const KEPT_BYTES_MAX: usize = 1024 * 1024;

/// What the writer is told.
#[derive(Debug)]
pub enum Told {
    /// A recording begins.
    Begin {
        /// Where its lines come from.
        sink: Arc<Sink>,
        /// Where they go.
        path: PathBuf,
        /// The first of them.
        header: Vec<u8>,
        /// Whose they are.
        room: RoomId,
    },
    /// Much waits to be written, or the server stops.
    Much,
}

/// Why a block is not in its file.
enum NotWritten {
    /// The file, or the folder, has as many bytes as it may.
    Full,
    /// What the operating system says.
    Disk(io::Error),
}

struct Open {
    sink: Arc<Sink>,
    path: PathBuf,
    room: RoomId,
    /// Until it is written.
    header: Option<Vec<u8>>,
    /// Whether the file is there.
    has_file: bool,
    bytes: u64,
}

/// Writes all recordings.
pub struct Writer {
    rules: Arc<Rules>,
    shared: Arc<Shared>,
    told: Receiver<Told>,
    open: Vec<Open>,
    compressor: Compress,
    block: Vec<u8>,
    counted: Instant,
}

impl Writer {
    pub fn new(rules: Arc<Rules>, shared: Arc<Shared>, told: Receiver<Told>) -> Self {
        let (compressor, counted) = (compressor(), Instant::now());
        Self { rules, shared, told, open: Vec::new(), compressor, block: Vec::new(), counted }
    }

    /// Writes until it is told to stop.
    pub fn run(mut self) {
        let mut written = Instant::now();
        loop {
            let wait = WRITE_EVERY.saturating_sub(written.elapsed());
            let is_due = match self.told.recv_timeout(wait) {
                Ok(begin @ Told::Begin { .. }) => {
                    self.begin(begin);
                    false
                }
                Ok(Told::Much) | Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => true,
            };
            let is_last = self.shared.is_stopping.load(Ordering::Relaxed);
            if is_last {
                // Those who were told before it stopped are in time.
                while let Ok(told) = self.told.try_recv() {
                    self.begin(told);
                }
                self.open.iter().for_each(|open| open.sink.end(End::Shutdown));
            }
            if is_due || is_last {
                self.write_all();
                written = Instant::now();
                self.count_again();
            }
            if is_last {
                return;
            }
        }
    }

    fn begin(&mut self, told: Told) {
        if let Told::Begin { sink, path, header, room } = told {
            self.open.push(Open { sink, path, room, header: Some(header), has_file: false, bytes: 0 });
        }
    }

    fn write_all(&mut self) {
        for mut open in std::mem::take(&mut self.open) {
            if self.write(&mut open) {
                self.open.push(open);
            } else {
                self.shared.metrics.recordings.open.dec();
            }
        }
    }

    /// Writes what waits. False: the recording has ended.
    fn write(&mut self, open: &mut Open) -> bool {
        let Taken { bytes, has_ended } = open.sink.take();
        let header = open.header.take();
        let written = header
            .map_or(Ok(()), |header| self.append(open, &header, END_BYTES))
            .and_then(|()| if bytes.is_empty() { Ok(()) } else { self.append(open, &bytes, END_BYTES) });
        let ended_early = &self.shared.metrics.recordings.ended_early;
        match written {
            Ok(()) => !has_ended,
            Err(NotWritten::Full) => {
                let at_ms = open.sink.cut();
                ended_early.with_label_values(&[End::Full.word()]).inc();
                tracing::info!(room = %open.room, bytes = open.bytes, "the recording has as many bytes as it may");
                let mut end = Vec::new();
                push_end(&mut end, at_ms, End::Full);
                // What was set aside for it is there, or there is no file at all.
                let _ = if open.has_file { self.append(open, &end, 0) } else { Ok(()) };
                false
            }
            Err(NotWritten::Disk(error)) => {
                open.sink.cut();
                ended_early.with_label_values(&["disk"]).inc();
                let path = open.path.display();
                tracing::warn!(room = %open.room, %path, %error, "the recording cannot be written, and ends");
                false
            }
        }
    }

    /// Appends whole lines as a block, if so many bytes are left behind it.
    fn append(&mut self, open: &mut Open, lines: &[u8], spare: u64) -> Result<(), NotWritten> {
        self.block.clear();
        let mut gzip = Gzip::default();
        let packed = gzip.write(&mut self.compressor, lines, &mut self.block);
        packed.map_err(|error| NotWritten::Disk(io::Error::other(error)))?;
        gzip.finish(&mut self.block);
        let bytes = self.block.len() as u64;
        let is_above = |used: u64, max: u64| used.saturating_add(bytes).saturating_add(spare) > max;
        let is_folder_full = |shared: &Shared, rules: &Rules| {
            is_above(shared.total_bytes.load(Ordering::Relaxed), rules.total_bytes_max)
        };
        if is_above(open.bytes, self.rules.bytes_max) {
            return Err(NotWritten::Full);
        }
        // The end of a file is so little that it is written all the same.
        if spare > 0 && is_folder_full(&self.shared, &self.rules) {
            self.shared.was_full.store(true, Ordering::Relaxed);
            // Somebody may have made room since it was counted.
            self.count_again();
            if is_folder_full(&self.shared, &self.rules) {
                return Err(NotWritten::Full);
            }
        }
        open.write(&self.block).map_err(NotWritten::Disk)?;
        self.block.shrink_to(KEPT_BYTES_MAX);
        open.bytes += bytes;
        self.shared.total_bytes.fetch_add(bytes, Ordering::Relaxed);
        self.shared.metrics.recordings.bytes.inc_by(bytes);
        Ok(())
    }

    /// Looks whether somebody made room in the folder.
    fn count_again(&mut self) {
        if self.counted.elapsed() < COUNT_EVERY || !self.shared.was_full.swap(false, Ordering::Relaxed) {
            return;
        }
        self.counted = Instant::now();
        if let Ok(bytes) = folder_bytes(&self.rules.folder) {
            self.shared.total_bytes.store(bytes, Ordering::Relaxed);
        }
    }
}

impl Open {
    fn write(&mut self, block: &[u8]) -> io::Result<()> {
        // Not held open: ten thousand rooms would hold as many descriptors, which players need. And so it is noticed when
        // the file is taken away.
        let mut file = if self.has_file {
            OpenOptions::new().append(true).open(&self.path)?
        } else {
            create(&self.path)?
        };
        self.has_file = true;
        // In one piece, so that a process that is killed leaves a whole block or none.
        file.write_all(block)
    }
}

/// A new file, which nobody else may read: what players wrote is in there.
fn create(path: &PathBuf) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
