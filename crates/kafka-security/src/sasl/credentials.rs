use std::fmt;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use kafka_core::net::BoxFuture;
use kafka_core::{Error, ErrorKind, Result};
use tokio::sync::watch;

use crate::Secret;
use crate::watch::Watched;

/// How often a password's file is looked at while nobody authenticates.
const WATCH_INTERVAL: Duration = Duration::from_secs(10);

/// A user and the password.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Credentials {
    /// The user.
    pub username: String,
    /// The user's password.
    pub password: Secret,
}

impl Credentials {
    /// A user and the password; neither may be empty when they are used.
    pub fn new(username: impl Into<String>, password: impl Into<Secret>) -> Self {
        Self { username: username.into(), password: password.into() }
    }
}

/// Where user and password come from: a secret manager, for one.
///
/// It is asked at each authentication: for every new connection, and when a session is renewed. A function that returns
/// a future of [`Credentials`] is one.
///
/// ```
/// use kafka_security::{Credentials, SaslLogin, SaslMechanism};
///
/// let login = SaslLogin::with_credentials(SaslMechanism::ScramSha512, || async {
///     Ok(Credentials::new("service", "what the secret manager said"))
/// });
/// ```
pub trait CredentialsProvider: Send + Sync + 'static {
    /// What to authenticate with now.
    ///
    /// # Errors
    /// As it sees fit: a retriable kind, such as [`ErrorKind::Connect`], has the connection tried again.
    ///
    /// # Cancel safety
    /// The future is dropped when setting up the connection takes too long.
    fn credentials(&self) -> BoxFuture<'_, Result<Credentials>>;

    /// Changes when there are new credentials: then connections are opened anew, each once nobody waits for an answer on
    /// the old one. `None` where that is not known; new credentials are then used from the next authentication on.
    fn renewals(&self) -> Option<watch::Receiver<u64>> {
        None
    }
}

impl<F, Answer> CredentialsProvider for F
where
    F: Fn() -> Answer + Send + Sync + 'static,
    Answer: Future<Output = Result<Credentials>> + Send + 'static,
{
    fn credentials(&self) -> BoxFuture<'_, Result<Credentials>> {
        Box::pin(self())
    }
}

/// A password in a file, which is watched: a changed one is used from then on, and connections are renewed.
///
/// One line end at the end of the file does not belong to the password. Should the file be gone, unreadable or empty
/// later, the last password stays, and an error is logged.
pub struct PasswordFile {
    username: String,
    password: Arc<Watched<Secret>>,
}

impl PasswordFile {
    /// Reads the file at `path` for the first time.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] where it cannot be read, is not UTF-8, or is empty.
    pub fn open(username: impl Into<String>, path: impl Into<PathBuf>) -> Result<Self> {
        let path = path.into();
        let paths = vec![path.clone()];
        let password = Watched::new("SASL password", paths, WATCH_INTERVAL, move || read(&path))?;
        Ok(Self { username: username.into(), password })
    }
}

fn read(path: &Path) -> Result<Secret> {
    let refuse =
        |problem: String| Error::new(ErrorKind::InvalidInput, format!("the password's file {problem}"));
    let bytes =
        std::fs::read(path).map_err(|error| refuse(format!("cannot be read: {error}")).with_source(error))?;
    let text = String::from_utf8(bytes).map_err(|_| refuse("is not UTF-8".to_owned()))?;
    let text = Secret::from(text);
    let line = text.expose();
    let line = line.strip_suffix('\n').map_or(line, |line| line.strip_suffix('\r').unwrap_or(line));
    match line {
        "" => Err(refuse("is empty".to_owned())),
        line => Ok(line.into()),
    }
}

impl CredentialsProvider for PasswordFile {
    fn credentials(&self) -> BoxFuture<'_, Result<Credentials>> {
        Box::pin(async move {
            let password = self.password.fresh().await.value;
            Ok(Credentials::new(self.username.clone(), Secret::clone(&password)))
        })
    }

    fn renewals(&self) -> Option<watch::Receiver<u64>> {
        Some(self.password.renewals())
    }
}

impl fmt::Debug for PasswordFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasswordFile")
            .field("username", &self.username)
            .field("password", &self.password)
            .finish()
    }
}
