//! A stream compressed write by write ([RFC 1952](https://www.rfc-editor.org/rfc/rfc1952)), pure.
//!
//! A compressor of its own would cost each stream some 260 KB. Instead all streams of a thread share one, which is reset
//! for each write and given the last of what the stream was sent as its dictionary; the stream keeps that, a checksum and
//! a length. To a client it is one gzip stream, of which all that was written so far can be read after each write.

use flate2::{Compress, CompressError, Compression, Crc, FlushCompress, Status};

/// As much of what was sent is remembered: events resemble their forerunners, and far ones help little more.
pub const HISTORY_BYTES_MAX: usize = 4 * 1024;
/// No name, no time, an unknown system.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
/// An empty last block.
const LAST_BLOCK: [u8; 2] = [0x03, 0x00];
/// Room that is made for output at a time.
const OUT_BYTES: usize = 1024;

/// A compressor for all streams of a thread.
#[must_use]
pub fn compressor() -> Compress {
    Compress::new(Compression::fast(), false)
}

/// One compressed stream; by default one that nothing was written to.
#[derive(Debug, Default)]
pub struct Gzip {
    history: Vec<u8>,
    checksum: Crc,
    began: bool,
}

impl Gzip {
    /// Appends `plain`, compressed, to `out`: whoever has all of it up to here can read `plain` to its end. `compressor` is
    /// [`compressor`], and need not be the same for each write.
    ///
    /// # Errors
    /// Never, by the rules of the format; then `out` is of no use, and the stream must end.
    pub fn write(
        &mut self,
        compressor: &mut Compress,
        plain: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), CompressError> {
        self.begin(out);
        if plain.is_empty() {
            return Ok(());
        }
        compressor.reset();
        if !self.history.is_empty() {
            compressor.set_dictionary(&self.history)?;
        }
        let mut rest = plain;
        loop {
            out.reserve(OUT_BYTES.max(rest.len() / 2));
            let before = compressor.total_in();
            let status = compressor.compress_vec(rest, out, FlushCompress::Sync)?;
            let taken = usize::try_from(compressor.total_in() - before).unwrap_or(rest.len());
            rest = rest.get(taken..).unwrap_or_default();
            // Room that is left over shows that all was flushed.
            if rest.is_empty() && out.len() < out.capacity() || status == Status::BufError {
                break;
            }
        }
        self.checksum.update(plain);
        self.remember(plain);
        Ok(())
    }

    /// Appends the end. Nothing may be written behind it.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        self.begin(out);
        out.extend_from_slice(&LAST_BLOCK);
        out.extend_from_slice(&self.checksum.sum().to_le_bytes());
        // Modulo 2^32, as the format has it.
        out.extend_from_slice(&self.checksum.amount().to_le_bytes());
    }

    fn begin(&mut self, out: &mut Vec<u8>) {
        if !std::mem::replace(&mut self.began, true) {
            out.extend_from_slice(&HEADER);
        }
    }

    fn remember(&mut self, plain: &[u8]) {
        let plain = &plain[plain.len().saturating_sub(HISTORY_BYTES_MAX)..];
        let too_many = (self.history.len() + plain.len()).saturating_sub(HISTORY_BYTES_MAX);
        self.history.drain(..too_many);
        self.history.reserve_exact(plain.len());
        self.history.extend_from_slice(plain);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::write::GzDecoder;
    use std::io::Write as _;

    /// Bytes that look like events, with some that do not.
    fn plain(seed: u32, length: usize) -> Vec<u8> {
        let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(1);
        let mut bytes = Vec::new();
        while bytes.len() < length {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            if state >> 29 == 0 {
                bytes.extend_from_slice(&state.to_be_bytes());
            } else {
                let event =
                    format!("id: 1.{}\nevent: msg\ndata: {{\"from\":{}}}\n\n", bytes.len(), state >> 28);
                bytes.extend_from_slice(event.as_bytes());
            }
        }
        bytes.truncate(length);
        bytes
    }

    /// Two streams take turns with one compressor, and both can be read after each write.
    fn check(pieces: &[Vec<u8>]) {
        let mut compressor = compressor();
        let mut streams = [(); 2].map(|()| (Gzip::default(), GzDecoder::new(Vec::new())));
        let mut written = Vec::new();
        for piece in pieces {
            written.extend_from_slice(piece);
            for (gzip, decoder) in &mut streams {
                let mut out = Vec::new();
                gzip.write(&mut compressor, piece, &mut out).unwrap();
                decoder.write_all(&out).unwrap();
                decoder.flush().unwrap();
                assert_eq!(decoder.get_ref(), &written, "in full after each write");
                assert!(
                    gzip.history.len() <= HISTORY_BYTES_MAX
                        && gzip.history.capacity() <= 2 * HISTORY_BYTES_MAX
                );
            }
        }
        for (mut gzip, mut decoder) in streams {
            let mut out = Vec::new();
            gzip.finish(&mut out);
            decoder.write_all(&out).unwrap();
            // The decoder checks checksum and length.
            assert_eq!(decoder.finish().unwrap(), written);
        }
    }

    #[test]
    fn any_split_of_any_bytes_comes_out_as_it_went_in() {
        check(&[]);
        check(&[Vec::new()]);
        check(&[b"a".to_vec(), Vec::new(), b"b".to_vec()]);
        for seed in 0..200 {
            let sizes = [1, 2, 3, 50, 200, 1023, 1024, 1025, 4095, 4096, 4097, 16_384, 70_000];
            let pieces =
                (0..seed % 9).map(|at| plain(seed + at, sizes[(seed * 7 + at * 5) as usize % sizes.len()]));
            check(&pieces.collect::<Vec<_>>());
        }
        let noise: Vec<u8> = (0..40_000u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        check(&noise.chunks(7_001).map(<[u8]>::to_vec).collect::<Vec<_>>());
    }

    #[test]
    fn what_was_said_before_is_hardly_said_again() {
        let (mut gzip, mut compressor) = (Gzip::default(), compressor());
        let event = plain(7, 600);
        let sizes = [(); 3].map(|()| {
            let mut out = Vec::new();
            gzip.write(&mut compressor, &event, &mut out).unwrap();
            out.len()
        });
        assert!(sizes[1] < sizes[0] / 5 && sizes[2] < sizes[0] / 5, "{sizes:?}");
    }

    #[test]
    fn the_length_is_told_modulo_two_to_the_32() {
        let mut gzip = Gzip::default();
        let mut out = Vec::new();
        gzip.finish(&mut out);
        assert_eq!(out[out.len() - 8..], [0; 8]);
        assert_eq!(out[..2], [0x1f, 0x8b]);
    }
}
