//! The report for people.

use std::fmt::Write as _;

use super::Report;
use crate::server_probe::UsageBetween;
use crate::stats::Percentiles;

/// The report as lines, ended by a line end.
#[must_use]
pub fn render(report: &Report) -> String {
    let mut out = String::new();
    // Writing into a `String` cannot fail.
    let _ = head(&mut out, report);
    let _ = figures(&mut out, report);
    let _ = processes(&mut out, report);
    for (reason, count) in &report.failures {
        let _ = writeln!(out, "Failed      {count} bots: {reason}");
    }
    for warning in report.warnings() {
        let _ = writeln!(out, "Warning     {warning}");
    }
    let _ = writeln!(out, "Verdict     {}", report.verdict);
    out
}

fn head(out: &mut String, report: &Report) -> std::fmt::Result {
    let (load, rooms) = (&report.load, report.rooms);
    let size = if rooms.smallest == rooms.largest {
        rooms.largest.to_string()
    } else {
        format!("{} to {}", rooms.smallest, rooms.largest)
    };
    writeln!(
        out,
        "{} players in {} rooms of {size}, each {} messages/s of {} bytes for {:.1} s, flush {} ms, seed {}, rung {} \
         ({}), {}, on {}",
        load.players,
        rooms.count,
        load.rate_per_s,
        load.data_bytes,
        load.duration.as_secs_f64(),
        load.flush.as_millis(),
        load.seed,
        load.rung.number(),
        load.rung,
        load.wire.on(load.rung),
        report.url,
    )?;
    writeln!(out)
}

fn figures(out: &mut String, report: &Report) -> std::fmt::Result {
    let (messages, deliveries) = (&report.messages, &report.deliveries);
    writeln!(
        out,
        "Messages    {} of {} sent; {} of {} delivered, {} a second",
        thousands(messages.accepted),
        thousands(messages.scheduled),
        thousands(deliveries.delivered),
        thousands(deliveries.expected),
        thousands(report.delivered_per_s.round() as u64),
    )?;
    writeln!(
        out,
        "Faults      lost {}, doubled {}, reordered {}, misrouted {}, foreign {}, refused {}, unsent {}",
        deliveries.lost,
        deliveries.doubled,
        deliveries.reordered,
        deliveries.misrouted,
        deliveries.foreign,
        messages.refused,
        messages.unsent(),
    )?;
    writeln!(out, "Latency     {}   intended send to receipt", percentiles(&report.latency))?;
    writeln!(out, "Send lag    {}   intended send to POST", percentiles(&report.send_lag))?;
    writeln!(out, "POST        {}   to its answer", percentiles(&report.post))?;
    let posts = &report.posts;
    writeln!(
        out,
        "            {} of {:.2} messages; {} broken, {} rate-limited, {} overloaded",
        thousands(posts.answered),
        messages.accepted as f64 / posts.answered.max(1) as f64,
        posts.broken,
        posts.rate_limited,
        posts.overloaded,
    )?;
    let streams = &report.streams;
    writeln!(
        out,
        "Streams     {} opened, {} broken, {} resumed, {} reset, {} events repeated, {} by POST",
        streams.opened, streams.broken, streams.resumed, streams.resets, streams.repeated, streams.by_post,
    )
}

fn processes(out: &mut String, report: &Report) -> std::fmt::Result {
    match &report.server {
        Some(server) => {
            let each = micros_each(server.cpu_us_per_delivered);
            writeln!(out, "Server      {each}; {}; pid {}", usage(&server.usage), server.pid)?;
        }
        None => {
            writeln!(out, "Server      not measured: its process is not known, or has ended (--server-pid)")?
        }
    }
    let Some(generator) = &report.generator else {
        return Ok(());
    };
    let each = micros_each(generator.cpu_us_per_delivered);
    let busy = generator.busy * 100.0;
    writeln!(out, "Generator   {each}; {}; {busy:.0} % busy", usage(&generator.usage))
}

fn usage(usage: &UsageBetween) -> String {
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    format!(
        "{:.2} s of CPU, {:.1} % of a core; {:.1} MiB of memory before, {:.1} after, {:.1} at most; {} threads",
        usage.cpu_us as f64 / 1e6,
        usage.cpu_cores * 100.0,
        mib(usage.rss_before_bytes),
        mib(usage.rss_after_bytes),
        mib(usage.rss_peak_bytes),
        usage.threads,
    )
}

fn micros_each(cpu_us_per_delivered: Option<f64>) -> String {
    cpu_us_per_delivered.map_or_else(String::new, |us| format!("{us:.2} µs of CPU per delivered message"))
}

fn percentiles(percentiles: &Percentiles) -> String {
    let ms = |us: u64| us as f64 / 1_000.0;
    format!(
        "p50 {:.2}  p90 {:.2}  p99 {:.2}  p99.9 {:.2}  max {:.2} ms",
        ms(percentiles.p50_us),
        ms(percentiles.p90_us),
        ms(percentiles.p99_us),
        ms(percentiles.p99_9_us),
        ms(percentiles.max_us),
    )
}

