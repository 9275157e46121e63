//! The game through real proxies: each configuration in `docs/proxies` is started as it stands, and a client plays through
//! it. `make test-proxies` runs it; `SWARD_BLESS=1` writes `docs/proxies.md`.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test may fail by a panic")]

mod configurations;
mod exchange;
mod page;
mod proxy;
#[path = "../server/support.rs"]
#[allow(dead_code, reason = "the other tests of the server need more of it")]
mod support;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use configurations::{CONFIGURATIONS, Configuration, Kind};
use exchange::{Reading, Way};
use page::Line;
use proxy::Proxy;
use support::Server;

/// So many configurations at once when only rungs are compared: most of their time is waiting.
const AT_ONCE: usize = 3;
/// A client steps down from what is late, and a busy machine is late too: what differs from the table is tried again,
/// alone. A proxy that holds events back does so every time.
const TRIES: usize = 3;
/// How long others may take to be told, for the page, that a player left: the silence after which a client that
/// acknowledges is away, and some more.
const LEAVE: Duration = Duration::from_secs(30);

/// Of each program: nothing where it is missing.
type Versions = BTreeMap<&'static str, Option<String>>;

#[test]
fn the_game_works_through_each_proxy_on_the_rung_of_the_table() {
    let only = std::env::var("SWARD_PROXY").unwrap_or_default();
    let asked: Vec<_> = CONFIGURATIONS.iter().filter(|one| one.file.contains(&only)).collect();
    let versions: Versions =
        asked.iter().map(|one| (one.product.program, proxy::version(&one.product))).collect();
    let missing: Vec<_> =
        versions.iter().filter(|(_, version)| version.is_none()).map(|(program, _)| *program).collect();
    if !missing.is_empty() {
        let missing = missing.join(", ");
        eprintln!(
            "*** NOT TESTED THROUGH {missing}: there is none on this machine; .ci/setup installs them ***"
        );
        assert!(std::env::var("CI").as_deref() != Ok("true"), "missing: {missing}");
    }
    let there: Vec<_> = asked.into_iter().filter(|one| versions[one.product.program].is_some()).collect();
    if std::env::var("SWARD_BLESS").as_deref() == Ok("1") {
        assert!(there.len() == CONFIGURATIONS.len(), "the page is about all of them");
        bless(&there, &versions);
    } else {
        compare(&there);
    }
}

/// Measures one after the other and writes the page.
fn bless(there: &[&'static Configuration], versions: &Versions) {
    let direct = tried("no proxy", || measured(None, LEAVE)).unwrap();
    let line = |configuration: &&'static Configuration| Line {
        configuration,
        version: versions[configuration.product.program].clone().unwrap(),
        reading: tried(configuration.file, || measured(Some(configuration), LEAVE)).unwrap(),
    };
    let lines: Vec<_> = there.iter().map(line).collect();
    std::fs::write(page::path(), page::written(&lines, &direct)).unwrap();
}

/// Measures a few at once and compares the rungs with the page.
fn compare(there: &[&'static Configuration]) {
    let page = std::fs::read_to_string(page::path()).unwrap_or_default();
    assert!(page::is_framed(&page), "docs/proxies.md: SWARD_BLESS=1 make test-proxies writes it");
    let is_as_told = |one: &'static Configuration| -> Result<bool, String> {
        let reading = tried(one.file, || measured(Some(one), Duration::ZERO))?;
        let (got, want) = (page::rung(reading.rung), page::rung_of(&page, one.file));
        if want.as_ref() != Some(&got) {
            let want = want.as_deref().unwrap_or("nothing");
            eprintln!("{:28} {got}, the table says {want}; {:?}", one.file, reading.steps);
        }
        Ok(want == Some(got))
    };

    let (next, differing, failures) = (AtomicUsize::new(0), Mutex::new(Vec::new()), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(one) = there.get(next.fetch_add(1, Ordering::Relaxed)) {
                    match is_as_told(one) {
                        Ok(true) => {}
                        Ok(false) => differing.lock().unwrap().push(*one),
                        Err(what) => failures.lock().unwrap().push(format!("{}: {what}", one.file)),
                    }
                }
            });
        }
    });
    let mut failures = failures.into_inner().unwrap();
    for one in differing.into_inner().unwrap() {
        match (1..TRIES).map(|_| is_as_told(one)).find(|outcome| *outcome != Ok(false)) {
            Some(Ok(_)) => {}
            Some(Err(what)) => failures.push(format!("{}: {what}", one.file)),
            None => failures.push(format!("{}: its rung is not that of the table", one.file)),
        }
    }
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}

#[test]
fn every_file_for_operators_is_tested() {
    let folder = proxy::source("");
    let mut found: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    found.sort_unstable();
    let mut listed: Vec<_> = CONFIGURATIONS.iter().map(|one| one.file).collect();
    listed.sort_unstable();
    assert_eq!(found, listed);
}

/// Says how it went, as it goes.
fn tried(what: &str, measure: impl FnOnce() -> Result<Reading, String>) -> Result<Reading, String> {
    let begun = std::time::Instant::now();
    let reading = measure();
    match &reading {
        Ok(reading) => eprintln!(
            "{what:28} rung {} in {:.1} s; first event {} ms, ping {:.1} ms, away after {}",
            page::rung(reading.rung),
            begun.elapsed().as_secs_f64(),
            reading.first_event.as_millis(),
            reading.median().as_secs_f64() * 1_000.0,
            page::told(reading.leave_told),
        ),
        Err(why) => eprintln!("{what:28} FAILED: {why}"),
    }
    reading
}

/// Plays through a proxy of this configuration, or through none, with a server of its own.
fn measured(configuration: Option<&Configuration>, patience: Duration) -> Result<Reading, String> {
    let server = Server::start_with(&["--messages-per-s", "10000", "--bytes-per-s", "10000000"]);
    let proxy = configuration.map(|one| Proxy::start(one, server.address)).transpose()?;
    let way = match (configuration, &proxy) {
        (Some(Configuration { kind: Kind::Reverse, .. }), Some(proxy)) => Way::Reverse(proxy.address),
        (Some(Configuration { kind: Kind::Forward, .. }), Some(proxy)) => Way::Forward(proxy.address),
        _ => Way::Direct,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(exchange::play(server.address, way, patience)).map_err(|what| {
        let said = proxy.as_ref().map(Proxy::output).unwrap_or_default();
        format!(
            "{what}\n{}",
            said.lines().rev().take(20).collect::<Vec<_>>().into_iter().rev().collect::<Vec<_>>().join("\n")
        )
    })
}
