//! What changed since the last frame, for whom.

use std::collections::BTreeMap;

use sward_protocol::ids::Seat;

use super::entity::{Sees, gone};
use super::frame::{Frame, FrameWriter, PieceKey, small};
use super::kind::Kind;
use super::looking::{Scene, seen_by_all};
use super::space::Space;
use super::viewer::{Eye, Viewer, both};
use super::{Slot, Transient, World};
use crate::game::Room;

/// What players see.
impl World {
    /// Shows each player what changed of what he sees, what came into his sight and what went out of it. To be called at
    /// the end of each tick, and at no other time: so all that happened in a tick is seen at once.
    ///
    /// Players who left the room see nothing any more. What [`World::set`] refused is logged, and in a test room it fails
    /// the test.
    pub fn show(&mut self, room: &mut Room<'_>) {
        self.viewers.retain(|seat, _| *seat == Seat::GAME || room.player(*seat).is_some());
        hand_over(room, self.tick());
    }

    /// A player came to `seat`, and sees from `eye`: to be called in [`Game::join`](crate::Game::join), when the world has
    /// all that came with him and he is not refused any more: a refused join takes back what it said, and not what the
    /// world knows of that. All others are shown at once what changed; he is shown all in his [`state`](World::state).
    pub fn welcome(&mut self, room: &mut Room<'_>, seat: Seat, eye: Eye) {
        hand_over(room, self.admit(seat, eye));
    }

    /// The next frame.
    pub(super) fn tick(&mut self) -> (Frame, Vec<String>) {
        self.tick += 1;
        self.frame(None)
    }

    /// A frame for all but the newcomer, who sees the world as it is from here on.
    pub(super) fn admit(&mut self, seat: Seat, eye: Eye) -> (Frame, Vec<String>) {
        self.viewers.remove(&seat);
        let outcome = self.frame(Some(seat));
        let mut viewer = Viewer::new(eye.finite());
        self.grid();
        let Self { space, slots, kinds, viewers, owned, special, transient, .. } = self;
        if let Some(grid) = &transient.grid {
            let owned = owned.get(&seat);
            viewer.look(
                &Scene { space, kinds, slots, grid, special },
                seat,
                owned.into_iter().flatten().copied(),
            );
        }
        viewers.insert(seat, viewer);
        outcome
    }

    /// The player on `seat` sees from `eye` from the next frame on; nothing if he was not welcomed.
    pub fn look(&mut self, seat: Seat, eye: Eye) {
        let eye = eye.finite();
        if let Some(viewer) = self.viewers.get_mut(&seat) {
            viewer.is_stale |= viewer.eye != eye;
            viewer.eye = eye;
        }
    }

    /// The player on `seat` sees as far as `radius` from the next frame on, however far the others see; `None`: as the
    /// space says. It has no meaning where the space says nothing.
    pub fn set_sight(&mut self, seat: Seat, radius: Option<f64>) {
        // A saved world has no infinity.
        let radius = radius.map(|radius| radius.clamp(0.0, f64::MAX));
        if let Some(viewer) = self.viewers.get_mut(&seat) {
            viewer.is_stale |= viewer.sight != radius;
            viewer.sight = radius;
        }
    }

    /// What changed since the last one.
    fn frame(&mut self, but: Option<Seat>) -> (Frame, Vec<String>) {
        let touched = self.take_touched();
        self.grid();
        let Self { space, kinds, slots, viewers, owned, special, transient, frames, .. } = self;
        let Transient { grid: Some(grid), is_recast, is_stirred, .. } = transient else {
            return (Frame::default(), Vec::new());
        };
        *frames += 1;
        let mut page = Page::new(*frames, space, kinds, slots);
        page.show_all(&touched);
        let recast = std::mem::take(is_recast);
        let stirred = std::mem::take(is_stirred) && !special.is_empty();
        for (&seat, viewer) in viewers.iter_mut() {
            let scene = Scene { space, kinds, slots: &*page.slots, grid, special };
            let is_due = recast || stirred || viewer.is_due(&scene, !touched.is_empty());
            if is_due {
                let before = std::mem::take(&mut viewer.seen);
                let owned = owned.get(&seat);
                viewer.look_again(&scene, seat, owned.into_iter().flatten().copied(), &before);
                for (id, before, now) in both(&before, &viewer.seen) {
                    if before != now || page.is_touched(id) {
                        page.show_one(id, before, now);
                    }
                }
            } else {
                for &id in &touched {
                    let sees = viewer.sees(id);
                    if sees != Sees::NOTHING {
                        page.show_one(id, sees, sees);
                    }
                }
            }
            page.writer.end_seat(seat);
        }
        grid.calm();
        let frame = page.writer.finish(self.tick).without(but);
        self.settle(&touched);
        (frame, std::mem::take(&mut self.refused))
    }

