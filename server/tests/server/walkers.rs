//! `examples/walkers.rs`, measured by `sward-loadtest world`: each mode, small and short.

use std::net::SocketAddr;
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::Duration;

use sward_loadtest::progress::Progress;
use sward_loadtest::world::report::{Outcome, Report};
use sward_loadtest::world::{Line, Mode, WorldOptions, run};
use sward_server::Config;

#[path = "../../examples/walkers.rs"]
#[allow(dead_code, reason = "its main is not run here")]
mod example;

/// The URL of a server with the example's game, in a thread that ends with this process.
fn server() -> String {
    let (at, bound) = sync_channel(1);
    thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let config = Config { listen: SocketAddr::from(([127, 0, 0, 1], 0)), ..Config::default() };
            let listening = example::server().config(config).build().listen().unwrap();
            at.send(listening.address()).unwrap();
            listening.run().await.unwrap();
        });
    });
    format!("http://{}", bound.recv().unwrap())
}

fn measured(lines: Vec<Line>, url: String) -> Report {
    let options = WorldOptions {
        lines,
        duration: Duration::from_secs(1),
        warm_up: Duration::from_millis(300),
        seed: 7,
        url: Some(url),
        server_bin: None,
        is_silent: false,
        is_pinned: false,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(run(&options, &Progress::silent())).unwrap()
}

#[test]
fn each_mode_is_measured_and_nobody_is_told_anything_wrong() {
    let modes = [Mode::Sight, Mode::Everything, Mode::Snapshots];
    let report = measured(modes.map(|mode| Line { mode, players: 20 }).into(), server());
    for row in &report.rows {
        let Outcome::Measured(figures) = &row.outcome else { panic!("{row:?}") };
        assert_eq!((&figures.faults[..], figures.ended.len(), figures.ticks_out_of_order), (&[][..], 0, 0));
        // On a machine that does other things, ticks may be late; there are never more of them.
        let patches = figures.patches_per_s_and_player;
        assert!((4.0..=22.0).contains(&patches), "{patches} a second in {:?}", row.line);
        // All walk, and twenty have fewer neighbours than there is room for.
        assert!((figures.entities_per_patch - 20.0).abs() < 0.2, "{row:?}");
        let bytes = figures.bytes_per_s_and_player / patches;
        assert!((400.0..=1_000.0).contains(&bytes), "{bytes} bytes a patch in {:?}", row.line);
        if cfg!(target_os = "linux") {
            assert!(figures.server.is_some() && figures.generator.is_some());
        }
    }
    assert_eq!(report.ratio(), None);
}

#[test]
fn with_many_players_each_is_told_of_some() {
    let report = measured(vec![Line { mode: Mode::Sight, players: 150 }], server());
    let Outcome::Measured(figures) = &report.rows[0].outcome else { panic!("{:?}", report.rows) };
    assert_eq!((&figures.faults[..], figures.ended.len()), (&[][..], 0));
    assert!((30.0..=75.0).contains(&figures.entities_per_patch), "{figures:?}");
    assert!(figures.sight.is_some_and(|sight| (1_000.0..2_000.0).contains(&sight)), "{figures:?}");
}
