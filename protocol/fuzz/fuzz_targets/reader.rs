//! What a client reads a stream with, in all its forms. The last byte says where the bytes are
//! cut.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sward_protocol::codec::Encoding;
use sward_protocol::downstream::Event;
use sward_protocol::format::{Delivery, Format, ReadError, Reader};
use sward_protocol::fragment::Fragment;

const FORMATS: [Format; 3] = [
    Format::Sse { encoding: Encoding::Json, batch: true },
    Format::Sse { encoding: Encoding::Msgpack, batch: true },
    Format::Frames,
];

fn read(format: Format, chunks: &[&[u8]]) -> Result<Vec<Delivery>, ReadError> {
    let (mut reader, mut deliveries) = (Reader::new(format), Vec::new());
    for chunk in chunks {
        reader.feed(chunk, |delivery| deliveries.push(delivery))?;
    }
    Ok(deliveries)
}

/// What was read can be written, and has one line in JSON and the same meaning in both encodings.
fn write_again(event: &Event) {
    let fragment = Fragment::of(event).expect("an event that was read");
    let encoded = fragment.encoded();
    let json = std::str::from_utf8(encoded.json()).expect("JSON is text");
    assert!(!json.contains(['\r', '\n']));
    let again = Event::read(encoded.name(), json).expect("what was written");
    assert_eq!(again.as_ref(), Some(event));
    Event::read_msgpack(encoded.name(), &encoded.packed()[1 + encoded.name().len()..])
        .expect("what was written")
        .expect("a name that is known");
}

fuzz_target!(|input: &[u8]| {
    let Some((&cut, bytes)) = input.split_last() else { return };
    let (head, tail) = bytes.split_at(usize::from(cut) % (bytes.len() + 1));
    for format in FORMATS {
        let whole = read(format, &[bytes]);
        assert_eq!(read(format, &[head, tail]), whole);
        for received in whole.iter().flatten().flat_map(|delivery| &delivery.events) {
            if let Ok(Some(event)) = received.read() {
                write_again(&event);
            }
        }
    }
});
