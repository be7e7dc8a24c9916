//! The parsers of what comes from files and from brokers, for tests that feed them anything.

use rustls_pki_types::CertificateDer;

use crate::Secret;
use crate::tls::{certificate, key_store, pem};

/// Certificates and a key out of PEM.
pub fn read_pem(bytes: &[u8]) -> bool {
    let password = Secret::from("pass phrase");
    let certificates = pem::certificates(bytes, "input");
    let key = pem::private_key(bytes, "input", Some(&password));
    let hidden = pem::private_key(bytes, "input", None);
    certificates.is_ok() || key.is_ok() || hidden.is_ok()
}

/// Certificates and a key out of PKCS#12.
pub fn read_key_store(bytes: &[u8]) -> bool {
    let password = Secret::from("pass phrase");
    let certificates = key_store::certificates(bytes, "input", Some(&password));
    let identity = key_store::identity(bytes, "input", Some(&password));
    key_store::is_store(bytes) && (certificates.is_ok() || identity.is_ok())
}

/// What a broker's certificate says of itself; `None` for what is none.
pub fn describe_certificate(bytes: &[u8]) -> Option<String> {
    let certificate = CertificateDer::from(bytes);
    let _ = certificate::is_self_signed(&certificate);
    certificate::describe(&certificate)
}

/// A whole sign-in against a broker that says `bytes`: the first chooses the mechanism, zeros end its messages, and `%`
/// stands for the client's nonce.
pub fn answer_broker(bytes: &[u8]) -> bool {
    crate::sasl::fuzzing::answer_broker(bytes)
}

/// A login module's line, as in `sasl.jaas.config`.
pub fn read_jaas(bytes: &[u8]) -> bool {
    crate::Jaas::parse(&String::from_utf8_lossy(bytes)).is_ok()
}
