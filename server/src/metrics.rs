//! What an operator can watch: every bound has a number here that shows it. `GET /metrics` in the Prometheus text format.

use prometheus::core::Collector;
use prometheus::{Encoder, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry, TextEncoder};

/// The numbers of one server.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    /// Sessions alive.
    pub sessions: IntGauge,
    /// Streams open.
    pub streams: IntGauge,
    /// Requests under way, streams included.
    pub requests: IntGauge,
    /// Requests of HTTP/2 refused because their connection has too much under way, by why.
    pub requests_refused: IntCounterVec,
    /// Rooms alive.
    pub rooms: IntGauge,
    /// What rooms have published.
    pub blobs: Blobs,
    /// Sessions made.
    pub sessions_made: IntCounter,
    /// Sessions ended, by why.
    pub sessions_ended: IntCounterVec,
    /// Streams opened, by how they began: `first`, `fresh`, `resumed`, `reset`.
    pub streams_opened: IntCounterVec,
    /// Streams opened, by the rung that their client took them for.
    pub streams_by_rung: IntCounterVec,
    /// Players alive, by the rung that they proved.
    pub players_by_rung: IntGaugeVec,
    /// Streams that left too much unread and lost their hold.
    pub streams_overrun: IntCounter,
    /// Streams that the server ended with a `bye`, by close code.
    pub streams_closed: IntCounterVec,
    /// Messages admitted to rooms.
    pub messages_in: IntCounter,
    /// Events written to streams.
    pub events_out: IntCounter,
    /// Bytes of them.
    pub event_bytes_out: IntCounter,
    /// Chunks that they were written in.
    pub chunks_out: IntCounter,
    /// Flushes of rooms.
    pub flushes: IntCounter,
    /// Events too large to be sent.
    pub events_dropped: IntCounter,
    /// Bans that were forgotten because a room had too many.
    pub bans_forgotten: IntCounter,
    /// What becomes of the games.
    pub games: Games,
    /// What games show of their worlds.
    pub worlds: Worlds,
    /// Streams cut because their client kept a worker busy.
    pub streams_cut: IntCounter,
    /// Connections cut because of how they asked, by why: `slow_request`, `confusing_request`, `large_head`, `many_resets`.
    pub connections_cut: IntCounterVec,
    /// Certificates read again, by outcome: `ok`, `failed`.
    pub tls_reloads: IntCounterVec,
    /// Streams refused because their session opens too many.
    pub openings_refused: IntCounter,
    /// What players do with each other outside of rooms.
    pub social: Social,
    /// Rooms that are recorded.
    pub recordings: Recordings,
    /// Error answers, by code.
    pub errors: IntCounterVec,
}

/// What becomes of the games.
#[derive(Debug)]
pub struct Games {
    /// Rooms ended because their game panicked, or could not show its state.
    pub failed: IntCounter,
    /// Rooms whose game could not show its public state.
    pub unshown: IntCounter,
    /// Rooms whose game does not come to the end of its step.
    pub stuck: IntGauge,
    /// Steps that kept their thread waiting.
    pub steps_slow: IntCounter,
    /// Ticks that were due while a room was still at work, and were left out.
    pub ticks_skipped: IntCounter,
}

impl Games {
    fn new(registry: &Registry) -> Self {
        let counter = |name, help| register(registry, counter(name, help));
        let stuck = gauge("sward_rooms_stuck", "Rooms whose game has been at one step for more than 5 s");
        Self {
            failed: counter(
                "sward_rooms_failed_total",
                "Rooms whose game panicked or could not show its state",
            ),
            unshown: counter("sward_rooms_unshown_total", "Rooms whose game could not show its public state"),
            stuck: register(registry, stuck),
            steps_slow: counter("sward_steps_slow_total", "Steps of games that took more than 100 ms"),
            ticks_skipped: counter(
                "sward_ticks_skipped_total",
                "Ticks left out because the room was still at work",
            ),
        }
    }
}

/// What games show of their worlds.
#[derive(Debug)]
pub struct Worlds {
    /// Frames that showed a change.
    pub frames: IntCounter,
    /// Pieces in them, each encoded once.
    pub pieces: IntCounter,
    /// Pieces of them that were posted to players, each for each of them.
    pub pieces_posted: IntCounter,
}

