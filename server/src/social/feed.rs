//! One lobby: who watches it, what was said there, and what those who watch have not been told yet. Pure.
//!
//! What changes is told at most once in [`LOBBY_EVERY`], to all in the same words. So the cost of a change is that of one
//! event for each who watches and second, however many rooms come and go.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use sward_protocol::ids::{PlayerId, RoomId};
use sward_protocol::limits::{LOBBY_EVERY, LOBBY_PLAYERS_MAX, LOBBY_ROOMS_BYTES_MAX, LOBBY_ROOMS_MAX};
use sward_protocol::rooms::RoomInfo;
use sward_protocol::session::Player;
use sward_protocol::social::{Chat, Lobby, LobbyCounts};

use crate::chat::Log;
use crate::clock::whole_ms;
use crate::fanout::flush::Flush;
use crate::rate::SharedRate;

/// Changed rooms that wait to be told. When there are more, they are not: all who watch get the first page anew.
pub const CHANGES_MAX: usize = 1_000;
/// Chat lines in one lobby a second: each goes to all who watch it.
const LINES_PER_S: u32 = 10;
/// And at once.
const LINES_BURST: u32 = 30;
/// What a room takes as JSON besides its name and its `meta`.
const ROOM_BYTES: usize = 256;

/// One lobby.
#[derive(Debug)]
pub struct Feed {
    /// `None`: the whole server's.
    game: Option<String>,
    arrived: u64,
    arrivals: BTreeMap<PlayerId, u64>,
    watching: BTreeMap<u64, Player>,
    /// Those whom all who watch know by name.
    named: BTreeMap<PlayerId, Player>,
    changed: VecDeque<RoomId>,
    is_changed: BTreeSet<RoomId>,
    has_overflown: bool,
    told: LobbyCounts,
    told_ms: u64,
    lines: Log,
    line_rate: SharedRate,
    /// For whoever comes before the next change is told.
    snapshot: Option<Arc<Flush>>,
}

impl Feed {
    /// A lobby that nobody watches yet.
    #[must_use]
    pub fn new(game: Option<String>, now_ms: u64) -> Self {
        Self {
            game,
            arrived: 0,
            arrivals: BTreeMap::new(),
            watching: BTreeMap::new(),
            named: BTreeMap::new(),
            changed: VecDeque::new(),
            is_changed: BTreeSet::new(),
            has_overflown: false,
            told: LobbyCounts::default(),
            told_ms: 0,
            lines: Log::default(),
            line_rate: SharedRate::new(LINES_PER_S, LINES_BURST, now_ms),
            snapshot: None,
        }
    }

    /// Whose lobby it is.
    #[must_use]
    pub fn game(&self) -> Option<&str> {
        self.game.as_deref()
    }

    /// Whether this player watches.
    #[must_use]
    pub fn has(&self, player: PlayerId) -> bool {
        self.arrivals.contains_key(&player)
    }

    /// A player watches from now on.
    pub fn enter(&mut self, player: Player) {
        if !self.has(player.id) {
            self.arrived += 1;
            self.arrivals.insert(player.id, self.arrived);
            self.watching.insert(self.arrived, player);
        }
    }

    /// A player watches no more. Whether he did. When he was the last one, nobody follows the changes any more: what was
    /// shown to those who came before holds no longer.
    pub fn leave(&mut self, player: PlayerId) -> bool {
        let arrival = self.arrivals.remove(&player);
        let did = arrival.and_then(|arrival| self.watching.remove(&arrival)).is_some();
        if self.watching.is_empty() {
            self.forget_changes();
            self.has_overflown = false;
            self.snapshot = None;
        }
        did
    }

    /// Something was said here.
    ///
    /// # Errors
    /// The milliseconds after which to try again: so many lines a second are too many, or so many of this author's.
    pub fn say(&mut self, line: &Chat, now_ms: u64) -> Result<(), u64> {
        self.line_rate.take(line.player.id, now_ms)?;
        self.lines.push(line.clone());
        self.snapshot = None;
        Ok(())
    }

