//! What lets an operator in.

use std::fmt;

use subtle::ConstantTimeEq as _;

/// Characters of the shortest secret: 16 random ones are not guessed.
pub const SECRET_CHARS_MIN: usize = 16;

/// The operator's secret. Its `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct AdminSecret(String);

impl AdminSecret {
    /// Whether this is the secret, in a time that tells nothing of it but its length.
    #[must_use]
    pub fn is(&self, text: &str) -> bool {
        self.0.as_bytes().ct_eq(text.as_bytes()).into()
    }
}

impl std::str::FromStr for AdminSecret {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // It travels in a header.
        if text.len() >= SECRET_CHARS_MIN && text.bytes().all(|byte| byte.is_ascii_graphic()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(format!("at least {SECRET_CHARS_MIN} ASCII characters, without spaces"))
        }
    }
}

impl fmt::Debug for AdminSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AdminSecret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_long_plain_and_never_shown() {
        let secret: AdminSecret = "0123456789abcdef".parse().unwrap();
        assert!(secret.is("0123456789abcdef") && !secret.is("0123456789abcdeF") && !secret.is(""));
        assert_eq!(format!("{secret:?}"), "AdminSecret(…)");
        for bad in ["", "0123456789abcde", "0123456789 abcdef", "0123456789abcdé€"] {
            assert!(bad.parse::<AdminSecret>().is_err(), "{bad}");
        }
    }
}
