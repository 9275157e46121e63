//! Rooms that are recorded by the real server, and played again by the real binary.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use serde::Serialize;
use serde_json::{Value, json};
use sward_server::game::{
    Audience, BadOptions, Payload, Random, Raw, Reply, Room, SaveError, Seat, Settings, done,
};
use sward_server::{Config, Game};
use tempfile::TempDir;

use crate::support::{DEADLINE, Player, Server, Stream};

/// What came of `sward replay`.
struct Replayed {
    code: Option<i32>,
    out: String,
    err: String,
}

fn replay(arguments: &[&str]) -> Replayed {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sward"));
    // As where the server runs that wrote it.
    command.arg("replay").args(arguments).env("SWARD_RECORD", "/nowhere").env("SWARD_TLS_CERT", "none");
    finish(&mut command)
}

fn finish(command: &mut Command) -> Replayed {
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Replayed { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

/// The only recording in a folder, when there is one.
fn recording(folder: &Path) -> PathBuf {
    let deadline = Instant::now() + DEADLINE;
    loop {
        let files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        match &files[..] {
            [file] => return file.clone(),
            [] => assert!(Instant::now() < deadline, "nothing is recorded"),
            files => panic!("{files:?}"),
        }
        thread::sleep(Duration::from_millis(20));
    }
}

/// What is in a recording.
pub fn lines(file: &Path) -> Vec<String> {
    let mut text = String::new();
    MultiGzDecoder::new(fs::File::open(file).unwrap()).read_to_string(&mut text).unwrap();
    text.lines().map(str::to_owned).collect()
}

fn write(file: &Path, lines: &[String]) {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    lines.iter().for_each(|line| writeln!(packed, "{line}").unwrap());
    fs::write(file, packed.finish().unwrap()).unwrap();
}

/// So many seconds as the summary of a replay says.
fn seconds(summary: &str) -> f64 {
    summary.split(" ticks in ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap()
}

/// Somebody in the only room of a game, and his stream behind `joined`.
fn guest<'a>(server: &'a Server, game: &str, name: &str) -> (Player<'a>, Stream) {
    let player = server.player(name);
    let mut stream = player.stream();
    player.join(&json!({"game": game, "create": true, "me": {"animal": "owl"}}));
    stream.await_event("joined");
    (player, stream)
}

/// A meadow in which eight walk about for so long, and the time since the first of them came.
fn walk(server: &Server, time: Duration) -> Instant {
    let (first, _stream) = guest(server, "meadow", "P0");
    let began = Instant::now();
    let walk = |player: &Player<'_>, number: u32| {
        let mut steps = 0;
        while began.elapsed() < time {
            steps += 1;
            let (x, y) = (100 + 37 * (steps + number) % 900, 100 + 53 * (steps * number) % 700);
            let moves = [json!({"type": "move", "data": {"x": x, "y": y}})];
            player.send(&json!({"src": "s", "seq": steps, "msgs": moves}));
            if steps % 10 == number {
                player.send(&json!({"type": "chat", "data": {"text": format!("{number} says {steps}")}}));
                player.send(&json!({"type": "pick", "data": {"flower": steps}}));
            }
        }
    };
    thread::scope(|scope| {
        for number in 1..8 {
            scope.spawn(move || {
                let (player, _stream) = guest(server, "meadow", &format!("P{number}"));
                walk(&player, number);
                if number == 3 {
                    player.post("/v1/leave", &json!({}));
                }
            });
        }
        walk(&first, 0);
    });
    began
}

#[test]
fn a_loaded_room_of_a_server_that_is_killed_is_played_again_but_for_its_last_second() {
    let folder = TempDir::new().unwrap();
    let server = Server::start_with(&["--record", folder.path().to_str().unwrap()]);
    let began = walk(&server, Duration::from_millis(3_500));
    assert_eq!(server.metric("sward_recordings_open"), Some(1));
    let lived = began.elapsed();
    // It is not asked to end: it is killed.
    drop(server);
    let file = recording(folder.path());
    let file = file.to_str().unwrap();
    let played = replay(&[file]);
    assert_eq!((played.code, &*played.err), (Some(0), ""), "{}", played.out);
    assert!(played.out.starts_with("equal: ") && !played.out.contains("it ends"), "{}", played.out);
    let lost = lived.as_secs_f64() - seconds(&played.out);
    assert!(lost < 1.5, "{lost} s are lost: {}", played.out);
    let number = |word: &str| {
        let number = played.out.split(", ").find_map(|part| part.split_once(&format!(" {word}")));
        number.unwrap().0.parse::<u64>().unwrap()
    };
    assert!(number("inputs") > 200 && number("hashes") >= 2, "{}", played.out);

    // The room in the middle of it.
    let at = |moment: &str| replay(&[file, "--at", moment]);
    let still: Value = serde_json::from_str(&at("20").out).unwrap();
    assert_eq!((&still["tick"], &still["room"]["game"]), (&json!(20), &json!("meadow")));
    let one_second: Value = serde_json::from_str(&at("1.5s").out).unwrap();
    assert_eq!(one_second["at_ms"], 1500);
    assert_eq!(one_second["players"].as_array().unwrap().len(), 8);
    assert!(one_second["state"].is_object(), "{one_second}");
    assert_eq!(at("1.5s").out, at("1.5s").out, "always the same");
    let beyond = at("1000000");
    assert_eq!((beyond.code, &*beyond.out), (Some(2), ""));
    assert!(beyond.err.contains("tick 1000000 is not reached: it ends at tick "), "{}", beyond.err);
}

#[test]
fn a_server_that_is_stopped_ends_its_recordings() {
    let folder = TempDir::new().unwrap();
    let options = ["--record", folder.path().to_str().unwrap(), "--record-games", "cards,relay"];
    let mut server = Server::start_with(&options);
    let (zoe, stream) = guest(&server, "relay", "Zoë");
    guest(&server, "meadow", "Mo");
    zoe.send(&json!({"type": "wave", "data": "hi"}));
    server.terminate();
    drop(stream);
    assert!(server.wait().success());
    // The meadow is none of the games.
    let played = replay(&[recording(folder.path()).to_str().unwrap()]);
    assert_eq!(played.code, Some(0), "{}", played.err);
    assert!(played.out.ends_with("; it ends: shutdown\n"), "{}", played.out);
}

#[test]
fn a_folder_that_is_none_is_told_at_the_start() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_sward"));
    let started = finish(command.args(["--listen", "127.0.0.1:0", "--record", file.to_str().unwrap()]));
    assert_eq!((started.code, &*started.out), (Some(1), ""));
    assert!(started.err.contains("--record /"), "{}", started.err);
    let mut command = Command::new(env!("CARGO_BIN_EXE_sward"));
    let started = finish(command.args(["--listen", "127.0.0.1:0", "--record-games", "relay,chess"]));
    assert_eq!((started.code, &*started.out), (Some(1), ""));
    assert!(started.err.contains("--record-games: there is no game \"chess\""), "{}", started.err);
}

