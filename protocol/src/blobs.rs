//! Named blobs of a room: what tells of them. Their bytes are asked for by `GET /v1/rooms/{id}/blobs/{name}`.

use serde::{Deserialize, Serialize};

use crate::limits::KEY_CHARS_MAX;

/// A blob, in `joined` and in what shows a room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlobInfo {
    /// Unique in its room, see [`is_blob_name`].
    pub name: String,
    /// What tells these bytes of this type from all others: the `ETag` of a GET, without its quotation marks.
    pub etag: String,
    /// How many bytes it has.
    pub size_bytes: u64,
    /// Its media type.
    #[serde(rename = "type")]
    pub kind: String,
}

/// Data of `blob`: a blob was published or replaced, or is no more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlobChange {
    /// Which.
    pub name: String,
    /// As that of [`BlobInfo`]; null: there is no blob of this name any more, and the other fields are absent.
    pub etag: Option<String>,
    /// As that of [`BlobInfo`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size_bytes: Option<u64>,
    /// As that of [`BlobInfo`].
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
}

impl BlobChange {
    /// It is no more.
    #[must_use]
    pub fn removed(name: impl Into<String>) -> Self {
        Self { name: name.into(), etag: None, size_bytes: None, kind: None }
    }
}

impl From<BlobInfo> for BlobChange {
    fn from(BlobInfo { name, etag, size_bytes, kind }: BlobInfo) -> Self {
        Self { name, etag: Some(etag), size_bytes: Some(size_bytes), kind: Some(kind) }
    }
}

/// Whether a blob may have this name: 1–64 of the characters that stand in a URL as they are (`A–Z a–z 0–9 - . _ ~`,
/// [RFC 3986 §2.3](https://www.rfc-editor.org/rfc/rfc3986#section-2.3)), and no dot in front, since `.` and `..` are no
/// names in a path.
///
/// ```
/// use sward_protocol::blobs::is_blob_name;
/// assert!(is_blob_name("map.v2"));
/// assert!(!is_blob_name("..") && !is_blob_name("a/b") && !is_blob_name(""));
/// ```
#[must_use]
pub fn is_blob_name(name: &str) -> bool {
    let may_stand = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    (1..=KEY_CHARS_MAX).contains(&name.len()) && !name.starts_with('.') && name.bytes().all(may_stand)
}
