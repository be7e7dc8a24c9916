use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::StatusCode;
use hyper::header::HeaderValue;
use kafka_core::net::{BoxFuture, Connector, TcpConnector};
use kafka_core::{Error, ErrorKind, Result};
use serde::Deserialize;
use tokio::time::{Instant, sleep, timeout_at};
use zeroize::Zeroizing;

use super::challenge::shown;
use super::endpoint::{Answer, Endpoint};
use super::endpoint_url::EndpointUrl;
use super::token::check_extensions;
use super::{Token, TokenProvider, jwt};
use crate::{Secret, TlsConfig, TlsConnector};

/// `sasl.login.retry.backoff.ms` and its maximum, at Kafka's defaults.
const BACKOFF: Duration = Duration::from_millis(100);
const BACKOFF_MAX: Duration = Duration::from_secs(10);

/// Below the time that a connection has at first to be set up, so that the reason is told and not that time is up.
const DEADLINE: Duration = Duration::from_secs(8);

/// Tokens from an identity provider, for a client that shows its own id and secret there: OpenID Connect's client
/// credentials (KIP-768).
///
/// ```
/// use kafka_security::{OidcTokens, SaslLogin, TlsConfig};
///
/// # fn example() -> kafka_core::Result<()> {
/// let login = SaslLogin::with_tokens(
///     OidcTokens::new("https://idp.example.com/oauth2/token", "client", "its secret")?.with_scope("kafka"),
/// );
/// # Ok(())
/// # }
/// ```
pub struct OidcTokens {
    url: EndpointUrl,
    client_id: String,
    client_secret: Secret,
    scope: Option<String>,
    extensions: BTreeMap<String, String>,
    tls: TlsConfig,
    deadline: Duration,
    encode_header: bool,
}

impl OidcTokens {
    /// Asks at `token_endpoint_url`, whose certificate must be trusted by the public roots.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] where that is no `https://` or `http://` URL, or id or secret is empty.
    pub fn new(
        token_endpoint_url: &str,
        client_id: impl Into<String>,
        client_secret: impl Into<Secret>,
    ) -> Result<Self> {
        let (client_id, client_secret) = (client_id.into(), client_secret.into());
        for (name, value) in [("id", client_id.as_str()), ("secret", client_secret.expose())] {
            if value.is_empty() {
                let message = format!("a token endpoint needs a client {name} that is not empty");
                return Err(Error::new(ErrorKind::InvalidInput, message));
            }
        }
        Ok(Self {
            url: EndpointUrl::parse(token_endpoint_url)?,
            client_id,
            client_secret,
            scope: None,
            extensions: BTreeMap::new(),
            tls: TlsConfig::new(),
            deadline: DEADLINE,
            encode_header: false,
        })
    }

    /// `sasl.oauthbearer.scope`: the scope that is asked for.
    #[must_use]
    pub fn with_scope(mut self, scope: impl Into<String>) -> Self {
        self.scope = Some(scope.into()).filter(|scope| !scope.is_empty());
        self
    }

    /// Whom to trust at the endpoint, and what to show there.
    #[must_use]
    pub fn with_tls(mut self, tls: TlsConfig) -> Self {
        self.tls = tls;
        self
    }

    /// Tells the broker `value` as `name` beside each token (KIP-342).
    #[must_use]
    pub fn with_extension(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.extensions.insert(name.into(), value.into());
        self
    }

    /// `sasl.oauthbearer.header.urlencode`: encodes id and secret as RFC 6749 asks for, which few endpoints expect.
    #[must_use]
    pub fn with_encoded_header(mut self, encode: bool) -> Self {
        self.encode_header = encode;
        self
    }

    /// How long asking may take, with all retries. Default: 8 s.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }
}

/// What a token endpoint answers (RFC 6749, sections 5.1 and 5.2).
#[derive(Deserialize)]
struct TokenAnswer {
    access_token: Option<String>,
    expires_in: Option<serde_json::Value>,
    error: Option<String>,
    error_description: Option<String>,
}

impl OidcTokens {
    /// Made for each request, so that changed certificates are read.
    fn endpoint(&self) -> Result<Endpoint> {
        let tcp = TcpConnector::new();
        let connector: Arc<dyn Connector> =
            if self.url.is_tls { Arc::new(TlsConnector::new(&self.tls, tcp)?) } else { Arc::new(tcp) };
        Ok(Endpoint { url: self.url.clone(), connector })
    }

    fn authorization(&self) -> Result<HeaderValue> {
        let (id, secret) = (self.client_id.as_str(), self.client_secret.expose());
        let pair = if self.encode_header {
            Zeroizing::new(format!("{}:{}", form_encoded(id), &*Zeroizing::new(form_encoded(secret))))
        } else {
            Zeroizing::new(format!("{id}:{secret}"))
        };
        let header = Zeroizing::new(format!("Basic {}", &*Zeroizing::new(STANDARD.encode(pair.as_bytes()))));
        let mut header = HeaderValue::from_str(&header)
            .map_err(|_| Error::new(ErrorKind::InvalidInput, "the client's id or secret fits no header"))?;
        header.set_sensitive(true);
        Ok(header)
    }

