//! Parties into teams, none split. Pure.
//!
//! Parties of one size are as good as each other here, so only their numbers count.

use std::collections::BTreeSet;

use super::rules::TEAM_SIZE_MAX;

/// How many parties there are of each size; those of size 1 stand at index 0.
pub type Counts = [u8; TEAM_SIZE_MAX as usize];

/// The sizes of the parties in each team, so that every team is full and one of the parties in the first has the size
/// `must`. `None` if the parties cannot be packed so; or if that took more than `steps_left`, which it counts down.
pub fn pack(
    teams: u8,
    team_size: u8,
    counts: &Counts,
    must: u8,
    steps_left: &mut usize,
) -> Option<Vec<Vec<u8>>> {
    let needed = usize::from(teams) * usize::from(team_size);
    let there: usize = (1..).zip(counts).map(|(size, count)| size * usize::from(*count)).sum();
    if there < needed {
        return None;
    }
    let mut fillings = Vec::new();
    fill(team_size, team_size, &mut Vec::new(), &mut fillings);
    let mut search = Search { fillings: &fillings, failed: BTreeSet::new(), steps_left };
    fillings.iter().filter(|filling| filling.contains(&must)).find_map(|first| {
        let mut counts = *counts;
        take(&mut counts, first)?;
        let mut packed = search.rest(teams.saturating_sub(1), 0, counts)?;
        packed.insert(0, first.clone());
        Some(packed)
    })
}

struct Search<'a> {
    fillings: &'a [Vec<u8>],
    failed: BTreeSet<(u8, usize, Counts)>,
    steps_left: &'a mut usize,
}

impl Search<'_> {
    /// Fills so many teams, each as one of the fillings from `first` on: the teams' order does not matter.
    fn rest(&mut self, teams: u8, first: usize, counts: Counts) -> Option<Vec<Vec<u8>>> {
        if teams == 0 {
            return Some(Vec::new());
        }
        let steps_left = self.steps_left.checked_sub(1)?;
        *self.steps_left = steps_left;
        if self.failed.contains(&(teams, first, counts)) {
            return None;
        }
        for (index, filling) in self.fillings.iter().enumerate().skip(first) {
            let mut left = counts;
            if take(&mut left, filling).is_none() {
                continue;
            }
            if let Some(mut packed) = self.rest(teams - 1, index, left) {
                packed.push(filling.clone());
                return Some(packed);
            }
        }
        self.failed.insert((teams, first, counts));
        None
    }
}

/// Takes parties of these sizes out, if they are there.
fn take(counts: &mut Counts, sizes: &[u8]) -> Option<()> {
    for size in sizes {
        let count = counts.get_mut(usize::from(*size).checked_sub(1)?)?;
        *count = count.checked_sub(1)?;
    }
    Some(())
}

/// Every way to fill a team of `left` players with parties of at most `largest`, the largest parties first: they are the
/// hardest to place.
fn fill(left: u8, largest: u8, so_far: &mut Vec<u8>, fillings: &mut Vec<Vec<u8>>) {
    if left == 0 {
        fillings.push(so_far.clone());
        return;
    }
    for size in (1..=largest.min(left)).rev() {
        so_far.push(size);
        fill(left - size, size, so_far, fillings);
        so_far.pop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(teams: u8, team_size: u8, sizes: &[u8], must: u8) -> Option<Vec<Vec<u8>>> {
        let mut counts = Counts::default();
        for size in sizes {
            counts[usize::from(*size) - 1] += 1;
        }
        pack(teams, team_size, &counts, must, &mut 20_000)
    }

    #[test]
    fn every_team_is_full_and_no_party_is_split() {
        assert_eq!(check(2, 1, &[1, 1], 1), Some(vec![vec![1], vec![1]]));
        assert_eq!(check(2, 2, &[2, 1, 1], 1), Some(vec![vec![1, 1], vec![2]]));
        assert_eq!(check(2, 2, &[2, 1], 1), None);
        assert_eq!(check(2, 3, &[2, 2, 2], 2), None, "three pairs are not two teams of three");
        assert_eq!(check(2, 3, &[2, 2, 2, 1, 1], 2), Some(vec![vec![2, 1], vec![2, 1]]));
        assert_eq!(check(2, 5, &[5, 4, 1, 3], 3), None, "one of three would need one of two");
        assert_eq!(check(2, 4, &[4, 3, 2, 1], 2), None);
    }

    #[test]
    fn a_search_without_an_end_gives_up() {
        let parties = [vec![7_u8; 40], vec![5; 40], vec![3; 40]].concat();
        assert_eq!(check(8, 8, &parties, 7), None);
        let mixed = [vec![5_u8; 40], vec![3; 40]].concat();
        assert_eq!(check(8, 8, &mixed, 5).map(|teams| teams.len()), Some(8));
    }
}
