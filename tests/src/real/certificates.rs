//! The certificates of a cluster, and new ones of its authority.

use std::path::{Path, PathBuf};

use crate::Cluster;

use super::xtask;

impl Cluster {
    /// The folder with the cluster's certificates.
    ///
    /// There is `ca.pem`, and for each name `<name>.pem` (certificate), `<name>.key.pem` (PKCS#8) and `<name>.store.pem`
    /// (both): `alice` and `bob`, who may sign in; `broker`, for `localhost` and `127.0.0.1`; and such as must be
    /// refused: `expired` (both sides), `elsewhere` (a server's, for `elsewhere.test`), and `stranger` (both sides), whose
    /// authority `stranger-ca.pem` nobody trusts.
    #[must_use]
    pub fn certificates(&self) -> PathBuf {
        self.real().folder.join("certificates")
    }

    /// Makes key and certificate for a name, by the cluster's authority, as files of that name in a folder.
    ///
    /// # Panics
    /// When that fails.
    pub async fn make_certificate(&self, name: &str, folder: &Path) {
        self.certificate(vec![name.to_owned(), "--folder".to_owned(), folder.display().to_string()]).await;
    }

    /// Gives the brokers a new key and certificate by the same authority, without a restart; returns when every new
    /// connection sees it. Not on the oldest cluster.
    ///
    /// # Panics
    /// When that fails.
    pub async fn renew_broker_certificate(&self) {
        self.certificate(vec!["broker".to_owned()]).await;
    }

    async fn certificate(&self, arguments: Vec<String>) {
        let name = self.real().state.name.clone();
        let done = tokio::task::spawn_blocking(move || {
            let mut all = vec!["certificate", "--name", &name];
            all.extend(arguments.iter().map(String::as_str));
            xtask(&all)
        });
        if let Err(message) = done.await.expect("the thread that runs xtask") {
            panic!("cannot make a certificate: {message}");
        }
    }
}
