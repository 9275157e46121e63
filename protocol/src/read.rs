//! How fields of requests are read, where serde alone would read them otherwise, and what is said of those that cannot be.

use std::fmt;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer};

/// Null is as absent: for a field that is `#[serde(default)]`, where an `Option` reads null by itself.
///
/// # Errors
/// What the type says of a value of another shape.
pub fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// A number of seats; null is as absent. A number that no room could have is 0 or the largest that fits: it is refused by
/// its own code, and not as something that is no number at all.
///
/// # Errors
/// For what is no number.
pub fn seats<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u16>, D::Error> {
    Ok(Option::<Seats>::deserialize(deserializer)?.map(|Seats(seats)| seats))
}

struct Seats(u16);

impl<'de> Deserialize<'de> for Seats {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reading;
        impl Visitor<'_> for Reading {
            type Value = Seats;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number of seats")
            }

            fn visit_u64<E: Error>(self, seats: u64) -> Result<Seats, E> {
                Ok(Seats(u16::try_from(seats).unwrap_or(u16::MAX)))
            }

            fn visit_i64<E: Error>(self, seats: i64) -> Result<Seats, E> {
                Ok(Seats(u64::try_from(seats).map_or(0, |seats| u16::try_from(seats).unwrap_or(u16::MAX))))
            }

            // Not whole, or too large for an integer: no room has that many.
            fn visit_f64<E: Error>(self, _: f64) -> Result<Seats, E> {
                Ok(Seats(0))
            }
        }
        deserializer.deserialize_any(Reading)
    }
}

/// What serde says of a value of another shape, in words for people who do not write Rust.
#[must_use]
pub fn plain_words(error: &impl fmt::Display) -> String {
    let said = error.to_string();
    let Some((before, rest)) = said.split_once(", expected ") else { return said };
    let (expected, place) = rest.find(" at line ").map_or((rest, ""), |at| rest.split_at(at));
    let expected = match expected {
        "u8" | "u16" | "u32" | "u64" | "u128" | "usize" => "a whole number that is not negative",
        "i8" | "i16" | "i32" | "i64" | "i128" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        "a sequence" => "a list",
        "a map" => "an object",
        "a boolean" => "true or false",
        expected if expected.starts_with("struct ") => "an object",
        expected if expected.starts_with("tuple ") => "a list",
        expected => expected,
    };
    let before = before.replace("floating point", "the number").replace("sequence", "a list");
    format!("{before}, expected {expected}{place}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Fields {
        #[serde(default, deserialize_with = "or_default")]
        flag: bool,
        #[serde(default, deserialize_with = "seats")]
        seats: Option<u16>,
    }

    #[test]
    fn null_is_as_absent_and_any_number_is_a_number_of_seats() {
        let read =
            |json: &str| serde_json::from_str::<Fields>(json).map(|fields| (fields.flag, fields.seats));
        for (json, want) in [
            ("{}", (false, None)),
            (r#"{"flag":null,"seats":null}"#, (false, None)),
            (r#"{"flag":true,"seats":7}"#, (true, Some(7))),
            (r#"{"seats":-1}"#, (false, Some(0))),
            (r#"{"seats":1.5}"#, (false, Some(0))),
            (r#"{"seats":1e30}"#, (false, Some(0))),
            (r#"{"seats":1000000000}"#, (false, Some(u16::MAX))),
        ] {
            assert_eq!(read(json).unwrap(), want, "{json}");
        }
        assert!(read(r#"{"flag":1}"#).is_err() && read(r#"{"seats":"7"}"#).is_err());
        let packed = rmp_serde::to_vec_named(&serde_json::json!({"seats": 7})).unwrap();
        assert_eq!(rmp_serde::from_slice::<Fields>(&packed).unwrap().seats, Some(7));
    }

    #[test]
    fn nobody_need_know_rust_to_read_what_is_wrong() {
        let said = |json: &str| plain_words(&serde_json::from_str::<Vec<u64>>(json).unwrap_err());
        assert_eq!(
            said("[-1]"),
            "invalid value: integer `-1`, expected a whole number that is not negative at line 1 column 3"
        );
        assert_eq!(said("5"), "invalid type: integer `5`, expected a list at line 1 column 1");
        let error = serde_json::from_str::<Fields>(r#"{"flag":1}"#).err().unwrap();
        assert!(plain_words(&error).contains("integer `1`, expected true or false"), "{error}");
        assert_eq!(plain_words(&"missing field `name`"), "missing field `name`");
    }
}
