//! A page of one's own: `--files`.

use std::process::Command;

use crate::support::{Connection, Server};

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [
        ("public/index.html", "<p>Zoë’s page"),
        ("public/app.js", "export {}"),
        ("public/level/index.html", "level"),
        ("public/empty/note.txt", "é"),
        ("public/.secret", "s3cret"),
        ("public/.git/config", "s3cret"),
        ("secret.txt", "s3cret"),
    ] {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}

fn serve(folder: &tempfile::TempDir) -> Server {
    Server::start_with(&["--files", folder.path().join("public").to_str().unwrap()])
}

#[test]
fn a_page_of_one_s_own_takes_the_sample_game_s_place() {
    let folder = folder();
    let server = serve(&folder);
    let page = server.get("/");
    assert_eq!((page.status, page.text().as_str()), (200, "<p>Zoë’s page"));
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    assert_eq!(page.header("cache-control"), Some("no-cache"));
    assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
    for (asked, with) in [("if-none-match", "etag"), ("if-modified-since", "last-modified")] {
        let known = page.header(with).unwrap();
        assert_eq!(server.request("GET", "/", &[(asked, known)], b"").status, 304, "{with}");
    }
    assert_eq!(server.get("/index.html").text(), page.text());
    assert_eq!(server.get("/app.js").header("content-type"), Some("text/javascript"));
    assert_eq!(server.get("/empty/note.txt").header("content-type"), Some("text/plain; charset=utf-8"));
    assert_eq!(server.get("/level").header("location"), Some("/level/"));
    assert_eq!(server.get("/level/").text(), "level");
    let part = server.request("GET", "/app.js", &[("range", "bytes=0-5")], b"");
    assert_eq!((part.status, part.text().as_str()), (206, "export"));
    let mut connection = Connection::open(server.address);
    connection.send("HEAD", "/app.js", "HTTP/1.1", &[], b"");
    assert_eq!(connection.head().0, 200);

    assert_eq!(server.get("/sdk/index.js").status, 200, "the SDK stays");
    assert_eq!(server.get("/v1/time").status, 200);
    assert_eq!(server.get("/meadow/main.js").code(), "not_found");
    assert_eq!(server.get("/nothing.js").code(), "not_found");
    assert_eq!(server.get("/empty/").code(), "not_found", "no list of files");
    assert_eq!(server.request("POST", "/", &[], b"").code(), "not_found");
    assert_eq!(server.request("POST", "/app.js", &[], b"").code(), "not_found");
}

#[test]
fn nothing_outside_of_the_folder_is_served_and_nothing_hidden() {
    let folder = folder();
    let server = serve(&folder);
    for path in [
        "/.secret",
        "/.git/config",
        "/%2egit/config",
        "/../secret.txt",
        "/level/../../secret.txt",
        "/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "/..%5csecret.txt",
        "/%252e%252e/secret.txt",
        "/level/..%2f..%2fsecret.txt",
        "//secret.txt",
        "/./.secret",
        "/app.js%00.html",
        "/%ff",
        &format!("/{}", folder.path().join("secret.txt").display()),
    ] {
        let answer = server.get(path);
        assert!(answer.status >= 400, "{path}: {}", answer.status);
        assert!(!answer.text().contains("s3cret"), "{path}");
    }
}

#[test]
fn a_folder_that_is_not_there_is_told_at_the_start() {
    let folder = folder();
    let missing = folder.path().join("missing");
    let run = Command::new(env!("CARGO_BIN_EXE_sward"))
        .args(["--listen", "127.0.0.1:0", "--files", missing.to_str().unwrap()])
        .output()
        .unwrap();
    assert!(!run.status.success());
    let said = String::from_utf8_lossy(&run.stderr);
    assert!(said.contains("there is no folder") && said.contains("missing"), "{said}");
}
