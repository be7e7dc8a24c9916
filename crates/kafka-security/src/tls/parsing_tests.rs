//! Properties of the parsers: nothing makes them panic, nothing that is there is missed, and no output shows a key.

use std::path::PathBuf;

use proptest::collection::vec;
use proptest::prelude::*;

use super::pem;
use crate::Secret;
use crate::fuzzing::{describe_certificate, read_key_store, read_pem};

const PASS_PHRASE: &str = "pass-phrase-of-the-key";

fn fixture(name: &str) -> Vec<u8> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/pem");
    std::fs::read(folder.join(name)).unwrap()
}

fn der(name: &str) -> Vec<u8> {
    pem::certificates(&fixture(name), name).unwrap()[0].to_vec()
}

/// A change of a few bytes somewhere, or a cut.
#[derive(Clone, Debug)]
enum Change {
    Set(prop::sample::Index, u8),
    Insert(prop::sample::Index, Vec<u8>),
    Cut(prop::sample::Index),
    Repeat(prop::sample::Index, u8),
}

fn change() -> impl Strategy<Value = Change> {
    let place = any::<prop::sample::Index>;
    prop_oneof![
        8 => (place(), any::<u8>()).prop_map(|(at, byte)| Change::Set(at, byte)),
        2 => (place(), vec(any::<u8>(), 1..8)).prop_map(|(at, bytes)| Change::Insert(at, bytes)),
        1 => place().prop_map(Change::Cut),
        1 => (place(), any::<u8>()).prop_map(|(at, length)| Change::Repeat(at, length)),
    ]
}

fn changed(mut bytes: Vec<u8>, changes: &[Change]) -> Vec<u8> {
    for change in changes {
        if bytes.is_empty() {
            break;
        }
        match change {
            Change::Set(at, byte) => {
                let at = at.index(bytes.len());
                bytes[at] = *byte;
            }
            Change::Insert(at, more) => {
                let at = at.index(bytes.len());
                bytes.splice(at..at, more.iter().copied());
            }
            Change::Cut(at) => bytes.truncate(at.index(bytes.len())),
            Change::Repeat(at, length) => {
                let at = at.index(bytes.len());
                let end = bytes.len().min(at + usize::from(*length));
                let piece = bytes[at..end].to_vec();
                bytes.splice(at..at, piece);
            }
        }
    }
    bytes
}

const TEXTS: [&str; 7] = [
    "ca.pem",
    "client.key",
    "client-sec1.key",
    "client-rsa-pkcs1.key",
    "client-combined.pem",
    "client-combined-aes.pem",
    "client-openssl.key",
];
const STORES: [&str; 3] = ["client-legacy.p12", "trust-keytool.p12", "client.jks"];

