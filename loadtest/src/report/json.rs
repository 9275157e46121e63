//! The report for programs.

use std::io::{self, Write};

use serde::Serialize;

use super::Report;

#[derive(Serialize)]
struct File<'a> {
    #[serde(flatten)]
    report: &'a Report,
    warnings: Vec<String>,
    clean: bool,
}

/// Writes the report as one JSON object, indented, with a line end.
///
/// # Errors
/// Those of `out`.
pub fn write(report: &Report, mut out: impl Write) -> io::Result<()> {
    let file = File { report, warnings: report.warnings(), clean: report.verdict.is_clean() };
    serde_json::to_writer_pretty(&mut out, &file)?;
    out.write_all(b"\n")?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::super::text::tests::report;
    use super::*;

    #[test]
    fn the_file_is_json_with_units_in_its_names() {
        let mut bytes = Vec::new();
        write(&report(), &mut bytes).unwrap();
        let json: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(json["load"]["duration_ms"], 20_000);
        assert_eq!(json["deliveries"]["lost"], 0);
        assert_eq!(json["latency"]["p99_us"], 36_000);
        assert_eq!(json["server"]["cpu_us_per_delivered"], 1.25);
        assert_eq!(json["server"]["rss_peak_bytes"], 50 * 1024 * 1024);
        assert_eq!(json["faults"], serde_json::json!([]));
        assert_eq!(json["clean"], true);
    }
}
