//! A room with the sessions of those who sit in it, as a value, and as bytes: what it takes for them not to notice that it goes
//! on elsewhere, or later. Pure.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sward_protocol::ids::Seat;

use super::inbox::Inbox;
use super::inbox::saving::SavedInbox;
use crate::fanout::mailslot::Mailslot;
use crate::fanout::saved::SavedMailslot;
use crate::game::SaveError;
use crate::room::saved::{SavedRoom, from_bytes, to_bytes};

/// A room and, by seat, the sessions of its players: all of one moment between two of its steps, when what it said is in
/// their mailslots.
///
/// As bytes it is that of a room alone ([`SavedRoom::to_bytes`]) with a member more, in the same version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SavedTable {
    /// The room.
    pub room: SavedRoom,
    /// By seat. The game's own players have none.
    #[serde(default)]
    pub sessions: BTreeMap<Seat, SavedSession>,
}

/// What of a session is numbered, in both directions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SavedSession {
    /// What it may be told.
    pub mailslot: SavedMailslot,
    /// What of its messages was applied.
    pub inbox: SavedInbox,
}

impl SavedSession {
    /// A session as a value.
    #[must_use]
    pub fn of(mailslot: &Mailslot, inbox: &Inbox) -> Self {
        Self { mailslot: mailslot.save(), inbox: inbox.save() }
    }

    /// What was saved.
    ///
    /// # Errors
    /// [`SaveError::Malformed`].
    pub fn restore(&self) -> Result<(Mailslot, Inbox), SaveError> {
        Ok((Mailslot::restore(&self.mailslot)?, Inbox::restore(&self.inbox)?))
    }
}

impl SavedTable {
    /// All of it as bytes.
    ///
    /// # Errors
    /// [`SaveError::Malformed`] if it does not serialise, which what was saved always does.
    pub fn to_bytes(&self) -> Result<Vec<u8>, SaveError> {
        to_bytes(self)
    }

    /// The room and its sessions of which these are the bytes.
    ///
    /// # Errors
    /// [`SaveError::Version`] for those of another version, [`SaveError::Malformed`] for others.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SaveError> {
        from_bytes(bytes)
    }
}

#[cfg(test)]
mod tests {
    use sward_protocol::downstream::{Event, Pong};
    use sward_protocol::ids::Epoch;
    use sward_protocol::payload::Payload;

    use super::*;
    use crate::fanout::encode::encode;
    use crate::fanout::flush::Flush;
    use crate::fanout::mailslot::Tenancy;
    use crate::fanout::part::{Part, frame};
    use crate::fanout::wake::Wakes;
    use crate::game::{Game as _, Random};
    use crate::games::relay::Relay;
    use crate::room::catalog::Catalog;
    use crate::room::core::{Charter, RoomCore, RoomStep as _};
    use crate::room::input::{Input, Newcomer};
    use crate::room::saved::SAVED_VERSION;
    use sward_protocol::ids::{NodeId, PlayerId, RoomId};

    /// A room with one player, who was told something.
    fn table() -> SavedTable {
        let mut random = Random::from_seed(7);
        let game = Relay::create(&Payload::of(&serde_json::json!({})).unwrap(), &mut random).unwrap();
        let settings = game.settings();
        let charter = Charter {
            id: RoomId::from_random(NodeId(0), 7),
            game: "relay".to_owned(),
            code: "TEST".to_owned(),
            name: "Zoë's".to_owned(),
            private: false,
            password: None,
            creator: None,
            standing: true,
            meta: Payload::of(&serde_json::json!({"level": 3})).unwrap(),
            max_players: 4,
        };
        let mut core = RoomCore::new(charter, game, settings, random);
        let id = PlayerId::from_random(NodeId(0), 1);
        let newcomer = Newcomer::new(id, "Zoë".to_owned(), Payload::null());
        core.step(Input::Join(newcomer), 1_000, &mut Vec::new());
        let (mailslot, mut wakes) = (Mailslot::new(Epoch(3)), Wakes::default());
        let pong = Event::Pong(Pong { data: Payload::of("tic").unwrap() });
        let flush = std::sync::Arc::new(Flush::of(encode(&pong).unwrap()));
        mailslot.move_in(Tenancy(1), &flush, 1_000, &mut wakes);
        let shown = Part::Frame(std::sync::Arc::new(frame(4, &[1, 2], None)));
        mailslot.post(Tenancy(1), &[Part::Said(flush), shown], Seat(1), 1_010, &mut wakes);
        let mut inbox = Inbox::default();
        inbox.admitted("k7", 1, 3);
        inbox.answered("k7", 1, Vec::new());
        let sessions = BTreeMap::from([(Seat(1), SavedSession::of(&mailslot, &inbox))]);
        SavedTable { room: core.save().unwrap(), sessions }
    }

