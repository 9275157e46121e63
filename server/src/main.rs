//! The `sward` binary: a server with the games that come with it.

use std::io::{IsTerminal as _, Write as _};

use anyhow::Context as _;
use clap::Parser as _;
use sward_server::{Config, Server, descriptors};
use tracing_subscriber::EnvFilter;

#[actix_web::main]
async fn main() -> anyhow::Result<()> {
    let settings = Config::parse();
    let filter = EnvFilter::try_from_env("SWARD_LOG")
        .unwrap_or_else(|_| EnvFilter::new("warn,actix_http=off,h2=off,sward_server=info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        // Or a log that nobody reads any more would take the task down that wanted to write to it.
        .log_internal_errors(false)
        .with_ansi(std::io::stderr().is_terminal())
        .init();

    let descriptor_limit = descriptors::raise_limit();
    let address = settings.listen;
    let players_max = settings.max_players.unwrap_or_else(|| descriptors::players_for(descriptor_limit));
    let listening = Server::builder()
        .config(settings)
        .build()
        .listen()
        .with_context(|| format!("cannot listen on {address}; --listen takes another"))?;
    let secure = listening.tls_address().map(|address| format!(" or https://{address}/")).unwrap_or_default();
    // One write, and a closed terminal is no reason not to serve.
    let greeting = format!(
        "Sward {} is up. Open http://{}/{secure}\n{descriptor_limit} file descriptors: up to {players_max} players, or {} whose \
         POSTs keep a connection too.\n",
        env!("CARGO_PKG_VERSION"),
        listening.address(),
        players_max / 2
    );
    let _ = std::io::stdout().write_all(greeting.as_bytes());
    listening.run().await.context("the server stopped")
}
