//! The life cycle of a session, pure: heard from, away, back, ended.

use sward_protocol::downstream::GoneWhy;

/// The times that decide who is away and who is lost, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// From a stream's end to `away`, if no other stream follows.
    pub successor_ms: u64,
    /// Beats of silence of a session that once sent an `ack`, until it is away although its socket looks alive.
    pub silent_beats: u64,
    /// From the last sign of life to the end.
    pub grace_ms: u64,
}

/// What became due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// The player may be lost.
    Away,
    /// He was heard from again.
    Back,
    /// The session is over.
    Ended(GoneWhy),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stream {
    Never,
    Open,
    EndedAt(u64),
}

/// Where a session stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lifecycle {
    patience: Patience,
    heard_ms: u64,
    stream: Stream,
    beat_ms: u64,
    acknowledges: bool,
    away_since_ms: Option<u64>,
    bye_at_ms: Option<u64>,
    ended: bool,
}

impl Lifecycle {
    /// A session that was just made.
    #[must_use]
    pub fn new(patience: Patience, now_ms: u64) -> Self {
        Self {
            patience,
            heard_ms: now_ms,
            stream: Stream::Never,
            beat_ms: 0,
            acknowledges: false,
            away_since_ms: None,
            bye_at_ms: None,
            ended: false,
        }
    }

    /// A request bore the session's token. It calls off an announced `bye`.
    pub fn heard(&mut self, now_ms: u64) {
        self.heard_ms = self.heard_ms.max(now_ms);
        self.bye_at_ms = None;
    }

    /// The request acknowledged events: from now on silence means something.
    pub fn acknowledged(&mut self) {
        self.acknowledges = true;
    }

    /// A stream opened, or took over, whose client wants a beat so often: he acknowledges in step with it.
    pub fn stream_opened(&mut self, beat_ms: u64, now_ms: u64) {
        self.heard(now_ms);
        self.beat_ms = beat_ms;
        self.stream = Stream::Open;
    }

    /// No stream reads. The first time after one was open its end is noted.
    pub fn stream_missed(&mut self, now_ms: u64) {
        if self.stream == Stream::Open {
            self.stream = Stream::EndedAt(now_ms);
        }
    }

    /// The player said that he leaves, unless he is heard from within `wait_ms`.
    pub fn said_bye(&mut self, wait_ms: u64, now_ms: u64) {
        self.bye_at_ms = Some(now_ms + wait_ms);
    }

    /// What became due at `now_ms`; to be asked until it answers `None`.
    pub fn due(&mut self, now_ms: u64) -> Option<Change> {
        if self.ended {
            return None;
        }
        if let Some(why) = self.end(now_ms) {
            self.ended = true;
            return Some(Change::Ended(why));
        }
        match (self.is_lost(now_ms), self.away_since_ms) {
            (true, None) => {
                self.away_since_ms = Some(now_ms);
                Some(Change::Away)
            }
            (false, Some(_)) => {
                self.away_since_ms = None;
                Some(Change::Back)
            }
            _ => None,
        }
    }

    fn is_lost(&self, now_ms: u64) -> bool {
        if self.bye_at_ms.is_some() {
            return true;
        }
        match self.stream {
            // A player who has not opened his stream yet is on his way in, not lost.
            Stream::Never => false,
            Stream::Open => self.is_silent(now_ms),
            // Once he is away, a request alone does not bring him back: he still sees nothing.
            Stream::EndedAt(ended_ms) => now_ms >= ended_ms + self.patience.successor_ms,
        }
    }

    fn is_silent(&self, now_ms: u64) -> bool {
        self.acknowledges && now_ms >= self.heard_ms + self.beat_ms * self.patience.silent_beats
    }

