//! Users who sign in with passwords.

use std::sync::Arc;

use bytes::Bytes;
use kafka_security::server::{MIN_SCRAM_ITERATIONS, ScramCredential};
use kafka_security::{SaslMechanism, Secret};

use crate::sasl::{Salted, ScramMechanism, scram_mechanisms};
use crate::shell::Shared;
use crate::{EmbeddedCluster, Error};

impl EmbeddedCluster {
    /// Adds a user who may sign in with a password, by PLAIN and by SCRAM, or changes the password. Who has signed in stays.
    ///
    /// # Errors
    /// [`Error::Setting`] for a name or password that is empty.
    ///
    /// # Cancel safety
    /// Dropping the future may leave everything as it was.
    pub async fn set_user(&self, name: impl Into<String>, password: impl Into<Secret>) -> Result<(), Error> {
        add_all(self.shared(), vec![(name.into(), password.into())]).await
    }

    /// Forgets a user; false if there was none. Who has signed in stays.
    pub fn remove_user(&self, name: &str) -> bool {
        self.shared().with(|cluster| {
            let had_password = cluster.passwords.remove(name).is_some();
            cluster.scram_credentials.remove(name).is_some() || had_password
        })
    }
}

/// Adds users with their passwords.
pub(crate) async fn add_all(shared: &Arc<Shared>, users: Vec<(String, Secret)>) -> Result<(), Error> {
    for (name, password) in users {
        if name.is_empty() || password.expose().is_empty() {
            return Err(Error::Setting("a user has neither an empty name nor an empty password".to_owned()));
        }
        let mut salted = Vec::new();
        for (mechanism, kept_as) in offered(shared) {
            let salt = shared.with(|cluster| cluster.random.u128(..).to_be_bytes());
            let password = password.clone();
            // Thousands of hashes would hold up other tasks.
            let salting = tokio::task::spawn_blocking(move || salt_password(mechanism, &password, &salt));
            let one = salting.await.map_err(|error| Error::Setting(format!("a password: {error}")))?;
            salted.push((kept_as, one));
        }
        shared.with(|cluster| {
            cluster.passwords.insert(name.clone(), password);
            cluster.scram_credentials.entry(name).or_default().extend(salted);
        });
    }
    Ok(())
}

/// The mechanisms of SCRAM that some listener offers.
fn offered(shared: &Shared) -> Vec<(SaslMechanism, ScramMechanism)> {
    let is_offered = |mechanism: &SaslMechanism| {
        shared.with(|cluster| {
            let sasl = cluster.settings.listeners.iter().filter_map(|listener| listener.sasl());
            sasl.into_iter().any(|sasl| sasl.mechanisms.contains(mechanism))
        })
    };
    scram_mechanisms().into_iter().filter(|(mechanism, _)| is_offered(mechanism)).collect()
}

fn salt_password(mechanism: SaslMechanism, password: &Secret, salt: &[u8]) -> Salted {
    let salted = ScramCredential::salt_password(mechanism, password.expose(), salt, MIN_SCRAM_ITERATIONS);
    Salted {
        salt: Bytes::copy_from_slice(salt),
        password: salted.into(),
        iterations: i32::try_from(MIN_SCRAM_ITERATIONS).unwrap_or(i32::MAX),
    }
}
