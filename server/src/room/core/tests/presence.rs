//! Who is away, by his connection or by his word.

use super::*;

/// Notes what it is told of who is away, and is paused meanwhile.
#[derive(Default, Serialize, Deserialize)]
struct Watcher {
    told: Vec<(Seat, Option<AwayWhy>)>,
}

impl Game for Watcher {
    type Message = Raw;

    fn create(_: &Payload, _: &mut Random) -> Result<Self, BadOptions> {
        Ok(Self::default())
    }

    fn settings(&self) -> Settings {
        let rules = StartRules { lets_in: true, owner_ends: true, ..StartRules::from_players(2) };
        Settings::new(4).with_start(rules).with_pause_on_away()
    }

    fn message(&mut self, _: &mut Room<'_>, _: Seat, _: Raw) -> Reply {
        done()
    }

    fn away(&mut self, room: &mut Room<'_>, seat: Seat, why: AwayWhy) {
        assert_eq!(room.player(seat).unwrap().away, Some(why));
        self.told.push((seat, Some(why)));
    }

    fn back(&mut self, room: &mut Room<'_>, seat: Seat) {
        assert_eq!(room.player(seat).unwrap().away, None);
        self.told.push((seat, None));
    }

    fn save(&self) -> Result<Payload, SaveError> {
        Ok(Payload::of(self)?)
    }

    fn restore(saved: &Payload) -> Result<Self, SaveError> {
        Ok(saved.parse()?)
    }
}

/// What may happen to a player's presence.
#[derive(Debug, Clone, Copy)]
enum Happens {
    Lost,
    Heard,
    SaysAway,
    SaysBack,
    ComesAnew,
}

/// Lets these things happen to one of two players of a room that plays, and compares what all see of it with the two flags
/// that they set. The room may be another one, restored from the first, after each of them.
fn check_presence(happenings: &[Happens], is_restored: bool) {
    let mut room = TestRoom::<Watcher>::new();
    let (zoe, mut bo) = (room.join("Zoë"), room.join("Bo"));
    room.send(zoe, "sward.start", ()).unwrap();
    let (mut is_lost, mut is_off_keyboard, mut told) = (false, false, Vec::new());
    for (i, happens) in happenings.iter().enumerate() {
        let before = room.players()[1].why;
        room.forget_heard();
        match happens {
            Happens::Lost => (is_lost, _) = (true, room.away(bo)),
            Happens::Heard => (is_lost, _) = (false, room.back(bo)),
            Happens::SaysAway => {
                is_off_keyboard = true;
                assert!(room.send(bo, "sward.away", ()).is_ok());
            }
            Happens::SaysBack => {
                is_off_keyboard = false;
                assert!(room.send(bo, "sward.back", ()).is_ok());
            }
            Happens::ComesAnew => {
                (is_lost, is_off_keyboard) = (false, false);
                room.leave(bo);
                bo = room.try_return(bo).unwrap();
            }
        }
        let why = if is_lost { Some(AwayWhy::Lost) } else { is_off_keyboard.then_some(AwayWhy::Keyboard) };
        let case = format!("{happenings:?} at {i}");
        let shown = &room.players()[1];
        assert_eq!((shown.away, shown.why), (why.is_some(), why), "{case}");
        let phase = if why.is_some() { Phase::Paused } else { Phase::Playing };
        assert_eq!(room.info().phase, phase, "{case}");
        if !matches!(happens, Happens::ComesAnew) {
            let mut heard = Vec::new();
            if why != before {
                told.push((bo.seat, why));
                heard.push(match why {
                    Some(AwayWhy::Lost) => r#"away {"seat":2,"why":"lost"}"#,
                    Some(_) => r#"away {"seat":2,"why":"keyboard"}"#,
                    None => r#"back {"seat":2}"#,
                });
            }
            match (before.is_some(), why.is_some()) {
                (false, true) => heard.push(r#"room {"phase":"paused"}"#),
                (true, false) => heard.push(r#"room {"phase":"playing"}"#),
                _ => {}
            }
            assert_eq!(room.heard(zoe), heard, "{case}");
        }
        assert_eq!(room.game().told, told, "{case}");
        if is_restored {
            room = room.restored().unwrap();
        }
    }
    let late = room.join("Late");
    assert_eq!(room.joined(late).players, room.players(), "who comes later sees it: {happenings:?}");
}

#[test]
fn in_every_order_of_lost_heard_away_and_back_others_see_the_worse_of_what_holds() {
    use Happens::{ComesAnew, Heard, Lost, SaysAway, SaysBack};
    let all = [Lost, Heard, SaysAway, SaysBack, ComesAnew];
    for length in 0..=5 {
        for number in 0..all.len().pow(length) {
            let digit = |place| all[number / all.len().pow(place) % all.len()];
            let happenings: Vec<_> = (0..length).map(digit).collect();
            check_presence(&happenings, false);
            if length <= 4 {
                check_presence(&happenings, true);
            }
        }
    }
}

#[test]
fn who_is_away_from_the_keyboard_counts_as_away_and_may_do_all_that_he_may() {
    let mut room = TestRoom::<Table>::with(json!({"min": 2, "all": true})).unwrap();
    let (zoe, bo, mo) = (room.join("Zoë"), room.join("Bo"), room.join("Mo"));
    // What stands in `data` means nothing.
    room.send(bo, "sward.away", json!({"why": "lost", "seat": 1})).unwrap();
    check_refused(&mut room, zoe, "sward.start", &json!(null), "somebody_away");
    room.forget_heard();
    room.send(bo, "wave", ()).unwrap();
    room.send(bo, "chat", json!({"text": "hi"})).unwrap();
    assert_eq!(room.players()[1].why, Some(AwayWhy::Keyboard), "what else he says does not end it");
    room.leave(zoe);
    assert_eq!(room.info().owner, mo.seat, "to who is present, not to who sits there longest");
    room.send(mo, "sward.away", ()).unwrap();
    assert_eq!(room.info().owner, mo.seat, "he keeps it");
    room.send(mo, "sward.lock", ()).unwrap();
    room.leave(mo);
    assert_eq!(room.info().owner, bo.seat, "who is away, but all there is");
    assert_eq!(room.send(mo, "sward.away", ()).unwrap_err().code, "not_in_room");
}
