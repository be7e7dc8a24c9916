//! A batching, idempotent producer and a manual-commit consumer for Apache Kafka, with handlers and dead letter queues.

pub mod consumer;
pub mod dead_letter;
pub mod handler;
pub mod producer;
mod sync;