impl Worlds {
    fn new(registry: &Registry) -> Self {
        let counter = |name, help| register(registry, counter(name, help));
        Self {
            frames: counter("sward_world_frames_total", "Frames of worlds"),
            pieces: counter("sward_world_pieces_total", "Pieces in the frames of worlds, each once"),
            pieces_posted: counter(
                "sward_world_pieces_posted_total",
                "Pieces of worlds posted to players, each for each",
            ),
        }
    }
}

/// Named blobs that rooms have published.
#[derive(Debug)]
pub struct Blobs {
    /// How many.
    pub count: IntGauge,
    /// Bytes of them, and of those that were replaced and are still shown or read.
    pub bytes: IntGauge,
    /// Bytes that are set aside for those of all rooms, whether they have them or not.
    pub bytes_reserved: IntGauge,
    /// Blobs that games were refused.
    pub refused: IntCounter,
}

impl Blobs {
    fn new(registry: &Registry) -> Self {
        let gauge = |name, help| register(registry, gauge(name, help));
        let refused = counter("sward_blobs_refused_total", "Blobs that games were refused");
        Self {
            count: gauge("sward_blobs", "Named blobs that rooms have"),
            bytes: gauge("sward_blob_bytes", "Bytes of blobs, those of replaced ones still shown too"),
            bytes_reserved: gauge("sward_blob_bytes_reserved", "Bytes set aside for the blobs of rooms"),
            refused: register(registry, refused),
        }
    }
}

/// Rooms that are recorded.
#[derive(Debug)]
pub struct Recordings {
    /// Under way.
    pub open: IntGauge,
    /// Bytes written.
    pub bytes: IntCounter,
    /// Those that ended while their room went on, by why: `full`, `behind`, `disk`, `unhashed`.
    pub ended_early: IntCounterVec,
    /// Those that did not begin, because there are as many bytes of them as there may be.
    pub refused: IntCounter,
}

impl Recordings {
    fn new(registry: &Registry) -> Self {
        let counter = |name, help| register(registry, counter(name, help));
        Self {
            open: register(registry, gauge("sward_recordings_open", "Rooms that are recorded")),
            bytes: counter("sward_recording_bytes_total", "Bytes written to recordings"),
            ended_early: register(
                registry,
                counters(
                    "sward_recordings_ended_early_total",
                    "Recordings that ended while their room went on, by why",
                    "why",
                ),
            ),
            refused: counter("sward_recordings_refused_total", "Recordings that there was no room for"),
        }
    }
}

/// What players do with each other outside of rooms.
#[derive(Debug)]
pub struct Social {
    /// Lobbies watched, each by each player.
    pub lobby_watchers: IntGauge,
    /// Times that so much changed in a lobby that its first page was told anew.
    pub lobby_overflows: IntCounter,
    /// Events posted to players outside of their rooms: of lobbies and chat.
    pub events: IntCounter,
    /// Invitations and knocks that wait for an answer.
    pub asks: IntGauge,
    /// Players who wait for a match.
    pub queue_players: IntGauge,
    /// Matches, by what came of them: `ok`, `failed`.
    pub matches: IntCounterVec,
    /// Chat lines said outside of rooms, by scope.
    pub chat_lines: IntCounterVec,
    /// Chat lines and other calls on people that were refused for their rate, by whose: `caller`, `lobby`, `player`.
    pub calls_refused: IntCounterVec,
}

impl Social {
    fn new(registry: &Registry) -> Self {
        let by = |name, help, label| register(registry, counters(name, help, label));
        let counter = |name, help| register(registry, counter(name, help));
        Self {
            lobby_watchers: register(
                registry,
                gauge("sward_lobby_watchers", "Lobbies watched, each by each player"),
            ),
            lobby_overflows: counter(
                "sward_lobby_overflows_total",
                "Times that so much changed in a lobby that its first page was told anew",
            ),
            events: counter("sward_social_events_total", "Events posted to players outside of their rooms"),
            asks: register(registry, gauge("sward_asks", "Invitations and knocks that wait for an answer")),
            queue_players: register(registry, gauge("sward_queue_players", "Players who wait for a match")),
            matches: by("sward_matches_total", "Matches, by what came of them", "outcome"),
            chat_lines: by("sward_chat_lines_total", "Chat lines said outside of rooms, by scope", "scope"),
            calls_refused: by(
                "sward_calls_refused_total",
                "Calls on people refused for their rate, by whose it was",
                "whose",
            ),
        }
    }
}

