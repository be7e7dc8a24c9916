//! SCRAM against a server of our own, which is held to the vectors of RFC 5802 and RFC 7677 itself: the client's nonce is
//! random, so its messages cannot be those of the RFCs, but whoever proves these proves any.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests may fail the test")]

mod support;

use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use kafka_core::net::{Authenticator, BoxFuture, SaslChannel, SaslReply};
use kafka_core::{Error, ErrorKind, Result};
use kafka_security::{SaslAuthenticator, SaslMechanism};
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};
use support::broker;

/// RFC 7677's.
const SALT: &str = "W22ZaJ0SNY7soEsUEjb6gQ==";

/// The client's proof and the server's signature.
type Proof = fn(&str, &str, u32, &str) -> (String, String);

macro_rules! proof {
    ($name:ident, $digest:ty) => {
        /// As RFC 5802, section 3, has it.
        fn $name(password: &str, salt: &str, iterations: u32, auth_message: &str) -> (String, String) {
            let hmac = |key: &[u8], text: &[u8]| {
                let mut mac = Hmac::<$digest>::new_from_slice(key).unwrap();
                mac.update(text);
                mac.finalize().into_bytes().to_vec()
            };
            let mut salted = vec![0; <$digest>::output_size()];
            let salt = STANDARD.decode(salt).unwrap();
            pbkdf2::pbkdf2_hmac::<$digest>(password.as_bytes(), &salt, iterations, &mut salted);
            let client_key = hmac(&salted, b"Client Key");
            let stored_key = <$digest>::digest(&client_key);
            let client_signature = hmac(&stored_key, auth_message.as_bytes());
            let proof: Vec<u8> =
                client_key.iter().zip(client_signature).map(|(key, sign)| key ^ sign).collect();
            let server_key = hmac(&salted, b"Server Key");
            (STANDARD.encode(proof), STANDARD.encode(hmac(&server_key, auth_message.as_bytes())))
        }
    };
}

proof!(sha_1, Sha1);
proof!(sha_256, Sha256);
proof!(sha_512, Sha512);

#[test]
fn the_server_of_these_tests_does_what_the_rfcs_print() {
    let of_5802 = "n=user,r=fyko+d2lbbFgONRv9qkxdawL,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,\
                   s=QSXCR+Q6sek8bf92,i=4096,c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j";
    assert_eq!(
        sha_1("pencil", "QSXCR+Q6sek8bf92", 4096, of_5802),
        ("v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=".to_owned(), "rmF9pqV8S7suAoZWja4dJRkFsKQ=".to_owned())
    );
    let of_7677 = "n=user,r=rOprNGfwEbeRWgbNEkqO,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
                   s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
    assert_eq!(
        sha_256("pencil", SALT, 4096, of_7677),
        (
            "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=".to_owned(),
            "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=".to_owned()
        )
    );
}

/// A server that knows the password, and may be made to lie.
struct Server {
    proof: Proof,
    username: &'static str,
    password: &'static str,
    /// Makes the first message of the nonce.
    first: Box<dyn Fn(&str) -> String + Send>,
    /// Makes the last message of the right signature.
    last: Box<dyn Fn(&str) -> String + Send>,
    client_first: String,
    server_first: String,
    steps: usize,
}

impl Server {
    fn new(proof: Proof) -> Self {
        Self {
            proof,
            username: "user",
            password: "pencil",
            first: Box::new(|nonce| format!("r={nonce},s={SALT},i=4096")),
            last: Box::new(|signature| format!("v={signature}")),
            client_first: String::new(),
            server_first: String::new(),
            steps: 0,
        }
    }

    fn answer(&mut self, message: &str) -> Result<String> {
        self.steps += 1;
        if self.steps == 1 {
            let bare = message.strip_prefix("n,,").unwrap();
            let (user, nonce) = bare.strip_prefix("n=").unwrap().split_once(",r=").unwrap();
            assert_eq!(user, self.username.replace('=', "=3D").replace(',', "=2C"));
            assert!(nonce.len() >= 18, "{nonce}");
            self.client_first = bare.to_owned();
            self.server_first = (self.first)(&format!("{nonce}%the-servers-part"));
            return Ok(self.server_first.clone());
        }
        let (without_proof, proof) = message.rsplit_once(",p=").unwrap();
        assert!(without_proof.starts_with("c=biws,r="), "{without_proof}");
        let count = self.server_first.rsplit_once(",i=").unwrap().1.parse().unwrap();
        let auth_message = format!("{},{},{without_proof}", self.client_first, self.server_first);
        let (expected, signature) = (self.proof)(self.password, SALT, count, &auth_message);
        if proof != expected {
            return Err(Error::new(ErrorKind::Authentication, "invalid proof"));
        }
        Ok((self.last)(&signature))
    }
}

impl SaslChannel for Server {
    fn handshake<'a>(&'a mut self, mechanism: &'a str) -> BoxFuture<'a, Result<Vec<String>>> {
        Box::pin(async move { Ok(vec![mechanism.to_owned()]) })
    }

    fn exchange(&mut self, token: Bytes) -> BoxFuture<'_, Result<SaslReply>> {
        let answer = self.answer(std::str::from_utf8(&token).unwrap());
        Box::pin(async move { Ok(SaslReply { token: answer?.into(), session_lifetime: None }) })
    }
}

