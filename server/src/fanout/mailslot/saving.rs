//! A mailslot as a value, and back.

use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

use super::{Mailslot, Slot};
use crate::fanout::outbox::Outbox;
use crate::fanout::saved::SavedMailslot;
use crate::game::SaveError;

impl Mailslot {
    /// The mailslot as a value.
    #[must_use]
    pub fn save(&self) -> SavedMailslot {
        let slot = self.slot();
        SavedMailslot {
            outbox: slot.outbox.save(),
            newest: slot.newest,
            began: slot.began,
            shut: slot.shut,
            nonces: slot.nonces.clone(),
            tenancy: slot.tenancy,
            awaits_snapshot: slot.awaits_snapshot,
            joined_bytes: slot.joined_bytes,
        }
    }

    /// The mailslot that was saved. No stream reads it. If it waits for `joined`, whoever was asked for that is no more: the
    /// next stream that opens asks again.
    ///
    /// # Errors
    /// [`SaveError::Malformed`]: no mailslot saves itself so.
    pub fn restore(saved: &SavedMailslot) -> Result<Self, SaveError> {
        if !saved.nonces.is_within_bounds() {
            return Err(SaveError::Malformed("too many nonces".to_owned()));
        }
        let slot = Slot {
            outbox: Outbox::restore(&saved.outbox)?,
            attached: None,
            newest: saved.newest,
            began: saved.began,
            shut: saved.shut,
            nonces: saved.nonces.clone(),
            tenancy: saved.tenancy,
            awaits_snapshot: saved.awaits_snapshot,
            asked_for_snapshot: false,
            joined_bytes: saved.joined_bytes,
        };
        Ok(Self { slot: Mutex::new(slot), reads_packed: AtomicBool::new(false) })
    }
}
