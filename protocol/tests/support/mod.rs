//! What the tests of the wire's bytes share.

use std::path::PathBuf;

use sward_protocol::payload::Payload;

/// Compares with a file of `tests/golden`, or, after a deliberate change of the wire, writes it.
pub fn golden(file: &str, now: &[u8]) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(file);
    if std::env::var_os("SWARD_BLESS").is_some() {
        std::fs::write(&path, now).unwrap();
    }
    let want = std::fs::read(&path).unwrap();
    assert!(now == want, "{file} differs: {}", String::from_utf8_lossy(now));
}

pub fn payload(value: &serde_json::Value) -> Payload {
    Payload::of(value).unwrap()
}
