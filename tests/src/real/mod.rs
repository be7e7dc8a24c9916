//! Real clusters: what `xtask` wrote down about them, their listeners and certificates, and Kafka's own programs from the
//! same jars.

mod certificates;
mod running;
mod state;
mod tools;

pub use running::RunningTool;
pub(crate) use state::{Real, xtask};
pub use tools::{Output, Tool, run_program};
