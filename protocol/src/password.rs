//! A room's password: shown to nobody, compared without telling how much of it was right.

use std::fmt;

use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;

use crate::limits::{PASSWORD_BYTES_MAX, PASSWORD_CHARS_MAX};

/// A password, as it was set or as somebody offers it.
///
/// `Debug` hides it and there is no `Display`, so that it cannot slip into a log line. It serialises as it is: for the
/// client's own request, and for a room that is saved.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Password(String);

impl Password {
    /// A password as somebody typed it, of whatever length.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Whether a room may have it: 1–64 characters, at most 256 bytes. It is never trimmed or normalised.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        (1..=PASSWORD_CHARS_MAX).contains(&self.0.chars().count()) && self.0.len() <= PASSWORD_BYTES_MAX
    }

    /// Whether somebody offers this one. It takes the same time whatever is offered; a longer one than any room may have is
    /// wrong.
    #[must_use]
    pub fn is(&self, offered: &Self) -> bool {
        let (own, other) = (self.padded(), offered.padded());
        let same_length = (self.0.len() as u64).ct_eq(&(offered.0.len() as u64));
        (own.ct_eq(&other) & same_length).into()
    }

    fn padded(&self) -> [u8; PASSWORD_BYTES_MAX] {
        let mut padded = [0; PASSWORD_BYTES_MAX];
        let bytes = self.0.as_bytes();
        let length = bytes.len().min(PASSWORD_BYTES_MAX);
        padded[..length].copy_from_slice(&bytes[..length]);
        padded
    }
}

/// In constant time, see [`Password::is`].
impl PartialEq for Password {
    fn eq(&self, other: &Self) -> bool {
        self.is(other)
    }
}

impl Eq for Password {}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_itself_and_no_other() {
        let open = Password::new("sésame 🦊");
        assert!(open.is(&Password::new("sésame 🦊")));
        for wrong in ["", "s", "sésame", "sésame 🦊\0", "Sésame 🦊", &"x".repeat(10_000)] {
            assert!(!open.is(&Password::new(wrong)), "{wrong}");
        }
        let longest = Password::new("x".repeat(256));
        assert!(!longest.is(&Password::new("x".repeat(257))), "what is cut off counts too");
    }

    #[test]
    fn a_password_is_bounded_and_never_shown() {
        for (text, is_usable) in [
            ("", false),
            ("a", true),
            (&*"é".repeat(64), true),
            (&*"e".repeat(65), false),
            (&*"🦊".repeat(64), true),
        ] {
            assert_eq!(Password::new(text).is_usable(), is_usable, "{text}");
        }
        assert_eq!(format!("{:?}", Some(Password::new("secret"))), "Some(Password(…))");
    }
}