    #[test]
    fn bytes_are_read_as_they_were_written_and_name_their_version() {
        let table = table();
        let bytes = table.to_bytes().unwrap();
        assert!(bytes.starts_with(br#"{"version":1,"room":{"id":"#), "{}", String::from_utf8_lossy(&bytes));
        assert_eq!(SavedTable::from_bytes(&bytes).unwrap(), table);
        assert_eq!(SavedRoom::from_bytes(&bytes).unwrap(), table.room, "the room alone");
        let alone = SavedTable::from_bytes(&table.room.to_bytes().unwrap()).unwrap();
        assert_eq!(alone, SavedTable { sessions: BTreeMap::new(), room: table.room });

        let later = br#"{"version":2,"hall":[]}"#;
        let want = SaveError::Version { found: 2, known: SAVED_VERSION };
        assert_eq!(SavedTable::from_bytes(later).unwrap_err(), want);
        assert_eq!(SavedRoom::from_bytes(later).unwrap_err(), want);
        for garbage in [&b""[..], b"{}", b"null", b"\xff", br#"{"version":"1"}"#, br#"{"version":1}"#] {
            assert!(matches!(SavedRoom::from_bytes(garbage), Err(SaveError::Malformed(_))), "{garbage:?}");
        }
    }

    /// Takes up bytes as a server would; what they say may be wrong, but nothing panics.
    fn take_up(bytes: &[u8], catalog: &Catalog) -> bool {
        let Ok(table) = SavedTable::from_bytes(bytes) else { return false };
        for session in table.sessions.values() {
            if let Ok((mailslot, inbox)) = session.restore() {
                mailslot.sweep(2_000);
                mailslot.check_bounds();
                assert!(inbox.last("k8") == 0);
            }
        }
        let game = table.room.game.clone();
        catalog.restore(&game, table.room).is_some_and(|room| room.is_ok())
    }

    #[test]
    fn cut_and_changed_bytes_are_told_and_never_panic() {
        let mut catalog = Catalog::default();
        catalog.add::<Relay>("relay");
        let bytes = table().to_bytes().unwrap();
        assert!(take_up(&bytes, &catalog));
        for end in 0..bytes.len() {
            assert!(!take_up(&bytes[..end], &catalog), "cut at {end}");
        }
        let mut random = Random::from_seed(1);
        let mut taken = 0;
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << random.below(8);
            taken += u32::from(take_up(&changed, &catalog));
            changed[at] = *random.pick(br#"0159-.eE"{}[],:n"#).unwrap();
            taken += u32::from(take_up(&changed, &catalog));
        }
        assert!(taken > 100, "{taken}: a letter of a name is as good as another");
    }

    #[test]
    fn a_catalog_restores_the_rooms_of_its_games() {
        let mut catalog = Catalog::default();
        let saved = table().room;
        assert!(catalog.restore("relay", saved.clone()).is_none());
        catalog.add::<Relay>("relay");
        let room = catalog.restore("relay", saved.clone()).unwrap().unwrap();
        assert_eq!(room.save().unwrap(), saved);
        let state = Payload::null();
        assert!(matches!(
            catalog.restore("relay", SavedRoom { state, ..saved }).unwrap().map(|_| ()),
            Err(SaveError::Malformed(_))
        ));
        catalog.remove("relay");
        assert!(catalog.restore("relay", table().room).is_none());
    }
}
