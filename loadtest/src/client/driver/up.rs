//! The driver's requests: what handles ask for, what is posted, what came of it.

use std::time::Duration;

use sward_protocol::payload::Payload;
use sward_protocol::problem::MessageError;
use tokio::time::{Instant, sleep};

use super::tasks::{self, Done, Post, PostDone};
use super::{Command, Driver, Life, Ping, Renewal, Session, Tag, fork, new_queue};
use crate::client::handle::{ClientEvent, EndWhy, Unanswered};
use crate::client::ladder::{Figures, Sample};
use crate::client::post::Requests;
use crate::client::queue::{Encoded, Failure, Next, Open, Settled};
use crate::client::{ClientError, RequestError};

/// How long a server that gave no session is left alone, unless it says.
const RENEWAL_WAIT: Duration = Duration::from_secs(1);
/// And at most.
const RENEWAL_WAIT_MAX: Duration = Duration::from_secs(60);
/// Connections that are kept for the next request.
const IDLE_MAX: usize = 4;

impl Driver {
    pub(super) fn take_command(&mut self, command: Command) {
        match command {
            Command::Send { tag, encoded } => {
                if let Tag::App { number, .. } = &tag {
                    self.unsettled.insert(*number);
                }
                self.shared.update(|report| report.messages_sent += 1);
                self.queue.push(tag, encoded);
            }
            Command::Call(call) if self.renewal.is_some() => self.waiting_calls.push(call),
            Command::Call(call) => self.start_call(call),
            Command::Flush(flush) => {
                self.flushes.push(flush);
                self.tell_flushed();
            }
            Command::Bye { reply } => {
                self.life = Life::Leaving;
                // Without this the stream's own end would look like a session that was lost.
                self.close_stream();
                self.open_at = None;
                let (requests, random) = (self.requests(), fork(&mut self.random));
                self.tasks.spawn(tasks::bye(requests, reply, random));
            }
        }
    }

    fn start_call(&mut self, call: tasks::Call) {
        let (requests, random) = (self.requests(), fork(&mut self.random));
        self.tasks.spawn(tasks::call(requests, self.session.number, call, random));
    }

    fn requests(&mut self) -> Requests {
        self.idle.pop().unwrap_or_else(|| {
            Requests::new(self.endpoint.clone(), Some(self.session.token))
                .with_answer_timeout(self.options.answer_timeout)
        })
    }

    fn put_back(&mut self, session: u64, requests: Requests) {
        if session == self.session.number && self.idle.len() < IDLE_MAX {
            self.idle.push(requests);
        }
    }

    pub(super) fn post_what_is_due(&mut self) {
        loop {
            let (now_ms, ack, beat_ms) = (self.now_ms(), self.cursor.last(), self.session.beat_ms);
            let Next::Post { ticket, body } = self.queue.next(now_ms, ack, beat_ms) else { break };
            let post = Post { session: self.session.number, ticket, run: self.cursor.run(), body };
            let requests = self.requests();
            self.shared.update(|report| report.posts += 1);
            self.tasks.spawn(tasks::post(requests, post));
        }
    }

    pub(super) fn post_due_at(&mut self) -> Option<Instant> {
        if self.renewal.is_some() || self.life != Life::Running {
            return None;
        }
        self.queue.due_at_ms(self.cursor.last()).map(|at_ms| self.at(at_ms))
    }

    pub(super) fn take_done(&mut self, done: Done) {
        match done {
            Done::Post(done) => self.take_post(done),
            Done::Call { session, requests, is_gone } => {
                self.put_back(session, requests);
                if is_gone && session == self.session.number {
                    self.session_over(EndWhy::Gone);
                }
            }
            Done::Bye => self.end(EndWhy::Bye),
            Done::Session(made) => self.take_session(made),
            Done::Tried(works) => {
                let action = self.climb.tried(works, self.now_ms());
                self.climb_on(action);
            }
        }
    }

    fn take_post(&mut self, done: PostDone) {
        let PostDone { session, ticket, run, started, took, was_kept, result, requests } = done;
        if session != self.session.number || self.renewal.is_some() {
            return;
        }
        self.put_back(session, requests);
        let now_ms = self.now_ms();
        let settled = match result {
            Ok(answer) => {
                let settled = self.queue.answered(ticket, &answer, now_ms);
                self.take_past_events(run, answer.events);
                settled
            }
            Err(error) if tasks::is_gone(&error) => return self.session_over(EndWhy::Gone),
            Err(error) => {
                let failure = failure(error, was_kept);
                self.count_failure(&failure);
                let random = self.draw();
                self.queue.failed(ticket, failure, now_ms, random)
            }
        };
        for settled in settled {
            self.take_settled(settled, started, took);
        }
        self.tell_flushed();
        self.check_ping();
    }

