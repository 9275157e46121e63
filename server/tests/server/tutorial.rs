//! The tutorial's code is that of `examples/`: compiled here, tested, and served.

use serde_json::json;

use crate::support::Server;

#[path = "../../examples/tutorial.rs"]
#[allow(dead_code, reason = "its main is not run here")]
mod example;

const TUTORIAL: &str = include_str!("../../../docs/tutorial.md");
const GAME: &str = include_str!("../../examples/tutorial.rs");
const PAGE_ONLY: &str = include_str!("../../../docs/page-only.md");
const PAD: &str = include_str!("../../examples/pad/index.html");
const PAGE: &str = include_str!("../../examples/public/index.html");

/// All blocks of a language, one after the other.
fn blocks(text: &str, language: &str) -> String {
    let opening = format!("```{language}\n");
    let blocks = text.split(&opening).skip(1).map(|rest| rest.split("```").next().unwrap());
    blocks.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_tutorial_shows_the_code_that_is_compiled() {
    assert_eq!(blocks(TUTORIAL, "rust"), GAME);
    assert_eq!(blocks(TUTORIAL, "html"), PAGE);
    let is_code = |line: &&str| !line.trim().is_empty() && !line.trim().starts_with("//");
    let lines = GAME.lines().filter(is_code).count();
    assert!(lines < 80, "{lines} lines of code");
}

#[test]
fn the_tutorial_s_page_is_served_with_the_sdk_that_it_loads() {
    let server = Server::start_with(&["--files", concat!(env!("CARGO_MANIFEST_DIR"), "/examples/public")]);
    assert_eq!(server.get("/").text(), PAGE);
    let sdk = PAGE.split("from '").nth(1).unwrap().split('\'').next().unwrap();
    assert_eq!(server.get(sdk).status, 200);
}

#[test]
fn the_page_without_server_code_is_the_one_that_is_served() {
    assert_eq!(blocks(PAGE_ONLY, "html"), PAD);
    let server = Server::start_with(&["--files", concat!(env!("CARGO_MANIFEST_DIR"), "/examples/pad")]);
    assert_eq!(server.get("/").text(), PAD);
    let (zoe, bo) = (server.player("Zoë"), server.player("Bo"));
    // What its join and its messages say.
    let join = json!({"game": "relay", "create": true, "meta": {"page": "pad"}, "filter": {"page": "pad"}});
    zoe.join(&json!({"game": "relay", "create": true}));
    let first = bo.join(&join)["room"]["id"].clone();
    assert_eq!(zoe.join(&join)["room"]["id"], first, "not a room of another page");
    let text = json!({"type": "text", "data": "a", "key": "text", "keep": {"name": "text", "scope": "room"}});
    assert_eq!(zoe.send(&text).status, 200);
    assert_eq!(zoe.send(&json!({"type": "line", "data": 7, "key": "line", "keep": "line"})).status, 200);
    let mo = server.player("Mo");
    let mut stream = mo.stream();
    mo.join(&join);
    let state = stream.await_event("joined")["state"].clone();
    assert_eq!(state, json!({"room": {"text": "a"}, "seats": {"2": {"line": 7}}}));
}