impl Metrics {
    /// All numbers at zero.
    ///
    /// # Panics
    /// Never: the names below are well-formed and unique, and a test makes them all.
    #[must_use]
    pub fn new() -> Self {
        let registry = Registry::new();
        let by = |name, help, label| register(&registry, counters(name, help, label));
        let gauge = |name, help| register(&registry, gauge(name, help));
        let counter = |name, help| register(&registry, counter(name, help));
        Self {
            sessions: gauge("sward_sessions", "Sessions alive"),
            streams: gauge("sward_streams", "Streams open"),
            requests: gauge("sward_requests", "Requests under way, streams included"),
            requests_refused: by(
                "sward_requests_refused_total",
                "Requests refused: too many on one HTTP/2 connection, by why",
                "why",
            ),
            rooms: gauge("sward_rooms", "Rooms alive"),
            blobs: Blobs::new(&registry),
            sessions_made: counter("sward_sessions_made_total", "Sessions made"),
            sessions_ended: by("sward_sessions_ended_total", "Sessions ended, by why", "why"),
            streams_opened: by("sward_streams_opened_total", "Streams opened, by how they began", "how"),
            streams_by_rung: by(
                "sward_streams_by_rung_total",
                "Streams opened, by the rung the client named",
                "rung",
            ),
            players_by_rung: register(
                &registry,
                gauges("sward_players_by_rung", "Players alive, by the rung that they proved", "rung"),
            ),
            streams_overrun: counter("sward_streams_overrun_total", "Streams that left too much unread"),
            streams_closed: by(
                "sward_streams_closed_total",
                "Streams ended with a bye, by close code",
                "code",
            ),
            messages_in: counter("sward_messages_in_total", "Messages admitted to rooms"),
            events_out: counter("sward_events_out_total", "Events written to streams"),
            event_bytes_out: counter("sward_event_bytes_out_total", "Bytes of events written to streams"),
            chunks_out: counter("sward_chunks_out_total", "Chunks that events were written in"),
            flushes: counter("sward_flushes_total", "Flushes of rooms"),
            events_dropped: counter("sward_events_dropped_total", "Events too large to be sent"),
            bans_forgotten: counter(
                "sward_bans_forgotten_total",
                "Bans forgotten because their room had too many",
            ),
            games: Games::new(&registry),
            worlds: Worlds::new(&registry),
            streams_cut: counter(
                "sward_streams_cut_total",
                "Streams cut because their client kept a worker busy",
            ),
            connections_cut: by(
                "sward_connections_cut_total",
                "Connections cut for how they asked, by why",
                "why",
            ),
            tls_reloads: by("sward_tls_reloads_total", "Certificates read again, by outcome", "outcome"),
            openings_refused: counter(
                "sward_openings_refused_total",
                "Streams refused: their session opens too many",
            ),
            social: Social::new(&registry),
            recordings: Recordings::new(&registry),
            errors: by("sward_errors_total", "Error answers, by code", "code"),
            registry,
        }
    }

    /// All numbers, in the Prometheus text format 0.0.4.
    ///
    /// # Errors
    /// What the encoder says; it never does of well-formed metrics.
    pub fn text(&self) -> Result<String, prometheus::Error> {
        let mut out = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut out)?;
        String::from_utf8(out).map_err(|error| prometheus::Error::Msg(error.to_string()))
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

fn register<C: Collector + Clone + 'static>(registry: &Registry, metric: Result<C, prometheus::Error>) -> C {
    let metric = metric.expect("metric names are well-formed");
    registry.register(Box::new(metric.clone())).expect("metric names are unique");
    metric
}

fn gauge(name: &str, help: &str) -> Result<IntGauge, prometheus::Error> {
    IntGauge::new(name, help)
}

fn gauges(name: &str, help: &str, label: &str) -> Result<IntGaugeVec, prometheus::Error> {
    IntGaugeVec::new(Opts::new(name, help), &[label])
}

fn counter(name: &str, help: &str) -> Result<IntCounter, prometheus::Error> {
    IntCounter::new(name, help)
}

fn counters(name: &str, help: &str, label: &str) -> Result<IntCounterVec, prometheus::Error> {
    IntCounterVec::new(Opts::new(name, help), &[label])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_metrics_have_good_names_and_show_up() {
        let metrics = Metrics::new();
        metrics.sessions.set(3);
        metrics.errors.with_label_values(&["room_full"]).inc();
        let text = metrics.text().unwrap();
        assert!(text.contains("\nsward_sessions 3\n"), "{text}");
        assert!(text.contains("sward_errors_total{code=\"room_full\"} 1\n"), "{text}");
    }
}