    /// These rooms changed.
    pub fn changed(&mut self, rooms: impl IntoIterator<Item = RoomId>) {
        if self.watching.is_empty() {
            return;
        }
        let news = rooms.into_iter().filter(|room| self.is_changed.insert(*room));
        self.changed.extend(news);
        if self.changed.len() > CHANGES_MAX {
            self.forget_changes();
            self.has_overflown = true;
        }
    }

    /// Whether those who watch may be told something now.
    #[must_use]
    pub fn may_tell(&self, now_ms: u64) -> bool {
        !self.watching.is_empty() && now_ms >= self.told_ms + whole_ms(LOBBY_EVERY)
    }

    /// Whether so much changed that it is not told one by one, but as [`Feed::all`].
    #[must_use]
    pub fn has_overflown(&self) -> bool {
        self.has_overflown
    }

    /// What changed, for all who watch; `room` shows a room as it is now, if it is listed. `None`: nothing did.
    pub fn news(
        &mut self,
        counts: LobbyCounts,
        now_ms: u64,
        room: impl Fn(RoomId) -> Option<RoomInfo>,
    ) -> Option<Lobby> {
        let counts = LobbyCounts { watching: self.watching.len() as u64, ..counts };
        let (rooms, closed) = self.take_rooms(room);
        let (here, gone) = self.take_names();
        let is_news = self.counts_differ(counts)
            || !(rooms.is_empty() && closed.is_empty() && here.is_empty() && gone.is_empty());
        if !is_news {
            return None;
        }
        self.was_told(counts, now_ms);
        let (game, chat) = (self.game.clone(), Vec::new());
        Some(Lobby { game, reset: false, rooms, closed, here, gone, counts, next: None, chat })
    }

    /// Everything, for all who watch: what changed until now is in it. `rooms` is the first page, and where it ends if
    /// there are more.
    pub fn all(&mut self, rooms: Page, counts: LobbyCounts, now_ms: u64) -> Lobby {
        self.forget_changes();
        self.has_overflown = false;
        self.take_names();
        self.was_told(LobbyCounts { watching: self.watching.len() as u64, ..counts }, now_ms);
        self.shown(rooms, counts, now_ms)
    }

    /// What one who comes now must know to follow what is told from now on. As [`Feed::all`], but nobody else is told.
    pub fn shown(&mut self, (rooms, next): Page, counts: LobbyCounts, now_ms: u64) -> Lobby {
        let (mut bytes, count) = (0, rooms.len());
        let fits = |(index, room): &(usize, RoomInfo)| {
            bytes += room_bytes(room);
            *index == 0 || bytes <= LOBBY_ROOMS_BYTES_MAX
        };
        let rooms: Vec<_> = rooms.into_iter().enumerate().take_while(fits).map(|(_, room)| room).collect();
        let next = if rooms.len() < count { rooms.last().map(|room| room.id) } else { next };
        Lobby {
            game: self.game.clone(),
            reset: true,
            rooms,
            closed: Vec::new(),
            // Those whom the others know: who came or went since is in what they are told next.
            here: self.named.values().cloned().collect(),
            gone: Vec::new(),
            counts: LobbyCounts { watching: self.watching.len() as u64, ..counts },
            next,
            chat: self.lines.lines(now_ms),
        }
    }

    /// What [`Feed::shown`] said, encoded, as long as it holds.
    #[must_use]
    pub fn snapshot(&self) -> Option<&Arc<Flush>> {
        self.snapshot.as_ref()
    }

    /// Keeps it for those who come next.
    pub fn keep_snapshot(&mut self, snapshot: Arc<Flush>) {
        self.snapshot = Some(snapshot);
    }

    fn counts_differ(&self, counts: LobbyCounts) -> bool {
        let online = if self.game.is_none() { counts.online } else { self.told.online };
        // Who watches one game is not told of everybody who comes to another.
        LobbyCounts { online, ..counts } != self.told
    }

    fn was_told(&mut self, counts: LobbyCounts, now_ms: u64) {
        self.told = counts;
        self.told_ms = now_ms;
        self.snapshot = None;
    }

    fn forget_changes(&mut self) {
        self.changed = VecDeque::new();
        self.is_changed = BTreeSet::new();
    }