/// `1234567` as `1,234,567`.
fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
pub(super) mod tests {
    use std::collections::BTreeMap;

    use super::super::{Generator, Rooms, Server};
    use super::*;
    use crate::bot::PostCounters;
    use crate::client::StreamCounters;
    use crate::load::Load;
    use crate::stats::Account;
    use crate::verdict::{Messages, Verdict};

    const MIB: u64 = 1 << 20;

    pub(in super::super) fn report() -> Report {
        let messages = Messages { scheduled: 39_960, accepted: 39_960, refused: 0 };
        let deliveries = Account { expected: 1_958_040, delivered: 1_958_040, ..Account::default() };
        let usage = UsageBetween {
            cpu_us: 2_447_550,
            cpu_cores: 0.122,
            waiting_threads: 0.01,
            rss_before_bytes: 30 * MIB,
            rss_after_bytes: 40 * MIB,
            rss_peak_bytes: 50 * MIB,
            threads: 5,
        };
        let latency = Percentiles {
            count: 1_958_040,
            p50_us: 18_250,
            p90_us: 31_000,
            p99_us: 36_000,
            p99_9_us: 41_000,
            max_us: 52_000,
        };
        Report {
            url: "http://127.0.0.1:8080".to_owned(),
            load: Load::default(),
            rooms: Rooms { count: 9, needed: 9, smallest: 50, largest: 50 },
            cut_short: None,
            elapsed_ms: 20_030,
            messages,
            deliveries,
            delivered_per_s: 97_755.4,
            latency,
            send_lag: Percentiles::default(),
            post: Percentiles::default(),
            posts: PostCounters { answered: 19_980, ..PostCounters::default() },
            streams: StreamCounters { opened: 450, ..StreamCounters::default() },
            gone: 0,
            server: Some(Server { pid: 42, usage, cpu_us_per_delivered: Some(1.25) }),
            generator: Some(Generator {
                usage,
                cpu_us_per_delivered: Some(1.25),
                busy: 0.061,
                busiest_thread: 0.07,
            }),
            failures: BTreeMap::new(),
            verdict: Verdict::of(&messages, &deliveries, 0),
        }
    }

    fn check(report: &Report, lines: &[&str]) {
        let text = render(report);
        for line in lines {
            assert!(text.lines().any(|got| got == *line), "{line:?} is not in\n{text}");
        }
    }

    #[test]
    fn a_clean_run_says_so() {
        check(
            &report(),
            &[
                "450 players in 9 rooms of 50, each 4.44 messages/s of 43 bytes for 20.0 s, flush 33 ms, seed 1, rung 0 \
                 (sse), sse, on http://127.0.0.1:8080",
                "Messages    39,960 of 39,960 sent; 1,958,040 of 1,958,040 delivered, 97,755 a second",
                "Faults      lost 0, doubled 0, reordered 0, misrouted 0, foreign 0, refused 0, unsent 0",
                "Latency     p50 18.25  p90 31.00  p99 36.00  p99.9 41.00  max 52.00 ms   intended send to receipt",
                "            19,980 of 2.00 messages; 0 broken, 0 rate-limited, 0 overloaded",
                "Server      1.25 µs of CPU per delivered message; 2.45 s of CPU, 12.2 % of a core; \
                 30.0 MiB of memory before, 40.0 after, 50.0 at most; 5 threads; pid 42",
                "Verdict     clean: every message arrived once, in order, where it belongs",
            ],
        );
        assert!(!render(&report()).contains("Warning"));
    }

    #[test]
    fn what_makes_the_numbers_doubtful_is_said() {
        let mut report = report();
        report.cut_short = Some("interrupted".to_owned());
        report.rooms.count = 11;
        report.rooms.smallest = 3;
        report.server = None;
        report.failures.insert("the session has ended".to_owned(), 2);
        let generator = report.generator.as_mut().unwrap();
        generator.busiest_thread = 0.93;
        generator.usage.waiting_threads = 0.4;
        check(
            &report,
            &[
                "Server      not measured: its process is not known, or has ended (--server-pid)",
                "Failed      2 bots: the session has ended",
                "Warning     PARTIAL: interrupted",
                "Warning     the generator itself was 6 % busy (its busiest thread 93 %): latencies are partly its own",
                "Warning     the cores were wanted elsewhere: 0.00 threads of the server and 0.40 of the generator \
                 waited for one on average: latencies are partly the machine's",
                "Warning     the server made 11 rooms where 9 would do: the load is lighter than asked for",
            ],
        );
    }

    #[test]
    fn numbers_are_grouped_by_thousands() {
        let cases = [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")];
        for (number, want) in cases {
            assert_eq!(thousands(number), want);
        }
    }
}
