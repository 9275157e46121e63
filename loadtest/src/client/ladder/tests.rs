//! The ladder as tables: what was measured, and what is done.

use super::*;

const CLIMB: Ladder = Ladder::Climb { from: Rung::Sse };

fn sample(post_ms: f64, ping_ms: f64) -> Sample {
    Sample { post_ms, ping_ms: Some(ping_ms) }
}

/// Opens, greets and pings with these; the last action.
fn prove(climb: &mut Climb, samples: &[Sample]) -> Action {
    climb.opening(0);
    let mut action = climb.greeted(10);
    for sample in samples {
        assert_eq!(action, Action::Ping, "{samples:?}");
        action = climb.pinged(*sample, 20);
    }
    action
}

fn check(samples: &[Sample], proved: bool) {
    let mut climb = Climb::new(CLIMB, 5.0, 0);
    let action = prove(&mut climb, samples);
    assert_eq!(action == Action::Proved, proved, "{samples:?}: {action:?}");
    assert_eq!(climb.rung() == Rung::Sse, proved, "{samples:?}");
}

#[test]
fn a_rung_is_proved_by_events_as_prompt_as_answers() {
    check(&[sample(3.0, 4.0); 3], true);
    check(&[sample(3.0, 83.0); 3], true);
    check(&[sample(3.0, 83.1); 3], false);
    // HAProxy in its default configuration: each event 200 ms late.
    check(&[sample(3.0, 204.0), sample(4.0, 203.0), sample(3.0, 205.0)], false);
    // A box that lets go of an event when the next one comes.
    check(&[Sample { post_ms: 3.0, ping_ms: None }; 3], false);
    // One that was lost on the way is no proof of anything.
    check(&[sample(3.0, 4.0), Sample { post_ms: 3.0, ping_ms: None }, sample(3.0, 4.0)], true);
}

#[test]
fn a_satellite_is_no_reason_to_step_down() {
    check(&[sample(700.0, 710.0), sample(760.0, 980.0), sample(690.0, 720.0)], true);
    // A lost packet delays a POST: that is jitter, and allowed for.
    check(&[sample(700.0, 1_700.0), sample(1_650.0, 1_650.0), sample(700.0, 1_750.0)], true);
    // Two of three pongs lost their packet: the proof is tried a second time.
    let unlucky = [sample(700.0, 1_900.0), sample(700.0, 1_900.0), sample(700.0, 705.0)];
    let lucky = [sample(700.0, 705.0); 3];
    check(&[unlucky, lucky].concat(), true);
    check(&[unlucky, unlucky].concat(), false);
    // Its first stream: handshake, request, and a packet that was lost and sent again after a second.
    let mut climb = Climb::new(CLIMB, 700.0, 0);
    climb.opening(0);
    assert_eq!(climb.tick(5_000), Action::Stay);
    assert_eq!(climb.greeted(5_001), Action::Ping);
}

#[test]
fn no_hello_in_time_is_a_step_down() {
    let mut climb = Climb::new(CLIMB, 10.0, 0);
    climb.opening(100);
    assert_eq!(climb.wake_at_ms(), Some(3_130));
    assert_eq!(climb.tick(3_129), Action::Stay);
    let step = |from, to| Action::Step { from, to, why: RungWhy::NoHello { waited_ms: 3_030 } };
    assert_eq!(climb.tick(3_130), step(Rung::Sse, Rung::Raw));
    climb.opening(4_000);
    assert_eq!(climb.tick(7_030), step(Rung::Raw, Rung::Drain));
    climb.opening(8_000);
    // There is nothing below it.
    assert_eq!(climb.tick(11_030), Action::Reopen);
    assert_eq!(climb.rung(), Rung::Drain);
}

#[test]
fn streams_that_end_at_once_are_a_step_down_and_an_unreachable_server_is_none() {
    let mut climb = Climb::new(CLIMB, 10.0, 0);
    for _ in 0..9 {
        climb.opening(0);
        climb.closed();
    }
    assert_eq!(climb.rung(), Rung::Sse);
    for times in 1..=3 {
        climb.opening(0);
        let want = match times {
            3 => Action::Step { from: Rung::Sse, to: Rung::Raw, why: RungWhy::Cut { times: 3 } },
            _ => Action::Stay,
        };
        assert_eq!(climb.ended(1), want);
    }
}

