//! A room with its twin, and what its shell does with the effects, in virtual time.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use sward_protocol::downstream::{Event, Gone, GoneWhy, Joined};
use sward_protocol::format::Format;
use sward_protocol::ids::{PlayerId, Seat};
use sward_protocol::operator::RoomInside;
use sward_protocol::payload::Payload;
use sward_protocol::rooms::Phase;
use sward_protocol::view::WorldView;

use super::fidget::UNWANTED;
use super::model::{Text, View};
use super::reader::{Session, Stay};
use super::watching::Watching;
use super::{Counts, Game as Which, Step};
use crate::clock::whole_ms;
use crate::fanout::encode::encode;
use crate::fanout::flush::Flush;
use crate::fanout::mailslot::Tenancy;
use crate::fanout::part::Pending;
use crate::fanout::wake::Wakes;
use crate::game::context::Outgoing;
use crate::game::controls::STEP_EVENTS_MAX;
use crate::game::timers::TIMERS_MAX;
use crate::game::{Audience, Settings};
use crate::room::bans::Bans;
use crate::room::effect::{Effect, Refusal};
use crate::room::input::{Input, Newcomer};
use crate::room::roster::Occupancy;
use crate::session::saved::SavedTable;

/// Effects of one step beside the events of the game.
const EFFECTS_BESIDE_MAX: usize = 4096;

struct Member {
    session: usize,
    tenancy: Tenancy,
}

/// One of the rooms.
pub(super) struct SimRoom {
    pub(super) which: Which,
    pub(super) number: usize,
    pub(super) core: Box<dyn Step>,
    /// The room that was made of what was saved of this one.
    twin: Option<Box<dyn Step>>,
    pub(super) settings: Settings,
    members: BTreeMap<Seat, Member>,
    pending: Pending,
    flushed_ms: u64,
    flush_due_ms: Option<u64>,
    next_tick_ms: u64,
    /// What its events and changes make of it.
    view: View,
    bans: Bans,
    /// Whether its game has shown all that has changed: what it did last is a tick.
    is_settled: bool,
    /// Those who only watch, if it may be watched.
    watching: Option<Watching>,
    /// Whether the room has ended.
    pub(super) is_over: bool,
    wakes: Wakes,
}

/// Where two values begin to differ.
pub(super) fn difference(one: &impl fmt::Debug, other: &impl fmt::Debug) -> String {
    let (one, other) = (format!("{one:?}"), format!("{other:?}"));
    let same = one.chars().zip(other.chars()).take_while(|(one, other)| one == other).count();
    let around = |text: &str| text.chars().skip(same.saturating_sub(100)).take(300).collect::<String>();
    format!("\n…{}…\nand not\n…{}…", around(&one), around(&other))
}

/// The world that a game's state shows, if it has one.
pub(super) fn world_of(state: &Payload) -> Option<WorldView> {
    let mut state: serde_json::Value = state.parse().unwrap();
    state.get_mut("world").map(|world| WorldView::of(world.take()))
}

/// Everything else that a step touches.
pub(super) struct Around<'a> {
    pub(super) now_ms: u64,
    pub(super) sessions: &'a mut [Session],
    pub(super) counts: &'a mut Counts,
}

impl Around<'_> {
    /// Whether a flush is made as MessagePack too.
    fn packs(&self) -> bool {
        self.counts.steps.is_multiple_of(5)
    }
}

impl SimRoom {
    pub(super) fn new(which: Which, number: usize, core: Box<dyn Step>, now_ms: u64) -> Self {
        let settings = core.settings();
        let public = settings.public.filter(|_| core.charter().password.is_none());
        Self {
            which,
            number,
            twin: None,
            members: BTreeMap::new(),
            pending: Pending::default(),
            flushed_ms: 0,
            flush_due_ms: None,
            next_tick_ms: now_ms + settings.tick.map_or(0, whole_ms),
            view: View::empty(core.info()),
            bans: Bans::default(),
            is_settled: false,
            watching: public.map(|delay| Watching::new(whole_ms(delay))),
            is_over: false,
            wakes: Wakes::default(),
            settings,
            core,
        }
    }

