use super::*;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

fn frame(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags, 0, 0, 0, 1], payload].concat()
}

/// A field whose name and value have so many characters, with a length of its own each.
fn literal(name: usize, value: usize) -> Vec<u8> {
    let text = |length: usize| {
        let mut bytes = Vec::new();
        if length < 127 {
            bytes.push(u8::try_from(length).unwrap());
        } else {
            bytes.push(127);
            let mut rest = length - 127;
            while rest >= 128 {
                bytes.push(u8::try_from(rest % 128).unwrap() | 128);
                rest /= 128;
            }
            bytes.push(u8::try_from(rest).unwrap());
        }
        // Bytes that would be fields, if they were looked at.
        bytes.resize(bytes.len() + length, 0x82);
        bytes
    };
    [vec![0], text(name), text(value)].concat()
}

/// Feeds in pieces. How many bytes each turn took, and how many fields the last head has.
fn turns(bytes: &[u8], piece: usize) -> Result<(Vec<usize>, u32), TooMuch> {
    let (mut frames, mut taken, mut start, mut at) = (Frames::default(), Vec::new(), 0, 0);
    while at < bytes.len() {
        let end = (at + piece).min(bytes.len());
        match frames.feed(&bytes[at..end])? {
            Some(count) => {
                at += count;
                taken.push(at - start);
                start = at;
            }
            None => at = end,
        }
    }
    Ok((taken, frames.fields.count))
}

fn check(frames: &[Vec<u8>], want: Result<u32, TooMuch>) {
    let bytes = [PREFACE, &frames.concat()].concat();
    for piece in [1, 2, 3, 7, 64, 4096, usize::MAX / 2] {
        assert_eq!(turns(&bytes, piece).map(|(_, fields)| fields), want, "in pieces of {piece}");
    }
}

#[test]
fn fields_are_counted_in_every_form() {
    let forms: [(&[u8], u32); 9] = [
        (&[0x82, 0xbe], 2),
        // An index of more than one byte.
        (&[0xff, 0x80, 0x01, 0x82], 2),
        // Literal, its name from the table: with, without, and never put into it.
        (&[0x41, 1, b'x', 0x7f, 0x00, 2, 0x82, 0x82, 0x82], 3),
        (&[0x01, 0x81, 0x82, 0x0f, 0x05, 0, 0x82], 3),
        (&[0x1f, 0x80, 0x00, 1, 0x82, 0x82], 2),
        // Literal with a name of its own.
        (&[0x40, 1, b'a', 0, 0x00, 2, 0x82, 0x82, 1, 0x82, 0x82], 3),
        // Sizes of the table are no fields.
        (&[0x20, 0x3f, 0xe1, 0x1f, 0x82], 1),
        (&[], 0),
        // Not complete: the HTTP layer's to refuse.
        (&[0x82, 0x40, 0x05, b'a'], 2),
    ];
    for (block, want) in forms {
        check(&[frame(HEADERS, END_HEADERS, block)], Ok(want));
    }
    check(&[frame(HEADERS, END_HEADERS, &[literal(200, 20_000), literal(127, 126)].concat())], Ok(2));
}

#[test]
fn padding_priority_and_other_frames_are_no_fields() {
    check(&[frame(HEADERS, END_HEADERS | PADDED, &[2, 0x82, 0x82, 0x82])], Ok(1));
    check(&[frame(HEADERS, END_HEADERS | PRIORITY, &[0x80, 0, 0, 3, 5, 0x82])], Ok(1));
    let both = frame(HEADERS, END_HEADERS | PADDED | PRIORITY, &[1, 0x80, 0, 0, 3, 5, 0x82, 0x82, 0x82]);
    check(&[both.clone(), frame(0, 0, &[0x82; 9]), frame(6, 0, &[0x82; 8]), frame(4, 0, &[])], Ok(2));
    // Malformed: more padding than there is, no place for a priority, an empty frame that says it is padded.
    check(&[frame(HEADERS, END_HEADERS | PADDED, &[9, 0x82]), both.clone()], Ok(2));
    check(&[frame(HEADERS, END_HEADERS | PRIORITY, &[0x82]), both.clone()], Ok(2));
    check(&[frame(HEADERS, END_HEADERS | PADDED, &[]), both], Ok(2));
}

