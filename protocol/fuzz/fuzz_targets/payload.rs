//! The scan of what is passed on unparsed: what it lets through is one line, and means what was sent.
#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use sward_protocol::payload::{CheckedMessage, Payload};
use sward_protocol::upstream::Message;

fuzz_target!(|text: &str| {
    let _ = Message::read(&CheckedMessage::from_json(text));
    let Ok(payload) = Payload::from_json(text) else { return };
    assert!(!payload.json().contains(['\r', '\n']));
    let sent: Value = serde_json::from_str(text).expect("what passed the scan is JSON, numbers and text too");
    assert_eq!(payload.parse::<Value>().expect("one line of the same"), sent);
    let again = Payload::from_json(payload.json()).expect("what passed once passes again");
    assert_eq!(again, payload);
});
