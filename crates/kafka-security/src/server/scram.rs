use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256, Sha512};

use crate::SaslMechanism;

use super::{SaslRefusal, SaslStep, SaslUsers, SignedIn};

/// Fewer iterations than these are not taken by Kafka's brokers.
pub const MIN_SCRAM_ITERATIONS: u32 = 4_096;

/// What a broker keeps of a password for SCRAM (RFC 5802): enough to recognise who knows it.
#[derive(Clone, PartialEq, Eq)]
pub struct ScramCredential {
    salt: Vec<u8>,
    iterations: u32,
    stored_key: Vec<u8>,
    server_key: Vec<u8>,
}

impl ScramCredential {
    /// What is kept of a salted password, which [`salt_password`](Self::salt_password) gives.
    ///
    /// `mechanism` is one of SCRAM; any other counts as SHA-512.
    pub fn new(mechanism: SaslMechanism, salted_password: &[u8], salt: &[u8], iterations: u32) -> Self {
        let client_key = hmac(mechanism, salted_password, b"Client Key");
        Self {
            salt: salt.to_vec(),
            iterations,
            stored_key: hash(mechanism, &client_key),
            server_key: hmac(mechanism, salted_password, b"Server Key"),
        }
    }

    /// The password, salted: this takes as long as there are iterations.
    pub fn salt_password(mechanism: SaslMechanism, password: &str, salt: &[u8], iterations: u32) -> Vec<u8> {
        if mechanism == SaslMechanism::ScramSha256 {
            pbkdf2::pbkdf2_hmac_array::<Sha256, 32>(password.as_bytes(), salt, iterations).to_vec()
        } else {
            pbkdf2::pbkdf2_hmac_array::<Sha512, 64>(password.as_bytes(), salt, iterations).to_vec()
        }
    }
}

impl fmt::Debug for ScramCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScramCredential").field("iterations", &self.iterations).finish_non_exhaustive()
    }
}

fn hmac(mechanism: SaslMechanism, key: &[u8], text: &[u8]) -> Vec<u8> {
    fn by<M: Mac + KeyInit>(key: &[u8], text: &[u8]) -> Vec<u8> {
        // Keys of every length are taken.
        let Ok(mut mac) = <M as KeyInit>::new_from_slice(key) else { return Vec::new() };
        mac.update(text);
        mac.finalize().into_bytes().to_vec()
    }
    if mechanism == SaslMechanism::ScramSha256 {
        by::<Hmac<Sha256>>(key, text)
    } else {
        by::<Hmac<Sha512>>(key, text)
    }
}

fn hash(mechanism: SaslMechanism, text: &[u8]) -> Vec<u8> {
    if mechanism == SaslMechanism::ScramSha256 {
        Sha256::digest(text).to_vec()
    } else {
        Sha512::digest(text).to_vec()
    }
}

#[derive(Debug)]
pub(super) struct ScramServer {
    mechanism: SaslMechanism,
    state: State,
}

#[derive(Debug)]
enum State {
    /// With the server's part of the nonce.
    First(String),
    Final {
        user: String,
        credential: ScramCredential,
        nonce: String,
        /// The client's first message without its header, and the server's answer to it.
        said: String,
    },
    Over,
}

impl ScramServer {
    pub(super) fn new(mechanism: SaslMechanism, nonce: String) -> Self {
        Self { mechanism, state: State::First(nonce) }
    }

    pub(super) fn step(&mut self, message: &[u8], users: &dyn SaslUsers) -> Result<SaslStep, SaslRefusal> {
        let message = std::str::from_utf8(message)
            .map_err(|_| SaslRefusal::Untold("a message of SCRAM is text".to_owned()))?;
        match std::mem::replace(&mut self.state, State::Over) {
            State::First(nonce) => self.first(message, &nonce, users),
            State::Final { user, credential, nonce, said } => {
                self.last(message, user, &credential, &nonce, &said)
            }
            State::Over => Err(SaslRefusal::Untold("the conversation is over".to_owned())),
        }
    }

