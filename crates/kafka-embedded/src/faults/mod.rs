//! Faults as data: which requests they meet, how often, and what they do; and the history of what was asked.
//!
//! [`rule`] is what users write, [`script`] decides which rule meets a request. The shell does what concerns a connection
//! (delays, cut or damaged answers); the core answers with an error code itself.

mod effect;
mod history;
mod rule;
mod script;

pub(crate) use effect::Effect;
pub use history::Asked;
pub(crate) use history::History;
pub use rule::{Fault, FaultBuilder, Moment, on};
pub(crate) use script::Script;
