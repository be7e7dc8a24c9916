//! Sees what happens in a handshake, for the error that may come of it: the certificate that the broker showed, and whether
//! it asked for one.
//!
//! `rustls` shares one configuration among all connections and tells neither in its errors; so what is seen is kept in a
//! value that belongs to the task while it shakes hands.

use std::future::Future;
use std::sync::Arc;

use parking_lot::Mutex;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ResolvesClientCert, WebPkiServerVerifier};
use rustls::sign::CertifiedKey;
use rustls::{CertificateError, DigitallySignedStruct, Error, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

tokio::task_local! {
    static SEEN: Arc<Mutex<Seen>>;
}

/// What a handshake has shown so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    /// The broker's own certificate.
    pub(crate) certificate: Option<CertificateDer<'static>>,
    /// The broker asked for a client certificate.
    pub(crate) was_asked: bool,
    /// One was shown.
    pub(crate) has_shown: bool,
}

/// Runs a handshake; gives what it came to and what was seen.
pub(crate) async fn observe<F: Future>(handshake: F) -> (F::Output, Seen) {
    let seen = Arc::new(Mutex::new(Seen::default()));
    let output = SEEN.scope(seen.clone(), handshake).await;
    let seen = seen.lock().clone();
    (output, seen)
}

fn note(note: impl FnOnce(&mut Seen)) {
    // Outside of `observe` there is nobody to tell.
    let _ = SEEN.try_with(|seen| note(&mut seen.lock()));
}

/// Checks a broker's certificate as `rustls` does, with or without its name.
#[derive(Debug)]
pub(crate) struct Verifier {
    pub(crate) inner: Arc<WebPkiServerVerifier>,
    pub(crate) checks_name: bool,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        note(|seen| seen.certificate = Some(end_entity.clone().into_owned()));
        let verified =
            self.inner.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        match verified {
            // The name is the last that is looked at: all else is in order.
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if !self.checks_name => Ok(ServerCertVerified::assertion()),
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

/// Shows the client's certificate, if there is one, whatever authorities the broker names.
#[derive(Debug)]
pub(crate) struct Identification(pub(crate) Option<Arc<CertifiedKey>>);

impl ResolvesClientCert for Identification {
    fn resolve(&self, _authorities: &[&[u8]], schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        let fitting = self.0.as_ref().filter(|it| it.key.choose_scheme(schemes).is_some()).cloned();
        note(|seen| {
            seen.was_asked = true;
            seen.has_shown = fitting.is_some();
        });
        fitting
    }

    fn has_certs(&self) -> bool {
        self.0.is_some()
    }
}