    fn count_failure(&mut self, failure: &Failure) {
        if let Some(ping) = &mut self.ping {
            ping.spoilt |= ping.posted.is_none();
        }
        self.shared.update(|report| match failure {
            Failure::Unanswered | Failure::Stale => report.posts_retried += 1,
            Failure::Limited { .. } => report.posts_limited += 1,
            Failure::Gap { .. } => report.gaps += 1,
            Failure::Refused(_) => {}
        });
    }

    fn take_settled(&mut self, settled: Settled<Tag>, started: Instant, took: Duration) {
        let Settled { tag, result } = settled;
        match tag {
            Tag::App { number, message, reply, .. } => {
                self.unsettled.remove(&number);
                self.shared.update(|report| {
                    report.messages_answered += 1;
                    report.messages_refused += u64::from(result.is_err());
                });
                match (reply, result) {
                    // Whoever asked may have gone away.
                    (Some(reply), result) => drop(reply.send(result.map_err(RequestError::Failed))),
                    (None, Ok(_)) => {}
                    (None, Err(error)) => {
                        let kind = message.kind;
                        self.pending.push_back(ClientEvent::Refused { number, kind, error });
                    }
                }
            }
            Tag::Ping(number) => {
                if let Some(ping) = self.ping.as_mut().filter(|ping| ping.number == number) {
                    ping.posted = Some((started, took));
                }
            }
            Tag::Own => {}
        }
    }

    fn tell_flushed(&mut self) {
        let first = self.unsettled.first().copied().unwrap_or(u64::MAX);
        for flush in self.flushes.extract_if(.., |flush| flush.up_to < first) {
            // Whoever asked may have gone away.
            let _ = flush.done.send(());
        }
    }

    /// Sends the next ping of the proof.
    pub(super) fn send_ping(&mut self) {
        self.pings += 1;
        let number = self.pings;
        self.ping = Some(Ping { number, posted: None, pong: None, spoilt: false });
        self.send_own("sward.ping", &ping_text(number), Tag::Ping(number));
    }

    /// Tells the server which rung is proved: it counts its players by that.
    pub(super) fn tell_rung(&mut self) {
        let rung = serde_json::json!({ "rung": self.climb.rung().number() });
        self.send_own("sward.rung", &rung, Tag::Own);
    }

    fn send_own<T: serde::Serialize>(&mut self, kind: &str, data: &T, tag: Tag) {
        let encoded = Payload::of(data).map(|data| Encoded::new(kind, &data, None, None, None));
        if let Ok(Ok(encoded)) = encoded {
            self.queue.push(tag, encoded);
        }
    }

    /// Whether a `pong` is one of the client's own.
    pub(super) fn take_pong(&mut self, data: &Payload) -> bool {
        let Ok(text) = data.parse::<String>() else { return false };
        let Some(number) = text.strip_prefix(PING_PREFIX).and_then(|number| number.parse::<u64>().ok())
        else {
            return false;
        };
        if let Some(ping) = self.ping.as_mut().filter(|ping| ping.number == number) {
            ping.pong.get_or_insert_with(Instant::now);
        }
        true
    }

    /// Tells the ladder of a ping that is over.
    pub(super) fn check_ping(&mut self) {
        let Some(Ping { posted: Some((started, took)), pong, spoilt, .. }) = self.ping else { return };
        let is_lost = self.ping_due_at().is_some_and(|due_at| due_at <= Instant::now());
        if pong.is_none() && !is_lost {
            return;
        }
        if spoilt {
            return self.send_ping();
        }
        self.ping = None;
        let ping_ms = pong.map(|pong| ms(pong.saturating_duration_since(started)));
        let action = self.climb.pinged(Sample { post_ms: ms(took), ping_ms }, self.now_ms());
        let figures = self.climb.figures();
        self.shared.update(|report| {
            report.ping_ms = figures.and_then(|figures: Figures| figures.ping_ms);
            report.post_ms = figures.map(|figures| figures.post_ms);
            report.jitter_ms = figures.map(|figures| figures.jitter_ms);
        });
        self.climb_on(action);
    }

    /// When a ping whose POST was answered is lost.
    pub(super) fn ping_due_at(&self) -> Option<Instant> {
        let (started, took) = self.ping.as_ref()?.posted?;
        Some(started + took + Duration::from_millis(self.climb.ping_ms_max()))
    }

    /// The session is over; makes a new one, if that is wanted.
    pub(super) fn session_over(&mut self, why: EndWhy) {
        // The farewell tells its caller first, and then ends the client.
        if self.life == Life::Leaving {
            return;
        }
        if self.has_ended() || self.renewal.is_some() {
            return;
        }
        if !self.options.renew {
            return self.end(why);
        }
        let (unsent, uncertain) = self.give_back();
        self.renewal = Some(Renewal { why, unsent, uncertain });
        self.close_stream();
        self.idle.clear();
        self.make_session(Duration::ZERO);
    }

