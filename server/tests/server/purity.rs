//! The pure layers stay pure: no IO, no clock, no threads, and no dependency that points outward.

use std::path::{Path, PathBuf};

/// Files and folders below `server/src` that are pure, and `protocol/src`. ARCHITECTURE.md has the same list.
const PURE: &[&str] = &[
    "chat.rs",
    "game",
    "games",
    "matchmaking",
    "rate.rs",
    "net/framing.rs",
    "net/frames.rs",
    "room/bans.rs",
    "room/core.rs",
    "room/core",
    "room/order.rs",
    "room/owner.rs",
    "room/input.rs",
    "room/effect.rs",
    "room/roster.rs",
    "room/saved.rs",
    "room/lobby.rs",
    "room/lobby",
    "room/passes.rs",
    "room/recording",
    "room/simulation",
    "room/testing.rs",
    "room/testing",
    "session/state.rs",
    "social/asks.rs",
    "social/call.rs",
    "social/feed.rs",
    "session/first_answers.rs",
    "session/inbox.rs",
    "session/inbox",
    "session/saved.rs",
    "operator/warnings.rs",
    "fanout/encode.rs",
    "fanout/entry.rs",
    "fanout/flush.rs",
    "fanout/nonces.rs",
    "fanout/outbox.rs",
    "fanout/outbox",
    "fanout/part.rs",
    "fanout/patch.rs",
    "fanout/saved.rs",
    "fanout/sight.rs",
    "fanout/sight",
    "stream/gzip.rs",
    "stream/options.rs",
    "stream/words.rs",
    "world",
    "../../protocol/src",
    "../../loadtest/src/client/queue",
    "../../loadtest/src/client/cursor.rs",
    "../../loadtest/src/client/ladder.rs",
    "../../loadtest/src/client/backoff.rs",
];

/// What no pure file may name.
const FORBIDDEN: &[&str] = &[
    "actix",
    "tokio",
    "dashmap",
    "tracing",
    "uuid::Uuid::new",
    "std::net",
    "std::fs",
    "std::env",
    "std::thread",
    "std::process",
    "std::sync::{",
    "Mutex",
    "SystemTime",
    "Instant",
    "HashSet",
    "HashMap",
    "DefaultHasher",
    "use std::{",
    "entropy",
    "crate::http",
    "crate::app",
    "crate::metrics",
    "crate::room::actor",
    "crate::room::handle",
    "crate::room::directory",
    ".sin()",
    ".cos()",
    ".hypot(",
    ".powf(",
    ".exp()",
];

fn rust_files(path: &Path, found: &mut Vec<PathBuf>) {
    if path.is_dir() {
        for entry in std::fs::read_dir(path).unwrap() {
            rust_files(&entry.unwrap().path(), found);
        }
    } else if path.extension().is_some_and(|extension| extension == "rs") {
        found.push(path.to_owned());
    }
}

/// The code of a file without its comments and without its test module.
fn code(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap();
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    text.lines().map(|line| line.split("//").next().unwrap()).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_pure_layers_contain_no_io() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut seen = 0;
    for pure in PURE {
        let mut files = Vec::new();
        rust_files(&source.join(pure), &mut files);
        assert!(!files.is_empty(), "{pure} is no more; mend this list and ARCHITECTURE.md");
        for file in files {
            let code = code(&file);
            for word in FORBIDDEN {
                assert!(!code.contains(word), "{} is pure and may not name {word}", file.display());
            }
            seen += 1;
        }
    }
    assert!(seen > 30, "only {seen} files looked at");
}

#[test]
fn rooms_are_known_to_be_actors_by_themselves_and_their_handle_only() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    rust_files(&source, &mut files);
    let knows = |file: &&PathBuf| {
        let code = code(file);
        code.contains("actix::") || code.contains("Addr<")
    };
    let mut knowing: Vec<_> = files
        .iter()
        .filter(knows)
        .map(|file| file.strip_prefix(&source).unwrap().to_str().unwrap())
        .collect();
    knowing.sort_unstable();
    assert_eq!(
        knowing,
        [
            "room/actor.rs",
            "room/actor/alarm.rs",
            "room/actor/command.rs",
            "room/actor/members.rs",
            "room/actor/rhythm.rs",
            "room/actor/shown.rs",
            "room/actor/snapshots.rs",
            "room/handle.rs"
        ]
    );
}

#[test]
fn architecture_md_names_every_module() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let text = std::fs::read_to_string(root.join("ARCHITECTURE.md")).unwrap();
    for crate_name in ["protocol", "server", "loadtest"] {
        let source = root.join(crate_name).join("src");
        let mut files = Vec::new();
        rust_files(&source, &mut files);
        for file in files {
            let name = file.strip_prefix(&source).unwrap().to_str().unwrap();
            let module = name.strip_suffix("/mod.rs").or_else(|| name.strip_suffix(".rs")).unwrap();
            let last = module.rsplit('/').next().unwrap();
            assert!(text.contains(&format!("`{last}`")), "{crate_name}/src/{name} is not in ARCHITECTURE.md");
        }
    }
}
