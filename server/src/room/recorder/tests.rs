//! Recordings on a real disk: what they cost at most, and what becomes of them when it fails.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::json;
use sward_protocol::ids::{NodeId, PlayerId, RoomId, Seat};
use sward_protocol::upstream::Message;
use tempfile::TempDir;

use super::sink::PENDING_BYTES_MAX;
use super::*;
use crate::game::{BadOptions, Game, Random, Raw, Reply, Room, Settings, done};
use crate::games::relay::Relay;
use crate::room::catalog::{Catalog, Draft};
use crate::room::core::Charter;
use crate::room::effect::Effect;
use crate::room::input::{Input, Newcomer};
use crate::room::recording::format::{End, Record};
use crate::room::recording::reader::Reader;
use crate::room::recording::replay::Replay;

const DEADLINE: Duration = Duration::from_secs(20);
const START_MS: u64 = 1_764_000_000_000;

/// Cannot be looked at from outside; may be recorded or not by its own choice.
struct Shy {
    recorded: Option<bool>,
    public: Option<Duration>,
}

impl Game for Shy {
    type Message = Raw;

    fn create(options: &Payload, _: &mut Random) -> Result<Self, BadOptions> {
        let public = options.json().contains("public").then_some(Duration::ZERO);
        Ok(Self { recorded: options.parse().ok(), public })
    }

    fn settings(&self) -> Settings {
        Settings { recorded: self.recorded, public: self.public, ..Settings::new(4) }
    }

    fn message(&mut self, room: &mut Room<'_>, _: Seat, Raw(message): Raw) -> Reply {
        assert!(message.kind != "panic", "as it was told");
        if message.kind == "close" {
            room.close();
        }
        done()
    }

    fn public_state(&self) -> impl Serialize {
        assert!(self.public.is_none(), "do not look at me");
    }
}

fn catalog() -> Catalog {
    let mut catalog = Catalog::default();
    catalog.add::<Relay>("relay");
    catalog.add::<Shy>("shy");
    catalog
}

fn room(game: &str, number: u128, options: &serde_json::Value) -> Box<dyn RoomStep> {
    let charter = Charter {
        id: RoomId::from_random(NodeId(0), number),
        game: game.to_owned(),
        code: "CODEX".to_owned(),
        name: String::new(),
        private: false,
        password: None,
        creator: None,
        standing: true,
        meta: Payload::of(&json!({})).unwrap(),
        max_players: 4,
    };
    let draft: Draft = Box::new(move |_| Ok(charter));
    catalog().make(game, draft, &Payload::of(options).unwrap(), 1).unwrap().unwrap()
}

/// A folder, and a recorder for it with other rules.
struct Studio {
    folder: TempDir,
    recorder: Arc<Recorder>,
    metrics: Arc<Metrics>,
    made: u128,
}

impl Studio {
    fn new(change: impl FnOnce(&mut Rules)) -> Self {
        let folder = TempDir::new().unwrap();
        let mut rules = Rules {
            folder: folder.path().join("rooms"),
            sample: 1.0,
            games: Vec::new(),
            bytes_max: 1 << 20,
            total_bytes_max: 1 << 24,
        };
        change(&mut rules);
        let metrics = Arc::new(Metrics::new());
        let recorder = Arc::new(Recorder::new(rules, Arc::clone(&metrics)));
        recorder.start().unwrap();
        Self { folder, recorder, metrics, made: 0 }
    }

    fn room(&mut self, game: &str, options: &serde_json::Value) -> Box<dyn RoomStep> {
        self.made += 1;
        let made = room(game, self.made, options);
        self.recorder.wrap(made, "1", &Payload::of(options).unwrap(), 1)
    }

    /// A room of the relay with its first player.
    fn relay(&mut self) -> Box<dyn RoomStep> {
        let mut room = self.room("relay", &json!({}));
        join(&mut *room);
        room
    }

