//! A session: its mailslot, and a reader who keeps up, dawdles, is cut off, or stalls.

use std::task::Waker;

use sward_protocol::bye::CloseCode;
use sward_protocol::codec::Encoding;
use sward_protocol::downstream::Event;
use sward_protocol::format::{self, Delivery, Format};
use sward_protocol::ids::{Epoch, EventId, PlayerId, Seat};
use sward_protocol::payload::Payload;
use sward_protocol::upstream::Reply;
use sward_protocol::view::WorldView;

use super::model::{Expected, View};
use super::room::world_of;
use super::{Counts, chance};
use crate::fanout::mailslot::{Mailslot, Tenancy};
use crate::fanout::outbox::WINDOW_AGE_MS_MAX;
use crate::fanout::reading::{Chunk, Kind, Opening, Position, Reader, Wish};
use crate::game::Random;
use crate::session::inbox::{Inbox, Replies, Verdict};
use crate::session::saved::SavedSession;

/// In which a stream may be read.
pub(super) const FORMATS: [Format; 5] = [
    Format::Sse { encoding: Encoding::Json, batch: false },
    Format::Sse { encoding: Encoding::Json, batch: true },
    Format::Sse { encoding: Encoding::Msgpack, batch: false },
    Format::Sse { encoding: Encoding::Msgpack, batch: true },
    Format::Frames,
];
/// The client's counter of messages.
const SRC: &str = "k7";

/// One stay of the session in one of the rooms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stay {
    pub(super) room: usize,
    pub(super) seat: Seat,
    pub(super) tenancy: Tenancy,
}

/// How a stream is read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Habit {
    KeepsUp,
    /// A chunk now and then.
    Dawdles,
    /// Nothing, and the connection stays open.
    Stalls,
}

struct Stream {
    hold: Reader,
    format: Format,
    parser: format::Reader,
}

/// What the client sends.
#[derive(Default)]
struct Sending {
    /// What of it was applied.
    inbox: Inbox,
    /// Messages so far, how many of them the last batch had, and what was replied to that.
    sent: u64,
    batch: u64,
    replies: Vec<Reply>,
}

/// A session and its client.
pub(super) struct Session {
    pub(super) id: PlayerId,
    pub(super) mailslot: Mailslot,
    pub(super) stay: Option<Stay>,
    pub(super) tenancies: u64,
    pub(super) is_lost: bool,
    pub(super) habit: Habit,
    pub(super) expected: Expected,
    /// The room as the client sees it.
    pub(super) view: Option<View>,
    /// And its world, if it has one.
    pub(super) world: Option<WorldView>,
    /// Events that were read since the world was last looked at.
    pub(super) news: u64,
    /// His cards, as he was told last.
    pub(super) hand: Option<String>,
    /// Where the client thinks that he sits.
    seat: Seat,
    epoch: Epoch,
    stream: Option<Stream>,
    has_opened: bool,
    /// The last event that the client has.
    position: u64,
    sending: Sending,
    /// The room was asked for `joined` by a server that is no more.
    asks_again: bool,
}

impl Session {
    pub(super) fn new(id: PlayerId, number: u32) -> Self {
        let epoch = Epoch(number);
        Self {
            id,
            mailslot: Mailslot::new(epoch),
            stay: None,
            tenancies: 0,
            is_lost: false,
            habit: Habit::KeepsUp,
            expected: Expected::default(),
            view: None,
            world: None,
            news: 0,
            hand: None,
            seat: Seat::GAME,
            epoch,
            stream: None,
            has_opened: false,
            position: 0,
            sending: Sending::default(),
            asks_again: false,
        }
    }

    pub(super) fn has_stream(&self) -> bool {
        self.stream.is_some()
    }

