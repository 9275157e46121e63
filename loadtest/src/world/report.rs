//! What came out, as a table and as JSON. Pure.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use serde::{Serialize, Serializer};

use super::tally::Tally;
use super::{Line, Mode};
use crate::server_probe::UsageBetween;
use crate::stats::Percentiles;

/// The most that a player among 2,000 may cost, in those that one among 200 costs, when each has as many in sight.
pub const RATIO_MAX: f64 = 1.5;
/// The sizes that are compared.
const RATIO_OF: (usize, usize) = (2_000, 200);
/// Above this mean time between a player's patches the server does not keep up with ticks of 50 ms.
const SPACING_MAX_MS: f64 = 60.0;
/// Below it there were more patches than ticks, and the counting is wrong.
const SPACING_MIN_MS: f64 = 45.0;

/// All lines.
#[derive(Debug)]
pub struct Report {
    /// How long each was counted.
    pub duration_ms: u128,
    /// Server and generator had a core each.
    pub is_pinned: bool,
    /// In the order in which they were measured.
    pub rows: Vec<Row>,
}

/// A line and what it came to.
#[derive(Debug, Serialize)]
pub struct Row {
    /// What was measured.
    #[serde(flatten)]
    pub line: Line,
    /// What came out.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// What a line came to.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Everybody was in, and it was counted.
    Measured(Box<Figures>),
    /// Not everybody could enter.
    Failed(String),
    /// A smaller number was too many already.
    Skipped(String),
}

/// What was counted.
#[derive(Debug, Default, Serialize)]
pub struct Figures {
    /// How far players see; absent: everything.
    pub sight: Option<f64>,
    /// A player's entities in a patch: what is in sight, himself, and what has just left it.
    pub entities_per_patch: f64,
    /// From the socket of one player.
    pub bytes_per_s_and_player: f64,
    /// Of one player.
    pub patches_per_s_and_player: f64,
    /// Between two patches of a player.
    pub spacing: Percentiles,
    /// Their mean.
    pub spacing_mean_ms: f64,
    /// Ticks that some player was told together with the next.
    pub ticks_left_out: u64,
    /// Patches of an older tick than the one before: a fault.
    pub ticks_out_of_order: u64,
    /// Streams that ended, by reason: a fault.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub ended: BTreeMap<String, u64>,
    /// What was wrong with the views that were kept.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<String>,
    /// The server's CPU for one player in a second, in µs; absent where it cannot be measured.
    pub server_cpu_us_per_s_and_player: Option<f64>,
    /// The server.
    pub server: Option<UsageBetween>,
    /// This program.
    pub generator: Option<UsageBetween>,
}

impl Figures {
    /// From the sums over those of so many players who are only counting.
    #[must_use]
    pub(super) fn of(
        tally: &Tally,
        (players, counting): (usize, usize),
        elapsed: Duration,
        sight: Option<f64>,
        faults: Vec<String>,
        (server, generator): (Option<UsageBetween>, Option<UsageBetween>),
    ) -> Self {
        let seconds = elapsed.as_secs_f64();
        let each = |sum: u64| sum as f64 / seconds / counting as f64;
        let per_frame = |sum: f64| if tally.frames == 0 { 0.0 } else { sum / tally.frames as f64 };
        Self {
            sight,
            entities_per_patch: per_frame(tally.entities as f64),
            bytes_per_s_and_player: each(tally.bytes),
            patches_per_s_and_player: each(tally.frames),
            spacing: tally.spacing.percentiles(),
            spacing_mean_ms: per_frame(1_000.0 * seconds * counting as f64),
            ticks_left_out: tally.ticks_left_out,
            ticks_out_of_order: tally.ticks_out_of_order,
            ended: tally.ended.clone(),
            faults,
            server_cpu_us_per_s_and_player: server.map(|used| used.cpu_us as f64 / seconds / players as f64),
            server,
            generator,
        }
    }

    /// Whether the server kept up with its ticks.
    #[must_use]
    pub fn keeps_up(&self) -> bool {
        self.patches_per_s_and_player > 0.0 && self.spacing_mean_ms <= SPACING_MAX_MS
    }

    fn failures(&self) -> Vec<String> {
        let mut failures = self.faults.clone();
        failures.extend(self.ended.iter().map(|(why, count)| format!("{count} streams ended: {why}")));
        if self.ticks_out_of_order > 0 {
            failures.push(format!("{} patches were of an older tick", self.ticks_out_of_order));
        }
        if self.patches_per_s_and_player == 0.0 {
            failures.push("no patches came".to_owned());
        } else if self.spacing_mean_ms < SPACING_MIN_MS {
            failures.push("more patches came than there were ticks".to_owned());
        }
        failures
    }
}

