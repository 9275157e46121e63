//! Players who queue together. Pure.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use sward_protocol::ids::PlayerId;
use sward_protocol::limits::PARTY_MAX;
use sward_protocol::payload::Payload;
use sward_protocol::session::Player;

/// Somebody in a party.
#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    /// Who.
    pub player: Player,
    /// His own data, for the room that a match brings.
    pub me: Payload,
}

/// Why somebody is in no party.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// There is none with this id.
    Unknown,
    /// It is as large as it may be.
    Full,
    /// He is in another.
    InAnother,
}

/// All parties. Nobody is in two, so there are no more than sessions.
#[derive(Debug, Default)]
pub struct Parties {
    /// The leader stands first.
    parties: BTreeMap<String, Vec<Member>>,
    of: BTreeMap<PlayerId, String>,
}

impl Parties {
    /// The party of this player: its id and its members, the leader first.
    #[must_use]
    pub fn of(&self, player: PlayerId) -> Option<(&str, &[Member])> {
        let id = self.of.get(&player)?;
        Some((id, self.parties.get(id)?))
    }

    /// Who leads this party.
    #[must_use]
    pub fn leader(&self, id: &str) -> Option<PlayerId> {
        self.parties.get(id)?.first().map(|leader| leader.player.id)
    }

    /// Makes a party of one, unless he is in one.
    pub fn make(&mut self, member: Member, id: String) {
        if let Entry::Vacant(free) = self.of.entry(member.player.id) {
            free.insert(id.clone());
            self.parties.insert(id, vec![member]);
        }
    }

    /// Brings somebody into a party. To be in it already is no error.
    ///
    /// # Errors
    /// [`Refused`]; nothing changed then.
    pub fn join(&mut self, member: Member, id: &str) -> Result<(), Refused> {
        let members = self.parties.get_mut(id).ok_or(Refused::Unknown)?;
        match self.of.get(&member.player.id) {
            Some(own) if own == id => return Ok(()),
            Some(_) => return Err(Refused::InAnother),
            None => {}
        }
        if members.len() >= PARTY_MAX {
            return Err(Refused::Full);
        }
        self.of.insert(member.player.id, id.to_owned());
        members.push(member);
        Ok(())
    }

    /// A party is known by another id from now on: who knows the old one alone does not come in.
    pub fn rename(&mut self, id: &str, new: &str) {
        let Some(members) = self.parties.remove(id) else { return };
        self.of.extend(members.iter().map(|member| (member.player.id, new.to_owned())));
        self.parties.insert(new.to_owned(), members);
    }

    /// Somebody leaves; the next one leads if he did. Those who are left, if he was in one.
    pub fn leave(&mut self, player: PlayerId) -> Option<Vec<Member>> {
        let id = self.of.remove(&player)?;
        let members = self.parties.get_mut(&id)?;
        members.retain(|member| member.player.id != player);
        let left = members.clone();
        if left.is_empty() {
            self.parties.remove(&id);
        }
        Some(left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sward_protocol::ids::NodeId;

    fn member(number: u128) -> Member {
        let player = Player { id: PlayerId::from_random(NodeId(0), number), name: format!("P{number}") };
        Member { player, me: Payload::null() }
    }

    #[test]
    fn nobody_is_in_two_parties_and_a_party_has_an_end() {
        let mut parties = Parties::default();
        parties.make(member(1), "a".to_owned());
        parties.make(member(1), "b".to_owned());
        assert_eq!(parties.join(member(2), "b"), Err(Refused::Unknown));
        parties.make(member(20), "b".to_owned());
        for number in 2..=PARTY_MAX as u128 {
            assert_eq!(parties.join(member(number), "a"), Ok(()));
        }
        assert_eq!(parties.join(member(2), "a"), Ok(()), "he is in it");
        assert_eq!(parties.join(member(2), "b"), Err(Refused::InAnother));
        assert_eq!(parties.join(member(21), "a"), Err(Refused::Full));
        parties.rename("a", "c");
        assert_eq!(parties.join(member(2), "a"), Err(Refused::Unknown));
        assert_eq!(parties.of(member(2).player.id).unwrap().0, "c");
        parties.rename("c", "a");
        let left = parties.leave(member(1).player.id).unwrap();
        assert_eq!((left.len(), &left[0]), (PARTY_MAX - 1, &member(2)), "the next one leads");
        assert_eq!(parties.leader("a"), Some(member(2).player.id));
        assert_eq!(parties.leave(member(1).player.id), None);
        assert_eq!(parties.leave(member(20).player.id), Some(vec![]));
        assert_eq!((parties.parties.len(), parties.of.len()), (1, PARTY_MAX - 1));
    }
}
