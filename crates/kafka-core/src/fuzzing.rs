//! What reads bytes from others, and messages to be damaged, for tests that feed the first with anything. Not part of the API.

pub use crate::net::fuzzing::split_frames;
pub use crate::protocol::fuzzing::{Filler, Shape, shapes};
