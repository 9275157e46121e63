//! What ought to be, told independently of the code that does it: what was addressed to a session, and the room as a client
//! makes it of events.

use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use sward_protocol::blobs::{BlobChange, BlobInfo};
use sward_protocol::downstream::{Away, Back, Event, Here, Joined, Member};
use sward_protocol::format::{Data, Received};
use sward_protocol::ids::Seat;
use sward_protocol::operator::RoomInside;
use sward_protocol::rooms::{RoomChange, RoomInfo};

use crate::game::context::LatestKey;

/// What a session was told and has not read.
#[derive(Debug, Default)]
pub(super) struct Expected {
    said: VecDeque<Said>,
    /// How many of the last ones still wait in the room.
    unposted: usize,
    /// The newest value of each key, by its number.
    newest: BTreeMap<LatestKey, u64>,
    numbers: u64,
    bytes: usize,
    /// What he was shown of the world since he last had read all: when, how many pieces, their bytes.
    shown: VecDeque<(u64, usize, usize)>,
    /// The last so many of them still wait in the room.
    unposted_shown: usize,
    /// Nothing of the room counts before `joined`.
    pub(super) awaits_snapshot: bool,
}

/// An event, as it is read.
#[derive(Debug, Clone)]
pub(super) struct Text {
    name: &'static str,
    json: Rc<str>,
    packed: Rc<[u8]>,
}

impl Text {
    pub(super) fn of(event: &Event) -> Self {
        let (mut json, mut packed) = (Vec::new(), Vec::new());
        event.write_json(&mut json).unwrap();
        event.write_msgpack(&mut packed).unwrap();
        Self { name: event.name(), json: String::from_utf8(json).unwrap().into(), packed: packed.into() }
    }

    fn is(&self, received: &Received) -> bool {
        let is_data = match &received.data {
            Data::Json(json) => **json == *self.json,
            Data::Msgpack(bytes) => **bytes == *self.packed,
        };
        is_data && received.name == self.name
    }
}

#[derive(Debug)]
struct Said {
    number: u64,
    text: Text,
    latest: Option<LatestKey>,
    at_ms: u64,
}

impl Expected {
    /// The room says something to him.
    pub(super) fn say(&mut self, text: &Text, latest: Option<&LatestKey>, now_ms: u64) {
        if self.awaits_snapshot {
            return;
        }
        self.numbers += 1;
        if let Some(key) = latest {
            self.newest.insert(key.clone(), self.numbers);
        }
        self.bytes += text.json.len();
        let latest = latest.cloned();
        self.said.push_back(Said { number: self.numbers, text: text.clone(), latest, at_ms: now_ms });
        self.unposted += 1;
    }

    /// The room shows him so many pieces of its world.
    pub(super) fn show(&mut self, pieces: usize, bytes: usize, now_ms: u64) {
        if pieces > 0 && !self.awaits_snapshot {
            self.shown.push_back((now_ms, pieces, bytes));
            self.unposted_shown += 1;
        }
    }

    /// What the room said was handed to his outbox.
    pub(super) fn posted(&mut self) {
        (self.unposted, self.unposted_shown) = (0, 0);
    }

    /// He moves on: what his room still holds is not for him any more.
    pub(super) fn forget_unposted(&mut self) {
        let unposted = std::mem::take(&mut self.unposted);
        self.shown.truncate(self.shown.len() - std::mem::take(&mut self.unposted_shown));
        for said in self.said.split_off(self.said.len() - unposted) {
            self.bytes -= said.text.json.len();
        }
        let values = self.said.iter().filter_map(|said| Some((said.latest.clone()?, said.number)));
        self.newest = values.collect();
    }

    /// He begins anew: what he did not read is lost, and he was told so.
    pub(super) fn start_fresh(&mut self, awaits_snapshot: bool) {
        let numbers = self.numbers;
        *self = Self { numbers, awaits_snapshot, ..Self::default() };
    }

    /// He read this: whatever stands before it was replaced by something behind it. How much that was.
    pub(super) fn read(&mut self, received: &Received) -> usize {
        let mut skipped = 0;
        loop {
            let Some(next) = self.said.pop_front() else {
                panic!("read {received:?}, which was not said to him, or was read before");
            };
            self.bytes -= next.text.json.len();
            self.unposted = self.unposted.min(self.said.len());
            if next.text.is(received) {
                return skipped;
            }
            let is_replaced = next.latest.is_some_and(|key| self.newest.get(&key) != Some(&next.number));
            assert!(is_replaced, "read {received:?}, and before it was said {:?}", next.text);
            skipped += 1;
        }
    }

    /// Nothing is left to be read.
    pub(super) fn check_read(&mut self) {
        self.shown.drain(..self.shown.len() - self.unposted_shown);
        let left = self.said.front();
        assert!(
            left.is_none(),
            "the outbox is empty, and {} events were never read: {left:?}",
            self.said.len()
        );
    }

    /// Whether everything was handed to his outbox.
    pub(super) fn is_posted(&self) -> bool {
        self.unposted == 0
    }

