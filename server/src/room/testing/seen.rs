//! What the players of a test room saw.

use serde::de::DeserializeOwned;
use sward_protocol::downstream::{Event, Gone, GoneWhy, Joined};
use sward_protocol::ids::Seat;
use sward_protocol::limits::{EVENT_BYTES_MAX, JOINED_BYTES_MAX};
use sward_protocol::payload::Payload;

use super::burst::what;
use super::{TestPlayer, TestRoom};
use crate::fanout::patch::patches_of;
use crate::game::{Blob, Game};
use crate::room::core::RoomStep as _;
use crate::room::effect::Effect;
use crate::world::frame::Frame;

/// What one player saw.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) joined: Joined,
    pub(super) heard: Vec<Event>,
    pub(super) gone: Option<Gone>,
}

impl Seen {
    pub(super) fn of(joined: Joined) -> Self {
        Self { joined, heard: Vec::new(), gone: None }
    }
}

/// What players saw.
impl<G: Game> TestRoom<G> {
    /// What the player heard since he was last asked: each event as its name, a space, and its JSON. Of a latest value he
    /// hears each one, as a reader does who keeps up.
    pub fn heard(&mut self, player: TestPlayer) -> Vec<String> {
        self.events(player).iter().map(line).collect()
    }

    /// What the player heard since he was last asked.
    pub fn events(&mut self, player: TestPlayer) -> Vec<Event> {
        self.seen.get_mut(&player.id).map(|seen| std::mem::take(&mut seen.heard)).unwrap_or_default()
    }

    /// Takes out of what the player heard the data of all messages of this type, and leaves the rest:
    /// `assert_eq!(room.messages::<u32>(bo, "score"), [1, 2])`.
    ///
    /// # Panics
    /// If one of them is of another shape.
    #[track_caller]
    pub fn messages<T: DeserializeOwned>(&mut self, player: TestPlayer, kind: &str) -> Vec<T> {
        self.take(player, kind, |event| match event {
            Event::Msg(msg) if msg.kind == kind => Some(&msg.data),
            _ => None,
        })
    }

    /// Takes all patches out of what the player heard, and leaves the rest.
    ///
    /// # Panics
    /// If one of them is of another shape.
    #[track_caller]
    pub fn patches<T: DeserializeOwned>(&mut self, player: TestPlayer) -> Vec<T> {
        self.take(player, "patch", |event| match event {
            Event::Patch(data) => Some(data),
            _ => None,
        })
    }

    #[track_caller]
    fn take<T: DeserializeOwned>(
        &mut self,
        player: TestPlayer,
        what: &str,
        data_of: impl Fn(&Event) -> Option<&Payload>,
    ) -> Vec<T> {
        let Some(seen) = self.seen.get_mut(&player.id) else { return Vec::new() };
        let taken = seen.heard.extract_if(.., |event| data_of(event).is_some());
        let mut found = Vec::new();
        for event in taken {
            found.extend(data_of(&event).map(|data| read(what, data)));
        }
        found
    }

    /// Nobody has heard anything yet: what was said so far is of no interest to the test.
    pub fn forget_heard(&mut self) {
        for seen in self.seen.values_mut() {
            seen.heard.clear();
        }
    }

    /// The game's state, as the player would see it now.
    ///
    /// # Panics
    /// If it is of another shape, or above 1 MiB.
    #[must_use]
    #[track_caller]
    pub fn state<T: DeserializeOwned>(&self, player: TestPlayer) -> T {
        let state = self.core.state(player.seat);
        let bytes = state.json_len();
        assert!(
            bytes <= JOINED_BYTES_MAX,
            "the state has {bytes} bytes, above {JOINED_BYTES_MAX}: the room would end when it is shown"
        );
        read("the state", &state)
    }

