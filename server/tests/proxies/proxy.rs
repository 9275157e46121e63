//! A proxy process: started from its file in `docs/proxies` by the command that stands there, stopped by its pid.

use std::fs::{self, File, Permissions};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, geteuid, kill_process, kill_process_group};
use tempfile::TempDir;

use crate::configurations::{Configuration, Product};
use crate::support::DEADLINE;

/// What stands in the files for where Sward is, where the proxy and its scanner listen, and where they may write.
const SWARD_PORT: &str = "8080";
const PROXY_PORT: &str = "8000";
const SCANNER_PORT: &str = "1344";
const FOLDER: &str = "/tmp/sward-proxy";
/// Behind this stands the command that runs a file.
const RUN: &str = "run: ";
/// Nobody's user and group: tests that run as root start proxies as this one.
const NOBODY: u32 = 65_534;
/// How long a proxy may take to stop when told to.
const STOP: Duration = Duration::from_secs(3);

/// A running proxy; stopped when dropped, with all that it started.
pub struct Proxy {
    child: Child,
    pub address: SocketAddr,
    /// What it may write to, its output too.
    _folder: TempDir,
}

impl Proxy {
    /// Starts it in front of `server` and waits until it listens.
    pub fn start(configuration: &Configuration, server: SocketAddr) -> Result<Self, String> {
        let text = fs::read_to_string(source(configuration.file)).map_err(|error| error.to_string())?;
        let address = free_address();
        // No capitals: e2guardian reads paths in lower case.
        let name = format!("sward-proxy-{}-{}", std::process::id(), address.port());
        let folder = tempfile::Builder::new()
            .prefix(&name)
            .rand_bytes(0)
            .tempdir()
            .map_err(|error| error.to_string())?;
        let place = folder.path().to_str().ok_or("the folder for temporary files has no plain name")?;
        let text = placed(&text, place, server.port(), address.port());
        let command = command_of(&text).ok_or("there is no command in it")?;
        // The command expects the file where an operator has it.
        let placed_folder = folder.path().join("docs/proxies");

        let set_up = || -> std::io::Result<Child> {
            fs::create_dir_all(&placed_folder)?;
            fs::write(placed_folder.join(configuration.file), &text)?;
            fs::set_permissions(folder.path(), Permissions::from_mode(0o755))?;
            let output = File::create(folder.path().join("output"))?;
            let mut shell = Command::new("sh");
            shell
                .args(["-c", command])
                .current_dir(folder.path())
                .env("PATH", search_path())
                .env("HOME", folder.path())
                .stdin(Stdio::null())
                .stdout(output.try_clone()?)
                .stderr(output)
                .process_group(0);
            if geteuid().is_root() {
                chown(folder.path(), Some(NOBODY), Some(NOBODY))?;
                shell.uid(NOBODY).gid(NOBODY);
            }
            shell.spawn()
        };
        let child = set_up().map_err(|error| error.to_string())?;
        let mut proxy = Self { child, address, _folder: folder };
        match proxy.listens() {
            Ok(()) => Ok(proxy),
            Err(what) => Err(format!("{what}; it said:\n{}", proxy.output())),
        }
    }

    /// What it wrote so far.
    pub fn output(&self) -> String {
        let bytes = fs::read(self._folder.path().join("output")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    fn listens(&mut self) -> Result<(), String> {
        let deadline = Instant::now() + DEADLINE;
        loop {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(format!("it ended at once: {status}"));
            }
            if TcpStream::connect(self.address).is_ok() {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(format!("it does not listen within {DEADLINE:?}"));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // It leads a process group of its own: what it started is in it, and nothing of anybody else's. An error means
        // that it has ended.
        let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) else { return };
        let _ = kill_process(pid, Signal::TERM);
        let deadline = Instant::now() + STOP;
        while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = kill_process_group(pid, Signal::KILL);
        let _ = self.child.wait();
    }
}

/// The version that a product tells, or nothing when it is not there.
pub fn version(product: &Product) -> Option<String> {
    let output = Command::new(product.program)
        .arg(product.version_option)
        .env("PATH", search_path())
        .stdin(Stdio::null())
        .output()
        .ok()?;
    let text = [output.stdout, output.stderr].concat();
    version_in(&String::from_utf8_lossy(&text))
}

/// The first thing that looks like 1.22 or 1.22.1.
fn version_in(text: &str) -> Option<String> {
    let words = text.split(|c: char| c.is_whitespace() || "/-+(),~:".contains(c));
    let is_version = |word: &&str| {
        word.contains('.')
            && word.split('.').all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()))
    };
    words.map(|word| word.trim_start_matches('v')).find(is_version).map(str::to_owned)
}

/// Where the file that operators copy is.
pub fn source(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/proxies").join(file)
}

/// Its text with these ports and this folder, and nothing else changed.
fn placed(text: &str, folder: &str, server: u16, proxy: u16) -> String {
    let scanner = free_address().port();
    text.replace(SWARD_PORT, &server.to_string())
        .replace(PROXY_PORT, &proxy.to_string())
        .replace(SCANNER_PORT, &scanner.to_string())
        .replace(FOLDER, folder)
}

/// The command that runs a file. It ends in `exec`, or knows what to do when it is told to end.
fn command_of(text: &str) -> Option<&str> {
    text.lines().find_map(|line| Some(line.split_once(RUN)?.1))
}

/// A port that is free now. Nothing else on loopback is likely to take it before the proxy does.
fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).unwrap()
}

/// Debian keeps servers in sbin, which is not in everybody's path.
fn search_path() -> String {
    format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap_or_default())
}

#[test]
fn versions_are_found_in_what_products_print() {
    let check = |text, want| assert_eq!(version_in(text).as_deref(), want, "{text}");
    check("nginx version: nginx/1.22.1", Some("1.22.1"));
    check("HAProxy version 2.6.12-1+deb12u4 2025/01/01 - https://haproxy.org/", Some("2.6.12"));
    check("varnishd (varnish-7.1.1 revision 7cee)", Some("7.1.1"));
    check("Squid Cache: Version 5.7", Some("5.7"));
    check("v2.6.2 h1:abc=", Some("2.6.2"));
    check("nothing", None);
}
