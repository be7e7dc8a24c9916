#[cfg(feature = "security")]
use std::fmt;
#[cfg(feature = "security")]
use std::sync::Arc;
#[cfg(feature = "security")]
use std::time::Duration;

#[cfg(feature = "security")]
use kafka_security::SaslMechanism;
#[cfg(feature = "security")]
use kafka_security::server::{ServerTls, SignedIn};

/// One of the ports that each broker has (`listeners`): who comes by it is told of the brokers' ports of the same name.
///
/// The feature `security` adds those that encrypt or want a sign-in.
#[derive(Clone, Debug)]
#[must_use = "it is for `EmbeddedClusterBuilder::listener`"]
pub struct ListenerConfig {
    pub(crate) name: String,
    #[cfg(feature = "security")]
    pub(crate) tls: Option<ServerTls>,
    #[cfg(feature = "security")]
    pub(crate) names: Option<NameOfCertificate>,
    #[cfg(feature = "security")]
    pub(crate) sasl: Option<Sasl>,
}

impl ListenerConfig {
    /// Neither encryption nor identity: everybody is `User:ANONYMOUS`.
    pub fn plaintext() -> Self {
        Self {
            name: "PLAINTEXT".to_owned(),
            #[cfg(feature = "security")]
            tls: None,
            #[cfg(feature = "security")]
            names: None,
            #[cfg(feature = "security")]
            sasl: None,
        }
    }

    /// Another name than that of its protocol: for two of the same.
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }
}

#[cfg(feature = "security")]
impl ListenerConfig {
    /// TLS. Who shows a certificate goes by its subject, as in `User:CN=alice,O=Example`; who has none is `User:ANONYMOUS`.
    pub fn ssl(tls: ServerTls) -> Self {
        Self { tls: Some(tls), ..Self::plaintext().named("SSL") }
    }

    /// SASL by one of these mechanisms, over plain TCP.
    pub fn sasl_plaintext(mechanisms: impl IntoIterator<Item = SaslMechanism>) -> Self {
        let mechanisms = mechanisms.into_iter().collect();
        let sasl = Sasl { mechanisms, max_reauth: None, tokens: None };
        Self { sasl: Some(sasl), ..Self::plaintext().named("SASL_PLAINTEXT") }
    }

    /// SASL by one of these mechanisms, over TLS.
    pub fn sasl_ssl(tls: ServerTls, mechanisms: impl IntoIterator<Item = SaslMechanism>) -> Self {
        Self { tls: Some(tls), ..Self::sasl_plaintext(mechanisms).named("SASL_SSL") }
    }

    /// How long a client may stay before it has to sign in anew (`connections.max.reauth.ms`). Without it, as long as it
    /// likes, or as its token is good.
    pub fn max_reauth(mut self, time: Duration) -> Self {
        if let Some(sasl) = &mut self.sasl {
            sasl.max_reauth = Some(time);
        }
        self
    }

    /// Who a token is of, by OAUTHBEARER; the time is in milliseconds since 1970. An error is the status that its client is
    /// told, such as `invalid_token`.
    ///
    /// Without this, tokens are taken that nobody signed, as Kafka does too.
    pub fn tokens(
        mut self,
        check: impl Fn(&str, i64) -> Result<SignedIn, String> + Send + Sync + 'static,
    ) -> Self {
        if let Some(sasl) = &mut self.sasl {
            sasl.tokens = Some(TokenCheck(Arc::new(check)));
        }
        self
    }

    /// The name of whose certificate has this subject (`ssl.principal.mapping.rules`). Without it, the whole subject.
    pub fn certificate_names(mut self, name: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        self.names = Some(NameOfCertificate(Arc::new(name)));
        self
    }

    pub(crate) fn sasl(&self) -> Option<&Sasl> {
        self.sasl.as_ref()
    }
}

/// How clients of a listener sign in.
#[cfg(feature = "security")]
#[derive(Clone, Debug)]
pub(crate) struct Sasl {
    pub(crate) mechanisms: Vec<SaslMechanism>,
    pub(crate) max_reauth: Option<Duration>,
    pub(crate) tokens: Option<TokenCheck>,
}

#[cfg(feature = "security")]
type CheckToken = dyn Fn(&str, i64) -> Result<SignedIn, String> + Send + Sync;

/// What the user of the cluster says of tokens.
#[cfg(feature = "security")]
#[derive(Clone)]
pub(crate) struct TokenCheck(Arc<CheckToken>);

#[cfg(feature = "security")]
impl TokenCheck {
    pub(crate) fn of(&self, token: &str, now: i64) -> Result<SignedIn, String> {
        (self.0)(token, now)
    }
}

#[cfg(feature = "security")]
impl fmt::Debug for TokenCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenCheck")
    }
}

/// What the user of the cluster calls whose certificate it is.
#[cfg(feature = "security")]
#[derive(Clone)]
pub(crate) struct NameOfCertificate(Arc<dyn Fn(&str) -> String + Send + Sync>);

#[cfg(feature = "security")]
impl NameOfCertificate {
    pub(crate) fn of(&self, subject: &str) -> String {
        (self.0)(subject)
    }
}

#[cfg(feature = "security")]
impl fmt::Debug for NameOfCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NameOfCertificate")
    }
}
