//! Servers of our own for the tests of TLS.

#![allow(clippy::unwrap_used, reason = "helpers of tests may fail the test")]
#![allow(dead_code, reason = "each test program uses a part")]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use kafka_core::net::{Address, Connector, Dialer, TcpConnector};
use kafka_security::{TlsConfig, TlsConnector};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// Of every encrypted key and store among the fixtures.
pub(crate) const PASS_PHRASE: &str = "pass-phrase-of-the-key";

/// A fixture.
pub(crate) fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/pem").join(name)
}

/// Trusts the fixtures' authority.
pub(crate) fn trusting() -> TlsConfig {
    TlsConfig::new().ca_location(file("ca.pem"))
}

/// How a server answers a handshake.
pub(crate) struct Server {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
    pub(crate) asks_client: bool,
    pub(crate) versions: Vec<&'static SupportedProtocolVersion>,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            certificate: file("server.pem"),
            key: file("server.key"),
            asks_client: false,
            versions: vec![&rustls::version::TLS12, &rustls::version::TLS13],
        }
    }
}

impl Server {
    pub(crate) fn showing(certificate: &str) -> Self {
        Self { certificate: file(certificate), ..Self::default() }
    }

    pub(crate) fn asking_client() -> Self {
        Self { asks_client: true, ..Self::default() }
    }

    pub(crate) fn with_versions(mut self, versions: &[&'static SupportedProtocolVersion]) -> Self {
        self.versions = versions.to_vec();
        self
    }

    pub(crate) fn config(&self) -> ServerConfig {
        let provider = Arc::new(rustls_graviola::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&self.versions)
            .unwrap();
        let builder = if self.asks_client {
            let mut roots = RootCertStore::empty();
            roots.add(CertificateDer::from_pem_file(file("ca.pem")).unwrap()).unwrap();
            builder.with_client_cert_verifier(
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap(),
            )
        } else {
            builder.with_no_client_auth()
        };
        let certificate = CertificateDer::from_pem_file(&self.certificate).unwrap();
        let key = PrivateKeyDer::from_pem_file(&self.key).unwrap();
        builder.with_single_cert(vec![certificate], key).unwrap()
    }

    /// Answers each byte with the serial number of the certificate that the client has shown, or with a zero.
    pub(crate) async fn start(&self) -> Address {
        let acceptor = TlsAcceptor::from(Arc::new(self.config()));
        serve(move |stream| {
            let acceptor = acceptor.clone();
            async move {
                if let Ok(mut stream) = acceptor.accept(stream).await {
                    let shown = stream.get_ref().1.peer_certificates().and_then(|all| all.first().cloned());
                    let mut byte = [0];
                    while stream.read_exact(&mut byte).await.is_ok() {
                        let answer = shown.as_ref().map_or(0, fingerprint);
                        if stream.write_all(&[answer]).await.is_err() {
                            break;
                        }
                    }
                }
            }
        })
        .await
    }
}

/// A byte that tells certificates apart; never zero.
pub(crate) fn fingerprint(certificate: &CertificateDer<'static>) -> u8 {
    certificate.iter().fold(7u8, |sum, byte| sum.wrapping_mul(31).wrapping_add(*byte)) | 1
}

/// Runs `behave` for each connection.
pub(crate) async fn serve<F: Future<Output = ()> + Send + 'static>(
    behave: impl Fn(TcpStream) -> F + Send + 'static,
) -> Address {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(behave(stream));
        }
    });
    Address::new("localhost", port)
}

/// Connects and asks which certificate the server has seen.
pub(crate) async fn ask(connector: &TlsConnector, address: &Address) -> kafka_core::Result<u8> {
    let mut stream = connector.connect(address).await?;
    let ended = |error: std::io::Error| {
        kafka_core::Error::new(kafka_core::ErrorKind::Disconnected, format!("{error}"))
    };
    stream.write_all(b"x").await.map_err(ended)?;
    let mut byte = [0];
    stream.read_exact(&mut byte).await.map_err(ended)?;
    Ok(byte[0])
}

pub(crate) async fn ask_by(config: &TlsConfig, address: &Address) -> kafka_core::Result<u8> {
    ask(&TlsConnector::new(config, TcpConnector::new())?, address).await
}

/// Sets up a Kafka connection within `limit`, which none of these servers allows; the error.
pub(crate) async fn refusal(config: &TlsConfig, address: &Address, limit: Duration) -> kafka_core::Error {
    let connector = TlsConnector::new(config, TcpConnector::new()).unwrap();
    let dialer = Dialer::new("test").with_connector(Arc::new(connector));
    dialer.open(address, limit).await.unwrap_err()
}
