//! Who comes in, and who hears of it when.

use super::*;

#[test]
fn the_others_hear_of_a_late_creator_before_they_hear_that_he_owns_the_room() {
    let mut core = core(None);
    enter(&mut core, 1, None).unwrap();
    let mut effects = Vec::new();
    let newcomer = Newcomer::new(player(7), "P7".to_owned(), Payload::null());
    core.step(Input::Join(newcomer), 1, &mut effects);
    let told: Vec<_> = effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Send(outgoing) => Some((outgoing.event.name(), outgoing.audience.clone())),
            _ => None,
        })
        .collect();
    let others = Audience::Except(Seat(2));
    assert_eq!(told, [("here", others.clone()), ("room", others)]);
}

#[test]
fn guesses_at_a_password_are_bounded_whoever_makes_them_and_a_pass_needs_none() {
    let mut core = core(Some("sésame"));
    assert!(enter(&mut core, 1, Some("sésame")).is_ok(), "who knows it costs nothing");
    for number in 0..20 {
        assert_eq!(enter(&mut core, 10 + number, Some("1234")), Err(Refusal::PasswordWrong));
    }
    let refused = |retry_after_ms| Err(Refusal::TooManyGuesses { retry_after_ms });
    assert_eq!(enter(&mut core, 40, Some("1234")), refused(1000));
    assert_eq!(enter(&mut core, 2, Some("sésame")), refused(1000), "or a guess would be told from a miss");
    assert_eq!(enter(&mut core, 40, None), Err(Refusal::PasswordWrong));
    assert_eq!(enter_at(501, &mut core, 2, Some("sésame")), refused(500));
    assert!(enter_at(1001, &mut core, 2, Some("sésame")).is_ok());
    assert_eq!(enter_at(1001, &mut core, 40, Some("1234")), Err(Refusal::PasswordWrong));
    let mut core = RoomCore::<Table>::restore(core.save().unwrap()).unwrap();
    assert_eq!(enter_at(1001, &mut core, 40, Some("1234")), refused(1000), "it has not forgotten");
}

#[test]
fn a_room_with_a_password_lets_in_who_knows_it_and_never_shows_it() {
    let mut core = core(Some("sésame"));
    for wrong in [None, Some(""), Some("sesame"), Some("sésame ")] {
        assert_eq!(enter(&mut core, 1, wrong), Err(Refusal::PasswordWrong), "{wrong:?}");
    }
    let joined = enter(&mut core, 1, Some("sésame")).unwrap();
    assert!(joined.room.password);
    let shown = format!("{joined:?} {:?} {}", core.charter(), serde_json::to_string(&joined).unwrap());
    assert!(!shown.contains("sésame"), "{shown}");
    let saved = serde_json::to_string(&core.save().unwrap()).unwrap();
    let mut restored = RoomCore::<Table>::restore(serde_json::from_str(&saved).unwrap()).unwrap();
    assert_eq!(enter(&mut restored, 2, Some("sesame")), Err(Refusal::PasswordWrong));
    assert!(enter(&mut restored, 2, Some("sésame")).is_ok());
    assert_eq!(
        enter(&mut restored, 7, Some("sésame")).unwrap().room.owner,
        Seat(3),
        "its creator, though late"
    );
}
