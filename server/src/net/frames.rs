//! What the frames of HTTP/2 ask for ([RFC 9113 §4](https://www.rfc-editor.org/rfc/rfc9113#section-4)), pure.
//!
//! The HTTP layer takes heads of 16 MiB, and of any number of fields: a field that a peer names again costs him one byte
//! and this server forty, and past some 24,000 names it panics. So the fields of a head are counted here ([RFC 7541
//! §6](https://www.rfc-editor.org/rfc/rfc7541#section-6)): for that no table is needed, nor what they say. And it remembers
//! each answer that waited for the connection's window and was given up, until that window opens: so those that were given
//! up are held against how far it was opened. What is malformed is the HTTP layer's to refuse.

/// Bytes of a head, compressed as it came: as many as proxies pass on at most.
pub const HEAD_BYTES_MAX: u64 = 64 * 1024;
/// Fields of a head. Browsers send each cookie as a field of its own.
pub const FIELDS_MAX: u32 = 256;
/// Heads that are handed over in one turn. The HTTP layer makes a task for each, and none of them runs, nor is an answer
/// written, as long as there is more to read.
pub const HEADS_PER_TURN_MAX: u32 = 32;

/// Requests that may be given up on one connection without a word of its window.
pub const RESETS_MAX: u64 = 1_000;
/// And for each so many bytes by which it opens the window, another one. Few answers are smaller.
pub const BYTES_PER_RESET: u64 = 256;

const PREFACE_BYTES: u64 = 24;
const FRAME_HEAD_BYTES: usize = 9;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;
const END_HEADERS: u8 = 0x4;
const PADDED: u8 = 0x8;
const PRIORITY: u8 = 0x20;
const PRIORITY_BYTES: u64 = 5;

/// More than a connection may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TooMuch {
    /// A head with more fields, or more bytes, than one may have.
    Head,
    /// More requests were given up than [`RESETS_MAX`] and [`BYTES_PER_RESET`] allow.
    Resets,
}

impl TooMuch {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Head => "large_head",
            Self::Resets => "many_resets",
        }
    }
}

/// Follows the bytes of one connection, from its preface on.
#[derive(Debug)]
pub struct Frames {
    part: Part,
    /// Of the head that is being read, or was read last.
    bytes: u64,
    fields: Fields,
    in_turn: u32,
    resets: u64,
    /// By so many bytes the peer opened the connection's window.
    opened: u64,
}

#[derive(Debug, Clone, Copy)]
enum Part {
    /// Of no interest: so many bytes are still to come, and so many behind them that are.
    Skip { left: u64, then: Block },
    /// The next frame's own head.
    FrameHead { bytes: [u8; FRAME_HEAD_BYTES], length: usize },
    /// How many bytes of padding are at the end of a frame.
    PadLength { left: u64, has_priority: bool, ends: bool },
    /// A piece of a request's head.
    Fields(Block),
    /// By how much the connection's window is opened.
    Increment { bytes: u32, left: u8 },
}

/// A piece of a request's head in one frame.
#[derive(Debug, Clone, Copy, Default)]
struct Block {
    left: u64,
    padding: u64,
    /// Whether it is the last of that head.
    ends: bool,
}

impl Default for Frames {
    fn default() -> Self {
        let part = Part::Skip { left: PREFACE_BYTES, then: Block::default() };
        Self { part, bytes: 0, fields: Fields::default(), in_turn: 0, resets: 0, opened: 0 }
    }
}

