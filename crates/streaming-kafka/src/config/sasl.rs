//! From SASL's settings to what the client shows: complete, not given twice, and not given in vain.

use kafka_security::{
    Credentials, Jaas, OAuthOptions, OidcTokens, PasswordFile, SaslLogin, SaslMechanism, Secret,
};

use super::{ConfigError, ConfigErrorKind, KafkaConfig};

/// A setting of SASL besides the mechanism: its field, and its value if it may be shown.
type Given<'a> = (&'static str, Option<&'a str>);

const TOKEN_ENDPOINT: &str = "sasl_oauthbearer_token_endpoint_url";
const CLIENT_ID: &str = "sasl_oauthbearer_client_id";
const CLIENT_SECRET: &str = "sasl_oauthbearer_client_secret";
const SCOPE: &str = "sasl_oauthbearer_scope";

impl KafkaConfig {
    /// Who the client is, if it says so by SASL.
    pub(super) fn login(&self) -> Result<Option<SaslLogin>, ConfigError> {
        let given = self.given();
        let protocol = self.security_protocol;
        let protocol_name = self.origin.name("security_protocol");
        if !protocol.is_sasl() {
            let mechanism = self.sasl_mechanism.map(|mechanism| ("sasl_mechanism", Some(mechanism.name())));
            let login = self.sasl_login.as_ref().map(|_| ("sasl_login", None));
            return match mechanism.into_iter().chain(login).chain(given).next() {
                None => Ok(None),
                Some(first) => {
                    let right = format!(
                        "SASL is not used with {protocol_name} `{protocol}`; set that to `SASL_SSL` or \
                         `SASL_PLAINTEXT`, or leave this out"
                    );
                    Err(self.in_vain(first, right))
                }
            };
        }
        for (field, value) in &given {
            if value.is_some_and(str::is_empty) {
                let right = "expected a text that is not empty";
                return Err(self.refuse(ConfigErrorKind::OutOfRange, field, right).with_value(""));
            }
        }
        if let Some(login) = &self.sasl_login {
            return self.by_callback(login, &given).map(Some);
        }
        let Some(mechanism) = self.sasl_mechanism else {
            let right = format!("is needed with {protocol_name} `{protocol}`");
            return Err(self.refuse(ConfigErrorKind::Incomplete, "sasl_mechanism", right));
        };
        let jaas = self.jaas(mechanism)?;
        let login = match mechanism {
            SaslMechanism::OAuthBearer => self.by_token(&given, jaas)?,
            _ => self.by_password(mechanism, &given, jaas)?,
        };
        Ok(Some(login))
    }

