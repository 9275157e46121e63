//! HTTP/2, with TLS and without; and a certificate that is renewed under a running server.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned, version};

use crate::h2_client::H2;
use crate::support::{DEADLINE, Server};

/// A certificate of its own authority, in files.
struct Certificate {
    folder: PathBuf,
}

impl Certificate {
    fn new(test: &str) -> (Self, Arc<ClientConfig>) {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{test}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let certificate = Self { folder };
        let trusting = certificate.renew();
        (certificate, trusting)
    }

    /// Writes a new one, and makes a client that trusts nobody else.
    fn renew(&self) -> Arc<ClientConfig> {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        std::fs::write(self.key(), made.signing_key.serialize_pem()).unwrap();
        std::fs::write(self.chain(), made.cert.pem()).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(made.cert.der().clone()).unwrap();
        let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(&[&version::TLS13])
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec()];
        // Each connection shows its certificate anew.
        config.resumption = tokio_rustls::rustls::client::Resumption::disabled();
        Arc::new(config)
    }

    fn chain(&self) -> String {
        self.folder.join("chain.pem").to_str().unwrap().to_owned()
    }

    fn key(&self) -> String {
        self.folder.join("key.pem").to_str().unwrap().to_owned()
    }

    fn server(&self) -> Server {
        let (chain, key) = (self.chain(), self.key());
        Server::start_with(&["--tls-listen", "127.0.0.1:0", "--tls-cert", &chain, "--tls-key", &key])
    }
}

