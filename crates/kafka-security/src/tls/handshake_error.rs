//! From what went wrong in a handshake to an error that says what to do.

use std::io;

use kafka_core::Error;
use kafka_core::net::Address;
use rustls::{AlertDescription, CertificateError, InvalidMessage};

use super::certificate;
use super::observer::Seen;
use crate::{TlsError, TlsErrorKind};

const SPEAKS_TLS: &str = "does this port speak TLS? `security_protocol` must fit the listener";
const SHOW_ONE: &str = "set `ssl_cert_location` and `ssl_key_location`";

/// The error of a handshake that did not come to its end.
pub(crate) fn handshake_failed(address: &Address, error: io::Error, seen: &Seen) -> Error {
    let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    let (kind, message) = match tls {
        Some(rustls::Error::InvalidCertificate(reason)) => bad_certificate(address, reason, seen),
        Some(rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType)) => {
            (TlsErrorKind::NotTls, format!("what answers is not TLS: {SPEAKS_TLS}"))
        }
        Some(rustls::Error::InvalidMessage(_)) if seen.certificate.is_none() => {
            (TlsErrorKind::NotTls, format!("what answers is not TLS ({error}): {SPEAKS_TLS}"))
        }
        Some(rustls::Error::AlertReceived(alert)) => refused(*alert, seen),
        Some(rustls::Error::PeerIncompatible(_)) => (
            TlsErrorKind::NothingInCommon,
            format!(
                "the TLS handshake failed: {error}; check `ssl_enabled_protocols` here and at the broker"
            ),
        ),
        Some(_) => (TlsErrorKind::Protocol, format!("the TLS handshake failed: {error}")),
        None if seen.was_asked => return ended(address, Some(error), seen),
        None => {
            let message =
                format!("the connection ended in the TLS handshake ({}): {SPEAKS_TLS}", words(&error));
            (TlsErrorKind::EndedInHandshake, message)
        }
    };
    TlsError::new(kind).with_source(error).into_error(message).with_broker(address)
}

/// The error of a connection that the broker ended after the handshake, before its first answer: with TLS 1.3 this is when a
/// client learns that its certificate is missing or refused.
pub(crate) fn refused_after_handshake(address: &Address, error: io::Error, seen: &Seen) -> Error {
    let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match tls {
        Some(rustls::Error::AlertReceived(alert)) => {
            let (kind, message) = refused(*alert, seen);
            TlsError::new(kind).with_source(error).into_error(message).with_broker(address)
        }
        // Java sends this alert under keys of the handshake, which is over for us.
        Some(rustls::Error::DecryptError) if seen.has_shown => {
            let message = "the broker refused the client's certificate (by an alert that cannot be read): does it trust who \
                           signed it, and is it still valid?";
            let tls = TlsError::new(TlsErrorKind::ClientCertificateRefused).with_source(error);
            tls.into_error(message).with_broker(address)
        }
        _ => ended(address, Some(error), seen),
    }
}

/// The broker asked for a certificate and then hung up without a word.
pub(crate) fn ended(address: &Address, error: Option<io::Error>, seen: &Seen) -> Error {
    let (kind, message) = if seen.has_shown {
        (
            TlsErrorKind::EndedInHandshake,
            "the broker ended the connection after it saw the client's certificate: does it trust who signed it, and is it still valid?"
                .to_owned(),
        )
    } else {
        (
            TlsErrorKind::ClientCertificateRequired,
            format!(
                "the broker asked for a client certificate, and ended the connection without one: {SHOW_ONE}"
            ),
        )
    };
    let tls = TlsError::new(kind);
    let tls = match error {
        Some(error) => tls.with_source(error),
        None => tls,
    };
    tls.into_error(message).with_broker(address)
}

fn refused(alert: AlertDescription, seen: &Seen) -> (TlsErrorKind, String) {
    use AlertDescription as Alert;
    let of_certificate = matches!(
        alert,
        Alert::NoCertificate
            | Alert::BadCertificate
            | Alert::UnsupportedCertificate
            | Alert::CertificateRevoked
            | Alert::CertificateExpired
            | Alert::CertificateUnknown
            | Alert::UnknownCA
            | Alert::AccessDenied
            | Alert::DecryptError
            | Alert::HandshakeFailure
    );
    if alert == Alert::CertificateRequired || (seen.was_asked && !seen.has_shown && of_certificate) {
        let message =
            format!("the broker asked for a client certificate, and got none (alert {alert:?}): {SHOW_ONE}");
        (TlsErrorKind::ClientCertificateRequired, message)
    } else if seen.has_shown && of_certificate {
        let message = format!(
            "the broker refused the client's certificate (alert {alert:?}): does it trust who signed it, and is it still valid?"
        );
        (TlsErrorKind::ClientCertificateRefused, message)
    } else if matches!(alert, Alert::ProtocolVersion | Alert::InsufficientSecurity | Alert::HandshakeFailure)
    {
        let message = format!(
            "the broker knows no TLS version or cipher suite that this client offers (alert {alert:?}): check \
             `ssl_enabled_protocols` here, and `ssl.enabled.protocols` and `ssl.cipher.suites` at the broker"
        );
        (TlsErrorKind::NothingInCommon, message)
    } else {
        let message =
            format!("the broker ended the TLS handshake with the alert {alert:?}: its log may say why");
        (TlsErrorKind::Alert(alert), message)
    }
}

fn bad_certificate(address: &Address, reason: &CertificateError, seen: &Seen) -> (TlsErrorKind, String) {
    use CertificateError as Reason;
    let shown = seen.certificate.as_ref().and_then(certificate::describe);
    let shown = shown.map(|shown| format!(" ({shown})")).unwrap_or_default();
    match reason {
        Reason::Expired | Reason::ExpiredContext { .. } => (
            TlsErrorKind::Expired,
            format!("the broker's certificate has expired{shown}: renew it, or check this machine's clock"),
        ),
        Reason::NotValidYet | Reason::NotValidYetContext { .. } => (
            TlsErrorKind::NotYetValid,
            format!("the broker's certificate is not valid yet{shown}: check this machine's clock"),
        ),
        Reason::NotValidForName | Reason::NotValidForNameContext { .. } => (
            TlsErrorKind::WrongName,
            format!(
                "the broker's certificate is not for `{}`{shown}: connect by one of its names, or check the names in the \
                 broker's certificate and in `advertised.listeners`",
                address.host
            ),
        ),
        Reason::UnknownIssuer => (
            TlsErrorKind::UnknownIssuer,
            format!(
                "nobody who is trusted signed the broker's certificate{shown}: check `ssl_ca_location`, it must hold the \
                 authority that did"
            ),
        ),
        // An authority's own certificate is none for a server, whoever trusts it.
        _ if seen.certificate.as_ref().is_some_and(certificate::is_self_signed) => (
            TlsErrorKind::BadCertificate,
            format!(
                "the broker's certificate is signed by itself{shown}: let an authority sign one for the broker, and name \
                 that authority in `ssl_ca_location`"
            ),
        ),
        reason => (
            TlsErrorKind::BadCertificate,
            format!("the broker's certificate cannot be accepted{shown}: {reason}; check `ssl_ca_location`"),
        ),
    }
}

/// The system's words without the number that Rust adds.
fn words(error: &io::Error) -> String {
    let text = error.to_string();
    text.split_once(" (os error").map_or(text.clone(), |(words, _)| words.to_lowercase())
}