    fn make_session(&mut self, wait: Duration) {
        let (endpoint, name) = (self.endpoint.clone(), self.options.name.clone());
        let random = fork(&mut self.random);
        self.tasks.spawn(async move {
            sleep(wait).await;
            Done::Session(tasks::make_session(endpoint, name, tasks::CALL_PATIENCE, random).await)
        });
    }

    fn take_session(
        &mut self,
        made: Result<
            (sward_protocol::session::SessionCreated, sward_protocol::ids::Token, Duration),
            ClientError,
        >,
    ) {
        let (created, token, took) = match made {
            Ok(made) => made,
            Err(error) if error.is_transient() => {
                // One that asks for more time than the patience of a request is not asked at all before that.
                let wait = error.retry_after().unwrap_or(RENEWAL_WAIT);
                return self.make_session(wait.min(RENEWAL_WAIT_MAX));
            }
            Err(error) => return self.end(EndWhy::Refused(error.to_string())),
        };
        let Some(Renewal { why, unsent, uncertain }) = self.renewal.take() else { return };
        self.session = Session::new(self.session.number + 1, &created, token, &self.options);
        let waiting = std::mem::replace(&mut self.queue, new_queue(&self.options));
        self.queue.take_over(waiting);
        self.cursor.clear();
        self.had_streams = false;
        self.broke = false;
        self.reset_due = false;
        self.open_at = Some(Instant::now());
        self.shared.set_player(created.player.clone());
        self.shared.update(|report| {
            report.renewals += 1;
            report.session_ms = Some(ms(took));
        });
        self.pending.push_back(ClientEvent::Renewed { why, player: created.player, unsent, uncertain });
        for call in std::mem::take(&mut self.waiting_calls) {
            self.start_call(call);
        }
    }

    /// The client is done.
    pub(super) fn end(&mut self, why: EndWhy) {
        if self.has_ended() {
            return;
        }
        self.life = Life::Ended;
        // What handles have queued meanwhile is given back too.
        self.commands.close();
        while let Ok(command) = self.commands.try_recv() {
            if let Command::Send { tag, encoded } = command {
                self.queue.push(tag, encoded);
            }
        }
        let (mut unsent, mut uncertain) = self.give_back();
        if let Some(renewal) = self.renewal.take() {
            unsent.splice(0..0, renewal.unsent);
            uncertain.splice(0..0, renewal.uncertain);
        }
        self.close_stream();
        self.waiting_calls.clear();
        if let Some(settled) = self.settled.take() {
            let waited = self.started.elapsed();
            let _ = settled.send(Err(ClientError::NoStream { waited, why: why.to_string() }));
        }
        self.pending.push_back(ClientEvent::Ended { why, unsent, uncertain });
    }

    /// What has no answer: never posted, and posted.
    fn give_back(&mut self) -> (Vec<Unanswered>, Vec<Unanswered>) {
        let (mut unsent, mut uncertain) = (Vec::new(), Vec::new());
        for Open { tag, uncertain: is_uncertain } in self.queue.drain() {
            let Tag::App { number, message, reply, .. } = tag else { continue };
            self.unsettled.remove(&number);
            match reply {
                Some(reply) => drop(reply.send(Err(RequestError::SessionEnded { uncertain: is_uncertain }))),
                None if is_uncertain => uncertain.push(Unanswered { number, message }),
                None => unsent.push(Unanswered { number, message }),
            }
        }
        self.tell_flushed();
        (unsent, uncertain)
    }
}

const PING_PREFIX: &str = "sward-client ping ";

fn ping_text(number: u64) -> String {
    format!("{PING_PREFIX}{number}")
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}

/// What an error means for a batch.
fn failure(error: ClientError, was_kept: bool) -> Failure {
    let retry_after_ms = error.retry_after().map(|wait| wait.as_millis() as u64);
    match error {
        ClientError::Broken { .. } if was_kept => Failure::Stale,
        ClientError::Refused(problem) if matches!(problem.status, 429 | 503) => {
            Failure::Limited { retry_after_ms }
        }
        ClientError::Refused(problem) if problem.code == "gap" => match problem.expected {
            Some(expected) => Failure::Gap { expected },
            None => Failure::Unanswered,
        },
        ClientError::Refused(problem) if (400..500).contains(&problem.status) && problem.status != 408 => {
            Failure::Refused(MessageError {
                code: problem.code,
                detail: problem.detail,
                retry_after_ms: problem.retry_after_ms,
            })
        }
        _ => Failure::Unanswered,
    }
}