const BOTH: [(SaslMechanism, Proof); 2] =
    [(SaslMechanism::ScramSha256, sha_256), (SaslMechanism::ScramSha512, sha_512)];

async fn sign_in(mechanism: SaslMechanism, server: &mut Server) -> Result<()> {
    let (user, password) = (server.username, server.password);
    let authenticator = SaslAuthenticator::new(mechanism, user, password);
    authenticator.authenticate(&broker(), server).await.map(|_| ())
}

#[tokio::test]
async fn client_and_server_prove_the_password_to_each_other() {
    for (mechanism, proof) in BOTH {
        sign_in(mechanism, &mut Server::new(proof)).await.unwrap();
        let mut server = Server::new(proof);
        let wrong = SaslAuthenticator::new(mechanism, "user", "pen");
        assert!(wrong.authenticate(&broker(), &mut server).await.is_err());
    }
}

#[tokio::test]
async fn names_and_passwords_are_taken_byte_by_byte_as_brokers_store_them() {
    for (username, password) in
        [("a=b,c", "x,y=z"), ("jürgen", "pässwörd ™"), ("user", "I\u{ad}X \u{2168}"), (" user ", " ")]
    {
        let mut server = Server { username, password, ..Server::new(sha_256) };
        let done = sign_in(SaslMechanism::ScramSha256, &mut server).await;
        done.unwrap_or_else(|error| panic!("{username}: {error}"));
        assert_eq!(server.steps, 2);
    }
}

#[tokio::test]
async fn a_server_that_does_not_know_the_password_is_refused() {
    for (mechanism, proof) in BOTH {
        let lies: [fn(&str) -> String; 7] = [
            |_| format!("v={}", STANDARD.encode([0; 32])),
            |_| "v=".to_owned(),
            |_| "v=!!!".to_owned(),
            |right| format!("v={}", STANDARD.encode(&STANDARD.decode(right).unwrap()[1..])),
            |_| "e=other-error".to_owned(),
            |_| String::new(),
            |_| "nonsense".to_owned(),
        ];
        for lie in lies {
            let mut server = Server { last: Box::new(lie), ..Server::new(proof) };
            let error = sign_in(mechanism, &mut server).await.unwrap_err();
            assert_eq!(*error.kind(), ErrorKind::Authentication);
            let text = error.to_string();
            let said = ["does not prove", "refuses: `other-error`", "no message of SCRAM"];
            assert!(error.is_fatal() && said.iter().any(|said| text.contains(said)), "{text}");
            assert_eq!(server.steps, 2);
        }
    }
}

#[tokio::test]
async fn a_first_message_that_is_tampered_with_gets_no_proof() {
    /// What a server answers to the nonce it was given.
    type Answer = fn(&str) -> String;
    let messages: [(Answer, &str); 12] = [
        (|nonce| format!("r={},s={SALT},i=4096", &nonce[1..]), ""),
        (|nonce| format!("r=x{nonce},s={SALT},i=4096"), ""),
        (|nonce| format!("r={},s={SALT},i=4096", nonce.replace("%the-servers-part", "")), ""),
        (|nonce| format!("r={nonce},s=!!!,i=4096"), ""),
        (|nonce| format!("r={nonce},i=4096"), ""),
        (|nonce| format!("m=ext,r={nonce},s={SALT},i=4096"), ""),
        (|nonce| format!("r={nonce},s={SALT}"), ""),
        (|nonce| format!("r={nonce},s={SALT},i=4095"), "4095 iterations"),
        (|nonce| format!("r={nonce},s={SALT},i=1"), "1 iterations"),
        (|nonce| format!("r={nonce},s={SALT},i=1000001"), "`1000001` iterations"),
        (|nonce| format!("r={nonce},s={SALT},i=4294967295"), "`4294967295` iterations"),
        (|nonce| format!("r={nonce},s={SALT},i=99999999999999999999"), "iterations"),
    ];
    for (mechanism, proof) in BOTH {
        for (first, says) in &messages {
            let mut server = Server { first: Box::new(*first), ..Server::new(proof) };
            let begun = Instant::now();
            let error = sign_in(mechanism, &mut server).await.unwrap_err();
            assert_eq!(*error.kind(), ErrorKind::Authentication, "{error}");
            assert!(error.to_string().contains(says), "`{says}` is not in: {error}");
            assert_eq!(server.steps, 1, "{}", server.server_first);
            // Four billion hashes would take an hour.
            assert!(begun.elapsed() < Duration::from_secs(60));
        }
    }
}

proptest::proptest! {
    #[test]
    fn no_message_of_a_server_does_more_than_fail(first in "(r=|s=|i=|v=|e=|m=|,|4096|[ -~]|\\PC){0,12}", bytes: Vec<u8>) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        for mechanism in ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] {
            let mechanism: SaslMechanism = mechanism.parse().unwrap();
            for answers in [[Bytes::from(first.clone()), bytes.clone().into()], [bytes.clone().into(), first.clone().into()]] {
                let mut channel = support::Scripted::answering(answers);
                let authenticator = SaslAuthenticator::new(mechanism, "user", "pencil");
                let done = runtime.block_on(authenticator.authenticate(&broker(), &mut channel));
                if mechanism != SaslMechanism::Plain {
                    assert!(!done.unwrap_err().to_string().contains("gave up"), "the mechanism panicked");
                }
            }
        }
    }
}
