//! The driver's stream: what arrives, and what to do when it ends.

use std::sync::Arc;
use std::time::Duration;

use sward_protocol::bye::{Bye, CloseCode};
use sward_protocol::downstream::{Event, Hello, Reset};
use sward_protocol::ids::EventId;
use sward_protocol::upstream::PastEvent;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::tasks::{Arrived, News, Opening, is_gone, read_stream};
use super::{Driver, NEWS_MAX, PENDING_MAX, Stream};
use crate::client::cursor::Greeting;
use crate::client::handle::{ClientEvent, EndWhy, ResetWhy};
use crate::client::{ClientError, Rung, StreamError};

/// The first wait after a stream that had worked broke: a handful of players of one server are not a storm.
const FIRST_REOPEN_MS: f64 = 100.0;

impl Driver {
    pub(super) fn open_stream(&mut self) {
        let rung = self.climb.rung();
        // A drain that goes on is the same stream to the ladder: it is silent until something happens. The first answer
        // of a row is to come at once, whether something happened or not.
        let begins = rung != Rung::Drain || !self.climb.is_open();
        let mut options = self.options.stream(rung);
        if begins && rung == Rung::Drain {
            options.hold = Some(Duration::ZERO);
        }
        let opening = Opening {
            endpoint: self.endpoint.clone(),
            token: self.session.token,
            options,
            nonces: Arc::clone(&self.nonces),
            last: self.cursor.last(),
            kept: self.kept.take(),
            watchdog: self.session.watchdog,
        };
        let (sender, news) = mpsc::channel(NEWS_MAX);
        let task = tokio::spawn(read_stream(opening, sender));
        let (opened, greeted, seen) = (Instant::now(), false, false);
        self.stream = Some(Stream { news, task, opened, greeted, seen });
        self.open_at = None;
        if begins {
            self.climb.opening(self.now_ms());
        }
    }

    pub(super) fn close_stream(&mut self) {
        self.stream = None;
        self.kept = None;
        self.ping = None;
        self.climb.closed();
        self.shared.update(|report| report.connected = false);
    }

    pub(super) fn take_news(&mut self, news: News) {
        match news {
            News::Arrived(arrived) => {
                for arrived in arrived {
                    self.take_arrived(arrived);
                    if self.stream.is_none() {
                        // A `bye`, or a step to another rung: nothing behind it counts.
                        break;
                    }
                }
            }
            News::Over { why: None, retry_ms, kept } if self.climb.rung() == Rung::Drain => {
                self.kept = kept;
                self.drained(retry_ms);
            }
            News::Over { why, retry_ms, .. } => self.stream_over(&why.unwrap_or(StreamError::Cut), retry_ms),
        }
    }

    /// A drained answer is complete: the next one is asked for at once, unless answers are nothing but greetings.
    fn drained(&mut self, retry_ms: Option<u64>) {
        let seen = self.stream.take().is_some_and(|stream| stream.seen);
        let wait_ms = if seen {
            self.reopen.reset();
            0
        } else {
            let at_once = (self.reopen.failures() == 0).then_some(0);
            let random = self.draw();
            self.reopen.failed(at_once, random).max(retry_ms.unwrap_or(0))
        };
        self.open_at = Some(Instant::now() + Duration::from_millis(wait_ms));
    }

    fn take_arrived(&mut self, arrived: Arrived) {
        let Arrived { id, events } = arrived;
        if let Some(id) = id {
            self.tell_reset(None);
            if !self.cursor.accept(id) {
                self.shared.update(|report| report.events_repeated += events.len() as u64);
                self.note_heard();
                return;
            }
        }
        let last = events.len().saturating_sub(1);
        for (at, event) in events.into_iter().enumerate() {
            match event {
                Event::Hello(hello) => self.greeted(&hello),
                Event::Noop(_) => {
                    self.tell_reset(None);
                    self.note_heard();
                }
                Event::Reset(reset) => self.tell_reset(Some(reset)),
                Event::Bye(bye) => return self.take_bye(bye),
                event => {
                    self.note_heard();
                    self.hand_on_event(id.filter(|_| at == last), event);
                }
            }
        }
    }

    /// Something other than a greeting came: the stream works.
    fn note_heard(&mut self) {
        self.reopen.reset();
        if let Some(stream) = &mut self.stream {
            stream.seen = true;
            if !std::mem::replace(&mut stream.greeted, true) {
                // A drain that resumed has no `hello`.
                self.stream_works();
            }
        }
    }

    fn stream_works(&mut self) {
        self.had_streams = true;
        self.shared.update(|report| report.connected = true);
        if std::mem::take(&mut self.broke) && !self.reset_due {
            self.shared.update(|report| report.resumes += 1);
            self.pending.push_back(ClientEvent::Resumed);
        }
        let action = self.climb.greeted(self.now_ms());
        if self.climb.is_proved() {
            self.report_rung("proved".to_owned());
        }
        self.climb_on(action);
    }

