//! `sward-loadtest`: how a server feels to so many players, and whether it loses anything.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::Parser as _;
use sward_loadtest::cli::{Args, Cli, Command, ProbeArgs, WorldArgs};
use sward_loadtest::client::Endpoint;
use sward_loadtest::probe::{ProbeReport, probe};
use sward_loadtest::progress::Progress;
use sward_loadtest::report::{Report, json, text};
use sward_loadtest::run::{Setup, run};
use sward_loadtest::server_process::{Program, ServerProcess, Stopped};
use sward_loadtest::{fd_limit, server_probe, world};
use tokio::sync::watch;

/// The run could not start.
const EXIT_SETUP: u8 = 2;
/// The run was cut short, and clean as far as it went: no pass for a script that waits for one. The shell's own code for
/// an interruption.
const EXIT_CUT_SHORT: u8 = 130;

fn main() -> ExitCode {
    let Cli { command, load } = Cli::parse();
    match command {
        None => run_load(&load),
        Some(Command::Probe(args)) => run_probe(&args),
        Some(Command::World(args)) => run_world(&args),
    }
}

fn run_probe(args: &ProbeArgs) -> ExitCode {
    let found = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("no runtime")
        .and_then(|runtime| Ok(runtime.block_on(probe(&args.options()))?))
        .and_then(|report| Ok((report_text(&report, args)?, report.is_good())));
    match found {
        Ok((text, is_good)) => {
            print(&text);
            if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            eprintln!("sward-loadtest: {error:#}");
            ExitCode::from(EXIT_SETUP)
        }
    }
}

fn report_text(report: &ProbeReport, args: &ProbeArgs) -> Result<String> {
    if args.json {
        Ok(serde_json::to_string_pretty(report).context("no JSON")? + "\n")
    } else {
        Ok(report.text())
    }
}

fn run_world(args: &WorldArgs) -> ExitCode {
    match measure_world(args) {
        Ok(None) => ExitCode::from(EXIT_CUT_SHORT),
        Ok(Some(report)) => {
            print(&report.text());
            if report.failures().is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            eprintln!("sward-loadtest: {error:#}");
            ExitCode::from(EXIT_SETUP)
        }
    }
}

/// `None`: it was interrupted.
fn measure_world(args: &WorldArgs) -> Result<Option<world::Report>> {
    let options = args.options();
    fd_limit::raise_for(options.lines.iter().map(|line| line.players).max().unwrap_or(0))?;
    let json_file = args.json.as_deref().map(create).transpose()?;
    // One thread: what it reads costs it less than what others would cost the server.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("no runtime")?;
    let report = runtime.block_on(async {
        let progress = Progress::on_stderr();
        tokio::select! {
            report = world::run(&options, &progress) => report.map(Some),
            // The server is killed with the run that is dropped.
            () = interruption() => Ok(None),
        }
    })?;
    if let Some((mut file, report)) = json_file.zip(report.as_ref()) {
        let json = report.json().context("no JSON")?;
        file.write_all(json.as_bytes()).context("the JSON file cannot be written")?;
    }
    Ok(report)
}

/// Opened before the run: nobody wants to learn after an hour that the folder does not exist.
fn create(path: &Path) -> Result<File> {
    File::create(path).with_context(|| format!("{} cannot be written", path.display()))
}

fn run_load(args: &Args) -> ExitCode {
    match execute(args) {
        Ok(report) => {
            print(&text::render(&report));
            match report.verdict.exit_code() {
                0 if report.cut_short.is_some() => ExitCode::from(EXIT_CUT_SHORT),
                code => ExitCode::from(code),
            }
        }
        Err(error) => {
            eprintln!("sward-loadtest: {error:#}");
            ExitCode::from(EXIT_SETUP)
        }
    }
}

fn execute(args: &Args) -> Result<Report> {
    fd_limit::raise_for(args.players)?;
    let json_file = args.json.as_deref().map(create).transpose()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(args.threads().get())
        .enable_all()
        .build()
        .context("no runtime")?;
    let report = runtime.block_on(measure(args))?;
    if let Some(file) = json_file {
        json::write(&report, BufWriter::new(file)).context("the JSON file cannot be written")?;
    }
    Ok(report)
}

async fn measure(args: &Args) -> Result<Report> {
    let interrupted = interruptions();
    if let Some(pid) = args.server_pid {
        server_probe::usage(pid).context("--server-pid")?;
    }
    if !args.spawn {
        return against(args, &args.url, args.server_pid, interrupted).await;
    }
    let server = ServerProcess::start(Program::Server, args.server_bin.as_deref()).await?;
    let url = server.url().to_owned();
    let report = against(args, &url, Some(server.pid()), interrupted).await;
    match server.stop().await {
        Stopped::WhenTold(status) if status.success() => {}
        Stopped::WhenTold(status) => eprintln!("The server stopped with {status}."),
        Stopped::ByItself(status) => eprintln!("The server had ended by itself with {status}."),
        Stopped::Killed => eprintln!("The server did not stop when told to and was killed."),
    }
    report
}

async fn against(
    args: &Args,
    url: &str,
    server_pid: Option<u32>,
    interrupted: watch::Receiver<bool>,
) -> Result<Report> {
    let endpoint = Endpoint::reach(url).await?;
    let server_pid = server_pid.or_else(|| local_listener(endpoint.address()));
    let server_pid = server_pid.filter(|pid| server_probe::usage(*pid).is_ok());
    let setup = Setup {
        load: args.load(),
        url: url.to_owned(),
        endpoint,
        server_pid,
        threads: args.threads().get(),
        interrupted,
    };
    Ok(run(setup, &Progress::on_stderr()).await?)
}

fn local_listener(address: SocketAddr) -> Option<u32> {
    address.ip().is_loopback().then(|| server_probe::listener_pid(address)).flatten()
}

/// Becomes true at Ctrl-C or SIGTERM.
fn interruptions() -> watch::Receiver<bool> {
    let (sender, receiver) = watch::channel(false);
    tokio::spawn(async move {
        interruption().await;
        sender.send_replace(true);
    });
    receiver
}

#[cfg(unix)]
async fn interruption() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}

#[cfg(not(unix))]
async fn interruption() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending().await
    }
}

#[expect(clippy::print_stdout, reason = "the report is what this program is for")]
fn print(text: &str) {
    print!("{text}");
}