fn base64(bytes: &[u8], width: usize) -> String {
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(bytes);
    text.as_bytes().chunks(width).map(|line| String::from_utf8_lossy(line) + "\n").collect()
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(bytes in vec(any::<u8>(), 0..600)) {
        read_pem(&bytes);
        describe_certificate(&bytes);
    }

    #[test]
    fn any_lines_between_dashes_are_read_or_refused(
        text in "(-----(BEGIN|END) (CERTIFICATE|PRIVATE KEY|ENCRYPTED PRIVATE KEY|[A-Z ]{0,9})-{0,6}\n?|[A-Za-z0-9+/=]{0,70}\n|.{0,9}){0,9}"
    ) {
        read_pem(text.as_bytes());
    }

    #[test]
    fn damaged_files_are_read_or_refused(
        name in prop::sample::select(&TEXTS[..]),
        changes in vec(change(), 1..6),
    ) {
        read_pem(&changed(fixture(name), &changes));
    }

    #[test]
    fn damaged_certificates_are_described_or_not_and_never_at_length(
        name in prop::sample::select(vec!["ca.pem", "server.pem", "elsewhere.pem", "client-rsa.pem"]),
        changes in vec(change(), 1..6),
    ) {
        if let Some(text) = describe_certificate(&changed(der(name), &changes)) {
            prop_assert!(text.chars().count() < 700);
            prop_assert!(!text.chars().any(char::is_control), "{text:?}");
        }
    }

    #[test]
    fn every_section_is_found_whatever_stands_between(
        sections in vec((vec(any::<u8>(), 1..200), "[a-z :=,.\r\n]{0,40}", 1usize..100), 1..6),
    ) {
        let mut text = String::new();
        for (bytes, noise, width) in &sections {
            // A line ends before the next begins, and base64 comes in groups of four.
            let width = width.next_multiple_of(4);
            text += &format!("{noise}\n-----BEGIN CERTIFICATE-----\n{}-----END CERTIFICATE-----\n", base64(bytes, width));
        }
        let read = pem::certificates(text.as_bytes(), "text").unwrap();
        prop_assert_eq!(read.len(), sections.len());
        for (read, (bytes, ..)) in read.iter().zip(&sections) {
            prop_assert_eq!(read.as_ref(), bytes.as_slice());
        }
    }

    #[test]
    fn no_error_shows_what_the_text_holds(secret in "[a-z]{24}", changes in vec(change(), 0..4)) {
        let text = format!("-----BEGIN PRIVATE KEY-----{secret}\n{secret}\n-----END PRIVATE KEY-----{secret}\n");
        let password = Secret::from(PASS_PHRASE);
        for text in [text.clone().into_bytes(), changed(text.into_bytes(), &changes)] {
            if let Err(error) = pem::private_key(&text, "text", Some(&password)) {
                let shown = format!("{error} {error:?}");
                prop_assert!(!shown.contains(&secret[..12]), "{shown}");
                prop_assert!(!shown.contains(&secret[12..]), "{shown}");
            }
            if let Err(error) = pem::certificates(&text, "text") {
                let shown = format!("{error} {error:?}");
                prop_assert!(!shown.contains(&secret[..12]), "{shown}");
            }
        }
    }
}

proptest! {
    // Keys are derived slowly.
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn damaged_stores_are_read_or_refused(
        name in prop::sample::select(&STORES[..]),
        changes in vec(change(), 1..6),
    ) {
        read_key_store(&changed(fixture(name), &changes));
    }
}

/// A pass phrase that would take years to check is refused at once.
#[test]
fn work_without_bound_is_refused() {
    let text = String::from_utf8(fixture("client-aes.key")).unwrap();
    let body: String = text.lines().filter(|line| !line.starts_with('-')).collect();
    use base64::Engine as _;
    let engine = base64::engine::general_purpose::STANDARD;
    let mut bytes = engine.decode(body).unwrap();
    // 2,048 iterations are `02 02 08 00`; in their place two thousand million, which takes two bytes more.
    let at = bytes.windows(4).position(|window| window == [2, 2, 8, 0]).expect("the iterations");
    bytes.splice(at..at + 4, [2, 4, 0x7f, 0xff, 0xff, 0xff]);
    for length in enclosing(&bytes, at) {
        bytes[length] += 2;
    }
    let text = format!(
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\n{}-----END ENCRYPTED PRIVATE KEY-----\n",
        base64(&bytes, 64)
    );
    let password = Secret::from(PASS_PHRASE);
    let error = pem::private_key(text.as_bytes(), "the key", Some(&password)).unwrap_err();
    assert!(error.to_string().contains("far too long"), "{error}");
}

/// Where the lengths of the sequences stand that reach over `at`.
fn enclosing(bytes: &[u8], at: usize) -> Vec<usize> {
    let mut found = Vec::new();
    for start in 0..at {
        if bytes[start] != 0x30 {
            continue;
        }
        let (length_at, length, head) = match bytes[start + 1] {
            0x81 => (start + 2, usize::from(bytes[start + 2]), 3),
            0x82 => (start + 3, usize::from(bytes[start + 2]) * 256 + usize::from(bytes[start + 3]), 4),
            short if short < 0x80 => (start + 1, usize::from(short), 2),
            _ => continue,
        };
        if start + head <= at && start + head + length > at && start + head + length <= bytes.len() {
            found.push(length_at);
        }
    }
    found
}
