//! Writes what each target begins with: the golden bytes of the contract, taken apart.
#![allow(clippy::disallowed_methods, reason = "a tool may read and write files")]

use std::collections::BTreeSet;
use std::error::Error;
use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

#[derive(Deserialize)]
struct Body {
    json: Box<RawValue>,
    msgpack: Option<String>,
}

/// A state and what was patched behind it.
#[derive(Deserialize)]
struct Script {
    state: Box<RawValue>,
    patches: Vec<Step>,
}

#[derive(Deserialize)]
struct Step {
    patch: Box<RawValue>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let golden = here.join("../tests/golden");
    let corpus = Corpus(here.join("corpus"));

    for entry in fs::read_dir(&golden)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let targets: &[&str] = match path.extension().and_then(|extension| extension.to_str()) {
            Some("sse") => &["sse", "reader"],
            Some("frames") => &["frames", "reader"],
            _ => continue,
        };
        // The targets take the last byte for a number of their own.
        let bytes = [fs::read(&path)?, vec![b'@']].concat();
        for target in targets {
            corpus.add(target, name, &bytes)?;
        }
    }

    let bodies: Vec<Body> = serde_json::from_slice(&fs::read(golden.join("bodies.json"))?)?;
    let mut texts = BTreeSet::new();
    for (number, Body { json, msgpack }) in bodies.iter().enumerate() {
        let name = format!("body-{number}");
        corpus.add("json_body", &name, json.get().as_bytes())?;
        corpus.add("payload", &name, json.get().as_bytes())?;
        if let Some(msgpack) = msgpack {
            corpus.add("msgpack_body", &name, &BASE64.decode(msgpack)?)?;
        }
        gather(&serde_json::from_str(json.get())?, &mut texts);
    }
    for (number, text) in texts.iter().enumerate() {
        corpus.add("text", &format!("text-{number}"), text.as_bytes())?;
    }

    let scripts: Vec<Script> = serde_json::from_slice(&fs::read(golden.join("world.json"))?)?;
    for (number, Script { state, patches }) in scripts.iter().enumerate() {
        let patches = patches.iter().map(|Step { patch }| patch.get());
        let lines: Vec<_> = std::iter::once(state.get()).chain(patches).collect();
        corpus.add("view", &format!("script-{number}"), lines.join("\n").as_bytes())?;
    }
    Ok(())
}

/// All strings in a value.
fn gather(value: &Value, texts: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => drop(texts.insert(text.clone())),
        Value::Array(values) => values.iter().for_each(|value| gather(value, texts)),
        Value::Object(fields) => fields.values().for_each(|value| gather(value, texts)),
        _ => {}
    }
}

struct Corpus(std::path::PathBuf);

impl Corpus {
    fn add(&self, target: &str, name: &str, bytes: &[u8]) -> std::io::Result<()> {
        fs::create_dir_all(self.0.join(target))?;
        fs::write(self.0.join(target).join(name), bytes)
    }
}
