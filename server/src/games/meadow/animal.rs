//! Where an animal is, and how far it may have walked.

use serde::{Deserialize, Serialize};

use super::{HEIGHT, WIDTH};
use crate::game::Random;

/// Units per second.
pub(super) const SPEED: f64 = 240.0;
/// How much walking may be saved up, in units: a second's worth, so that late batches on a slow network are no cheating.
const STRIDE_MAX: f64 = SPEED;
/// What rounding on both sides may add up to.
const SLACK: f64 = 0.2;

/// A place on the field.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// To the right, from 0.
    pub x: f64,
    /// Down, from 0.
    pub y: f64,
}

impl Point {
    pub(super) fn distance(self, other: Self) -> f64 {
        // `sqrt` is exact by IEEE 754, and so the same on every platform; `hypot` is not.
        let (dx, dy) = (other.x - self.x, other.y - self.y);
        (dx * dx + dy * dy).sqrt()
    }

    /// To a tenth of a unit: finer than a screen shows, half the bytes.
    pub(super) fn rounded(self) -> Self {
        Self { x: (self.x * 10.0).round() / 10.0, y: (self.y * 10.0).round() / 10.0 }
    }

    fn on_field(self) -> Self {
        Self { x: self.x.clamp(0.0, WIDTH), y: self.y.clamp(0.0, HEIGHT) }
    }
}

/// One player's animal.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Animal {
    pub(super) at: Point,
    pub(super) basket: u32,
    pub(super) may_emote_ms: u64,
    stride: f64,
    walked_ms: u64,
}

impl Animal {
    /// A new animal near the middle of the field.
    pub(super) fn born(random: &mut Random, now_ms: u64) -> Self {
        let at =
            Point { x: WIDTH * (0.4 + 0.2 * random.fraction()), y: HEIGHT * (0.4 + 0.2 * random.fraction()) };
        Self { at: at.rounded(), basket: 0, may_emote_ms: 0, stride: STRIDE_MAX, walked_ms: now_ms }
    }

    /// Walks towards `wish` as far as time and field allow. Whether it got there.
    pub(super) fn walk(&mut self, wish: Point, now_ms: u64) -> bool {
        #[expect(clippy::cast_precision_loss, reason = "milliseconds between two moves fit a double")]
        let seconds = now_ms.saturating_sub(self.walked_ms) as f64 / 1000.0;
        self.walked_ms = now_ms;
        self.stride = (self.stride + SPEED * seconds).min(STRIDE_MAX);
        let goal = wish.on_field();
        let distance = self.at.distance(goal);
        if distance <= self.stride + SLACK {
            self.stride = (self.stride - distance).max(0.0);
            self.at = goal;
            return goal == wish;
        }
        let part = self.stride / distance;
        self.stride = 0.0;
        self.at =
            Point { x: self.at.x + (goal.x - self.at.x) * part, y: self.at.y + (goal.y - self.at.y) * part };
        false
    }
}