    /// Those that changed since the last frame, by id.
    fn take_touched(&mut self) -> Vec<u32> {
        let noted = self.transient.touched.replace(Vec::new());
        let mut touched = noted.unwrap_or_else(|| {
            let has_changed = |slot: &Slot| match slot {
                Slot::Free => false,
                Slot::Live(entity) => entity.changed != 0,
                Slot::Gone(_) => true,
            };
            (0..).zip(&self.slots).filter(|(_, slot)| has_changed(slot)).map(|(id, _)| id).collect()
        });
        touched.sort_unstable();
        touched.dedup();
        touched
    }

    /// What was shown is what is known from now on.
    fn settle(&mut self, touched: &[u32]) {
        let Self { space, kinds, slots, free, .. } = self;
        for &id in touched {
            let slot = &mut slots[id as usize];
            match slot {
                Slot::Live(entity) => {
                    entity.changed = 0;
                    entity.shown = seen_by_all(entity, &kinds[usize::from(entity.kind)], space);
                }
                Slot::Gone(_) => {
                    *slot = Slot::Free;
                    free.push_back(id);
                }
                Slot::Free => {}
            }
        }
    }
}

fn hand_over(room: &mut Room<'_>, (frame, refused): (Frame, Vec<String>)) {
    for why in refused {
        room.drop("a field of the world".to_owned(), why);
    }
    if !frame.is_empty() {
        room.show(frame);
    }
}

/// A frame that is being written.
struct Page<'a> {
    number: u64,
    space: &'a Space,
    kinds: &'a [Kind],
    slots: &'a mut [Slot],
    writer: FrameWriter,
    /// By id.
    marks: Vec<Mark>,
    /// Where pieces are that changed, of those in sight: entity by entity.
    changed: Vec<u32>,
    /// Where pieces are that single players need, and no entity keeps.
    gone: BTreeMap<u32, u32>,
    far: BTreeMap<u32, u32>,
}

/// What this frame says of an entity.
#[derive(Debug, Clone, Copy, Default)]
struct Mark {
    /// Whether it changed.
    is_touched: bool,
    /// Whether everybody is told that it begins, or is gone.
    is_told_to_all: bool,
    /// What those are told who have it in sight, and had: a range of [`Page::changed`].
    changed: Option<(u32, u32)>,
}

impl<'a> Page<'a> {
    fn new(number: u64, space: &'a Space, kinds: &'a [Kind], slots: &'a mut [Slot]) -> Self {
        let (marks, changed) = (vec![Mark::default(); slots.len()], Vec::new());
        let (writer, gone, far) = (FrameWriter::default(), BTreeMap::new(), BTreeMap::new());
        Self { number, space, kinds, slots, writer, marks, changed, gone, far }
    }

    fn is_touched(&self, id: u32) -> bool {
        self.marks[id as usize].is_touched
    }

    /// What everybody is told, wherever he is.
    fn show_all(&mut self, touched: &[u32]) {
        for &id in touched {
            self.marks[id as usize].is_touched = true;
            let (before, now) = self.for_all(id);
            let begins = now.is_near() != before.is_near() || now.is_nothing() != before.is_nothing();
            self.marks[id as usize].is_told_to_all = begins;
            let mut shown = Vec::new();
            if now.is_nothing() {
                shown.extend(begins.then(|| self.gone(id)));
            } else if begins {
                self.begin(id, now, &mut shown);
            } else {
                self.changes(id, now, now, Sees::NOTHING, &mut shown);
            }
            shown.into_iter().for_each(|index| self.writer.show_all(index));
        }
    }

