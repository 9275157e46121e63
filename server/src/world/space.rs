//! Places, and the space that they are in.

use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};

use super::value::{number, rounded};

/// How much farther than it came into sight something goes before it is out of it again, unless the space says otherwise.
const HYSTERESIS: f64 = 1.15;

/// Which way something is turned.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Turn {
    /// An angle in radians: in two dimensions, or about the upright.
    Angle(f64),
    /// A rotation in three dimensions: the quaternion x, y, z, w.
    Quaternion([f64; 4]),
}

/// Where something is, and which way it is turned, if it is.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Place {
    /// In the units of the game.
    pub x: f64,
    /// In the units of the game.
    pub y: f64,
    /// In the units of the game; 0 and not shown where space has two dimensions.
    #[serde(default)]
    pub z: f64,
    /// Which way it is turned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turn: Option<Turn>,
}

impl Place {
    /// A place in two dimensions.
    #[must_use]
    pub fn flat(x: f64, y: f64) -> Self {
        Self { x, y, ..Self::default() }
    }

    /// A place in three dimensions.
    #[must_use]
    pub fn solid(x: f64, y: f64, z: f64) -> Self {
        Self { x, y, z, turn: None }
    }

    /// The same, turned by an angle in radians.
    #[must_use]
    pub fn with_angle(self, angle: f64) -> Self {
        Self { turn: Some(Turn::Angle(angle)), ..self }
    }

    /// The same, turned by a quaternion x, y, z, w.
    #[must_use]
    pub fn with_quaternion(self, quaternion: [f64; 4]) -> Self {
        Self { turn: Some(Turn::Quaternion(quaternion)), ..self }
    }

    pub(super) fn is_finite(&self) -> bool {
        let turned = match self.turn {
            None => true,
            Some(Turn::Angle(angle)) => angle.is_finite(),
            Some(Turn::Quaternion(parts)) => parts.iter().all(|part| part.is_finite()),
        };
        turned && self.point().iter().all(|part| part.is_finite())
    }

    pub(super) fn point(&self) -> [f64; 3] {
        [self.x, self.y, self.z]
    }
}

/// The space of a world: how large it is, and how far players see in it.
///
/// ```
/// use sward_server::world::Space;
///
/// let field = Space::flat(8_000.0, 6_000.0).with_sight(900.0);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Space {
    dimensions: u8,
    /// From 0 to there. What is beyond is seen as well, at a higher cost.
    pub(super) size: [f64; 3],
    sight: Option<f64>,
    /// How many of those in reach come into sight: the nearest.
    #[serde(default)]
    pub(super) crowd: Option<u16>,
    hysteresis: f64,
    decimals: u8,
    turn_decimals: u8,
}

impl Space {
    /// None: everybody sees everything.
    #[must_use]
    pub fn none() -> Self {
        Self {
            dimensions: 2,
            size: [0.0; 3],
            sight: None,
            crowd: None,
            hysteresis: HYSTERESIS,
            decimals: 1,
            turn_decimals: 2,
        }
    }

    /// Two dimensions. Everybody sees everything until it is said [how far](Space::with_sight).
    ///
    /// # Panics
    /// Unless both lengths are 0 or more, and finite.
    #[must_use]
    pub fn flat(width: f64, height: f64) -> Self {
        Self { size: lengths([width, height, 0.0]), ..Self::none() }
    }

    /// Three dimensions. Everybody sees everything until it is said [how far](Space::with_sight).
    ///
    /// # Panics
    /// Unless all lengths are 0 or more, and finite.
    #[must_use]
    pub fn solid(width: f64, height: f64, depth: f64) -> Self {
        Self { dimensions: 3, size: lengths([width, height, depth]), ..Self::none() }
    }

    /// The same; a player sees what is no farther from him than `radius`.
    ///
    /// # Panics
    /// Unless it is above 0 and finite.
    #[must_use]
    pub fn with_sight(self, radius: f64) -> Self {
        assert!(radius > 0.0 && radius.is_finite(), "sight reaches further than 0");
        Self { sight: Some(radius), ..self }
    }

    /// The same; of what is near enough a player sees the `most` nearest alone, so that a crowd costs him and the server no
    /// more than that. What is in sight gives way to what is nearer by the factor of
    /// [`with_hysteresis`](Space::with_hysteresis). His own, and what has a [`Visibility`](super::Visibility) of its own, he
    /// sees besides.
    ///
    /// # Panics
    /// If it is 0.
    #[must_use]
    pub fn with_crowd(self, most: u16) -> Self {
        assert!(most > 0, "a crowd has somebody in it");
        Self { crowd: Some(most), ..self }
    }

    /// The same; what is in sight stays there until it is `factor` times as far as it may be to come in: 1.15 unless it is
    /// set. At 1, who stands on the edge comes and goes with each step.
    ///
    /// # Panics
    /// Unless it is 1–10.
    #[must_use]
    pub fn with_hysteresis(self, factor: f64) -> Self {
        assert!((1.0..=10.0).contains(&factor), "a factor from 1 to 10");
        Self { hysteresis: factor, ..self }
    }

