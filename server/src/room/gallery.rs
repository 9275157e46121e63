//! Those who watch a room without a seat: what its members hear together, and the state that it began with, later by what
//! the game sets.
//!
//! ```text
//!   shown                                    not yet
//! ──view──said──said──view──said──┊──said──said──view──said──► now
//!     gone    │                   now - delay
//!             └ who comes begins with the newest view that was shown
//! ```
//!
//! Nothing is kept while nobody watches.

use std::collections::VecDeque;
use std::sync::Arc;

use sward_protocol::bye::CloseCode;
use sward_protocol::ids::Seat;

use crate::fanout::flush::Flush;
use crate::fanout::mailslot::{Mailslot, Posted, Tenancy};
use crate::fanout::part::Part;
use crate::fanout::wake::Wakes;

/// Who may watch one room at the same time.
pub const WATCHERS_MAX: usize = 1_000;
/// A view of the room's state is taken so often, while somebody watches: who comes is told what was said since.
const VIEW_EVERY_MS: u64 = 5_000;
/// And not more often than this, where so much is said that it could not be kept for so long.
const LARGE_VIEW_EVERY_MS: u64 = 250;
/// Memory of what is kept for those who watch. Past it they are sent away, and begin anew.
pub const KEPT_BYTES_MAX: usize = 8 * 1024 * 1024;
/// The stay of who watches: there is only one.
const STAY: Tenancy = Tenancy(1);

#[derive(Debug)]
enum Shown {
    /// All of the room's state.
    View(Arc<Flush>),
    /// What was said behind it.
    Said(Part),
}

#[derive(Debug)]
struct Scene {
    at_ms: u64,
    shown: Shown,
}

impl Scene {
    fn is_view(&self) -> bool {
        matches!(self.shown, Shown::View(_))
    }

    fn held_bytes(&self) -> usize {
        match &self.shown {
            Shown::View(flush) => flush.held_bytes(),
            Shown::Said(part) => part.held_bytes(),
        }
    }
}

#[derive(Debug)]
struct Watcher {
    mailslot: Arc<Mailslot>,
    /// The number of the view that he waits for; `None`: he has begun.
    begins_at: Option<u64>,
}

/// As many watch as may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooMany;

/// Who watches a room, and what is kept for them.
#[derive(Debug)]
pub struct Gallery {
    delay_ms: u64,
    /// From the newest view that was shown on.
    scenes: VecDeque<Scene>,
    /// The number of the first of them.
    first: u64,
    /// The number of the first that is not shown yet.
    next: u64,
    /// When the newest view was taken.
    viewed_ms: u64,
    kept_bytes: usize,
    watchers: Vec<Watcher>,
}

impl Gallery {
    /// Nobody watches yet. What happens is shown `delay_ms` later.
    #[must_use]
    pub fn new(delay_ms: u64) -> Self {
        Self {
            delay_ms,
            scenes: VecDeque::new(),
            first: 0,
            next: 0,
            viewed_ms: 0,
            kept_bytes: 0,
            watchers: Vec::new(),
        }
    }

    /// Who watches.
    #[must_use]
    pub fn len(&self) -> usize {
        self.watchers.len()
    }

    /// Whether what happens is shown later.
    #[must_use]
    pub fn is_delayed(&self) -> bool {
        self.delay_ms > 0
    }

    /// Whether somebody who comes now has a view to begin with.
    #[must_use]
    pub fn has_view(&self) -> bool {
        self.scenes.iter().any(Scene::is_view)
    }

    /// Whether nothing was said since the newest view.
    #[must_use]
    pub fn ends_with_view(&self) -> bool {
        self.scenes.back().is_some_and(Scene::is_view)
    }

    /// Whether it is time for another view: somebody watches, and the newest is old, or much was said since.
    #[must_use]
    pub fn wants_view(&self, now_ms: u64) -> bool {
        // Behind a new view nobody needs what was said before it: who watches a room where much is said is not sent away.
        let is_large = self.delay_ms == 0 && self.kept_bytes > KEPT_BYTES_MAX / 2;
        let age_ms = now_ms.saturating_sub(self.viewed_ms);
        !self.watchers.is_empty() && (age_ms >= VIEW_EVERY_MS || is_large && age_ms >= LARGE_VIEW_EVERY_MS)
    }

