//! The tutorial's code is that of `examples/`: compiled here, tested, and served.

use crate::support::Server;

#[path = "../../examples/tutorial.rs"]
#[allow(dead_code, reason = "its main is not run here")]
mod example;

const TUTORIAL: &str = include_str!("../../../docs/tutorial.md");
const GAME: &str = include_str!("../../examples/tutorial.rs");
const PAGE: &str = include_str!("../../examples/public/index.html");

/// All blocks of a language, one after the other.
fn blocks(language: &str) -> String {
    let opening = format!("```{language}\n");
    let blocks = TUTORIAL.split(&opening).skip(1).map(|rest| rest.split("```").next().unwrap());
    blocks.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_tutorial_shows_the_code_that_is_compiled() {
    assert_eq!(blocks("rust"), GAME);
    assert_eq!(blocks("html"), PAGE);
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
