//! The cluster as a client sees it: metadata, leaders, coordinators, and requests to them.

mod config;

pub use config::ClientConfig;
