//! All that a main needs: the log, the descriptors, a system to run in, and a word when the server is up.

use std::io::{self, IsTerminal as _, Write as _};

use sward_protocol::ids::RoomId;
use tracing_subscriber::EnvFilter;

use crate::app::{Builder, Server};
use crate::descriptors;
use crate::replay::playback::Playback;
use crate::room::core::{Charter, RoomStep as _};

impl Builder {
    /// Runs the server until the process is told to stop, and leaves well. It logs to standard error (`SWARD_LOG` chooses
    /// what, as `RUST_LOG` does elsewhere; a log that the program has set up itself is left alone), raises the limit on
    /// file descriptors as far as it may, and says on standard output where it listens.
    ///
    /// Within an actix system of one's own, [`Server::listen`](crate::Server::listen) is what to call.
    ///
    /// # Errors
    /// What the operating system says, above all that the port is taken; there is no folder of the files' name; or a
    /// certificate cannot be read.
    ///
    /// # Panics
    /// Within an actix system or a tokio runtime.
    pub fn run(mut self) -> io::Result<()> {
        log_to_stderr();
        match self.replay.take() {
            Some(options) => options.run(self),
            None => self.run_with(None),
        }
    }

    /// Runs the server, with a room that plays a recording if there is one.
    pub(crate) fn run_with(self, playback: Option<Playback>) -> io::Result<()> {
        let descriptor_limit = descriptors::raise_limit();
        let server = self.build();
        let config = &server.state.config;
        let (address, players_max) = (config.listen, config.max_players);
        let players_max = players_max.unwrap_or_else(|| descriptors::players_for(descriptor_limit));
        actix_rt::System::new().block_on(async move {
            let room = playback.map(|playback| open(&server, playback)).transpose()?;
            let listening = server.listen().map_err(|error| {
                let hint = format!("cannot listen on {address} (--listen takes another): {error}");
                if error.kind() == io::ErrorKind::AddrInUse { io::Error::new(error.kind(), hint) } else { error }
            })?;
            let secure =
                listening.tls_address().map(|address| format!(" or https://{address}/")).unwrap_or_default();
            // One write, and a closed terminal is no reason not to serve.
            let greeting = format!(
                "Sward {} is up. Open http://{}/{secure}\n{descriptor_limit} file descriptors: up to {players_max} \
                 players, or {} whose POSTs keep a connection too.\n",
                env!("CARGO_PKG_VERSION"),
                listening.address(),
                players_max / 2
            );
            let _ = io::stdout().write_all(greeting.as_bytes());
            if let Some(room) = room {
                let url = format!("http://{}", listening.address());
                let told = format!("Watch {url}/v1/rooms/{room}/watch or {url}/?watch={room}\n");
                let _ = io::stdout().write_all(told.as_bytes());
            }
            listening.run().await
        })
    }
}

/// Opens the room that plays a recording.
fn open(server: &Server, playback: Playback) -> io::Result<RoomId> {
    let Charter { id, code, .. } = playback.charter().clone();
    let directory = &server.state.admission.directory;
    directory.take_code(&code, id);
    directory.open_standing(Box::new(playback)).map_err(io::Error::other)?;
    Ok(id)
}

fn log_to_stderr() {
    let filter = EnvFilter::try_from_env("SWARD_LOG")
        .unwrap_or_else(|_| EnvFilter::new("warn,actix_http=off,h2=off,sward_server=info"));
    // An error is a log that is there already.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        // Or a log that nobody reads any more would take the task down that wanted to write to it.
        .log_internal_errors(false)
        .with_ansi(io::stderr().is_terminal())
        .try_init();
}
