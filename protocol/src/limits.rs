//! Every bound of the wire, once. What happens at each stands in `docs/protocol.md` and at the type that enforces it.

use std::time::Duration;

/// Grapheme clusters in a player's or a room's name.
pub const NAME_GRAPHEMES_MAX: usize = 24;
/// UTF-8 bytes in a name: bounds the marks that can be stacked on 24 graphemes.
pub const NAME_BYTES_MAX: usize = 256;
/// Characters in a chat line.
pub const CHAT_CHARS_MAX: usize = 500;
/// Chat lines that are kept for those who come later, in each place.
pub const CHAT_LINES_MAX: usize = 20;
/// Bytes of their text.
pub const CHAT_LINES_BYTES_MAX: usize = 8 * 1024;
/// Their age.
pub const CHAT_LINES_AGE_MAX: Duration = Duration::from_secs(600);
/// Chat lines, and other calls on people outside of one's game, that one player makes in a second on average.
pub const CALLS_PER_S: u32 = 3;
/// And at once.
pub const CALLS_BURST: u32 = 20;
/// Lobbies that one player watches at once.
pub const LOBBIES_WATCHED_MAX: usize = 4;
/// Rooms that one `lobby` event names, and as many that it says are closed.
pub const LOBBY_ROOMS_MAX: usize = 100;
/// Bytes of JSON of the rooms in one `lobby` event, unless one room alone has more.
pub const LOBBY_ROOMS_BYTES_MAX: usize = 16 * 1024;
/// Players that a lobby names: those who have watched it longest.
pub const LOBBY_PLAYERS_MAX: usize = 50;
/// The shortest time between two `lobby` events that tell a change.
pub const LOBBY_EVERY: Duration = Duration::from_millis(1_000);
/// How long an invitation or a knock waits for an answer.
pub const ASK_TIME: Duration = Duration::from_millis(30_000);
/// How long the pass of an accepted one lets in.
pub const PASS_TIME: Duration = Duration::from_millis(60_000);
/// Players in one party.
pub const PARTY_MAX: usize = 8;
/// The highest skill that a party may have.
pub const SKILL_MAX: u32 = 1_000_000;
/// How often at most a waiting player is told where he stands.
pub const STANDING_EVERY: Duration = Duration::from_millis(5_000);
/// Messages in one batch.
pub const BATCH_MESSAGES_MAX: usize = 100;
/// Bytes of the body of `POST /v1/send`.
pub const BATCH_BYTES_MAX: usize = 32 * 1024;
/// Bytes of a batch's messages as JSON: MessagePack may grow by that.
pub const BATCH_JSON_BYTES_MAX: usize = 64 * 1024;
/// Bytes of any other request body.
pub const BODY_BYTES_MAX: usize = 8 * 1024;
/// Bytes of JSON of a player's own data (`me`), of a room's `meta`, `filter` and `options`, each.
pub const ME_BYTES_MAX: usize = 1024;
/// Keys of a room's `meta`, and of a `filter`: rooms are found by an index of them.
pub const META_KEYS_MAX: usize = 32;
/// Bytes of JSON of what a player leaves to be said when he is gone (`will`).
pub const WILL_BYTES_MAX: usize = 1024;
/// Bytes of JSON that `sward.ping` carries.
pub const PING_BYTES_MAX: usize = 1024;
/// Objects and arrays inside each other in one message's payload.
pub const PAYLOAD_DEPTH_MAX: usize = 32;
/// Bytes of JSON of one message's payload: with what surrounds it, below the bound on an event. Only MessagePack, whose
/// control characters and numbers grow as JSON, gets there within a body.
pub const PAYLOAD_BYTES_MAX: usize = 60 * 1024;
/// Characters of what a game, or a room's owner, says to a player who is put out.
pub const GONE_DETAIL_CHARS_MAX: usize = 200;
/// Characters of a message type.
pub const TYPE_CHARS_MAX: usize = 64;
/// Characters of `src` and of a stream's nonce `n`.
pub const NONCE_CHARS_MAX: usize = 32;
/// Characters of a `key`: of a request that is safe to send again, and of a message in the latest lane; of the name of a
/// kept value, and of that of a blob.
pub const KEY_CHARS_MAX: usize = 64;
/// Integers stay below this (2^53), so that JavaScript keeps them exactly.
pub const INTEGER_END: u64 = 1 << 53;
/// The most players a room may be made for.
pub const ROOM_PLAYERS_MAX: u16 = 4096;
/// Characters of a room's password.
pub const PASSWORD_CHARS_MAX: usize = 64;
/// UTF-8 bytes of a room's password.
pub const PASSWORD_BYTES_MAX: usize = 256;
/// Rooms in one page of a list.
pub const ROOM_PAGE_MAX: usize = 100;

/// Bytes of one named blob of a room.
pub const BLOB_BYTES_MAX: usize = 1024 * 1024;
/// Bytes of a blob's media type.
pub const BLOB_TYPE_BYTES_MAX: usize = 128;
/// Blobs of one room at a time.
pub const ROOM_BLOBS_MAX: usize = 16;
/// Bytes of all blobs of one room, those included that were replaced and are still shown or read.
pub const ROOM_BLOB_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Characters of a kind of entities, and of a field's name, in a world.
pub const WORLD_NAME_CHARS_MAX: usize = 32;
/// Entities that a view of a world knows at once.
pub const VIEW_ENTITIES_MAX: usize = 65_536;
/// Fields of one entity that a view knows.
pub const VIEW_FIELDS_MAX: usize = 256;

/// Bytes of one event as `["name",data]`, `joined` excepted.
pub const EVENT_BYTES_MAX: usize = 64 * 1024;
/// Bytes of a `joined` event, likewise.
pub const JOINED_BYTES_MAX: usize = 1024 * 1024;

/// Bytes of one frame: `joined` as MessagePack, whose numbers may take 9 bytes where JSON has 3 with their comma.
pub const FRAME_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Bytes of one write to a stream, and of a batch in it, unless one event alone has more.
pub const CHUNK_BYTES_MAX: usize = 16 * 1024;
/// Bytes of the events in an answer to `POST /v1/send`, unless one event alone has more.
pub const ANSWER_EVENTS_BYTES_MAX: usize = 32 * 1024;

/// Spaces in the first comment of a stream, unless the client asked for another number.
pub const FIRST_PADDING: usize = 2048;
/// The most spaces a client may ask for.
pub const FIRST_PADDING_MAX: usize = 65_536;
/// The most spaces behind every write that a client may ask for.
pub const PADDING_EACH_MAX: usize = 16_384;
/// The longest that a drained stream waits for an event, and what it waits unless told.
pub const HOLD_MAX: Duration = Duration::from_millis(9_000);
/// The longest silence of a healthy stream, before jitter.
pub const HEARTBEAT: Duration = Duration::from_millis(5_000);
/// The longest beat a client may ask for.
pub const HEARTBEAT_MAX: Duration = Duration::from_millis(15_000);
/// The highest rung of the ladder: 0 `sse`, 1 `raw`, 2 `drain`.
pub const RUNG_MAX: u8 = 2;
/// Beats without a byte after which a client reconnects.
pub const WATCHDOG_BEATS: u32 = 3;
/// How long a seat is kept for a player who vanished.
pub const GRACE: Duration = Duration::from_millis(20_000);
/// The longest wait that `bye` may ask for.
pub const BYE_WAIT_MAX: Duration = Duration::from_millis(60_000);
