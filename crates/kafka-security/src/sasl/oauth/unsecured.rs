use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use kafka_core::net::BoxFuture;
use kafka_core::{Error, ErrorKind, Result};
use serde_json::{Map, Value, json};

use super::{Token, TokenProvider, jwt};

/// Tokens that nobody signed, as Java's login module makes them: for tests, since anybody can make them.
#[derive(Clone, Debug, PartialEq)]
pub struct UnsecuredTokens {
    claims: Map<String, Value>,
    principal_claim: String,
    lifetime: Duration,
    extensions: BTreeMap<String, String>,
}

impl UnsecuredTokens {
    /// Tokens for `principal`, the claim `sub`, that are good for an hour each.
    pub fn new(principal: impl Into<String>) -> Self {
        Self::from_claims(Map::from_iter([("sub".to_owned(), Value::String(principal.into()))]))
    }

    /// Tokens with the given claims besides `iat` and `exp`.
    pub(crate) fn from_claims(claims: Map<String, Value>) -> Self {
        Self {
            claims,
            principal_claim: "sub".to_owned(),
            lifetime: Duration::from_secs(3_600),
            extensions: BTreeMap::new(),
        }
    }

    /// The claim with the principal, `sub` unless set.
    pub(crate) fn with_principal_claim(mut self, name: impl Into<String>) -> Self {
        self.principal_claim = name.into();
        self
    }

    /// How long each token is good. Default: an hour.
    #[must_use]
    pub fn with_lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// Adds a claim.
    #[must_use]
    pub fn with_claim(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.claims.insert(name.into(), value.into());
        self
    }

    /// Tells the broker `value` as `name` beside each token (KIP-342).
    #[must_use]
    pub fn with_extension(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.extensions.insert(name.into(), value.into());
        self
    }

    fn make(&self) -> Result<Token> {
        let principal = self.claims.get(&self.principal_claim).and_then(Value::as_str);
        let Some(principal) = principal.filter(|principal| !principal.is_empty()) else {
            let message = format!("an unsecured token needs its claim `{}`, a text", self.principal_claim);
            return Err(Error::new(ErrorKind::InvalidInput, message));
        };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let mut claims = self.claims.clone();
        claims.entry("iat").or_insert_with(|| json!(seconds(now)));
        claims.entry("exp").or_insert_with(|| json!(seconds(now + self.lifetime)));
        let mut token = Token::new(jwt::unsecured(&Value::Object(claims.clone())))
            .with_lifetime(self.lifetime)
            .with_principal(principal);
        token.extensions.clone_from(&self.extensions);
        Ok(token)
    }
}

impl TokenProvider for UnsecuredTokens {
    fn token(&self) -> BoxFuture<'_, Result<Token>> {
        Box::pin(async { self.make() })
    }

    fn check(&self) -> Result<()> {
        self.make().and_then(|token| token.check())
    }
}

/// Seconds, to the millisecond that has begun: brokers round the nearest one, and refuse a token that is issued in what is
/// still to come for them.
fn seconds(time: Duration) -> f64 {
    Duration::from_millis(u64::try_from(time.as_millis()).unwrap_or(u64::MAX)).as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_never_rounded_up() {
        for (micros, seconds_of) in
            [(1_764_406_123_999_600, 1_764_406_123.999), (1_764_406_123_000_900, 1_764_406_123.0)]
        {
            assert_eq!(seconds(Duration::from_micros(micros)), seconds_of);
        }
    }
}