impl Row {
    /// Whether more players than these are not worth a try.
    #[must_use]
    pub fn is_too_much(&self) -> bool {
        match &self.outcome {
            Outcome::Measured(figures) => !figures.keeps_up(),
            Outcome::Failed(_) | Outcome::Skipped(_) => true,
        }
    }
}

impl Report {
    /// What one of 2,000 players costs, in those that one of 200 costs, in sight; `None` unless both were measured, and the
    /// server kept up with both.
    #[must_use]
    pub fn ratio(&self) -> Option<f64> {
        let cost = |players| {
            let line = Line { mode: Mode::Sight, players };
            let row = self.rows.iter().find(|row| row.line == line)?;
            let Outcome::Measured(figures) = &row.outcome else { return None };
            figures.server_cpu_us_per_s_and_player.filter(|cost| *cost > 0.0 && figures.keeps_up())
        };
        Some(cost(RATIO_OF.0)? / cost(RATIO_OF.1)?)
    }

    /// What is not as it has to be. That a world in which all see all, or whole states, are too much for a server is no
    /// failure, as long as nobody was told anything wrong.
    #[must_use]
    pub fn failures(&self) -> Vec<String> {
        let mut failures = Vec::new();
        for Row { line, outcome } in &self.rows {
            match outcome {
                Outcome::Measured(figures) if figures.keeps_up() || line.mode == Mode::Sight => {
                    failures.extend(figures.failures().into_iter().map(|what| format!("{line}: {what}")));
                    if !figures.keeps_up() {
                        failures.push(format!("{line}: a patch each {:.0} ms", figures.spacing_mean_ms));
                    }
                }
                Outcome::Failed(why) | Outcome::Skipped(why) if line.mode == Mode::Sight => {
                    failures.push(format!("{line}: {why}"));
                }
                _ => {}
            }
        }
        if let Some(ratio) = self.ratio().filter(|ratio| *ratio > RATIO_MAX) {
            let (many, few) = RATIO_OF;
            failures
                .push(format!("one of {many} costs {ratio:.2} × what one of {few} costs: above {RATIO_MAX}"));
        }
        failures
    }

    /// The report as lines of Markdown, ended by a line end.
    #[must_use]
    pub fn text(&self) -> String {
        let mut out = "| mode | players | sight | entities per patch | KB/s per player | patches/s | spacing p50, p99 ms | \
            CPU per player and s | server cores | RSS | generator cores |\n|---|---|---|---|---|---|---|---|---|---|---|\n"
            .to_owned();
        // Writing into a `String` cannot fail.
        for row in &self.rows {
            let _ = write_row(&mut out, row);
        }
        if let Some(ratio) = self.ratio() {
            let (many, few) = RATIO_OF;
            let _ = writeln!(
                out,
                "\nOne of {many} costs {ratio:.2} × what one of {few} costs; at most {RATIO_MAX}."
            );
        }
        for failure in self.failures() {
            let _ = writeln!(out, "Failed: {failure}");
        }
        out
    }

    /// The report as one JSON object.
    ///
    /// # Errors
    /// Those of serde: none that are known.
    pub fn json(&self) -> serde_json::Result<String> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }
}

impl Serialize for Report {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct as _;
        let mut report = serializer.serialize_struct("Report", 5)?;
        report.serialize_field("duration_ms", &self.duration_ms)?;
        report.serialize_field("pinned", &self.is_pinned)?;
        report.serialize_field("rows", &self.rows)?;
        report.serialize_field("ratio", &self.ratio())?;
        report.serialize_field("failures", &self.failures())?;
        report.end()
    }
}

