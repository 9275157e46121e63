//! What players fetch: the named blobs of a room.

use std::collections::BTreeMap;
use std::sync::Arc;

use sward_protocol::blobs::BlobChange;
use sward_protocol::downstream::Event;

use super::Room;
use crate::game::Audience;
use crate::game::blob::{Blob, BlobError};

/// What players fetch.
impl Room<'_> {
    /// Publishes a named blob, or puts it in place of the one of this name: a map, an image, whatever is too large for an
    /// event or is shown by a browser itself. Everybody hears `blob` with its name and tag, in the order in which other
    /// things are said, finds it in `joined`, and fetches it from `/v1/rooms/{id}/blobs/{name}` without a word to the game.
    /// The same bytes and media type again change nothing.
    ///
    /// Whoever sits in the room may fetch it, and whoever may see the room: now, or as late as
    /// [`Settings::public`](crate::game::Settings::public) says, also what was replaced or removed since. What a game hides from
    /// some of its players is no blob. Who is reading a blob when it is replaced has 10 s to finish, or less where the
    /// room's bytes are needed for other blobs; then he is cut off, and asks again.
    ///
    /// `name` is 1–64 of `A–Z a–z 0–9 - . _ ~` without a dot in front, `media_type` such as `image/png`. The bytes count for
    /// what a game may say in one step.
    ///
    /// # Errors
    /// [`BlobError`], and nothing has changed: past 1 MiB, 16 blobs, or the bytes of
    /// [`Settings::with_blobs`](crate::game::Settings::with_blobs), of which a room has none unless its game says so.
    pub fn publish(
        &mut self,
        name: &str,
        media_type: &str,
        bytes: impl Into<Vec<u8>>,
    ) -> Result<(), BlobError> {
        let bytes = bytes.into();
        // Refused or not, looking at them was work.
        self.controls.count(bytes.len());
        if let Some(info) = self.controls.blobs.set(name, media_type, bytes)? {
            self.event(Audience::All, name.len(), Event::Blob(info.into()), None);
        }
        Ok(())
    }

    /// Takes a named blob away: everybody hears `blob` with its name and an `etag` of null. Whether there was one.
    pub fn unpublish(&mut self, name: &str) -> bool {
        let is_removed = self.controls.blobs.remove(name);
        if is_removed {
            self.event(Audience::All, name.len(), Event::Blob(BlobChange::removed(name)), None);
        }
        is_removed
    }

    /// The blob of this name.
    #[must_use]
    pub fn blob(&self, name: &str) -> Option<&Blob> {
        self.controls.blobs.by_name().get(name)
    }

    /// The blobs of the room, by name.
    #[must_use]
    pub fn blobs(&self) -> &BTreeMap<Arc<str>, Blob> {
        self.controls.blobs.by_name()
    }
}
