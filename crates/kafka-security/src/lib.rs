//! TLS, mutual TLS and SASL for `kafka-core`, in pure Rust.
