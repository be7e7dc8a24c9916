//! What can go wrong between a client and a port: each its own error, with what was seen and what to do, and within the time
//! allowed. `rustls` plays the servers here; tests on real clusters meet some of these again.

#![allow(clippy::unwrap_used, reason = "helpers of tests may fail the test")]

mod tls_support;

use std::time::{Duration, Instant};

use kafka_core::ErrorKind;
use kafka_core::net::{Address, Dialer};
use kafka_security::{TlsConfig, TlsError, TlsErrorKind, TlsVersion};
use rustls::AlertDescription;
use rustls::version::{TLS12, TLS13};
use tls_support::{Server, file, refusal, serve, trusting};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Far longer than any of them takes.
const AMPLE: Duration = Duration::from_secs(60);

struct Case {
    what: &'static str,
    config: TlsConfig,
    address: Address,
    kind: ErrorKind,
    tls: Option<TlsErrorKind>,
    words: Vec<&'static str>,
}

/// A port where nobody listens.
async fn nobody() -> Address {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    Address::new("localhost", listener.local_addr().unwrap().port())
}

/// Says these bytes, whoever comes, once it has heard something.
async fn saying(bytes: &'static [u8]) -> Address {
    serve(move |mut stream| async move {
        let _ = stream.read(&mut [0; 1024]).await;
        let _ = stream.write_all(bytes).await;
        let _ = stream.read(&mut [0; 1024]).await;
    })
    .await
}

async fn hanging_up() -> Address {
    serve(|mut stream| async move {
        let _ = stream.read(&mut [0; 4096]).await;
    })
    .await
}

async fn cases() -> Vec<Case> {
    use TlsErrorKind as Tls;
    let stranger = || trusting().identity_location(file("stranger.pem"), file("stranger.key"));
    let case = |what, config, address, kind, tls: Option<Tls>, words: &[&'static str]| Case {
        what,
        config,
        address,
        kind,
        tls,
        words: words.to_vec(),
    };
    let mut cases = vec![
        case("refused", trusting(), nobody().await, ErrorKind::Connect, None, &["connection refused"]),
        case(
            "expired",
            trusting(),
            Server::showing("expired.pem").start().await,
            ErrorKind::Tls,
            Some(Tls::Expired),
            &[
                "has expired",
                "subject `CN=localhost`",
                "issuer `CN=test-ca`",
                "to Jan  1 00:00:00 2001",
                "clock",
            ],
        ),
        case(
            "not valid yet",
            trusting(),
            Server::showing("future.pem").start().await,
            ErrorKind::Tls,
            Some(Tls::NotYetValid),
            &["not valid yet", "valid from Jan  1 00:00:00 2100", "clock"],
        ),
        case(
            "other names",
            trusting(),
            Server::showing("elsewhere.pem").start().await,
            ErrorKind::Tls,
            Some(Tls::WrongName),
            &["is not for `localhost`", "names: elsewhere.test, 192.0.2.1", "advertised.listeners"],
        ),
        case(
            "no names",
            trusting(),
            Server::showing("nameless.pem").start().await,
            ErrorKind::Tls,
            Some(Tls::WrongName),
            &["is not for `localhost`", "no names"],
        ),
        case(
            "authority of another",
            TlsConfig::new().ca_location(file("other-ca.pem")),
            Server::default().start().await,
            ErrorKind::Tls,
            Some(Tls::UnknownIssuer),
            &["nobody who is trusted", "issuer `CN=test-ca`", "check `ssl_ca_location`"],
        ),
        case(
            "the public's authorities",
            TlsConfig::new(),
            Server::default().start().await,
            ErrorKind::Tls,
            Some(Tls::UnknownIssuer),
            &["check `ssl_ca_location`"],
        ),
        case(
            "self-signed",
            trusting(),
            Server::showing("self-signed.pem").start().await,
            ErrorKind::Tls,
            Some(Tls::BadCertificate),
            &["signed by itself", "subject `CN=self-signed`", "`ssl_ca_location`"],
        ),
        case(
            "a broker without TLS that hangs up",
            trusting(),
            hanging_up().await,
            ErrorKind::Connect,
            Some(Tls::EndedInHandshake),
            &["ended in the TLS handshake", "does this port speak TLS?", "security_protocol"],
        ),
        case(
            "plain bytes",
            trusting(),
            saying(b"\0\0\0\x0anot TLS at all").await,
            ErrorKind::Tls,
            Some(Tls::NotTls),
            &["does this port speak TLS?"],
        ),
        case(
            "a web server",
            trusting(),
            saying(b"HTTP/1.1 400 Bad Request\r\n\r\n").await,
            ErrorKind::Tls,
            Some(Tls::NotTls),
            &["does this port speak TLS?"],
        ),
        case(
            "an alert",
            trusting(),
            saying(b"\x15\x03\x03\0\x02\x02\x70").await,
            ErrorKind::Tls,
            Some(Tls::Alert(AlertDescription::UnrecognisedName)),
            &["UnrecognisedName", "its log"],
        ),
        case(
            "an alert that may pass",
            trusting(),
            saying(b"\x15\x03\x03\0\x02\x02\x50").await,
            ErrorKind::Connect,
            Some(Tls::Alert(AlertDescription::InternalError)),
            &["InternalError"],
        ),
        case(
            "an older version alone",
            trusting().enabled_protocols([TlsVersion::Tls13]),
            Server::default().with_versions(&[&TLS12]).start().await,
            ErrorKind::Tls,
            Some(Tls::NothingInCommon),
            &["ssl_enabled_protocols"],
        ),
    ];
    for version in [&TLS12, &TLS13] {
        let asking = async || Server::asking_client().with_versions(&[version]).start().await;
        cases.push(case(
            "no client certificate",
            trusting(),
            asking().await,
            ErrorKind::Tls,
            Some(Tls::ClientCertificateRequired),
            &["asked for a client certificate", "set `ssl_cert_location` and `ssl_key_location`"],
        ));
        cases.push(case(
            "a client certificate of a stranger",
            stranger(),
            asking().await,
            ErrorKind::Tls,
            Some(Tls::ClientCertificateRefused),
            &["refused the client's certificate", "alert"],
        ));
        // What a broker does that closes its socket before its alert is out.
        let server = Server::asking_client().with_versions(&[version]);
        cases.push(case(
            "no client certificate, and no word",
            trusting(),
            mute(&server).await,
            ErrorKind::Tls,
            Some(Tls::ClientCertificateRequired),
            &["asked for a client certificate", "ssl_cert_location"],
        ));
    }
    cases
}