    /// All of the room's state, taken now.
    pub fn add_view(&mut self, view: Arc<Flush>, now_ms: u64) {
        self.viewed_ms = now_ms;
        self.add(Shown::View(view), now_ms);
    }

    /// What the room says now.
    pub fn add_said(&mut self, part: Part, now_ms: u64) {
        if !self.watchers.is_empty() && part.is_for(Seat::GAME) {
            // What single players see of a world is not kept for those who watch.
            let part = match part {
                Part::Frame(frame) => Part::Frame(Arc::new(frame.seen_by(Seat::GAME))),
                said => said,
            };
            self.add(Shown::Said(part), now_ms);
        }
    }

    fn add(&mut self, shown: Shown, at_ms: u64) {
        let scene = Scene { at_ms, shown };
        self.kept_bytes += scene.held_bytes();
        self.scenes.push_back(scene);
    }

    /// Somebody comes to watch; there is a view. He begins with the newest that was shown, or waits for the next.
    ///
    /// # Errors
    /// [`TooMany`].
    pub fn admit(&mut self, mailslot: Arc<Mailslot>, now_ms: u64, wakes: &mut Wakes) -> Result<(), TooMany> {
        if self.watchers.len() >= WATCHERS_MAX {
            // Who has gone does not keep others out until the next sweep.
            self.watchers.retain(|watcher| watcher.mailslot.has_reader());
        }
        if self.watchers.len() >= WATCHERS_MAX {
            return Err(TooMany);
        }
        let shown = usize::try_from(self.next - self.first).unwrap_or(usize::MAX);
        let newest_shown = self.scenes.iter().take(shown).rposition(Scene::is_view);
        let begins_at = if let Some(begin) = newest_shown {
            for scene in self.scenes.range(begin..shown) {
                match &scene.shown {
                    Shown::View(view) => mailslot.move_in(STAY, view, now_ms, wakes),
                    Shown::Said(part) => {
                        mailslot.post(STAY, std::slice::from_ref(part), Seat::GAME, now_ms, wakes);
                    }
                }
            }
            None
        } else {
            let waiting = self.scenes.iter().skip(shown).position(Scene::is_view);
            Some(waiting.map_or(self.first + self.scenes.len() as u64, |after| self.next + after as u64))
        };
        self.watchers.push(Watcher { mailslot, begins_at });
        Ok(())
    }

    /// Shows what is due. How many streams lost their hold because they left too much unread.
    pub fn show(&mut self, now_ms: u64, wakes: &mut Wakes) -> u64 {
        let mut overrun = 0;
        if self.kept_bytes > KEPT_BYTES_MAX {
            overrun = self.watchers.len() as u64;
            self.close(CloseCode::Slow);
        }
        loop {
            let at = usize::try_from(self.next - self.first).unwrap_or(usize::MAX);
            let Some(scene) = self.scenes.get(at) else { break };
            if scene.at_ms + self.delay_ms > now_ms {
                break;
            }
            for watcher in &mut self.watchers {
                match (&scene.shown, watcher.begins_at) {
                    (Shown::View(view), Some(number)) if number <= self.next => {
                        watcher.mailslot.move_in(STAY, view, now_ms, wakes);
                        watcher.begins_at = None;
                    }
                    (Shown::Said(part), None) => {
                        let parts = std::slice::from_ref(part);
                        let posted = watcher.mailslot.post(STAY, parts, Seat::GAME, now_ms, wakes);
                        overrun += u64::from(posted == Posted::Overrun);
                    }
                    // Who has begun knows the state already.
                    _ => {}
                }
            }
            self.next += 1;
            if scene.is_view() {
                self.forget_before(at);
            }
        }
        overrun
    }

    fn forget_before(&mut self, at: usize) {
        for scene in self.scenes.drain(..at) {
            self.kept_bytes -= scene.held_bytes();
            self.first += 1;
        }
    }

    /// Lets go of those who watch no more, and of everything when nobody does.
    pub fn sweep(&mut self, now_ms: u64) {
        self.watchers.retain(|watcher| {
            watcher.mailslot.sweep(now_ms);
            watcher.mailslot.has_reader()
        });
        if self.watchers.is_empty() {
            self.clear();
        }
    }

    /// Sends everybody away.
    pub fn close(&mut self, code: CloseCode) {
        for watcher in self.watchers.drain(..) {
            watcher.mailslot.close(code);
        }
        self.clear();
    }