    fn files(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.folder.path().join("rooms")).unwrap();
        let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        files.sort_unstable();
        files
    }

    fn ended_early(&self, why: &str) -> u64 {
        self.metrics.recordings.ended_early.with_label_values(&[why]).get()
    }

    /// Plays the only file, which must be equal, and says how it ends.
    fn replay(&self) -> (Replay, Option<End>) {
        let [file] = &self.files()[..] else { panic!("{:?}", self.files()) };
        let (header, mut reader) = Reader::open(fs::read(file).unwrap(), false).unwrap();
        let mut replay = Replay::new(&catalog(), &header, false).unwrap();
        while let Some(line) = reader.next().unwrap() {
            assert!(replay.played().end.is_none(), "{line:?} behind the end");
            assert!(line.at_ms < 1_000_000);
            replay.play(line, &mut Vec::new()).unwrap_or_else(|difference| panic!("{difference}"));
        }
        let end = replay.played().end;
        (replay, end)
    }
}

fn join(room: &mut dyn RoomStep) {
    let id = PlayerId::from_random(NodeId(0), 1);
    let newcomer = Newcomer::new(id, "Zoë".to_owned(), Payload::null());
    room.step(Input::Join(newcomer), START_MS, &mut Vec::new());
}

fn say(room: &mut dyn RoomStep, at_ms: u64, kind: &str, data: &str) -> Vec<Effect> {
    let message = Message { kind: kind.to_owned(), data: Payload::of(data).unwrap(), ..Message::default() };
    let mut effects = Vec::new();
    room.step(Input::Batch { seat: Seat(1), messages: vec![message] }, START_MS + at_ms, &mut effects);
    effects
}

/// Text that does not pack well.
fn noise(random: &mut Random, bytes: usize) -> String {
    (0..bytes).map(|_| char::from(b'0' + u8::try_from(random.below(70)).unwrap())).collect()
}

fn await_that(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}");
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_room_is_written_while_it_rests_and_once_more_when_nobody_is_there() {
    let mut studio = Studio::new(|_| {});
    let mut room = studio.relay();
    assert!(room.is_recorded());
    for number in 0..10 {
        say(&mut *room, number * 300, "wave", "hi");
    }
    let lines = || {
        let file = fs::read(studio.files().first()?).ok()?;
        let (_, mut reader) = Reader::open(file, false).ok()?;
        Some(std::iter::from_fn(|| reader.next().ok().flatten()).collect::<Vec<_>>())
    };
    // The room does nothing more, and all of it is there all the same; its hash when it has rested.
    await_that("it is not written", || lines().is_some_and(|lines| lines.len() == 11 + 2));
    room.rest(START_MS + 3_400);
    await_that("it has no hash", || {
        let last = lines().and_then(|lines| lines.last().cloned());
        last.is_some_and(|line| matches!(line.record, Record::Hash(_)) && line.at_ms == 2_700)
    });
    room.rest(START_MS + 60_000);
    assert_eq!(studio.metrics.recordings.open.get(), 1);
    drop(room);
    await_that("it does not end", || studio.metrics.recordings.open.get() == 0);
    let (replay, end) = studio.replay();
    assert_eq!((replay.played().hashes, end), (4, Some(End::Deserted)));
    let file = &studio.files()[0];
    assert_eq!(fs::metadata(file).unwrap().len(), studio.metrics.recordings.bytes.get());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(file), mode(file.parent().unwrap())), (0o600, 0o700));
    }
}

#[test]
fn each_way_to_end_is_told() {
    for (kind, want) in [("close", End::Closed), ("panic", End::Panicked), ("wave", End::Shutdown)] {
        let mut studio = Studio::new(|_| {});
        let mut room = studio.room("shy", &json!(true));
        join(&mut *room);
        let outcome = catch_unwind(AssertUnwindSafe(|| say(&mut *room, 50, kind, "")));
        assert_eq!(outcome.is_err(), kind == "panic");
        if kind != "wave" {
            drop(room);
        }
        studio.recorder.finish();
        assert_eq!(studio.replay().1, Some(want));
        assert_eq!(studio.metrics.recordings.open.get(), 0);
    }
    let mut studio = Studio::new(|_| {});
    let mut room = studio.relay();
    room.ended(End::Failed);
    say(&mut *room, 50, "wave", "to nobody");
    assert!(!room.is_recorded());
    studio.recorder.finish();
    assert_eq!(studio.replay().1, Some(End::Failed));
    // Rooms of a server that has stopped are none of its business.
    let late = studio.relay();
    assert!(!late.is_recorded());
    assert_eq!((studio.files().len(), studio.metrics.recordings.refused.get()), (1, 0));
}

