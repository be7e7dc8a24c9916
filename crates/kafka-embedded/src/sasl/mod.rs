//! Who a client is: sign-ins, one per connection to a listener that asks, and what is known of users.
//!
//! [`sign_in`] is the conversation and what may be asked before, during and after it; the mechanisms themselves are
//! `kafka-security`'s. [`credentials`] is what is kept for SCRAM. Knows no socket; time is the cluster's.

mod credentials;
#[cfg(feature = "security")]
mod sign_in;
#[cfg(feature = "security")]
mod users;

pub(crate) use credentials::{MAX_ITERATIONS, MIN_ITERATIONS, Salted, ScramCredentials, ScramMechanism};
#[cfg(feature = "security")]
pub(crate) use sign_in::{Admission, SignIns};
#[cfg(feature = "security")]
pub(crate) use users::{Passwords, scram_mechanisms};
