//! Dead letters and retry topics that cannot be written: consumption stops or waits there, nothing is committed past the
//! record, and whoever consumes next goes on with nothing lost.
//!
//! `world` consumes and watches every commit, `dead` breaks dead letter topics, `retry` breaks retry topics.

mod dead;
mod retry;
mod world;
