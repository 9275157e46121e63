//! A server of our own: found or built, started, stopped.

use std::env::consts::EXE_SUFFIX;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

/// How long the server may take until it prints its URL.
const START_TIMEOUT: Duration = Duration::from_secs(30);
/// How long it may take to stop when told to; then it is killed.
const STOP_TIMEOUT: Duration = Duration::from_secs(15);

/// What is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    /// The server.
    Server,
    /// An example of the server's package, by name.
    Example(&'static str),
}

impl Program {
    /// Where it lies, from the folder in which cargo puts programs.
    fn path(self) -> PathBuf {
        match self {
            Self::Server => format!("sward{EXE_SUFFIX}").into(),
            Self::Example(name) => Path::new("examples").join(format!("{name}{EXE_SUFFIX}")),
        }
    }

    /// What cargo is to build.
    fn target(self) -> Vec<&'static str> {
        match self {
            Self::Server => vec!["--bin", "sward"],
            Self::Example(name) => vec!["--example", name],
        }
    }
}

/// Why there is no server of our own.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SpawnError {
    /// Nowhere to be found, and nothing to build it from.
    #[error(
        "there is no {} beside this program and no source to build it from; name it with --server-bin", .0.display()
    )]
    NoBinary(PathBuf),
    /// The build failed; cargo has said why.
    #[error("the server could not be built: cargo ended with {0}")]
    Build(ExitStatus),
    /// A program could not be started.
    #[error("{program} cannot be started: {error}")]
    Start {
        /// Which.
        program: String,
        /// What the system says.
        error: std::io::Error,
    },
    /// It ended before it printed a URL; it has said why.
    #[error("the server ended with {0} before it printed its URL")]
    Ended(ExitStatus),
    /// It runs, but prints no URL.
    #[error("the server printed no URL within {} s", START_TIMEOUT.as_secs())]
    Silent,
}

/// How a server ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    /// When told to.
    WhenTold(ExitStatus),
    /// Before it was told to.
    ByItself(ExitStatus),
    /// It did not listen.
    Killed,
}

/// A running server; killed when this is dropped.
#[derive(Debug)]
pub struct ServerProcess {
    child: Child,
    pid: u32,
    url: String,
}

impl ServerProcess {
    /// Starts `bin`, or the program beside this one, built first where it is missing, on a free port of loopback.
    ///
    /// # Errors
    /// [`SpawnError`].
    pub async fn start(program: Program, bin: Option<&Path>) -> Result<Self, SpawnError> {
        let bin = match bin {
            Some(bin) => bin.to_owned(),
            None => find_or_build(program).await?,
        };
        let start = |error| SpawnError::Start { program: bin.display().to_string(), error };
        let mut command = Command::new(&bin);
        command
            .args(["--listen", "127.0.0.1:0"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        // Ctrl-C goes to the whole process group: the server is to live until the account is closed.
        #[cfg(unix)]
        command.process_group(0);
        let mut child = command.spawn().map_err(start)?;
        // Both are there: stdout was asked for, and the child was not waited for yet.
        let Some((stdout, pid)) = child.stdout.take().zip(child.id()) else {
            return Err(SpawnError::Silent);
        };
        let mut lines = BufReader::new(stdout).lines();
        let Ok(url) = timeout(START_TIMEOUT, first_url(&mut lines)).await else {
            return Err(SpawnError::Silent);
        };
        let Some(url) = url else {
            return Err(child.wait().await.map_or_else(start, SpawnError::Ended));
        };
        // Whoever prints into a full pipe waits: somebody has to read on.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Ok(Self { child, pid, url })
    }

    /// Where it listens.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Tells it to stop (SIGTERM) and waits, at most 15 s; then kills it.
    pub async fn stop(mut self) -> Stopped {
        if let Ok(Some(status)) = self.child.try_wait() {
            return Stopped::ByItself(status);
        }
        self.tell_to_stop();
        if let Ok(Ok(status)) = timeout(STOP_TIMEOUT, self.child.wait()).await {
            return Stopped::WhenTold(status);
        }
        // An error here means that it ended in the meantime.
        let _ = self.child.kill().await;
        Stopped::Killed
    }

    #[cfg(unix)]
    fn tell_to_stop(&mut self) {
        use rustix::process::{Pid, Signal, kill_process};
        let pid = i32::try_from(self.pid).ok().and_then(Pid::from_raw);
        // An error here means that it ended by itself, which the wait tells.
        let _ = pid.map(|pid| kill_process(pid, Signal::TERM));
    }

    #[cfg(not(unix))]
    fn tell_to_stop(&mut self) {
        // There is no polite way; an error here means that it ended by itself.
        let _ = self.child.start_kill();
    }
}

async fn first_url(lines: &mut Lines<BufReader<ChildStdout>>) -> Option<String> {
    while let Ok(Some(line)) = lines.next_line().await {
        if let Some(url) = url_in(&line) {
            return Some(url.to_owned());
        }
    }
    None
}

/// The first `http://…` of a line, up to white space.
fn url_in(line: &str) -> Option<&str> {
    line[line.find("http://")?..].split_ascii_whitespace().next()
}

async fn find_or_build(program: Program) -> Result<PathBuf, SpawnError> {
    let own = std::env::current_exe()
        .map_err(|error| SpawnError::Start { program: "this program".to_owned(), error })?;
    let missing = || SpawnError::NoBinary(program.path());
    let folder = own.parent().ok_or_else(missing)?;
    let beside = folder.join(program.path());
    if beside.is_file() {
        return Ok(beside);
    }
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../server/Cargo.toml");
    let target = folder.parent().filter(|_| source.is_file()).ok_or_else(missing)?;
    build(program, &source, target).await?;
    Ok(target.join("release").join(program.path()))
}

async fn build(program: Program, manifest: &Path, target: &Path) -> Result<(), SpawnError> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let mut command = Command::new(&cargo);
    command.args(["build", "--release", "-p", "sward-server", "--manifest-path"]).arg(manifest);
    command.args(program.target()).arg("--target-dir").arg(target);
    let status = command.status().await.map_err(|error| SpawnError::Start { program: cargo, error })?;
    if status.success() { Ok(()) } else { Err(SpawnError::Build(status)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_url_is_found_in_what_the_server_prints() {
        let check = |line, want| assert_eq!(url_in(line), want, "{line}");
        check("http://127.0.0.1:4711", Some("http://127.0.0.1:4711"));
        check("Open http://127.0.0.1:4711/ in a browser.", Some("http://127.0.0.1:4711/"));
        check("19,984 players fit", None);
        check("", None);
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_program_that_is_no_server_is_told_apart() {
        let ended = ServerProcess::start(Program::Server, Some(Path::new("/bin/false"))).await;
        assert!(matches!(ended, Err(SpawnError::Ended(_))), "{ended:?}");
        let missing = ServerProcess::start(Program::Server, Some(Path::new("/nowhere/sward"))).await;
        assert!(matches!(missing, Err(SpawnError::Start { .. })), "{missing:?}");
    }
}