    fn form(&self) -> String {
        match &self.scope {
            Some(scope) => format!("grant_type=client_credentials&scope={}", form_encoded(scope)),
            None => "grant_type=client_credentials".to_owned(),
        }
    }

    /// Asks until there is a token, a reason not to ask again, or no time left.
    async fn ask(&self) -> Result<Token> {
        let endpoint = self.endpoint()?;
        let deadline = Instant::now() + self.deadline;
        let mut backoff = BACKOFF;
        let mut last = None;
        loop {
            let error = match timeout_at(deadline, self.ask_once(&endpoint)).await {
                Ok(Ok(token)) => return Ok(token),
                Ok(Err(error)) if !error.is_retriable() => return Err(error),
                Ok(Err(error)) => error,
                Err(_) => return Err(last.unwrap_or_else(|| self.silent())),
            };
            let wait = backoff.mul_f64(0.8 + 0.4 * fastrand::f64());
            if Instant::now() + wait >= deadline {
                return Err(error);
            }
            tracing::debug!(%error, "asking the token endpoint again");
            last = Some(error);
            sleep(wait).await;
            backoff = (backoff * 2).min(BACKOFF_MAX);
        }
    }

    async fn ask_once(&self, endpoint: &Endpoint) -> Result<Token> {
        let answer = endpoint.post(self.authorization()?, self.form()).await?;
        self.token_of(&answer, SystemTime::now())
    }

    fn silent(&self) -> Error {
        let message = format!("the token endpoint {} did not answer within {:?}", self.url, self.deadline);
        Error::new(ErrorKind::Connect, message)
    }

    fn token_of(&self, answer: &Answer, now: SystemTime) -> Result<Token> {
        let parsed: Option<TokenAnswer> = serde_json::from_slice(&answer.body).ok();
        if !answer.status.is_success() {
            return Err(self.refused(answer, parsed));
        }
        let broken = |problem: &str| {
            let message = format!("the token endpoint {} answered {problem}", self.url);
            Err(Error::new(ErrorKind::Authentication, message))
        };
        let Some(parsed) = parsed else {
            return broken("with what is no JSON object of RFC 6749");
        };
        let Some(value) = parsed.access_token.filter(|token| !token.is_empty()).map(Secret::from) else {
            return broken("without an `access_token`");
        };
        let claims = jwt::claims(value.expose());
        // Java goes by the claim, others by the answer; whichever ends first is safe.
        let told = parsed.expires_in.and_then(|seconds| match seconds {
            serde_json::Value::String(text) => text.trim().parse::<f64>().ok(),
            other => other.as_f64(),
        });
        let told = told.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        let claimed = claims.as_ref().and_then(|claims| jwt::remaining(claims, now));
        if claimed.or(told).is_some_and(|left| left.is_zero()) {
            return broken("with a token that has expired: compare its clock with this one");
        }
        let mut token = Token::new(value);
        token.lifetime = told.into_iter().chain(claimed).min();
        token.principal = claims.as_ref().and_then(|claims| claims.get("sub")?.as_str()).map(str::to_owned);
        token.extensions.clone_from(&self.extensions);
        Ok(token)
    }

    /// The endpoint's words, should it even repeat the secret without it.
    fn refused(&self, answer: &Answer, parsed: Option<TokenAnswer>) -> Error {
        let words = match parsed {
            Some(TokenAnswer { error: Some(error), error_description: Some(words), .. }) => {
                format!("{error}: {words}")
            }
            Some(TokenAnswer { error: Some(error), .. }) => error,
            _ => String::from_utf8_lossy(&answer.body).into_owned(),
        };
        let secret = self.client_secret.expose();
        let words = [form_encoded(secret), STANDARD.encode(format!("{}:{secret}", self.client_id))]
            .iter()
            .fold(words.replace(secret, "***"), |words, form| words.replace(form.as_str(), "***"));
        let later = answer.status.is_server_error()
            || matches!(answer.status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT);
        let kind = if later { ErrorKind::Connect } else { ErrorKind::Authentication };
        let message = format!(
            "the token endpoint {} refused with {}: {}",
            self.url,
            answer.status,
            shown(words.trim())
        );
        Error::new(kind, message)
    }
}

impl TokenProvider for OidcTokens {
    fn token(&self) -> BoxFuture<'_, Result<Token>> {
        Box::pin(self.ask())
    }

    fn check(&self) -> Result<()> {
        check_extensions(&self.extensions).map_err(|problem| Error::new(ErrorKind::InvalidInput, problem))?;
        self.authorization()?;
        self.endpoint().map(|_| ())
    }
}

impl fmt::Debug for OidcTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OidcTokens")
            .field("url", &self.url)
            .field("client_id", &self.client_id)
            .field("client_secret", &self.client_secret)
            .field("scope", &self.scope)
            .field("tls", &self.tls)
            .finish_non_exhaustive()
    }
}

/// `application/x-www-form-urlencoded`.
fn form_encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
