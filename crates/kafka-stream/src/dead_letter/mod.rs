//! Dead letters: records that could not be handled or produced, kept with where they come from and why.
//!
//! [`DeadLetterQueue`] writes them, to the topic of the record with a suffix, and waits for the acknowledgement.
//! [`Provenance`] reads back what the headers say. [`Redrive`] puts them back where they came from.

mod error;
pub mod header;
mod provenance;
mod queue;
mod redrive;
mod topics;
mod trim;
mod verdict;

pub use error::DeadLetterError;
pub use provenance::Provenance;
pub use queue::{DeadLetterQueue, TooLarge};
pub use redrive::{Redrive, RedriveOptions};
pub use verdict::{RedriveError, RedriveReport};
