//! Parties and queues in the hall: who waits, what he is told, and the room that a match brings.

use std::collections::BTreeMap;
use std::sync::{Arc, MutexGuard, PoisonError};

use actix_rt::{Arbiter, ArbiterHandle};
use sward_protocol::downstream::Event;
use sward_protocol::ids::PlayerId;
use sward_protocol::limits::{ME_BYTES_MAX, SKILL_MAX, STANDING_EVERY};
use sward_protocol::payload::Payload;
use sward_protocol::problem::{ErrorCode, MessageError};
use sward_protocol::session::Player;
use sward_protocol::social::{
    Party, PartyCall, PartyJoined, QueueCall, QueueNews, QueueState, QueueWhy, Standing,
};

use super::hall::{Hall, Person, flush, refuse, reply};
use super::seating::Forming;
use crate::clock::whole_ms;
use crate::entropy;
use crate::fanout::wake::Wakes;
use crate::matchmaking::Rules;
use crate::matchmaking::parties::{Member, Parties, Refused};
use crate::matchmaking::queue::{self, Found, Queue, Ticket};
use crate::room::occupant::Occupant;

/// Parties that wait for one mode; the next one is refused.
const PARTIES_MAX: usize = 10_000;
/// Parties that are looked at in one go, so that a long queue of those who do not fit keeps nobody else waiting.
const LOOKS_MAX: usize = 20_000;

/// A game, and one of its modes.
pub type Mode = (String, String);

/// The queues of all modes, and the parties.
#[derive(Debug)]
pub(super) struct Matching {
    pub(super) queues: BTreeMap<Mode, ModeQueue>,
    parties: Parties,
    /// What each party in a queue, or in a match that is being made, brought with it.
    entries: BTreeMap<u64, Entry>,
    pub(super) waiting: BTreeMap<PlayerId, u64>,
    made: u64,
}

/// Those who wait for one mode.
#[derive(Debug)]
pub(super) struct ModeQueue {
    pub(super) queue: Queue,
    pub(super) told_ms: u64,
}

#[derive(Debug, Clone)]
pub(super) struct Entry {
    mode: Mode,
    mes: BTreeMap<PlayerId, Payload>,
    /// The worker that took its request: rooms are to spread over the workers, as if their players had made them.
    worker: Option<ArbiterHandle>,
}

impl Matching {
    pub(super) fn new(modes: &BTreeMap<Mode, Rules>) -> Self {
        let queue = |(mode, rules): (&Mode, &Rules)| {
            (mode.clone(), ModeQueue { queue: Queue::new(*rules), told_ms: 0 })
        };
        Self {
            queues: modes.iter().map(queue).collect(),
            parties: Parties::default(),
            entries: BTreeMap::new(),
            waiting: BTreeMap::new(),
            made: 0,
        }
    }

    /// Forgets a party that waits no more.
    pub(super) fn forget(&mut self, ticket: &Ticket) -> Option<Entry> {
        for player in &ticket.players {
            self.waiting.remove(player);
        }
        self.entries.remove(&ticket.id)
    }

    /// Whether those who came together are still together: none of them ended his session or left his party.
    pub(super) fn is_together(&self, ticket: &Ticket) -> bool {
        let all_wait = ticket.players.iter().all(|player| self.waiting.get(player) == Some(&ticket.id));
        let mut parties =
            ticket.players.iter().map(|player| self.parties.of(*player).map(|(party, _)| party));
        let party = parties.next().flatten();
        all_wait && (ticket.players.len() == 1 || party.is_some() && parties.all(|other| other == party))
    }

    /// Whether a match was found for this player, and not all who are in it have a seat yet.
    pub(super) fn is_being_matched(&self, player: PlayerId) -> bool {
        let Some(id) = self.waiting.get(&player) else { return false };
        let of_mode = self.entries.get(id).and_then(|entry| self.queues.get(&entry.mode));
        of_mode.is_some_and(|of_mode| !of_mode.queue.has(*id))
    }

