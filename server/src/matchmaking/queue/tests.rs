//! The properties that a queue keeps, on random queues.

use proptest::prelude::*;
use sward_protocol::ids::NodeId;

use super::*;

/// Looks that are always enough here.
const LOOKS: usize = 1 << 20;

fn ticket(id: u64, since_ms: u64, skill: u32, size: u8) -> Ticket {
    let player = |index| PlayerId::from_random(NodeId(0), u128::from(id) * 100 + u128::from(index));
    Ticket { id, since_ms, skill, players: (0..size).map(player).collect(), tries: 0 }
}

fn queue(rules: Rules, tickets: &[Ticket]) -> Queue {
    let mut queue = Queue::new(rules);
    for ticket in tickets {
        queue.add(ticket.clone());
    }
    queue
}

/// Teams, team size, and parties that fit: since when, which skill, how many.
fn any_queue() -> impl Strategy<Value = (Rules, Vec<Ticket>)> {
    (1..=3_u8, 1..=4_u8).prop_flat_map(|(teams, team_size)| {
        let rules = Rules::new(teams, team_size).with_range(20, 5, 60);
        let parties = prop::collection::vec((0..20_000_u64, 0..200_u32, 1..=team_size), 0..9);
        let tickets = move |parties: Vec<(u64, u32, u8)>| {
            let ticket = |(id, (since_ms, skill, size))| ticket(id, since_ms, skill, size);
            (rules, (1..).zip(parties).map(ticket).collect())
        };
        parties.prop_map(tickets)
    })
}

/// Whether some of these parties could play now: every subset is tried.
fn has_match(rules: Rules, tickets: &[Ticket], now_ms: u64) -> bool {
    (1_u32..1 << tickets.len()).any(|chosen| {
        let parties: Vec<&Ticket> = tickets
            .iter()
            .enumerate()
            .filter(|(index, _)| chosen >> index & 1 == 1)
            .map(|(_, t)| t)
            .collect();
        let sizes: Vec<u8> = parties.iter().map(|ticket| ticket.size()).collect();
        let spread = spread(&parties);
        parties.iter().all(|ticket| spread <= rules.range_after(now_ms - ticket.since_ms))
            && fills(&mut vec![rules.team_size; rules.teams.into()], &sizes)
    })
}

fn spread(parties: &[&Ticket]) -> u32 {
    let skills = || parties.iter().map(|ticket| ticket.skill);
    skills().max().unwrap_or(0) - skills().min().unwrap_or(0)
}