    /// Opens a stream where the last one ended, or where none can be resumed. Whether the room is to be asked for `joined`.
    pub(super) fn open(&mut self, now_ms: u64, random: &mut Random, counts: &mut Counts) -> bool {
        let id = |epoch, seq| Position::Event(EventId { epoch, seq });
        let from = match random.below(40) {
            0 => Position::Nothing,
            1 => Position::Garbage,
            2 => id(Epoch(!self.epoch.0), self.position),
            3 => id(self.epoch, u64::from(u32::MAX)),
            _ if !self.has_opened => Position::Nothing,
            _ => id(self.epoch, self.position),
        };
        let resumes = from == id(self.epoch, self.position);
        let is_first = from == Position::Nothing && !self.has_opened;
        let format = *random.pick(&FORMATS).unwrap();
        let wish = Wish { from, nonce: None, kind: Kind::Open, format };
        let opening = self.mailslot.open(wish, now_ms).expect("without a nonce every stream is let in");
        let Opening { reader, last, resumed, reset, needs_snapshot, .. } = opening;
        self.has_opened = true;
        self.stream = Some(Stream { hold: reader, format, parser: format::Reader::new(format) });
        let goes_on = reset.is_none() && (resumes || is_first);
        assert_eq!(resumed, goes_on && resumes, "hello says otherwise");
        if goes_on {
            counts.resumes += u64::from(resumes);
            assert_eq!(last.seq, if resumes { self.position } else { 0 }, "it goes on elsewhere");
            let asks_again = std::mem::take(&mut self.asks_again) && self.expected.awaits_snapshot;
            assert_eq!(needs_snapshot, asks_again, "who misses nothing needs no snapshot");
            return needs_snapshot;
        }
        if resumes || is_first {
            let is_small = self.expected.is_small(WINDOW_AGE_MS_MAX, now_ms);
            assert!(
                !is_small,
                "{reset:?} after event {}, and little was unread: {:?}",
                self.position, self.expected
            );
        }
        counts.resets += 1;
        let awaited = self.expected.awaits_snapshot && !std::mem::take(&mut self.asks_again);
        assert_eq!(needs_snapshot, self.stay.is_some() && !awaited, "who sits somewhere needs one snapshot");
        self.expected.start_fresh(self.stay.is_some());
        (self.view, self.world, self.hand, self.position) = (None, None, None, last.seq);
        needs_snapshot
    }

    /// The connection is gone, and with it what was under way.
    pub(super) fn cut(&mut self, random: &mut Random, counts: &mut Counts) {
        let Some(mut stream) = self.stream.take() else { return };
        if chance(random, 60)
            && let Chunk::Events { bytes, .. } =
                self.mailslot.read(&stream.hold, stream.format, Waker::noop())
        {
            // The first part of it arrives.
            let end = random.below(u32::try_from(bytes.len()).unwrap()) as usize;
            self.take(&mut stream, &bytes[..end], counts);
        }
        self.mailslot.detach(&stream.hold);
        counts.cuts += 1;
    }

    /// Reads one chunk. Whether there was one; what is empty was told whole.
    pub(super) fn read(&mut self, counts: &mut Counts) -> bool {
        let Some(mut stream) = self.stream.take() else { return false };
        match self.mailslot.read(&stream.hold, stream.format, Waker::noop()) {
            Chunk::Events { bytes, count } => {
                let before = counts.events;
                self.take(&mut stream, &bytes, counts);
                assert_eq!(counts.events - before, count, "a chunk has other events than it counts");
                self.stream = Some(stream);
                true
            }
            Chunk::Empty => {
                self.stream = Some(stream);
                false
            }
            Chunk::Closed(code) => {
                assert_eq!(code, CloseCode::Slow, "nothing else ends a stream here");
                counts.overruns += 1;
                false
            }
        }
    }

