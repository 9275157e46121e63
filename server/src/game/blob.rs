//! Named blobs of a room: a map, an image, whatever its players fetch by a plain GET and not by their streams.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use mime_guess::mime::Mime;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use sward_protocol::blobs::{BlobInfo, is_blob_name};
use sward_protocol::limits::{BLOB_BYTES_MAX, BLOB_TYPE_BYTES_MAX, ROOM_BLOBS_MAX};

use super::MessageError;

/// Bytes of the hash that an entity tag shows.
const TAG_BYTES: usize = 16;

/// Bytes of a media type that do not change. Cheap to clone: all clones share the bytes.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Blob(Arc<Content>);

/// What is in a [`Blob`].
#[derive(PartialEq, Eq)]
pub(crate) struct Content {
    kind: String,
    etag: String,
    pub(crate) bytes: Vec<u8>,
}

/// A blob in a saved room.
#[derive(Serialize, Deserialize)]
struct Written {
    #[serde(rename = "type")]
    kind: String,
    base64: String,
}

/// Why a blob cannot be published; the room's blobs are as they were.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BlobError {
    /// The name is none that stands in a path as it is.
    #[error("a blob's name has 1 to 64 of A-Z a-z 0-9 - . _ ~, and no dot in front")]
    BadName,
    /// The media type is malformed, or has more than 128 bytes.
    #[error("no media type of at most {BLOB_TYPE_BYTES_MAX} bytes, such as image/png")]
    BadType,
    /// The media type is that of a script, which a browser would run in the name of the game's own page.
    #[error("a script is no blob: serve it as a file of the game's page")]
    Script,
    /// It has more than 1 MiB.
    #[error("{bytes} bytes, and a blob has at most {BLOB_BYTES_MAX}")]
    TooLarge {
        /// How many it has.
        bytes: usize,
    },
    /// The room has 16 blobs already.
    #[error("a room has at most {ROOM_BLOBS_MAX} blobs")]
    TooMany,
    /// All blobs of the room together would have more bytes than its [`Settings`](super::Settings::with_blobs) say.
    #[error("the room's blobs would have {bytes} bytes, and its settings say at most {bytes_max}")]
    RoomFull {
        /// How many they would have.
        bytes: usize,
        /// What the settings say.
        bytes_max: usize,
    },
}

/// A message that made the game publish what cannot be published is refused with the game's code `bad_blob`.
impl From<BlobError> for MessageError {
    fn from(error: BlobError) -> Self {
        Self::of_game("bad_blob", error.to_string())
    }
}

impl Blob {
    /// # Errors
    /// [`BlobError::BadType`], [`BlobError::Script`], [`BlobError::TooLarge`].
    fn new(media_type: &str, bytes: Vec<u8>) -> Result<Self, BlobError> {
        if media_type.len() > BLOB_TYPE_BYTES_MAX
            || !media_type.bytes().all(|byte| (0x20..0x7f).contains(&byte))
        {
            return Err(BlobError::BadType);
        }
        let mime: Mime = media_type.parse().map_err(|_| BlobError::BadType)?;
        if mime.subtype().as_str().is_empty() {
            return Err(BlobError::BadType);
        }
        // Every type that a browser takes for JavaScript has it in its name
        // (https://mimesniff.spec.whatwg.org/#javascript-mime-type), and of others it runs nothing, since it is told not
        // to sniff. A page's policy lets it run what its own origin serves: that must not be what a player sent.
        if mime.subtype().as_str().contains("script") {
            return Err(BlobError::Script);
        }
        if bytes.len() > BLOB_BYTES_MAX {
            return Err(BlobError::TooLarge { bytes: bytes.len() });
        }
        let kind = media_type.to_owned();
        // No byte of a type is 0: the two cannot be told apart wrongly.
        let hash = Sha256::new().chain_update(&kind).chain_update([0]).chain_update(&bytes).finalize();
        let etag = hash.iter().take(TAG_BYTES).map(|byte| format!("{byte:02x}")).collect();
        Ok(Self(Arc::new(Content { kind, etag, bytes })))
    }

    /// Its media type, as it was published.
    #[must_use]
    pub fn media_type(&self) -> &str {
        &self.0.kind
    }

    /// Its bytes, at most 1 MiB.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0.bytes
    }

    /// 32 hexadecimal digits that no other bytes or media type have: 128 bits of their SHA-256.
    #[must_use]
    pub fn etag(&self) -> &str {
        &self.0.etag
    }

    /// As players are told of it.
    #[must_use]
    pub fn info(&self, name: &str) -> BlobInfo {
        let Content { kind, etag, bytes } = &*self.0;
        BlobInfo {
            name: name.to_owned(),
            etag: etag.clone(),
            size_bytes: bytes.len() as u64,
            kind: kind.clone(),
        }
    }

    /// What all clones share.
    pub(crate) fn content(&self) -> &Arc<Content> {
        &self.0
    }
}