    fn first(&mut self, message: &str, nonce: &str, users: &dyn SaslUsers) -> Result<SaslStep, SaslRefusal> {
        let malformed =
            || SaslRefusal::Untold(format!("Invalid SCRAM client first message format: {message}"));
        let first = ClientFirst::parse(message).ok_or_else(malformed)?;
        let user = unescape(first.user).ok_or_else(malformed)?;
        let credential = users.scram(self.mechanism, &user);
        let credential = credential.ok_or_else(|| SaslRefusal::Untold(format!("no user {user}")))?;
        if !first.acts_as.is_empty() && first.acts_as != user {
            let words =
                "Authentication failed: Client requested an authorization id that is different from username";
            return Err(SaslRefusal::Told(words.to_owned()));
        }
        let nonce = format!("{}{nonce}", first.nonce);
        let answer = format!("r={nonce},s={},i={}", STANDARD.encode(&credential.salt), credential.iterations);
        let said = format!("{},{answer}", first.bare);
        self.state = State::Final { user, credential, nonce, said };
        Ok(SaslStep::goes_on(answer.into_bytes()))
    }

    fn last(
        &self,
        message: &str,
        user: String,
        credential: &ScramCredential,
        nonce: &str,
        said: &str,
    ) -> Result<SaslStep, SaslRefusal> {
        let malformed =
            || SaslRefusal::Untold(format!("Invalid SCRAM client final message format: {message}"));
        let (without_proof, proof) = message.rsplit_once(",p=").ok_or_else(malformed)?;
        let mut parts = without_proof.split(',');
        let binding = parts.next().and_then(|part| part.strip_prefix("c="));
        let returned = parts.next().and_then(|part| part.strip_prefix("r="));
        let (Some(_), Some(returned)) = (binding, returned) else { return Err(malformed()) };
        let proof = STANDARD.decode(proof).map_err(|_| malformed())?;
        if returned != nonce {
            return Err(SaslRefusal::Untold("Invalid client nonce in the final client message.".to_owned()));
        }
        let agreed = format!("{said},{without_proof}");
        let signature = hmac(self.mechanism, &credential.stored_key, agreed.as_bytes());
        let client_key: Vec<u8> = proof.iter().zip(&signature).map(|(proof, sign)| proof ^ sign).collect();
        if proof.len() != signature.len() || hash(self.mechanism, &client_key) != credential.stored_key {
            return Err(SaslRefusal::Untold("Invalid client credentials".to_owned()));
        }
        let signature = hmac(self.mechanism, &credential.server_key, agreed.as_bytes());
        let answer = format!("v={}", STANDARD.encode(signature));
        Ok(SaslStep::ends(answer.into_bytes(), SignedIn::new(user)))
    }
}

/// `n,[a=whom to be],n=user,r=nonce[,extensions]`: Kafka has no channel binding.
struct ClientFirst<'a> {
    acts_as: &'a str,
    bare: &'a str,
    user: &'a str,
    nonce: &'a str,
}

impl<'a> ClientFirst<'a> {
    fn parse(message: &'a str) -> Option<Self> {
        let (acts_as, bare) = message.strip_prefix("n,")?.split_once(',')?;
        let acts_as = if acts_as.is_empty() { "" } else { acts_as.strip_prefix("a=")? };
        let mut parts = bare.split(',').skip_while(|part| part.starts_with("m="));
        let user = parts.next()?.strip_prefix("n=").filter(|user| !user.is_empty())?;
        let nonce = parts.next()?.strip_prefix("r=")?;
        let is_nonce = !nonce.is_empty() && nonce.bytes().all(|byte| byte.is_ascii_graphic());
        let mut extensions = parts.map(|part| part.split_once('='));
        let are_named = extensions.all(|part| part.is_some_and(|(name, _)| !name.is_empty()));
        (is_nonce && are_named).then_some(Self { acts_as, bare, user, nonce })
    }
}