    /// Whether so little is unread, and all of it so new, that the window must still have it.
    pub(super) fn is_small(&self, age_ms_max: u64, now_ms: u64) -> bool {
        let is_new = self.said.front().is_none_or(|oldest| now_ms - oldest.at_ms <= age_ms_max)
            && self.shown.front().is_none_or(|(oldest_ms, ..)| now_ms - oldest_ms <= age_ms_max);
        let pieces: usize = self.shown.iter().map(|(_, pieces, _)| pieces).sum();
        let bytes: usize = self.shown.iter().map(|(.., bytes)| bytes).sum();
        is_new && self.said.len() < 300 && self.bytes + bytes < 48 * 1024 && pieces < 2_000
    }
}

/// The room, as a client makes it of events.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct View {
    pub(super) room: RoomInfo,
    pub(super) members: BTreeMap<Seat, Member>,
    pub(super) blobs: BTreeMap<String, BlobInfo>,
    /// The last `patch`.
    pub(super) patch: Option<String>,
}

impl View {
    /// An empty room.
    pub(super) fn empty(room: RoomInfo) -> Self {
        Self { room, members: BTreeMap::new(), blobs: BTreeMap::new(), patch: None }
    }

    pub(super) fn of(joined: &Joined) -> Self {
        let members: BTreeMap<_, _> =
            joined.players.iter().map(|member| (member.seat, member.clone())).collect();
        assert_eq!(members.len(), joined.players.len(), "joined names a seat twice");
        assert!(members.contains_key(&joined.seat), "joined does not name who joined");
        let blobs = joined.blobs.iter().map(|blob| (blob.name.clone(), blob.clone())).collect();
        let view = Self { room: joined.room.clone(), members, blobs, patch: None };
        assert_eq!(
            usize::from(view.room.players),
            view.members.len(),
            "joined counts other players than it names"
        );
        view
    }

    /// Takes up an event.
    pub(super) fn hear(&mut self, event: &Event) {
        match event {
            Event::Here(Here { seat, id, name, me, bot }) => {
                let (seat, id, bot) = (*seat, *id, *bot);
                let member =
                    Member { seat, id, name: name.clone(), me: me.clone(), away: false, why: None, bot };
                assert!(self.members.insert(seat, member).is_none(), "here: somebody sits on seat {seat}");
            }
            Event::Gone(gone) => {
                assert!(self.members.remove(&gone.seat).is_some(), "gone: nobody sits on seat {}", gone.seat);
            }
            Event::Away(Away { seat, why }) => {
                let member = self.members.get_mut(seat).expect("away: nobody sits there");
                assert_ne!(member.why, Some(*why), "away: he was already");
                (member.away, member.why) = (true, Some(*why));
            }
            Event::Back(Back { seat }) => {
                let member = self.members.get_mut(seat).expect("back: nobody sits there");
                assert!(member.away, "back: he was not away");
                (member.away, member.why) = (false, None);
            }
            Event::Blob(BlobChange { name, etag: None, .. }) => {
                assert!(self.blobs.remove(name).is_some(), "blob: there is no {name}");
            }
            Event::Blob(BlobChange { name, etag, size_bytes, kind }) => {
                let (name, etag) = (name.clone(), etag.clone().unwrap());
                let (size_bytes, kind) = (size_bytes.unwrap(), kind.clone().unwrap());
                self.blobs.insert(name.clone(), BlobInfo { name, etag, size_bytes, kind });
            }
            Event::Room(change) => self.change(change),
            Event::Patch(data) => self.patch = Some(data.json().to_owned()),
            _ => {}
        }
        self.room.players = u16::try_from(self.members.len()).unwrap();
    }

    /// Takes up what changed of the room.
    pub(super) fn change(&mut self, change: &RoomChange) {
        let RoomChange { name, max_players, locked, phase, owner, meta } = change.clone();
        let room = &mut self.room;
        room.name = name.unwrap_or_else(|| room.name.clone());
        room.max_players = max_players.unwrap_or(room.max_players);
        room.locked = locked.unwrap_or(room.locked);
        room.phase = phase.unwrap_or(room.phase);
        room.owner = owner.unwrap_or(room.owner);
        room.meta = meta.unwrap_or_else(|| room.meta.clone());
    }

    /// This is how the room is.
    pub(super) fn check(&self, inside: &RoomInside, whose: &str) {
        let RoomInside { room, players, blobs } = inside;
        assert!(self.room == *room, "{whose} view of the room is {:?}, it is {room:?}", self.room);
        self.check_players(players, whose);
        let same = self.blobs.len() == blobs.len() && self.blobs.values().eq(blobs);
        assert!(same, "{whose} view of the blobs is {:?}, they are {blobs:?}", self.blobs);
    }

    /// These are all who sit there.
    pub(super) fn check_players(&self, players: &[Member], whose: &str) {
        let same = self.members.len() == players.len() && self.members.values().eq(players);
        assert!(same, "{whose} view of the players is {:?}, they are {players:?}", self.members);
    }
}
