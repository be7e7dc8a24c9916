use std::fmt;
use std::sync::Arc;

use kafka_core::{Error, ErrorKind, Result};

use super::oauth::{TokenCache, TokenProvider};
use super::{Credentials, CredentialsProvider};
use crate::{SaslMechanism, Secret};

/// What the client shows of itself, and by which mechanism. Cheap to clone; clones share a token.
#[derive(Clone)]
pub struct SaslLogin {
    mechanism: SaslMechanism,
    pub(super) source: Source,
}

/// Where it comes from.
#[derive(Clone)]
pub(super) enum Source {
    Fixed(Credentials),
    Provider(Arc<dyn CredentialsProvider>),
    Tokens(Arc<TokenCache>),
}

impl SaslLogin {
    /// User and password, by PLAIN or SCRAM.
    pub fn with_password(
        mechanism: SaslMechanism,
        username: impl Into<String>,
        password: impl Into<Secret>,
    ) -> Self {
        Self { mechanism, source: Source::Fixed(Credentials::new(username, password)) }
    }

    /// User and password from `provider`, which is asked at each authentication, by PLAIN or SCRAM.
    pub fn with_credentials(mechanism: SaslMechanism, provider: impl CredentialsProvider) -> Self {
        Self { mechanism, source: Source::Provider(Arc::new(provider)) }
    }

    /// Tokens from `provider`, by OAUTHBEARER.
    ///
    /// A token that tells its lifetime is kept, shared by all connections, and replaced when about 80 % of that have
    /// passed; while it is not used, no other is asked for.
    pub fn with_tokens(provider: impl TokenProvider) -> Self {
        let cache = TokenCache::new(Arc::new(provider));
        Self { mechanism: SaslMechanism::OAuthBearer, source: Source::Tokens(Arc::new(cache)) }
    }

    /// The mechanism.
    pub fn mechanism(&self) -> SaslMechanism {
        self.mechanism
    }

    /// Refuses what no broker would take, as far as that can be known.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`].
    pub fn check(&self) -> Result<()> {
        if (self.mechanism == SaslMechanism::OAuthBearer) != matches!(self.source, Source::Tokens(_)) {
            let needs = if self.mechanism == SaslMechanism::OAuthBearer { "a token" } else { "a password" };
            let message = format!("SASL {} needs {needs}", self.mechanism);
            return Err(Error::new(ErrorKind::InvalidInput, message));
        }
        match &self.source {
            Source::Fixed(credentials) => check_credentials(self.mechanism, credentials),
            Source::Tokens(tokens) => tokens.check(),
            Source::Provider(_) => Ok(()),
        }
    }
}

pub(super) fn check_credentials(mechanism: SaslMechanism, credentials: &Credentials) -> Result<()> {
    let refuse = |name: &str, problem: &str| {
        Err(Error::new(ErrorKind::InvalidInput, format!("SASL {mechanism} needs a {name} {problem}")))
    };
    let Credentials { username, password } = credentials;
    for (name, value) in [("user name", username.as_str()), ("password", password.expose())] {
        if value.is_empty() {
            return refuse(name, "that is not empty");
        }
        if value.contains('\0') {
            return refuse(name, "without the character NUL");
        }
    }
    Ok(())
}

impl fmt::Debug for SaslLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut f = f.debug_struct("SaslLogin");
        f.field("mechanism", &self.mechanism);
        match &self.source {
            Source::Fixed(credentials) => f.field("credentials", credentials),
            Source::Provider(_) => f.field("credentials", &"by a provider"),
            Source::Tokens(_) => f.field("token", &"by a provider"),
        };
        f.finish()
    }
}