    /// The blob of this name, as whoever sits in the room would fetch it now.
    ///
    /// ```
    /// use sward_server::games::meadow::Meadow;
    /// use sward_server::testing::TestRoom;
    ///
    /// let mut room = TestRoom::<Meadow>::new();
    /// room.join("Zoë");
    /// let map = room.blob("map").unwrap();
    /// assert_eq!(map.media_type(), "application/json");
    /// let map: serde_json::Value = serde_json::from_slice(map.bytes())?;
    /// assert_eq!(map["width"], 4800.0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn blob(&self, name: &str) -> Option<&Blob> {
        self.core.blobs().get(name)
    }

    /// The names of all blobs that the room has now.
    pub fn blob_names(&self) -> impl Iterator<Item = &str> {
        self.core.blobs().keys().map(|name| &**name)
    }

    /// What the player was shown when he came.
    ///
    /// # Panics
    /// If he is of another room.
    #[must_use]
    #[track_caller]
    pub fn joined(&self, player: TestPlayer) -> &Joined {
        match self.seen.get(&player.id) {
            Some(seen) => &seen.joined,
            None => panic!("{player:?} was never here"),
        }
    }

    /// Whether the player sits in the room.
    #[must_use]
    pub fn is_in(&self, player: TestPlayer) -> bool {
        self.seated.get(&player.seat) == Some(&player.id)
    }

    /// Why the player is out, and what he was told; `None` while he is in.
    #[must_use]
    pub fn gone(&self, player: TestPlayer) -> Option<&Gone> {
        self.seen.get(&player.id)?.gone.as_ref()
    }
}

impl<G: Game> TestRoom<G> {
    #[track_caller]
    pub(super) fn deliver(&mut self, effect: Effect) {
        match effect {
            Effect::Send(outgoing) => {
                // As `["name",data]`, which is how the wire counts.
                let bytes = line(&outgoing.event).len() + r#"["",]"#.len() - 1;
                assert!(
                    bytes <= EVENT_BYTES_MAX,
                    "an event {} of {bytes} bytes, above {EVENT_BYTES_MAX}: it would be dropped",
                    what(&outgoing.event)
                );
                if outgoing.audience.includes(Seat::GAME) {
                    self.watching.iter_mut().for_each(|watching| watching.hear(&outgoing.event, self.now_ms));
                }
                for (&seat, id) in self.seated.iter().filter(|(seat, _)| outgoing.audience.includes(**seat)) {
                    self.bursts.add(seat, &outgoing, bytes);
                    if let Some(seen) = self.seen.get_mut(id) {
                        seen.heard.push(outgoing.event.clone());
                    }
                }
            }
            Effect::Vacated { seat, why, detail } => self.vacate(&Gone { seat, why, detail }),
            Effect::Closed => {
                self.is_closed = true;
                let seats: Vec<_> = self.seated.keys().copied().collect();
                for seat in seats {
                    self.vacate(&Gone { seat, why: GoneWhy::Closed, detail: None });
                }
            }
            Effect::Dropped(dropped) => panic!("it would be dropped: {dropped}"),
            Effect::Frame(frame) => self.show(&frame),
            Effect::Admitted(_)
            | Effect::Refused(_)
            | Effect::Results(_)
            | Effect::Snapshot(_)
            | Effect::Occupied
            | Effect::Banned(_)
            | Effect::BanForgotten
            | Effect::Shown { .. }
            | Effect::BlobRefused
            | Effect::Changed(_) => {}
        }
    }

    /// What changed in the world is a `patch` to each who sees it.
    #[track_caller]
    fn show(&mut self, frame: &Frame) {
        for patch in patches_of(frame, Seat::GAME) {
            self.watching.iter_mut().for_each(|watching| watching.hear(&patch, self.now_ms));
        }
        for (&seat, id) in &self.seated {
            self.bursts.add_frame(seat, frame);
            if let Some(seen) = self.seen.get_mut(id) {
                seen.heard.extend(patches_of(frame, seat));
            }
        }
    }

    fn vacate(&mut self, gone: &Gone) {
        let seen = self.seated.remove(&gone.seat).and_then(|id| self.seen.get_mut(&id));
        if let Some(seen) = seen {
            seen.heard.push(Event::Gone(gone.clone()));
            seen.gone = Some(gone.clone());
        }
    }
}

#[track_caller]
pub(super) fn read<T: DeserializeOwned>(what: &str, data: &Payload) -> T {
    match data.parse() {
        Ok(value) => value,
        Err(error) => panic!("{what} is {data:?}: {error}"),
    }
}

pub(super) fn line(event: &Event) -> String {
    let mut json = Vec::new();
    match event.write_json(&mut json) {
        Ok(()) => format!("{} {}", event.name(), String::from_utf8_lossy(&json)),
        Err(error) => format!("{} {error}", event.name()),
    }
}
