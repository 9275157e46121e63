//! The program itself: what a run that cannot start says, and its exit code.

#![expect(clippy::unwrap_used, reason = "a helper of a test may fail like a test")]

use std::process::{Command, Output};

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sward-loadtest")).args(arguments).output().unwrap()
}

fn check(output: &Output, words: &str) {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(errors.contains(words), "{errors}");
    assert_eq!(output.status.code(), Some(2), "{errors}");
    assert!(output.stdout.is_empty(), "no report without a run");
}

/// A URL where nobody listens: the port was free a moment ago.
fn dead_url() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

#[test]
fn a_dead_server_a_wrong_url_and_wrong_options_are_set_up_errors() {
    check(&run(&["--url", &dead_url()]), "nobody answers at 127.0.0.1:");
    check(&run(&["--url", "https://127.0.0.1"]), "plain http:// only");
    check(&run(&["--duration", "20"]), "has no unit");
    check(&run(&["--server-pid", "0"]), "--server-pid");
    check(&run(&["--players", "0"]), "--players");
    check(&run(&["--spawn", "--server-bin", "/nowhere/sward"]), "/nowhere/sward cannot be started");
}

#[test]
fn a_report_that_cannot_be_written_is_told_before_the_run() {
    check(
        &run(&["--url", &dead_url(), "--json", "/nowhere/report.json"]),
        "/nowhere/report.json cannot be written",
    );
}

#[test]
fn a_world_that_cannot_be_measured_is_a_set_up_error() {
    check(&run(&["world", "--url", &dead_url()]), "nobody answers at 127.0.0.1:");
    check(&run(&["world", "--server-bin", "/nowhere/walkers"]), "/nowhere/walkers cannot be started");
    check(&run(&["world", "--modes", "all"]), "--modes");
    check(&run(&["world", "--players", "5"]), "--players");
    check(&run(&["world", "--url", "http://127.0.0.1:1", "--pin"]), "--pin");
    check(&run(&["world", "--json", "/nowhere/world.json"]), "/nowhere/world.json cannot be written");
}

#[cfg(unix)]
#[test]
fn too_few_file_descriptors_are_told_before_the_run() {
    let program = env!("CARGO_BIN_EXE_sward-loadtest");
    let script = format!("ulimit -n 200; exec {program} --players 450");
    let output = Command::new("sh").args(["-c", &script]).output().unwrap();
    check(
        &output,
        "450 players need 964 file descriptors, and this system gives 200 (ulimit -n): at most 68",
    );
}
