//! The game's routes within an actix-web application that is there already.
//!
//! `cargo run --example embedded`, then open http://127.0.0.1:8080/

use std::io;
use std::net::TcpListener;

use actix_web::{App, HttpServer, web};
use sward_server::{Mounted, Server, StopSignals};

#[actix_web::main]
async fn main() -> io::Result<()> {
    serve(TcpListener::bind("127.0.0.1:8080")?).await
}

/// Serves until the process is told to stop.
///
/// # Errors
/// What the operating system says of the listener.
pub async fn serve(listener: TcpListener) -> io::Result<()> {
    let mut stop_signals = StopSignals::listen();
    let game = Server::builder().build().mount()?;
    let application = application(listener, game.clone())?;
    let handle = application.handle();
    actix_web::rt::spawn(async move {
        stop_signals.told().await;
        // The players are told first, or the application would wait for streams that never end.
        game.drain().await;
        handle.stop(true).await;
    });
    application.await
}

/// A page of the application's own, and the game below `/game`.
///
/// # Errors
/// What the operating system says of the listener.
pub fn application(listener: TcpListener, game: Mounted) -> io::Result<actix_web::dev::Server> {
    let app = move || {
        App::new()
            .route("/", web::get().to(|| async { "An application that has a game: /game/sdk/index.js\n" }))
            .configure(game.routes("/game"))
    };
    Ok(HttpServer::new(app).workers(2).listen(listener)?.disable_signals().run())
}
