//! What the targets of both encodings do with a body.

use std::fmt::Debug;

use serde::Serialize;
use serde::de::DeserializeOwned;
use sward_protocol::codec::Encoding;
use sward_protocol::rooms::{CreateRoom, Join, JoinRoom, RoomList, Seated};
use sward_protocol::session::{CreateSession, SessionCreated};
use sward_protocol::upstream::{Answer, Message, SendBody};

/// Reads the bytes as a body of every route, and what could be read once more from what is written of it.
pub fn read_every_body(encoding: Encoding, bytes: &[u8]) {
    if let Ok(body) = encoding.decode::<SendBody>(bytes) {
        for message in body.msgs.iter().flatten() {
            if let Ok(message) = Message::read(message) {
                assert!(!message.data.json().contains(['\r', '\n']));
            }
        }
    }
    round_trip::<CreateSession>(encoding, bytes);
    round_trip::<SessionCreated>(encoding, bytes);
    round_trip::<Join>(encoding, bytes);
    round_trip::<JoinRoom>(encoding, bytes);
    round_trip::<CreateRoom>(encoding, bytes);
    round_trip::<Seated>(encoding, bytes);
    round_trip::<RoomList>(encoding, bytes);
    round_trip::<Answer>(encoding, bytes);
}

fn round_trip<T: Serialize + DeserializeOwned + PartialEq + Debug>(encoding: Encoding, bytes: &[u8]) {
    let Ok(value) = encoding.decode::<T>(bytes) else { return };
    // In JSON, because it keeps the text of a payload: MessagePack has one form of `1.50` and `1.5`.
    let written = Encoding::Json.encode(&value).expect("what was read can be written");
    assert_eq!(Encoding::Json.decode::<T>(&written).as_ref(), Ok(&value));
    let packed = Encoding::Msgpack.encode(&value).expect("what was read can be written");
    Encoding::Msgpack.decode::<T>(&packed).expect("what was written can be read");
}