    /// Takes the party of this player out of its queue. `None` if it is in none, or in a match already.
    fn take(&mut self, player: PlayerId) -> Option<(Ticket, Mode)> {
        let id = *self.waiting.get(&player)?;
        let mode = self.entries.get(&id)?.mode.clone();
        let ticket = self.queues.get_mut(&mode)?.queue.remove(id)?;
        self.forget(&ticket);
        Some((ticket, mode))
    }
}

impl Hall {
    pub(super) fn party(
        &self,
        caller: &Person,
        call: PartyCall,
        now_ms: u64,
    ) -> Result<Payload, MessageError> {
        let player = caller.occupant.player.clone();
        let id = player.id;
        if call.leave {
            self.leave_party(id, now_ms);
            return Ok(Payload::null());
        }
        if let Some(whom) = call.kick {
            return self.kick_out(id, whom, now_ms);
        }
        let member = Member { player, me: bounded(call.me)? };
        let mut matching = self.matching();
        self.check_alive(id)?;
        let before = matching.parties.of(id).map(|(party, _)| party.to_owned());
        if let Some(join) = &call.join {
            let leader = matching.parties.leader(join);
            let is_waiting = leader.is_some_and(|leader| matching.waiting.contains_key(&leader))
                || matching.waiting.contains_key(&id);
            if is_waiting && before.as_ref() != Some(join) {
                return Err(refuse(ErrorCode::InQueue, "nobody joins a party while one of both waits"));
            }
            matching.parties.join(member, join).map_err(|refused| match refused {
                Refused::Unknown => refuse(ErrorCode::NoSuchParty, "there is no such party"),
                Refused::Full => refuse(ErrorCode::PartyFull, "the party is full"),
                Refused::InAnother => refuse(ErrorCode::InParty, "leave your party first"),
            })?;
        } else if before.is_none() {
            if matching.waiting.contains_key(&id) {
                return Err(refuse(ErrorCode::InQueue, "you wait on your own"));
            }
            matching.parties.make(member, party_id());
        }
        let Some((party, members)) = matching.parties.of(id) else { return Ok(Payload::null()) };
        let party = party.to_owned();
        if before.is_none() {
            self.tell_party(&party, members, now_ms);
        }
        reply(&PartyJoined { party })
    }

    /// The leader puts somebody out. The party has another id then, or he would be back at once.
    fn kick_out(&self, leader: PlayerId, whom: PlayerId, now_ms: u64) -> Result<Payload, MessageError> {
        let mut matching = self.matching();
        let Some((party, members)) = matching.parties.of(leader) else {
            return Err(refuse(ErrorCode::NoSuchParty, "you are in none"));
        };
        if members.first().is_none_or(|first| first.player.id != leader) {
            return Err(refuse(ErrorCode::NotLeader, "the leader of a party puts others out"));
        }
        if whom == leader {
            return Err(refuse(ErrorCode::ToOneself, "kick is your own id"));
        }
        if members.iter().all(|member| member.player.id != whom) {
            return Err(refuse(ErrorCode::NoSuchPlayer, "nobody with this id is in your party"));
        }
        let (before, party) = (party.to_owned(), party_id());
        matching.parties.rename(&before, &party);
        self.take_out(&mut matching, whom, now_ms);
        reply(&PartyJoined { party })
    }

