//! Files that change while a client runs: what is used from when on, and what is kept.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests may fail the test")]

mod tls_support;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kafka_core::net::{Connector, Stage, TcpConnector};
use kafka_security::{TlsConfig, TlsConnector};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use tls_support::{PASS_PHRASE, Server, ask, file, fingerprint, trusting};
use tracing_subscriber::fmt::MakeWriter;

/// Long enough for any machine; only a failure waits for it.
const AMPLE: Duration = Duration::from_secs(60);

/// A folder with certificate and key of one client, as `cert.pem` and `key.pem`.
struct Folder(tempfile::TempDir);

impl Folder {
    fn with(who: &str) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        folder.put(&format!("{who}.pem"), "cert.pem");
        folder.put(&format!("{who}.key"), "key.pem");
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn put(&self, fixture: &str, name: &str) {
        replace(&file(fixture), &self.path(name));
    }

    fn config(&self) -> TlsConfig {
        trusting().identity_location(self.path("cert.pem"), self.path("key.pem"))
    }
}

/// Puts a file into another's place in one step.
fn replace(from: &Path, to: &Path) {
    let next = to.with_extension("next");
    fs::copy(from, &next).unwrap();
    fs::rename(next, to).unwrap();
}

fn of(who: &str) -> u8 {
    fingerprint(&CertificateDer::from_pem_file(file(&format!("{who}.pem"))).unwrap())
}

fn connector(config: &TlsConfig) -> TlsConnector {
    TlsConnector::new(config, TcpConnector::new()).unwrap()
}

#[tokio::test]
async fn a_new_pair_is_shown_by_the_next_connection_and_the_old_one_is_told() {
    let address = Server::asking_client().start().await;
    let folder = Folder::with("client");
    let connector = connector(&folder.config());
    assert_eq!(ask(&connector, &address).await.unwrap(), of("client"));
    let before = connector.open(&address, &Stage::default()).await.unwrap();
    let mut renewals = before.renewals.unwrap();
    assert!(!renewals.has_changed().unwrap());

    folder.put("client-rsa.pem", "cert.pem");
    folder.put("client-rsa.key", "key.pem");
    assert_eq!(ask(&connector, &address).await.unwrap(), of("client-rsa"));
    tokio::time::timeout(AMPLE, renewals.changed()).await.unwrap().unwrap();
    let after = connector.open(&address, &Stage::default()).await.unwrap();
    assert!(!after.renewals.unwrap().has_changed().unwrap(), "a new connection is not old");
}

#[tokio::test]
async fn a_pair_that_is_replaced_one_after_the_other_is_used_when_both_fit() {
    let address = Server::asking_client().start().await;
    let folder = Folder::with("client");
    let connector = connector(&folder.config());
    for (fixture, name, shown) in [
        ("client-rsa.pem", "cert.pem", "client"),
        ("client-rsa.key", "key.pem", "client-rsa"),
        // And back, the key first.
        ("client.key", "key.pem", "client-rsa"),
        ("client.pem", "cert.pem", "client"),
    ] {
        folder.put(fixture, name);
        assert_eq!(ask(&connector, &address).await.unwrap(), of(shown), "after {name} became {fixture}");
    }
}

#[tokio::test]
async fn a_file_that_is_written_in_place_with_the_same_length_is_seen() {
    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("ca.pem");
    fs::copy(file("other-ca.pem"), &ca).unwrap();
    let mut other = fs::read(file("other-ca.pem")).unwrap();
    let right = fs::read(file("ca.pem")).unwrap();
    let address = Server::default().start().await;
    let connector = connector(&TlsConfig::new().ca_location(&ca));
    for _ in 0..20 {
        assert!(ask(&connector, &address).await.is_err());
        let mut long = right.clone();
        // Equal lengths, and most likely written within one tick of the file system's clock.
        let longest = long.len().max(other.len());
        long.resize(longest, b'\n');
        other.resize(longest, b'\n');
        fs::write(&ca, &long).unwrap();
        ask(&connector, &address).await.unwrap();
        fs::write(&ca, &other).unwrap();
    }
}

