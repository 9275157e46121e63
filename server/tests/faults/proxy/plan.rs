//! A plan of faults from a seed.

use std::fmt::{Display, Formatter, Result};
use std::time::Duration;

use rand_core::{Rng as _, SeedableRng as _};
use rand_pcg::Pcg32;

use super::Kind;
use super::fault::{End, Fault, Way, Which};

/// Bytes with which a stream begins: head, padding, `hello`.
const GREETING_BYTES: u32 = 3_000;
/// Bytes in which it surely brought something: the largest event of these tests, packed, is half of it.
const PROGRESS_BYTES: u32 = 12_000;
/// Behind so many requests of its kind nothing happens any more, so that every run ends.
const STREAMS_MAX: u64 = 16;
const SENDS_MAX: u64 = 60;
const OTHERS_MAX: u64 = 3;

/// What happens to the requests of one player. The same seed and player are the same plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    seed: u64,
    player: u64,
}

/// Draws from one source.
struct Draw(Pcg32);

impl Draw {
    fn below(&mut self, end: u32) -> u32 {
        self.0.next_u32() % end
    }

    fn percent(&mut self, chance: u32) -> bool {
        self.below(100) < chance
    }

    fn ms(&mut self, from: u32, to: u32) -> Duration {
        Duration::from_millis(u64::from(from + self.below(to - from)))
    }

    /// An end that is noticed at once.
    fn loud(&mut self) -> End {
        if self.percent(50) { End::Fin } else { End::Rst }
    }

    fn any_end(&mut self) -> End {
        [End::Fin, End::Rst, End::Silence][self.below(3) as usize]
    }

    fn which(&mut self) -> Which {
        if self.percent(50) { Which::First } else { Which::Second }
    }
}

impl Plan {
    pub fn new(seed: u64, player: u64) -> Self {
        Self { seed, player }
    }

    /// What happens to the n-th request of a kind.
    pub fn fault(&self, kind: Kind, ordinal: u64) -> Fault {
        match kind {
            Kind::Stream if ordinal < STREAMS_MAX => self.stream(ordinal),
            Kind::Drain if ordinal < SENDS_MAX => self.short(kind, ordinal, 25),
            Kind::Send if ordinal < SENDS_MAX => self.short(kind, ordinal, 40),
            Kind::Join | Kind::Sessions | Kind::Rooms if ordinal < OTHERS_MAX => {
                self.short(kind, ordinal, 60)
            }
            _ => Fault::None,
        }
    }

    fn draw(&self, kind: Kind, ordinal: u64) -> Draw {
        // Neighbouring seeds are to have nothing in common: each number goes through the generator.
        let parts = [self.player, kind as u64, ordinal];
        let mixed = parts.iter().fold(self.seed, |state, part| {
            Pcg32::seed_from_u64(state.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(*part)).next_u64()
        });
        Draw(Pcg32::seed_from_u64(mixed))
    }

    /// Of one player's requests of a kind, the one that is swallowed without a word, if one is: the client has to wait
    /// for its own time-out, so more of them would leave the server's window.
    fn is_black_hole(&self, kind: Kind, ordinal: u64, of: u32) -> bool {
        let mut draw = self.draw(kind, u64::MAX);
        draw.percent(8) && u64::from(draw.below(of)) == ordinal
    }

    fn stream(&self, ordinal: u64) -> Fault {
        let mut draw = self.draw(Kind::Stream, ordinal);
        // Every other stream brings events, so that the client does not wait longer and longer.
        let earliest = if ordinal % 2 == 1 { PROGRESS_BYTES } else { 0 };
        let after_bytes = match draw.below(4) {
            0 => draw.below(200),
            1 => draw.below(GREETING_BYTES),
            _ => GREETING_BYTES + draw.below(6_000),
        };
        let after_bytes = after_bytes.max(earliest) as usize;
        if self.is_black_hole(Kind::Stream, ordinal, 5) {
            let after_bytes = after_bytes.max(GREETING_BYTES as usize);
            return Fault::Cut { way: Way::Answer, after_bytes, client: End::Silence, server: End::Silence };
        }
        match draw.below(20) {
            0..=10 => {
                let (client, server) = (draw.loud(), draw.any_end());
                Fault::Cut { way: Way::Answer, after_bytes, client, server }
            }
            11 if earliest == 0 => {
                let (after_bytes, client, server) = (draw.below(150) as usize, draw.loud(), draw.loud());
                Fault::Cut { way: Way::Request, after_bytes, client, server }
            }
            12..=13 => Fault::Doubled { answer: draw.which(), apart: draw.ms(0, 80) },
            14 => Fault::Replayed { after: self.replay_after(&mut draw) },
            15 => Fault::Held { by: draw.ms(5, 300) },
            16 => Fault::HalfClosed,
            17 if earliest == 0 => Fault::Late { by: draw.ms(5, 500), client: draw.loud() },
            _ => Fault::None,
        }
    }

