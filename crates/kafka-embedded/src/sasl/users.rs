use std::collections::BTreeMap;

use kafka_security::server::{SaslUsers, ScramCredential, SignedIn, unsecured_token};
use kafka_security::{SaslMechanism, Secret};

use super::{Salted, ScramCredentials, ScramMechanism};
use crate::listeners::TokenCheck;

/// Passwords as they are, by user: for PLAIN.
pub(crate) type Passwords = BTreeMap<String, Secret>;

/// The mechanisms that want salted passwords, each by both of its names.
pub(crate) fn scram_mechanisms() -> [(SaslMechanism, ScramMechanism); 2] {
    [
        (SaslMechanism::ScramSha256, ScramMechanism::Sha256),
        (SaslMechanism::ScramSha512, ScramMechanism::Sha512),
    ]
}

/// What a sign-in may look up.
pub(super) struct Known<'a> {
    pub(super) passwords: &'a Passwords,
    pub(super) scram: &'a ScramCredentials,
    pub(super) tokens: Option<&'a TokenCheck>,
    /// Milliseconds since 1970.
    pub(super) now: i64,
}

impl SaslUsers for Known<'_> {
    fn password(&self, user: &str) -> Option<&str> {
        self.passwords.get(user).map(Secret::expose)
    }

    fn scram(&self, mechanism: SaslMechanism, user: &str) -> Option<ScramCredential> {
        let (_, kept_as) = scram_mechanisms().into_iter().find(|(known, _)| *known == mechanism)?;
        let Salted { salt, password, iterations } = self.scram.get(user)?.get(&kept_as)?;
        let iterations = u32::try_from(*iterations).ok()?;
        Some(ScramCredential::new(mechanism, password, salt, iterations))
    }

    fn token(&self, token: &str) -> Result<SignedIn, String> {
        match self.tokens {
            Some(check) => check.of(token, self.now),
            None => unsecured_token(token, self.now),
        }
    }
}
