//! Those who watch a room without a seat, at once or later.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::Waker;

use sward_protocol::downstream::{Event, Joined};
use sward_protocol::format::{self, Format};
use sward_protocol::ids::{Epoch, Seat};
use sward_protocol::rooms::RoomView;
use sward_protocol::view::WorldView;

use super::room::{difference, world_of};
use super::{Counts, Step};
use crate::fanout::encode::encode;
use crate::fanout::flush::Flush;
use crate::fanout::mailslot::Mailslot;
use crate::fanout::part::Part;
use crate::fanout::reading::{Chunk, Kind, Position, Reader, Wish};
use crate::fanout::wake::Wakes;
use crate::room::gallery::Gallery;

/// Who watches one room at a time.
const WATCHERS_MAX: usize = 3;

struct Watcher {
    mailslot: Arc<Mailslot>,
    hold: Reader,
    format: Format,
    parser: format::Reader,
    world: Option<WorldView>,
}

/// The gallery of a room.
pub(super) struct Watching {
    delay_ms: u64,
    gallery: Gallery,
    watchers: Vec<Watcher>,
    /// What everybody might see when the room wrote, if that was what it had shown.
    shown: VecDeque<(u64, Option<WorldView>)>,
    wakes: Wakes,
}

impl Watching {
    pub(super) fn new(delay_ms: u64) -> Self {
        let gallery = Gallery::new(delay_ms);
        let (watchers, shown) = (Vec::new(), VecDeque::new());
        Self { delay_ms, gallery, watchers, shown, wakes: Wakes::default() }
    }

    /// Somebody comes; what the room said was written.
    pub(super) fn come(&mut self, core: &dyn Step, format: Format, is_settled: bool, now_ms: u64) {
        if self.watchers.len() >= WATCHERS_MAX {
            return;
        }
        let mailslot = Arc::new(Mailslot::new(Epoch(9)));
        let wish = Wish { from: Position::Nothing, nonce: None, kind: Kind::Open, format };
        let hold = mailslot.open(wish, now_ms).unwrap().reader;
        if !self.gallery.has_view() {
            self.add_view(core, is_settled, now_ms);
        }
        self.gallery.admit(Arc::clone(&mailslot), now_ms, &mut self.wakes).unwrap();
        self.gallery.show(now_ms, &mut self.wakes);
        let parser = format::Reader::new(format);
        self.watchers.push(Watcher { mailslot, hold, format, parser, world: None });
    }

    fn add_view(&mut self, core: &dyn Step, is_settled: bool, now_ms: u64) {
        let RoomView { room, players, state, blobs } = core.view();
        self.note(core, is_settled, now_ms);
        let joined = Joined { room, seat: Seat::GAME, players, seed: None, state, chat: Vec::new(), blobs };
        let view = Flush::of(encode(&Event::Joined(Box::new(joined))).unwrap());
        self.gallery.add_view(Arc::new(view), now_ms);
        self.gallery.show(now_ms, &mut self.wakes);
    }

    fn note(&mut self, core: &dyn Step, is_settled: bool, now_ms: u64) {
        let world = is_settled.then(|| world_of(&core.view().state)).flatten();
        self.shown.push_back((now_ms, world));
    }

    /// The room writes.
    pub(super) fn say(&mut self, parts: Vec<Part>, core: &dyn Step, is_settled: bool, now_ms: u64) {
        if self.watchers.is_empty() {
            return;
        }
        parts.into_iter().for_each(|part| self.gallery.add_said(part, now_ms));
        self.note(core, is_settled, now_ms);
        if self.gallery.wants_view(now_ms) {
            self.add_view(core, is_settled, now_ms);
        }
        self.gallery.show(now_ms, &mut self.wakes);
    }

    /// Everybody reads what there is for him. Whoever has read it all sees the room as it was shown.
    pub(super) fn read(&mut self, now_ms: u64, counts: &mut Counts) {
        self.gallery.show(now_ms, &mut self.wakes);
        while self.shown.get(1).is_some_and(|(at_ms, _)| at_ms + self.delay_ms <= now_ms) {
            self.shown.pop_front();
        }
        let due = self.shown.front().filter(|(at_ms, _)| at_ms + self.delay_ms <= now_ms);
        let due = due.and_then(|(_, world)| world.as_ref());
        self.watchers.retain_mut(|watcher| {
            loop {
                match watcher.mailslot.read(&watcher.hold, watcher.format, Waker::noop()) {
                    Chunk::Events { bytes, .. } => watcher.take(&bytes),
                    Chunk::Empty => break,
                    Chunk::Closed(_) => return false,
                }
            }
            if let (Some(seen), Some(due)) = (&watcher.world, due) {
                counts.watched += 1;
                let is_same = seen.hash() == due.hash();
                assert!(is_same, "who watches sees another world: {}", difference(seen, due));
            }
            true
        });
    }

    /// One of them goes.
    pub(super) fn go(&mut self, now_ms: u64) {
        if let Some(watcher) = self.watchers.pop() {
            watcher.mailslot.detach(&watcher.hold);
        }
        self.gallery.sweep(now_ms);
        if self.watchers.is_empty() {
            self.shown.clear();
        }
    }
}

impl Watcher {
    fn take(&mut self, bytes: &[u8]) {
        let mut events = Vec::new();
        self.parser.feed(bytes, |delivery| events.extend(delivery.events)).unwrap();
        for event in events {
            match event.read().unwrap().expect("a known event") {
                Event::Joined(joined) => self.world = world_of(&joined.state),
                Event::Patch(data) => {
                    if let Some(world) = &mut self.world {
                        world.apply(data.parse().unwrap());
                    }
                }
                _ => {}
            }
        }
    }
}