/// A recording of a short talk in the relay, which ended.
fn talk(folder: &Path) -> PathBuf {
    let server = Server::start_with(&["--record", folder.to_str().unwrap()]);
    let (zoe, _zoes) = guest(&server, "relay", "Zoë");
    let (bo, mut stream) = guest(&server, "relay", "Bo");
    for number in 0..12 {
        zoe.send(&json!({"type": "say", "data": number}));
        assert_eq!(stream.expect("msg")["data"], number);
        thread::sleep(Duration::from_millis(150));
    }
    for player in [zoe, bo] {
        player.post("/v1/bye", &json!({}));
    }
    server.await_metric("sward_recordings_open", 0);
    recording(folder)
}

#[test]
fn what_is_cut_damaged_or_of_another_version_is_told_in_plain_words() {
    let folder = TempDir::new().unwrap();
    let file = talk(folder.path());
    let path = file.to_str().unwrap();
    let whole = replay(&[path]);
    assert_eq!(whole.code, Some(0), "{}", whole.err);
    assert!(whole.out.ends_with("; it ends: deserted\n"), "{}", whole.out);
    let (bytes, text) = (fs::read(&file).unwrap(), lines(&file));

    fs::write(&file, &bytes[..bytes.len() - 5]).unwrap();
    let cut = replay(&[path]);
    assert_eq!(cut.code, Some(0), "{}", cut.err);
    assert!(cut.out.starts_with("equal: ") && cut.out.contains("; the file is cut: of its "), "{}", cut.out);

    let first = bytes.windows(3).skip(1).position(|head| head == [0x1f, 0x8b, 8]).unwrap() + 1;
    fs::write(&file, &bytes[..first]).unwrap();
    let bare = replay(&[path]);
    let said =
        "nothing to compare: 0 ticks in 0.000 s, 0 inputs, 0 hashes; no end: whoever wrote it was stopped\n";
    assert_eq!((bare.code, &*bare.out), (Some(0), said));

    let mut damaged = bytes.clone();
    damaged[bytes.len() * 3 / 4] ^= 0x10;
    fs::write(&file, damaged).unwrap();
    let damaged = replay(&[path]);
    assert_eq!((damaged.code, &*damaged.out), (Some(2), ""));
    // Whether there is a hash in front of it is a matter of when it was written.
    let is_told = ["equal: ", "nothing to compare: "].iter().any(|outcome| damaged.err.contains(outcome));
    assert!(is_told && damaged.err.contains("the file is damaged from byte "), "{}", damaged.err);

    let with = |from: &str, to: &str| {
        let other: Vec<_> = text.iter().map(|line| line.replace(from, to)).collect();
        assert_ne!(text, other, "{from}");
        write(&file, &other);
        replay(&[path])
    };
    for (from, to, said) in [
        ("{\"recording\":1,", "{\"recording\":2,", "made by a newer version: the recording has the format 2"),
        (
            "\"game_version\":\"1\"",
            "\"game_version\":\"0\"",
            "it is of version \"0\" of the game \"relay\", and",
        ),
    ] {
        let refused = with(from, to);
        assert_eq!((refused.code, &*refused.out), (Some(2), ""));
        assert!(refused.err.contains(said) && refused.err.contains("--force"), "{}", refused.err);
        let forced = replay(&[path, "--force"]);
        assert_eq!((forced.code, forced.out), (Some(0), whole.out.clone()), "{}", forced.err);
    }
    let unknown = with("\"game\":\"relay\"", "\"game\":\"chess\"");
    assert_eq!(unknown.code, Some(2));
    assert!(
        unknown.err.contains("it is of the game \"chess\", which this program does not have"),
        "{}",
        unknown.err
    );
    let later = with("{\"at_ms\":0,\"join\"", "{\"at_ms\":0,\"beam\"");
    assert_eq!(later.code, Some(2));
    assert!(later.err.contains("newer version: line 2 is of an unknown kind"), "{}", later.err);
    let other_server = with("\"server\":\"0.1.0\"", "\"server\":\"0.0.9\"");
    assert_eq!(other_server.code, Some(0));
    assert!(other_server.err.contains("made by version 0.0.9 of the server"), "{}", other_server.err);
    let forged = with("\"data\":7}", "\"data\":8}");
    assert_eq!(forged.code, Some(1));
    assert!(
        forged.out.starts_with("differs: at tick 0, ") && forged.out.contains("the last equal hash"),
        "{}",
        forged.out
    );
    let none = replay(&["/nowhere.sward.gz"]);
    assert_eq!((none.code, &*none.out), (Some(2), ""));
    assert!(none.err.starts_with("/nowhere.sward.gz: "), "{}", none.err);
}

