//! Players who talk to each other through mean proxies, and account for every word.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::future::join_all;
use rand_core::{Rng as _, SeedableRng as _};
use rand_pcg::Pcg32;
use sward_loadtest::client::{
    Client, ClientHandle, ClientOptions, Endpoint, Outbound, RequestError, TransportReport,
};
use sward_protocol::payload::Payload;
use sward_protocol::rooms::{CreateRoom, Join};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::account::{Account, LATEST, NUMBERED, Numbered};
use crate::proxy::{Behaviour, Proxy};

/// How long players try to find each other.
const MEET_MAX: Duration = Duration::from_secs(90);
/// How long they wait for the last word when all is said.
const HEAR_MAX: Duration = Duration::from_secs(90);
/// How often a last word is said again: a `reset` may have swallowed it.
const LAST_WORD_EVERY: Duration = Duration::from_secs(2);

/// One player.
pub struct Player {
    pub proxy: Proxy,
    pub handle: ClientHandle,
    pub account: watch::Receiver<Account>,
    listening: JoinHandle<()>,
}

/// Players in one room.
pub struct Party {
    pub players: Vec<Player>,
    seed: u64,
}

/// How the players of a party talk.
#[derive(Debug, Clone, Copy)]
pub struct Talk {
    pub messages: u64,
    /// The longest pause between two messages.
    pub pause: Duration,
}

/// What came of a party.
#[derive(Debug, Default)]
pub struct Outcome {
    pub sent: u64,
    pub requests: u64,
    pub accounts: Vec<Account>,
    pub reports: Vec<TransportReport>,
}

impl Player {
    /// Connects through a proxy that behaves so.
    pub async fn enter(
        server: SocketAddr,
        behaviour: Behaviour,
        options: ClientOptions,
    ) -> Result<Self, String> {
        let proxy = Proxy::start(server, behaviour).await;
        let endpoint = Endpoint::resolve(&proxy.url()).await.map_err(|error| error.to_string())?;
        let client = Client::connect(endpoint, options).await;
        let client = client.map_err(|error| format!("no connection: {error}\n{}", proxy.log()))?;
        let handle = client.handle();
        let (sender, account) = watch::channel(Account::default());
        let listening = tokio::spawn(listen(client, sender));
        Ok(Self { proxy, handle, account, listening })
    }

    /// Waits until the account is as wanted.
    pub async fn hears(&self, at_most: Duration, wanted: impl Fn(&Account) -> bool) -> Result<(), String> {
        let mut account = self.account.clone();
        let waiting = account.wait_for(|account| account.broken.is_some() || wanted(account));
        match timeout(at_most, waiting).await {
            Ok(Ok(account)) => account.broken.clone().map_or(Ok(()), Err),
            Ok(Err(_)) => Err("the client ended".to_owned()),
            Err(_) => Err(format!("waited in vain: {:?}", self.account.borrow())),
        }
    }

    /// Says a numbered word.
    fn say(&self, numbered: &Numbered) -> Result<(), String> {
        let said = self.handle.send(NUMBERED, numbered);
        said.map(|_| ()).map_err(|error| format!("send: {error}"))
    }

    /// Says a word of which only the newest counts.
    pub fn update(&self, numbered: &Numbered) -> Result<(), String> {
        let data = Payload::of(numbered).map_err(|error| error.to_string())?;
        let key = Some("here".to_owned());
        let said = self.handle.send_message(Outbound { kind: LATEST.to_owned(), data, to: None, key });
        said.map(|_| ()).map_err(|error| format!("send: {error}"))
    }

    /// Says `talk.messages` words, some of them as requests. How many were.
    async fn talk(&self, talk: Talk, mut random: Pcg32) -> Result<u64, String> {
        let mut requests = 0;
        for n in 1..=talk.messages {
            let filling = match random.next_u32() % 20 {
                0 => 3_000,
                1..5 => 200,
                _ => 0,
            };
            let numbered = Numbered { n, is_last: false, filling: "x".repeat(filling) };
            match random.next_u32() % 10 {
                0 => {
                    requests += 1;
                    let reply = self.handle.request(NUMBERED, &numbered).await;
                    let reply = reply.map_err(|error| format!("request {n}: {error}"))?;
                    if reply != Payload::null() {
                        return Err(format!("request {n} was answered with {reply:?}"));
                    }
                }
                1 => {
                    requests += 1;
                    // Its failure must come back to it, not to a neighbour.
                    match self.handle.request("sward.nothing", &n).await {
                        Err(RequestError::Failed(error)) if error.code == "unknown_type" => {}
                        other => return Err(format!("a request for nothing was answered with {other:?}")),
                    }
                    self.say(&numbered)?;
                }
                _ => self.say(&numbered)?,
            }
            let pause = talk.pause.mul_f64(f64::from(random.next_u32()) / f64::from(u32::MAX));
            sleep(pause).await;
        }
        self.handle.flushed().await.map_err(|error| format!("flushed: {error}"))?;
        Ok(requests)
    }

