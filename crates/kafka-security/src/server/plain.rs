use super::{SaslRefusal, SaslStep, SaslUsers, SignedIn};

/// PLAIN (RFC 4616): whom to be, user and password, divided by zeros.
pub(super) fn sign_in(message: &[u8], users: &dyn SaslUsers) -> Result<SaslStep, SaslRefusal> {
    let refuse = |words: String| Err(SaslRefusal::Told(words));
    let message = String::from_utf8_lossy(message);
    let parts: Vec<&str> = message.splitn(4, '\0').collect();
    let [acts_as, user, password] = parts[..] else {
        return refuse(format!("Invalid SASL/PLAIN response: expected 3 tokens, got {}", parts.len()));
    };
    if user.is_empty() {
        return refuse("Authentication failed: username not specified".to_owned());
    }
    if password.is_empty() {
        return refuse("Authentication failed: password not specified".to_owned());
    }
    if users.password(user) != Some(password) {
        return refuse("Authentication failed: Invalid username or password".to_owned());
    }
    if !acts_as.is_empty() && acts_as != user {
        return refuse(
            "Authentication failed: Client requested an authorization id that is different from username"
                .to_owned(),
        );
    }
    Ok(SaslStep::ends(Vec::new(), SignedIn::new(user)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SaslMechanism;
    use crate::server::ScramCredential;

    struct Alice;

    impl SaslUsers for Alice {
        fn password(&self, user: &str) -> Option<&str> {
            (user == "alice").then_some("secret")
        }

        fn scram(&self, _: SaslMechanism, _: &str) -> Option<ScramCredential> {
            None
        }

        fn token(&self, _: &str) -> Result<SignedIn, String> {
            Err("invalid_token".to_owned())
        }
    }

    #[test]
    fn the_right_password_lets_its_user_in_and_nobody_else() {
        let signed_in = SaslStep::ends(Vec::new(), SignedIn::new("alice"));
        assert_eq!(sign_in(b"\0alice\0secret", &Alice), Ok(signed_in.clone()));
        assert_eq!(sign_in(b"alice\0alice\0secret", &Alice), Ok(signed_in));
        for (message, says) in [
            (&b"\0alice\0wrong"[..], "Invalid username or password"),
            (b"\0bob\0secret", "Invalid username or password"),
            (b"bob\0alice\0secret", "different from username"),
            (b"\0\0secret", "username not specified"),
            (b"\0alice\0", "password not specified"),
            (b"alice", "expected 3 tokens, got 1"),
            (b"\0alice\0secret\0more", "expected 3 tokens, got 4"),
            (b"\xff\xfe", "expected 3 tokens"),
        ] {
            let Err(SaslRefusal::Told(words)) = sign_in(message, &Alice) else { panic!("{message:?}") };
            assert!(words.contains(says), "{words}");
        }
    }
}
