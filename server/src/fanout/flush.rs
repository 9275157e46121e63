//! What a room says at one moment. Pure.

use sward_protocol::downstream::Event;
use sward_protocol::fragment::{Encoded, Fragment};
use sward_protocol::ids::Seat;

use super::encode::{EncodeError, push_item};
use crate::game::Audience;
use crate::game::context::LatestKey;

/// What the memory of a block costs beside its bytes.
const BLOCK_BYTES: usize = 16;
/// What a flush costs beside its events: itself, what counts who holds it, and its blocks.
const FLUSH_BYTES: usize = size_of::<Flush>() + 5 * BLOCK_BYTES;
/// Bytes that a writer keeps for the next flush.
const KEPT_BYTES_MAX: usize = 16 * 1024;

/// The events of a room since its last flush, in order, one behind the other in one block of memory. Shared by the
/// outboxes of all its players: none of them copies it.
#[derive(Debug, Default)]
pub struct Flush {
    /// The events as items of a batch with JSON, a comma between two of them.
    items: Box<[u8]>,
    /// Where each event ends.
    ends: Box<[u32]>,
    /// Who receives each event; empty if everybody receives all.
    audiences: Box<[Audience]>,
    /// The events that are the latest value of a key, by their index.
    latest: Box<[(u32, LatestKey)]>,
    packed: Option<Box<Packed>>,
    whole: Share,
}

/// The events once more as MessagePack, see [`Encoded::packed`].
#[derive(Debug)]
struct Packed {
    bytes: Box<[u8]>,
    ends: Box<[u32]>,
}

/// How much of a flush is for one seat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Share {
    /// Events.
    pub events: u32,
    /// Their bytes as JSON, ids not counted.
    pub bytes: u32,
}

impl Share {
    pub(super) fn add(&mut self, bytes: u32) {
        self.events += 1;
        self.bytes += bytes;
    }
}

/// One event of a flush.
#[derive(Debug, Clone, Copy)]
pub struct FlushEvent<'a> {
    flush: &'a Flush,
    index: usize,
}

impl<'a> FlushEvent<'a> {
    /// What it says.
    #[must_use]
    pub fn encoded(&self) -> Encoded<'a> {
        let packed = self.flush.packed.as_ref().map(|packed| {
            let start = self.index.checked_sub(1).map_or(0, |before| packed.ends[before]);
            &packed.bytes[start as usize..packed.ends[self.index] as usize]
        });
        Encoded::from_parts(&self.flush.items[self.flush.range(self.index)], packed)
    }

    /// Bytes that it counts for, whatever the form in which it is written.
    #[must_use]
    pub fn bytes(&self) -> u32 {
        let range = self.flush.range(self.index);
        small(range.end - range.start)
    }

    /// The value whose newest it is; `None`: it is never dropped.
    #[must_use]
    pub fn latest(&self) -> Option<&'a LatestKey> {
        let latest = &self.flush.latest;
        let at = latest.binary_search_by_key(&small(self.index), |(index, _)| *index).ok()?;
        Some(&latest[at].1)
    }

    fn is_for(&self, seat: Seat) -> bool {
        self.flush.audiences.get(self.index).is_none_or(|audience| audience.includes(seat))
    }
}

impl Flush {
    /// A flush of one event, for whoever receives the flush.
    #[must_use]
    pub fn of(event: Fragment) -> Self {
        let items = event.into_item();
        let end = small(items.len());
        let whole = Share { events: 1, bytes: end };
        Self { items, ends: Box::new([end]), whole, ..Self::default() }
    }

    /// Whether any of its events is the latest value of a key: most flushes have none, and are handled without a look at
    /// each event.
    #[must_use]
    pub fn has_latest(&self) -> bool {
        !self.latest.is_empty()
    }