/// A user's name as it is: `=2C` stands for a comma, `=3D` for an equals sign.
fn unescape(name: &str) -> Option<String> {
    let mut parts = name.split('=');
    let mut plain = parts.next()?.to_owned();
    for part in parts {
        let (sign, rest) = match (part.strip_prefix("2C"), part.strip_prefix("3D")) {
            (Some(rest), _) => (',', rest),
            (_, Some(rest)) => ('=', rest),
            _ => return None,
        };
        plain.push(sign);
        plain.push_str(rest);
    }
    Some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7677's user, password and salt.
    struct User;

    const SALT: &[u8] =
        &[0x5b, 0x6d, 0x99, 0x68, 0x9d, 0x12, 0x35, 0x8e, 0xec, 0xa0, 0x4b, 0x14, 0x12, 0x36, 0xfa, 0x81];

    impl SaslUsers for User {
        fn password(&self, _: &str) -> Option<&str> {
            None
        }

        fn scram(&self, mechanism: SaslMechanism, user: &str) -> Option<ScramCredential> {
            let salted = ScramCredential::salt_password(mechanism, "pencil", SALT, 4096);
            (user == "user").then(|| ScramCredential::new(mechanism, &salted, SALT, 4096))
        }

        fn token(&self, _: &str) -> Result<SignedIn, String> {
            Err("invalid_token".to_owned())
        }
    }

    const NONCE: &str = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
    const FIRST: &[u8] = b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO";
    const LAST: &str = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=";

    fn server() -> ScramServer {
        ScramServer::new(SaslMechanism::ScramSha256, NONCE.to_owned())
    }

    #[test]
    fn the_conversation_that_rfc_7677_prints_succeeds() {
        let mut server = server();
        let first = server.step(FIRST, &User).unwrap();
        let expected =
            "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
        assert_eq!(first, SaslStep::goes_on(expected.as_bytes().to_vec()));
        let proof = format!("{LAST}dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");
        let last = server.step(proof.as_bytes(), &User).unwrap();
        let signature = b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=".to_vec();
        assert_eq!(last, SaslStep::ends(signature, SignedIn::new("user")));
        assert!(server.step(proof.as_bytes(), &User).is_err(), "it is over");
    }

    #[test]
    fn what_is_no_message_and_proves_nothing_is_refused_untold() {
        for first in [
            &b"n,,n=nobody,r=abc"[..],
            b"",
            b"n,,",
            b"y,,n=user,r=abc",
            b"p=tls-unique,,n=user,r=abc",
            b"n,,n=,r=abc",
            b"n,,n=us=er,r=abc",
            b"n,,n=user,r=",
            b"n,,n=user,r=a b",
            b"n,,n=user,r=abc,tokenauth",
            b"\xff",
        ] {
            let refused = server().step(first, &User);
            assert!(matches!(refused, Err(SaslRefusal::Untold(_))), "{first:?}: {refused:?}");
        }
        let other = server().step(b"n,a=root,n=user,r=abc", &User);
        assert!(matches!(other, Err(SaslRefusal::Told(_))), "{other:?}");
        for last in [
            format!("{LAST}AAAA"),
            format!("{LAST}dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVU="),
            format!("{LAST}%"),
            LAST.replace("rOpr", "xxxx") + "AAAA",
            "c=biws".to_owned(),
            String::new(),
        ] {
            let mut server = server();
            server.step(FIRST, &User).unwrap();
            let refused = server.step(last.as_bytes(), &User);
            assert!(matches!(refused, Err(SaslRefusal::Untold(_))), "{last}: {refused:?}");
        }
    }

    #[test]
    fn names_are_unescaped() {
        assert_eq!(unescape("a=2Cb=3Dc").as_deref(), Some("a,b=c"));
        assert_eq!(unescape("=2C=3D").as_deref(), Some(",="));
        assert_eq!(unescape("plain").as_deref(), Some("plain"));
        assert_eq!(unescape("a=2"), None);
        assert_eq!(unescape("a="), None);
    }
}
