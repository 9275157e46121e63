//! Which rung to use: a machine that is told what was measured, and says what to do. Pure.
//!
//! A rung is not trusted because it opens: boxes on the way greet promptly and hold what follows. It is proved by `hello`
//! in time, and by events that come about as fast as the answers to POSTs do, which is what any network can do.

use std::fmt;

use serde::Serialize;

use super::{Ladder, Rung};

/// How long `hello` may take on a network whose round trips take no time.
pub(super) const HELLO_MS_MAX: u64 = 3_000;
/// Opening a stream takes a handshake and a request, and a lost packet of either a repetition: round trips that `hello`
/// may take on top.
const HELLO_ROUND_TRIPS: f64 = 3.0;
/// Pings of one proof.
pub(super) const PINGS: usize = 3;
/// How much later than the POST's own answer an event may come.
const PING_LATE_MS_MAX: f64 = 80.0;
/// A ping without an answer in this time, and so many round trips, is lost.
const PING_MS_MAX: u64 = 2_000;
const PING_ROUND_TRIPS: f64 = 3.0;
/// Streams in a row that ended before their proof: something on the way does not like them.
const UNPROVED_ENDS_MAX: u32 = 3;
/// On a network as slow as this a lost packet spoils more than one ping, so that the proof is tried twice.
const SLOW_POST_MS: f64 = 150.0;
/// When rung 0 is tried again: the network may have changed, or the trouble been none of the rung's.
const RETRY_FIRST_MS: u64 = 60_000;
const RETRY_MS_MAX: u64 = 1_800_000;

/// Why a rung was left, or taken. Times are in milliseconds.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "why", rename_all = "snake_case")]
#[non_exhaustive]
pub enum RungWhy {
    /// It did not greet in time.
    NoHello {
        /// How long it was waited for.
        waited_ms: u64,
    },
    /// Its events come late.
    Late {
        /// Median from a POST's start to its `pong`; absent: most never came.
        ping_ms: Option<f64>,
        /// What the POST's own time allows.
        limit_ms: f64,
    },
    /// Its streams end before they are proved.
    Cut {
        /// How often.
        times: u32,
    },
    /// It was proved in the background.
    Works,
}

impl fmt::Display for RungWhy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoHello { waited_ms } => write!(f, "no hello within {waited_ms} ms"),
            Self::Late { ping_ms: Some(ping_ms), limit_ms } => {
                write!(f, "events come after {ping_ms:.0} ms where {limit_ms:.0} ms are possible")
            }
            Self::Late { ping_ms: None, limit_ms } => {
                write!(f, "most pings had no answer where {limit_ms:.0} ms are possible")
            }
            Self::Cut { times } => write!(f, "{times} streams in a row ended at once"),
            Self::Works => f.write_str("it works again"),
        }
    }
}

/// One ping's times.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Sample {
    /// From the POST's start to its answer.
    pub(super) post_ms: f64,
    /// From the POST's start to the `pong`; `None`: it did not come.
    pub(super) ping_ms: Option<f64>,
}

/// What the samples of a proof say.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(super) struct Figures {
    pub(super) ping_ms: Option<f64>,
    pub(super) post_ms: f64,
    pub(super) jitter_ms: f64,
}

impl Figures {
    /// Medians, and the spread of the POSTs. `None` without a sample.
    pub(super) fn of(samples: &[Sample]) -> Option<Self> {
        let posts = sorted(samples.iter().map(|sample| sample.post_ms));
        let pings = sorted(samples.iter().map(|sample| sample.ping_ms.unwrap_or(f64::INFINITY)));
        let (first, last) = (posts.first()?, posts.last()?);
        let ping_ms = median(&pings).filter(|ping_ms| ping_ms.is_finite());
        Some(Self { ping_ms, post_ms: median(&posts)?, jitter_ms: last - first })
    }

    /// The latest median at which an event still comes promptly.
    pub(super) fn limit_ms(&self) -> f64 {
        self.post_ms + PING_LATE_MS_MAX + 2.0 * self.jitter_ms
    }

    fn is_prompt(&self) -> bool {
        self.ping_ms.is_some_and(|ping_ms| ping_ms <= self.limit_ms())
    }
}

fn sorted(numbers: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut numbers: Vec<f64> = numbers.collect();
    numbers.sort_unstable_by(f64::total_cmp);
    numbers
}