    /// The events for `seat`, in order.
    pub fn events_for(&self, seat: Seat) -> impl Iterator<Item = FlushEvent<'_>> {
        let events = (0..self.ends.len()).map(|index| FlushEvent { flush: self, index });
        events.filter(move |event| event.is_for(seat))
    }

    /// All of it.
    #[must_use]
    pub fn whole(&self) -> Share {
        self.whole
    }

    /// How much of this flush is for `seat`.
    #[must_use]
    pub fn share_of(&self, seat: Seat) -> Share {
        if self.audiences.is_empty() {
            return self.whole;
        }
        let mut share = Share::default();
        self.events_for(seat).for_each(|event| share.add(event.bytes()));
        share
    }

    /// All events as items of a batch with JSON, with commas between them; `None` if somebody does not receive all.
    #[must_use]
    pub fn items_for_all(&self) -> Option<&[u8]> {
        self.audiences.is_empty().then_some(&*self.items)
    }

    /// The memory that it takes.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        let packed = self.packed.as_ref().map_or(0, |packed| {
            size_of::<Packed>() + packed.bytes.len() + size_of_val(&*packed.ends) + 3 * BLOCK_BYTES
        });
        let tables = size_of_val(&*self.ends) + size_of_val(&*self.audiences) + size_of_val(&*self.latest);
        let named = |audience: &Audience| match audience {
            Audience::These(seats) => size_of_val(&**seats) + 2 * BLOCK_BYTES,
            _ => 0,
        };
        let named: usize = self.audiences.iter().map(named).sum();
        FLUSH_BYTES + self.items.len() + tables + named + packed
    }

    fn range(&self, index: usize) -> std::ops::Range<usize> {
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before] as usize + 1);
        start..self.ends[index] as usize
    }

    fn pack(&mut self) {
        let (mut bytes, mut ends) =
            (Vec::with_capacity(self.items.len()), Vec::with_capacity(self.ends.len()));
        for index in 0..self.ends.len() {
            FlushEvent { flush: self, index }.encoded().push_packed(&mut bytes);
            ends.push(small(bytes.len()));
        }
        self.packed = Some(Box::new(Packed { bytes: bytes.into(), ends: ends.into() }));
    }
}

