//! PKCS#12 stores, as `keytool` and `openssl` write them.

use kafka_core::{Error, Result};
use p12_keystore::Pkcs12Archive;
use p12_keystore::error::Error as Pkcs12Error;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use super::certificate::{issuer, subject};
use crate::{Secret, TlsError, TlsErrorKind};

/// What both Java formats of its own start with.
const JKS: [u8; 4] = [0xfe, 0xed, 0xfe, 0xed];
const JCEKS: [u8; 4] = [0xce, 0xce, 0xce, 0xce];

/// Whether `bytes` are a key store rather than text.
pub(crate) fn is_store(bytes: &[u8]) -> bool {
    // DER starts with a sequence, which in text would be the digit zero.
    bytes.starts_with(&[0x30, 0x82])
        || bytes.starts_with(&[0x30, 0x80])
        || bytes.starts_with(&[0x30, 0x83])
        || bytes.starts_with(&JKS)
        || bytes.starts_with(&JCEKS)
}

/// All certificates of a trust store.
pub(crate) fn certificates(
    bytes: &[u8],
    origin: &str,
    password: Option<&Secret>,
) -> Result<Vec<CertificateDer<'static>>> {
    let archive = open(bytes, origin, password, "ssl_truststore_password")?;
    let certificates: Vec<_> = archive.certs.iter().map(|bag| bag.cert.as_der().to_vec().into()).collect();
    if certificates.is_empty() {
        let message = format!("{origin} holds no certificate");
        return Err(TlsError::new(TlsErrorKind::NoCertificate).into_error(message));
    }
    Ok(certificates)
}

/// The one key of a key store and its certificates, its own first.
pub(crate) fn identity(
    bytes: &[u8],
    origin: &str,
    password: Option<&Secret>,
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)> {
    let archive = open(bytes, origin, password, "ssl_keystore_password")?;
    let key = match archive.keys.as_slice() {
        [key] => key,
        [] => {
            let message = format!("{origin} holds no private key: is it a trust store?");
            return Err(TlsError::new(TlsErrorKind::NoPrivateKey).into_error(message));
        }
        keys => {
            let message = format!(
                "{origin} holds {} private keys; which one is meant? Keep one (`keytool -delete`)",
                keys.len()
            );
            return Err(TlsError::new(TlsErrorKind::UnsupportedFormat).into_error(message));
        }
    };
    let id = key.local_key_id.as_ref().map(|id| id.0.as_slice());
    let own = archive.certs.iter().find(|bag| bag.local_key_id.as_deref() == id).or(archive.certs.first());
    let Some(own) = own else {
        let message = format!("{origin} holds a private key and no certificate for it");
        return Err(TlsError::new(TlsErrorKind::NoCertificate).into_error(message));
    };
    let certificates: Vec<CertificateDer<'static>> =
        archive.certs.iter().map(|bag| bag.cert.as_der().to_vec().into()).collect();
    let chain = chain(own.cert.as_der().to_vec().into(), &certificates);
    Ok((chain, PrivatePkcs8KeyDer::from(key.key.as_der().to_vec()).into()))
}

/// Follows the issuers up from `own`, to the last one that is there.
fn chain(own: CertificateDer<'static>, all: &[CertificateDer<'static>]) -> Vec<CertificateDer<'static>> {
    let mut chain = vec![own];
    while let Some(wanted) = chain.last().and_then(|last| issuer(last)) {
        let next = all.iter().find(|it| subject(it).as_ref() == Some(&wanted) && !chain.contains(it));
        match next {
            Some(next) => chain.push(next.clone()),
            None => break,
        }
    }
    chain
}

fn open(bytes: &[u8], origin: &str, password: Option<&Secret>, setting: &str) -> Result<Pkcs12Archive> {
    if bytes.starts_with(&JKS) || bytes.starts_with(&JCEKS) {
        let message = format!(
            "{origin} is a Java store of the old sort (JKS); convert it: \
             `keytool -importkeystore -srckeystore OLD -destkeystore NEW.p12 -deststoretype PKCS12`"
        );
        return Err(TlsError::new(TlsErrorKind::UnsupportedFormat).into_error(message));
    }
    Pkcs12Archive::from_pkcs12(bytes, password.map_or("", Secret::expose))
        .map_err(|error| refused(error, origin, password.is_some(), setting))
}

fn refused(error: Pkcs12Error, origin: &str, has_password: bool, setting: &str) -> Error {
    let (kind, message) = match &error {
        Pkcs12Error::MacError(_) | Pkcs12Error::Pkcs5Error(_) | Pkcs12Error::UnpadError => {
            if has_password {
                (TlsErrorKind::WrongPassword, format!("{origin} cannot be decrypted: check `{setting}`"))
            } else {
                let message = format!("{origin} is encrypted: set `{setting}` to its password");
                (TlsErrorKind::PasswordMissing, message)
            }
        }
        Pkcs12Error::UnsupportedContentType
        | Pkcs12Error::UnsupportedCertificateType
        | Pkcs12Error::UnsupportedEncryptionScheme
        | Pkcs12Error::UnsupportedMacAlgorithm
        | Pkcs12Error::InvalidVersion => (
            TlsErrorKind::UnsupportedFormat,
            format!(
                "{origin} is a PKCS#12 store of a sort that is not supported ({error}); convert it to PEM: \
                 `openssl pkcs12 -in STORE -out NEW.pem`"
            ),
        ),
        _ => (TlsErrorKind::Garbage, format!("{origin} is not a PKCS#12 store, or damaged ({error})")),
    };
    TlsError::new(kind).into_error(message)
}