    fn greeted(&mut self, hello: &Hello) {
        let Some(stream) = &mut self.stream else { return };
        stream.greeted = true;
        let first_event_ms = stream.opened.elapsed().as_secs_f64() * 1_000.0;
        self.session.beat_ms = hello.heartbeat_ms;
        self.session.watchdog = Duration::from_millis(hello.watchdog_ms);
        self.shared.update(|report| {
            report.streams_opened += 1;
            report.first_event_ms = Some(first_event_ms);
        });
        let greeting = self.cursor.greet(hello.last, hello.resumed, self.had_streams);
        self.reset_due = greeting == Greeting::Breaks;
        self.stream_works();
    }

    /// Tells the application that events were lost, if they were.
    fn tell_reset(&mut self, reset: Option<Reset>) {
        if reset.is_none() && !self.reset_due {
            return;
        }
        self.reset_due = false;
        self.broke = false;
        let why = reset.map_or(ResetWhy::Fresh, |reset| ResetWhy::Server(reset.reason));
        self.shared.update(|report| report.resets += 1);
        self.pending.push_back(ClientEvent::Reset { why });
    }

    fn hand_on_event(&mut self, id: Option<EventId>, event: Event) {
        if let Event::Pong(pong) = &event
            && self.take_pong(&pong.data)
        {
            return;
        }
        self.shared.update(|report| report.events += 1);
        self.pending.push_back(ClientEvent::Event { id, event });
    }

    /// Takes the events of an answer to a POST. `run`: that of the request.
    pub(super) fn take_past_events(&mut self, run: u64, events: Vec<PastEvent>) {
        for PastEvent(id, name, data) in events {
            // The stream brings what is not taken here.
            if self.cursor.run() != run || self.pending.len() >= PENDING_MAX || self.reset_due {
                return;
            }
            let Ok(event) = Event::read(&name, data.json()) else { return };
            if !self.cursor.accept(id) {
                continue;
            }
            self.shared.update(|report| report.events_by_post += 1);
            if let Some(event) = event {
                self.hand_on_event(Some(id), event);
            }
        }
    }

    fn take_bye(&mut self, bye: Bye) {
        let wait = Some(bye.retry_ms);
        let is = |code: CloseCode| bye.code == code.code();
        if is(CloseCode::Rotated) {
            self.shared.update(|report| report.rotations += 1);
            self.close_stream();
            self.open_at = Some(Instant::now() + Duration::from_millis(bye.retry_ms.min(1_000)));
        } else if is(CloseCode::Replaced) {
            self.end(EndWhy::Replaced);
        } else if bye.code >= 3500 {
            self.session_over(EndWhy::Session(bye));
        } else {
            // That says nothing of the rung. A proof that was under way begins anew on the next stream.
            self.reopen_after(StreamError::Bye(bye).to_string(), wait);
        }
    }

    fn stream_over(&mut self, why: &StreamError, retry_ms: Option<u64>) {
        match why {
            StreamError::SessionGone => return self.session_over(EndWhy::Gone),
            StreamError::Client(error) if is_gone(error) => return self.session_over(EndWhy::Gone),
            _ => {}
        }
        let worked = self.stream.as_ref().is_some_and(|stream| stream.seen);
        let asked_ms = match why {
            StreamError::Client(error) => error.retry_after().map(|wait| wait.as_millis() as u64),
            _ if worked => Some((self.draw() * FIRST_REOPEN_MS) as u64),
            _ => retry_ms.map(|retry_ms| (retry_ms as f64 * self.draw()) as u64),
        };
        let action = match why {
            StreamError::Client(ClientError::Unreachable { .. }) => {
                self.climb.closed();
                None
            }
            StreamError::Silent(_) => {
                self.climb.fell_silent();
                Some(self.climb.ended(self.now_ms()))
            }
            _ => Some(self.climb.ended(self.now_ms())),
        };
        self.reopen_after(why.to_string(), asked_ms);
        if let Some(action) = action {
            self.climb_on(action);
        }
    }

    /// The stream broke, or is given up: opens another after a while.
    pub(super) fn reopen_after(&mut self, why: String, asked_ms: Option<u64>) {
        let random = self.draw();
        let wait_ms = self.reopen.failed(asked_ms, random);
        self.close_stream();
        self.broke |= self.had_streams;
        self.shared.update(|report| {
            report.streams_broken += 1;
            report.last_break = Some(why);
        });
        self.open_at = Some(Instant::now() + Duration::from_millis(wait_ms));
    }
}
