//! `cargo xtask test`: everything that must hold before a change goes in, one step after the other.
//!
//! [`steps`] lists them; [`runner`] runs a program under a heading and ends it when the user interrupts;
//! [`main_job`] is the longest step, [`instructions`] the one that measures; [`installed`] brings what a fresh machine lacks;
//! [`clusters`] starts the clusters that steps need and ends them whatever happens. Nothing here
//! knows what the tests test.

mod clusters;
mod commands;
mod installed;
mod instructions;
mod main_job;
mod runner;
mod steps;

pub(crate) use commands::{Arguments, run};
pub(crate) use runner::{Runner, Watched};
