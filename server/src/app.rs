//! Composition: the parts of a server put together, and run.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

use actix_rt::task::JoinHandle;
use actix_web::{App, web};
use clap::Parser as _;
use sward_protocol::ids::NodeId;
use sward_protocol::rooms::CreateRoom;

use crate::clock::Clock;
use crate::config::{Arguments, Command, Config};
use crate::descriptors;
use crate::entropy;
use crate::game::{Game, RoomPolicy};
use crate::games::cards::Cards;
use crate::games::meadow::Meadow;
use crate::games::relay::Relay;
use crate::http::routes::{self, Pages};
use crate::http::state::State;
use crate::listener;
use crate::matchmaking::Rules;
use crate::metrics::Metrics;
use crate::net::certificate::Certificate;
use crate::net::serve;
use crate::replay;
use crate::room::admission::Admission;
use crate::room::catalog::Catalog;
use crate::room::directory::Directory;
use crate::room::recorder::Recorder;
use crate::session::registry::Registry;
use crate::shutdown::{self, StopSignals};
use crate::social::matching::Mode;

/// Characters of a game's name.
const GAME_NAME_CHARS_MAX: usize = 64;

/// A server that is being put together. Its default has no game; [`Server::builder`] has those that come with it.
#[derive(Debug, Default)]
pub struct Builder {
    config: Config,
    files: Option<PathBuf>,
    pub(crate) catalog: Catalog,
    rooms: Vec<CreateRoom>,
    modes: BTreeMap<Mode, Rules>,
    /// A recording is to be played, in place of all that a server does.
    pub(crate) replay: Option<replay::Options>,
}

/// A server, ready to listen.
#[derive(Debug)]
pub struct Server {
    pub(crate) state: State,
    /// Those that are to be there from the beginning.
    rooms: Vec<CreateRoom>,
    /// What its builder was told that cannot be.
    mistakes: Vec<String>,
}

/// A server that listens.
pub struct Listening {
    address: SocketAddr,
    tls_address: Option<SocketAddr>,
    /// Keeps the certificate fresh.
    refreshing: Pin<Box<dyn Future<Output = ()>>>,
    state: State,
    server: actix_web::dev::Server,
    stop_signals: StopSignals,
}

impl Server {
    /// A server with the games that come with it: `relay`, `meadow` and `cards`, the modes `duel` and `pairs` of the relay,
    /// and the pages of `meadow` (at `/`) and `cards` (at `/cards/`). [`Builder::without`] leaves a game out, and its page
    /// with it; [`Builder::files`] takes the place of both pages; `Builder::default()` has no game at all.
    #[must_use]
    pub fn builder() -> Builder {
        let builder =
            Builder::default().game::<Relay>("relay").game::<Meadow>("meadow").game::<Cards>("cards");
        builder.mode("relay", "duel", Rules::new(2, 1)).mode("relay", "pairs", Rules::new(2, 2))
    }

    /// Begins to listen. To be called within an actix system.
    ///
    /// # Errors
    /// What the operating system says, above all that the port is taken; `InvalidInput` when the builder was told what
    /// cannot be: a room of [`Builder::room`] that cannot be made, a [game](Builder::game) without a proper name, a
    /// [mode](Builder::mode) that nobody could play.
    pub fn listen(mut self) -> io::Result<Listening> {
        self.prepare()?;
        let state = self.state;
        let plain = listener::listen(state.config.listen)?;
        let address = plain.local_addr()?;
        let tls = match state.config.tls_listen {
            Some(address) => {
                let certificate = certificate(&state.config)?;
                let listener = listener::listen(address)?;
                Some((listener.local_addr()?, listener, certificate))
            }
            None => None,
        };
        let (data, pages) = (web::Data::new(state.clone()), pages(&state)?);
        let app = move || App::new().service(routes::all("", &data, &pages));
        let mut server = serve::Builder::new(app, Arc::clone(&state.metrics), state.config.workers);
        server = server.listen(plain, None)?;
        let mut tls_address = None;
        let mut refreshing: Pin<Box<dyn Future<Output = ()>>> = Box::pin(std::future::ready(()));
        if let Some((address, listener, certificate)) = tls {
            server = server.listen(listener, Some(certificate.acceptor()?))?;
            tls_address = Some(address);
            refreshing = Box::pin(certificate.keep_fresh(Arc::clone(&state.metrics)));
        }
        let stop_signals = StopSignals::listen();
        Ok(Listening { address, tls_address, refreshing, state, server: server.run(), stop_signals })
    }

    /// Says what the builder was told that cannot be, and opens the rooms of [`Builder::room`], on the current thread.
    pub(crate) fn prepare(&mut self) -> io::Result<()> {
        if !self.mistakes.is_empty() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, self.mistakes.join("; ")));
        }
        if let Some(recorder) = self.state.admission.directory.recorder() {
            recorder.start()?;
        }
        for room in self.rooms.drain(..) {
            let game = room.game.clone();
            let failed = |error| {
                io::Error::new(io::ErrorKind::InvalidInput, format!("a room of the game {game:?}: {error}"))
            };
            self.state.admission.found(room).map_err(failed)?;
        }
        Ok(())
    }
}

