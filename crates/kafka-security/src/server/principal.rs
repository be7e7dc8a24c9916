//! Whose certificate it is, as Java writes it (RFC 2253) and Kafka's access rules name it.

use std::fmt::Write;

use rustls_pki_types::CertificateDer;
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::x509::{AttributeTypeAndValue, X509Name};

/// The names that RFC 2253 has for parts of a name; others go by their numbers.
const NAMES: [(&str, &str); 9] = [
    ("2.5.4.3", "CN"),
    ("2.5.4.6", "C"),
    ("2.5.4.7", "L"),
    ("2.5.4.8", "ST"),
    ("2.5.4.9", "STREET"),
    ("2.5.4.10", "O"),
    ("2.5.4.11", "OU"),
    ("0.9.2342.19200300.100.1.25", "DC"),
    ("0.9.2342.19200300.100.1.1", "UID"),
];

/// The subject of a certificate, such as `CN=alice,OU=Payments,O=Example`: the last part first.
pub(super) fn distinguished_name(certificate: &CertificateDer<'_>) -> Option<String> {
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    Some(write(parsed.subject()))
}

fn write(name: &X509Name<'_>) -> String {
    let mut parts: Vec<String> =
        name.iter().map(|part| part.iter().map(attribute).collect::<Vec<_>>().join("+")).collect();
    parts.reverse();
    parts.join(",")
}

fn attribute(attribute: &AttributeTypeAndValue<'_>) -> String {
    let number = attribute.attr_type().to_id_string();
    let name = NAMES.iter().find(|(known, _)| *known == number).map(|(_, name)| *name);
    match (name, attribute.as_str()) {
        (Some(name), Ok(value)) => format!("{name}={}", escape(value)),
        _ => format!("{number}=#{}", hex(attribute)),
    }
}

fn escape(value: &str) -> String {
    let last = value.chars().count().saturating_sub(1);
    let mut escaped = String::with_capacity(value.len());
    for (at, sign) in value.chars().enumerate() {
        let at_an_end = at == 0 || at == last;
        if ",=+<>#;\"\\".contains(sign) || (sign == ' ' && at_an_end) {
            escaped.push('\\');
        }
        escaped.push(sign);
    }
    escaped
}

/// The value as it stands in the certificate.
fn hex(attribute: &AttributeTypeAndValue<'_>) -> String {
    let value = attribute.attr_value();
    let mut bytes = vec![u8::try_from(value.tag().0).unwrap_or(0)];
    match u8::try_from(value.data.len()) {
        Ok(length @ ..=127) => bytes.push(length),
        Ok(length) => bytes.extend([0x81, length]),
        Err(_) => {
            bytes.push(0x82);
            bytes.extend(u16::try_from(value.data.len()).unwrap_or(u16::MAX).to_be_bytes());
        }
    }
    bytes.extend_from_slice(value.data);
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string never fails.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_written_as_java_writes_them() {
        // O=Example, CN=a, b + OU=x and an e-mail address, as `openssl` orders them.
        let der = [
            &[0x30, 0x44][..],
            &[0x31, 0x10, 0x30, 0x0e, 0x06, 0x03, 0x55, 0x04, 0x0a, 0x0c, 0x07],
            b"Example",
            &[0x31, 0x17, 0x30, 0x0b, 0x06, 0x03, 0x55, 0x04, 0x03, 0x0c, 0x04],
            b"a, b",
            &[0x30, 0x08, 0x06, 0x03, 0x55, 0x04, 0x0b, 0x0c, 0x01],
            b"x",
            &[0x31, 0x17, 0x30, 0x15, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x01],
            &[0x16, 0x08],
            b"me@x.org",
        ]
        .concat();
        let (_, name) = X509Name::from_der(&der).unwrap();
        assert_eq!(
            super::write(&name),
            "1.2.840.113549.1.9.1=#16086d6540782e6f7267,CN=a\\, b+OU=x,O=Example"
        );
        assert_eq!(escape(" #a=b "), "\\ \\#a\\=b\\ ");
    }
}
