//! TLS against a server of our own: what is trusted, what is refused, and what the errors say.

#![allow(clippy::unwrap_used, reason = "helpers of tests may fail the test")]

use std::path::PathBuf;
use std::sync::Arc;

use kafka_core::ErrorKind;
use kafka_core::net::{Address, Connector, TcpConnector};
use kafka_security::{TlsConfig, TlsConnector};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/pem").join(name)
}

/// A server that answers one byte with the same byte; with `client_ca` it asks for a client certificate.
async fn server(ask_client: bool) -> Address {
    let provider = Arc::new(rustls_graviola::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap();
    let builder = if ask_client {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(file("ca.pem")).unwrap()).unwrap();
        builder.with_client_cert_verifier(
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap(),
        )
    } else {
        builder.with_no_client_auth()
    };
    let certificate = CertificateDer::from_pem_file(file("server.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(file("server.key")).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(builder.with_single_cert(vec![certificate], key).unwrap()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                if let Ok(mut stream) = acceptor.accept(stream).await {
                    let mut byte = [0];
                    if stream.read_exact(&mut byte).await.is_ok() {
                        let _ = stream.write_all(&byte).await;
                        let _ = stream.shutdown().await;
                    }
                }
            });
        }
    });
    Address::new("localhost", port)
}

async fn echo(config: &TlsConfig, address: &Address) -> kafka_core::Result<()> {
    let connector = TlsConnector::new(config, TcpConnector::new())?;
    let mut stream = connector.connect(address).await?;
    let ended = |error| kafka_core::Error::new(ErrorKind::Disconnected, format!("{error}"));
    stream.write_all(b"x").await.map_err(ended)?;
    let mut byte = [0];
    stream.read_exact(&mut byte).await.map_err(ended)?;
    assert_eq!(&byte, b"x");
    Ok(())
}

fn trusting() -> TlsConfig {
    TlsConfig::new().ca_location(file("ca.pem"))
}

#[tokio::test]
async fn a_broker_that_a_trusted_authority_signed_is_accepted_by_name_and_by_address() {
    let address = server(false).await;
    echo(&trusting(), &address).await.unwrap();
    echo(&trusting(), &Address::new("127.0.0.1", address.port)).await.unwrap();
    let pem = std::fs::read_to_string(file("ca.pem")).unwrap();
    echo(&TlsConfig::new().ca_pem(pem), &address).await.unwrap();
}

#[tokio::test]
async fn a_broker_that_nobody_trusted_signed_is_refused() {
    let address = server(false).await;
    for config in [TlsConfig::new(), TlsConfig::new().ca_location(file("other-ca.pem"))] {
        let error = echo(&config, &address).await.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::Tls);
        assert!(error.to_string().contains("check `ssl_ca_location`"), "{error}");
    }
}

#[tokio::test]
async fn a_certificate_without_the_brokers_name_is_refused() {
    let address = server(false).await;
    let other_name = Address::new("127.0.0.2", address.port);
    let listener = TcpListener::bind(("127.0.0.2", address.port)).await.unwrap();
    tokio::spawn(async move {
        while let Ok((mut from, _)) = listener.accept().await {
            let mut to = tokio::net::TcpStream::connect(("127.0.0.1", address.port)).await.unwrap();
            tokio::spawn(async move { tokio::io::copy_bidirectional(&mut from, &mut to).await });
        }
    });
    let error = echo(&trusting(), &other_name).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Tls);
    assert!(error.to_string().contains("names in the broker's certificate"), "{error}");
}

#[tokio::test]
async fn a_client_certificate_is_shown_where_the_broker_asks() {
    let address = server(true).await;
    for key in ["client.key", "client-sec1.key"] {
        echo(&trusting().identity_location(file("client.pem"), file(key)), &address).await.unwrap();
    }
    assert!(echo(&trusting(), &address).await.is_err());
}

#[tokio::test]
async fn a_port_that_does_not_speak_tls_is_named_as_such() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.write_all(b"\0\0\0\x0anot TLS at all").await;
        }
    });
    let error = echo(&trusting(), &Address::new("127.0.0.1", port)).await.unwrap_err();
    assert!(error.to_string().contains("does this port speak TLS?"), "{error}");
}

#[test]
fn files_that_do_not_fit_are_named() {
    let cases = [
        (TlsConfig::new().ca_location(file("absent.pem")), "absent.pem` cannot be read"),
        (TlsConfig::new().ca_location(file("server.key")), "server.key` holds no certificate"),
        (TlsConfig::new().ca_pem("garbage"), "holds no certificate"),
        (trusting().identity_location(file("client.pem"), file("client.pem")), "holds no private key"),
        (trusting().identity_location(file("client.pem"), file("client-encrypted.key")), "is encrypted"),
        (trusting().identity_location(file("client.pem"), file("server.key")), "cannot be used"),
    ];
    for (config, reason) in cases {
        let error = TlsConnector::new(&config, TcpConnector::new()).unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains(reason), "{error}");
    }
}
