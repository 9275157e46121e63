//! Flowers: picked, they grow again.

use serde::{Deserialize, Serialize};

use super::animal::Point;
use super::{HEIGHT, WIDTH};
use crate::game::Random;

/// Kinds of flowers.
const KINDS: u32 = 5;
/// The strip along the field's edge where no flower grows: trees stand there.
const EDGE: f64 = 120.0;
const GROWS_MS_MIN: u64 = 8_000;
const GROWS_MS_SPREAD: u32 = 12_001;

/// One flower.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Flower {
    pub(super) id: u16,
    #[serde(flatten)]
    pub(super) at: Point,
    pub(super) kind: u32,
    pub(super) open: bool,
    opens_ms: u64,
}

/// A flower, as players see it: when it opens again is a secret.
#[derive(Serialize)]
pub(super) struct FlowerView {
    id: u16,
    #[serde(flatten)]
    at: Point,
    kind: u32,
    open: bool,
}

/// Where a flower grows, open or not.
#[derive(Serialize)]
pub(super) struct Place {
    id: u16,
    #[serde(flatten)]
    at: Point,
    kind: u32,
}

impl Flower {
    /// A flower somewhere on the field, open.
    pub(super) fn sown(id: u16, random: &mut Random) -> Self {
        let at = Point {
            x: EDGE + (WIDTH - 2.0 * EDGE) * random.fraction(),
            y: EDGE + (HEIGHT - 2.0 * EDGE) * random.fraction(),
        };
        Self { id, at: at.rounded(), kind: random.below(KINDS), open: true, opens_ms: 0 }
    }

    pub(super) fn place(&self) -> Place {
        let Self { id, at, kind, .. } = *self;
        Place { id, at, kind }
    }

    pub(super) fn view(&self) -> FlowerView {
        let Self { id, at, kind, open, .. } = *self;
        FlowerView { id, at, kind, open }
    }

    /// Closes; opens again after 8–20 s.
    pub(super) fn pick(&mut self, now_ms: u64, random: &mut Random) {
        self.open = false;
        self.opens_ms = now_ms + GROWS_MS_MIN + u64::from(random.below(GROWS_MS_SPREAD));
    }

    /// Opens if it is time. Whether it did.
    pub(super) fn grow(&mut self, now_ms: u64) -> bool {
        let opens = !self.open && now_ms >= self.opens_ms;
        self.open |= opens;
        opens
    }
}