/// What there is to see: the pages of those sample games that there are, or the operator's own.
fn pages(state: &State) -> io::Result<Pages> {
    let catalog = &state.admission.catalog;
    let samples = Pages::Samples { meadow: catalog.has("meadow"), cards: catalog.has("cards") };
    Ok(own_pages(&state.config)?.unwrap_or(samples))
}

/// The operator's own page, if there is one.
pub(crate) fn own_pages(config: &Config) -> io::Result<Option<Pages>> {
    let Some(folder) = &config.files else { return Ok(None) };
    if !folder.is_dir() {
        let detail = format!("there is no folder {} to serve files from", folder.display());
        return Err(io::Error::new(io::ErrorKind::NotFound, detail));
    }
    Ok(Some(Pages::Files(folder.clone())))
}

fn certificate(config: &Config) -> io::Result<Arc<Certificate>> {
    match (&config.tls_cert, &config.tls_key) {
        (Some(chain), Some(key)) => Certificate::read(chain, key),
        _ => Err(io::Error::new(io::ErrorKind::InvalidInput, "TLS needs a certificate and a key")),
    }
}

impl Builder {
    /// Uses these settings in place of the default ones.
    #[must_use]
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// Uses the settings that the `sward` binary takes: options of the command line, and the environment. Ends the
    /// process, with a word on standard error, if they are wrong or only asked for (`--help`). With `replay FILE`,
    /// [`Builder::run`] plays a recording with the games of this builder, in place of serving.
    #[must_use]
    pub fn args(self) -> Self {
        self.args_from(std::env::args_os())
    }

    /// As [`Builder::args`], with these words in place of the command line: the program's name, then the options.
    #[must_use]
    pub fn args_from<W: Into<OsString> + Clone>(mut self, words: impl IntoIterator<Item = W>) -> Self {
        let Arguments { config, command } = Arguments::parse_from(words);
        self.replay = command.map(|Command::Replay(options)| options);
        self.config(config)
    }

    /// The same, for a room that plays a recording: there is no other, and nobody makes one.
    pub(crate) fn for_playback(mut self) -> Self {
        self.rooms.clear();
        self.modes.clear();
        for name in self.catalog.names() {
            self.catalog.limit(&name, RoomPolicy::nobody());
        }
        self
    }

    /// Serves the files of this folder in place of the sample game, `index.html` at `/`; the browser SDK stays under
    /// `/sdk/`. `--files` on the command line wins over it. The folder must be there when the server begins to listen.
    #[must_use]
    pub fn files(mut self, folder: impl Into<PathBuf>) -> Self {
        self.files = Some(folder.into());
        self
    }

    /// Adds a game under a name, in place of one that had it: 1–64 of `a` to `z`, `0` to `9`, `-` and `_`. With another
    /// name, [`Server::listen`] and its like fail.
    #[must_use]
    pub fn game<G: Game>(mut self, name: &str) -> Self {
        self.catalog.add::<G>(name);
        self
    }

