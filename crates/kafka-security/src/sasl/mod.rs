//! Who the client is: PLAIN, SCRAM and OAUTHBEARER, with credentials and tokens that may change while the client runs.
//!
//! [`SaslLogin`] says what is shown: a password (`credentials.rs`: fixed, from a file, by callback) or a token
//! (`oauth/`: by callback, without signature, from a token endpoint). [`SaslAuthenticator`] shows it to a broker, and
//! asks for it anew at each authentication. `scram.rs` looks at a server's demands before any of them is met. Nothing
//! here knows connections: bytes go through `kafka-core`'s `SaslChannel`.

mod authenticator;
mod credentials;
#[cfg(any(test, feature = "unstable-fuzzing"))]
pub(crate) mod fuzzing;
mod login;
pub(crate) mod oauth;
mod rsasl_session;
mod scram;

pub use authenticator::SaslAuthenticator;
pub use credentials::{Credentials, CredentialsProvider, PasswordFile};
pub use login::SaslLogin;
