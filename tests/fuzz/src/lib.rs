//! Damaged input for everything that reads bytes from others, without a nightly compiler: real frames, mutated.
//!
//! A round is drawn from its seed alone, so that a failure is replayed by its number. `cargo test` runs some rounds of each
//! target, `cargo xtask fuzz` as many as it is told; `fuzz/` gives the same entry points to libFuzzer. No execution may panic,
//! take more memory than [`Target::allowed`] says, or end in an answer that cannot be written.

// Helpers for tests: what is not as it must be ends the test, with the reason.
#![allow(clippy::panic, clippy::expect_used, clippy::unwrap_used)]

mod corpus;
mod feed;
mod mutate;
mod record_sets;
mod requests;
mod responses;
mod round;
mod sockets;

pub use corpus::batch;
pub use feed::feed;
pub use mutate::mutate;
pub use requests::{RequestKind, Requests};
pub use round::{Failure, Figures, Target, round};
