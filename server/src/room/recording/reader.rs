//! A file's bytes to lines, as far as they are whole.
//!
//! A file is a row of gzip members ([RFC 1952](https://www.rfc-editor.org/rfc/rfc1952)), each of whole lines; its checksum
//! tells whether a member is what was written. Of a file that was cut, all members up to the last whole one count.

use std::io::{self, Read as _};

use flate2::bufread::GzDecoder;
use sward_protocol::limits::INTEGER_END;

use crate::room::recording::format::{self, BadLine, Header, Line};

/// What one member holds at most, unpacked. More is no recording, but made to fill somebody's memory.
pub const MEMBER_BYTES_MAX: usize = 128 * 1024 * 1024;
/// What one line has at most: a batch is of a body of 32 KiB, which may grow as JSON. A longer one is made to fill
/// somebody's memory.
const LINE_BYTES_MAX: usize = 1024 * 1024;
/// What every member of ours begins with: deflate, no name, no time, an unknown system.
const MEMBER_HEAD: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];

/// Why nothing more can be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// It is no recording, or nothing of it is left.
    #[error("this is no recording: {0}")]
    NotOne(String),
    /// It has a format that this version does not know.
    #[error("it was made by a newer version: {0}")]
    Newer(String),
    /// It ends in the middle of a member: its writer was killed, or it was copied in part.
    #[error("the file is cut: of its {} bytes, those from {from_byte} on are no whole block", .bytes)]
    Cut {
        /// Where the first member begins that is not whole.
        from_byte: usize,
        /// Of the file.
        bytes: usize,
    },
    /// It is not what was written.
    #[error("the file is damaged from byte {from_byte} on: {why}")]
    Damaged {
        /// Where the first member begins that is not as it was.
        from_byte: usize,
        /// What is wrong with it.
        why: String,
    },
}

/// Reads a recording from its beginning to where it ends, or ceases to be one.
#[derive(Debug)]
pub struct Reader {
    file: Vec<u8>,
    /// Where the member begins whose lines these are.
    member_byte: usize,
    /// Where the next member begins.
    next_byte: usize,
    /// The lines of this member.
    text: String,
    /// Where the next of them begins.
    next_char: usize,
    lines: u64,
    /// The time of the last one.
    at_ms: u64,
}

impl Reader {
    /// Reads the header; of a newer version too if `is_forced`, as far as it can be.
    ///
    /// # Errors
    /// [`Flaw`].
    pub fn open(file: Vec<u8>, is_forced: bool) -> Result<(Header, Self), Flaw> {
        let mut reader = Self {
            file,
            member_byte: 0,
            next_byte: 0,
            text: String::new(),
            next_char: 0,
            lines: 0,
            at_ms: 0,
        };
        let header = match reader.next_line() {
            Ok(Some(line)) => Header::read(line, is_forced),
            Ok(None) => return Err(Flaw::NotOne("it is empty".to_owned())),
            // Nothing of it is whole.
            Err(flaw) => return Err(Flaw::NotOne(flaw.to_string())),
        };
        match header {
            Ok(header) => Ok((header, reader)),
            Err(newer @ BadLine::Newer(_)) => Err(Flaw::Newer(newer.to_string())),
            Err(BadLine::Unknown(why)) => Err(Flaw::NotOne(why)),
        }
    }

    /// The next line; `None` at the end of the file.
    ///
    /// # Errors
    /// [`Flaw`]: nothing more can be read.
    pub fn next(&mut self) -> Result<Option<Line>, Flaw> {
        let read = self.next_line()?.map(format::read).transpose();
        // It has the right checksum, so it was written like that.
        let line =
            read.map_err(|error| Flaw::Newer(format!("line {} is of an unknown kind: {error}", self.lines)))?;
        // A room's time never goes back, and has an end.
        let at_ms = line.as_ref().map_or(self.at_ms, |line| line.at_ms);
        if at_ms < self.at_ms || at_ms >= INTEGER_END {
            return Err(self.damaged(&format!("the time of line {} cannot be", self.lines)));
        }
        self.at_ms = at_ms;
        Ok(line)
    }

    fn damaged(&self, why: &str) -> Flaw {
        Flaw::Damaged { from_byte: self.member_byte, why: why.to_owned() }
    }

    fn next_line(&mut self) -> Result<Option<&str>, Flaw> {
        while self.next_char == self.text.len() {
            if self.next_byte == self.file.len() {
                return Ok(None);
            }
            self.next_member()?;
        }
        let start = self.next_char;
        // A member ends with a line.
        let length = self.text[start..].find('\n').unwrap_or_default();
        self.next_char = start + length + 1;
        self.lines += 1;
        if length > LINE_BYTES_MAX {
            return Err(self.damaged("a line of that size was never written"));
        }
        Ok(Some(&self.text[start..start + length]))
    }

    fn next_member(&mut self) -> Result<(), Flaw> {
        let (from_byte, bytes) = (self.next_byte, self.file.len());
        let mut rest = &self.file[from_byte..];
        let damaged = |why: &str| Flaw::Damaged { from_byte, why: why.to_owned() };
        let mut text = Vec::new();
        let unpacked = GzDecoder::new(&mut rest).take(MEMBER_BYTES_MAX as u64 + 1).read_to_end(&mut text);
        match unpacked {
            Ok(_) => {}
            // What is cut has nothing behind it.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof && !self.has_member_behind() => {
                return Err(Flaw::Cut { from_byte, bytes });
            }
            Err(error) => return Err(damaged(&error.to_string())),
        }
        if text.len() > MEMBER_BYTES_MAX {
            return Err(damaged("a block of that size was never written"));
        }
        let text = String::from_utf8(text).map_err(|_| damaged("it is no text"))?;
        if !text.ends_with('\n') {
            return Err(damaged("it has no whole lines"));
        }
        (self.member_byte, self.next_byte) = (from_byte, bytes - rest.len());
        (self.text, self.next_char) = (text, 0);
        Ok(())
    }

    /// Whether another member begins behind the one that comes next.
    fn has_member_behind(&self) -> bool {
        let behind = self.file.get(self.next_byte + 1..).unwrap_or_default();
        behind.windows(MEMBER_HEAD.len()).any(|head| head == MEMBER_HEAD)
    }
}