/// A secret of Kubernetes: links through `..data`, which is swapped in one step.
#[cfg(unix)]
#[tokio::test]
async fn links_that_are_swapped_are_followed() {
    use std::os::unix::fs::symlink;
    let address = Server::asking_client().start().await;
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let version = |name: &str, who: &str| {
        fs::create_dir(root.join(name)).unwrap();
        fs::copy(file(&format!("{who}.pem")), root.join(name).join("tls.crt")).unwrap();
        fs::copy(file(&format!("{who}.key")), root.join(name).join("tls.key")).unwrap();
        symlink(name, root.join("..next")).unwrap();
        fs::rename(root.join("..next"), root.join("..data")).unwrap();
    };
    version("..2026_01", "client");
    for name in ["tls.crt", "tls.key"] {
        symlink(Path::new("..data").join(name), root.join(name)).unwrap();
    }
    let connector = connector(&trusting().identity_location(root.join("tls.crt"), root.join("tls.key")));
    assert_eq!(ask(&connector, &address).await.unwrap(), of("client"));
    version("..2026_02", "client-rsa");
    fs::remove_dir_all(root.join("..2026_01")).unwrap();
    assert_eq!(ask(&connector, &address).await.unwrap(), of("client-rsa"));
}

#[tokio::test]
async fn an_authority_that_comes_into_a_directory_is_trusted_and_one_that_goes_is_not() {
    let address = Server::default().start().await;
    let folder = tempfile::tempdir().unwrap();
    fs::copy(file("other-ca.pem"), folder.path().join("other.pem")).unwrap();
    let connector = connector(&TlsConfig::new().ca_location(folder.path()));
    assert!(ask(&connector, &address).await.is_err());
    fs::copy(file("ca.pem"), folder.path().join("ours.pem")).unwrap();
    ask(&connector, &address).await.unwrap();
    fs::remove_file(folder.path().join("ours.pem")).unwrap();
    assert!(ask(&connector, &address).await.is_err());
}

#[tokio::test]
async fn a_store_and_a_key_under_a_pass_phrase_are_read_again_too() {
    let address = Server::asking_client().start().await;
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    replace(&file("client-openssl.p12"), &store);
    let connector = connector(&trusting().keystore_location(&store).keystore_password(PASS_PHRASE));
    assert_eq!(ask(&connector, &address).await.unwrap(), of("client"));
    fs::write(
        &store,
        [fs::read(file("client-rsa.key")).unwrap(), fs::read(file("client-rsa.pem")).unwrap()].concat(),
    )
    .unwrap();
    assert_eq!(ask(&connector, &address).await.unwrap(), of("client-rsa"));
}

#[test]
fn what_breaks_is_logged_once_and_what_was_read_before_stays() {
    let log = Log::default();
    let subscriber =
        tracing_subscriber::fmt().with_writer(log.clone()).with_max_level(tracing::Level::TRACE).finish();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        // The timer looks on threads of the runtime.
        .on_thread_start({
            let dispatch = tracing::Dispatch::new(subscriber);
            move || std::mem::forget(tracing::dispatcher::set_default(&dispatch))
        })
        .build()
        .unwrap();
    runtime.block_on(async {
        tokio::spawn(async move {
            let address = Server::asking_client().start().await;
            let folder = Folder::with("client");
            let connector = connector(&folder.config().watch_interval(Duration::from_millis(50)));
            let mut renewals = connector.open(&address, &Stage::default()).await.unwrap().renewals.unwrap();

            fs::write(folder.path("key.pem"), "garbage").unwrap();
            log.wait_for("ERROR").await;
            fs::remove_file(folder.path("cert.pem")).unwrap();
            log.wait_for("cert.pem` cannot be read").await;
            tokio::time::sleep(Duration::from_millis(500)).await;
            assert_eq!(log.count("key.pem` holds no private key"), 1, "{}", log.text());
            assert_eq!(log.count("cert.pem` cannot be read"), 1, "{}", log.text());
            assert_eq!(ask(&connector, &address).await.unwrap(), of("client"));
            assert!(!renewals.has_changed().unwrap());

            folder.put("client-rsa.key", "key.pem");
            folder.put("client-rsa.pem", "cert.pem");
            // By the timer alone: nobody connects.
            tokio::time::timeout(AMPLE, renewals.changed()).await.unwrap().unwrap();
            assert_eq!(ask(&connector, &address).await.unwrap(), of("client-rsa"));
            assert_eq!(log.count("ERROR"), 2, "{}", log.text());
        })
        .await
        .unwrap();
    });
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    fn count(&self, words: &str) -> usize {
        self.text().matches(words).count()
    }

    async fn wait_for(&self, words: &str) {
        let found = async {
            while self.count(words) == 0 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(AMPLE, found).await.expect("the words never came");
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}
