//! The whole producer against a fake cluster, in made-up time: what each fault comes to, and that each setting matters.

mod cancel_safety;
mod compression;
mod error_table;
mod faults;
mod settings;
mod simulation;
