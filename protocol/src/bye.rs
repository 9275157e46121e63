//! Why a stream ends: one table of close codes.

use serde::{Deserialize, Serialize};

macro_rules! closes {
    ($($(#[$doc:meta])* $variant:ident = $code:literal, $reason:literal;)*) => {
        /// A close code: 3000–3499 asks the client to come back, 3500–3999 to stop.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum CloseCode { $($(#[$doc])* $variant,)* }

        impl CloseCode {
            /// Every close code, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The number on the wire.
            #[must_use]
            pub const fn code(self) -> u16 {
                match self { $(Self::$variant => $code,)* }
            }

            /// The stable reason on the wire.
            #[must_use]
            pub const fn reason(self) -> &'static str {
                match self { $(Self::$variant => $reason,)* }
            }
        }
    };
}

closes! {
    /// The stream is old: boxes on the way cut what lasts too long, and a server is left stream by stream.
    Rotated = 3000, "rotated";
    /// The server is about to stop.
    Shutdown = 3001, "shutdown";
    /// A request doubled on its way took over.
    Doubled = 3002, "doubled";
    /// Too much was waiting to be read.
    Slow = 3008, "slow";
    /// No room for another stream.
    Overloaded = 3013, "overloaded";
    /// A newer stream of the session took over.
    Replaced = 3500, "replaced";
    /// The session said `bye`.
    Ended = 3501, "ended";
    /// A token that this server never knew.
    SessionUnknown = 3503, "session_unknown";
}

impl CloseCode {
    /// Whether the client should reconnect.
    #[must_use]
    pub const fn comes_back(self) -> bool {
        self.code() < 3500
    }
}

/// The data of the event `bye`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bye {
    /// See [`CloseCode`].
    pub code: u16,
    /// The close code in a word.
    pub reason: String,
    /// When to come back, in milliseconds.
    pub retry_ms: u64,
}

impl Bye {
    /// A `bye` with this code; `retry_ms` counts only where the client is to come back.
    #[must_use]
    pub fn new(code: CloseCode, retry_ms: u64) -> Self {
        Self { code: code.code(), reason: code.reason().to_owned(), retry_ms }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn close_codes_are_unique_and_documented() {
        let docs = include_str!("../../docs/protocol.md");
        let mut seen = std::collections::BTreeSet::new();
        for close in CloseCode::ALL {
            assert!(seen.insert(close.code()));
            assert!((3000..4000).contains(&close.code()));
            assert!(docs.contains(&format!("| {} | `{}` |", close.code(), close.reason())), "{close:?}");
        }
    }
}