#[test]
fn a_recording_ends_where_it_has_as_many_bytes_as_it_may() {
    let mut studio = Studio::new(|rules| rules.bytes_max = 500_000);
    let mut room = studio.relay();
    let mut random = Random::from_seed(1);
    for number in 0.. {
        say(&mut *room, number, "noise", &noise(&mut random, 6_000));
        if !room.is_recorded() {
            break;
        }
        // Blocks of different sizes.
        thread::sleep(Duration::from_millis(u64::from(random.below(40))));
    }
    assert_eq!(studio.ended_early("full"), 1);
    assert!(!say(&mut *room, 1_000_000, "wave", "").is_empty(), "the room goes on");
    drop(room);
    studio.recorder.finish();
    let bytes = fs::metadata(&studio.files()[0]).unwrap().len();
    assert!((100_000..=500_000).contains(&bytes), "{bytes}");
    assert_eq!(studio.replay().1, Some(End::Full));
}

#[test]
fn all_recordings_together_are_bounded_and_those_of_before_count() {
    let mut studio = Studio::new(|rules| {
        fs::create_dir(&rules.folder).unwrap();
        fs::write(rules.folder.join(format!("old{EXTENSION}")), vec![0; 90_000]).unwrap();
        fs::write(rules.folder.join("notes.txt"), vec![0; 900_000]).unwrap();
        rules.total_bytes_max = 100_000;
    });
    let mut room = studio.relay();
    let mut random = Random::from_seed(1);
    for number in 0..20 {
        say(&mut *room, number, "noise", &noise(&mut random, 6_000));
    }
    await_that("it does not end", || studio.ended_early("full") == 1);
    drop(room);
    fs::write(studio.folder.path().join("rooms").join(format!("new{EXTENSION}")), vec![0; 90_000]).unwrap();
    // What others put there counts from when it was noticed.
    await_that("there is room", || !studio.relay().is_recorded());
    let refused = studio.metrics.recordings.refused.get();
    assert!(refused > 0);
    fs::remove_file(studio.folder.path().join("rooms").join(format!("old{EXTENSION}"))).unwrap();
    fs::remove_file(studio.folder.path().join("rooms").join(format!("new{EXTENSION}"))).unwrap();
    await_that("there is no room", || studio.relay().is_recorded());
}

#[test]
fn a_disk_that_fails_ends_the_recording_and_not_the_room() {
    let mut studio = Studio::new(|_| {});
    fs::remove_dir(studio.folder.path().join("rooms")).unwrap();
    let mut room = studio.relay();
    await_that("nobody notices", || studio.ended_early("disk") == 1);
    assert!(!say(&mut *room, 10, "wave", "").is_empty() && !room.is_recorded());
    drop(room);
    assert_eq!(studio.metrics.recordings.open.get(), 0);

    // A file of that name is there: it is not touched.
    fs::create_dir(studio.folder.path().join("rooms")).unwrap();
    let id = RoomId::from_random(NodeId(0), 2);
    let path = studio.folder.path().join("rooms").join(format!("relay-{id}-{START_MS}{EXTENSION}"));
    fs::write(&path, "mine").unwrap();
    let room = studio.relay();
    await_that("nobody notices", || studio.ended_early("disk") == 2);
    drop(room);
    assert_eq!(fs::read_to_string(&path).unwrap(), "mine");

    // And one in place of the folder: the server does not start.
    let rules = Rules { folder: path, ..(*studio.recorder.rules).clone() };
    let error = Recorder::new(rules, Arc::new(Metrics::new())).start().unwrap_err();
    assert!(error.to_string().starts_with("--record /"), "{error}");
}

