//! x
pub mod game;
pub mod games;
pub mod room {
    pub mod core;
    pub mod effect;
    pub mod input;
    pub mod roster;
    pub mod testing;
}
pub use room::testing;