    /// The room and its players' sessions are saved, and what is made of the bytes goes on: the room beside the one that it
    /// was, and with `sessions` those in place of theirs.
    pub(super) fn restart(&mut self, sessions: bool, around: &mut Around<'_>) {
        self.flush(around);
        let saved = self.save(around);
        let timers = serde_json::to_value(&saved.room.timers).unwrap();
        let timers = timers["due"].as_array().unwrap().len();
        assert!(timers <= TIMERS_MAX, "{timers} timers");
        if let Some(twin) = &self.twin {
            let other = twin.save().unwrap();
            let is_same = saved.room == other;
            assert!(is_same, "the restored room saves otherwise: {}", difference(&other, &saved.room));
        }
        let read = SavedTable::from_bytes(&saved.to_bytes().unwrap()).unwrap();
        assert!(saved == read, "what was saved is read otherwise: {}", difference(&read, &saved));
        self.twin = Some(self.which.restore(read.room).unwrap());
        for (seat, saved) in read.sessions.iter().filter(|_| sessions) {
            let session = &mut around.sessions[self.members[seat].session];
            session.restart(saved, around.now_ms, around.counts);
        }
    }

    fn save(&self, around: &Around<'_>) -> SavedTable {
        let session = |member: &Member| around.sessions[member.session].save();
        let sessions = self.members.iter().map(|(&seat, member)| (seat, session(member))).collect();
        SavedTable { room: self.core.save().unwrap(), sessions }
    }

    /// Somebody comes to watch, or goes.
    pub(super) fn watch(&mut self, comes: bool, format: Format, around: &mut Around<'_>) {
        self.flush(around);
        match &mut self.watching {
            Some(watching) if comes => {
                watching.come(&*self.core, format, self.is_settled, around.now_ms);
            }
            Some(watching) => watching.go(around.now_ms),
            None => {}
        }
    }

    pub(super) fn read_watchers(&mut self, now_ms: u64, counts: &mut Counts) {
        if let Some(watching) = &mut self.watching {
            watching.read(now_ms, counts);
        }
    }

    pub(super) fn is_member(&self, session: usize, stay: Stay) -> bool {
        let is_his = |member: &Member| member.session == session && member.tenancy == stay.tenancy;
        stay.room == self.number && self.members.get(&stay.seat).is_some_and(is_his)
    }

    pub(super) fn is_taken(&self, seat: Seat) -> bool {
        self.members.contains_key(&seat)
    }

    /// When something happens by itself.
    pub(super) fn next_ms(&self) -> Option<u64> {
        let tick_ms = self.settings.tick.map(|_| self.next_tick_ms);
        [self.core.wake_ms(), self.flush_due_ms, tick_ms]
            .into_iter()
            .flatten()
            .min()
            .filter(|_| !self.is_over)
    }

    /// What was due happens. Ticks that were missed are skipped.
    pub(super) fn pass(&mut self, around: &mut Around<'_>) {
        if self.flush_due_ms.is_some_and(|due_ms| due_ms <= around.now_ms) {
            self.flush_due_ms = None;
            self.flush(around);
        }
        if let Some(tick) = self.settings.tick.filter(|_| self.next_tick_ms <= around.now_ms) {
            let missed = (around.now_ms - self.next_tick_ms) / whole_ms(tick);
            self.next_tick_ms += (missed + 1) * whole_ms(tick);
            if self.core.occupancy().humans > 0 {
                self.perform(Input::Tick, around);
            }
        }
        if self.core.wake_ms().is_some_and(|wake_ms| wake_ms <= around.now_ms) {
            self.perform(Input::Wake, around);
            assert!(
                self.is_over || self.core.wake_ms().is_none_or(|wake_ms| wake_ms > around.now_ms),
                "still due"
            );
        }
    }