impl Drop for Certificate {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// A session's whole life on one connection.
fn check(connection: &mut H2) {
    let post = |connection: &mut H2, path: &str, body: &Value| {
        let response = connection.request("POST", path, body.to_string().as_bytes());
        assert!(response.status < 300, "{path}: {} {}", response.status, response.text());
        response.json()
    };
    let session = post(connection, "/v1/sessions", &json!({"name": "Zoë"}));
    let token = session["token"].as_str().unwrap().to_owned();
    let path = |path: &str| format!("{path}?token={token}");
    post(connection, &path("/v1/join"), &json!({"game": "relay", "create": true}));
    let mut stream = connection.stream(&path("/v1/stream"));
    assert_eq!(stream.status, 200);
    stream.expect("hello");
    stream.expect("joined");
    let wave = json!({"src": "k", "seq": 1, "msgs": [{"type": "wave", "data": 1, "to": "all", "rid": 1}]});
    assert_eq!(post(connection, &path("/v1/send"), &wave)["ack"], 1);
    assert_eq!(stream.expect("msg")["data"], 1);

    let last = stream.last_id.clone();
    drop(stream);
    let wave = json!({"src": "k", "seq": 2, "msgs": [{"type": "wave", "data": 2, "to": "all"}]});
    post(connection, &path("/v1/send"), &wave);
    let mut stream = connection.stream(&format!("{}&last={last}", path("/v1/stream")));
    assert_eq!(stream.expect("hello")["resumed"], true);
    assert_eq!(stream.expect("msg")["data"], 2);

    post(connection, &path("/v1/bye"), &json!({}));
    while let Some(frame) = stream.next() {
        assert!(["gone", "bye"].contains(&&*frame.name), "{}", frame.name);
    }
    assert_eq!(connection.request("GET", &path("/v1/stream"), b"").status, 204);
    assert_eq!(connection.request("GET", "/nope", b"").code(), "not_found");
}

#[test]
fn a_session_lives_on_http_2_without_tls() {
    let server = Server::start();
    check(&mut H2::open(server.address));
    server.await_metric("sward_streams", 0);
}

#[test]
fn a_session_lives_on_http_2_with_tls() {
    let (certificate, trusting) = Certificate::new("session");
    let server = certificate.server();
    check(&mut H2::open_tls(server.tls_address.unwrap(), &trusting));
    server.await_metric("sward_streams", 0);
}

#[test]
fn who_does_not_ask_for_http_2_gets_http_1_over_tls() {
    let (certificate, trusting) = Certificate::new("http1");
    let server = certificate.server();
    for offered in [vec![], vec![b"http/1.1".to_vec()]] {
        let mut config = (*trusting).clone();
        config.alpn_protocols = offered.clone();
        let name = ServerName::try_from("localhost").unwrap();
        let session = ClientConnection::new(Arc::new(config), name).unwrap();
        let socket = TcpStream::connect(server.tls_address.unwrap()).unwrap();
        socket.set_read_timeout(Some(DEADLINE)).unwrap();
        let mut connection = StreamOwned::new(session, socket);
        // Two at once: the second is read when the first is answered.
        let request = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
        let last = request.replace("Host", "Connection: close\r\nHost");
        connection.write_all(format!("{request}{last}").as_bytes()).unwrap();
        let mut read = String::new();
        let _ = connection.read_to_string(&mut read);
        assert_eq!(read.matches("HTTP/1.1 200 OK").count(), 2, "{read}");
        assert_eq!(connection.conn.alpn_protocol(), offered.first().map(Vec::as_slice));
    }
}

#[test]
fn many_streams_and_posts_share_one_connection() {
    let server = Server::start();
    let mut connection = H2::open(server.address);
    let players: Vec<_> = (0..50).map(|_| server.player("Zoë")).collect();
    let mut streams: Vec<_> =
        players.iter().map(|player| connection.stream(&player.path("/v1/stream"))).collect();
    for (player, stream) in players.iter().zip(&mut streams) {
        stream.expect("hello");
        let ping = json!({"type": "sward.ping", "data": player.token}).to_string();
        assert_eq!(connection.request("POST", &player.path("/v1/send"), ping.as_bytes()).status, 200);
        assert_eq!(stream.expect("pong")["data"], player.token);
    }
    server.await_metric("sward_streams", 50);
    drop(streams);
    drop(connection);
    server.await_metric("sward_streams", 0);
}

#[test]
fn a_connection_that_takes_too_few_answers_is_told() {
    let server = Server::start();
    // Without a window no answer with a body ever ends.
    let mut connection = H2::over(TcpStream::connect(server.address).unwrap(), None, 0);
    let asked: Vec<_> = (0..128).map(|_| connection.send("GET", "/healthz", b"")).collect();
    let answers: Vec<_> = asked.into_iter().map(|answer| connection.answer(answer)).collect();
    assert!(answers.iter().all(|answer| answer.status() == 200));
    let refused = connection.request("GET", "/healthz", b"");
    assert_eq!((refused.status, refused.body.len()), (503, 0));
    assert_eq!(server.get("/healthz").status, 200, "others are answered");
    drop(answers);
    let deadline = Instant::now() + DEADLINE;
    loop {
        let answer = connection.send("GET", "/healthz", b"");
        if connection.answer(answer).status() == 200 {
            break;
        }
        assert!(Instant::now() < deadline, "it is not usable again");
    }
}

#[test]
fn a_renewed_certificate_is_shown_to_the_next_and_nobody_is_cut() {
    let (certificate, old) = Certificate::new("renewed");
    let server = certificate.server();
    let address = server.tls_address.unwrap();
    let zoe = server.player("Zoë");
    let mut connection = H2::open_tls(address, &old);
    let mut stream = connection.stream(&zoe.path("/v1/stream"));
    stream.expect("hello");

    let key = std::fs::read_to_string(certificate.key()).unwrap();
    std::fs::write(certificate.key(), "no key").unwrap();
    server.await_metric("sward_tls_reloads_total{outcome=\"failed\"}", 1);
    assert_eq!(H2::open_tls(address, &old).request("GET", "/healthz", b"").status, 200, "the old one stays");
    std::fs::write(certificate.key(), key).unwrap();
    server.await_metric("sward_tls_reloads_total{outcome=\"ok\"}", 1);

    let new = certificate.renew();
    let deadline = Instant::now() + DEADLINE;
    while !is_trusted(address, &new) {
        assert!(Instant::now() < deadline, "the new certificate is not shown");
        thread::sleep(Duration::from_millis(50));
    }
    let ping = json!({"type": "sward.ping", "data": 7}).to_string();
    assert_eq!(connection.request("POST", &zoe.path("/v1/send"), ping.as_bytes()).status, 200);
    assert_eq!(stream.expect("pong")["data"], 7, "the old connection lives on");
    assert_eq!(H2::open_tls(address, &new).request("GET", "/healthz", b"").status, 200);
}

fn is_trusted(address: SocketAddr, trusting: &Arc<ClientConfig>) -> bool {
    let name = ServerName::try_from("localhost").unwrap();
    let mut session = ClientConnection::new(Arc::clone(trusting), name).unwrap();
    session.complete_io(&mut TcpStream::connect(address).unwrap()).is_ok()
}

#[cfg(unix)]
#[test]
fn what_is_no_file_or_too_large_holds_up_neither_the_next_certificate_nor_the_end() {
    let (certificate, _) = Certificate::new("pipe");
    let mut server = certificate.server();
    let address = server.tls_address.unwrap();
    let failed = |server: &Server| server.metric("sward_tls_reloads_total{outcome=\"failed\"}").unwrap_or(0);
    let await_failure = |server: &Server, before: u64| {
        let deadline = Instant::now() + DEADLINE;
        while failed(server) <= before {
            assert!(Instant::now() < deadline, "it was not looked at");
            thread::sleep(Duration::from_millis(50));
        }
    };
    let make_pipe = || {
        std::fs::remove_file(certificate.chain()).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(certificate.chain()).status().unwrap().success());
    };
    make_pipe();
    await_failure(&server, 0);
    std::fs::remove_file(certificate.chain()).unwrap();
    let before = failed(&server);
    std::fs::write(certificate.chain(), vec![b'\n'; 2 << 20]).unwrap();
    await_failure(&server, before);
    let new = certificate.renew();
    let deadline = Instant::now() + DEADLINE;
    while !is_trusted(address, &new) {
        assert!(Instant::now() < deadline, "the new certificate is not shown");
        thread::sleep(Duration::from_millis(50));
    }
    let before = failed(&server);
    make_pipe();
    await_failure(&server, before);
    server.terminate();
    assert!(server.wait().success());
}

#[cfg(unix)]
#[test]
fn an_operator_may_ask_for_the_certificate_to_be_read() {
    let (certificate, trusting) = Certificate::new("asked");
    let server = certificate.server();
    let asked = std::process::Command::new("kill").args(["-HUP", &server.pid().to_string()]).status();
    assert!(asked.unwrap().success());
    server.await_metric("sward_tls_reloads_total{outcome=\"ok\"}", 1);
    assert_eq!(
        H2::open_tls(server.tls_address.unwrap(), &trusting).request("GET", "/healthz", b"").status,
        200
    );
}

#[test]
fn without_a_usable_certificate_it_does_not_start() {
    let (certificate, _) = Certificate::new("unusable");
    std::fs::write(certificate.chain(), "").unwrap();
    let (chain, key) = (certificate.chain(), certificate.key());
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_sward"))
        .args([
            "--listen",
            "127.0.0.1:0",
            "--tls-listen",
            "127.0.0.1:0",
            "--tls-cert",
            &chain,
            "--tls-key",
            &key,
        ])
        .output()
        .unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("chain.pem"), "{said}");
}
