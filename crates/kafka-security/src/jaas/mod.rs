//! Java's `sasl.jaas.config`: one login module with its options, as `Module required name="value" ...;`.
//!
//! `syntax.rs` reads it as Kafka does, `modules.rs` knows the three modules and what their options mean. No error shows
//! a value: it may be a password, also where it is not the one that the author meant.

mod modules;
mod syntax;

pub use modules::{Jaas, OAuthOptions};