/// A server whose answers end before any alert.
async fn mute(server: &Server) -> Address {
    let config = std::sync::Arc::new(server.config());
    serve(move |mut stream| {
        let mut connection = rustls::ServerConnection::new(config.clone()).unwrap();
        async move {
            let mut buffer = vec![0; 16 * 1024];
            loop {
                let mut out = Vec::new();
                while connection.wants_write() {
                    connection.write_tls(&mut out).unwrap();
                }
                let _ = stream.write_all(&out).await;
                let read = stream.read(&mut buffer).await.unwrap_or(0);
                let mut input = &buffer[..read];
                connection.read_tls(&mut input).unwrap();
                if read == 0 || connection.process_new_packets().is_err() {
                    return;
                }
            }
        }
    })
    .await
}

#[tokio::test]
async fn each_failure_has_its_own_error_with_what_was_seen_and_what_to_do() {
    for Case { what, config, address, kind, tls, words } in cases().await {
        let started = Instant::now();
        let error = refusal(&config, &address, AMPLE).await;
        assert!(started.elapsed() < AMPLE, "{what}: it took all the time there was");
        assert_eq!(*error.kind(), kind, "{what}: {error:?}");
        assert_eq!(TlsError::of(&error).map(TlsError::kind), tls, "{what}: {error:?}");
        assert_eq!(error.is_fatal(), kind == ErrorKind::Tls, "{what}");
        for word in words {
            assert!(error.to_string().contains(word), "{what}: `{word}` is missing in: {error}");
        }
        assert!(error.to_string().contains("localhost"), "{what}: {error}");
    }
}

#[tokio::test]
async fn a_server_that_stalls_is_named_within_the_limit() {
    let silent = serve(|stream| async move {
        tokio::time::sleep(AMPLE).await;
        drop(stream);
    })
    .await;
    let limit = Duration::from_millis(300);
    let error = refusal(&trusting(), &silent, limit).await;
    assert_eq!(*error.kind(), ErrorKind::Connect);
    assert!(error.to_string().contains("the TLS handshake took longer than 300ms"), "{error}");
}

#[tokio::test]
async fn a_client_without_tls_is_told_that_the_port_speaks_it() {
    // What a broker's TLS says to bytes that are none: an alert, by which it is known.
    let alert = saying(b"\x15\x03\x03\0\x02\x02\x50").await;
    let tls = Server::default().start().await;
    for address in [alert, tls] {
        let error = Dialer::new("test").open(&address, AMPLE).await.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::Tls, "{error:?}");
        assert!(error.to_string().contains("this port speaks TLS"), "{error}");
        assert!(error.to_string().contains("security_protocol"), "{error}");
    }
}
