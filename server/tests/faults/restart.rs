//! The server ends and another one takes its place, which knows nobody: everybody is told, and nothing comes twice.

use std::time::Duration;

use sward_loadtest::client::ClientOptions;

use crate::account::{Account, NUMBERED};
use crate::players::{Party, Talk};
use crate::proxy::Behaviour;
use crate::run;
use crate::support::Server;

const WAIT_MAX: Duration = Duration::from_secs(60);
const TALK: Talk = Talk { messages: 20, pause: Duration::from_millis(5) };

/// Words said into the void while no server is there.
const LOST_WORDS: u64 = 5;

fn check(goodbye: impl FnOnce(Server)) {
    let mut server = Some(Server::start());
    let address = server.as_ref().unwrap().address;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let party = runtime.block_on(async {
        let options = |player| ClientOptions::named(format!("player {player}"));
        let party = Party::meet(address, 1, 2, None, |_| Behaviour::default(), options).await.unwrap();
        party.talk(TALK).await.unwrap();
        party
    });
    goodbye(server.take().unwrap());
    {
        let _runtime = runtime.enter();
        for player in &party.players {
            for word in 0..LOST_WORDS {
                player.handle.send(NUMBERED, &word).unwrap();
            }
        }
    }
    let second = Server::start_on(&address.to_string(), &[]);
    let outcome = runtime.block_on(async {
        party.all_hear(WAIT_MAX, |account| account.renewals == 1).await.unwrap();
        // Whatever of the old session came into the new room would break its count, which begins at 1.
        party.sit_down(None).await.unwrap();
        let outcome = party.talk(TALK).await.unwrap();
        party.part(outcome).await.unwrap()
    });
    for Account { renewals, returned, .. } in &outcome.accounts {
        assert_eq!((*renewals, *returned), (1, LOST_WORDS));
    }
    for gauge in ["sward_streams", "sward_sessions"] {
        second.await_metric(gauge, 0);
    }
}

#[test]
fn a_server_that_was_killed_and_started_anew_tells_its_players() {
    check(drop);
}

#[cfg(unix)]
#[test]
fn a_server_that_was_told_to_stop_tells_its_players_and_so_does_the_next_one() {
    check(|mut server| {
        server.terminate();
        assert!(server.wait().success());
    });
}

#[test]
fn a_line_that_is_cut_for_longer_than_the_window_ends_in_a_reset_and_a_snapshot() {
    let server = Server::start_with(&["--grace-ms", "120000"]);
    run(async {
        let options = |player| ClientOptions::named(format!("player {player}"));
        let party = Party::meet(server.address, 1, 2, None, |_| Behaviour::default(), options).await.unwrap();
        let (away, there) = (&party.players[0], &party.players[1]);
        away.proxy.break_off();
        there.handle.send(NUMBERED, &serde_json::json!({ "n": 1 })).unwrap();
        there.handle.flushed().await.unwrap();
        // The window is 30 s of the server's time: nothing but time makes it pass.
        tokio::time::sleep(Duration::from_secs(32)).await;
        away.proxy.mend();
        away.hears(WAIT_MAX, |account| account.resets == 1 && account.seats().len() == 2).await.unwrap();
        there.handle.send(NUMBERED, &serde_json::json!({ "n": 2, "is_last": true })).unwrap();
        away.handle.send(NUMBERED, &serde_json::json!({ "n": 1, "is_last": true })).unwrap();
        party.all_hear(WAIT_MAX, Account::is_complete).await.unwrap();
        assert_eq!(away.account.borrow().missing, 1);
        assert_eq!(there.account.borrow().resets, 0);
    });
}