    /// What one player is told of one entity of which he sees more than everybody, or did.
    fn show_one(&mut self, id: u32, before: Sees, now: Sees) {
        let Mark { is_told_to_all, changed, .. } = self.marks[id as usize];
        let stays_in_sight = before == Sees::NEAR && now == Sees::NEAR && !is_told_to_all;
        if let Some((start, end)) = changed.filter(|_| stays_in_sight) {
            return (start..end).for_each(|at| self.writer.show(self.changed[at as usize]));
        }
        let (all_before, all_now) = self.for_all(id);
        let (was, is) = (all_before.and(before), all_now.and(now));
        let mut shown = Vec::new();
        if is.is_nothing() {
            if !was.is_nothing() && !is_told_to_all {
                shown.push(self.gone(id));
            }
        } else if is_told_to_all {
            // That is all he needs to be told who sees no more than everybody.
            if now != Sees::NOTHING {
                self.begin(id, is, &mut shown);
            }
        } else if was.is_near() != is.is_near() || was.is_nothing() {
            self.begin(id, is, &mut shown);
        } else {
            self.changes(id, was, is, all_now, &mut shown);
            if stays_in_sight {
                // As many others have it in sight, and are told the same.
                let start = small(self.changed.len());
                self.changed.extend(&shown);
                self.marks[id as usize].changed = Some((start, small(self.changed.len())));
            }
        }
        shown.into_iter().for_each(|index| self.writer.show(index));
    }

    /// What everybody saw of it, and sees now.
    fn for_all(&self, id: u32) -> (Sees, Sees) {
        match &self.slots[id as usize] {
            Slot::Live(entity) => {
                (entity.shown, seen_by_all(entity, &self.kinds[usize::from(entity.kind)], self.space))
            }
            Slot::Gone(shown) => (*shown, Sees::NOTHING),
            Slot::Free => (Sees::NOTHING, Sees::NOTHING),
        }
    }

    fn gone(&mut self, id: u32) -> u32 {
        *self.gone.entry(id).or_insert_with(|| self.writer.add(gone(id)))
    }

    /// The entity begins, with all that one sees of it.
    fn begin(&mut self, id: u32, sees: Sees, shown: &mut Vec<u32>) {
        let Slot::Live(entity) = &self.slots[id as usize] else { return };
        let kind = &self.kinds[usize::from(entity.kind)];
        if sees.is_near() {
            shown.extend(self.piece(id, PieceKey::BEING));
        } else if let Some(index) = self.far.get(&id) {
            shown.push(*index);
        } else {
            let index = self.writer.add(entity.far(id, kind, self.space));
            self.far.insert(id, index);
            shown.push(index);
        }
        for group in PieceKey::PLACE..kind.pieces() {
            let Slot::Live(entity) = &self.slots[id as usize] else { return };
            if sees.shows(kind.class(group)) && entity.has(group, kind) {
                shown.extend(self.piece(id, group));
            }
        }
    }

    /// What changed of an entity that goes on, but for what `told` sees.
    fn changes(&mut self, id: u32, was: Sees, is: Sees, told: Sees, shown: &mut Vec<u32>) {
        let Slot::Live(entity) = &self.slots[id as usize] else { return };
        let kind = &self.kinds[usize::from(entity.kind)];
        for group in PieceKey::PLACE..kind.pieces() {
            let Slot::Live(entity) = &self.slots[id as usize] else { return };
            let class = kind.class(group);
            match (was.shows(class), is.shows(class)) {
                (true, true) if entity.has_changed(group) && !told.shows(class) => {
                    shown.extend(self.piece(id, group));
                }
                (false, true) if entity.has(group, kind) => shown.extend(self.piece(id, group)),
                (true, false) => {
                    shown.push(self.writer.add(entity.hidden(id, group, kind, self.space)));
                }
                _ => {}
            }
        }
    }

    /// Where the piece of a group stands.
    fn piece(&mut self, id: u32, group: u8) -> Option<u32> {
        let Slot::Live(entity) = &mut self.slots[id as usize] else { return None };
        let kind = &self.kinds[usize::from(entity.kind)];
        Some(entity.piece(id, group, (kind, self.space), (self.number, &mut self.writer)))
    }
}
