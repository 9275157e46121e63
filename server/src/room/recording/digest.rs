//! The hash of a room, and of what it says: 64 bits of FNV-1a
//! ([draft-eastlake-fnv](https://datatracker.ietf.org/doc/draft-eastlake-fnv/)), the same on every platform.
//!
//! It tells a difference that nobody made on purpose; it is no proof against somebody who wants two rooms to look alike.

use std::io;

use serde::Serialize;
use sward_protocol::fragment::push_event;

use crate::game::Audience;
use crate::room::effect::Effect;

const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0000_0100_0000_01b3;

/// A hash that is being made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digest {
    hash: u64,
    /// Memory for events that are written to be hashed.
    written: Vec<u8>,
}

impl Default for Digest {
    fn default() -> Self {
        Self { hash: OFFSET, written: Vec::new() }
    }
}

impl io::Write for Digest {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Digest {
    /// The hash of all that was given so far.
    #[must_use]
    pub fn hash(&self) -> u64 {
        self.hash
    }

    /// Nothing was given any more.
    pub fn clear(&mut self) {
        self.hash = OFFSET;
    }

    /// Takes up bytes.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.hash = bytes.iter().fold(self.hash, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME));
    }

    /// Takes up a number.
    pub fn number(&mut self, number: u64) {
        self.bytes(&number.to_le_bytes());
    }

    /// Takes up a text, and where it ends.
    pub fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.bytes(text.as_bytes());
    }

    /// Takes up a value as JSON. One that does not serialise counts as what was written of it: the same, whoever writes it.
    pub fn value<T: Serialize + ?Sized>(&mut self, value: &T) {
        let is_whole = serde_json::to_writer(&mut *self, value).is_ok();
        self.number(u64::from(is_whole));
    }

    /// Takes up what a room wants done.
    pub fn effect(&mut self, effect: &Effect) {
        match effect {
            Effect::Admitted(joined) => self.tagged("admitted", joined),
            Effect::Refused(refusal) => self.tagged("refused", &refusal.to_string()),
            Effect::Send(outgoing) => {
                self.text("send");
                self.audience(&outgoing.audience);
                let latest = outgoing.latest.as_ref();
                self.value(&latest.map(|key| (key.owner, &*key.name)));
                let mut written = std::mem::take(&mut self.written);
                written.clear();
                // One that does not serialise is dropped by the shell, in a replay as well.
                let is_whole = push_event(&mut written, &outgoing.event).is_ok();
                self.number(u64::from(is_whole));
                self.bytes(&written);
                self.written = written;
            }
            Effect::Frame(frame) => {
                self.text("frame");
                frame.digest(self);
            }
            Effect::Vacated { seat, why, detail } => self.tagged("vacated", &(seat, why, detail)),
            Effect::Results(results) => {
                self.text("results");
                for result in results {
                    match result {
                        Ok(reply) => self.tagged("ok", reply),
                        Err(error) => self.tagged("error", error),
                    }
                }
            }
            Effect::Snapshot(joined) => self.tagged("snapshot", joined),
            Effect::Changed(change) => self.tagged("changed", change),
            Effect::Occupied => self.text("occupied"),
            // The blob itself is in the room's state: it is too large to be hashed twice.
            Effect::Shown { name, blob } => self.tagged("shown", &(&**name, blob.is_some())),
            Effect::BlobRefused => self.text("blob_refused"),
            Effect::Banned(bans) => self.tagged("banned", bans),
            Effect::BanForgotten => self.text("ban_forgotten"),
            Effect::Dropped(dropped) => self.tagged("dropped", &(&dropped.what, &dropped.why)),
            Effect::Closed => self.text("closed"),
        }
    }

    fn tagged<T: Serialize + ?Sized>(&mut self, tag: &str, value: &T) {
        self.text(tag);
        self.value(value);
    }

    fn audience(&mut self, audience: &Audience) {
        match audience {
            Audience::All => self.text("all"),
            Audience::Only(seat) => self.tagged("only", seat),
            Audience::Except(seat) => self.tagged("except", seat),
            Audience::These(seats) => self.tagged("these", seats),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_that_of_the_specification() {
        for (text, hash) in
            [("", 0xcbf2_9ce4_8422_2325_u64), ("a", 0xaf63_dc4c_8601_ec8c), ("foobar", 0x8594_4171_f739_67e8)]
        {
            let mut digest = Digest::default();
            digest.bytes(text.as_bytes());
            assert_eq!(digest.hash(), hash, "{text}");
        }
    }

    #[test]
    fn what_ends_elsewhere_is_another_hash() {
        let of = |texts: &[&str]| {
            let mut digest = Digest::default();
            texts.iter().for_each(|text| digest.text(text));
            digest.hash()
        };
        assert_ne!(of(&["ab", "c"]), of(&["a", "bc"]));
        assert_eq!(of(&["ab", "c"]), of(&["ab", "c"]));
    }
}
