//! Whether the run was clean. Pure.

use std::fmt;

use serde::Serialize;

use crate::stats::Account;

/// A kind of fault; any of them fails the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FaultKind {
    /// Accepted by the server and never received.
    Lost,
    /// Received twice.
    Doubled,
    /// Received behind a later message of the same sender.
    Reordered,
    /// Received by somebody they were not for.
    Misrouted,
    /// `msg` events that carried no message of this run.
    Foreign,
    /// Refused by the server, one by one.
    Refused,
    /// Scheduled, and not accepted until the end.
    Unsent,
    /// Bots that did not last until the end.
    BotsFailed,
}

/// How many of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// Which kind.
    pub kind: FaultKind,
    /// How many, above 0.
    pub count: u64,
}

/// What became of the messages on their way up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Messages {
    /// Should have been sent.
    pub scheduled: u64,
    /// Taken by the server.
    pub accepted: u64,
    /// Of these, reported as failed.
    pub refused: u64,
}

impl Messages {
    /// Scheduled, and not accepted until the end.
    #[must_use]
    pub fn unsent(&self) -> u64 {
        self.scheduled.saturating_sub(self.accepted)
    }
}

/// The faults of a run; none: it was clean.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Verdict(pub Vec<Fault>);

impl Verdict {
    /// Judges the account of a run in which so many bots failed.
    #[must_use]
    pub fn of(messages: &Messages, deliveries: &Account, bots_failed: u64) -> Self {
        let faults = [
            (FaultKind::Lost, deliveries.lost),
            (FaultKind::Doubled, deliveries.doubled),
            (FaultKind::Reordered, deliveries.reordered),
            (FaultKind::Misrouted, deliveries.misrouted),
            (FaultKind::Foreign, deliveries.foreign),
            (FaultKind::Refused, messages.refused),
            (FaultKind::Unsent, messages.unsent()),
            (FaultKind::BotsFailed, bots_failed),
        ];
        let found = faults.into_iter().filter(|(_, count)| *count > 0);
        Self(found.map(|(kind, count)| Fault { kind, count }).collect())
    }

    /// Whether there was no fault.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.0.is_empty()
    }

    /// The process's exit code: 0 when clean, else 1.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        u8::from(!self.is_clean())
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_clean() {
            return f.write_str("clean: every message arrived once, in order, where it belongs");
        }
        f.write_str("FAILED: ")?;
        for (index, Fault { kind, count }) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            write!(f, "{separator}{count} {kind}")?;
        }
        Ok(())
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Lost => "lost",
            Self::Doubled => "doubled",
            Self::Reordered => "reordered",
            Self::Misrouted => "misrouted",
            Self::Foreign => "foreign",
            Self::Refused => "refused",
            Self::Unsent => "unsent",
            Self::BotsFailed => "bots failed",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SENT: Messages = Messages { scheduled: 10, accepted: 10, refused: 0 };
    const ARRIVED: Account =
        Account { expected: 90, delivered: 90, lost: 0, doubled: 0, reordered: 0, misrouted: 0, foreign: 0 };

    fn check(messages: Messages, deliveries: Account, bots_failed: u64, want: &str) {
        let verdict = Verdict::of(&messages, &deliveries, bots_failed);
        assert_eq!(verdict.to_string(), want);
        assert_eq!(verdict.exit_code(), 1);
    }

    #[test]
    fn a_run_without_faults_is_clean() {
        let verdict = Verdict::of(&SENT, &ARRIVED, 0);
        assert!(verdict.is_clean());
        assert_eq!(verdict.exit_code(), 0);
    }

    #[test]
    fn a_delivery_that_was_never_confirmed_is_no_fault() {
        assert!(Verdict::of(&SENT, &Account { delivered: 91, ..ARRIVED }, 0).is_clean());
    }

    #[test]
    fn each_kind_of_fault_fails_the_run() {
        check(SENT, Account { lost: 1, ..ARRIVED }, 0, "FAILED: 1 lost");
        check(SENT, Account { doubled: 2, ..ARRIVED }, 0, "FAILED: 2 doubled");
        check(SENT, Account { reordered: 3, ..ARRIVED }, 0, "FAILED: 3 reordered");
        check(SENT, Account { misrouted: 4, ..ARRIVED }, 0, "FAILED: 4 misrouted");
        check(SENT, Account { foreign: 5, ..ARRIVED }, 0, "FAILED: 5 foreign");
        check(Messages { refused: 6, ..SENT }, ARRIVED, 0, "FAILED: 6 refused");
        check(Messages { accepted: 3, ..SENT }, ARRIVED, 0, "FAILED: 7 unsent");
        check(SENT, ARRIVED, 8, "FAILED: 8 bots failed");
        let lost = Account { lost: 1, doubled: 2, ..ARRIVED };
        check(Messages { accepted: 9, ..SENT }, lost, 0, "FAILED: 1 lost, 2 doubled, 1 unsent");
    }
}
