//! `docs/from-fuse.md`, row by row: each says what is sent and what comes, and here it is sent, and comes.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use serde_json::{Value, json};

use crate::support::{DEADLINE, Player, Response, Server, Stream};

const SECRET: &str = "0123456789abcdef0123";

/// Every rule of fuse's readme; those that mean different things in different places with the place.
const RULES: &[&str] = &[
    "ping",
    "snap",
    "time",
    "user",
    "salt",
    "sign",
    "game",
    "nick",
    "name",
    "pass",
    "mail",
    "away",
    "back",
    "hold",
    "free",
    "ally",
    "hard",
    "item",
    "soft",
    "drop",
    "pick",
    "flag",
    "peer",
    "room",
    "list",
    "list|file",
    "list|room|item",
    "push",
    "pull",
    "join",
    "poll",
    "kick",
    "exit",
    "quit",
    "save",
    "load",
    "tear",
    "play",
    "over",
    "chat|root",
    "chat|stem",
    "chat|leaf",
    "send",
    "show",
    "move",
    "path",
    "hunt",
    "kill",
    "here",
    "here|stem",
    "here|root",
    "gone",
    "gone|stem",
    "gone|root",
    "lock",
    "open",
    "view",
    "stop",
    "noop",
    "warn",
    "talk",
    "look",
    "head",
    "body",
    "hand",
];

/// Rules whose name has a second meaning, which has no counterpart: an item is dropped.
const TWICE: &[&str] = &["drop"];

/// How many rows are driven at the same time.
const ROWS_AT_ONCE: usize = 4;

/// One thing that happens in a row: who does or hears it, and what, as it stands there.
#[derive(Debug, Clone, PartialEq)]
struct Step {
    direction: String,
    literal: String,
}

impl Step {
    fn read(text: &str) -> Self {
        let parts: Vec<_> = text.split('`').collect();
        let [direction, literal, ""] = parts[..] else {
            panic!("a step has words and one literal: {text:?}")
        };
        Self { direction: direction.trim().to_owned(), literal: literal.to_owned() }
    }
}

/// The page.
struct Page {
    scene: Vec<Step>,
    /// Rules, and what happens.
    driven: Vec<(Vec<String>, Vec<Step>)>,
    /// Rules without a counterpart.
    without: Vec<Vec<String>>,
}

impl Page {
    fn read() -> Self {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/from-fuse.md");
        let page = std::fs::read_to_string(path).unwrap();
        let section = |title: &str| {
            let (_, rest) = page.split_once(&format!("\n## {title}\n")).unwrap();
            rest.split("\n## ").next().unwrap()
        };
        let scene = section("The scene").lines().filter_map(|line| line.strip_prefix("- ")).map(Step::read);
        let driven = rows(section("Rules")).map(|cells| {
            let [rules, _, steps, _] = &cells[..] else { panic!("four cells: {cells:?}") };
            (literals(rules), steps.split("<br>").map(Step::read).collect())
        });
        let without = rows(section("What has no counterpart")).map(|cells| {
            assert_eq!(cells.len(), 3, "{cells:?}");
            literals(&cells[0])
        });
        Self { scene: scene.collect(), driven: driven.collect(), without: without.collect() }
    }
}

/// The cells of a table's rows, its head aside.
fn rows(section: &str) -> impl Iterator<Item = Vec<String>> {
    let rows = section.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"));
    rows.skip(1).map(|row| {
        let row = row.replace("\\|", "\0");
        row.split(" | ").map(|cell| cell.trim().replace('\0', "|")).collect()
    })
}