#[test]
fn a_head_in_many_frames_is_one_head() {
    let field = literal(3, 3);
    let mut frames = vec![frame(HEADERS, 0, &field[..2])];
    frames.push(frame(CONTINUATION, 0, &[]));
    // Neither padded nor with a priority, whatever its flags say.
    frames.push(frame(CONTINUATION, PADDED | PRIORITY, &field[2..5]));
    frames.push(frame(CONTINUATION, END_HEADERS, &[&field[5..], &[0x82]].concat()));
    check(&frames, Ok(2));
}

#[test]
fn too_many_fields_or_bytes_are_too_large() {
    let fields = FIELDS_MAX as usize;
    check(&[frame(HEADERS, END_HEADERS, &vec![0xbe; fields])], Ok(FIELDS_MAX));
    check(&[frame(HEADERS, END_HEADERS, &vec![0xbe; fields + 1])], Err(TooMuch::Head));
    let half = vec![0xbe; fields / 2];
    let halves = [frame(HEADERS, 0, &half), frame(CONTINUATION, 0, &half)];
    check(&halves, Ok(FIELDS_MAX));
    check(&[halves.concat(), frame(CONTINUATION, END_HEADERS, &[0x82])], Err(TooMuch::Head));
    // The next request begins anew.
    let request = frame(HEADERS, END_HEADERS, &half);
    check(&vec![request; 9], Ok(FIELDS_MAX / 2));

    let max = usize::try_from(HEAD_BYTES_MAX).unwrap();
    // Seven bytes say what follows, and are the name.
    let text = |bytes: usize| literal(1, bytes - 7);
    assert_eq!(text(max).len(), max);
    let head = |bytes: usize| {
        let text = text(bytes);
        let pieces: Vec<&[u8]> = text.chunks(16_384).collect();
        let frame = |(index, piece): (usize, &&[u8])| {
            frame(if index == 0 { HEADERS } else { CONTINUATION }, 0, piece)
        };
        pieces.iter().enumerate().map(frame).collect::<Vec<_>>()
    };
    check(&head(max), Ok(1));
    check(&head(max + 1), Err(TooMuch::Head));
    // A length that no text has.
    let endless = [&[0, 127][..], &[0xff; 40]].concat();
    check(&[frame(HEADERS, 0, &endless), frame(CONTINUATION, END_HEADERS, &[0x82])], Ok(1));
}

#[test]
fn a_turn_has_so_many_heads() {
    let request = frame(HEADERS, END_HEADERS, &[0x82]);
    let count = HEADS_PER_TURN_MAX as usize;
    let bytes = [PREFACE, &request.repeat(2 * count + 1)].concat();
    let turn = request.len() * count;
    for piece in [1, 5, 100, bytes.len()] {
        assert_eq!(turns(&bytes, piece).unwrap().0, [PREFACE.len() + turn, turn], "in pieces of {piece}");
    }
}

#[test]
fn requests_are_given_up_as_far_as_the_window_was_opened() {
    let reset = frame(RST_STREAM, 0, &[0, 0, 0, 8]);
    let resets = |count: u64| reset.repeat(usize::try_from(count).unwrap());
    let opens = |stream: u8, bytes: u64| {
        let mut frame = frame(WINDOW_UPDATE, 0, &u32::try_from(bytes).unwrap().to_be_bytes());
        frame[8] = stream;
        frame
    };
    check(&[resets(RESETS_MAX)], Ok(0));
    check(&[resets(RESETS_MAX + 1)], Err(TooMuch::Resets));
    let ten = 10 * BYTES_PER_RESET;
    check(&[opens(0, ten - 7), opens(0, 7), resets(RESETS_MAX + 10)], Ok(0));
    check(&[opens(0, ten), resets(RESETS_MAX + 11)], Err(TooMuch::Resets));
    check(&[opens(0, ten - 1), resets(RESETS_MAX + 10)], Err(TooMuch::Resets));
    // A stream's own window is not the connection's; and the highest bit means nothing.
    check(&[opens(1, ten), resets(RESETS_MAX + 1)], Err(TooMuch::Resets));
    check(&[opens(0, 1 << 31), resets(RESETS_MAX + 1)], Err(TooMuch::Resets));
    check(&[opens(0, (1 << 31) - 1), resets(RESETS_MAX * 9)], Ok(0));
}
