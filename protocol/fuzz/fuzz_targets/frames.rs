//! The parser of frames: the same frames however the bytes are cut (the last one says where), and data that reads as an event or not.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sward_protocol::downstream::Event;
use sward_protocol::frames::{Frame, FrameError, Parser};

fn parse(chunks: &[&[u8]]) -> Result<Vec<Frame>, FrameError> {
    let (mut parser, mut frames) = (Parser::default(), Vec::new());
    for chunk in chunks {
        parser.feed(chunk, |frame| frames.push(frame))?;
    }
    Ok(frames)
}

fuzz_target!(|input: &[u8]| {
    let Some((&cut, bytes)) = input.split_last() else { return };
    let (head, tail) = bytes.split_at(usize::from(cut) % (bytes.len() + 1));
    let whole = parse(&[bytes]);
    assert_eq!(parse(&[head, tail]), whole);
    for frame in whole.iter().flatten() {
        let _ = Event::read_msgpack(&frame.name, &frame.data);
    }
    // With a head that fits, what is in the frame is always looked at.
    let length = u32::try_from(bytes.len()).expect("an input is small").to_be_bytes();
    for frame in parse(&[&length, bytes]).iter().flatten() {
        let _ = Event::read_msgpack(&frame.name, &frame.data);
    }
});
