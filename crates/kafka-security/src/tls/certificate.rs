//! What a certificate says of itself, for messages. What is trusted is not decided here.

use rustls_pki_types::CertificateDer;
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

/// The subject, as `CN=broker, O=Example`; `None` for what cannot be read.
pub(crate) fn subject(certificate: &CertificateDer<'_>) -> Option<String> {
    parse(certificate).map(|it| it.subject().to_string())
}

/// Who signed it.
pub(crate) fn issuer(certificate: &CertificateDer<'_>) -> Option<String> {
    parse(certificate).map(|it| it.issuer().to_string())
}

/// Whether its issuer is its subject.
pub(crate) fn is_self_signed(certificate: &CertificateDer<'_>) -> bool {
    parse(certificate).is_some_and(|it| it.subject() == it.issuer())
}

/// Subject, issuer, names and validity in one sentence part, cut to a length that fits into a log line.
pub(crate) fn describe(certificate: &CertificateDer<'_>) -> Option<String> {
    let parsed = parse(certificate)?;
    let names = names(&parsed);
    let names = if names.is_empty() { "no names".to_owned() } else { names.join(", ") };
    let validity = parsed.validity();
    let text = format!(
        "subject `{}`, issuer `{}`, names: {names}, valid from {} to {}",
        parsed.subject(),
        parsed.issuer(),
        validity.not_before,
        validity.not_after
    );
    Some(printable(&text))
}

/// The DNS names and addresses in it.
fn names(parsed: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(extension)) = parsed.subject_alternative_name() else {
        return Vec::new();
    };
    let name = |name: &GeneralName<'_>| match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => address(bytes),
        _ => None,
    };
    extension.value.general_names.iter().filter_map(name).collect()
}

fn address(bytes: &[u8]) -> Option<String> {
    match bytes.len() {
        4 => <[u8; 4]>::try_from(bytes).ok().map(|bytes| std::net::Ipv4Addr::from(bytes).to_string()),
        16 => <[u8; 16]>::try_from(bytes).ok().map(|bytes| std::net::Ipv6Addr::from(bytes).to_string()),
        _ => None,
    }
}

fn parse<'a>(certificate: &'a CertificateDer<'_>) -> Option<X509Certificate<'a>> {
    X509Certificate::from_der(certificate).ok().map(|(_, parsed)| parsed)
}

/// The other end wrote this: no control characters, and no novels.
fn printable(text: &str) -> String {
    const LONGEST: usize = 600;
    let mut text: String = text.chars().map(|c| if c.is_control() { '?' } else { c }).collect();
    if text.chars().count() > LONGEST {
        text = text.chars().take(LONGEST).chain("...".chars()).collect();
    }
    text
}
