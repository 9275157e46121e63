//! The routes within an application that somebody already has: `examples/embedded.rs`, played under its prefix.

use std::net::TcpListener;
use std::sync::mpsc::sync_channel;
use std::thread;

use serde_json::json;
use sward_server::Config;
use tempfile::TempDir;

use crate::recording::lines;
use crate::support::Server;

#[path = "../../examples/embedded.rs"]
#[allow(dead_code, reason = "its main is not run here")]
mod example;

#[test]
fn the_game_is_played_below_a_prefix_of_another_application() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, told_to_stop) = sync_channel::<()>(1);
    let recordings = TempDir::new().unwrap();
    let config = Config { record: Some(recordings.path().to_owned()), ..Config::default() };
    let application = thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let game = sward_server::Server::builder().config(config).build().mount().unwrap();
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
    // The lobby changes, for Jo has come, and they are matched: whichever is sooner.
    let mut waited_for = vec!["lobby", "joined"];
    while !waited_for.is_empty() {
        let (name, _) = mos.next().unwrap();
        waited_for.retain(|waited_for| *waited_for != name);
    }

    assert_eq!(server.metric("sward_errors_total{code=\"not_found\"}"), Some(2));

    stop.send(()).unwrap();
    assert_eq!(bos.await_event("bye")["code"], 3001);
    assert!(bos.next().is_none());
    application.join().unwrap();

    // What was recorded is whole: the relay's two rooms.
    let ends =
        std::fs::read_dir(recordings.path()).unwrap().map(|file| lines(&file.unwrap().path()).pop().unwrap());
    let ends: Vec<_> = ends.collect();
    assert!(ends.len() == 2 && ends.iter().all(|end| end.contains(r#""end":""#)), "{ends:?}");
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

/// What these paths answer, of an application with a page of its own at `/`.
async fn statuses<const N: usize>(game: &sward_server::Mounted, prefix: &str, paths: [&str; N]) -> [u16; N] {
    let own = actix_web::web::get().to(|| async { "An application\n" });
    let app = actix_web::App::new().route("/", own).configure(game.routes(prefix));
    let app = actix_web::test::init_service(app).await;
    let mut statuses = [0; N];
    for (status, path) in statuses.iter_mut().zip(paths) {
        let request = actix_web::test::TestRequest::get().uri(path).to_request();
        *status = actix_web::test::call_service(&app, request).await.status().as_u16();
    }
    statuses
}

#[actix_web::test]
async fn slashes_around_the_prefix_are_of_no_matter() {
    let game = sward_server::Server::builder().build().mount().unwrap();
    for prefix in ["/game", "game", "/game/", "game/", "//game//"] {
        let answers = statuses(&game, prefix, ["/", "/game/healthz", "/game/v1/time", "/healthz"]).await;
        assert_eq!(answers, [200, 200, 200, 404], "{prefix}");
    }
    for prefix in ["", "/"] {
        let answers = statuses(&game, prefix, ["/", "/healthz", "/v1/time", "/sdk/index.js"]).await;
        assert_eq!(answers, [200; 4], "{prefix:?}");
    }
    let answers = statuses(&game, "/deep/down", ["/deep/down/healthz", "/deep/healthz"]).await;
    assert_eq!(answers, [200, 404]);
}

#[actix_web::test]
async fn a_builder_that_was_told_what_cannot_be_makes_no_server() {
    use sward_server::Rules;
    use sward_server::game::RoomPolicy;
    use sward_server::games::relay::Relay;
    type Told = fn(sward_server::Builder) -> sward_server::Builder;
    let mistakes: [(Told, &str); 8] = [
        (|builder| builder.game::<Relay>("Bad Game/../x"), "not \"Bad Game/../x\""),
        (|builder| builder.game::<Relay>(""), "1 to 64 of a-z, 0-9, - and _"),
        (|builder| builder.game::<Relay>(&"x".repeat(65)), "1 to 64 of a-z, 0-9, - and _"),
        (
            |builder| builder.mode("none", "duel", Rules::new(2, 1)),
            "the mode \"duel\": there is no game \"none\"",
        ),
        (|builder| builder.mode("cards", "all", Rules::new(7, 1)), "has 7 players, the game 6 seats"),
        (|builder| builder.rooms_of("none", RoomPolicy::nobody()), "rooms_of: there is no game \"none\""),
        (|builder| builder.room(sward_server::CreateRoom::of("none")), "a room of the game \"none\""),
        (
            |builder| builder.without("meadow").room(sward_server::CreateRoom::of("meadow")),
            "a room of the game \"meadow\"",
        ),
    ];
    for (told, said) in mistakes {
        let builder = || told(sward_server::Server::builder());
        let mounted = builder().build().mount().unwrap_err();
        assert_eq!(mounted.kind(), std::io::ErrorKind::InvalidInput);
        assert!(mounted.to_string().contains(said), "{mounted}");
        let config = Config { listen: "127.0.0.1:0".parse().unwrap(), ..Default::default() };
        let listening = builder().config(config).build().listen().map(|_| ()).unwrap_err();
        assert_eq!(listening.to_string(), mounted.to_string());
    }
    let all = sward_server::Server::builder().game::<Relay>(&"x-_9".repeat(16)).without("never-there");
    all.mode("cards", "all", Rules::new(6, 1)).build().mount().unwrap();
}

#[test]
fn a_game_that_is_left_out_is_gone_with_its_page_and_modes() {
    let (told, address) = sync_channel(1);
    thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let config = Config { listen: "127.0.0.1:0".parse().unwrap(), ..Default::default() };
            let builder = sward_server::Server::builder().config(config);
            let server = builder.without("meadow").without("relay").build().listen().unwrap();
            told.send(server.address()).unwrap();
            server.run().await.unwrap();
        });
    });
    let server = Server::within(address.recv().unwrap(), "");
    assert_eq!(server.get("/").code(), "not_found");
    assert_eq!(server.get("/meadow/main.js").code(), "not_found");
    assert_eq!(server.get("/cards/").status, 200, "the page of a game that is there");
    assert_eq!(server.get("/cards/main.js").status, 200);
    let zoe = server.player("Zoë");
    let joined = zoe.post("/v1/join", &json!({"game": "relay", "create": true}));
    assert_eq!(joined.code(), "unknown_game");
    let queued =
        zoe.send(&json!({"type": "sward.queue", "data": {"game": "relay", "mode": "duel"}, "rid": 1}));
    assert!(queued.text().contains("unknown_game"), "{}", queued.text());
}

/// Where the child of the next test serves.
#[cfg(unix)]
const CHILD: &str = "SWARD_TEST_EMBEDDED";

#[test]
#[cfg(unix)]
fn the_example_leaves_well_when_it_is_told_to_terminate() {
    use std::io::{BufRead as _, BufReader};
    use std::process::{Command, Stdio};

    if std::env::var_os(CHILD).is_some() {
        // The child: a process of its own, for a signal is heard by all of one.
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        println!("\nat {}", listener.local_addr().unwrap());
        return actix_web::rt::System::new().block_on(example::serve(listener)).unwrap();
    }
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "embedded::the_example_leaves_well_when_it_is_told_to_terminate", "--nocapture"])
        .env(CHILD, "1")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let at = lines.find_map(|line| line.unwrap().strip_prefix("at ").map(str::to_owned)).unwrap();
    let rest = thread::spawn(move || lines.for_each(drop));
    let server = Server::within(at.parse().unwrap(), "/game");
    let zoe = server.player("Zoë");
    let mut stream = zoe.stream();
    assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
    assert_eq!(stream.await_event("bye")["code"], 3001);
    assert!(child.wait().unwrap().success());
    rest.join().unwrap();
}
