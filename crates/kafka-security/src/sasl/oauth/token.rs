use std::collections::BTreeMap;
use std::future::Future;
use std::time::Duration;

use kafka_core::net::BoxFuture;
use kafka_core::{Error, ErrorKind, Result};

use crate::Secret;

/// What proves who the client is, for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Token {
    /// The token as it is sent, such as a JWT.
    pub value: Secret,
    /// How long it is good from the moment it was handed over; `None` if not known, and then it is used once.
    pub lifetime: Option<Duration>,
    /// Whom it stands for, as far as is known; only shown, never sent.
    pub principal: Option<String>,
    /// What the broker is told beside it (KIP-342): names of letters, values of printable ASCII.
    pub extensions: BTreeMap<String, String>,
}

impl Token {
    /// A token that is used for one authentication.
    pub fn new(value: impl Into<Secret>) -> Self {
        Self { value: value.into(), lifetime: None, principal: None, extensions: BTreeMap::new() }
    }

    /// How long it is good from now: it is used again until about 80 % of this have passed.
    #[must_use]
    pub fn with_lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = Some(lifetime);
        self
    }

    /// Whom it stands for.
    #[must_use]
    pub fn with_principal(mut self, principal: impl Into<String>) -> Self {
        self.principal = Some(principal.into());
        self
    }

    /// Tells the broker `value` as `name` beside the token.
    #[must_use]
    pub fn with_extension(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.extensions.insert(name.into(), value.into());
        self
    }

    /// Refuses what would break the message that it is sent in.
    pub(super) fn check(&self) -> Result<()> {
        let refuse = |problem: String| Err(Error::new(ErrorKind::InvalidInput, problem));
        let value = self.value.expose();
        // RFC 6750: the characters of a `b64token`.
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
        if value.is_empty() || !value.bytes().all(fits) {
            return refuse("the token is empty or holds what no bearer token does".to_owned());
        }
        check_extensions(&self.extensions).or_else(refuse)
    }
}

/// KIP-342: what names and values of extensions may be.
pub(super) fn check_extensions(extensions: &BTreeMap<String, String>) -> Result<(), String> {
    for (name, value) in extensions {
        if name == "auth" || name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphabetic()) {
            return Err(format!(
                "`{}` is no name of a SASL extension: letters are, except for `auth`",
                name.escape_debug()
            ));
        }
        if value.is_empty() || !value.bytes().all(|byte| matches!(byte, 0x20..=0x7e | b'\t' | b'\r' | b'\n'))
        {
            return Err(format!("the SASL extension `{name}` is empty or holds more than printable ASCII"));
        }
    }
    Ok(())
}

/// Where tokens come from. A function that returns a future of a [`Token`] is one.
///
/// ```
/// use std::time::Duration;
/// use kafka_security::{SaslLogin, Token};
///
/// let login = SaslLogin::with_tokens(|| async {
///     let value = "what the identity provider gave";
///     Ok(Token::new(value).with_lifetime(Duration::from_secs(900)))
/// });
/// ```
pub trait TokenProvider: Send + Sync + 'static {
    /// A token that is good from now on.
    ///
    /// It runs in a task of its own, once however many connections wait for it, and is not dropped with one of them. It
    /// should come to an end in seconds: requests on a connection whose session is renewed may wait for it.
    ///
    /// # Errors
    /// [`ErrorKind::Authentication`] where trying again is of no use; a retriable kind, such as [`ErrorKind::Connect`],
    /// has the connection tried again.
    fn token(&self) -> BoxFuture<'_, Result<Token>>;

    /// What can be known to be wrong before any token is asked for.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`].
    fn check(&self) -> Result<()> {
        Ok(())
    }
}

impl<F, Answer> TokenProvider for F
where
    F: Fn() -> Answer + Send + Sync + 'static,
    Answer: Future<Output = Result<Token>> + Send + 'static,
{
    fn token(&self) -> BoxFuture<'_, Result<Token>> {
        Box::pin(self())
    }
}
