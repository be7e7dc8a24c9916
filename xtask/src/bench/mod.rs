//! `cargo xtask bench`: clients of Kafka side by side on the same work, ours and its peers.
//!
//! [`workloads`] says what is done, [`clients`] by whom, and how peers are built from a folder of theirs. In [`rounds`] the
//! clients take turns on one broker, which they reach by one [`way_in`]; [`measure`] looks at each process from outside.
//! [`report`] and [`picture`] show the figures, with the [`machine`] that they hold for. [`curves`] is about our client alone,
//! as the work grows, and [`scale`] shows it. Nothing here knows how any client works: each is a program that takes a mode
//! and flags, and prints one line of JSON last.

mod clients;
mod commands;
mod curves;
mod machine;
mod measure;
mod picture;
mod report;
mod rounds;
mod scale;
mod way_in;
mod workloads;

pub(crate) use commands::{Arguments, run};