#[test]
fn a_recording_is_shown_to_who_watches_at_the_speed_that_is_asked_for() {
    let folder = TempDir::new().unwrap();
    let file = talk(folder.path());
    let header: Value = serde_json::from_str(&lines(&file)[0]).unwrap();
    let room = header["room"]["id"].as_str().unwrap();
    let arguments = ["replay", file.to_str().unwrap(), "--serve", "--listen", "127.0.0.1:0", "--speed", "0"];
    let mut server = Server::run(&arguments, Stdio::inherit());
    let listed = server.get("/v1/rooms?game=relay").json()["rooms"][0].clone();
    assert_eq!((&listed["id"], &listed["code"]), (&header["room"]["id"], &header["room"]["code"]));
    let mut guest = Stream::open(&server, &format!("/v1/rooms/{room}/watch?n=1"), "");
    let (name, hello) = guest.next().unwrap();
    assert_eq!((name.as_str(), &hello["room"]["id"]), ("hello", &json!(room)));
    let joined = guest.expect("joined");
    assert_eq!(
        (&joined["players"], &joined["room"]["locked"]),
        (&json!([]), &json!(true)),
        "nothing has happened"
    );
    server.type_line("20");
    let mut said = Vec::new();
    let mut names = Vec::new();
    while said.len() < 12 {
        let (name, data) = guest.next().unwrap();
        if name == "msg" {
            said.push(data["data"].as_u64().unwrap());
        }
        names.push(name);
    }
    assert_eq!(said, (0..12).collect::<Vec<_>>());
    assert_eq!(names.iter().filter(|name| *name == "here").count(), 2, "{names:?}");
    assert_eq!(guest.await_event("gone")["why"], "left");
    assert_eq!(guest.await_event("gone")["why"], "left");
    // It stays as it was at the end.
    let state = server.get(&format!("/v1/rooms/{room}/state")).json();
    assert_eq!((&state["players"], &state["room"]["locked"]), (&json!([]), &json!(true)));
    let late = server.player("Late");
    let refused = late.post(&format!("/v1/rooms/{room}/join"), &json!({}));
    assert_eq!((refused.status, refused.code().as_str()), (409, "room_locked"));
    let refused = late.post("/v1/join", &json!({"game": "relay", "create": true}));
    assert_eq!((refused.status, refused.code().as_str()), (403, "creation_closed"), "there is no other room");
}