impl fmt::Debug for Blob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Blob({:?}, {} bytes, {})", self.0.kind, self.0.bytes.len(), self.0.etag)
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Content")
    }
}

impl From<Blob> for Written {
    fn from(blob: Blob) -> Self {
        Self { kind: blob.0.kind.clone(), base64: BASE64.encode(&blob.0.bytes) }
    }
}

impl TryFrom<Written> for Blob {
    type Error = String;

    fn try_from(Written { kind, base64 }: Written) -> Result<Self, String> {
        let bytes = BASE64.decode(base64).map_err(|error| error.to_string())?;
        Self::new(&kind, bytes).map_err(|error| error.to_string())
    }
}

/// A name and the blob that it stands for now; `None`: none any more.
type Change = (Arc<str>, Option<Blob>);

/// The blobs of one room, and what changed of them during a call.
#[derive(Debug, Clone, PartialEq)]
pub struct Blobs {
    by_name: BTreeMap<Arc<str>, Blob>,
    bytes: usize,
    bytes_max: usize,
    /// Not told to the shell yet, in order.
    changes: Vec<Change>,
    /// What was refused, not told to the shell yet.
    refused: u32,
}

impl Blobs {
    /// None yet, and never more than so many bytes.
    #[must_use]
    pub fn new(bytes_max: usize) -> Self {
        Self { by_name: BTreeMap::new(), bytes: 0, bytes_max, changes: Vec::new(), refused: 0 }
    }

    /// Those of a saved room.
    pub fn restore(&mut self, by_name: BTreeMap<Arc<str>, Blob>) {
        self.bytes = by_name.values().map(|blob| blob.bytes().len()).sum();
        self.by_name = by_name;
    }

    /// By name.
    #[must_use]
    pub fn by_name(&self) -> &BTreeMap<Arc<str>, Blob> {
        &self.by_name
    }

    /// As players are told of them.
    #[must_use]
    pub fn infos(&self) -> Vec<BlobInfo> {
        self.by_name.iter().map(|(name, blob)| blob.info(name)).collect()
    }

    /// Puts a blob in place of the one of this name. `None`: it has the same bytes and media type.
    ///
    /// # Errors
    /// [`BlobError`]: nothing has changed.
    pub fn set(
        &mut self,
        name: &str,
        media_type: &str,
        bytes: Vec<u8>,
    ) -> Result<Option<BlobInfo>, BlobError> {
        let result = self.try_set(name, media_type, bytes);
        self.refused += u32::from(result.is_err());
        result
    }

    fn try_set(
        &mut self,
        name: &str,
        media_type: &str,
        bytes: Vec<u8>,
    ) -> Result<Option<BlobInfo>, BlobError> {
        if !is_blob_name(name) {
            return Err(BlobError::BadName);
        }
        let old = self.by_name.get(name);
        if old.is_some_and(|old| old.media_type() == media_type && old.bytes() == bytes) {
            return Ok(None);
        }
        if old.is_none() && self.by_name.len() >= ROOM_BLOBS_MAX {
            return Err(BlobError::TooMany);
        }
        let freed = old.map_or(0, |old| old.bytes().len());
        let (all, bytes_max) = (self.bytes - freed + bytes.len(), self.bytes_max);
        // What no room could have is told as such, and before its hash is taken.
        if all > bytes_max && bytes.len() <= BLOB_BYTES_MAX {
            return Err(BlobError::RoomFull { bytes: all, bytes_max });
        }
        let (name, blob): (Arc<str>, _) = (name.into(), Blob::new(media_type, bytes)?);
        let info = blob.info(&name);
        self.by_name.insert(Arc::clone(&name), blob.clone());
        self.bytes = all;
        self.changes.push((name, Some(blob)));
        Ok(Some(info))
    }

    /// Takes a blob away. Whether there was one.
    pub fn remove(&mut self, name: &str) -> bool {
        let Some((name, blob)) = self.by_name.remove_entry(name) else { return false };
        self.bytes -= blob.bytes().len();
        self.changes.push((name, None));
        true
    }

    /// What changed since this was last asked, and how much was refused.
    pub fn take_changes(&mut self) -> (Vec<Change>, u32) {
        (std::mem::take(&mut self.changes), std::mem::take(&mut self.refused))
    }
}

#[cfg(test)]
mod tests {
    use sward_protocol::limits::ROOM_BLOB_BYTES_MAX;

    use super::*;

    fn set(blobs: &mut Blobs, name: &str, bytes: usize) -> Result<(), BlobError> {
        blobs.set(name, "image/png", vec![7; bytes]).map(|_| ())
    }