    /// Hands an input to the room and to its twin.
    fn step(&mut self, input: Input, around: &mut Around<'_>) -> Vec<Effect> {
        let (mut effects, mut others) = (Vec::new(), Vec::new());
        if let Some(twin) = &mut self.twin {
            twin.step(input.clone(), around.now_ms, &mut others);
        }
        self.core.step(input, around.now_ms, &mut effects);
        self.is_settled = false;
        around.counts.steps += 1;
        if let Some(twin) = &self.twin {
            assert!(effects == others, "the restored room does otherwise: {}", difference(&others, &effects));
            assert_eq!(self.core.wake_ms(), twin.wake_ms(), "the restored room wakes at another time");
            assert_eq!(self.core.inside(), twin.inside(), "the restored room is another");
        }
        let bound = STEP_EVENTS_MAX as usize + EFFECTS_BESIDE_MAX;
        assert!(effects.len() <= bound, "{} effects of one step", effects.len());
        effects
    }

    /// Steps the room and does all that it wants.
    pub(super) fn perform(&mut self, input: Input, around: &mut Around<'_>) {
        if self.is_over {
            assert_eq!(self.step(input, around), [], "a room that has ended does something");
            return;
        }
        let wanted = if let Input::Batch { messages, .. } = &input { Some(messages.len()) } else { None };
        if let Input::Kick { player, why: GoneWhy::Banned, .. } = &input {
            around.counts.bans += u64::from(!self.bans.has(*player));
        }
        let ticks = matches!(input, Input::Tick);
        let effects = self.step(input, around);
        let results = effects.iter().filter_map(|effect| match effect {
            Effect::Results(results) => Some(results.len()),
            _ => None,
        });
        // A room that ends before it hears of them says nothing of them.
        let has_ended = effects.contains(&Effect::Closed);
        // Whoever is put out, seated or started at the tick's end has the game change its world once more.
        let goes_on = effects.iter().any(|effect| match effect {
            Effect::Vacated { .. } | Effect::Occupied => true,
            Effect::Send(outgoing) => matches!(outgoing.event, Event::Start(_)),
            _ => false,
        });
        assert!(results.eq(wanted) || has_ended, "not each message has one result");
        for effect in effects {
            self.deliver(effect, around);
        }
        self.is_settled = ticks && !goes_on && self.core.info().phase != Phase::Paused;
        self.flush_when_due(around);
        self.check(around);
    }

