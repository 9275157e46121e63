//! What may be passed on, and what may not.

use super::*;

fn packed(value: &serde_json::Value) -> Result<Payload, PayloadError> {
    let bytes = rmp_serde::to_vec_named(value).unwrap();
    rmp_serde::from_slice::<CheckedMessage>(&bytes).unwrap().0.map_err(|rejected| rejected.error)
}

#[test]
fn white_space_between_tokens_goes_and_stays_in_strings() {
    let payload = Payload::from_json(" { \"a b\" :\r\n [ 1 , \"x\\n y\" ] } ").unwrap();
    assert_eq!(payload.json(), r#"{"a b":[1,"x\n y"]}"#);
    assert_eq!(Payload::from_json("true").unwrap().json(), "true");
}

#[test]
fn depth_is_bounded_in_both_encodings() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(Payload::from_json(&nested(32)).is_ok());
    assert_eq!(Payload::from_json(&nested(33)), Err(PayloadError::TooDeep));
    // A message is one level around its payload.
    assert!(CheckedMessage::from_json(&nested(33)).0.is_ok());
    assert!(packed(&serde_json::from_str(&nested(33)).unwrap()).is_ok());
    assert_eq!(packed(&serde_json::from_str(&nested(34)).unwrap()), Err(PayloadError::TooDeep));
}

#[test]
fn lone_surrogates_and_huge_numbers_are_refused() {
    for bad in [r#""\ud800""#, r#""\udc00 ""#, r#"["\ud800\u0041"]"#, r#""\ud83e\n""#] {
        assert_eq!(Payload::from_json(bad), Err(PayloadError::LoneSurrogate), "{bad}");
    }
    assert!(Payload::from_json(r#""\ud83e\udd8a \\ud800""#).is_ok());
    assert_eq!(Payload::from_json("[1e999]"), Err(PayloadError::NumberOutOfRange));
    assert!(Payload::from_json("[-1.5e300,123456789012345678901234567890]").is_ok());
}

#[test]
fn messagepack_is_written_as_json_and_back() {
    let value = serde_json::json!({"name": "Zoë \"🦊\"", "at": [1, -2, 2.5, null, true], "empty": [{}, []]});
    let payload = packed(&value).unwrap();
    assert_eq!(payload.parse::<serde_json::Value>().unwrap(), value);
    let bytes = rmp_serde::to_vec_named(&payload).unwrap();
    assert_eq!(rmp_serde::from_slice::<serde_json::Value>(&bytes).unwrap(), value);
}

#[test]
fn what_json_cannot_say_fails_alone() {
    let decode = |bytes: &[u8]| {
        rmp_serde::from_slice::<Vec<CheckedMessage>>(bytes).map(|items| {
            items
                .into_iter()
                .map(|item| item.0.map(|payload| payload.json().to_owned()))
                .map(|item| item.map_err(|rejected| rejected.error))
                .collect::<Vec<_>>()
        })
    };
    // [bin8 [1], 7, {1: 2}, fixext1, NaN, "x"]
    let bytes = [0x96, 0xc4, 1, 1, 7, 0x81, 1, 2, 0xd4, 5, 9, 0xcb, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0, 0xa1, b'x'];
    assert_eq!(
        decode(&bytes).unwrap(),
        [
            Err(PayloadError::Binary),
            Ok("7".to_owned()),
            Err(PayloadError::KeyNotString),
            Err(PayloadError::Binary),
            Err(PayloadError::NumberOutOfRange),
            Ok("\"x\"".to_owned()),
        ]
    );
}