/// An event is at most 1 MiB, a flush far below 4 GiB.
fn small(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// Takes up events until they become a flush.
#[derive(Debug, Default)]
pub struct FlushWriter {
    items: Vec<u8>,
    ends: Vec<u32>,
    audiences: Vec<Audience>,
    latest: Vec<(u32, LatestKey)>,
    whole: Share,
    is_for_some: bool,
}

impl FlushWriter {
    /// Adds an event.
    ///
    /// # Errors
    /// [`EncodeError`]; nothing was added then.
    pub fn push(
        &mut self,
        audience: Audience,
        event: &Event,
        latest: Option<LatestKey>,
    ) -> Result<(), EncodeError> {
        let before = self.begin();
        let pushed = push_item(&mut self.items, event);
        if pushed.is_ok() {
            self.end(audience, latest);
        } else {
            self.items.truncate(before);
        }
        pushed
    }

    /// Adds an event of another flush, for the one reader of this one.
    pub(super) fn push_again(&mut self, event: FlushEvent<'_>) {
        self.push_parts(&[event.encoded().item()], event.latest().cloned());
    }

    /// Adds an event for all who receive the flush, whose item these parts make up.
    pub(super) fn push_parts(&mut self, item: &[&[u8]], latest: Option<LatestKey>) {
        self.begin();
        item.iter().for_each(|part| self.items.extend_from_slice(part));
        self.end(Audience::All, latest);
    }

    fn begin(&mut self) -> usize {
        let before = self.items.len();
        if before > 0 {
            self.items.push(b',');
        }
        before
    }

    fn end(&mut self, audience: Audience, latest: Option<LatestKey>) {
        let start = self.ends.last().map_or(0, |before| before + 1);
        let end = small(self.items.len());
        self.is_for_some |= audience != Audience::All;
        if let Some(key) = latest {
            self.latest.push((small(self.ends.len()), key));
        }
        self.ends.push(end);
        self.audiences.push(audience);
        self.whole.add(end - start);
    }

    /// What was added.
    #[must_use]
    pub fn whole(&self) -> Share {
        self.whole
    }

    /// The flush; with `packs` also as MessagePack, so that not each of its readers makes that. The writer is empty then.
    pub fn finish(&mut self, packs: bool) -> Flush {
        let is_for_some = std::mem::take(&mut self.is_for_some);
        let audiences = if is_for_some { std::mem::take(&mut self.audiences).into() } else { Box::default() };
        let mut flush = Flush {
            items: self.items.as_slice().into(),
            ends: self.ends.as_slice().into(),
            audiences,
            latest: std::mem::take(&mut self.latest).into(),
            packed: None,
            whole: std::mem::take(&mut self.whole),
        };
        if packs {
            flush.pack();
        }
        self.items.clear();
        self.ends.clear();
        self.audiences.clear();
        self.items.shrink_to(KEPT_BYTES_MAX);
        self.ends.shrink_to(KEPT_BYTES_MAX / size_of::<u32>());
        self.audiences.shrink_to(KEPT_BYTES_MAX / size_of::<Audience>());
        flush
    }
}

#[cfg(test)]
mod tests {
    use sward_protocol::downstream::Pong;
    use sward_protocol::payload::Payload;

    use super::*;

    fn pong(text: &str) -> Event {
        Event::Pong(Pong { data: Payload::of(text).unwrap() })
    }

    fn told(flush: &Flush, seat: u16) -> Vec<&str> {
        flush
            .events_for(Seat(seat))
            .map(|event| std::str::from_utf8(event.encoded().json()).unwrap())
            .collect()
    }

    #[test]
    fn each_seat_has_its_own_share() {
        let mut writer = FlushWriter::default();
        for (audience, text) in
            [(Audience::Except(Seat(1)), "others"), (Audience::All, "all"), (Audience::Only(Seat(1)), "one")]
        {
            writer.push(audience, &pong(text), None).unwrap();
        }
        let flush = writer.finish(false);
        assert_eq!(told(&flush, 1), [r#"{"data":"all"}"#, r#"{"data":"one"}"#]);
        assert_eq!(told(&flush, 2), [r#"{"data":"others"}"#, r#"{"data":"all"}"#]);
        let item = r#"["pong",{"data":"all"}]"#.len() as u32;
        assert_eq!(flush.share_of(Seat(1)), Share { events: 2, bytes: 2 * item });
        assert_eq!((flush.items_for_all(), writer.whole()), (None, Share::default()));
        writer.push(Audience::All, &pong("a"), None).unwrap();
        writer.push(Audience::All, &pong("b"), None).unwrap();
        let next = writer.finish(false);
        assert_eq!(next.items_for_all(), Some(&br#"["pong",{"data":"a"}],["pong",{"data":"b"}]"#[..]));
        assert_eq!(next.share_of(Seat(9)), next.share_of(Seat(1)));
    }

    #[test]
    fn what_cannot_be_sent_leaves_nothing_behind() {
        let mut writer = FlushWriter::default();
        writer.push(Audience::All, &pong("a"), None).unwrap();
        let large = pong(&"x".repeat(70_000));
        assert!(matches!(writer.push(Audience::All, &large, None), Err(EncodeError::TooLarge { .. })));
        writer.push(Audience::All, &pong("b"), None).unwrap();
        let flush = writer.finish(false);
        assert_eq!(told(&flush, 1), [r#"{"data":"a"}"#, r#"{"data":"b"}"#]);
        assert_eq!(writer.items.capacity(), KEPT_BYTES_MAX, "an idle room keeps no large buffer");
    }

    #[test]
    fn messagepack_is_the_same_made_at_once_or_later() {
        let mut writer = FlushWriter::default();
        let write = |writer: &mut FlushWriter, packs| {
            for text in ["a", "", "longer than before"] {
                writer.push(Audience::All, &pong(text), None).unwrap();
            }
            writer.finish(packs)
        };
        let (packed, plain) = (write(&mut writer, true), write(&mut writer, false));
        for (packed, plain) in packed.events_for(Seat(1)).zip(plain.events_for(Seat(1))) {
            assert_eq!(packed.encoded().packed(), plain.encoded().packed());
        }
        assert!(packed.held_bytes() > plain.held_bytes() + 40);
    }
}