fn median(sorted: &[f64]) -> Option<f64> {
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 {
        return sorted.get(middle).copied();
    }
    Some((sorted.get(middle.checked_sub(1)?)? + sorted.get(middle)?) / 2.0)
}

/// What to do.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Action {
    /// Nothing.
    Stay,
    /// Send another `sward.ping`.
    Ping,
    /// This rung is proved.
    Proved,
    /// Leave the stream, and open one on this rung.
    Step { from: Rung, to: Rung, why: RungWhy },
    /// Leave the stream, and open it again.
    Reopen,
    /// See in the background whether rung 0 works.
    Try(Rung),
}

#[derive(Debug, Clone, PartialEq)]
enum State {
    /// No stream is open.
    Closed,
    /// A stream was asked for.
    Opening { since_ms: u64 },
    /// It has greeted; pings are under way.
    Proving { samples: Vec<Sample>, round: u32, pinged_ms: u64 },
    /// Its events are known to come promptly.
    Proved,
    /// They are known not to, and there is no other rung.
    Unproved,
}

/// One client's ladder.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Climb {
    rung: Rung,
    climbs: bool,
    state: State,
    /// Whether this rung was proved before: a stream that breaks later is not the rung's fault.
    was_proved: bool,
    unproved_ends: u32,
    /// The POST's own time as it is known so far.
    post_ms: f64,
    /// When rung 0 is tried again, and the wait after that.
    retry_at_ms: Option<u64>,
    retry_wait_ms: u64,
    trying: bool,
    figures: Option<Figures>,
}

impl Climb {
    /// `post_ms`: how long the first answer took.
    pub(super) fn new(ladder: Ladder, post_ms: f64, now_ms: u64) -> Self {
        let rung = ladder.first();
        let climbs = matches!(ladder, Ladder::Climb { .. });
        let mut climb = Self {
            rung,
            climbs,
            state: State::Closed,
            was_proved: false,
            unproved_ends: 0,
            post_ms,
            retry_at_ms: None,
            retry_wait_ms: RETRY_FIRST_MS,
            trying: false,
            figures: None,
        };
        climb.plan_retry(now_ms);
        climb
    }

    pub(super) fn rung(&self) -> Rung {
        self.rung
    }

    /// Whether the newest stream's events are known to come promptly.
    pub(super) fn is_proved(&self) -> bool {
        self.state == State::Proved
    }

    /// Whether the measurements are over, whatever they said.
    pub(super) fn is_settled(&self) -> bool {
        matches!(self.state, State::Proved | State::Unproved)
    }

    /// Whether a stream has greeted and not ended.
    pub(super) fn is_open(&self) -> bool {
        matches!(self.state, State::Proving { .. } | State::Proved | State::Unproved)
    }

    /// What the newest proof measured.
    pub(super) fn figures(&self) -> Option<Figures> {
        self.figures
    }

    /// The stream is closed for a reason that says nothing of the rung: the server cannot be reached, or ended it because
    /// it was old.
    pub(super) fn closed(&mut self) {
        self.state = State::Closed;
    }

    /// A stream is asked for.
    pub(super) fn opening(&mut self, now_ms: u64) {
        self.state = State::Opening { since_ms: now_ms };
    }

    /// `hello`, or, of a drain that went on behind the last event, anything.
    pub(super) fn greeted(&mut self, now_ms: u64) -> Action {
        if !matches!(self.state, State::Opening { .. }) {
            return Action::Stay;
        }
        if self.was_proved {
            self.state = State::Proved;
            return Action::Stay;
        }
        self.state = State::Proving { samples: Vec::new(), round: 0, pinged_ms: now_ms };
        Action::Ping
    }

    /// A ping was answered, or given up by [`Climb::tick`]'s caller.
    pub(super) fn pinged(&mut self, sample: Sample, now_ms: u64) -> Action {
        let State::Proving { samples, round, pinged_ms } = &mut self.state else { return Action::Stay };
        samples.push(sample);
        self.figures = Figures::of(samples);
        if samples.len() % PINGS != 0 {
            *pinged_ms = now_ms;
            return Action::Ping;
        }
        let Some(figures) = self.figures else { return Action::Stay };
        self.post_ms = figures.post_ms;
        if figures.is_prompt() {
            return self.proved();
        }
        if *round == 0 && figures.post_ms > SLOW_POST_MS {
            *round = 1;
            *pinged_ms = now_ms;
            return Action::Ping;
        }
        let why = RungWhy::Late { ping_ms: figures.ping_ms, limit_ms: figures.limit_ms() };
        self.step_down(why, now_ms)
    }

