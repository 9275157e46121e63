//! Identifiers, each a type of its own: a room's id cannot be passed where a player's is meant.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use uuid::Uuid;

/// An identifier that could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("malformed {0}")]
pub struct ParseIdError(&'static str);

/// The node (server process) that made an id. It travels inside tokens and room ids; clients treat them as opaque.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub u16);

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Uuid);

        impl $name {
            /// An id made on `node` from 128 random bits, of which 106 are used: a version 8 uuid
            /// ([RFC 9562 §5.8](https://www.rfc-editor.org/rfc/rfc9562#section-5.8)) that begins with the node.
            #[must_use]
            pub fn from_random(node: NodeId, random: u128) -> Self {
                let mut bytes = random.to_be_bytes();
                bytes[..2].copy_from_slice(&node.0.to_be_bytes());
                Self(uuid::Builder::from_custom_bytes(bytes).into_uuid())
            }

            /// The node that made this id.
            #[must_use]
            pub fn node(self) -> NodeId {
                let bytes = self.0.as_bytes();
                NodeId(u16::from_be_bytes([bytes[0], bytes[1]]))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                Uuid::try_parse(text).map(Self).map_err(|_| ParseIdError($what))
            }
        }

        // Text in every encoding: `uuid`'s own impl writes 16 raw bytes into MessagePack, which the contract forbids.
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.0.hyphenated().encode_lower(&mut Uuid::encode_buffer()))
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(de::Error::custom)
            }
        }
    };
}

uuid_id!(
    /// A player: lives as long as the session.
    PlayerId,
    "player id"
);
uuid_id!(
    /// A room.
    RoomId,
    "room id"
);

/// A place in a room, counted from 1. Seat 0 is the game itself: it sends, nobody sits there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seat(pub u16);

impl Seat {
    /// The sender of what no player sent.
    pub const GAME: Self = Self(0);
}

impl fmt::Display for Seat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Names one numbering of a session's events: it changes only when the numbers were lost. Eight hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Epoch(pub u32);

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

impl FromStr for Epoch {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        // `from_str_radix` alone would let a sign and capitals through: two texts for one epoch.
        let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if text.len() != 8 || !text.bytes().all(hex) {
            return Err(ParseIdError("epoch"));
        }
        u32::from_str_radix(text, 16).map(Self).map_err(|_| ParseIdError("epoch"))
    }
}

/// The id of an event on a stream: `<epoch>.<seq>`, below 2^53 in its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct EventId {
    /// Which numbering.
    pub epoch: Epoch,
    /// The event's number in it, from 1; rising, with holes that mean nothing.
    pub seq: u64,
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.epoch, self.seq)
    }
}

impl FromStr for EventId {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        let error = ParseIdError("event id");
        let (epoch, seq) = text.split_once('.').ok_or(error)?;
        if seq.is_empty() || seq.len() > 16 || !seq.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(error);
        }
        let seq = seq.parse().map_err(|_| error)?;
        if seq >= crate::limits::INTEGER_END {
            return Err(error);
        }
        Ok(Self { epoch: epoch.parse().map_err(|_| error)?, seq })
    }
}

macro_rules! text_serde {
    ($name:ident) => {
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(de::Error::custom)
            }
        }
    };
}

text_serde!(Epoch);
text_serde!(EventId);

/// A session's secret: 4 hex digits of the node and 32 of randomness. Whoever holds it is the player.
///
/// `Debug` hides it; there is no `Display`, so that it cannot slip into a log line. [`Token::reveal`] is for the answer
/// to the player himself.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Token {
    node: NodeId,
    secret: u128,
}

impl Token {
    /// Characters of a token.
    pub const CHARS: usize = 36;

    /// A token made on `node` from 128 random bits.
    #[must_use]
    pub fn from_random(node: NodeId, secret: u128) -> Self {
        Self { node, secret }
    }

    /// The token as its owner sends it.
    #[must_use]
    pub fn reveal(&self) -> String {
        format!("{:04x}{:032x}", self.node.0, self.secret)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

impl FromStr for Token {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        let error = ParseIdError("token");
        let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if text.len() != Self::CHARS || !text.bytes().all(hex) {
            return Err(error);
        }
        let node = u16::from_str_radix(&text[..4], 16).map_err(|_| error)?;
        let secret = u128::from_str_radix(&text[4..], 16).map_err(|_| error)?;
        Ok(Self { node: NodeId(node), secret })
    }
}

/// A seat of which there is none: [`Seat::GAME`] is null on the wire.
pub(crate) mod seat_or_null {
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    use super::Seat;

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes fields so")]
    pub(crate) fn serialize<S: Serializer>(seat: &Seat, serializer: S) -> Result<S::Ok, S::Error> {
        Some(*seat).filter(|seat| *seat != Seat::GAME).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Seat, D::Error> {
        Ok(Option::<Seat>::deserialize(deserializer)?.unwrap_or(Seat::GAME))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_survive_their_text_and_carry_their_node() {
        let room = RoomId::from_random(NodeId(7), u128::MAX);
        assert_eq!(room.to_string().parse(), Ok(room));
        assert_eq!(room.node(), NodeId(7));
        let id = EventId { epoch: Epoch(0x7f3a_91c2), seq: 42 };
        assert_eq!(id.to_string(), "7f3a91c2.42");
        assert_eq!("7f3a91c2.42".parse(), Ok(id));
        let token = Token::from_random(NodeId(1), 5);
        assert_eq!(token.reveal().parse(), Ok(token));
    }

    #[test]
    fn malformed_event_ids_are_refused() {
        for text in [
            "",
            ".",
            "7f3a91c2",
            "7f3a91c2.",
            "7F3A91C2.1",
            "7f3a91c2.-1",
            "7f3a91c2.9007199254740992",
            "+f3a91c2.1",
        ] {
            assert!(text.parse::<EventId>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_token_hides_from_debug() {
        let token = Token::from_random(NodeId(1), 5);
        assert!(!format!("{token:?}").contains(&token.reveal()));
        for text in ["", "xyz", &"0".repeat(35), &"0".repeat(37), &"A".repeat(36), &"é".repeat(18)] {
            assert!(text.parse::<Token>().is_err(), "{text}");
        }
    }
}
