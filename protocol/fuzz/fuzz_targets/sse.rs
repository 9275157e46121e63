//! The Server-Sent-Events parser: the same events however the bytes are cut. The last byte says where.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sward_protocol::sse::decode::{Frame, Parser, TooLong};

fn parse(chunks: &[&[u8]]) -> Result<Vec<Frame>, TooLong> {
    let (mut parser, mut frames) = (Parser::new(1 << 16), Vec::new());
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
    let singly: Vec<_> = bytes.chunks(1).collect();
    assert_eq!(parse(&singly), whole);
});