    /// How long a ping may take.
    pub(super) fn ping_ms_max(&self) -> u64 {
        PING_MS_MAX + (PING_ROUND_TRIPS * self.post_ms) as u64
    }

    /// How long `hello` may take.
    pub(super) fn hello_ms_max(&self) -> u64 {
        HELLO_MS_MAX + (HELLO_ROUND_TRIPS * self.post_ms) as u64
    }

    /// The stream ended, or could not be opened although the server is there.
    pub(super) fn ended(&mut self, now_ms: u64) -> Action {
        let was_open = matches!(self.state, State::Opening { .. } | State::Proving { .. });
        self.state = State::Closed;
        if !was_open || self.was_proved {
            return Action::Stay;
        }
        self.unproved_ends += 1;
        if self.unproved_ends < UNPROVED_ENDS_MAX {
            return Action::Stay;
        }
        self.step_down(RungWhy::Cut { times: self.unproved_ends }, now_ms)
    }

    /// The stream greeted and then said nothing any more: boxes greet promptly too, and the network may be another one, so
    /// the next stream has to be proved again.
    pub(super) fn fell_silent(&mut self) {
        self.was_proved = false;
    }

    /// What time alone asks for.
    pub(super) fn tick(&mut self, now_ms: u64) -> Action {
        if let State::Opening { since_ms } = self.state {
            let waited_ms = now_ms.saturating_sub(since_ms);
            if waited_ms < self.hello_ms_max() {
                return Action::Stay;
            }
            if self.was_proved {
                // It worked on this network. A stream that hangs is opened again before the rung is blamed.
                self.was_proved = false;
                self.state = State::Closed;
                return Action::Reopen;
            }
            return self.step_down(RungWhy::NoHello { waited_ms }, now_ms);
        }
        if self.is_settled() && !self.trying && self.retry_at_ms.is_some_and(|at_ms| now_ms >= at_ms) {
            self.trying = true;
            self.retry_at_ms = None;
            return Action::Try(Rung::Sse);
        }
        Action::Stay
    }

    /// When [`Climb::tick`] has something to say, if nothing happens before.
    pub(super) fn wake_at_ms(&self) -> Option<u64> {
        match self.state {
            State::Opening { since_ms } => Some(since_ms + self.hello_ms_max()),
            State::Proved | State::Unproved if !self.trying => self.retry_at_ms,
            _ => None,
        }
    }

    /// What came of a try in the background.
    pub(super) fn tried(&mut self, works: bool, now_ms: u64) -> Action {
        self.trying = false;
        if !works {
            self.retry_wait_ms = (self.retry_wait_ms * 2).min(RETRY_MS_MAX);
            self.plan_retry(now_ms);
            return Action::Stay;
        }
        let from = self.rung;
        self.begin_rung(Rung::Sse);
        Action::Step { from, to: Rung::Sse, why: RungWhy::Works }
    }

    fn proved(&mut self) -> Action {
        self.state = State::Proved;
        self.was_proved = true;
        self.unproved_ends = 0;
        Action::Proved
    }

    fn step_down(&mut self, why: RungWhy, now_ms: u64) -> Action {
        let from = self.rung;
        match from.next().filter(|_| self.climbs) {
            Some(to) => {
                self.begin_rung(to);
                self.plan_retry(now_ms);
                Action::Step { from, to, why }
            }
            // Late events are better than none: only what is not open needs to be opened again.
            None if matches!(self.state, State::Proving { .. }) => {
                self.state = State::Unproved;
                Action::Stay
            }
            None => {
                self.state = State::Closed;
                self.unproved_ends = 0;
                Action::Reopen
            }
        }
    }

    fn begin_rung(&mut self, rung: Rung) {
        self.rung = rung;
        self.state = State::Closed;
        self.was_proved = false;
        self.unproved_ends = 0;
    }

    fn plan_retry(&mut self, now_ms: u64) {
        let is_above = self.climbs && self.rung != Rung::Sse;
        self.retry_at_ms = is_above.then(|| now_ms + self.retry_wait_ms);
    }
}

#[cfg(test)]
mod tests;