    fn take_rooms(&mut self, room: impl Fn(RoomId) -> Option<RoomInfo>) -> (Vec<RoomInfo>, Vec<RoomId>) {
        let (mut rooms, mut closed, mut bytes) = (Vec::new(), Vec::new(), 0);
        while let Some(&id) = self.changed.front() {
            match room(id) {
                None if closed.len() == LOBBY_ROOMS_MAX => break,
                None => closed.push(id),
                Some(room) => {
                    bytes += room_bytes(&room);
                    let is_full = rooms.len() == LOBBY_ROOMS_MAX || bytes > LOBBY_ROOMS_BYTES_MAX;
                    if is_full && !rooms.is_empty() {
                        break;
                    }
                    rooms.push(room);
                }
            }
            self.changed.pop_front();
            self.is_changed.remove(&id);
        }
        (rooms, closed)
    }

    /// Those who are named from now on, and those who are no more.
    fn take_names(&mut self) -> (Vec<Player>, Vec<PlayerId>) {
        let first = self.watching.values().take(LOBBY_PLAYERS_MAX);
        let now: BTreeMap<_, _> = first.map(|player| (player.id, player.clone())).collect();
        let here = now.values().filter(|player| !self.named.contains_key(&player.id)).cloned().collect();
        let gone = self.named.keys().filter(|id| !now.contains_key(id)).copied().collect();
        self.named = now;
        (here, gone)
    }
}

/// The first rooms, and the last of them if there are more.
pub type Page = (Vec<RoomInfo>, Option<RoomId>);