    /// Ends the session, and the client with it.
    async fn leave(self) -> Result<(Account, TransportReport), String> {
        let report = self.handle.report();
        let account = self.account.borrow().clone();
        self.handle.bye().await.map_err(|error| format!("bye: {error}\n{}", self.proxy.log()))?;
        Ok((account, report))
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

impl Party {
    /// So many players sit down in a room of their own.
    pub async fn meet(
        server: SocketAddr,
        seed: u64,
        players: u64,
        flush_ms: Option<u64>,
        behaviour: impl Fn(u64) -> Behaviour,
        options: impl Fn(u64) -> ClientOptions,
    ) -> Result<Self, String> {
        let entering = (0..players).map(|player| Player::enter(server, behaviour(player), options(player)));
        let mut party = Self { players: Vec::new(), seed };
        for player in join_all(entering).await {
            party.players.push(player?);
        }
        party.sit_down(flush_ms).await?;
        Ok(party)
    }

    /// Everybody takes a seat, and sees the others take theirs.
    pub async fn sit_down(&self, flush_ms: Option<u64>) -> Result<(), String> {
        let mut join = room_of(self.seed, flush_ms);
        let mut joining = &self.players[..];
        if self.seed % 3 == 1 {
            // The first one makes the room, and tells the others its code.
            let Some((first, others)) = self.players.split_first() else { return Ok(()) };
            let made = first.handle.create(&made_of(&join)).await;
            let made = made.map_err(|error| format!("create: {error}\n{}", first.proxy.log()))?;
            join = Join { code: Some(made.room.code), ..Join::default() };
            joining = others;
        }
        let joined = join_all(joining.iter().map(|player| player.handle.join(&join))).await;
        for (player, joined) in joining.iter().zip(joined) {
            joined.map_err(|error| format!("join: {error}\n{}", player.proxy.log()))?;
        }
        let all = self.players.len();
        self.all_hear(MEET_MAX, |account| account.seats().len() == all).await
    }

    /// Waits until everybody's account is as wanted.
    pub async fn all_hear(&self, at_most: Duration, wanted: impl Fn(&Account) -> bool) -> Result<(), String> {
        let hearing = self.players.iter().map(|player| player.hears(at_most, &wanted));
        for (player, heard) in self.players.iter().zip(join_all(hearing).await) {
            heard.map_err(|error| format!("{error}\n{}", player.proxy.log()))?;
        }
        Ok(())
    }

    /// Everybody talks; then everybody hears the rest.
    pub async fn talk(&self, talk: Talk) -> Result<Outcome, String> {
        let talking = self.players.iter().zip(0..).map(|(player, i)| {
            let random = Pcg32::seed_from_u64(self.seed.wrapping_mul(64).wrapping_add(i));
            player.talk(talk, random)
        });
        let mut outcome = Outcome { sent: talk.messages * self.players.len() as u64, ..Outcome::default() };
        for (player, said) in self.players.iter().zip(join_all(talking).await) {
            outcome.requests += said.map_err(|error| format!("{error}\n{}", player.proxy.log()))?;
        }
        outcome.sent += self.last_words(talk.messages + 1).await?;
        Ok(outcome)
    }

    /// Everybody says his last word until everybody heard it. How many were said.
    async fn last_words(&self, from: u64) -> Result<u64, String> {
        let hearing = self.all_hear(HEAR_MAX, Account::is_complete);
        tokio::pin!(hearing);
        let mut said = 0;
        loop {
            for player in &self.players {
                let last = Numbered { n: from + said, is_last: true, filling: String::new() };
                player.say(&last)?;
            }
            said += 1;
            if let Ok(heard) = timeout(LAST_WORD_EVERY, &mut hearing).await {
                heard?;
                return Ok(said * self.players.len() as u64);
            }
        }
    }

    /// Whether everybody's account is as wanted.
    pub fn check(&self, wanted: impl Fn(&Account) -> bool) -> Result<(), String> {
        for player in &self.players {
            let account = player.account.borrow().clone();
            if !wanted(&account) {
                return Err(format!("{account:?}\n{}", player.proxy.log()));
            }
        }
        Ok(())
    }

    /// Everybody leaves.
    pub async fn part(self, mut outcome: Outcome) -> Result<Outcome, String> {
        for left in join_all(self.players.into_iter().map(Player::leave)).await {
            let (account, report) = left?;
            account.broken.clone().map_or(Ok(()), Err)?;
            outcome.accounts.push(account);
            outcome.reports.push(report);
        }
        Ok(outcome)
    }
}

impl Outcome {
    pub fn sum(&self, of: impl Fn(&Account) -> u64) -> u64 {
        self.accounts.iter().map(of).sum()
    }
}

/// The room of a party: whoever asks for it is led there.
pub fn room_of(seed: u64, flush_ms: Option<u64>) -> Join {
    let object = |value| Some(Payload::of(&value).unwrap());
    let party = serde_json::json!({ "party": seed.to_string() });
    Join {
        game: Some("relay".to_owned()),
        filter: object(party.clone()),
        create: true,
        meta: object(party),
        options: flush_ms.and_then(|flush_ms| object(serde_json::json!({ "flush_ms": flush_ms }))),
        ..Join::default()
    }
}

/// The same room, made outright.
fn made_of(join: &Join) -> CreateRoom {
    CreateRoom { meta: join.meta.clone(), options: join.options.clone(), ..CreateRoom::of("relay") }
}

async fn listen(mut client: Client, account: watch::Sender<Account>) {
    while let Some(event) = client.next_event().await {
        account.send_modify(|account| account.take(&event));
    }
}