    /// What must become of a newcomer, told from what was said of the room.
    fn verdict(&self, newcomer: &Newcomer) -> &'static str {
        let room = &self.view.room;
        let bots = self.view.members.values().filter(|member| member.bot).count();
        let yielding = if self.settings.bots_yield { u16::try_from(bots).unwrap() } else { 0 };
        let knows = match (&self.core.charter().password, &newcomer.password) {
            (None, _) => true,
            (Some(wanted), Some(offered)) => wanted.is(offered),
            (Some(_), None) => false,
        };
        let is_closed = room.phase != Phase::Open && self.settings.start.is_some_and(|rules| !rules.lets_in);
        if self.bans.has(newcomer.id) {
            "banned"
        } else if newcomer.has_pass && is_closed {
            "locked"
        } else if !newcomer.has_pass && !knows {
            "password"
        } else if !newcomer.has_pass && room.locked {
            "locked"
        } else if room.players - yielding >= room.max_players {
            "full"
        } else if self.which == Which::Fidget && newcomer.name == UNWANTED {
            "unwanted"
        } else {
            "admitted"
        }
    }

    /// A session wants a seat. Its stay in another room, which is to end now.
    pub(super) fn join(
        &mut self,
        session: usize,
        newcomer: Newcomer,
        around: &mut Around<'_>,
    ) -> Option<Stay> {
        let before = self.members.iter().find(|(_, member)| member.session == session);
        if let Some((&seat, member)) = before {
            let stay = Stay { room: self.number, seat, tenancy: member.tenancy };
            if around.sessions[session].stay == Some(stay) {
                return None;
            }
            // He has moved on, and back, before he was told to have left.
            self.perform(Input::Leave { seat, why: GoneWhy::Moved }, around);
        }
        // A timer that is due changes what becomes of him.
        self.perform(Input::Wake, around);
        if self.is_over {
            return None;
        }
        let (id, wanted) = (newcomer.id, self.verdict(&newcomer));
        let (mut verdict, mut left) = (None, None);
        for effect in self.step(Input::Join(newcomer), around) {
            match effect {
                Effect::Admitted(joined) => {
                    assert_eq!(verdict, None, "he is told twice");
                    verdict = Some("admitted");
                    left = self.admit(session, id, joined, around);
                }
                Effect::Refused(refusal) => {
                    assert_eq!(verdict, None, "he is told twice");
                    verdict = Some(match refusal {
                        Refusal::Banned => "banned",
                        Refusal::Locked => "locked",
                        Refusal::Full => "full",
                        Refusal::PasswordWrong => "password",
                        Refusal::TooManyGuesses { .. } => "guesses",
                        Refusal::ByGame(_) => "unwanted",
                        other => panic!("the room has failed: {other}"),
                    });
                }
                other => self.deliver(other, around),
            }
        }
        let verdict = verdict.expect("he is told nothing");
        *around.counts.verdicts.entry(verdict).or_default() += 1;
        let may_be = verdict == wanted || (verdict == "guesses" && !["banned"].contains(&wanted));
        assert!(may_be, "a newcomer is {verdict}, and should be {wanted}");
        if verdict == "admitted" && around.sessions[session].is_lost {
            let seat = around.sessions[session].stay.expect("he was admitted").seat;
            self.perform(Input::Presence { seat, is_lost: true }, around);
        }
        self.flush_when_due(around);
        self.check(around);
        left
    }

    fn admit(
        &mut self,
        session: usize,
        id: PlayerId,
        joined: Box<Joined>,
        around: &mut Around<'_>,
    ) -> Option<Stay> {
        let seat = joined.seat;
        let free = (1..).map(Seat).find(|seat| !self.view.members.contains_key(seat));
        assert_eq!(Some(seat), free, "he is given another seat than the lowest that is free");
        assert!(seat.0 <= self.view.room.max_players, "seat {seat} of {}", self.view.room.max_players);
        let me =
            joined.players.iter().find(|member| member.seat == seat).expect("he is not in joined").clone();
        assert_eq!(me.id, id, "somebody else sits on his seat");
        self.view.members.insert(seat, me);
        self.view.room.players += 1;
        // What the game did as he came, such as lock the room, is in `joined`, and is told to all a little later.
        self.view.check_players(&joined.players, "everybody's");
        self.flush(around);
        let event = Event::Joined(joined);
        let flush = Arc::new(Flush::of(encode(&event).expect("joined fits")));
        let newcomer = &mut around.sessions[session];
        newcomer.tenancies += 1;
        let tenancy = Tenancy(newcomer.tenancies);
        newcomer.mailslot.move_in(tenancy, &flush, around.now_ms, &mut self.wakes);
        newcomer.expected.forget_unposted();
        newcomer.expected.awaits_snapshot = false;
        newcomer.expected.say(&Text::of(&event), None, around.now_ms);
        newcomer.expected.posted();
        let before = newcomer.stay.replace(Stay { room: self.number, seat, tenancy });
        assert!(self.members.insert(seat, Member { session, tenancy }).is_none(), "seat {seat} was taken");
        before
    }

    fn deliver(&mut self, effect: Effect, around: &mut Around<'_>) {
        match effect {
            Effect::Send(outgoing) => self.queue(&outgoing, around),
            Effect::Vacated { seat, why, detail } => self.vacate(seat, why, detail, around),
            Effect::Snapshot(joined) => {
                self.flush(around);
                let Joined { room, players, blobs, .. } = (*joined).clone();
                self.view.check(&RoomInside { room, players, blobs }, "everybody's");
                let Some(Member { session, tenancy }) = self.members.get(&joined.seat) else { return };
                let session = &mut around.sessions[*session];
                let stay = Stay { room: self.number, seat: joined.seat, tenancy: *tenancy };
                let event = Event::Joined(joined);
                let flush = Arc::new(Flush::of(encode(&event).expect("joined fits")));
                session.mailslot.post_snapshot(*tenancy, &flush, around.now_ms, &mut self.wakes);
                if session.stay == Some(stay) && std::mem::take(&mut session.expected.awaits_snapshot) {
                    session.expected.say(&Text::of(&event), None, around.now_ms);
                    session.expected.posted();
                }
            }
            Effect::Banned(bans) => self.bans = bans,
            Effect::Changed(change) => self.view.change(&change),
            Effect::Closed => {
                self.is_over = true;
                for seat in self.members.keys().copied().collect::<Vec<_>>() {
                    self.vacate(seat, GoneWhy::Closed, None, around);
                }
            }
            Effect::Dropped(dropped) => panic!("the game says what cannot be said: {dropped}"),
            Effect::BlobRefused => panic!("the game is refused a blob"),
            Effect::Results(results) => {
                around.counts.accepted += results.iter().filter(|done| done.is_ok()).count() as u64
            }
            Effect::Frame(frame) => {
                for (&seat, &Member { session, tenancy }) in &self.members {
                    let session = &mut around.sessions[session];
                    if session.stay == Some(Stay { room: self.number, seat, tenancy }) {
                        let (pieces, bytes) = frame
                            .pieces_for(seat)
                            .fold((0, 0), |(pieces, bytes), piece| (pieces + 1, bytes + piece.json().len()));
                        session.expected.show(pieces, bytes, around.now_ms);
                    }
                }
                self.pending.push_frame(frame, around.packs());
                self.flush_if_full(around);
            }
            Effect::Occupied | Effect::Shown { .. } | Effect::BanForgotten => {}
            Effect::Admitted(_) | Effect::Refused(_) => panic!("nobody wanted in"),
        }
    }

    /// Who is meant, told without [`Audience::includes`].
    fn meant(&self, audience: &Audience) -> BTreeSet<Seat> {
        let mut all: BTreeSet<Seat> = self.members.keys().copied().collect();
        match audience {
            Audience::All => {}
            Audience::Only(seat) => all.retain(|other| other == seat),
            Audience::Except(seat) => {
                all.remove(seat);
            }
            Audience::These(seats) => all.retain(|other| seats.contains(other)),
        }
        all
    }

    fn queue(&mut self, outgoing: &Outgoing, around: &mut Around<'_>) {
        let Outgoing { audience, event, latest } = outgoing;
        match event {
            // The newcomer himself is in `joined`, and in the view when he is admitted.
            Event::Here(here) if !here.bot => {
                assert!(!self.is_taken(here.seat), "seat {} is given twice", here.seat);
                let mut others = self.view.clone();
                others.hear(event);
            }
            // That is told by `Effect::Changed` too.
            Event::Room(_) | Event::Patch(_) => {}
            event => self.view.hear(event),
        }
        let text = Text::of(event);
        for seat in self.meant(audience) {
            let Member { session, tenancy } = self.members[&seat];
            let session = &mut around.sessions[session];
            if session.stay == Some(Stay { room: self.number, seat, tenancy }) {
                session.expected.say(&text, latest.as_ref(), around.now_ms);
            }
        }
        self.pending.push(outgoing.clone()).expect("an event that cannot be sent");
        self.flush_if_full(around);
    }

    fn flush_if_full(&mut self, around: &mut Around<'_>) {
        if self.pending.is_full() {
            self.flush(around);
        }
    }

    fn flush_when_due(&mut self, around: &mut Around<'_>) {
        if self.pending.is_empty() || self.flush_due_ms.is_some() {
            return;
        }
        let due_ms = self.flushed_ms + whole_ms(self.settings.flush);
        if around.now_ms >= due_ms {
            self.flush(around);
        } else {
            self.flush_due_ms = Some(due_ms);
        }
    }

    fn flush(&mut self, around: &mut Around<'_>) {
        if self.pending.is_empty() {
            return;
        }
        let parts = self.pending.finish(around.packs());
        for (&seat, &Member { session, tenancy }) in &self.members {
            let session = &mut around.sessions[session];
            session.mailslot.post(tenancy, &parts, seat, around.now_ms, &mut self.wakes);
            if session.stay == Some(Stay { room: self.number, seat, tenancy }) {
                session.expected.posted();
            }
        }
        self.wakes.wake_all();
        self.flushed_ms = around.now_ms;
        if let Some(watching) = &mut self.watching {
            watching.say(parts, &*self.core, self.is_settled, around.now_ms);
        }
    }

    fn vacate(&mut self, seat: Seat, why: GoneWhy, detail: Option<String>, around: &mut Around<'_>) {
        self.flush(around);
        let Some(Member { session, tenancy }) = self.members.remove(&seat) else {
            let is_bot = self.view.members.get(&seat).is_some_and(|member| member.bot);
            assert!(is_bot, "seat {seat} is vacated, and nobody sat there");
            return;
        };
        let session = &mut around.sessions[session];
        if session.stay != Some(Stay { room: self.number, seat, tenancy }) {
            return;
        }
        let event = Event::Gone(Gone { seat, why, detail });
        let flush = Arc::new(Flush::of(encode(&event).unwrap()));
        session.mailslot.move_out(tenancy, &flush, around.now_ms, &mut self.wakes);
        session.expected.awaits_snapshot = false;
        session.expected.say(&Text::of(&event), None, around.now_ms);
        session.expected.posted();
        session.stay = None;
    }

    /// What holds after every step.
    fn check(&self, around: &Around<'_>) {
        if self.is_over {
            return;
        }
        let inside = self.core.inside();
        let (room, players) = (&inside.room, &inside.players);
        let seats: BTreeSet<_> = players.iter().map(|member| member.seat).collect();
        assert_eq!(seats.len(), players.len(), "a seat is taken twice: {players:?}");
        assert!(!seats.contains(&Seat::GAME), "somebody sits on the game's own seat");
        let ids: BTreeSet<_> = players.iter().map(|member| member.id).collect();
        assert_eq!(ids.len(), players.len(), "somebody sits there twice: {players:?}");
        assert!(room.players <= room.max_players, "{} players on {} seats", room.players, room.max_players);
        let humans = players.iter().filter(|member| !member.bot).map(|member| &member.seat);
        assert!(
            self.members.keys().eq(humans),
            "{:?} have a mailslot, {players:?} a seat",
            self.members.keys()
        );
        for (seat, member) in &self.members {
            let id = around.sessions[member.session].id;
            assert!(
                players.iter().any(|player| player.seat == *seat && player.id == id),
                "{seat} is another's seat"
            );
        }
        self.view.check(&inside, "everybody's");
        assert!(
            room.owner == Seat::GAME || seats.contains(&room.owner),
            "{} owns it, who is out",
            room.owner
        );
        let occupancy = self.core.occupancy();
        let humans = u16::try_from(self.members.len()).unwrap();
        let firm = if self.settings.bots_yield { humans } else { room.players };
        let counted = Occupancy { players: room.players, humans, free: room.max_players - firm };
        assert_eq!(occupancy, counted, "the room has lost count");
    }

    /// A client who has read everything sees the room as it is.
    pub(super) fn check_reader(&self, session: &mut Session, counts: &mut Counts) {
        let view = session.view.as_ref().expect("who sits somewhere has read joined");
        let inside = self.core.inside();
        view.check(&inside, "a client's");
        if let Some(patch) = view.patch.as_ref().filter(|_| self.which == Which::Cards) {
            assert_eq!(patch, self.core.view().state.json(), "a client sees another table");
        }
        if self.is_settled && std::mem::take(&mut session.news) > 0 {
            let seat = session.stay.expect("he sits here").seat;
            let world = world_of(&self.core.state(seat));
            counts.views += u64::from(world.is_some());
            let hash = |world: &Option<WorldView>| world.as_ref().map(WorldView::hash);
            let is_same = hash(&session.world) == hash(&world);
            assert!(is_same, "a client sees another world: {}", difference(&session.world, &world));
        }
    }

    /// Whether nothing waits for the next flush.
    pub(super) fn is_flushed(&self) -> bool {
        self.pending.is_empty()
    }
}
