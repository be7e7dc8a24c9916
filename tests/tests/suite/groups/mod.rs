//! Consumer groups.

mod come_and_go;
mod coordinator;
mod fixed;
mod kip848;
mod pattern;
mod poll_interval;
mod upgrade;
