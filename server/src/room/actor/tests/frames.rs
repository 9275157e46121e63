//! What a game shows of its world, between what it says.

use super::*;
use crate::fanout::part::{PENDING_PARTS_MAX, frame};

/// Two frames with a message between them, and one that nobody sees.
pub(super) fn show(room: &mut Room<'_>) {
    room.show(frame(1, &[1, 2], Some((Seat(1), 9))));
    room.send(Audience::All, "between", &());
    room.show(frame(2, &[2], None));
    room.show(frame(3, &[], None));
}

#[actix_web::test]
async fn frames_reach_players_and_watchers_in_their_place() {
    let (directory, room, zoe) = one_player().await;
    let guest = Arc::new(Mailslot::new(Epoch(2)));
    let watcher = reader_of(&guest);
    room.watch(Arc::clone(&guest)).await.unwrap();
    let reader = stream(&zoe);
    tokio::time::sleep(Duration::from_millis(200)).await;
    heard(&zoe, &reader);
    assert_eq!(send(&zoe, "frames").await, Some(Ok(Payload::null())));
    let between = r#"msg {"from":0,"type":"between","data":null}"#;
    assert_eq!(
        heard(&zoe, &reader),
        [
            r#"patch {"tick":2,"world":[{"id":1,"x":1}]}"#,
            between,
            r#"patch {"tick":2,"world":[{"id":2,"x":2}]}"#,
        ]
        .map(|event| event.replace(r#"{"id":1,"x":1}"#, r#"{"id":1,"x":1},{"id":9,"basket":1}"#))
    );
    let mut shown = Vec::new();
    while let Chunk::Events { bytes, .. } = guest.read(&watcher, Format::default(), std::task::Waker::noop())
    {
        let dispatch = |frame: sward_protocol::sse::decode::Frame| {
            shown.push(format!("{} {}", frame.name, frame.data));
        };
        Parser::new(1 << 20).feed(&bytes, dispatch).unwrap();
    }
    assert!(shown.remove(0).starts_with("joined "));
    let seen = [
        r#"patch {"tick":2,"world":[{"id":1,"x":1}]}"#,
        between,
        r#"patch {"tick":2,"world":[{"id":2,"x":2}]}"#,
    ];
    assert_eq!(shown, seen, "not what is for a seat");
    let worlds = &directory.metrics().worlds;
    assert_eq!((worlds.frames.get(), worlds.pieces.get(), worlds.pieces_posted.get()), (2, 4, 4));
}

#[actix_web::test]
async fn a_busy_room_shows_its_world_at_its_interval_and_not_more_parts_at_once_than_it_may() {
    let (directory, room, zoe) = one_player().await;
    let reader = stream(&zoe);
    tokio::time::sleep(Duration::from_millis(200)).await;
    send(&zoe, "at once").await;
    heard(&zoe, &reader);
    send(&zoe, "frames").await;
    assert_eq!(heard(&zoe, &reader).len(), 0, "not yet");
    tokio::time::sleep(Duration::from_millis(101)).await;
    assert_eq!(heard(&zoe, &reader).len(), 3);
    send(&zoe, "frames").await;
    let flushes = directory.metrics().flushes.get();
    let stay = zoe.place().unwrap().stay;
    let messages = (0..PENDING_PARTS_MAX / 2).map(|_| message("frames")).collect();
    let (told, done) = oneshot::channel();
    let completion = Completion::new(move |_| {
        let _ = told.send(());
    });
    room.try_batch(stay, messages, 0, completion).unwrap();
    done.await.unwrap();
    assert!(directory.metrics().flushes.get() > flushes, "more than may wait is written at once");
}
