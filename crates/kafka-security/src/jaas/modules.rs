use std::collections::BTreeMap;
use std::time::Duration;

use kafka_core::{Error, ErrorKind, Result};
use serde_json::{Map, Value};

use super::syntax::{self, Entry};
use crate::{Credentials, Secret, TokenProvider, UnsecuredTokens};

const PACKAGE: &str = "org.apache.kafka.common.security.";

/// What a `sasl.jaas.config` says, by its login module.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Jaas {
    /// `plain.PlainLoginModule`: user and password for PLAIN.
    Plain(Credentials),
    /// `scram.ScramLoginModule`: user and password for either SCRAM.
    Scram(Credentials),
    /// `oauthbearer.OAuthBearerLoginModule`: how tokens are got for OAUTHBEARER.
    OAuthBearer(OAuthOptions),
}

/// The options of `OAuthBearerLoginModule`.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct OAuthOptions {
    /// `clientId`: the client at the token endpoint.
    pub client_id: Option<String>,
    /// `clientSecret`: its secret.
    pub client_secret: Option<Secret>,
    /// `scope`: what is asked for.
    pub scope: Option<String>,
    /// `extension_<name>`: what the broker is told beside the token (KIP-342).
    pub extensions: BTreeMap<String, String>,
    /// `unsecuredLogin...`: tokens that nobody signed.
    pub unsecured: Option<UnsecuredTokens>,
}

impl Jaas {
    /// Reads a `sasl.jaas.config`.
    ///
    /// ```
    /// use kafka_security::Jaas;
    ///
    /// let jaas = Jaas::parse(
    ///     "org.apache.kafka.common.security.plain.PlainLoginModule required username=\"me\" password=\"secret\";",
    /// )?;
    /// assert!(matches!(jaas, Jaas::Plain(credentials) if credentials.username == "me"));
    /// # Ok::<_, kafka_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] that says what is expected and where, names a module or option that is not known or
    /// missing, and shows no value.
    pub fn parse(text: &str) -> Result<Self> {
        let read = syntax::parse(text).and_then(read);
        read.map_err(|problem| Error::new(ErrorKind::InvalidInput, problem))
    }
}

fn read(entry: Entry) -> Result<Jaas, String> {
    let Entry { module, options } = entry;
    let mut given = BTreeMap::new();
    for (name, value) in options {
        if given.insert(name.clone(), value).is_some() {
            return Err(format!("the option `{}` is given twice", name.escape_debug()));
        }
    }
    let mut options = Options { module: module.rsplit('.').next().unwrap_or_default().to_owned(), given };
    let jaas = match module.strip_prefix(PACKAGE) {
        Some("plain.PlainLoginModule") => Jaas::Plain(credentials(&mut options)?),
        Some("scram.ScramLoginModule") => {
            if options.take("tokenauth").is_some_and(|given| given.expose().eq_ignore_ascii_case("true")) {
                return Err("the option `tokenauth` (delegation tokens) is not supported".to_owned());
            }
            Jaas::Scram(credentials(&mut options)?)
        }
        Some("oauthbearer.OAuthBearerLoginModule") => Jaas::OAuthBearer(oauth(&mut options)?),
        _ => {
            return Err(format!(
                "unknown login module `{}`; known are `{PACKAGE}plain.PlainLoginModule`, \
                 `{PACKAGE}scram.ScramLoginModule` and `{PACKAGE}oauthbearer.OAuthBearerLoginModule`",
                module.chars().take(100).collect::<String>()
            ));
        }
    };
    match options.given.into_keys().next() {
        None => Ok(jaas),
        Some(name) => Err(format!("unknown option `{}` of `{}`", name.escape_debug(), options.module)),
    }
}

struct Options {
    module: String,
    given: BTreeMap<String, Secret>,
}

impl Options {
    fn take(&mut self, name: &str) -> Option<Secret> {
        self.given.remove(name)
    }

    fn text(&mut self, name: &str) -> Option<String> {
        self.take(name).map(|value| value.expose().to_owned())
    }

    fn needed(&mut self, name: &str) -> Result<Secret, String> {
        match self.take(name) {
            Some(value) if value.expose().is_empty() => {
                Err(format!("the option `{name}` of `{}` is empty", self.module))
            }
            Some(value) => Ok(value),
            None => Err(format!("`{}` needs the option `{name}`", self.module)),
        }
    }

    /// Those whose name begins with `prefix`, with the rest of it.
    fn take_all(&mut self, prefix: &str) -> Vec<(String, String)> {
        let names: Vec<_> = self.given.keys().filter(|name| name.starts_with(prefix)).cloned().collect();
        let taken = names.into_iter().filter_map(|name| {
            let rest = name.strip_prefix(prefix)?.to_owned();
            Some((rest, self.text(&name)?))
        });
        taken.collect()
    }
}

fn credentials(options: &mut Options) -> Result<Credentials, String> {
    let username = options.needed("username")?;
    Ok(Credentials::new(username.expose(), options.needed("password")?))
}

fn oauth(options: &mut Options) -> Result<OAuthOptions, String> {
    Ok(OAuthOptions {
        client_id: options.text("clientId"),
        client_secret: options.take("clientSecret"),
        scope: options.text("scope"),
        extensions: options.take_all("extension_").into_iter().collect(),
        unsecured: unsecured(options)?,
    })
}

/// As `OAuthBearerUnsecuredLoginCallbackHandler` documents them.
fn unsecured(options: &mut Options) -> Result<Option<UnsecuredTokens>, String> {
    if !options.given.keys().any(|name| name.starts_with("unsecuredLogin")) {
        return Ok(None);
    }
    let mut claims = Map::new();
    for (name, text) in options.take_all("unsecuredLoginStringClaim_") {
        claims.insert(name, Value::String(text));
    }
    for (name, text) in options.take_all("unsecuredLoginNumberClaim_") {
        let number = text.trim().parse::<f64>().ok().and_then(serde_json::Number::from_f64);
        let number = number.ok_or_else(|| format!("`unsecuredLoginNumberClaim_{name}` is no number"))?;
        claims.insert(name, Value::Number(number));
    }
    for (name, text) in options.take_all("unsecuredLoginListClaim_") {
        // The first character is what separates the others.
        let mut chars = text.chars();
        let items = match chars.next() {
            Some(separator) => chars.as_str().split(separator).map(Value::from).collect(),
            None => Vec::new(),
        };
        claims.insert(name, Value::Array(items));
    }
    let mut tokens = UnsecuredTokens::from_claims(claims);
    if let Some(name) = options.text("unsecuredLoginPrincipalClaimName") {
        tokens = tokens.with_principal_claim(name);
    }
    // Only Java's client looks at its own scope by this name.
    options.take("unsecuredLoginScopeClaimName");
    if let Some(seconds) = options.text("unsecuredLoginLifetimeSeconds") {
        let seconds = seconds.trim().parse::<u32>().ok().filter(|seconds| *seconds > 0);
        let seconds = seconds.ok_or("`unsecuredLoginLifetimeSeconds` is no whole number of at least 1")?;
        tokens = tokens.with_lifetime(Duration::from_secs(seconds.into()));
    }
    for (name, value) in options.take_all("unsecuredLoginExtension_") {
        tokens = tokens.with_extension(name, value);
    }
    tokens.check().map_err(|error| format!("{error} (`unsecuredLoginStringClaim_sub`)"))?;
    Ok(Some(tokens))
}