/// Looks at the clock on the wall, which no game may.
struct Clock {
    tells: bool,
    keeps: bool,
    kept_ns: u128,
}

impl Game for Clock {
    type Message = Raw;

    fn create(options: &Payload, _: &mut Random) -> Result<Self, BadOptions> {
        let does = |word| options.json().contains(word);
        Ok(Self { tells: does("tells"), keeps: does("keeps"), kept_ns: 0 })
    }

    fn settings(&self) -> Settings {
        Settings::new(4).with_tick(Duration::from_millis(50))
    }

    fn message(&mut self, _: &mut Room<'_>, _: Seat, _: Raw) -> Reply {
        done()
    }

    fn tick(&mut self, room: &mut Room<'_>) {
        let now_ns = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos();
        self.kept_ns = if self.keeps { now_ns } else { 0 };
        let told_ns = if self.tells { now_ns } else { 0 };
        room.send(Audience::All, "tick", &told_ns.to_string());
    }

    fn state(&self, _: Seat) -> impl Serialize {
        self.kept_ns.to_string()
    }

    fn save(&self) -> Result<Payload, SaveError> {
        Ok(Payload::of(&self.kept_ns.to_string())?)
    }
}

const REPLAYED: &str = "SWARD_TEST_REPLAYED";

/// What the `main` of a game of one's own does with `replay FILE`: run as a process of its own by the test below.
#[test]
fn the_replay_of_a_game_of_one_s_own() {
    let Ok(file) = std::env::var(REPLAYED) else { return };
    let builder = sward_server::Server::builder().game::<Clock>("clock");
    builder.args_from(["own", "replay", &file]).run().unwrap();
}

#[test]
fn a_game_that_looks_at_the_clock_is_caught() {
    let folder = TempDir::new().unwrap();
    for (options, is_caught) in [(json!({}), false), (json!({"keeps": 1}), true), (json!({"tells": 1}), true)]
    {
        let rooms = folder.path().join(format!("{is_caught} {options}"));
        let server = serve(&rooms);
        let player = server.player("Zoë");
        let mut stream = player.stream();
        player.join(&json!({"game": "clock", "create": true, "options": options}));
        for _ in 0..30 {
            stream.await_event("msg");
        }
        player.post("/v1/bye", &json!({}));
        server.await_metric("sward_recordings_open", 0);
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["recording::the_replay_of_a_game_of_one_s_own", "--exact", "--nocapture"]);
        let played = finish(command.env(REPLAYED, recording(&rooms)));
        let said = played.out.lines().find(|line| line.contains(" tick"));
        let said = said.unwrap_or_else(|| panic!("{}{}", played.out, played.err));
        if is_caught {
            assert_eq!(played.code, Some(1), "{said}");
            assert!(said.contains("differs: at tick ") && said.contains("no hash before"), "{said}");
        } else {
            assert_eq!(played.code, Some(0), "{said}");
            assert!(said.contains("equal: ") && said.contains("it ends: deserted"), "{said}");
        }
    }
}

/// A server with the game, within this process.
fn serve(rooms: &Path) -> Server {
    let (told, address) = sync_channel::<SocketAddr>(1);
    let config = Config {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        record: Some(rooms.to_owned()),
        ..Config::default()
    };
    thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let builder = sward_server::Server::builder().config(config).game::<Clock>("clock");
            let listening = builder.build().listen().unwrap();
            told.send(listening.address()).unwrap();
            listening.run().await.unwrap();
        });
    });
    Server::within(address.recv().unwrap(), "")
}
