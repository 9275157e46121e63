//! The `sward` binary: a server with the games that come with it.

use anyhow::Context as _;
use clap::Parser as _;
use sward_server::{Config, Server};
use tracing_subscriber::EnvFilter;

#[actix_web::main]
#[expect(clippy::print_stdout, reason = "this is what the person at the terminal reads")]
async fn main() -> anyhow::Result<()> {
    let settings = Config::parse();
    let filter = EnvFilter::try_from_env("SWARD_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();

    let descriptors = sward_server::raise_descriptor_limit();
    let address = settings.listen;
    let players_max = settings.max_players.unwrap_or_else(|| sward_server::players_for(descriptors));
    let listening = Server::builder()
        .config(settings)
        .build()
        .listen()
        .with_context(|| format!("cannot listen on {address}"))?;
    println!("Sward {} is up. Open http://{}/", env!("CARGO_PKG_VERSION"), listening.address());
    println!(
        "{descriptors} file descriptors: up to {players_max} players, or {} whose POSTs keep a connection too.",
        players_max / 2
    );
    listening.run().await.context("the server stopped")
}
