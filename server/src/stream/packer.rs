//! The last step of a stream's bytes: as they are, or compressed.

use std::cell::RefCell;

use bytes::Bytes;
use flate2::{Compress, CompressError};

use super::gzip::{Gzip, compressor};

thread_local! {
    /// One for all streams of the thread.
    static COMPRESSOR: RefCell<Compress> = RefCell::new(compressor());
}

/// Packs the writes of one stream.
#[derive(Debug)]
pub enum Packer {
    /// Leaves them as they are.
    Plain,
    /// Compresses each of them.
    Gzip(Box<Gzip>),
}

impl Packer {
    /// The packer of a new stream.
    #[must_use]
    pub fn new(compress: bool) -> Self {
        if compress { Self::Gzip(Box::default()) } else { Self::Plain }
    }

    /// What `Content-Encoding` says.
    #[must_use]
    pub fn content_encoding(&self) -> &'static str {
        match self {
            Self::Plain => "identity",
            Self::Gzip(_) => "gzip",
        }
    }

    /// One write.
    ///
    /// # Errors
    /// Never, by the rules of the format; the stream must end then.
    pub fn write(&mut self, plain: Vec<u8>) -> Result<Bytes, CompressError> {
        let Self::Gzip(gzip) = self else { return Ok(plain.into()) };
        let mut out = Vec::new();
        COMPRESSOR.with_borrow_mut(|compressor| gzip.write(compressor, &plain, &mut out))?;
        Ok(out.into())
    }

    /// The last write. Nothing may follow it.
    ///
    /// # Errors
    /// See [`Packer::write`].
    pub fn finish(&mut self, plain: Vec<u8>) -> Result<Bytes, CompressError> {
        let Self::Gzip(gzip) = self else { return Ok(plain.into()) };
        let mut out = Vec::new();
        COMPRESSOR.with_borrow_mut(|compressor| gzip.write(compressor, &plain, &mut out))?;
        gzip.finish(&mut out);
        Ok(out.into())
    }
}
