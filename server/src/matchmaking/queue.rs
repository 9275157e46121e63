//! Those who wait for a match of one mode, and the matches among them. Pure.
//!
//! All follow the same rules, so who has waited longer has the wider range. The youngest party of a match therefore
//! decides how far apart its skills may lie, and a match is looked for once for each party *as its youngest*, among
//! those that are older: when it comes, and whenever its own range has widened. Nothing else makes a match possible
//! that was not, so nobody is looked at in vain, and no match is missed.

use std::collections::{BTreeMap, BTreeSet};

use sward_protocol::ids::PlayerId;

use super::packing::{Counts, pack};
use super::rules::Rules;

/// Steps of packing after which the look for a match with one party as its youngest gives up: far more than any that
/// succeeds takes, and a bound on those that do not.
const STEPS_MAX: usize = 20_000;

/// A party in the queue, or a player on his own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    /// Names it.
    pub id: u64,
    /// Since when it waits.
    pub since_ms: u64,
    /// Its skill.
    pub skill: u32,
    /// Who, at least one and at most a team.
    pub players: Vec<PlayerId>,
    /// Matches that came to nothing so far.
    pub tries: u8,
}

impl Ticket {
    fn key(&self) -> Key {
        (self.since_ms, self.id)
    }

    fn size(&self) -> u8 {
        // A party is no larger than a team.
        u8::try_from(self.players.len()).unwrap_or(u8::MAX)
    }
}

/// By age.
type Key = (u64, u64);

/// A match: its teams, each of whole parties.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// All of the same number of players.
    pub teams: Vec<Vec<Ticket>>,
}

/// Where a party stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// How many wait longer, and this one: 1 is the oldest.
    pub position: u64,
    /// How far from its own skill a match may reach now.
    pub range: u32,
}

/// Those who wait for a match of one mode.
#[derive(Debug)]
pub struct Queue {
    rules: Rules,
    tickets: BTreeMap<Key, Ticket>,
    keys: BTreeMap<u64, Key>,
    by_skill: BTreeSet<(u32, Key)>,
    /// When each is to be looked at as the youngest of a match.
    due: BTreeSet<(u64, Key)>,
    players: u64,
}

impl Queue {
    /// Nobody waits.
    #[must_use]
    pub fn new(rules: Rules) -> Self {
        let (tickets, keys) = (BTreeMap::new(), BTreeMap::new());
        Self { rules, tickets, keys, by_skill: BTreeSet::new(), due: BTreeSet::new(), players: 0 }
    }

    /// How its matches are made up.
    #[must_use]
    pub fn rules(&self) -> Rules {
        self.rules
    }

    /// Players who wait.
    #[must_use]
    pub fn players(&self) -> u64 {
        self.players
    }

    /// Parties that wait, a player on his own being one.
    #[must_use]
    pub fn parties(&self) -> usize {
        self.tickets.len()
    }

    /// Whether this party waits.
    #[must_use]
    pub fn has(&self, id: u64) -> bool {
        self.keys.contains_key(&id)
    }

    /// A party waits from now on; or again, with the time that it has waited before.
    pub fn add(&mut self, ticket: Ticket) {
        let key = ticket.key();
        // It may be what a younger one has waited for.
        let younger: Vec<Key> = self.tickets.range(key..).map(|(key, _)| *key).collect();
        self.due.extend(younger.into_iter().chain([key]).map(|key| (0, key)));
        self.players += u64::from(ticket.size());
        self.keys.insert(ticket.id, key);
        self.by_skill.insert((ticket.skill, key));
        self.tickets.insert(key, ticket);
    }

    /// A party waits no more.
    pub fn remove(&mut self, id: u64) -> Option<Ticket> {
        let key = self.keys.remove(&id)?;
        let ticket = self.tickets.remove(&key)?;
        self.by_skill.remove(&(ticket.skill, key));
        self.players -= u64::from(ticket.size());
        Some(ticket)
    }

    /// The matches that there are now; those in them wait no more. Looks at about `looks_max` parties, each step of packing
    /// them into teams counting as one, and goes on there when it is asked again.
    pub fn matches(&mut self, now_ms: u64, looks_max: usize) -> Vec<Found> {
        let (mut found, mut looks) = (Vec::new(), 0);
        while let Some(&(due_ms, key)) = self.due.first() {
            if due_ms > now_ms || looks >= looks_max {
                break;
            }
            self.due.pop_first();
            let Some(youngest) = self.tickets.get(&key).cloned() else { continue };
            looks += 1;
            if let Some(teams) = self.match_of(&youngest, now_ms, &mut looks) {
                let taken = |ids: Vec<u64>| ids.into_iter().filter_map(|id| self.remove(id)).collect();
                found.push(Found { teams: teams.into_iter().map(taken).collect() });
            } else if self.range(&youngest, now_ms) < self.rules.range_max && self.rules.widen_per_s > 0 {
                let waited_ms = now_ms.saturating_sub(youngest.since_ms);
                self.due.insert((now_ms + 1000 - waited_ms % 1000, key));
            }
        }
        found
    }

