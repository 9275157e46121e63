//! A relay with one game, no clock and no limits, on a port of its own. It speaks as much of `docs/protocol.md` as the
//! client uses, and makes the faults it is told to.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use sward_protocol::bye::{Bye, CloseCode};
use sward_protocol::downstream::{Event, Gone, GoneWhy, Hello, Here, Joined, Member, Msg};
use sward_protocol::downstream::{Reset, ResetReason};
use sward_protocol::ids::{Epoch, EventId, NodeId, PlayerId, RoomId, Seat, Token};
use sward_protocol::payload::Payload;
use sward_protocol::rooms::{Phase, RoomInfo};
use sward_protocol::session::{Player, Time};
use sward_protocol::sse::encode;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

const EPOCH: Epoch = Epoch(0x7f3a_91c2);

/// What to do wrong. Deliveries are counted over all receivers, from 1.
#[derive(Debug, Clone, Default)]
pub(crate) struct Faults {
    /// These deliveries are dropped.
    pub(crate) lose: HashSet<u64>,
    /// These are made twice.
    pub(crate) double: HashSet<u64>,
    /// These come behind the next one to the same receiver.
    pub(crate) delay: HashSet<u64>,
    /// These messages are sent to their author too.
    pub(crate) echo: bool,
    /// So many of the first sends are refused with 429.
    pub(crate) refuse_sends: u64,
    /// So many of the first sends are applied, but the connection closes without an answer.
    pub(crate) hang_up_sends: u64,
    /// Each message with this index in its batch is reported as failed.
    pub(crate) fail_index: Option<usize>,
    /// Each stream is cut after so many events with an id.
    pub(crate) cut_streams_after: Option<u64>,
    /// Streams that name an id are reset.
    pub(crate) forget_events: bool,
    /// Streams end with this at once.
    pub(crate) bye: Option<CloseCode>,
    /// Streams of known sessions are answered with this status.
    pub(crate) stream_status: Option<u16>,
    /// The longest silence of a healthy stream, if not 5 s.
    pub(crate) heartbeat_ms: Option<u64>,
    /// After so many sends nobody is answered any more.
    pub(crate) die_after_sends: Option<u64>,
}

#[derive(Debug, Default)]
struct State {
    faults: Faults,
    sessions: Vec<SessionState>,
    by_token: HashMap<String, usize>,
    rooms: Vec<Vec<usize>>,
    sends: u64,
    deliveries: u64,
    stream_queries: Vec<String>,
    send_bodies: Vec<Value>,
}

#[derive(Debug, Default)]
struct SessionState {
    name: String,
    events: Vec<Event>,
    held: Option<Event>,
    applied: HashMap<String, u64>,
    seat: Option<(usize, Seat)>,
    ended: bool,
    wake: Arc<Notify>,
}

/// The server; it ends with the test's runtime.
#[derive(Debug, Clone)]
pub(crate) struct TinyServer {
    pub(crate) url: String,
    state: Arc<Mutex<State>>,
}

struct Request {
    method: String,
    path: String,
    query: String,
    token: String,
    body: Value,
}

enum Reply {
    Json(u16, Value),
    HangUp,
    Stream(usize, Option<u64>),
}

impl TinyServer {
    pub(crate) async fn start(faults: Faults) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = Self { url, state: Arc::new(Mutex::new(State { faults, ..State::default() })) };
        let accepting = server.clone();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let server = accepting.clone();
                tokio::spawn(async move { server.serve(socket).await });
            }
        });
        server
    }

    /// The queries of the streams that were asked for, in order.
    pub(crate) fn stream_queries(&self) -> Vec<String> {
        self.state.lock().unwrap().stream_queries.clone()
    }

    /// The bodies of the sends, in order.
    pub(crate) fn send_bodies(&self) -> Vec<Value> {
        self.state.lock().unwrap().send_bodies.clone()
    }

    /// Tells everybody that the session `index` sits nowhere any more.
    pub(crate) fn emit_gone(&self, index: usize) {
        let mut state = self.state.lock().unwrap();
        state.push(index, Event::Gone(Gone { seat: Seat(1), why: GoneWhy::Closed, detail: None }));
    }

    /// Sessions that have not said goodbye.
    pub(crate) fn sessions_left(&self) -> usize {
        self.state.lock().unwrap().sessions.iter().filter(|session| !session.ended).count()
    }

    async fn serve(&self, socket: TcpStream) -> Option<()> {
        let mut socket = BufReader::new(socket);
        loop {
            let request = read_request(&mut socket).await?;
            let reply = self.state.lock().unwrap().answer(&request);
            match reply {
                Reply::Json(status, body) => {
                    let body = body.to_string();
                    let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n\r\n", body.len());
                    socket.write_all((head + &body).as_bytes()).await.ok()?;
                }
                Reply::HangUp => return None,
                Reply::Stream(session, after) => return self.stream(&mut socket, session, after).await,
            }
        }
    }

    async fn stream(&self, socket: &mut BufReader<TcpStream>, index: usize, last: Option<u64>) -> Option<()> {
        let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
        socket.write_all(head.as_bytes()).await.ok()?;
        let (wake, faults, mut sent) = {
            let state = self.state.lock().unwrap();
            (Arc::clone(&state.sessions[index].wake), state.faults.clone(), last.unwrap_or(0))
        };
        let mut out = Vec::new();
        encode::push_retry(&mut out, 1_500);
        encode::push_padding(&mut out, 2_048);
        out.extend(encode::body(&self.state.lock().unwrap().hello(index, last.is_some())).unwrap());
        if faults.forget_events && last.is_some() {
            out.extend(encode::body(&Event::Reset(Reset { reason: ResetReason::TooOld })).unwrap());
        }
        if let Some(close) = faults.bye {
            out.extend(encode::body(&Event::Bye(Bye::new(close, 1))).unwrap());
        }
        out.extend(encode::body(&Event::Noop(Time { time_ms: 1 })).unwrap());
        let cut_at = faults.cut_streams_after.map(|events| sent + events);
        loop {
            let events = self.state.lock().unwrap().sessions[index].events.clone();
            for event in events.iter().skip(sent as usize) {
                sent += 1;
                encode::push_id(&mut out, EventId { epoch: EPOCH, seq: sent });
                out.extend(encode::body(event).unwrap());
                if Some(sent) == cut_at {
                    // In the middle of the next event: half of it must not be taken for a whole one.
                    out.extend(b"id: 7f3a91c2.999\nevent: msg\nda");
                    break;
                }
            }
            socket.write_all(format!("{:x}\r\n", out.len()).as_bytes()).await.ok()?;
            socket.write_all(&out).await.ok()?;
            socket.write_all(b"\r\n").await.ok()?;
            out.clear();
            if Some(sent) == cut_at || faults.bye.is_some() {
                return None;
            }
            while self.state.lock().unwrap().sessions[index].events.len() as u64 == sent {
                wake.notified().await;
            }
        }
    }
}