    pub(super) fn queue(
        &self,
        caller: &Person,
        call: QueueCall,
        now_ms: u64,
    ) -> Result<Payload, MessageError> {
        let QueueCall { game, mode, skill, me } = call;
        let (id, me) = (caller.occupant.player.id, bounded(me)?);
        if skill > SKILL_MAX {
            return Err(refuse(ErrorCode::BadPayload, &format!("skill is 0 to {SKILL_MAX}")));
        }
        if !self.has_game(&game) {
            return Err(refuse(ErrorCode::UnknownGame, "this server does not run that game"));
        }
        let mut matching = self.matching();
        self.check_alive(id)?;
        let matching = &mut *matching;
        let mode = (game, mode);
        let Some(of_mode) = matching.queues.get_mut(&mode) else {
            return Err(refuse(ErrorCode::UnknownMode, "the game has no such mode"));
        };
        if matching.waiting.contains_key(&id) {
            return Err(refuse(ErrorCode::InQueue, "you wait already"));
        }
        let mut mes: BTreeMap<_, _> = match matching.parties.of(id) {
            Some((_, members)) if members.first().is_some_and(|leader| leader.player.id != id) => {
                return Err(refuse(ErrorCode::NotLeader, "the leader of your party queues for all"));
            }
            Some((_, members)) => {
                members.iter().map(|member| (member.player.id, member.me.clone())).collect()
            }
            None => BTreeMap::new(),
        };
        mes.insert(id, me);
        if mes.len() > usize::from(of_mode.queue.rules().team_size) {
            return Err(refuse(ErrorCode::PartyTooLarge, "the party is larger than a team"));
        }
        if of_mode.queue.parties() >= PARTIES_MAX {
            return Err(refuse(ErrorCode::QueueFull, "as many wait as may"));
        }
        matching.made += 1;
        let players: Vec<_> = mes.keys().copied().collect();
        let ticket = Ticket { id: matching.made, since_ms: now_ms, skill, players, tries: 0 };
        for player in &ticket.players {
            matching.waiting.insert(*player, ticket.id);
        }
        let worker = Arbiter::try_current();
        matching.entries.insert(ticket.id, Entry { mode: mode.clone(), mes, worker });
        let standing = queue::Standing {
            position: of_mode.queue.parties() as u64 + 1,
            range: of_mode.queue.rules().range_after(0),
        };
        of_mode.queue.add(ticket.clone());
        self.tell_standing(&mode, &ticket, standing, of_mode.queue.players(), now_ms);
        Ok(Payload::null())
    }

    pub(super) fn unqueue(&self, caller: &Person, now_ms: u64) -> Result<Payload, MessageError> {
        let mut matching = self.matching();
        let Some((ticket, mode)) = matching.take(caller.occupant.player.id) else {
            return Err(refuse(ErrorCode::NotInQueue, "you do not wait, or are matched already"));
        };
        self.tell_left(&mode, &ticket.players, QueueWhy::Left, now_ms);
        Ok(Payload::null())
    }

    /// Somebody is in no party any more, and waits no more; with him, those of his party do not.
    pub(super) fn leave_party(&self, player: PlayerId, now_ms: u64) {
        self.take_out(&mut self.matching(), player, now_ms);
    }

    fn take_out(&self, matching: &mut Matching, player: PlayerId, now_ms: u64) {
        let party = matching.parties.of(player).map(|(id, _)| id.to_owned());
        let Some(left) = matching.parties.leave(player) else { return };
        if let Some((ticket, mode)) = matching.take(player) {
            self.tell_left(&mode, &ticket.players, QueueWhy::Party, now_ms);
        }
        if let Some(party) = party {
            self.tell_party(&party, &left, now_ms);
        }
        let none = Event::Party(Party { party: None, members: Vec::new() });
        self.tell_players(&[player], &none, now_ms);
    }

    /// A session is over.
    pub(super) fn forget_matching(&self, player: PlayerId, now_ms: u64) {
        self.leave_party(player, now_ms);
        let mut matching = self.matching();
        matching.take(player);
        // In a match that is being made he is missed when his seat is.
        matching.waiting.remove(&player);
    }

    /// Finds matches, and tells those who wait where they stand.
    pub(super) fn look_for_matches(self: &Arc<Self>, now_ms: u64) {
        let mut matching = self.matching();
        let matching = &mut *matching;
        let mut players = 0;
        for (mode, of_mode) in &mut matching.queues {
            for Found { teams } in of_mode.queue.matches(now_ms, LOOKS_MAX) {
                let (mut mes, mut worker) = (BTreeMap::new(), None);
                for ticket in teams.iter().flatten() {
                    if let Some(entry) = matching.entries.get(&ticket.id) {
                        mes.extend(entry.mes.clone());
                        worker = worker.or_else(|| entry.worker.clone());
                    }
                }
                let forming = Forming { mode: mode.clone(), rules: of_mode.queue.rules(), teams, mes };
                self.start(forming, worker);
            }
            players += of_mode.queue.players();
            if now_ms >= of_mode.told_ms + whole_ms(STANDING_EVERY) {
                of_mode.told_ms = now_ms;
                for (ticket, standing) in of_mode.queue.standings(now_ms) {
                    self.tell_standing(mode, ticket, standing, of_mode.queue.players(), now_ms);
                }
            }
        }
        self.metrics.social.queue_players.set(i64::try_from(players).unwrap_or(i64::MAX));
    }