    fn given(&self) -> Vec<Given<'_>> {
        let secret = |value: &'_ Option<Secret>| {
            value.as_ref().map(|value| if value.expose().is_empty() { "" } else { "***" })
        };
        let path = self.sasl_password_file.as_ref();
        let path = path.map(|path| if path.as_os_str().is_empty() { "" } else { "***" });
        let all = [
            ("sasl_username", self.sasl_username.as_deref()),
            ("sasl_password", secret(&self.sasl_password)),
            ("sasl_password_file", path),
            ("sasl_jaas_config", secret(&self.sasl_jaas_config)),
            (TOKEN_ENDPOINT, self.sasl_oauthbearer_token_endpoint_url.as_deref()),
            (CLIENT_ID, self.sasl_oauthbearer_client_id.as_deref()),
            (CLIENT_SECRET, secret(&self.sasl_oauthbearer_client_secret)),
            (SCOPE, self.sasl_oauthbearer_scope.as_deref()),
        ];
        all.into_iter().filter(|(_, value)| value.is_some()).collect()
    }

    fn refuse(&self, kind: ConfigErrorKind, field: &str, right: impl Into<String>) -> ConfigError {
        ConfigError::new(kind, self.origin.name(field), right)
    }

    fn in_vain(&self, (field, value): Given<'_>, right: impl Into<String>) -> ConfigError {
        let error = self.refuse(ConfigErrorKind::Contradiction, field, right);
        match value {
            Some(value) => error.with_value(value),
            None => error,
        }
    }

    /// A setting of `given` that is none of `fields`.
    fn other<'a>(given: &[Given<'a>], fields: &[&str]) -> Option<Given<'a>> {
        given.iter().find(|(field, _)| !fields.contains(field)).copied()
    }

    fn by_callback(&self, login: &SaslLogin, given: &[Given<'_>]) -> Result<SaslLogin, ConfigError> {
        if let Some(other) = given.first() {
            return Err(self.in_vain(*other, "`sasl_login` is there in its place: keep one of them"));
        }
        if let Some(mechanism) = self.sasl_mechanism.filter(|mechanism| *mechanism != login.mechanism()) {
            let right = format!("`sasl_login` is for `{}`", login.mechanism());
            return Err(self.in_vain(("sasl_mechanism", Some(mechanism.name())), right));
        }
        login
            .check()
            .map_err(|error| self.refuse(ConfigErrorKind::OutOfRange, "sasl_login", error.to_string()))?;
        Ok(login.clone())
    }

    fn jaas(&self, mechanism: SaslMechanism) -> Result<Option<Jaas>, ConfigError> {
        let Some(text) = &self.sasl_jaas_config else { return Ok(None) };
        let jaas = Jaas::parse(text.expose()).map_err(|error| {
            self.refuse(ConfigErrorKind::Malformed, "sasl_jaas_config", error.to_string()).with_hidden_value()
        })?;
        let fits = match &jaas {
            Jaas::Plain(_) => mechanism == SaslMechanism::Plain,
            Jaas::Scram(_) => {
                matches!(mechanism, SaslMechanism::ScramSha256 | SaslMechanism::ScramSha512)
            }
            Jaas::OAuthBearer(_) => mechanism == SaslMechanism::OAuthBearer,
            _ => false,
        };
        if fits {
            return Ok(Some(jaas));
        }
        let right =
            format!("its login module is not for {} `{mechanism}`", self.origin.name("sasl_mechanism"));
        Err(self.refuse(ConfigErrorKind::Contradiction, "sasl_jaas_config", right).with_hidden_value())
    }

    fn by_password(
        &self,
        mechanism: SaslMechanism,
        given: &[Given<'_>],
        jaas: Option<Jaas>,
    ) -> Result<SaslLogin, ConfigError> {
        let own = ["sasl_username", "sasl_password", "sasl_password_file"];
        if let Some(other) = Self::other(given, &[&own[..], &["sasl_jaas_config"]].concat()) {
            let right = format!("is for `OAUTHBEARER` and not for `{mechanism}`: leave one of them out");
            return Err(self.in_vain(other, right));
        }
        if let Some(Jaas::Plain(credentials) | Jaas::Scram(credentials)) = jaas {
            if let Some(other) = Self::other(given, &["sasl_jaas_config"]) {
                return Err(self.twice(other, "sasl_jaas_config"));
            }
            let Credentials { username, password, .. } = credentials;
            return self.checked(SaslLogin::with_password(mechanism, username, password), "sasl_jaas_config");
        }
        let needed = |field: &str, right: String| self.refuse(ConfigErrorKind::Incomplete, field, right);
        let with = format!("with {} `{mechanism}`", self.origin.name("sasl_mechanism"));
        let Some(username) = self.sasl_username.as_deref() else {
            return Err(needed("sasl_username", format!("is needed {with}")));
        };
        match (&self.sasl_password, &self.sasl_password_file) {
            (Some(_), Some(_)) => Err(self.twice(("sasl_password_file", None), "sasl_password")),
            (Some(password), None) => {
                let login = SaslLogin::with_password(mechanism, username, password.clone());
                self.checked(login, "sasl_password")
            }
            (None, Some(path)) => {
                let file = PasswordFile::open(username, path).map_err(|error| {
                    let right = format!("expected the path of a file with the password in it; {error}");
                    self.refuse(ConfigErrorKind::File, "sasl_password_file", right)
                })?;
                Ok(SaslLogin::with_credentials(mechanism, file))
            }
            (None, None) => {
                let right = format!("is needed {with}, or {}", self.origin.name("sasl_password_file"));
                Err(needed("sasl_password", right))
            }
        }
    }

    fn by_token(&self, given: &[Given<'_>], jaas: Option<Jaas>) -> Result<SaslLogin, ConfigError> {
        let own = ["sasl_jaas_config", TOKEN_ENDPOINT, CLIENT_ID, CLIENT_SECRET, SCOPE];
        if let Some(other) = Self::other(given, &own) {
            return Err(
                self.in_vain(other, "is not for `OAUTHBEARER`, which shows a token: leave one of them out")
            );
        }
        let OAuthOptions { client_id, client_secret, scope, extensions, unsecured, .. } = match jaas {
            Some(Jaas::OAuthBearer(options)) => options,
            _ => OAuthOptions::default(),
        };
        let Some(url) = self.sasl_oauthbearer_token_endpoint_url.as_deref() else {
            if let Some((field, _)) = Self::other(given, &["sasl_jaas_config"]) {
                let right = format!("needs {}", self.origin.name(TOKEN_ENDPOINT));
                return Err(self.refuse(ConfigErrorKind::Incomplete, field, right));
            }
            return match unsecured {
                Some(tokens) => self.checked(SaslLogin::with_tokens(tokens), "sasl_jaas_config"),
                None => {
                    let right = "is needed with `OAUTHBEARER`; only for tests, `unsecuredLoginStringClaim_sub` in \
                                 `sasl.jaas.config` does without";
                    Err(self.refuse(ConfigErrorKind::Incomplete, TOKEN_ENDPOINT, right))
                }
            };
        };
        if unsecured.is_some() {
            let right = format!(
                "tokens without a signature and {} exclude each other: keep one of them",
                self.origin.name(TOKEN_ENDPOINT)
            );
            return Err(self
                .refuse(ConfigErrorKind::Contradiction, "sasl_jaas_config", right)
                .with_hidden_value());
        }
        for (field, is_given, in_jaas) in [
            (CLIENT_ID, self.sasl_oauthbearer_client_id.is_some(), client_id.is_some()),
            (CLIENT_SECRET, self.sasl_oauthbearer_client_secret.is_some(), client_secret.is_some()),
            (SCOPE, self.sasl_oauthbearer_scope.is_some(), scope.is_some()),
        ] {
            if is_given && in_jaas {
                return Err(self.twice((field, None), "sasl_jaas_config"));
            }
        }
        let needed = |field: &str| {
            let right = format!("is needed with {}", self.origin.name(TOKEN_ENDPOINT));
            self.refuse(ConfigErrorKind::Incomplete, field, right)
        };
        let id = self.sasl_oauthbearer_client_id.clone().or(client_id).ok_or_else(|| needed(CLIENT_ID))?;
        let secret = self.sasl_oauthbearer_client_secret.clone().or(client_secret);
        let secret = secret.ok_or_else(|| needed(CLIENT_SECRET))?;
        let tokens = OidcTokens::new(url, id, secret)
            .map_err(|error| self.refuse(ConfigErrorKind::OutOfRange, TOKEN_ENDPOINT, error.to_string()))?;
        let mut tokens = tokens.with_tls(self.tls());
        if let Some(scope) = self.sasl_oauthbearer_scope.clone().or(scope) {
            tokens = tokens.with_scope(scope);
        }
        for (name, value) in extensions {
            tokens = tokens.with_extension(name, value);
        }
        self.checked(SaslLogin::with_tokens(tokens), TOKEN_ENDPOINT)
    }

    fn twice(&self, (field, _): Given<'_>, other: &str) -> ConfigError {
        let right = format!("{} says the same: keep one of them", self.origin.name(other));
        self.refuse(ConfigErrorKind::Duplicate, field, right)
    }

    fn checked(&self, login: SaslLogin, field: &str) -> Result<SaslLogin, ConfigError> {
        match login.check() {
            Ok(()) => Ok(login),
            Err(error) => Err(self.refuse(ConfigErrorKind::OutOfRange, field, error.to_string())),
        }
    }
}