impl Frames {
    /// Follows `bytes`. `Some(n)`: with the first `n` of them this turn has as many heads as it may, and the rest was not
    /// looked at. `None`: all of them may be handed over.
    ///
    /// # Errors
    /// [`TooMuch`]: nothing of this may be handed over.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<Option<usize>, TooMuch> {
        let mut at = 0;
        while at < bytes.len() {
            let rest = &bytes[at..];
            let within = |left: u64| usize::try_from(left).unwrap_or(usize::MAX).min(rest.len());
            match &mut self.part {
                Part::Skip { left, then } => {
                    let count = within(*left);
                    at += count;
                    *left -= count as u64;
                    if *left == 0 {
                        let then = *then;
                        self.go_on(then);
                    }
                }
                Part::FrameHead { bytes: head, length } => {
                    head[*length] = rest[0];
                    *length += 1;
                    at += 1;
                    if *length == FRAME_HEAD_BYTES {
                        let head = *head;
                        self.frame(head)?;
                    }
                }
                Part::PadLength { left, has_priority, ends } => {
                    let (left, has_priority, ends) = (*left - 1, *has_priority, *ends);
                    at += 1;
                    self.block(left, u64::from(rest[0]), has_priority, ends);
                }
                Part::Increment { bytes, left } => {
                    *bytes = *bytes << 8 | u32::from(rest[0]);
                    *left -= 1;
                    at += 1;
                    if *left == 0 {
                        self.opened = self.opened.saturating_add(u64::from(*bytes & (u32::MAX >> 1)));
                        self.go_on(Block::default());
                    }
                }
                Part::Fields(block) => {
                    let count = within(block.left);
                    at += count;
                    block.left -= count as u64;
                    let block = *block;
                    self.fields.feed(&rest[..count])?;
                    if block.left == 0 {
                        self.go_on(block);
                    }
                }
            }
            if self.in_turn >= HEADS_PER_TURN_MAX {
                self.in_turn = 0;
                return Ok(Some(at));
            }
        }
        Ok(None)
    }

    fn frame(&mut self, head: [u8; FRAME_HEAD_BYTES]) -> Result<(), TooMuch> {
        let [high, middle, low, kind, flags, stream @ ..] = head;
        let left = u64::from(u32::from_be_bytes([0, high, middle, low]));
        let (is_padded, has_priority) = (flags & PADDED != 0, flags & PRIORITY != 0);
        let ends = flags & END_HEADERS != 0;
        match kind {
            HEADERS => (self.bytes, self.fields) = (0, Fields::default()),
            CONTINUATION => {}
            WINDOW_UPDATE if left == 4 && u32::from_be_bytes(stream) << 1 == 0 => {
                self.part = Part::Increment { bytes: 0, left: 4 };
                return Ok(());
            }
            _ => {
                self.resets += u64::from(kind == RST_STREAM);
                if self.resets > RESETS_MAX + self.opened / BYTES_PER_RESET {
                    return Err(TooMuch::Resets);
                }
                self.skip(left, Block::default());
                return Ok(());
            }
        }
        self.bytes += left;
        if self.bytes > HEAD_BYTES_MAX {
            return Err(TooMuch::Head);
        }
        match kind {
            HEADERS if is_padded && left > 0 => self.part = Part::PadLength { left, has_priority, ends },
            HEADERS => self.block(left, 0, has_priority, ends),
            _ => self.block(left, 0, false, ends),
        }
        Ok(())
    }

    fn block(&mut self, left: u64, padding: u64, has_priority: bool, ends: bool) {
        let priority = if has_priority { PRIORITY_BYTES.min(left) } else { 0 };
        let padding = padding.min(left - priority);
        self.skip(priority, Block { left: left - priority - padding, padding, ends });
    }

    fn skip(&mut self, left: u64, then: Block) {
        if left > 0 {
            self.part = Part::Skip { left, then };
        } else {
            self.go_on(then);
        }
    }

    /// To the rest of a block, to the padding behind it, or to the next frame.
    fn go_on(&mut self, block: Block) {
        let Block { left, padding, ends } = block;
        if left > 0 {
            self.part = Part::Fields(block);
            return;
        }
        if ends {
            self.in_turn += 1;
        }
        self.part = if padding > 0 {
            Part::Skip { left: padding, then: Block::default() }
        } else {
            Part::FrameHead { bytes: [0; FRAME_HEAD_BYTES], length: 0 }
        };
    }
}

/// Counts the fields of one head.
#[derive(Debug, Clone, Copy, Default)]
struct Fields {
    count: u32,
    at: At,
}

#[derive(Debug, Clone, Copy, Default)]
enum At {
    /// The first byte of a field, or of a change of the table's size.
    #[default]
    First,
    /// The rest of an index, or of a size, whose value does not matter.
    Index { then: Then },
    /// The length of a text.
    Length { then: Then },
    /// The rest of that length.
    LongLength { length: u64, shift: u32, then: Then },
    /// So many bytes of a text.
    Text { left: u64, then: Then },
}

/// What is next of a field.
#[derive(Debug, Clone, Copy)]
enum Then {
    Value,
    Nothing,
}

impl Fields {
    fn feed(&mut self, mut bytes: &[u8]) -> Result<(), TooMuch> {
        while let Some((&byte, rest)) = bytes.split_first() {
            if let At::Text { left, then } = self.at {
                let count = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
                bytes = &bytes[count..];
                self.at = text(left - count as u64, then);
                continue;
            }
            bytes = rest;
            self.at = match self.at {
                At::First => self.first(byte)?,
                At::Index { then } if byte & 0x80 != 0 => At::Index { then },
                At::Index { then } => after(then),
                At::Length { then } if byte & 0x7f == 0x7f => At::LongLength { length: 0x7f, shift: 0, then },
                At::Length { then } => text(u64::from(byte & 0x7f), then),
                At::LongLength { length, shift, then } => {
                    // The HTTP layer takes no more than four such bytes.
                    let more = u64::from(byte & 0x7f).checked_shl(shift).unwrap_or(u64::MAX);
                    let length = length.saturating_add(more);
                    if byte & 0x80 != 0 {
                        At::LongLength { length, shift: shift.saturating_add(7), then }
                    } else {
                        text(length, then)
                    }
                }
                at @ At::Text { .. } => at,
            };
        }
        Ok(())
    }

    fn first(&mut self, byte: u8) -> Result<At, TooMuch> {
        let (mask, is_literal) = match byte {
            0x80.. => (0x7f, false),
            0x40.. => (0x3f, true),
            // No field: another size of the table.
            0x20.. => return Ok(number(byte, 0x1f, Then::Nothing)),
            _ => (0x0f, true),
        };
        self.count += 1;
        if self.count > FIELDS_MAX {
            return Err(TooMuch::Head);
        }
        Ok(match (is_literal, byte & mask) {
            (true, 0) => At::Length { then: Then::Value },
            (true, _) => number(byte, mask, Then::Value),
            (false, _) => number(byte, mask, Then::Nothing),
        })
    }
}

/// A number that begins in this byte, and is longer if it fills `mask`.
fn number(byte: u8, mask: u8, then: Then) -> At {
    if byte & mask == mask { At::Index { then } } else { after(then) }
}

fn text(left: u64, then: Then) -> At {
    if left > 0 { At::Text { left, then } } else { after(then) }
}

fn after(then: Then) -> At {
    match then {
        Then::Value => At::Length { then: Then::Nothing },
        Then::Nothing => At::First,
    }
}

#[cfg(test)]
mod tests;