    /// Leaves a game out that was added before, such as one of those that come with the server, with its modes and what
    /// [`Builder::rooms_of`] said of it: players are told `unknown_game`. Without `meadow` or `cards` their pages are not
    /// served either. A name that no game has is no mistake.
    ///
    /// ```
    /// # use sward_server::games::relay::Relay as MyGame;
    /// # use sward_server::Server;
    /// let builder = Server::builder().without("relay").without("meadow").without("cards").game::<MyGame>("my-game");
    /// ```
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.catalog.remove(name);
        self.modes.retain(|(game, _), _| game != name);
        self
    }

    /// Says who may make rooms of the game with this name, and how many: anyone, as many as the server has room for, unless
    /// it is said here.
    #[must_use]
    pub fn rooms_of(mut self, name: &str, policy: RoomPolicy) -> Self {
        self.catalog.limit(name, policy);
        self
    }

    /// Has a room there from the beginning: nobody owns it, it stays when it is empty, is listed and found all the
    /// same, and does not count for the [`RoomPolicy`] of its game. It ends as any other when its game
    /// closes it or fails.
    ///
    /// ```
    /// use sward_server::{CreateRoom, Server};
    /// use sward_server::game::RoomPolicy;
    ///
    /// let server = Server::builder()
    ///     .rooms_of("meadow", RoomPolicy::nobody())
    ///     .room(CreateRoom { name: "North".to_owned(), ..CreateRoom::of("meadow") })
    ///     .room(CreateRoom { name: "South".to_owned(), ..CreateRoom::of("meadow") })
    ///     .build();
    /// ```
    #[must_use]
    pub fn room(mut self, room: CreateRoom) -> Self {
        self.rooms.push(room);
        self
    }

    /// Lets players queue for a mode of a game, in place of one that had this name. The game must be there when the server
    /// is started, with as many seats as a match has players (which is not looked at where a game wants options), or
    /// [`Server::listen`] and its like fail.
    ///
    /// The room of a match is private, is made without options for exactly its players, is locked until the game
    /// [unlocks](crate::game::Room::unlock) it, belongs to nobody, and has the `meta`
    /// `{"mode":"duel","teams":2,"team_size":1}`. The teams take the seats in their order: with teams of two, seats 1 and 2
    /// are the first. Nothing starts by itself, and there is no owner to say `sward.start`: the game sees in `join` that all
    /// are there.
    ///
    /// ```
    /// # use sward_server::games::relay::Relay as MyGame;
    /// use sward_server::{Rules, Server};
    ///
    /// let builder = Server::builder().game::<MyGame>("my-game").mode("my-game", "duel", Rules::new(2, 1));
    /// ```
    #[must_use]
    pub fn mode(mut self, game: &str, mode: &str, rules: Rules) -> Self {
        self.modes.insert((game.to_owned(), mode.to_owned()), rules);
        self
    }

    /// The server.
    #[must_use]
    pub fn build(self) -> Server {
        let Self { mut config, files, catalog, rooms, modes, replay } = self;
        config.files = config.files.or(files);
        let mut mistakes = mistakes(&catalog, &modes);
        let unknown = config.record_games.iter().filter(|name| !catalog.has(name));
        mistakes.extend(unknown.map(|name| format!("--record-games: there is no game {name:?}")));
        if replay.is_some() {
            mistakes.push("a recording is played by Builder::run, and by nothing else".to_owned());
        }
        let (clock, metrics) = (Clock::new(), Arc::new(Metrics::new()));
        let players_max =
            config.max_players.unwrap_or_else(|| descriptors::players_for(descriptors::limit()));
        let directory = Directory::new(config.max_rooms, clock, Arc::clone(&metrics));
        let recorder = config.recording().map(|rules| Recorder::new(rules, Arc::clone(&metrics)));
        let directory = directory.with_blob_bytes(config.max_blob_bytes);
        let directory = Arc::new(directory.with_recorder(recorder.map(Arc::new)));
        // One process: the node only has to be well-formed.
        #[expect(clippy::cast_possible_truncation, reason = "16 of 64 random bits are wanted")]
        let node = NodeId(entropy::seed() as u16);
        let admission = Admission { directory, catalog, node };
        let registry = Arc::new(Registry::new(players_max));
        let state = State::new(Arc::new(config), clock, metrics, registry, admission, &modes);
        Server { state, rooms, mistakes }
    }
}

/// What cannot be of what a builder was told.
fn mistakes(catalog: &Catalog, modes: &BTreeMap<Mode, Rules>) -> Vec<String> {
    let is_proper = |name: &str| {
        let may_stand = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_');
        (1..=GAME_NAME_CHARS_MAX).contains(&name.len()) && name.bytes().all(may_stand)
    };
    let names = catalog.names().into_iter().filter(|name| !is_proper(name));
    let mut mistakes: Vec<_> = names
        .map(|name| {
            format!("a game's name has 1 to {GAME_NAME_CHARS_MAX} of a-z, 0-9, - and _, not {name:?}")
        })
        .collect();
    let limited = catalog.limited().filter(|name| !catalog.has(name));
    mistakes.extend(limited.map(|name| format!("rooms_of: there is no game {name:?}")));
    for ((game, mode), rules) in modes {
        let players = rules.players();
        if !catalog.has(game) {
            mistakes.push(format!("the mode {mode:?}: there is no game {game:?}"));
        } else if let Some(most) = catalog.most_seats(game).filter(|&most| most < players) {
            mistakes
                .push(format!("the mode {mode:?} of {game:?} has {players} players, the game {most} seats"));
        }
    }
    mistakes
}

impl Listening {
    /// Where.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where with TLS.
    #[must_use]
    pub fn tls_address(&self) -> Option<SocketAddr> {
        self.tls_address
    }

    /// Serves until the process is told to stop, and leaves well.
    ///
    /// # Errors
    /// What the operating system says of the listening socket.
    pub async fn run(self) -> io::Result<()> {
        let Self { state, server, refreshing, mut stop_signals, .. } = self;
        let upkeep = Upkeep::of(&state);
        let refreshing = actix_rt::spawn(refreshing);
        let handle = server.handle();
        let stopping = actix_rt::spawn(async move {
            stop_signals.told().await;
            let is_done = tokio::select! {
                is_done = shutdown::drain(&state) => is_done,
                // Whoever asks twice does not want to wait.
                () = stop_signals.told() => false,
            };
            shutdown::finish_recordings(&state);
            handle.stop(is_done).await;
        });
        let outcome = server.await;
        drop(upkeep);
        stopping.abort();
        refreshing.abort();
        outcome
    }
}

/// What goes on besides requests, until this is dropped: the clock that tells who is away or lost, and what lobbies and
/// queues say.
pub(crate) struct Upkeep([JoinHandle<()>; 2]);

impl Upkeep {
    /// Begins it, within an actix system.
    pub(crate) fn of(state: &State) -> Self {
        let hall = Arc::clone(&state.hall);
        Self([actix_rt::spawn(state.sweeper().run()), actix_rt::spawn(hall.run())])
    }
}

impl Drop for Upkeep {
    fn drop(&mut self) {
        self.0.iter().for_each(JoinHandle::abort);
    }
}
