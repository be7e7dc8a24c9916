//! Certificates and keys out of PEM, with errors that say what is wrong and what to do, and never show a key.

use kafka_core::{Error, Result};
use pkcs8::EncryptedPrivateKeyInfoRef;
use pkcs8::pkcs5::EncryptionScheme;
use pkcs8::pkcs5::pbes2::Kdf;
use rustls_pki_types::pem::{self, PemObject};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use zeroize::Zeroizing;

use crate::{Secret, TlsError, TlsErrorKind};

const ENCRYPTED: &str = "ENCRYPTED PRIVATE KEY";
/// What older `openssl` writes above a key that it encrypted in a way of its own.
const OPENSSL_ENCRYPTED: &[u8] = b"Proc-Type: 4,ENCRYPTED";

/// The certificates in `text`, in order; one at least. `origin` is what errors call it.
pub(crate) fn certificates(text: &[u8], origin: &str) -> Result<Vec<CertificateDer<'static>>> {
    let certificates = CertificateDer::pem_slice_iter(text)
        .collect::<std::result::Result<Vec<_>, _>>()
        .map_err(|error| damaged(&error, origin))?;
    if certificates.is_empty() {
        let message = format!("{origin} holds no certificate; expected `-----BEGIN CERTIFICATE-----`");
        return Err(TlsError::new(TlsErrorKind::NoCertificate).into_error(message));
    }
    Ok(certificates)
}

/// The first private key in `text`.
pub(crate) fn private_key(
    text: &[u8],
    origin: &str,
    password: Option<&Secret>,
) -> Result<PrivateKeyDer<'static>> {
    if find(text, OPENSSL_ENCRYPTED).is_some() {
        let message = format!(
            "{origin} is encrypted in OpenSSL's old way; convert it: \
             `openssl pkcs8 -topk8 -v2 aes-256-cbc -in KEY -out NEW`"
        );
        return Err(TlsError::new(TlsErrorKind::UnsupportedFormat).into_error(message));
    }
    if let Some(encrypted) = encrypted_section(text) {
        return decrypt(&encrypted, origin, password);
    }
    PrivateKeyDer::from_pem_slice(text).map_err(|error| match error {
        pem::Error::NoItemsFound => {
            let message = format!(
                "{origin} holds no private key in PKCS#8, PKCS#1 or SEC1 form; expected `-----BEGIN PRIVATE KEY-----`"
            );
            TlsError::new(TlsErrorKind::NoPrivateKey).into_error(message)
        }
        error => damaged(&error, origin),
    })
}

/// The encrypted key in `text`, under the label of one that is not: the reader of PEM knows no other.
fn encrypted_section(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let begin = find(text, b"-----BEGIN ENCRYPTED PRIVATE KEY-----")?;
    let section = text.get(begin..)?;
    let end = "-----END ENCRYPTED PRIVATE KEY-----";
    let length = find(section, end.as_bytes()).map_or(section.len(), |at| at + end.len());
    let section = std::str::from_utf8(section.get(..length)?).ok()?;
    Some(Zeroizing::new(section.replace(ENCRYPTED, "PRIVATE KEY").into_bytes()))
}

fn decrypt(section: &[u8], origin: &str, password: Option<&Secret>) -> Result<PrivateKeyDer<'static>> {
    let Some(password) = password else {
        let message = format!("{origin} is encrypted: set `ssl_key_password` to its pass phrase");
        return Err(TlsError::new(TlsErrorKind::PasswordMissing).into_error(message));
    };
    let der = PrivatePkcs8KeyDer::from_pem_slice(section).map_err(|error| damaged(&error, origin))?;
    let unsupported = |error: &dyn std::fmt::Display| {
        TlsError::new(TlsErrorKind::UnsupportedFormat).into_error(format!(
            "{origin} is encrypted in a way that is not supported ({error}); convert it: \
             `openssl pkcs8 -topk8 -v2 aes-256-cbc -in KEY -out NEW`"
        ))
    };
    let info =
        EncryptedPrivateKeyInfoRef::try_from(der.secret_pkcs8_der()).map_err(|error| unsupported(&error))?;
    if !is_bearable(&info.encryption_algorithm) {
        return Err(unsupported(&"its pass phrase would take far too long to check"));
    }
    match info.decrypt(password.expose()) {
        Ok(key) => Ok(PrivatePkcs8KeyDer::from(key.as_bytes().to_vec()).into()),
        Err(pkcs8::Error::EncryptedPrivateKey(
            error @ (pkcs8::pkcs5::Error::UnsupportedAlgorithm { .. }
            | pkcs8::pkcs5::Error::NoPbes1CryptSupport
            | pkcs8::pkcs5::Error::AlgorithmParametersInvalid { .. }),
        )) => Err(unsupported(&error)),
        // A wrong pass phrase gives bytes that do not end or do not decode as they should.
        Err(_) => {
            let message = format!("{origin} cannot be decrypted: check `ssl_key_password`");
            Err(TlsError::new(TlsErrorKind::WrongPassword).into_error(message))
        }
    }
}

/// Whether the work that a pass phrase is to cost is within what anybody chooses.
fn is_bearable(scheme: &EncryptionScheme) -> bool {
    const MOST_ITERATIONS: u32 = 10_000_000;
    const MOST_LOG_N: u8 = 20;
    const MOST_BLOCKS: u64 = 64;
    match scheme {
        EncryptionScheme::Pbes2(parameters) => match &parameters.kdf {
            Kdf::Pbkdf2(kdf) => kdf.iteration_count <= MOST_ITERATIONS,
            Kdf::Scrypt(kdf) => {
                let blocks = u64::from(kdf.block_size).saturating_mul(u64::from(kdf.parallelization));
                kdf.cost_parameter <= 1 << MOST_LOG_N && blocks <= MOST_BLOCKS
            }
            _ => true,
        },
        _ => true,
    }
}

/// The reader's own error is left out: it may quote a line of the key.
fn damaged(error: &pem::Error, origin: &str) -> Error {
    let why = match error {
        pem::Error::MissingSectionEnd { .. } => {
            "an `-----END` line is missing: is it complete, and are its line breaks there?"
        }
        pem::Error::IllegalSectionStart { .. } => {
            "a `-----BEGIN` line does not end with dashes: are its line breaks there?"
        }
        _ => "a section is not base64",
    };
    TlsError::new(TlsErrorKind::Garbage).into_error(format!("{origin} is not valid PEM: {why}"))
}

fn find(text: &[u8], marker: &[u8]) -> Option<usize> {
    text.windows(marker.len()).position(|window| window == marker)
}
