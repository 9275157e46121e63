//! The routes within an application that somebody already has: `examples/embedded.rs`, played under its prefix.

use std::net::TcpListener;
use std::sync::mpsc::sync_channel;
use std::thread;

use serde_json::json;

use crate::support::Server;

#[path = "../../examples/embedded.rs"]
#[allow(dead_code, reason = "its main is not run here")]
mod example;

#[test]
fn the_game_is_played_below_a_prefix_of_another_application() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, told_to_stop) = sync_channel::<()>(1);
    let application = thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let game = sward_server::Server::builder().build().mount().unwrap();
            let application = example::application(listener, game.clone()).unwrap();
            let handle = application.handle();
            let stopping = actix_web::rt::spawn(async move {
                let wait = actix_web::rt::task::spawn_blocking(move || told_to_stop.recv());
                wait.await.unwrap().unwrap();
                game.drain().await;
                handle.stop(true).await;
            });
            application.await.unwrap();
            stopping.await.unwrap();
        });
    });

    let own = Server::within(address, "");
    assert!(own.get("/").text().contains("An application that has a game"));
    assert_eq!(own.get("/v1/time").status, 404, "only below the prefix");

    let server = Server::within(address, "/game");
    assert_eq!(server.get("/healthz").text(), "ok\n");
    assert_eq!(server.get("/sdk/index.js").status, 200);
    assert_eq!(server.get("/nothing").code(), "not_found");
    assert_eq!(server.get("/").code(), "not_found", "the sample game is no part of it");
    assert_eq!(server.get("/v1/time").header("access-control-allow-origin"), Some("*"));
    assert_eq!(server.request("PUT", "/v1/join", &[], b"").code(), "method_not_allowed");

    let (zoe, bo) = (server.player("Zoë"), server.player("Bo"));
    let (mut zoes, mut bos) = (zoe.stream(), bo.stream());
    zoe.join(&json!({"game": "relay", "create": true}));
    bo.join(&json!({"game": "relay"}));
    zoes.expect("joined");
    bos.expect("joined");
    assert_eq!(zoes.expect("here")["name"], "Bo");
    let answer = zoe.send(&json!({"seq": 1, "msgs": [{"type": "wave", "data": 1, "rid": 7}]})).json();
    assert_eq!(answer, json!({"ack": 1, "replies": [{"i": 0, "rid": 7, "data": null}]}));
    assert_eq!(bos.expect("msg"), json!({"from": 1, "type": "wave", "data": 1}));
    zoes.cut();
    assert_eq!(bos.await_event("away")["seat"], 1, "somebody looks after lost players");

    // So do those who look after lobbies and queues.
    let (mo, jo) = (server.player("Mo"), server.player("Jo"));
    let mut mos = mo.stream();
    mo.send(&json!({"type": "sward.lobby", "data": {"game": "relay"}}));
    mos.expect("lobby");
    for player in [&mo, &jo] {
        player.send(&json!({"type": "sward.queue", "data": {"game": "relay", "mode": "duel"}}));
    }
    let mut awaited = vec!["joined", "lobby"];
    while !awaited.is_empty() {
        let (name, _) = mos.next().expect("the stream goes on");
        awaited.retain(|other| *other != name);
    }

    assert_eq!(server.metric("sward_errors_total{code=\"not_found\"}"), Some(2));

    stop.send(()).unwrap();
    assert_eq!(bos.await_event("bye")["code"], 3001);
    assert!(bos.next().is_none());
    application.join().unwrap();
}

#[actix_web::test]
async fn a_page_of_one_s_own_stands_below_the_prefix_too() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/public");
    let game = sward_server::Server::builder().files(folder).build().mount().unwrap();
    let app = actix_web::test::init_service(actix_web::App::new().configure(game.routes("/game"))).await;
    for (path, status) in
        [("/game/", 200), ("/game/index.html", 200), ("/game/sdk/index.js", 200), ("/index.html", 404)]
    {
        let request = actix_web::test::TestRequest::get().uri(path).to_request();
        let answer = actix_web::test::call_service(&app, request).await;
        assert_eq!(answer.status(), status, "{path}");
    }
    let missing = sward_server::Server::builder().files("no/such/folder").build().mount();
    assert_eq!(missing.unwrap_err().kind(), std::io::ErrorKind::NotFound);
}