    fn end(&self, now_ms: u64) -> Option<GoneWhy> {
        // He said when he goes: until then he is waited for, however long the grace of others is.
        if let Some(bye_at_ms) = self.bye_at_ms {
            return (now_ms >= bye_at_ms).then_some(GoneWhy::Left);
        }
        let lost_ms = match self.stream {
            Stream::Never => self.heard_ms,
            Stream::EndedAt(ended_ms) => ended_ms.max(self.heard_ms),
            // A silent player's grace begins when he is told to be away: his socket gave no earlier sign.
            Stream::Open if self.is_silent(now_ms) => self.away_since_ms?,
            Stream::Open => return None,
        };
        (now_ms >= lost_ms + self.patience.grace_ms).then_some(GoneWhy::Lost)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Patience = Patience { successor_ms: 2_000, silent_beats: 5, grace_ms: 20_000 };

    fn born() -> Lifecycle {
        Lifecycle::new(PATIENCE, 0)
    }

    fn open() -> Lifecycle {
        let mut life = born();
        life.stream_opened(5_000, 0);
        life
    }

    /// The changes up to `end_ms`, each with its time, looking every 250 ms.
    fn changes(life: &mut Lifecycle, from_ms: u64, end_ms: u64) -> Vec<(u64, Change)> {
        let looks = (from_ms..=end_ms).step_by(250);
        looks.filter_map(|now_ms| Some((now_ms, life.due(now_ms)?))).collect()
    }

    #[test]
    fn a_session_without_a_stream_ends_after_grace() {
        let mut life = born();
        assert_eq!(changes(&mut life, 0, 60_000), [(20_000, Change::Ended(GoneWhy::Lost))]);
        let mut life = born();
        life.heard(15_000);
        assert_eq!(changes(&mut life, 15_000, 60_000), [(35_000, Change::Ended(GoneWhy::Lost))]);
    }

    #[test]
    fn a_lost_stream_is_away_after_two_seconds_and_gone_after_grace() {
        let mut life = open();
        assert_eq!(changes(&mut life, 0, 100_000), [], "a silent curl is judged by its socket");
        life.stream_missed(100_000);
        let want = [(102_000, Change::Away), (120_000, Change::Ended(GoneWhy::Lost))];
        assert_eq!(changes(&mut life, 100_000, 200_000), want);
        assert_eq!(life.due(300_000), None);
    }

    #[test]
    fn a_successor_within_two_seconds_goes_unnoticed() {
        let mut life = open();
        life.stream_missed(10_000);
        assert_eq!(changes(&mut life, 10_000, 11_750), []);
        life.stream_opened(5_000, 11_750);
        assert_eq!(changes(&mut life, 11_750, 100_000), []);
    }

    #[test]
    fn a_stream_brings_an_away_player_back_a_request_alone_only_keeps_the_seat() {
        let mut life = open();
        life.stream_missed(0);
        assert_eq!(changes(&mut life, 0, 10_000), [(2_000, Change::Away)]);
        life.heard(10_000);
        assert_eq!(changes(&mut life, 10_000, 29_750), []);
        life.stream_opened(5_000, 29_750);
        assert_eq!(changes(&mut life, 29_750, 100_000), [(29_750, Change::Back)]);
    }

    #[test]
    fn silence_counts_only_for_those_who_acknowledge() {
        let mut life = open();
        life.acknowledged();
        life.heard(5_000);
        let want = [(30_000, Change::Away), (50_000, Change::Ended(GoneWhy::Lost))];
        assert_eq!(changes(&mut life, 0, 100_000), want);

        let mut life = open();
        life.acknowledged();
        assert_eq!(changes(&mut life, 0, 30_000), [(25_000, Change::Away)]);
        life.heard(30_000);
        assert_eq!(changes(&mut life, 30_000, 54_750), [(30_000, Change::Back)]);
    }

    #[test]
    fn silence_is_counted_in_the_stream_s_own_beats() {
        let mut life = born();
        life.stream_opened(15_000, 0);
        life.acknowledged();
        assert_eq!(changes(&mut life, 0, 80_000), [(75_000, Change::Away)]);
    }

    #[test]
    fn bye_is_away_at_once_and_called_off_by_a_reload() {
        let mut life = open();
        life.said_bye(5_000, 1_000);
        life.stream_missed(1_000);
        let want = [(1_000, Change::Away), (6_000, Change::Ended(GoneWhy::Left))];
        assert_eq!(changes(&mut life.clone(), 1_000, 10_000), want);
        assert_eq!(life.due(1_000), Some(Change::Away));
        life.stream_opened(5_000, 3_000);
        assert_eq!(changes(&mut life, 3_000, 100_000), [(3_000, Change::Back)]);

        let mut life = open();
        life.said_bye(50_000, 1_000);
        life.stream_missed(1_000);
        let want = [(1_000, Change::Away), (51_000, Change::Ended(GoneWhy::Left))];
        assert_eq!(changes(&mut life, 1_000, 100_000), want, "longer than grace, if he asks for it");

        let mut life = open();
        life.said_bye(0, 1_000);
        assert_eq!(life.due(1_000), Some(Change::Ended(GoneWhy::Left)));
    }
}
