//! How far the run is, on standard error: a bar on a terminal, plain lines elsewhere.

use std::io::IsTerminal as _;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// Between two lines where there is no terminal.
const LINE_INTERVAL: Duration = Duration::from_secs(5);
const TEMPLATE: &str = "{prefix:>8} {bar:30} {msg}";

/// Shows how far a run is.
#[derive(Debug)]
pub struct Progress(Display);

#[derive(Debug)]
enum Display {
    Bar(ProgressBar),
    Lines(Mutex<Line>),
    Silent,
}

/// Where there is no terminal: what was said last.
#[derive(Debug, Default)]
struct Line {
    phase: &'static str,
    written: Option<Instant>,
}

impl Progress {
    /// What standard error can show.
    #[must_use]
    pub fn on_stderr() -> Self {
        if !std::io::stderr().is_terminal() {
            return Self(Display::Lines(Mutex::default()));
        }
        let bar = ProgressBar::no_length();
        bar.set_style(style());
        Self(Display::Bar(bar))
    }

    /// Shows nothing.
    #[must_use]
    pub fn silent() -> Self {
        Self(Display::Silent)
    }

    /// A new part of the run begins, of this length in any unit.
    pub fn begin(&self, phase: &'static str, length: u64) {
        match &self.0 {
            Display::Bar(bar) => {
                bar.set_prefix(phase);
                bar.set_length(length);
                bar.set_position(0);
            }
            Display::Lines(line) => {
                *line.lock().unwrap_or_else(PoisonError::into_inner) = Line { phase, written: None };
            }
            Display::Silent => {}
        }
    }

    /// The part has come to `position`; `message` says it in words. Lines are written every 5 s only.
    pub fn advance(&self, position: u64, message: String) {
        match &self.0 {
            Display::Bar(bar) => {
                bar.set_position(position);
                bar.set_message(message);
            }
            Display::Lines(line) => {
                let mut line = line.lock().unwrap_or_else(PoisonError::into_inner);
                if line.written.is_none_or(|written| written.elapsed() >= LINE_INTERVAL) {
                    line.written = Some(Instant::now());
                    eprintln!("{}: {message}", line.phase);
                }
            }
            Display::Silent => {}
        }
    }

    /// Clears the bar: the report follows.
    pub fn finish(&self) {
        if let Display::Bar(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

fn style() -> ProgressStyle {
    ProgressStyle::with_template(TEMPLATE).expect("a test holds that it is well-formed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_takes_its_template() {
        style();
    }
}
