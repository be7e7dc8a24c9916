//! How fast clients may be: limits by user and client id, and for how long a client that is faster is to be silent.
//!
//! [`entity`] is whose a limit is, [`limits`] what is set, [`rate`] how fast somebody was of late, [`meters`] what it comes to for
//! a request. As at a real broker, each broker counts for itself.

mod entity;
mod limits;
mod meters;
mod rate;

pub(crate) use entity::{CLIENT_ID, Entity, IP, USER};
pub(crate) use limits::{Limits, check_quota};
pub(crate) use meters::{Meters, ask_for_silence};
