//! Messages of which only the newest counts: the values of a key only rise, and the last one always arrives.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::sleep;

use crate::account::{Account, Numbered};
use crate::exactly_once::meet;
use crate::players::Outcome;
use crate::{rotating_server, run};

const PLAYERS: u64 = 2;
const UPDATES: u64 = 200;
/// How long the last value may take: players wait for time-outs of 15 s.
const HEAR_MAX: Duration = Duration::from_secs(90);

async fn play(server: SocketAddr, seed: u64) -> Result<Outcome, String> {
    let party = meet(server, seed, PLAYERS).await?;
    for n in 1..=UPDATES {
        for player in &party.players {
            player.update(&Numbered { n, is_last: n == UPDATES, filling: String::new() })?;
        }
        sleep(Duration::from_millis(n % 16)).await;
    }
    party.all_hear(HEAR_MAX, Account::is_up_to_date).await?;
    party.part(Outcome { sent: PLAYERS * UPDATES, ..Outcome::default() }).await
}

#[test]
fn the_values_of_a_key_only_rise_and_the_last_one_always_arrives() {
    let server = rotating_server();
    let played = run(join_all((1_000..1_040).map(|seed| play(server.address, seed))));
    let (mut sent, mut seen) = (0, 0);
    for (seed, played) in (1_000..).zip(played) {
        let outcome = played.unwrap_or_else(|why| panic!("seed {seed}: {why}"));
        sent += outcome.sent;
        seen += outcome.sum(|account| account.updates);
    }
    println!("{sent} values sent, {seen} seen: the others were overtaken by newer ones");
    assert!(seen < sent, "no value ever waited, so none was replaced");
}
