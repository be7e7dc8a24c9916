//! Dead letters: records that could not be handled or produced, kept with where they come from and why.
//!
//! [`DeadLetterQueue`] writes them, to the topic of the record with a suffix, and waits for the acknowledgement.
//! [`Provenance`] reads back what the headers say.

mod error;
mod provenance;
mod queue;

pub use error::DeadLetterError;
pub use provenance::{Provenance, header};
pub use queue::DeadLetterQueue;
