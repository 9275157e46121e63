//! The README's curl session, line by line as it stands there.

use std::process::Command;

use crate::support::Server;

#[test]
fn the_readme_s_lines_do_what_it_says() {
    let server = Server::start();
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md")).unwrap();
    let lines = readme.split("```bash\n").nth(1).unwrap().split("```").next().unwrap();
    let lines = lines.replace("http://127.0.0.1:8080", &format!("http://{}", server.address));
    // A reader takes a moment for each line; the room's flush needs a thirtieth of a second.
    let lines = format!("trap 'sleep 0.1' DEBUG\n{lines}");
    let run = Command::new("bash").args(["-eu", "-o", "pipefail", "-c", &lines]).output();
    let run = run.unwrap_or_else(|error| panic!("bash and curl are needed: {error}"));
    let said = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success(), "{said}\n{}", String::from_utf8_lossy(&run.stderr));
    for expected in [
        "event: hello\n",
        r#""seat":2}"#,
        r#"data: {"from":2,"type":"wave","data":{"to":"everybody"}}"#,
        r#"data: {"from":2,"scope":"room","text":"Hello, Zoë!","player":{"id":""#,
        r#"{"ack":2,"replies":[{"i":1,"rid":7,"data":null}]}"#,
        r#""game":"relay""#,
        r#"data: {"seat":2,"why":"left"}"#,
        r#"{"left":true}"#,
        r#""reason":"ended""#,
    ] {
        assert!(said.contains(expected), "{expected} is missing from\n{said}");
    }
    assert_eq!(said.matches(r#""type":"jump""#).count(), 1, "applied once:\n{said}");
}