fn room_bytes(room: &RoomInfo) -> usize {
    ROOM_BYTES + 2 * room.name.len() + room.meta.json_len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fanout::encode::encode;
    use sward_protocol::downstream::Event;
    use sward_protocol::ids::NodeId;
    use sward_protocol::payload::Payload;
    use sward_protocol::social::ChatScope;

    fn player(number: u128) -> Player {
        Player { id: PlayerId::from_random(NodeId(0), number), name: format!("P{number}") }
    }

    fn room(number: u128) -> RoomInfo {
        RoomInfo {
            id: RoomId::from_random(NodeId(0), number),
            game: "relay".to_owned(),
            code: String::new(),
            name: String::new(),
            max_players: 2,
            players: 1,
            private: false,
            password: false,
            locked: false,
            phase: sward_protocol::rooms::Phase::Open,
            owner: sward_protocol::ids::Seat::GAME,
            meta: Payload::from_json("{}").unwrap(),
        }
    }

    fn flush(event: &Event) -> Arc<Flush> {
        Arc::new(Flush::of(encode(event).unwrap()))
    }

    fn feed() -> Feed {
        Feed::new(Some("relay".to_owned()), 0)
    }

    /// What is told at this time, if anything, of rooms that are all listed.
    fn news(feed: &mut Feed, now_ms: u64) -> Option<(usize, Vec<String>, usize)> {
        let counts = LobbyCounts::default();
        let told = if feed.may_tell(now_ms) {
            feed.news(counts, now_ms, |id| Some(RoomInfo { id, ..room(0) }))
        } else {
            None
        };
        let names = |news: &Lobby| news.here.iter().map(|player| player.name.clone()).collect();
        told.map(|news| (news.rooms.len(), names(&news), news.gone.len()))
    }

    #[test]
    fn changes_are_told_once_a_second_and_nothing_is_told_of_nothing() {
        let mut feed = feed();
        feed.changed([room(1).id]);
        assert_eq!(news(&mut feed, 1_000), None, "nobody watches");
        feed.enter(player(1));
        assert_eq!(news(&mut feed, 1_000), Some((0, vec!["P1".to_owned()], 0)));
        feed.changed([room(1).id, room(2).id]);
        feed.changed([room(1).id]);
        feed.enter(player(2));
        assert_eq!(news(&mut feed, 1_999), None);
        assert_eq!(news(&mut feed, 2_000), Some((2, vec!["P2".to_owned()], 0)));
        assert_eq!(news(&mut feed, 9_000), None);
        assert!(feed.leave(player(1).id) && !feed.leave(player(1).id));
        assert_eq!(news(&mut feed, 9_000), Some((0, vec![], 1)));
    }

    #[test]
    fn what_nobody_followed_is_shown_anew_to_whoever_comes_next() {
        let mut feed = feed();
        feed.enter(player(1));
        news(&mut feed, 1_000);
        feed.changed([room(1).id]);
        let shown =
            flush(&Event::Lobby(Box::new(feed.shown((Vec::new(), None), LobbyCounts::default(), 1_100))));
        feed.keep_snapshot(shown);
        assert!(feed.snapshot().is_some());
        feed.leave(player(1).id);
        feed.changed([room(2).id]);
        assert!(feed.snapshot().is_none(), "it lacks the room that came since");
        feed.enter(player(2));
        assert_eq!(news(&mut feed, 2_000), Some((0, vec!["P2".to_owned()], 1)), "and he was shown the first");
        feed.changed((0..=CHANGES_MAX as u128).map(|number| room(number).id));
        feed.leave(player(2).id);
        feed.enter(player(3));
        assert!(!feed.has_overflown());
    }

    #[test]
    fn one_event_names_so_many_rooms_and_the_rest_follow_in_their_order() {
        let mut feed = feed();
        feed.enter(player(1));
        feed.changed((0..250).map(|number| room(number).id));
        let told: Vec<_> = (1..=6).map(|second| news(&mut feed, second * 1_000).map(|news| news.0)).collect();
        // 63 rooms of at least 258 bytes are 16 KiB.
        assert_eq!(told, [Some(63), Some(63), Some(63), Some(61), None, None]);
        feed.changed((0..300).map(|number| room(number).id));
        let closed = feed.news(LobbyCounts::default(), 9_000, |_| None).unwrap().closed;
        assert_eq!(closed.len(), LOBBY_ROOMS_MAX);
    }

    #[test]
    fn too_many_changes_are_told_as_everything_anew() {
        let mut feed = feed();
        feed.enter(player(1));
        feed.changed((0..=CHANGES_MAX as u128).map(|number| room(number).id));
        assert!(feed.has_overflown());
        let page = ((0..100).map(room).collect(), None);
        let all = feed.all(page, LobbyCounts { rooms: 1_001, ..LobbyCounts::default() }, 1_000);
        assert_eq!((all.reset, all.rooms.len(), all.next), (true, 63, Some(room(62).id)));
        assert_eq!((all.here, all.counts.watching), (vec![player(1)], 1));
        assert!(!feed.has_overflown());
        feed.told.rooms = 0;
        assert_eq!(news(&mut feed, 2_000), None);
    }

    #[test]
    fn a_lobby_names_those_who_watch_it_longest() {
        let mut feed = feed();
        let most = LOBBY_PLAYERS_MAX as u128;
        for number in 0..most + 2 {
            feed.enter(player(number));
        }
        assert_eq!(news(&mut feed, 1_000).unwrap().1.len(), LOBBY_PLAYERS_MAX);
        feed.leave(player(0).id);
        assert_eq!(news(&mut feed, 2_000), Some((0, vec![format!("P{most}")], 1)));
        feed.leave(player(most + 1).id);
        assert_eq!(news(&mut feed, 3_000), Some((0, vec![], 0)), "the count changed");
    }

    #[test]
    fn who_comes_late_is_shown_what_the_others_know_and_what_was_said() {
        let mut feed = feed();
        feed.enter(player(1));
        news(&mut feed, 1_000);
        let (text, player_1) = ("hi".to_owned(), player(1));
        let (scope, game) = (ChatScope::Lobby, Some("relay".to_owned()));
        let line = Chat { from: None, scope, text, player: player_1, game, to: None, time_ms: 1_000 };
        for number in 0..LINES_BURST.into() {
            let line = Chat { player: player(number), ..line.clone() };
            assert_eq!(feed.say(&line, 1_000), Ok(()));
        }
        assert_eq!(feed.say(&line, 1_000), Err(300), "each line goes to everybody here");
        feed.enter(player(2));
        let shown = feed.shown((Vec::new(), None), LobbyCounts::default(), 1_500);
        assert_eq!((shown.here, shown.counts.watching), (vec![player(1)], 2));
        assert_eq!(shown.chat.len(), sward_protocol::limits::CHAT_LINES_MAX);
        assert_eq!(news(&mut feed, 2_000).unwrap().1, ["P2"]);
    }
}