    fn take(&mut self, stream: &mut Stream, bytes: &[u8], counts: &mut Counts) {
        let mut deliveries = Vec::new();
        stream.parser.feed(bytes, |delivery| deliveries.push(delivery)).unwrap();
        for Delivery { id, events } in deliveries {
            let id: EventId = id.expect("an event of a room has an id").parse().unwrap();
            assert_eq!(id.epoch, self.epoch, "another numbering");
            assert!(id.seq > self.position, "event {} again, or late: he has {}", id.seq, self.position);
            self.position = id.seq;
            for event in events {
                counts.events += 1;
                self.news += 1;
                let heard = event.read().unwrap().expect("a known event");
                if let Event::Patch(data) = &heard
                    && data.json().contains(r#""world":["#)
                {
                    // Put together by the outbox: nobody said it in these words.
                    self.see(data, counts);
                    continue;
                }
                counts.replaced += self.expected.read(&event) as u64;
                self.hear(&heard, counts);
            }
        }
    }

    fn see(&mut self, patch: &Payload, counts: &mut Counts) {
        let world = self.world.as_mut().expect("a patch comes behind joined");
        let before = world.tick();
        counts.seen += world.apply(patch.parse().unwrap()).len() as u64;
        assert!(world.tick() >= before, "tick {} behind tick {before}", world.tick());
    }

    fn hear(&mut self, event: &Event, counts: &mut Counts) {
        match event {
            Event::Joined(joined) => {
                self.view = Some(View::of(joined));
                self.world = world_of(&joined.state);
                self.seat = joined.seat;
                let hand = joined.state.json();
                self.hand = hand.contains(r#""hand""#).then(|| hand.to_owned());
            }
            Event::Gone(gone) if gone.seat == self.seat => {
                (self.view, self.world, self.hand) = (None, None, None);
            }
            Event::Msg(msg) if msg.kind == "hand" => self.hand = Some(msg.data.json().to_owned()),
            Event::Msg(msg) if msg.kind == "round_over" => counts.rounds += 1,
            _ => {}
        }
        if let Some(view) = &mut self.view {
            view.hear(event);
        }
    }

    /// The client says how far it is.
    pub(super) fn acknowledge(&self) {
        self.mailslot.acknowledge(EventId { epoch: self.epoch, seq: self.position });
    }

    /// The server stops, and goes on with what is made of the bytes. Streams do not outlast it.
    pub(super) fn restart(&mut self, saved: &SavedSession, now_ms: u64, counts: &mut Counts) {
        counts.restored += 1;
        self.stream = None;
        let (mailslot, inbox) = saved.restore().unwrap();
        let again = SavedSession::of(&mailslot, &inbox);
        assert!(again == *saved, "what was restored is saved otherwise: {again:?}, and not {saved:?}");
        mailslot.sweep(now_ms);
        mailslot.check_bounds();
        (self.mailslot, self.sending.inbox) = (mailslot, inbox);
        self.asks_again = self.expected.awaits_snapshot;
        self.sending.check();
    }

    pub(super) fn save(&self) -> SavedSession {
        SavedSession::of(&self.mailslot, &self.sending.inbox)
    }

    /// His next batch is numbered, and goes to the room.
    pub(super) fn send(&mut self, count: usize) {
        self.sending.send(count);
    }
}

impl Sending {
    fn send(&mut self, count: usize) {
        assert_eq!(self.inbox.examine(SRC, self.sent + 1, count), Verdict::Apply { skip: 0 });
        let first = self.sent + 1;
        (self.batch, self.sent) = (count as u64, self.sent + count as u64);
        self.inbox.admitted(SRC, first, self.sent);
        let reply = |i| Reply { i, rid: Some(first), data: Some(Payload::null()), error: None };
        self.replies = (0..count).map(reply).collect();
        self.inbox.answered(SRC, first, self.replies.clone());
    }

    /// The last batch comes again: nothing of it is applied, and the answer is the same.
    fn check(&self) {
        let (seq, count) = (self.sent + 1 - self.batch, usize::try_from(self.batch).unwrap());
        assert_eq!(
            self.inbox.examine(SRC, seq, count),
            Verdict::Apply { skip: count },
            "a batch comes again"
        );
        let known = Replies::Ready { last: self.sent, replies: self.replies.clone() };
        assert!(count == 0 || self.inbox.replies(SRC, seq, count) == known, "its answer is another");
    }
}