async fn read_request(socket: &mut BufReader<TcpStream>) -> Option<Request> {
    let (mut start, mut token, mut length) = (String::new(), String::new(), 0);
    socket.read_line(&mut start).await.ok().filter(|&bytes| bytes > 0)?;
    loop {
        let mut line = String::new();
        socket.read_line(&mut line).await.ok()?;
        let Some((name, value)) = line.trim().split_once(": ") else {
            break;
        };
        match name.to_ascii_lowercase().as_str() {
            "authorization" => token = value.trim_start_matches("Bearer ").to_owned(),
            "content-length" => length = value.parse().unwrap(),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    socket.read_exact(&mut body).await.ok()?;
    let mut words = start.split(' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?);
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
    Some(Request { method, path: path.to_owned(), query: query.to_owned(), token, body })
}

fn problem(status: u16, code: &str, retry_after_ms: Option<u64>) -> Reply {
    let mut body =
        json!({ "type": "about:blank", "title": code, "status": status, "code": code, "detail": "" });
    if let Some(wait_ms) = retry_after_ms {
        body["retry_after_ms"] = json!(wait_ms);
    }
    Reply::Json(status, body)
}

impl State {
    fn answer(&mut self, request: &Request) -> Reply {
        if self.faults.die_after_sends.is_some_and(|sends| self.sends >= sends) {
            return Reply::HangUp;
        }
        let session = self.by_token.get(&request.token).copied();
        match (request.method.as_str(), request.path.as_str(), session) {
            ("GET", "/v1/time", _) => Reply::Json(200, json!({ "time_ms": 1 })),
            ("POST", "/v1/sessions", _) => self.create(request),
            ("POST", "/v1/join", Some(index)) => self.join(index, &request.body),
            ("POST", "/v1/send", Some(index)) => self.send(index, &request.body),
            ("POST", "/v1/leave", Some(_)) => Reply::Json(200, json!({ "left": false })),
            ("POST", "/v1/bye", Some(index)) => {
                self.sessions[index].ended = true;
                Reply::Json(200, json!({}))
            }
            ("GET", "/v1/stream", Some(index)) => self.open_stream(index, &request.query),
            _ => problem(410, "session_gone", None),
        }
    }

    fn create(&mut self, request: &Request) -> Reply {
        let index = self.sessions.len();
        let token = Token::from_random(NodeId(1), index as u128).reveal();
        let name = request.body["name"].as_str().unwrap().to_owned();
        self.sessions.push(SessionState { name, ..SessionState::default() });
        self.by_token.insert(token.clone(), index);
        let heartbeat_ms = self.faults.heartbeat_ms.unwrap_or(5_000);
        let limits = sward_protocol::session::SessionLimits::with_rates(100, 131_072);
        Reply::Json(
            201,
            json!({ "token": token, "player": self.player(index), "heartbeat_ms": heartbeat_ms, "watchdog_ms": 15_000,
                    "grace_ms": 20_000, "limits": limits, "version": 1 }),
        )
    }

    fn player(&self, index: usize) -> Player {
        let id = PlayerId::from_random(NodeId(1), index as u128);
        Player { id, name: self.sessions[index].name.clone() }
    }

    fn hello(&self, index: usize, resumed: bool) -> Event {
        Event::Hello(Hello {
            epoch: EPOCH,
            last: EventId { epoch: EPOCH, seq: 0 },
            resumed: resumed && !self.faults.forget_events,
            player: Some(self.player(index)),
            room: None,
            time_ms: 1,
            heartbeat_ms: 5_000,
            watchdog_ms: 15_000,
            version: 1,
        })
    }

    fn open_stream(&mut self, index: usize, query: &str) -> Reply {
        self.stream_queries.push(query.to_owned());
        match self.faults.stream_status {
            Some(204) => return Reply::Json(204, json!(null)),
            Some(status) => return problem(status, "internal", None),
            None => {}
        }
        let last = query.split('&').find_map(|option| option.strip_prefix("last="));
        let last = last.map(|id| id.parse::<EventId>().unwrap().seq);
        Reply::Stream(index, last)
    }

    fn join(&mut self, index: usize, body: &Value) -> Reply {
        assert_eq!(body["game"], "relay");
        assert_eq!(body["filter"], body["meta"]);
        let seats = body["max_players"].as_u64().unwrap() as usize;
        let free = self.rooms.iter().position(|members| members.len() < seats);
        let room = free.unwrap_or_else(|| {
            self.rooms.push(Vec::new());
            self.rooms.len() - 1
        });
        let seat = Seat(self.rooms[room].len() as u16 + 1);
        self.sessions[index].seat = Some((room, seat));
        let Player { id, name } = self.player(index);
        let here = Here { seat, id, name, me: Payload::null(), bot: false };
        for member in self.rooms[room].clone() {
            self.push(member, Event::Here(here.clone()));
        }
        self.rooms[room].push(index);
        let info = RoomInfo {
            id: RoomId::from_random(NodeId(1), room as u128),
            game: "relay".to_owned(),
            code: "KXQZ".to_owned(),
            name: String::new(),
            max_players: seats as u16,
            players: seat.0,
            private: false,
            password: false,
            locked: false,
            phase: Phase::Open,
            owner: Seat(1),
            meta: Payload::of(&body["meta"]).unwrap(),
        };
        let players = self.rooms[room].iter().enumerate().map(|(slot, &member)| {
            let Player { id, name } = self.player(member);
            Member {
                seat: Seat(slot as u16 + 1),
                id,
                name,
                me: Payload::null(),
                away: false,
                why: None,
                bot: false,
            }
        });
        let players = players.collect();
        self.push(
            index,
            Event::Joined(Box::new(Joined {
                room: info.clone(),
                seat,
                players,
                state: Payload::null(),
                chat: Vec::new(),
                seed: None,
                blobs: Vec::new(),
            })),
        );
        Reply::Json(200, json!({ "room": info, "seat": seat }))
    }

    fn send(&mut self, index: usize, body: &Value) -> Reply {
        self.sends += 1;
        self.send_bodies.push(body.clone());
        if self.sends <= self.faults.refuse_sends {
            return problem(429, "rate_limited", Some(20));
        }
        let src = body["src"].as_str().unwrap_or_default().to_owned();
        let messages = body["msgs"].as_array().unwrap();
        let mut applied = self.sessions[index].applied.get(&src).copied().unwrap_or(0);
        let seq = body["seq"].as_u64().unwrap_or(applied + 1);
        assert!(seq <= applied + 1, "a gap: {seq} after {applied}");
        let mut replies = Vec::new();
        for (i, message) in messages.iter().enumerate() {
            if self.faults.fail_index == Some(i) {
                replies.push(json!({ "i": i, "error": { "code": "not_in_room", "detail": "" } }));
            } else if seq + i as u64 > applied {
                self.relay(index, message);
            }
            applied = applied.max(seq + i as u64);
        }
        self.sessions[index].applied.insert(src, applied);
        if self.sends <= self.faults.hang_up_sends {
            return Reply::HangUp;
        }
        Reply::Json(200, json!({ "ack": applied, "replies": replies }))
    }

    fn relay(&mut self, author: usize, message: &Value) {
        let (room, seat) = self.sessions[author].seat.unwrap();
        let kind = message["type"].as_str().unwrap().to_owned();
        let event = Event::Msg(Msg { from: seat, kind, data: Payload::of(&message["data"]).unwrap() });
        for receiver in self.rooms[room].clone() {
            if receiver != author {
                self.deliver(receiver, event.clone());
            } else if self.faults.echo {
                self.push(author, event.clone());
            }
        }
    }

    fn deliver(&mut self, receiver: usize, event: Event) {
        self.deliveries += 1;
        let number = self.deliveries;
        if self.faults.lose.contains(&number) {
            return;
        }
        if self.faults.delay.contains(&number) {
            self.sessions[receiver].held = Some(event);
            return;
        }
        if self.faults.double.contains(&number) {
            self.push(receiver, event.clone());
        }
        self.push(receiver, event);
        if let Some(held) = self.sessions[receiver].held.take() {
            self.push(receiver, held);
        }
    }

    fn push(&mut self, receiver: usize, event: Event) {
        let session = &mut self.sessions[receiver];
        session.events.push(event);
        session.wake.notify_one();
    }
}
