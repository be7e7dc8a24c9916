//! The whole client on brokers in the process: no Java, no Docker, seconds.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests may fail the test")]

mod admin;
mod bad_answers;
mod cancelled;
mod clock;
mod created_anew;
mod damaged_records;
mod faults;
mod groups;
mod handlers;
mod kip848;
mod letters;
mod manager_settings;
mod memory;
mod records;
mod simulation;
mod slow_listeners;
mod support;
mod your_service;
