//! What a room's creator may choose: how large the field is, how far one sees, what grows and lies there.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use super::animal::Point;
use crate::game::{BadOptions, Payload, Random};

const SIDE: RangeInclusive<f64> = 400.0..=100_000.0;
const SIGHT: RangeInclusive<f64> = 100.0..=200_000.0;
pub(super) const FLOWERS_MAX: u16 = 10_000;
pub(super) const THINGS_MAX: u16 = 1_000;
/// The strip along the field's edge where nothing grows: trees stand there.
const EDGE: f64 = 120.0;

/// Room options, all of them optional; lengths in units.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Options {
    pub(super) width: f64,
    pub(super) height: f64,
    /// How far an animal sees. The default is what a screen of 3,840 × 2,160 shows around it, and a little more.
    pub(super) sight: f64,
    pub(super) flowers: u16,
    pub(super) things: u16,
    /// The part of the width, and of the height, in whose middle animals come to the field: 0–1.
    pub(super) spread: f64,
}

impl Default for Options {
    fn default() -> Self {
        Self { width: 4_800.0, height: 3_200.0, sight: 1_200.0, flowers: 240, things: 60, spread: 0.2 }
    }
}

impl Options {
    pub(super) fn read(options: &Payload) -> Result<Self, BadOptions> {
        let read: Self = options.parse()?;
        let checks = [
            ("width", SIDE.contains(&read.width), "400 to 100000"),
            ("height", SIDE.contains(&read.height), "400 to 100000"),
            ("sight", SIGHT.contains(&read.sight), "100 to 200000"),
            ("flowers", read.flowers <= FLOWERS_MAX, "0 to 10000"),
            ("things", read.things <= THINGS_MAX, "0 to 1000"),
            ("spread", (0.0..=1.0).contains(&read.spread), "0 to 1"),
        ];
        match checks.into_iter().find(|(_, is_good, _)| !is_good) {
            Some((name, _, range)) => Err(BadOptions(format!("{name} is {range}"))),
            None => Ok(read),
        }
    }

    /// Somewhere on the field, away from its edge.
    pub(super) fn anywhere(&self, random: &mut Random) -> Point {
        let Self { width, height, .. } = *self;
        let along = |length: f64, part: f64| EDGE + (length - 2.0 * EDGE) * part;
        Point { x: along(width, random.fraction()), y: along(height, random.fraction()) }.rounded()
    }

    /// Where a newcomer's animal appears.
    pub(super) fn middle(&self, random: &mut Random) -> Point {
        let Self { width, height, spread, .. } = *self;
        let along = |length: f64, part: f64| length * (0.5 + spread * (part - 0.5));
        Point { x: along(width, random.fraction()), y: along(height, random.fraction()) }.rounded()
    }

    /// The nearest place on the field.
    pub(super) fn nearest(&self, Point { x, y }: Point) -> Point {
        Point { x: x.clamp(0.0, self.width), y: y.clamp(0.0, self.height) }
    }
}
