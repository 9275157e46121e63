//! What a game makes of its room: who is put out or let in, when it plays, when it ends.

use serde::Serialize;
use sward_protocol::ids::Seat;
use sward_protocol::limits::{GONE_DETAIL_CHARS_MAX, ME_BYTES_MAX, ROOM_PLAYERS_MAX};
use sward_protocol::payload::Payload;
use sward_protocol::rooms::check_meta;
use sward_protocol::text;

use super::Room;

/// What becomes of the room.
impl Room<'_> {
    /// Puts a player out when this call ends: everybody hears `gone`, `kicked`, with what is said to him, and the game is
    /// told by [`Game::leave`](crate::game::Game::leave). He may come back. A seat that nobody sits on is left alone. What only he
    /// may read is sent to him before, [`Audience::Only`](crate::game::Audience::Only).
    ///
    /// Of `why` 200 characters are said, without controls; nothing if it is empty, or turns the text around it.
    pub fn kick(&mut self, seat: Seat, why: &str) {
        let is_new = self.controls.kicks.iter().all(|(kicked, _)| *kicked != seat);
        if is_new && self.players.contains_key(&seat) {
            let line: String =
                why.trim().chars().filter(|c| !c.is_control()).take(GONE_DETAIL_CHARS_MAX).collect();
            // What may not stand in a chat line may not stand here either: the others read it too.
            self.controls.kicks.push((seat, text::gone_detail(&line).ok().flatten().unwrap_or_default()));
        }
    }

    /// Lets nobody else in: 409 `room_locked`, and no filter finds the room. Everybody hears `room`. Who has a pass, from an
    /// invitation or an accepted knock, comes in all the same: [`Game::join`](crate::game::Game::join) may refuse him.
    pub fn lock(&mut self) {
        self.controls.is_locked = true;
    }

    /// Lets players in again. Everybody hears `room`.
    pub fn unlock(&mut self) {
        self.controls.is_locked = false;
    }

    /// Begins to play when this call ends, as `sward.start` of the owner would, but whoever is there: everybody hears
    /// `start` with a seed, then [`Game::start`](crate::game::Game::start) is called. A room that plays goes on playing, and what
    /// is asked for within `Game::start` itself is not heard.
    pub fn start(&mut self) {
        self.controls.stage.is_starting = self.controls.stage.seed.is_none();
    }

    /// The game is over when this call ends: the room is open again, and may be started anew.
    pub fn over(&mut self) {
        (self.controls.stage.seed, self.controls.stage.is_held, self.controls.stage.is_starting) =
            (None, false, false);
    }

    /// Stands still from the end of this call on: no ticks, and the timers wait. Messages and chat go on. Only a room that
    /// plays can be paused.
    pub fn pause(&mut self) {
        self.controls.stage.is_held = self.controls.stage.seed.is_some();
    }

    /// Goes on after [`Room::pause`], unless the room is paused because somebody is away.
    pub fn go_on(&mut self) {
        self.controls.stage.is_held = false;
    }

    /// Seats a bot when this call ends, if a seat is free: a player of the game's own, shown with `"bot":true`. The game is
    /// told by [`Game::join`](crate::game::Game::join) and [`Game::leave`](crate::game::Game::leave) as of any other, and may refuse
    /// him there. He has the rules of a player's name and 1 KiB of own data; what breaks them is dropped as an event would
    /// be. Bots own no room, and a room with bots alone is empty.
    pub fn add_bot<T: Serialize + ?Sized>(&mut self, name: &str, me: &T) {
        let (name, me) = match (text::name(name), Payload::of(me)) {
            (Ok(name), Ok(me)) if me.json_len() <= ME_BYTES_MAX => (name, me),
            (Err(error), _) => return self.drop(format!("the bot {name:?}"), error.to_string()),
            (_, Err(error)) => return self.drop(format!("the bot {name:?}"), error.to_string()),
            _ => {
                return self
                    .drop(format!("the bot {name:?}"), format!("me has at most {ME_BYTES_MAX} bytes"));
            }
        };
        // Counted as what is sent: a game whose bots come and go without end is stopped.
        self.controls.count(me.json_len());
        if self.controls.bots_in.len() < usize::from(ROOM_PLAYERS_MAX) {
            self.controls.bots_in.push((name, me));
        }
    }

    /// Has a bot leave when this call ends: `gone`, `left`. Another seat is left alone.
    pub fn remove_bot(&mut self, seat: Seat) {
        let is_new = !self.controls.bots_out.contains(&seat);
        if is_new && self.players.get(&seat).is_some_and(|player| player.bot) {
            self.controls.bots_out.push(seat);
        }
    }

    /// Ends the room when this call ends: everybody hears what was sent, then `gone`, `closed`. The game is not called
    /// again.
    pub fn close(&mut self) {
        self.controls.is_closing = true;
    }

    /// Sets what lists show of the room and filters look at: an object of at most 1 KiB as JSON, in place of all that was
    /// there, such as what its creator gave, or what [`Builder::mode`](crate::Builder::mode) says of a match. Everybody hears `room`
    /// when this call ends, if it is another than before. What is no such object is dropped as an event would be.
    pub fn set_meta<T: Serialize + ?Sized>(&mut self, meta: &T) {
        match Payload::of(meta) {
            Ok(meta) => match check_meta(&meta) {
                Ok(()) => self.controls.meta = meta,
                Err(why) => self.drop("meta".to_owned(), format!("it {why}")),
            },
            Err(error) => self.drop("meta".to_owned(), error.to_string()),
        }
    }
}