    /// The same; positions are told with so many digits behind the point (1 unless it is set), and turns with so many (2).
    /// What changes less is not told. The game itself reads its places unrounded.
    #[must_use]
    pub fn with_decimals(self, decimals: u8, turn_decimals: u8) -> Self {
        Self { decimals, turn_decimals, ..self }
    }

    /// How far a player sees; `None`: everything.
    #[must_use]
    pub fn sight(&self) -> Option<f64> {
        self.sight
    }

    /// How far away what is in sight may be to stay there.
    pub(super) fn kept(&self, radius: f64) -> f64 {
        radius * self.hysteresis
    }

    pub(super) fn is_solid(&self) -> bool {
        self.dimensions == 3
    }

    /// A place as it is told.
    pub(super) fn told(&self, place: &Place) -> Told {
        let (near, turn) =
            (|value| rounded(value, Some(self.decimals)), |value| rounded(value, Some(self.turn_decimals)));
        Told {
            x: near(place.x),
            y: near(place.y),
            z: self.is_solid().then(|| near(place.z)),
            turn: place.turn.map(|turned| match turned {
                Turn::Angle(angle) => Turn::Angle(turn(angle)),
                Turn::Quaternion(parts) => Turn::Quaternion(parts.map(turn)),
            }),
        }
    }
}

fn lengths(lengths: [f64; 3]) -> [f64; 3] {
    assert!(lengths.iter().all(|length| *length >= 0.0 && length.is_finite()), "a length is 0 or more");
    lengths
}

/// A place as it is told.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Told {
    x: f64,
    y: f64,
    z: Option<f64>,
    turn: Option<Turn>,
}

impl Told {
    /// Writes its fields; those of `before` that it has not are null, so that nobody keeps them.
    pub(super) fn write<M: SerializeMap>(&self, map: &mut M, was_turned: bool) -> Result<(), M::Error> {
        map.serialize_entry("x", &number(self.x))?;
        map.serialize_entry("y", &number(self.y))?;
        if let Some(z) = self.z {
            map.serialize_entry("z", &number(z))?;
        }
        match self.turn {
            None if was_turned => map.serialize_entry("turn", &()),
            None => Ok(()),
            Some(Turn::Angle(angle)) => map.serialize_entry("turn", &number(angle)),
            Some(Turn::Quaternion(parts)) => map.serialize_entry("turn", &parts.map(number)),
        }
    }
}

/// Null in place of a place, where there was one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Nowhere {
    pub(super) is_solid: bool,
}

impl Nowhere {
    pub(super) fn write<M: SerializeMap>(self, map: &mut M) -> Result<(), M::Error> {
        for name in ["x", "y"].into_iter().chain(self.is_solid.then_some("z")).chain(["turn"]) {
            map.serialize_entry(name, &())?;
        }
        Ok(())
    }
}

/// Only what is written is a map's entry: a helper for whoever serialises one.
pub(super) fn as_map<S: Serializer>(
    serializer: S,
    write: impl FnOnce(&mut S::SerializeMap) -> Result<(), S::Error>,
) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(None)?;
    write(&mut map)?;
    map.end()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Shown(Told);

    impl Serialize for Shown {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            as_map(serializer, |map| self.0.write(map, true))
        }
    }

    fn shown(space: &Space, place: Place) -> String {
        serde_json::to_string(&Shown(space.told(&place))).unwrap()
    }

    #[test]
    fn places_are_told_as_the_space_says() {
        let flat = Space::flat(100.0, 100.0);
        assert_eq!(shown(&flat, Place::flat(1.26, 88.0)), r#"{"x":1.3,"y":88,"turn":null}"#);
        assert_eq!(
            shown(&flat, Place::solid(1.0, 2.0, 3.0).with_angle(1.234)),
            r#"{"x":1,"y":2,"turn":1.23}"#
        );
        let solid = Space::solid(9.0, 9.0, 9.0).with_decimals(2, 1);
        let place = Place::solid(1.0, 2.0, 3.456).with_quaternion([0.0, 0.707, 0.0, 0.707]);
        assert_eq!(shown(&solid, place), r#"{"x":1,"y":2,"z":3.46,"turn":[0,0.7,0,0.7]}"#);
    }

    #[test]
    fn a_place_is_kept_as_it_was() {
        for place in [
            Place::flat(0.1, 2.0),
            Place::solid(1.0, 2.0, 3.0).with_angle(0.5),
            Place::default().with_quaternion([0.5; 4]),
        ] {
            let saved = serde_json::to_string(&place).unwrap();
            assert_eq!(serde_json::from_str::<Place>(&saved).unwrap(), place, "{saved}");
        }
        assert!(
            !Place::flat(f64::NAN, 0.0).is_finite()
                && !Place::default().with_angle(f64::INFINITY).is_finite()
        );
    }
}