fn write_row(out: &mut String, Row { line, outcome }: &Row) -> std::fmt::Result {
    write!(out, "| {} | {} | ", line.mode, line.players)?;
    let figures = match outcome {
        Outcome::Measured(figures) => figures,
        Outcome::Failed(why) => return writeln!(out, "not carried: {why} |"),
        Outcome::Skipped(why) => return writeln!(out, "not tried: {why} |"),
    };
    let or_dash = |value: Option<String>| value.unwrap_or_else(|| "–".to_owned());
    let server = figures.server.as_ref();
    writeln!(
        out,
        "{} | {:.1} | {:.1} | {:.1}{} | {:.0}, {:.0} | {} | {} | {} | {} |",
        figures.sight.map_or_else(|| "all".to_owned(), |sight| format!("{sight:.0}")),
        figures.entities_per_patch,
        figures.bytes_per_s_and_player / 1_000.0,
        figures.patches_per_s_and_player,
        if figures.keeps_up() { "" } else { " (saturated)" },
        figures.spacing.p50_us as f64 / 1_000.0,
        figures.spacing.p99_us as f64 / 1_000.0,
        or_dash(figures.server_cpu_us_per_s_and_player.map(|us| format!("{us:.0} µs"))),
        or_dash(server.map(|used| format!("{:.2}", used.cpu_cores))),
        or_dash(server.map(|used| format!("{} MB", used.rss_after_bytes / 1_000_000))),
        or_dash(figures.generator.as_ref().map(|used| format!("{:.2}", used.cpu_cores))),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn used(cpu_us: u64) -> Option<UsageBetween> {
        Some(UsageBetween {
            cpu_us,
            cpu_cores: cpu_us as f64 / 10e6,
            waiting_threads: 0.0,
            rss_before_bytes: 0,
            rss_after_bytes: 25_000_000,
            rss_peak_bytes: 0,
            threads: 4,
        })
    }

    /// A row of 10 s in which each player had `frames` patches of 51 entities, and cost the server so much a second.
    fn row(mode: Mode, players: usize, frames: u64, cost_us: u64) -> Row {
        let counting = players - 5;
        let mut tally = Tally { bytes: 1_700 * frames * counting as u64, ..Tally::default() };
        tally.frames = frames * counting as u64;
        tally.entities = 51 * tally.frames;
        let cpu = (used(cost_us * 10 * players as u64), used(1));
        let figures =
            Figures::of(&tally, (players, counting), Duration::from_secs(10), Some(339.0), Vec::new(), cpu);
        Row { line: Line { mode, players }, outcome: Outcome::Measured(Box::new(figures)) }
    }

    fn report(rows: Vec<Row>) -> Report {
        Report { duration_ms: 10_000, is_pinned: true, rows }
    }

    #[test]
    fn figures_are_those_of_one_player() {
        let report = report(vec![row(Mode::Sight, 200, 200, 400), row(Mode::Sight, 2_000, 200, 500)]);
        let text = report.text();
        assert!(
            text.contains(
                "| sight | 2000 | 339 | 51.0 | 34.0 | 20.0 | 0, 0 | 500 µs | 1.00 | 25 MB | 0.00 |"
            ),
            "{text}"
        );
        assert!(text.contains("One of 2000 costs 1.25 × what one of 200 costs"), "{text}");
        assert_eq!(report.failures(), [""; 0]);
        let json: serde_json::Value = serde_json::from_str(&report.json().unwrap()).unwrap();
        assert_eq!((&json["ratio"], &json["rows"][0]["players"]), (&1.25.into(), &200.into()));
        assert_eq!(json["rows"][1]["measured"]["server_cpu_us_per_s_and_player"], 500.0);
    }

    #[test]
    fn many_who_cost_too_much_are_a_failure() {
        let report = report(vec![row(Mode::Sight, 200, 200, 400), row(Mode::Sight, 2_000, 200, 604)]);
        assert_eq!(report.failures(), ["one of 2000 costs 1.51 × what one of 200 costs: above 1.5"]);
    }

    #[test]
    fn a_server_that_does_not_keep_up_fails_where_players_see_what_is_near() {
        let slow = |mode| row(mode, 2_000, 150, 300);
        assert!(slow(Mode::Everything).is_too_much());
        assert_eq!(report(vec![slow(Mode::Everything)]).failures(), [""; 0]);
        let report = report(vec![row(Mode::Sight, 200, 200, 400), slow(Mode::Sight)]);
        assert_eq!(
            (report.failures(), report.ratio()),
            (vec!["sight 2000: a patch each 67 ms".to_owned()], None)
        );
        assert!(report.text().contains("15.0 (saturated)"));
    }

    #[test]
    fn what_players_were_told_wrong_is_a_failure() {
        let mut rows = vec![
            row(Mode::Snapshots, 50, 200, 1),
            row(Mode::Snapshots, 50, 0, 1),
            row(Mode::Sight, 50, 250, 1),
        ];
        if let Outcome::Measured(figures) = &mut rows[0].outcome {
            figures.faults = vec!["his last snapshot is not the game's".to_owned()];
            figures.ended = BTreeMap::from([("the stream was cut".to_owned(), 2)]);
            figures.ticks_out_of_order = 3;
        }
        let skipped = Outcome::Skipped("50 were too many".to_owned());
        rows.push(Row { line: Line { mode: Mode::Sight, players: 60 }, outcome: skipped });
        let want = [
            "snapshots 50: his last snapshot is not the game's",
            "snapshots 50: 2 streams ended: the stream was cut",
            "snapshots 50: 3 patches were of an older tick",
            "sight 50: more patches came than there were ticks",
            "sight 60: 50 were too many",
        ];
        assert_eq!(report(rows).failures(), want);
    }
}
