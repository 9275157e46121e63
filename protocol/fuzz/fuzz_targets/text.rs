//! Ids, tokens, names and chat lines.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sward_protocol::ids::{Epoch, EventId, PlayerId, RoomId, Token};
use sward_protocol::text;

fuzz_target!(|text: &str| {
    if let Ok(id) = text.parse::<EventId>() {
        assert_eq!(id.to_string().parse(), Ok(id));
    }
    if let Ok(epoch) = text.parse::<Epoch>() {
        assert_eq!(epoch.to_string(), text, "one text for one epoch");
    }
    if let Ok(token) = text.parse::<Token>() {
        assert_eq!(token.reveal(), text, "one text for one token");
    }
    if let Ok(id) = text.parse::<PlayerId>() {
        assert_eq!(id.to_string().parse(), Ok(id));
    }
    let _ = text.parse::<RoomId>();
    if let Ok(name) = text::name(text) {
        assert_eq!(text::name(&name).as_ref(), Ok(&name), "one form only");
    }
    if let Ok(line) = text::chat(text) {
        assert_eq!(text::chat(&line).as_ref(), Ok(&line), "one form only");
        assert!(!line.contains(['\r', '\n', '\0']));
    }
});
