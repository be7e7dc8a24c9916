//! Faults as data: which requests or connections they meet, how often, and what they do; and the history of what was asked.
//!
//! [`rule`] and [`link`](mod@link) are what users write, [`script`] decides which fault meets a request or a connection. The shell
//! does what concerns a connection (delays, cut or damaged answers, broken links); the core answers with an error code itself.
//! What happens to the cluster's own state (a log that loses its end, a topic created anew) is in `core/mishaps.rs`.

mod effect;
mod history;
mod link;
mod rule;
mod script;

pub(crate) use effect::Effect;
pub use history::Asked;
pub(crate) use history::History;
pub(crate) use link::LinkEffect;
pub use link::{Link, link};
pub use rule::{Fault, FaultBuilder, FaultId, Moment, on, on_any};
pub(crate) use script::Script;
