//! What the few places share state by that rely on the order of reads and writes. The tests of interleavings put `loom`'s in
//! its place, which tries every order that there can be.

pub(crate) use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering, fence};

pub(crate) use parking_lot::Mutex;
pub(crate) use tokio::sync::Notify;
