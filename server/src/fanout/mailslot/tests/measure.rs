//! What a frame costs on its way from a room to the bytes of its readers. Prints; see `--ignored --nocapture`.

use std::time::{Duration, Instant};

use super::*;
use crate::world::frame::{Frame, FrameWriter, Piece, PieceKey};

const READERS: usize = 2_000;
const PIECES: u32 = 50;
const ROUNDS: u32 = 100;

/// Every `stride`th entity has moved: entities are far from each other in what a reader holds.
fn frame(tick: u32, stride: u32) -> Frame {
    let mut writer = FrameWriter::default();
    for number in 0..PIECES {
        let entity = number * stride + tick % stride;
        let json = format!(r#"{{"id":{entity},"x":{},"y":88.25}}"#, f64::from(tick) / 8.0);
        let key = PieceKey { entity, group: PieceKey::PLACE };
        let index = writer.add(Arc::new(Piece::new(key, json.into_bytes().into())));
        writer.show_all(index);
    }
    writer.finish(u64::from(tick))
}

fn measure(stride: u32, acknowledges_every: u32, format: Format) {
    let readers: Vec<_> = (0..READERS)
        .map(|_| {
            let slot = slot();
            let wish = Wish { from: Position::Nothing, nonce: None, kind: Kind::Open, format };
            let reader = slot.open(wish, 0).unwrap().reader;
            (slot, reader)
        })
        .collect();
    let (mut posting, mut taking, mut bytes, mut wakes) =
        (Duration::ZERO, Duration::ZERO, 0, Wakes::default());
    for tick in 1..=ROUNDS {
        let parts = [Part::Frame(Arc::new(frame(tick, stride)))];
        let began = Instant::now();
        for (slot, _) in &readers {
            let posted = slot.post(Tenancy::default(), &parts, Seat(1), u64::from(tick) * 50, &mut wakes);
            assert_eq!(posted, Posted::New { events: 0, pieces: PIECES });
        }
        posting += began.elapsed();
        let began = Instant::now();
        for (slot, reader) in &readers {
            let Chunk::Events { bytes: chunk, count: 1 } = slot.read(reader, format, Waker::noop()) else {
                panic!("one patch")
            };
            bytes += chunk.len();
        }
        taking += began.elapsed();
        if tick % acknowledges_every == 0 {
            let id = EventId { epoch: Epoch(1), seq: u64::from(tick * PIECES) };
            readers.iter().for_each(|(slot, _)| slot.acknowledge(id));
        }
    }
    let pieces = f64::from(PIECES * ROUNDS) * READERS as f64;
    let each = |took: Duration| took.as_secs_f64() * 1e9 / pieces;
    println!(
        "{} items, acknowledged every {acknowledges_every} frames, {format:?}: {:.1} ns a piece posted, {:.1} ns taken; \
         {:.0} bytes a patch",
        PIECES * stride,
        each(posting),
        each(taking),
        bytes as f64 / f64::from(ROUNDS) / READERS as f64
    );
}

#[test]
#[ignore = "a measurement: it says something in a release build alone"]
fn a_frame_of_50_pieces_for_2000_readers() {
    for format in [Format::default(), Format::Frames] {
        measure(1, 20, format);
        measure(1, u32::MAX, format);
        measure(10, u32::MAX, format);
    }
}
