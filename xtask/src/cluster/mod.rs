//! Kafka clusters for tests and for trying things out, without and with Docker.
//!
//! [`description`] says once what a cluster is: its brokers, listeners and settings; [`security`] adds users and
//! mechanisms, with [`certificates`] made on the spot, signed [`tokens`] that a [`token_endpoint`] gives out, and
//! [`access_rules`]; [`renewal`] replaces certificates of a running cluster. [`properties`] renders that for
//! brokers started by [`native`] from Kafka's own jars, and [`compose`] for containers that [`docker`] starts; [`backend`]
//! is the one face of both. What runs is remembered in [`state`], one JSON file per
//! cluster under `.kafka/<name>/`; [`process`] starts and signals processes, and touches only those it can tell to be
//! its own; [`probe`] asks a broker by [`wire`] whether it is ready, [`leaders`] moves them, [`topics`] makes and
//! counts topics, and [`coordinators`] says which one has a group. [`commands`] is the command line.

mod access_rules;
mod backend;
mod certificates;
mod commands;
mod compose;
pub(crate) mod coordinators;
mod description;
mod docker;
pub(crate) mod environment;
pub(crate) mod leaders;
mod log;
mod native;
mod probe;
mod process;
mod properties;
mod renewal;
mod security;
mod state;
mod token_endpoint;
mod tokens;
pub(crate) mod topics;
mod version;
mod wire;

pub(crate) use backend::Backend;
pub(crate) use commands::{
    Command, TIMEOUT, bring_up, down, move_clients, run, signal_one, start_again, start_all,
};
pub(crate) use description::Cluster;
pub(crate) use process::{Signal, signal as signal_process};
pub(crate) use state::State;
pub(crate) use version::KafkaVersion;