    #[test]
    fn a_blob_is_named_as_a_path_may_be() {
        let mut blobs = Blobs::new(1_000);
        for good in ["map", "map.v2", "A-Z_~9", "~", &"x".repeat(64)] {
            assert_eq!(set(&mut blobs, good, 1), Ok(()), "{good}");
        }
        for bad in ["", ".", "..", ".map", "a/b", "a b", "ä", "a%2Fb", "a\nb", "?", &"x".repeat(65)] {
            assert_eq!(set(&mut blobs, bad, 1), Err(BlobError::BadName), "{bad:?}");
        }
        assert_eq!(blobs.by_name().len(), 5);
    }

    #[test]
    fn its_type_is_one_and_no_script() {
        let mut blobs = Blobs::new(1_000);
        for good in ["image/png", "text/html; charset=utf-8", "application/vnd.game+json;v=\"1 2\""] {
            assert!(blobs.set("a", good, Vec::new()).unwrap().is_some(), "{good}");
        }
        let long = format!("image/{}", "x".repeat(123));
        for bad in
            ["", "png", "image/", "/png", "image/png\r\nX: y", "image/png; a=\"\u{7f}\"", "image/ü", &long]
        {
            assert_eq!(blobs.set("a", bad, Vec::new()), Err(BlobError::BadType), "{bad:?}");
        }
        for bad in ["text/javascript", "Application/X-JavaScript; charset=utf-8", "text/jscript"] {
            assert_eq!(blobs.set("a", bad, Vec::new()), Err(BlobError::Script), "{bad}");
        }
    }

    #[test]
    fn a_blob_a_room_and_its_names_are_bounded() {
        let mut blobs = Blobs::new(ROOM_BLOB_BYTES_MAX);
        let too_large = BlobError::TooLarge { bytes: BLOB_BYTES_MAX + 1 };
        assert_eq!(set(&mut blobs, "a", BLOB_BYTES_MAX + 1), Err(too_large));
        for name in ["a", "b", "c", "d"] {
            assert_eq!(set(&mut blobs, name, BLOB_BYTES_MAX), Ok(()));
        }
        let (bytes, bytes_max) = (ROOM_BLOB_BYTES_MAX + 1, ROOM_BLOB_BYTES_MAX);
        assert_eq!(set(&mut blobs, "e", 1), Err(BlobError::RoomFull { bytes, bytes_max }));
        assert_eq!(set(&mut blobs, "a", 0), Ok(()), "what it replaces makes room");
        assert!(blobs.remove("b") && !blobs.remove("b"));
        for number in 3..ROOM_BLOBS_MAX {
            assert_eq!(set(&mut blobs, &format!("n{number}"), 1), Ok(()));
        }
        assert_eq!(set(&mut blobs, "more", 0), Err(BlobError::TooMany));
        assert_eq!(set(&mut blobs, "a", 1), Ok(()), "one that is there is replaced all the same");
        let (changes, refused) = blobs.take_changes();
        assert_eq!((changes.len(), refused), (4 + 1 + 1 + 13 + 1, 3));
        assert_eq!(blobs.take_changes(), (Vec::new(), 0));
        assert_eq!(set(&mut Blobs::new(0), "a", 1), Err(BlobError::RoomFull { bytes: 1, bytes_max: 0 }));
    }

    #[test]
    fn the_tag_is_that_of_bytes_and_type() {
        let tag = |kind: &str, bytes: &[u8]| Blob::new(kind, bytes.to_vec()).unwrap().etag().to_owned();
        assert_eq!(tag("text/plain", b"hi"), tag("text/plain", b"hi"));
        assert_ne!(tag("text/plain", b"hi"), tag("text/plain", b"ho"));
        assert_ne!(tag("text/plain", b"hi"), tag("text/html", b"hi"));
        // printf 'text/plain\0hi' | sha256sum
        assert_eq!(tag("text/plain", b"hi"), "43fc6a37d37c97d488d05dae28689cb8");
        let mut blobs = Blobs::new(10);
        assert!(blobs.set("a", "text/plain", b"hi".to_vec()).unwrap().is_some());
        assert_eq!(blobs.set("a", "text/plain", b"hi".to_vec()), Ok(None), "nothing has changed");
    }

    #[test]
    fn a_blob_is_saved_and_what_was_no_blob_is_not_restored() {
        let blob = Blob::new("image/png", vec![0, 255, 7]).unwrap();
        let json = serde_json::to_string(&blob).unwrap();
        assert_eq!(json, r#"{"type":"image/png","base64":"AP8H"}"#);
        assert_eq!(serde_json::from_str::<Blob>(&json).unwrap(), blob);
        for bad in [r#"{"type":"png","base64":"AP8H"}"#, r#"{"type":"image/png","base64":"?"}"#] {
            assert!(serde_json::from_str::<Blob>(bad).is_err(), "{bad}");
        }
    }
}