fn literals(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Whether `got` has all that `want` has; `<name>` is whatever it is known as, or becomes known by it.
fn fits(want: &Value, got: &Value, known: &mut BTreeMap<String, Value>) -> bool {
    let before = known.clone();
    let is_so = match (want, got) {
        (Value::String(name), _) if is_name(name) => match known.get(name) {
            Some(value) => value == got,
            None => known.insert(name.clone(), got.clone()).is_none() && !got.is_null(),
        },
        (Value::Object(want), Value::Object(got)) if !want.is_empty() => {
            want.iter().all(|(key, want)| got.get(key).is_some_and(|got| fits(want, got, known)))
        }
        (Value::Array(want), Value::Array(got)) if !want.is_empty() => {
            want.iter().all(|want| got.iter().any(|got| fits(want, got, known)))
        }
        _ => want == got,
    };
    if !is_so {
        *known = before;
    }
    is_so
}

fn is_name(text: &str) -> bool {
    text.starts_with('<') && text.ends_with('>')
}

/// The players of a row, and what is known of it.
struct Scene<'a> {
    server: &'a Server,
    players: BTreeMap<&'static str, Player<'a>>,
    streams: BTreeMap<String, Stream>,
    known: BTreeMap<String, Value>,
    answer: Option<Response>,
    pings: u64,
}

impl<'a> Scene<'a> {
    fn new(server: &'a Server) -> Self {
        let mut scene = Self {
            server,
            players: BTreeMap::new(),
            streams: BTreeMap::new(),
            known: BTreeMap::new(),
            answer: None,
            pings: 0,
        };
        for (name, id) in [("Zoë", "<zoe>"), ("Bo", "<bo>"), ("Mo", "<mo>")] {
            let player = server.player(name);
            scene.known.insert(id.to_owned(), player.session["player"]["id"].clone());
            scene.streams.insert(name.to_owned(), player.stream());
            scene.players.insert(name, player);
        }
        scene
    }

    /// Does all of it, in order.
    fn play(&mut self, steps: &[Step]) {
        for step in steps {
            let Step { direction, literal } = step;
            if let Some(who) = direction.strip_suffix(':') {
                self.check_done();
                self.answer = Some(self.ask(who, literal));
            } else if direction == "answer" {
                let answer = self.answer.take().expect("a request stands before its answer");
                assert!(answer.status < 300, "{step:?}: {}", answer.text());
                let (want, got) = (serde_json::from_str(literal).unwrap(), answer.json());
                assert!(fits(&want, &got, &mut self.known), "{step:?}: {got}");
            } else if direction == "refused" {
                let answer = self.answer.take().expect("a request stands before its refusal");
                assert!(answer.status >= 400, "{step:?}: {}", answer.text());
                assert_eq!(answer.code(), *literal);
            } else if direction.ends_with(" watches") {
                let path = self.filled(literal.strip_prefix("GET ").unwrap());
                let mut stream = Stream::open(self.server, &path, "");
                stream.expect("hello");
                self.streams.insert("Watcher".to_owned(), stream);
            } else {
                self.check_done();
                self.hear(step);
            }
        }
        self.check_done();
    }

    /// What was asked last, and nothing was said of its answer, was done.
    fn check_done(&mut self) {
        if let Some(answer) = self.answer.take() {
            assert!(answer.status < 300, "{}", answer.text());
        }
    }

    fn ask(&self, who: &str, literal: &str) -> Response {
        let mut parts = literal.splitn(3, ' ');
        let (method, path) = (parts.next().unwrap(), self.filled(parts.next().unwrap()));
        let body = parts.next().map(|body| self.meant(&serde_json::from_str(body).unwrap()).to_string());
        let body = body.unwrap_or_default();
        let bearer = format!("Bearer {SECRET}");
        let operator = [("Authorization", bearer.as_str())];
        let (path, headers) = match who {
            "Anybody" => (path, &[][..]),
            "Operator" => (path, &operator[..]),
            who => (self.players[who].path(&path), &[][..]),
        };
        self.server.request(method, &path, headers, body.as_bytes())
    }

