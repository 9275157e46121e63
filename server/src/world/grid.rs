//! What is near a place: entities by the cell they are in.
//!
//! Made anew when something has moved, by counting: that costs a few nanoseconds for each entity, and there is nothing to
//! keep right between two ticks.

use super::space::Space;

/// Cells of a grid, at most.
const CELLS_MAX: usize = 1 << 16;
/// Cells to each side of a player's own that reach as far as he sees, in two dimensions: smaller ones waste less around a
/// circle, but there are more of them to look at.
const CELLS_OF_SIGHT: f64 = 2.0;

/// Something in the grid.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Stone {
    pub(super) id: u32,
    pub(super) at: [f64; 3],
    /// Whether it is seen by who is near enough, and by no other rule.
    pub(super) is_plain: bool,
}

/// Where everything is that has a place.
#[derive(Debug, Clone)]
pub(super) struct Grid {
    side: f64,
    counts: [usize; 3],
    /// Where each cell's stones begin; one more than there are cells.
    starts: Vec<u32>,
    stones: Vec<Stone>,
    /// The cells in which something came, went or moved since the last look.
    stirred: Vec<bool>,
}

impl Grid {
    /// An empty grid for players who see as far as `reach`.
    pub(super) fn new(space: &Space, reach: f64) -> Self {
        let parts = if space.is_solid() { 1.0 } else { CELLS_OF_SIGHT };
        let mut side = reach / parts;
        let count = |side: f64| space.size.map(|length| cells(length / side));
        // A space that is large for the sight of its players has larger cells.
        #[expect(clippy::cast_precision_loss, reason = "it need not be exact")]
        let is_too_fine =
            |counts: [usize; 3]| counts.iter().map(|count| *count as f64).product::<f64>() > CELLS_MAX as f64;
        while is_too_fine(count(side)) {
            side *= 2.0;
        }
        let counts = count(side);
        let all = counts.iter().product::<usize>();
        Self { side, counts, starts: vec![0; all + 1], stones: Vec::new(), stirred: vec![false; all] }
    }

    /// In which of the cells along an axis something is; in the last one there, if it is beyond the edge.
    fn coordinate(&self, axis: usize, value: f64) -> usize {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped before")]
        let cell = (value / self.side).floor().clamp(0.0, 1e9) as usize;
        cell.min(self.counts[axis] - 1)
    }

    fn cell(&self, at: [f64; 3]) -> usize {
        let [x, y, z] = [0, 1, 2].map(|axis| self.coordinate(axis, at[axis]));
        (z * self.counts[1] + y) * self.counts[0] + x
    }

    /// Puts everything where it is.
    pub(super) fn fill(&mut self, all: impl Iterator<Item = Stone> + Clone) {
        self.starts.fill(0);
        let mut count = 0;
        for stone in all.clone() {
            let cell = self.cell(stone.at);
            self.starts[cell + 1] += 1;
            count += 1;
        }
        for cell in 1..self.starts.len() {
            self.starts[cell] += self.starts[cell - 1];
        }
        self.stones.clear();
        self.stones.resize(count, Stone::default());
        let mut next = self.starts.clone();
        for stone in all {
            let cell = self.cell(stone.at);
            self.stones[next[cell] as usize] = stone;
            next[cell] += 1;
        }
    }

    /// Something came to this place, or left it.
    pub(super) fn stir(&mut self, at: [f64; 3]) {
        let cell = self.cell(at);
        self.stirred[cell] = true;
    }

    /// All players have looked.
    pub(super) fn calm(&mut self) {
        self.stirred.fill(false);
    }

    /// Whether something came, went or moved that may be as near as `reach`.
    pub(super) fn is_stirred(&self, around: [f64; 3], reach: f64) -> bool {
        self.rows(around, reach).any(|row| self.stirred[row].contains(&true))
    }

    /// What is no farther than `reach`, with the square of its distance, in no order.
    pub(super) fn within(&self, around: [f64; 3], reach: f64, mut found: impl FnMut(&Stone, f64)) {
        // Nothing is nearer than nothing.
        let rows = (reach >= 0.0).then(|| self.rows(around, reach));
        for row in rows.into_iter().flatten() {
            let stones = self.starts[row.start] as usize..self.starts[row.end] as usize;
            for stone in &self.stones[stones] {
                let square = square_distance(stone.at, around);
                if square <= reach * reach {
                    found(stone, square);
                }
            }
        }
    }

    /// The cells around a place, as rows of neighbours.
    fn rows(&self, around: [f64; 3], reach: f64) -> impl Iterator<Item = std::ops::Range<usize>> {
        let [x, y, z] = [0, 1, 2].map(|axis| {
            self.coordinate(axis, around[axis] - reach)..=self.coordinate(axis, around[axis] + reach)
        });
        let [width, height, _] = self.counts;
        z.flat_map(move |z| y.clone().map(move |y| (z * height + y) * width))
            .map(move |row| row + x.start()..row + x.end() + 1)
    }
}

pub(super) fn square_distance(one: [f64; 3], other: [f64; 3]) -> f64 {
    let [x, y, z] = [0, 1, 2].map(|axis| one[axis] - other[axis]);
    x * x + y * y + z * z
}

/// How many cells so many sides take, at least one.
fn cells(sides: f64) -> usize {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped before")]
    let count = sides.ceil().clamp(1.0, 1e9) as usize;
    count
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::game::Random;

    fn naive(all: &[(u32, [f64; 3])], around: [f64; 3], reach: f64) -> Vec<u32> {
        all.iter()
            .filter(|(_, at)| square_distance(*at, around) <= reach * reach)
            .map(|(id, _)| *id)
            .collect()
    }

    #[test]
    fn it_finds_what_a_look_at_everything_finds() {
        let mut random = Random::from_seed(1);
        for space in [
            Space::flat(1000.0, 700.0),
            Space::solid(500.0, 300.0, 400.0),
            Space::flat(1e6, 1e6),
            Space::flat(0.0, 0.0),
        ] {
            let mut grid = Grid::new(&space, 100.0);
            assert!(grid.stirred.len() <= CELLS_MAX);
            let place = |random: &mut Random| {
                // Some are beyond the edge.
                space.size.map(|length| (length + 200.0) * random.fraction() - 100.0)
            };
            let all: Vec<_> = (0..500).map(|id| (id, place(&mut random))).collect();
            grid.fill(all.iter().map(|&(id, at)| Stone { id, at, is_plain: id % 2 == 0 }));
            for _ in 0..200 {
                let (around, reach) = (place(&mut random), 250.0 * random.fraction());
                let mut found = Vec::new();
                grid.within(around, reach, |stone, square| {
                    assert!(square <= reach * reach && stone.is_plain == (stone.id % 2 == 0));
                    found.push(stone.id);
                });
                found.sort_unstable();
                assert_eq!(found, naive(&all, around, reach), "{space:?} {around:?} {reach}");
            }
        }
    }

    #[test]
    fn it_tells_where_something_stirred() {
        let mut grid = Grid::new(&Space::flat(1000.0, 1000.0), 100.0);
        grid.stir([500.0, 500.0, 0.0]);
        assert!(grid.is_stirred([450.0, 560.0, 0.0], 100.0));
        assert!(!grid.is_stirred([100.0, 500.0, 0.0], 100.0));
        grid.stir([-5_000.0, 2_000.0, 0.0]);
        assert!(grid.is_stirred([-100.0, 1_100.0, 0.0], 50.0), "beyond the edge");
        grid.calm();
        assert!(!grid.is_stirred([500.0, 500.0, 0.0], 1e9));
    }
}
