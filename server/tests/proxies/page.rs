//! `docs/proxies.md`: written from what was measured, and compared with it.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sward_loadtest::client::Rung;

use crate::configurations::{Configuration, Kind};
use crate::exchange::Reading;

/// One line of the table.
pub struct Line<'a> {
    pub configuration: &'a Configuration,
    pub version: String,
    pub reading: Reading,
}

const HEAD: &str = "\
# Proxies

What stands between players and the server, and how the game fares behind it. `make test-proxies` starts each of these
programs with the very file named here and plays through it with the Rust client, which begins at rung 0 of the ladder and
steps down until events are prompt. Then 200 messages go each way, through a room, between this player and one who is
connected directly: **through each of them, every message arrived exactly once and in order.**

| rung | | what it is |
|---|---|---|
| 0 | `sse` | an endless `text/event-stream` |
| 1 | `raw` | the same bytes, as `application/octet-stream` and unchunked |
| 2 | `drain` | a complete answer for each flush, asked for again at once |

Everything in the table but the rungs is a measurement on one machine, and varies.

- *First event* is the time from the request for the stream (of that rung) to its `hello`.
- *Added* is what the proxy adds to the way of a ping up and its pong down: median and 99th percentile of 50, less the median
  of as many without a proxy, in turns with them.
- *Away* is the time from the moment at which the client closes its connections without a word until the others in the room
  are told so: 2 s, in which it might have come back, where the proxy tells at once; more where it notices at its next writes
  or later; at most 25 s, when nothing but the silence of a client that acknowledges tells it
  ([liveness](protocol.md#liveness)). A page that is closed says `bye`, which needs none of that.

";

const TAIL: &str = "
## Which one to copy

In front of a server of your own, the file that says so in its row. Each says in its comments why each of its lines is
there. What all of them have in common: nothing buffers or compresses an answer of `/v1/stream`, and nothing cuts a connection
that was silent for less than 16 s (a stream says something every 5 s, in a hidden tab every 15 s). Forward proxies are other
people's: their rows show what players behind them get.

All of them speak HTTP/1 to Sward. Over HTTP/2 it answers as well, but there players share a connection, and with it its bounds:
1,000 requests under way, streams included, and 128 answers that nobody takes; past them it answers 503.

## Try it

Every file runs as it stands, without root. Sward is at 127.0.0.1:8080, the proxy at 127.0.0.1:8000, and what it writes in
`/tmp/sward-proxy`:

```
cargo run --release &
mkdir -p /tmp/sward-proxy
export PATH=$PATH:/usr/sbin
sh -c \"$(sed -n 's/.*run: //p' docs/proxies/nginx.conf)\" &
curl -d '{\"name\":\"Zoë\"}' http://127.0.0.1:8000/v1/sessions
cargo run --release -p sward-loadtest -- probe --url http://127.0.0.1:8000
```

`probe` plays through any proxy, yours too, and says which rung it proved and why. For a forward proxy: `--url
http://127.0.0.1:8080 --proxy 127.0.0.1:8000`. And http://127.0.0.1:8000/ is the game.

`make test-proxies` compares the rungs with this table. `SWARD_BLESS=1 make test-proxies` measures one after the other and
writes this page.
";

/// Where the page is.
pub fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/proxies.md")
}

/// The whole page.
pub fn written(lines: &[Line<'_>], direct: &Reading) -> String {
    let mut page = HEAD.to_owned();
    page += "| proxy | configuration | rung | first event | added | away | remarks |\n|---|---|---|---|---|---|---|\n";
    let write = writeln!(
        page,
        "| none | | {} | {} ms | (a ping takes {} / {} ms) | {} | |",
        rung(direct.rung),
        direct.first_event.as_millis(),
        tenths(direct.median()),
        tenths(direct.p99()),
        told(direct.leave_told),
    );
    write.unwrap();
    for Line { configuration, version, reading } in lines {
        let write = writeln!(
            page,
            "| {} {version}{} | [{file}](proxies/{file}) | {} | {} ms | {} / {} ms | {} | {} |",
            configuration.product.name,
            if configuration.kind == Kind::Forward { " (forward)" } else { "" },
            rung(reading.rung),
            reading.first_event.as_millis(),
            tenths(reading.median().saturating_sub(reading.direct())),
            tenths(reading.p99().saturating_sub(reading.direct())),
            told(reading.leave_told),
            configuration.remark,
            file = configuration.file,
        );
        write.unwrap();
    }
    page + TAIL
}

/// Whether what does not depend on measurements is as checked in.
pub fn is_framed(page: &str) -> bool {
    page.starts_with(HEAD) && page.ends_with(TAIL)
}

/// What the checked-in table says of a file.
pub fn rung_of(page: &str, file: &str) -> Option<String> {
    let line = page.lines().find(|line| line.contains(&format!("](proxies/{file})")))?;
    line.split('|').nth(3).map(|cell| cell.trim().to_owned())
}

/// A rung, as the table has it.
pub fn rung(rung: Rung) -> String {
    format!("{} `{rung}`", rung.number())
}

fn tenths(duration: Duration) -> String {
    format!("{:.1}", duration.as_secs_f64() * 1_000.0)
}

/// When others were told of a leave.
pub fn told(leave: Option<Duration>) -> String {
    leave.map_or_else(|| "–".to_owned(), |after| format!("{:.1} s", after.as_secs_f64()))
}