    /// A path with what is known in it.
    fn filled(&self, path: &str) -> String {
        let mut path = path.to_owned();
        for (name, value) in &self.known {
            path = path.replace(name, value.as_str().unwrap_or_default());
        }
        assert!(!path.contains('<'), "{path}: who is that?");
        path
    }

    /// A body with what is known in it.
    fn meant(&self, body: &Value) -> Value {
        match body {
            Value::String(name) if is_name(name) => self.known[name].clone(),
            Value::Array(values) => values.iter().map(|value| self.meant(value)).collect(),
            Value::Object(fields) => {
                fields.iter().map(|(key, value)| (key.clone(), self.meant(value))).collect()
            }
            other => other.clone(),
        }
    }

    fn hear(&mut self, step: &Step) {
        let who = step.direction.strip_suffix(" hears").or_else(|| step.direction.strip_suffix(" hear"));
        let who = who.unwrap_or_else(|| panic!("{step:?}: nobody does or hears this"));
        let (event, want) = step.literal.split_once(' ').unwrap();
        let want: Value = serde_json::from_str(want).unwrap();
        let who = who.replace(" and ", ", ");
        // Who is to hear nothing is asked once the others have heard it.
        let (deaf, hearing): (Vec<_>, Vec<_>) = who.split(", ").partition(|name| name.starts_with("not "));
        for name in hearing {
            let stream = self.streams.get_mut(name).unwrap_or_else(|| panic!("{step:?}: who is {name}?"));
            let began = Instant::now();
            loop {
                let frame = stream.next_frame().unwrap_or_else(|| panic!("{name} never hears {step:?}"));
                let data = serde_json::from_str(&frame.data).unwrap();
                if frame.name == event && fits(&want, &data, &mut self.known) {
                    break;
                }
                assert!(began.elapsed() < DEADLINE, "{name} does not hear {step:?}");
            }
        }
        for name in deaf {
            let name = name.strip_prefix("not ").unwrap();
            self.pings += 1;
            let ping = json!({"type": "sward.ping", "data": {"hears": self.pings}});
            assert_eq!(self.players[name].send(&ping).status, 200);
            let stream = self.streams.get_mut(name).unwrap();
            while let Some((found, data)) = stream.next() {
                if found == "pong" && data == json!({"data": ping["data"]}) {
                    break;
                }
                let is_it = found == event && fits(&want, &data, &mut self.known.clone());
                assert!(!is_it, "{name} hears {step:?}");
            }
        }
    }
}

#[test]
fn every_rule_of_fuse_has_its_row() {
    let page = Page::read();
    let driven: Vec<_> = page.driven.iter().flat_map(|(rules, _)| rules.clone()).collect();
    let without: Vec<_> = page.without.concat();
    let all: BTreeSet<_> = driven.iter().chain(&without).map(String::as_str).collect();
    assert_eq!(all, RULES.iter().copied().collect());
    let named_twice: Vec<_> = driven.iter().filter(|rule| without.contains(rule)).collect();
    assert_eq!(named_twice, TWICE);
    assert_eq!(driven.len() + without.len(), all.len() + TWICE.len(), "each stands once");
    for (rules, steps) in &page.driven {
        let comes = |step: &Step| !step.direction.ends_with(':') && !step.direction.ends_with(" watches");
        assert!(steps.iter().any(comes), "{rules:?}: nothing comes of it");
    }
}

#[test]
fn every_row_does_what_it_says() {
    let page = Page::read();
    for rows in page.driven.chunks(ROWS_AT_ONCE) {
        std::thread::scope(|scope| {
            for (rules, steps) in rows {
                let scene = &page.scene;
                let drive = move || {
                    let server = Server::start_with(&["--admin-secret", SECRET]);
                    let mut row = Scene::new(&server);
                    row.play(scene);
                    row.play(steps);
                };
                // A row that fails is named by its thread.
                std::thread::Builder::new().name(rules.join(", ")).spawn_scoped(scope, drive).unwrap();
            }
        });
    }
}