#[test]
fn a_disk_that_is_too_slow_ends_the_recording() {
    let metrics = Arc::new(Metrics::new());
    let shared = Arc::new(Shared {
        metrics: Arc::clone(&metrics),
        pending_bytes: AtomicUsize::new(0),
        total_bytes: AtomicU64::new(0),
        was_full: AtomicBool::new(false),
        is_stopping: AtomicBool::new(false),
    });
    let (tell, told) = sync_channel(1);
    let (one, other) = (Sink::new(Arc::clone(&shared), tell.clone()), Sink::new(Arc::clone(&shared), tell));
    let lines = vec![b'\n'; 1 << 20];
    for _ in 0..PENDING_BYTES_MAX >> 20 {
        assert!(one.put(&lines, 7));
    }
    assert!(matches!(told.try_recv(), Ok(Told::Much)), "the writer is called in time");
    assert!(!other.put(&lines, 7) && !other.put(b"\n", 8), "what all rooms have together counts");
    assert_eq!(metrics.recordings.ended_early.with_label_values(&["behind"]).get(), 1);
    let taken = other.take();
    assert_eq!(
        (&*String::from_utf8(taken.bytes).unwrap(), taken.has_ended),
        ("{\"at_ms\":7,\"end\":\"behind\"}\n", true)
    );
    assert_eq!(one.take().bytes.len(), PENDING_BYTES_MAX);
    assert_eq!(shared.pending_bytes.load(Ordering::Relaxed), 0);
    assert!(one.put(&lines, 9));
}

#[test]
fn a_writer_that_hangs_holds_up_neither_rooms_nor_the_end_of_the_server() {
    let mut studio = Studio::new(|_| {});
    studio.recorder.finish();
    // One that takes nothing and does not end.
    let (tell, _told) = sync_channel(2);
    let (_ends, ended) = sync_channel(0);
    let thread = thread::spawn(|| {});
    *studio.recorder.running() = Some(Running { tell, ended, thread });
    let rooms: Vec<_> = (0..4).map(|_| studio.relay()).collect();
    assert_eq!(rooms.iter().filter(|room| room.is_recorded()).count(), 2, "as many as may wait");
    assert_eq!(studio.metrics.recordings.refused.get(), 2);
    studio.recorder.finish_within(Duration::from_millis(20));
    assert!(studio.recorder.running().is_none());
}

#[test]
fn a_game_that_cannot_be_looked_at_goes_on_without_being_recorded() {
    let mut studio = Studio::new(|_| {});
    let mut room = studio.room("shy", &json!({"public": true}));
    join(&mut *room);
    assert!(room.is_recorded());
    assert!(!say(&mut *room, 1_500, "wave", "").is_empty());
    assert!(!room.is_recorded());
    assert_eq!(studio.ended_early("unhashed"), 1);
    assert!(!say(&mut *room, 1_600, "wave", "").is_empty());
    drop(room);
    studio.recorder.finish();
    assert_eq!(studio.replay().1, Some(End::Unhashed));
}

#[test]
fn rooms_are_chosen_by_their_game_by_lot_and_by_their_own_word() {
    let mut studio = Studio::new(|rules| rules.games = vec!["shy".to_owned()]);
    assert!(!studio.room("relay", &json!({})).is_recorded());
    assert!(studio.room("shy", &json!({})).is_recorded());
    assert!(!studio.room("shy", &json!(false)).is_recorded());
    let mut studio = Studio::new(|rules| rules.sample = 0.0);
    assert!(!studio.room("relay", &json!({})).is_recorded());
    assert!(studio.room("shy", &json!(true)).is_recorded());
    let mut studio = Studio::new(|rules| rules.sample = 0.25);
    let chosen = (0..2_000).filter(|_| studio.room("relay", &json!({})).is_recorded()).count();
    assert!((300..700).contains(&chosen), "{chosen} of 2000");
    assert!(studio.files().is_empty(), "nothing has happened in them");
}