    /// Everybody who waits, the oldest first, and where he stands.
    pub fn standings(&self, now_ms: u64) -> impl Iterator<Item = (&Ticket, Standing)> {
        let standing =
            move |(position, ticket)| (ticket, Standing { position, range: self.range(ticket, now_ms) });
        (1..).zip(self.tickets.values()).map(standing)
    }

    fn range(&self, ticket: &Ticket, now_ms: u64) -> u32 {
        self.rules.range_after(now_ms.saturating_sub(ticket.since_ms))
    }

    /// A match whose youngest party is this one: the ids of the parties in each team.
    fn match_of(&self, youngest: &Ticket, now_ms: u64, looks: &mut usize) -> Option<Vec<Vec<u64>>> {
        let (skill, key) = (youngest.skill, youngest.key());
        let range = self.range(youngest, now_ms);
        let near = self.near(skill, range, key, looks);
        let (mut counts, mut first, mut failed) = ([0_usize; 256], 0, BTreeSet::new());
        let mut steps_left = STEPS_MAX;
        let mut found = None;
        for (last, highest) in near.iter().enumerate() {
            counts[usize::from(highest.size())] += 1;
            while highest.skill - near[first].skill > range {
                counts[usize::from(near[first].size())] -= 1;
                first += 1;
            }
            let holds_youngest = near[first].skill <= skill && skill <= highest.skill;
            let capped = self.capped(&counts);
            if !holds_youngest || failed.contains(&capped) {
                continue;
            }
            let Rules { teams, team_size, .. } = self.rules;
            if let Some(teams) = pack(teams, team_size, &capped, youngest.size(), &mut steps_left) {
                found = Some(assign(&teams, &near[first..=last], youngest));
                break;
            }
            failed.insert(capped);
            if steps_left == 0 {
                break;
            }
        }
        *looks += STEPS_MAX - steps_left;
        found
    }

    /// This party and those that are older and of a skill within the range, by skill. Looked for by skill and by age at
    /// the same time, until either has an end: of a crowd that comes at once, all of one skill, hardly any is older that
    /// plays not yet; in a long queue of those who do not fit, hardly any is near.
    fn near(&self, skill: u32, range: u32, key: Key, looks: &mut usize) -> Vec<&Ticket> {
        let low = (skill.saturating_sub(range), (0, 0));
        let high = (skill.saturating_add(range), (u64::MAX, u64::MAX));
        let (mut by_skill, mut by_age) = (self.by_skill.range(low..=high), self.tickets.range(..=key));
        let (mut older, mut alike) = (Vec::new(), Vec::new());
        loop {
            *looks += 1;
            let Some((_, other)) = by_skill.next() else { return older };
            older.extend(self.tickets.get(other).filter(|_| *other <= key));
            let Some((_, other)) = by_age.next() else { break };
            alike.extend(Some(other).filter(|other| skill.abs_diff(other.skill) <= range));
        }
        alike.sort_unstable_by_key(|ticket| (ticket.skill, ticket.key()));
        alike
    }

    /// No more of each size than a match could hold: more of them make nothing possible.
    fn capped(&self, counts: &[usize; 256]) -> Counts {
        let mut capped = Counts::default();
        let players = usize::from(self.rules.players());
        for (size, count) in (1..).zip(&mut capped) {
            *count = u8::try_from(counts[size].min(players / size)).unwrap_or(u8::MAX);
        }
        capped
    }
}

/// Puts parties on the places of the teams: the youngest, which must be in, and of the others those who wait longest;
/// the stronger ones to the team that is the weakest so far.
fn assign(teams: &[Vec<u8>], near: &[&Ticket], youngest: &Ticket) -> Vec<Vec<u64>> {
    let mut needed = [0_usize; 256];
    for size in teams.iter().flatten() {
        needed[usize::from(*size)] += 1;
    }
    let mut by_age: Vec<&Ticket> = near.to_vec();
    by_age.sort_unstable_by_key(|ticket| (ticket.id != youngest.id, ticket.key()));
    let mut chosen: Vec<&Ticket> = Vec::new();
    for ticket in by_age {
        let needed = &mut needed[usize::from(ticket.size())];
        if *needed > 0 {
            *needed -= 1;
            chosen.push(ticket);
        }
    }
    chosen.sort_unstable_by_key(|ticket| (std::cmp::Reverse((ticket.size(), ticket.skill)), ticket.key()));
    let mut places: Vec<Vec<u8>> = teams.to_vec();
    let mut strength = vec![0_u64; teams.len()];
    let mut ids = vec![Vec::new(); teams.len()];
    for ticket in chosen {
        let free = (0..places.len()).filter(|team| places[*team].contains(&ticket.size()));
        let Some(team) = free.min_by_key(|team| (strength[*team], *team)) else { continue };
        if let Some(place) = places[team].iter().position(|size| *size == ticket.size()) {
            places[team].remove(place);
        }
        strength[team] += u64::from(ticket.skill) * u64::from(ticket.size());
        ids[team].push(ticket.id);
    }
    ids
}

#[cfg(test)]
mod tests;