    /// Tells one player of his party and his place in a queue. How many bytes that were.
    pub(super) fn show_matching(&self, occupant: &Occupant, now_ms: u64, wakes: &mut Wakes) -> u32 {
        let matching = self.matching();
        let player = occupant.player.id;
        let mut bytes = 0;
        let mut show = |event: &Event| {
            bytes += flush(event).map_or(0, |flush| self.post(occupant, &flush, now_ms, wakes));
        };
        if let Some((party, members)) = matching.parties.of(player) {
            show(&party_event(party, members));
        }
        let entry = matching.waiting.get(&player).and_then(|id| Some((id, matching.entries.get(id)?)));
        if let Some((id, entry)) = entry
            && let Some(of_mode) = matching.queues.get(&entry.mode)
            && let Some((ticket, standing)) =
                of_mode.queue.standings(now_ms).find(|(ticket, _)| ticket.id == *id)
        {
            show(&standing_event(&entry.mode, ticket, standing, of_mode.queue.players()));
        }
        bytes
    }

    pub(super) fn tell_left(&self, (game, mode): &Mode, players: &[PlayerId], why: QueueWhy, now_ms: u64) {
        let news = QueueNews { why: Some(why), ..news(QueueState::Left, game, mode) };
        self.tell_players(players, &Event::Queue(Box::new(news)), now_ms);
    }

    fn tell_standing(
        &self,
        mode: &Mode,
        ticket: &Ticket,
        standing: queue::Standing,
        waiting: u64,
        now_ms: u64,
    ) {
        self.tell_players(&ticket.players, &standing_event(mode, ticket, standing, waiting), now_ms);
    }

    fn tell_party(&self, party: &str, members: &[Member], now_ms: u64) {
        let players: Vec<_> = members.iter().map(|member| member.player.id).collect();
        self.tell_players(&players, &party_event(party, members), now_ms);
    }

    pub(super) fn tell_players(&self, players: &[PlayerId], event: &Event, now_ms: u64) {
        let Some(flush) = flush(event) else { return };
        let mut wakes = Wakes::default();
        for person in players.iter().filter_map(|player| self.person(*player)) {
            self.post(&person.occupant, &flush, now_ms, &mut wakes);
        }
        wakes.wake_all();
    }

    pub(super) fn matching(&self) -> MutexGuard<'_, Matching> {
        // Nothing under this lock panics half-way through a change that matters.
        self.matching.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn party_id() -> String {
    format!("{:016x}", entropy::seed())
}

fn party_event(party: &str, members: &[Member]) -> Event {
    let members: Vec<Player> = members.iter().map(|member| member.player.clone()).collect();
    Event::Party(Party { party: Some(party.to_owned()), members })
}

fn standing_event((game, mode): &Mode, ticket: &Ticket, standing: queue::Standing, waiting: u64) -> Event {
    let queue::Standing { position, range } = standing;
    let standing = Standing {
        position,
        waiting,
        since_ms: ticket.since_ms,
        from: ticket.skill.saturating_sub(range),
        to: ticket.skill.saturating_add(range).min(SKILL_MAX),
    };
    Event::Queue(Box::new(QueueNews { standing: Some(standing), ..news(QueueState::Waiting, game, mode) }))
}

pub(super) fn news(state: QueueState, game: &str, mode: &str) -> QueueNews {
    let (game, mode) = (game.to_owned(), mode.to_owned());
    QueueNews { state, game, mode, standing: None, room: None, teams: Vec::new(), why: None }
}

fn bounded(me: Payload) -> Result<Payload, MessageError> {
    if me.json_len() > ME_BYTES_MAX {
        return Err(refuse(ErrorCode::BadPayload, &format!("me has at most {ME_BYTES_MAX} bytes")));
    }
    Ok(me)
}

#[cfg(test)]
mod tests;
