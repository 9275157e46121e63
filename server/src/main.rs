//! The `sward` binary: a server with the games that come with it.

use anyhow::Context as _;
use sward_server::Server;

fn main() -> anyhow::Result<()> {
    Server::builder().args().run().context("the server stopped")
}
