//! Boxes on the way that hold answers back: on which rung a client ends behind each, and that the game goes on there.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::future::join_all;
use sward_loadtest::client::{ClientOptions, Rung, Wire};

use crate::players::{Party, Talk};
use crate::proxy::Behaviour;
use crate::proxy::hold::{Holding, Until};
use crate::{run, server};

/// A box, and the rung on which a client behind it ends.
struct Case {
    name: &'static str,
    holding: Holding,
    wire: Wire,
    rung: Rung,
}

fn cases() -> Vec<Case> {
    let sse = Wire::Sse { batch: false };
    let plain = |name, until, rung| Case { name, holding: Holding::until(until), wire: sse, rung };
    let haproxy = Until::NextPiece(Some(Duration::from_millis(200)));
    let sparing = |until| Holding { spares_octets: true, ..Holding::until(until) };
    let insisting = Holding { insists_on_accept: true, ..Holding::NOTHING };
    vec![
        plain("nothing", Until::Never, Rung::Sse),
        plain("1,024 bytes", Until::Bytes(1_024), Rung::Sse),
        plain("2,048 bytes", Until::Bytes(2_048), Rung::Sse),
        plain("16 KiB", Until::Bytes(16 * 1024), Rung::Drain),
        plain("1 MiB", Until::Bytes(1024 * 1024), Rung::Drain),
        plain("first until second", Until::SecondPiece, Rung::Sse),
        // The chaser lets go of `hello`, but then each event waits for the next: the pings tell.
        plain("one behind", Until::NextPiece(None), Rung::Drain),
        plain("until complete", Until::Complete, Rung::Drain),
        plain("200 ms late", haproxy, Rung::Drain),
        Case { name: "200 ms late, text only", holding: sparing(haproxy), wire: sse, rung: Rung::Raw },
        Case { name: "complete, text only", holding: sparing(Until::Complete), wire: sse, rung: Rung::Raw },
        Case { name: "asked for, sse", holding: insisting, wire: sse, rung: Rung::Sse },
        Case { name: "asked for, frames", holding: insisting, wire: Wire::Frames, rung: Rung::Drain },
    ]
}

/// One player behind the box, and one who is not.
async fn play(server: SocketAddr, seed: u64, case: &Case) -> Result<(), String> {
    let behaviour = |player| {
        let holding = if player == 0 { case.holding } else { Holding::NOTHING };
        Behaviour { holding, ..Behaviour::default() }
    };
    let options = |player| {
        let wire = if player == 0 { case.wire } else { Wire::Sse { batch: false } };
        ClientOptions { wire, ..ClientOptions::named(format!("{player} of {seed}")) }
    };
    let party = Party::meet(server, seed, 2, None, behaviour, options).await?;
    let outcome = party.talk(Talk { messages: 60, pause: Duration::from_millis(60) }).await?;
    let outcome = party.part(outcome).await?;
    let report = &outcome.reports[0];
    if report.rung != case.rung || !report.proved {
        return Err(format!("ended on {} ({}), proved {}", report.rung, report.why, report.proved));
    }
    if outcome.sum(|account| account.resets) > 0 {
        return Err("something was lost on the way down the ladder".to_owned());
    }
    Ok(())
}

#[test]
fn behind_a_box_a_client_ends_on_the_rung_that_it_lets_through_and_the_game_goes_on() {
    let server = server();
    let cases = cases();
    let played = run(join_all((1..).zip(&cases).map(|(seed, case)| play(server.address, seed, case))));
    let mut failures = Vec::new();
    for (case, played) in cases.iter().zip(played) {
        println!("{}: {}", case.name, case.rung);
        failures.extend(played.err().map(|why| format!("{}: {why}", case.name)));
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
