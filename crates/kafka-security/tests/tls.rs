//! TLS against a server of our own: what is trusted, what is shown, and which settings are refused with which words.

#![allow(clippy::unwrap_used, reason = "helpers of tests may fail the test")]

mod tls_support;

use kafka_core::ErrorKind;
use kafka_core::net::{Address, TcpConnector};
use kafka_security::{TlsConfig, TlsConnector, TlsError, TlsErrorKind, TlsVersion};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use tls_support::{PASS_PHRASE, Server, ask_by, file, fingerprint, trusting};

fn text(name: &str) -> String {
    std::fs::read_to_string(file(name)).unwrap()
}

#[tokio::test]
async fn a_broker_that_a_trusted_authority_signed_is_accepted_by_name_and_by_address() {
    let address = Server::default().start().await;
    let by_ip = Address::new("127.0.0.1", address.port);
    for address in [&address, &by_ip] {
        ask_by(&trusting(), address).await.unwrap();
    }
}

#[tokio::test]
async fn authorities_come_from_files_bundles_directories_stores_and_memory() {
    let address = Server::default().start().await;
    let folder = tempfile::tempdir().unwrap();
    let bundle = folder.path().join("bundle.pem");
    std::fs::write(&bundle, text("other-ca.pem") + "a comment\n" + &text("ca.pem")).unwrap();
    let directory = folder.path().join("authorities");
    std::fs::create_dir(&directory).unwrap();
    // Two names for one certificate, a key, and a file of another sort: all as real directories have them.
    for (name, content) in [
        ("my.crt", text("ca.pem")),
        ("9d66eef0.0", text("ca.pem")),
        ("key.pem", text("client.key")),
        ("README", "no".to_owned()),
    ] {
        std::fs::write(directory.join(name), content).unwrap();
    }
    let ways = [
        TlsConfig::new().ca_location(bundle),
        TlsConfig::new().ca_location(directory),
        TlsConfig::new().ca_location(file("trust-keytool.p12")).truststore_password(PASS_PHRASE),
        TlsConfig::new().ca_pem(text("ca.pem")),
    ];
    for config in ways {
        ask_by(&config, &address).await.unwrap_or_else(|error| panic!("{config:?}: {error}"));
    }
}

/// The same client in every form in which keys and certificates come.
#[tokio::test]
async fn a_client_certificate_is_shown_in_whatever_form_it_is_given() {
    let address = Server::asking_client().start().await;
    let pair = |key: &str| trusting().identity_location(file("client.pem"), file(key));
    let store = |name: &str| trusting().keystore_location(file(name));
    let mut ways = vec![
        ("client", pair("client.key")),
        ("client", pair("client-sec1.key")),
        ("client", trusting().identity_pem(text("client.pem"), text("client.key"))),
        ("client", store("client-combined.pem")),
        ("client", store("client-combined-aes.pem").key_password(PASS_PHRASE)),
        ("client", store("client-combined-aes.pem").keystore_password(PASS_PHRASE)),
        ("client", trusting().identity_location(file("client-combined.pem"), file("client-combined.pem"))),
        ("client", store("client-keytool.p12").key_password(PASS_PHRASE)),
        ("client-rsa", trusting().identity_location(file("client-rsa.pem"), file("client-rsa.key"))),
        ("client-rsa", trusting().identity_location(file("client-rsa.pem"), file("client-rsa-pkcs1.key"))),
    ];
    for key in
        ["client-aes.key", "client-sha1.key", "client-des3.key", "client-scrypt.key", "client-java.key"]
    {
        ways.push(("client", pair(key).key_password(PASS_PHRASE)));
    }
    for name in ["client-keytool.p12", "client-openssl.p12", "client-legacy.p12"] {
        ways.push(("client", store(name).keystore_password(PASS_PHRASE)));
    }
    for (who, config) in ways {
        let expected = fingerprint(&CertificateDer::from_pem_file(file(&format!("{who}.pem"))).unwrap());
        let seen = ask_by(&config, &address).await.unwrap_or_else(|error| panic!("{config:?}: {error}"));
        assert_eq!(seen, expected, "{config:?}");
    }
}

#[tokio::test]
async fn versions_are_offered_as_set() {
    use rustls::version::{TLS12, TLS13};
    let old = Server::default().with_versions(&[&TLS12]).start().await;
    let new = Server::default().with_versions(&[&TLS13]).start().await;
    for (address, version) in [(&old, TlsVersion::Tls12), (&new, TlsVersion::Tls13)] {
        ask_by(&trusting(), address).await.unwrap();
        ask_by(&trusting().enabled_protocols([version]), address).await.unwrap();
    }
    let error = ask_by(&trusting().enabled_protocols([TlsVersion::Tls13]), &old).await.unwrap_err();
    assert_eq!(TlsError::of(&error).unwrap().kind(), TlsErrorKind::NothingInCommon, "{error}");
}