    /// What happens to a request with a short answer, with so much chance.
    fn short(&self, kind: Kind, ordinal: u64, chance: u32) -> Fault {
        let mut draw = self.draw(kind, ordinal);
        if kind == Kind::Send && self.is_black_hole(kind, ordinal, 10) {
            let way = if draw.percent(50) { Way::Answer } else { Way::Request };
            return Fault::Cut { way, after_bytes: 0, client: End::Silence, server: End::Silence };
        }
        if !draw.percent(chance) {
            return Fault::None;
        }
        match draw.below(16) {
            0..=3 => {
                Fault::Cut { way: Way::Answer, after_bytes: 0, client: draw.loud(), server: draw.any_end() }
            }
            4..=5 => {
                let (after_bytes, client, server) = (draw.below(300) as usize, draw.loud(), draw.any_end());
                Fault::Cut { way: Way::Answer, after_bytes, client, server }
            }
            6..=7 => {
                let (after_bytes, client, server) = (draw.below(500) as usize, draw.loud(), draw.any_end());
                Fault::Cut { way: Way::Request, after_bytes, client, server }
            }
            8..=9 => Fault::Late { by: draw.ms(1, 400), client: draw.loud() },
            10..=12 => Fault::Doubled { answer: draw.which(), apart: draw.ms(0, 60) },
            13 => Fault::Replayed { after: self.replay_after(&mut draw) },
            14 => Fault::Held { by: draw.ms(5, 200) },
            _ => Fault::HalfClosed,
        }
    }

    /// Seldom as late as boxes were seen to do it, mostly sooner: a run has not the time.
    fn replay_after(&self, draw: &mut Draw) -> Duration {
        if self.seed.is_multiple_of(10) { Duration::from_secs(10) } else { draw.ms(20, 1_500) }
    }
}

impl Display for Plan {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "player {}:", self.player)?;
        let kinds = [Kind::Sessions, Kind::Join, Kind::Rooms, Kind::Stream, Kind::Drain, Kind::Send];
        for (kind, ordinal) in kinds.into_iter().flat_map(|kind| (0..SENDS_MAX).map(move |n| (kind, n))) {
            let fault = self.fault(kind, ordinal);
            if fault != Fault::None {
                write!(f, " {kind:?} {ordinal} {fault};")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_seed_is_a_plan_and_another_seed_another() {
        assert_eq!(Plan::new(7, 0).to_string(), Plan::new(7, 0).to_string());
        let plans: BTreeSet<_> = (0..200).map(|seed| Plan::new(seed, 0).to_string()).collect();
        assert_eq!(plans.len(), 200);
        assert_ne!(Plan::new(7, 0).to_string(), Plan::new(7, 1).to_string());
    }

    #[test]
    fn a_few_hundred_seeds_have_every_fault_and_each_plan_ends() {
        let mut seen = BTreeSet::new();
        for seed in 0..300 {
            let plan = Plan::new(seed, 0);
            for kind in [Kind::Stream, Kind::Send, Kind::Join, Kind::Sessions, Kind::Drain] {
                for ordinal in 0..SENDS_MAX {
                    let fault = plan.fault(kind, ordinal).to_string();
                    let words: String = fault.chars().filter(|c| !c.is_ascii_digit()).collect();
                    seen.insert((kind, words.split(' ').next().unwrap().to_owned()));
                }
                assert_eq!(plan.fault(kind, SENDS_MAX), Fault::None);
            }
        }
        for kind in [Kind::Stream, Kind::Send, Kind::Join, Kind::Sessions, Kind::Drain] {
            for word in ["passes", "Answer", "Request", "held", "client", "doubled", "comes", "half"] {
                assert!(seen.contains(&(kind, word.to_owned())), "{kind:?} never {word}");
            }
        }
    }
}