    fn clear(&mut self) {
        self.first += self.scenes.len() as u64;
        self.next = self.first;
        self.scenes = VecDeque::new();
        self.kept_bytes = 0;
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use sward_protocol::downstream::{Event, Pong};
    use sward_protocol::format::Format;
    use sward_protocol::ids::Epoch;
    use sward_protocol::payload::Payload;

    use super::*;
    use crate::fanout::encode::encode;
    use crate::fanout::part::frame;
    use crate::fanout::reading::{Chunk, Kind as ReadKind, Position, Reader, Wish};
    use crate::world::frame::{FrameWriter, Piece, PieceKey};

    /// One who watches.
    struct Guest {
        mailslot: Arc<Mailslot>,
        reader: Reader,
    }

    impl Guest {
        fn new() -> Self {
            let mailslot = Arc::new(Mailslot::new(Epoch(1)));
            let (from, kind, format) = (Position::Nothing, ReadKind::Open, Format::default());
            let wish = Wish { from, nonce: None, kind, format };
            let reader = mailslot.open(wish, 0).unwrap().reader;
            Self { mailslot, reader }
        }

        fn come(gallery: &mut Gallery, now_ms: u64) -> Self {
            let guest = Self::new();
            gallery.admit(Arc::clone(&guest.mailslot), now_ms, &mut Wakes::default()).unwrap();
            gallery.show(now_ms, &mut Wakes::default());
            guest
        }

        fn hears(&self) -> Vec<String> {
            match self.mailslot.read(&self.reader, Format::default(), Waker::noop()) {
                Chunk::Events { bytes, .. } => {
                    let text = String::from_utf8(bytes).unwrap();
                    let words = text.lines().filter_map(|line| line.strip_prefix("data: {\"data\":\""));
                    words.map(|word| word.trim_end_matches("\"}").to_owned()).collect()
                }
                Chunk::Empty => Vec::new(),
                Chunk::Closed(code) => vec![code.reason().to_owned()],
            }
        }
    }

    fn flush(word: &str) -> Arc<Flush> {
        let pong = Event::Pong(Pong { data: Payload::of(word).unwrap() });
        Arc::new(Flush::of(encode(&pong).unwrap()))
    }

    fn say(gallery: &mut Gallery, word: &str, now_ms: u64) {
        gallery.add_said(Part::Said(flush(word)), now_ms);
        gallery.show(now_ms, &mut Wakes::default());
    }

    #[test]
    fn who_watches_live_begins_with_a_view_and_hears_what_follows() {
        let mut gallery = Gallery::new(0);
        assert!(!gallery.has_view() && !gallery.wants_view(9_000));
        gallery.add_view(flush("view 1"), 0);
        let first = Guest::come(&mut gallery, 0);
        say(&mut gallery, "a", 10);
        assert_eq!(first.hears(), ["view 1", "a"]);
        let second = Guest::come(&mut gallery, 20);
        say(&mut gallery, "b", 30);
        assert_eq!(second.hears(), ["view 1", "a", "b"], "one view serves many");
        assert!(gallery.wants_view(5_000));
        gallery.add_view(flush("view 2"), 5_000);
        say(&mut gallery, "c", 5_000);
        let third = Guest::come(&mut gallery, 5_010);
        assert_eq!(
            (first.hears(), third.hears()),
            (vec!["b".into(), "c".into()], vec!["view 2".into(), "c".into()])
        );
        assert_eq!(gallery.scenes.len(), 2, "what came before the newest view is not kept");
    }

    #[test]
    fn who_watches_later_sees_nothing_early() {
        let mut gallery = Gallery::new(1_000);
        gallery.add_view(flush("view 1"), 0);
        let first = Guest::come(&mut gallery, 0);
        say(&mut gallery, "a", 500);
        assert_eq!(first.hears(), [""; 0]);
        gallery.show(999, &mut Wakes::default());
        assert_eq!(first.hears(), [""; 0]);
        let waits_too = Guest::come(&mut gallery, 999);
        gallery.show(1_000, &mut Wakes::default());
        assert_eq!((first.hears(), waits_too.hears()), (vec!["view 1".into()], vec!["view 1".to_owned()]));
        let late = Guest::come(&mut gallery, 1_400);
        say(&mut gallery, "b", 1_500);
        assert_eq!((first.hears(), late.hears()), (vec!["a".into()], vec!["view 1".into(), "a".to_owned()]));
    }

    #[test]
    fn frames_are_seen_later_too_and_are_counted() {
        let mut gallery = Gallery::new(1_000);
        gallery.add_view(flush("view"), 0);
        let guest = Guest::come(&mut gallery, 0);
        let before = gallery.kept_bytes;
        for (tick, own) in [(1, None), (2, Some((Seat(3), 7)))] {
            let frame = Arc::new(frame(tick, if own.is_some() { &[] } else { &[4] }, own));
            gallery.add_said(Part::Frame(frame), 10);
        }
        assert!(gallery.kept_bytes >= before + 20);
        assert_eq!(gallery.scenes.len(), 2, "what is for a seat is not kept");
        gallery.show(1_009, &mut Wakes::default());
        assert_eq!(guest.hears(), ["view"]);
        gallery.show(1_010, &mut Wakes::default());
        let chunk = guest.mailslot.read(&guest.reader, Format::default(), Waker::noop());
        let Chunk::Events { bytes, count: 1 } = chunk else { panic!("{chunk:?}") };
        let text = String::from_utf8(bytes).unwrap();
        assert!(
            text.ends_with("event: patch\ndata: {\"tick\":1,\"world\":[{\"id\":4,\"x\":1}]}\n\n"),
            "{text}"
        );
    }

    #[test]
    fn nothing_is_kept_for_nobody() {
        let mut gallery = Gallery::new(1_000);
        gallery.add_view(flush("view"), 0);
        let guest = Guest::come(&mut gallery, 0);
        say(&mut gallery, "a", 0);
        guest.mailslot.detach(&guest.reader);
        gallery.sweep(10);
        assert_eq!((gallery.len(), gallery.scenes.len(), gallery.kept_bytes), (0, 0, 0));
        say(&mut gallery, "b", 20);
        assert_eq!(gallery.scenes.len(), 0);
        gallery.add_view(flush("view 2"), 30);
        let again = Guest::come(&mut gallery, 30);
        gallery.show(1_030, &mut Wakes::default());
        assert_eq!(again.hears(), ["view 2"]);
    }

    #[test]
    fn what_players_see_of_a_world_is_not_kept_for_who_watches() {
        let mut gallery = Gallery::new(0);
        gallery.add_view(flush("view"), 0);
        let guest = Guest::come(&mut gallery, 0);
        let mut views = 0;
        for tick in 0..200 {
            let mut writer = FrameWriter::default();
            let pieces: Vec<_> = (0..2_000).map(|id| writer.add(place(id, tick))).collect();
            pieces.iter().for_each(|&at| writer.show(at));
            writer.end_seat(Seat::GAME);
            for seat in 1..=1_000 {
                pieces[..200].iter().for_each(|&at| writer.show(at));
                writer.end_seat(Seat(seat));
            }
            let now_ms = 50 * (tick + 1);
            gallery.add_said(Part::Frame(Arc::new(writer.finish(tick))), now_ms);
            gallery.show(now_ms, &mut Wakes::default());
            guest.mailslot.read(&guest.reader, Format::default(), Waker::noop());
            if gallery.wants_view(now_ms) {
                views += 1;
                gallery.add_view(flush("view"), now_ms);
                gallery.show(now_ms, &mut Wakes::default());
            }
        }
        assert_eq!(gallery.len(), 1, "nobody was sent away");
        assert!((1..=40).contains(&views), "{views} views in 10 s");
    }

    fn place(entity: u32, tick: u64) -> Arc<Piece> {
        let json = format!("{{\"id\":{entity},\"x\":{tick}}}").into_bytes().into();
        Arc::new(Piece::new(PieceKey { entity, group: PieceKey::PLACE }, json))
    }

    #[test]
    fn they_are_bounded_and_so_is_what_is_kept() {
        let mut gallery = Gallery::new(60_000);
        gallery.add_view(flush("view"), 0);
        let guests: Vec<_> = (0..WATCHERS_MAX).map(|_| Guest::come(&mut gallery, 0)).collect();
        let refused = gallery.admit(Guest::new().mailslot, 0, &mut Wakes::default());
        assert_eq!(refused, Err(TooMany));
        let large = "x".repeat(60_000);
        for now_ms in 0..200 {
            say(&mut gallery, &large, now_ms);
            assert!(gallery.kept_bytes <= KEPT_BYTES_MAX);
        }
        assert_eq!(guests[0].hears(), ["slow"], "they begin anew");
        assert_eq!(gallery.len(), 0);
    }
}