#[tokio::test]
async fn only_the_name_goes_unchecked_without_endpoint_identification() {
    let unnamed = trusting().endpoint_identification(false);
    for certificate in ["elsewhere.pem", "nameless.pem", "server.pem"] {
        ask_by(&unnamed, &Server::showing(certificate).start().await).await.unwrap();
    }
    for certificate in ["expired.pem", "future.pem", "self-signed.pem"] {
        let address = Server::showing(certificate).start().await;
        let error = ask_by(&unnamed, &address).await.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::Tls, "{certificate}: {error}");
    }
    let address = Server::default().start().await;
    let strange = TlsConfig::new().ca_location(file("other-ca.pem")).endpoint_identification(false);
    let error = ask_by(&strange, &address).await.unwrap_err();
    assert_eq!(TlsError::of(&error).unwrap().kind(), TlsErrorKind::UnknownIssuer, "{error}");
}

#[test]
fn settings_that_cannot_be_used_are_refused_each_with_its_own_words() {
    use TlsErrorKind as Kind;
    let folder = tempfile::tempdir().unwrap();
    let truncated = folder.path().join("truncated.pem");
    std::fs::write(&truncated, &text("ca.pem")[..300]).unwrap();
    let joined = text("client.key").replace('\n', "");
    let damaged = text("client.key").replace('M', "!");
    let half = std::fs::read(file("client-keytool.p12")).unwrap();
    let half_store = folder.path().join("half.p12");
    std::fs::write(&half_store, &half[..half.len() / 2]).unwrap();
    let pair = |key: &str| trusting().identity_location(file("client.pem"), file(key));
    let store = |name: &str| trusting().keystore_location(file(name));
    let ca = |name: &str| TlsConfig::new().ca_location(file(name));
    let cases = [
        (ca("absent.pem"), Kind::Unreadable, "absent.pem` cannot be read"),
        (ca("server.key"), Kind::NoCertificate, "server.key` holds no certificate"),
        (TlsConfig::new().ca_pem("garbage"), Kind::NoCertificate, "holds no certificate"),
        (TlsConfig::new().ca_location(folder.path().join("truncated.pem")), Kind::Garbage, "is it complete"),
        (TlsConfig::new().ca_location(file("../../src")), Kind::NoCertificate, "holds no certificate"),
        (ca("trust-keytool.p12"), Kind::PasswordMissing, "set `ssl_truststore_password`"),
        (
            ca("trust-keytool.p12").truststore_password("another"),
            Kind::WrongPassword,
            "check `ssl_truststore_password`",
        ),
        (pair("client.pem"), Kind::NoPrivateKey, "holds no private key"),
        (
            trusting().identity_location(file("client.key"), file("client.key")),
            Kind::NoCertificate,
            "holds no certificate",
        ),
        (trusting().identity_pem(text("client.pem"), joined), Kind::Garbage, "are its line breaks there?"),
        (trusting().identity_pem(text("client.pem"), damaged), Kind::Garbage, "is not base64"),
        (pair("client-aes.key"), Kind::PasswordMissing, "set `ssl_key_password`"),
        (pair("client-aes.key").key_password("another"), Kind::WrongPassword, "check `ssl_key_password`"),
        (pair("client-scrypt.key").key_password(""), Kind::WrongPassword, "check `ssl_key_password`"),
        (pair("client-pbes1.key").key_password(PASS_PHRASE), Kind::UnsupportedFormat, "openssl pkcs8 -topk8"),
        (
            pair("client-openssl.key").key_password(PASS_PHRASE),
            Kind::UnsupportedFormat,
            "openssl pkcs8 -topk8",
        ),
        (pair("server.key"), Kind::KeyMismatch, "the private key is not the certificate's"),
        (pair("client-rsa.key"), Kind::KeyMismatch, "the private key is not the certificate's"),
        (store("client-keytool.p12"), Kind::PasswordMissing, "set `ssl_keystore_password`"),
        (
            store("client-keytool.p12").keystore_password("another"),
            Kind::WrongPassword,
            "check `ssl_keystore_password`",
        ),
        (
            store("client.jks").keystore_password(PASS_PHRASE),
            Kind::UnsupportedFormat,
            "keytool -importkeystore",
        ),
        (
            store("two-keys.p12").keystore_password(PASS_PHRASE),
            Kind::UnsupportedFormat,
            "which one is meant?",
        ),
        (
            store("trust-keytool.p12").keystore_password(PASS_PHRASE),
            Kind::NoPrivateKey,
            "is it a trust store?",
        ),
        (
            trusting().keystore_location(half_store).keystore_password(PASS_PHRASE),
            Kind::Garbage,
            "is not a PKCS#12 store, or damaged",
        ),
        (trusting().enabled_protocols([]), Kind::Cryptography, "ssl_enabled_protocols"),
    ];
    for (config, kind, words) in cases {
        let error = TlsConnector::new(&config, TcpConnector::new()).unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::InvalidInput, "{config:?}: {error}");
        assert_eq!(TlsError::of(&error).unwrap().kind(), kind, "{config:?}: {error}");
        assert!(error.to_string().contains(words), "{config:?}: {error}");
        assert!(!format!("{error:?} {config:?}").contains(PASS_PHRASE), "{error:?}");
    }
}