/// Whether these parties fill the teams exactly: every way is tried.
fn fills(left: &mut Vec<u8>, sizes: &[u8]) -> bool {
    let Some((size, rest)) = sizes.split_first() else { return left.iter().all(|left| *left == 0) };
    (0..left.len()).any(|team| {
        let fits = left[team] >= *size;
        if fits {
            left[team] -= size;
        }
        let filled = fits && fills(left, rest);
        if fits {
            left[team] += size;
        }
        filled
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nobody_is_in_two_matches_no_party_is_split_and_ranges_hold((rules, tickets) in any_queue()) {
        let now_ms = 20_000;
        let mut queue = queue(rules, &tickets);
        let found = queue.matches(now_ms, LOOKS);
        let mut seen = BTreeSet::new();
        for found in &found {
            prop_assert_eq!(found.teams.len(), usize::from(rules.teams));
            let parties: Vec<&Ticket> = found.teams.iter().flatten().collect();
            let spread = spread(&parties);
            for team in &found.teams {
                prop_assert_eq!(team.iter().map(Ticket::size).sum::<u8>(), rules.team_size);
            }
            for party in parties {
                prop_assert!(tickets.contains(party), "whole, as it came");
                prop_assert!(seen.insert(party.id), "in one match only");
                prop_assert!(spread <= rules.range_after(now_ms - party.since_ms));
                prop_assert!(queue.remove(party.id).is_none(), "it waits no more");
            }
        }
        prop_assert_eq!(queue.parties() + seen.len(), tickets.len(), "nobody is lost");
    }

    #[test]
    fn nobody_waits_when_there_is_a_match((rules, tickets) in any_queue(), looked_ms in 0..20_000_u64) {
        let mut queue = queue(rules, &tickets);
        // Also when it was looked before, and in vain.
        let mut found = queue.matches(looked_ms.max(tickets.iter().map(|t| t.since_ms).max().unwrap_or(0)), LOOKS);
        found.extend(queue.matches(30_000, LOOKS));
        let left: Vec<Ticket> = queue.standings(30_000).map(|(ticket, _)| ticket.clone()).collect();
        prop_assert!(!has_match(rules, &left, 30_000), "{left:?} wait for nothing, after {found:?}");
    }
}

#[test]
fn a_range_widens_until_two_who_differ_much_play() {
    let mut queue = queue(Rules::new(2, 1), &[ticket(1, 0, 1_000, 1), ticket(2, 500, 1_200, 1)]);
    assert_eq!(queue.matches(500, LOOKS), []);
    assert_eq!(queue.matches(5_499, LOOKS), [], "the younger one's range is 180");
    let found = queue.matches(5_500, LOOKS);
    assert_eq!((found.len(), queue.players()), (1, 0));
}

#[test]
fn those_who_wait_longest_are_taken_first_and_teams_are_even() {
    let mut queue = Queue::new(Rules::new(2, 2));
    for (id, skill) in (1..).zip([100, 110, 120, 130, 140]) {
        queue.add(ticket(id, id, skill, 1));
    }
    let found = queue.matches(10, LOOKS);
    let skills: Vec<Vec<u32>> =
        found[0].teams.iter().map(|team| team.iter().map(|ticket| ticket.skill).collect()).collect();
    assert_eq!(skills, [[130, 100], [120, 110]]);
    let (ticket, standing) = queue.standings(10).next().unwrap();
    assert_eq!((ticket.id, standing), (5, Standing { position: 1, range: 100 }));
}

#[test]
fn who_comes_back_with_the_time_that_he_waited_is_found_by_those_who_came_later() {
    let mut queue = queue(Rules::new(2, 1), &[ticket(2, 1_000, 100, 1)]);
    assert_eq!(queue.matches(1_000, LOOKS), []);
    queue.add(ticket(1, 0, 100, 1));
    assert_eq!(queue.matches(1_001, LOOKS).len(), 1);
}

#[test]
fn looks_are_bounded_and_go_on_where_they_stopped() {
    // Parties of three never make teams of four.
    let parties: Vec<_> = (0..3_000).map(|id| ticket(id, id, 1_000, 3)).collect();
    let mut queue = queue(Rules::new(2, 4), &parties);
    assert_eq!(queue.matches(3_000, 10_000), []);
    let waiting = queue.due.iter().filter(|(due_ms, _)| *due_ms <= 3_000).count();
    assert!((1..3_000).contains(&waiting), "{waiting}");
    for id in 4_000..4_002 {
        queue.add(ticket(id, 3_000, 1_000, 1));
    }
    let mut looks = 0;
    let found = loop {
        looks += 1;
        let found = queue.matches(3_000, 100_000);
        if !found.is_empty() {
            break found;
        }
    };
    assert_eq!((found.len(), queue.parties()), (1, 2_998));
    assert!(looks < 100, "{looks}");
}

#[test]
fn parties_that_are_hard_to_pack_hold_nobody_up_for_long() {
    // Just too awkward for eight teams of eight, which takes thousands of steps to see; of other skills, the same again.
    let sizes = [6, 6, 6, 5, 5, 5, 5, 5, 4, 3, 3, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1];
    let parties = (0..60_u32).flat_map(|group| sizes.map(|size| (group * 10, size)));
    let tickets: Vec<_> = (1..).zip(parties).map(|(id, (skill, size))| ticket(id, id, skill, size)).collect();
    let mut queue = queue(Rules::new(8, 8).with_range(0, 0, 0), &tickets);
    let mut rounds = Vec::new();
    while !queue.due.is_empty() {
        let before = queue.due.len();
        assert_eq!(queue.matches(10_000, 20_000).len(), 0);
        rounds.push(before - queue.due.len());
    }
    assert!(rounds.len() > 10, "each with so many steps and no more: {rounds:?}");
}