#[test]
fn a_proved_rung_is_not_left_for_a_broken_stream() {
    let mut climb = Climb::new(CLIMB, 10.0, 0);
    assert_eq!(prove(&mut climb, &[sample(3.0, 4.0); 3]), Action::Proved);
    for _ in 0..9 {
        assert_eq!(climb.ended(1_000), Action::Stay);
        climb.opening(1_000);
        assert_eq!(climb.greeted(1_010), Action::Stay);
        assert!(climb.is_proved());
    }
    // But one that hangs is opened again, and then has to be proved anew: the network may be another one.
    climb.ended(2_000);
    climb.opening(2_000);
    assert_eq!(climb.tick(9_000), Action::Reopen);
    climb.opening(9_000);
    assert!(matches!(climb.tick(16_000), Action::Step { to: Rung::Raw, .. }));
}

#[test]
fn a_proved_rung_whose_stream_fell_silent_is_proved_again() {
    let mut climb = Climb::new(CLIMB, 10.0, 0);
    assert_eq!(prove(&mut climb, &[sample(3.0, 4.0); 3]), Action::Proved);
    climb.fell_silent();
    assert_eq!(climb.ended(1_000), Action::Stay);
    // The player sits behind a box now that greets and holds back what follows.
    let held = Sample { post_ms: 3.0, ping_ms: None };
    assert!(matches!(prove(&mut climb, &[held; 3]), Action::Step { to: Rung::Raw, .. }));
}

#[test]
fn rung_0_is_tried_again_from_a_last_rung_that_was_not_proved() {
    let mut climb = Climb::new(Ladder::Climb { from: Rung::Drain }, 5.0, 0);
    assert_eq!(prove(&mut climb, &[sample(3.0, 500.0); 3]), Action::Stay);
    assert!(climb.is_settled() && !climb.is_proved());
    assert_eq!(climb.wake_at_ms(), Some(60_000));
    assert_eq!(climb.tick(60_000), Action::Try(Rung::Sse));
}

#[test]
fn rung_0_is_tried_again_later_and_less_and_less_often() {
    let mut climb = Climb::new(Ladder::Climb { from: Rung::Drain }, 5.0, 0);
    prove(&mut climb, &[sample(3.0, 4.0); 3]);
    assert_eq!(climb.wake_at_ms(), Some(60_000));
    assert_eq!(climb.tick(59_999), Action::Stay);
    assert_eq!(climb.tick(60_000), Action::Try(Rung::Sse));
    assert_eq!(climb.tick(90_000), Action::Stay);
    assert_eq!(climb.tried(false, 100_000), Action::Stay);
    assert_eq!(climb.wake_at_ms(), Some(220_000));
    assert_eq!(climb.tick(220_000), Action::Try(Rung::Sse));
    let step = Action::Step { from: Rung::Drain, to: Rung::Sse, why: RungWhy::Works };
    assert_eq!(climb.tried(true, 221_000), step);
    assert_eq!((climb.rung(), climb.wake_at_ms()), (Rung::Sse, None));
}

#[test]
fn a_fixed_rung_is_measured_and_never_left() {
    let mut climb = Climb::new(Ladder::Fixed(Rung::Raw), 5.0, 0);
    assert_eq!(prove(&mut climb, &[sample(3.0, 500.0); 3]), Action::Stay);
    assert!(climb.is_settled() && !climb.is_proved());
    assert_eq!(climb.rung(), Rung::Raw);
    let mut climb = Climb::new(Ladder::Fixed(Rung::Sse), 5.0, 0);
    climb.opening(0);
    assert_eq!(climb.tick(99_000), Action::Reopen);
    assert_eq!(climb.rung(), Rung::Sse);
    for _ in 0..9 {
        climb.opening(0);
        assert_ne!(climb.ended(1), Action::Ping);
        assert_eq!(climb.rung(), Rung::Sse);
    }
}
