use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::{SaslRefusal, SaslStep, SaslUsers, SignedIn};

/// By how much the clocks of who makes a token and who looks at it may differ, in milliseconds.
const SKEW: f64 = 1000.0;

/// What a client says to hear why its token was refused.
const ACKNOWLEDGEMENT: &[u8] = b"\x01";

/// OAUTHBEARER (RFC 7628): a token, or the acknowledgement of what was wrong with it.
pub(super) fn sign_in(
    message: &[u8],
    refused: &mut Option<String>,
    users: &dyn SaslUsers,
) -> Result<SaslStep, SaslRefusal> {
    if message == ACKNOWLEDGEMENT
        && let Some(refused) = refused.take()
    {
        return Err(SaslRefusal::Told(refused));
    }
    *refused = None;
    let malformed = || SaslRefusal::Untold("Invalid OAUTHBEARER client first message".to_owned());
    let shown = std::str::from_utf8(message).ok().and_then(Shown::parse).ok_or_else(malformed)?;
    match users.token(shown.token) {
        Ok(signed_in) if shown.acts_as.is_empty() || shown.acts_as == signed_in.user => {
            Ok(SaslStep::ends(Vec::new(), signed_in))
        }
        Ok(signed_in) => Err(SaslRefusal::Told(format!(
            "Authentication failed: Client requested an authorization id ({}) that is different from the token's principal \
             name ({})",
            shown.acts_as, signed_in.user
        ))),
        Err(status) => {
            let problem = format!("{{\"status\":\"{status}\"}}");
            *refused = Some(problem.clone());
            Ok(SaslStep::goes_on(problem.into_bytes()))
        }
    }
}

/// `n,[a=whom to be],` and fields, each ended by a byte of value 1, as they all are together.
struct Shown<'a> {
    acts_as: &'a str,
    token: &'a str,
}

impl<'a> Shown<'a> {
    fn parse(message: &'a str) -> Option<Self> {
        let (header, fields) = message.split_once('\u{1}')?;
        let acts_as = header.strip_prefix("n,")?.strip_suffix(',')?;
        let acts_as = if acts_as.is_empty() { "" } else { acts_as.strip_prefix("a=")? };
        let fields = fields.strip_suffix("\u{1}\u{1}")?;
        let mut token = None;
        for field in fields.split('\u{1}') {
            let (name, value) = field.split_once('=')?;
            if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphabetic()) || value.is_empty() {
                return None;
            }
            if name == "auth" {
                let (scheme, value) = value.split_once(' ')?;
                token = scheme.eq_ignore_ascii_case("bearer").then(|| value.trim_start_matches(' '));
            }
        }
        Some(Self { acts_as, token: token.filter(|token| is_token(token))? })
    }
}

fn is_token(token: &str) -> bool {
    let body = token.trim_end_matches('=');
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b"-_~+/.".contains(&byte);
    !body.is_empty() && body.bytes().all(known)
}

/// Whose token it is, which nobody has signed: for tests, since anybody can make one. `now` is in milliseconds since 1970.
///
/// # Errors
/// `invalid_token` where it is none, is signed, names no user in its claim `sub`, or is not good at this time.
pub fn unsecured_token(token: &str, now: i64) -> Result<SignedIn, String> {
    read_unsecured(token, now).ok_or_else(|| "invalid_token".to_owned())
}

fn read_unsecured(token: &str, now: i64) -> Option<SignedIn> {
    let mut parts = token.split('.');
    let (header, claims, signature) = (parts.next()?, parts.next()?, parts.next()?);
    if !signature.is_empty() || parts.next().is_some() {
        return None;
    }
    let section = |text: &str| {
        let bytes = URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok()?;
        serde_json::from_slice::<Value>(&bytes).ok().filter(Value::is_object)
    };
    let (header, claims) = (section(header)?, section(claims)?);
    let user = claims.get("sub")?.as_str().filter(|user| !user.trim().is_empty())?;
    let ends = claims.get("exp")?.as_f64()?;
    let begins = match claims.get("iat") {
        Some(begins) => Some(begins.as_f64()?),
        None => None,
    };
    #[allow(clippy::cast_precision_loss, reason = "milliseconds since 1970 are exact for 200,000 years")]
    let now = now as f64;
    let is_good = header.get("alg")? == "none"
        && ends * 1000.0 > now - SKEW
        && begins.is_none_or(|begins| begins * 1000.0 <= now + SKEW && begins < ends);
    #[allow(clippy::cast_possible_truncation, reason = "what does not fit is cut off to what does")]
    is_good.then(|| SignedIn::new(user).until((ends * 1000.0) as i64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SaslMechanism;
    use crate::server::ScramCredential;

    struct At(i64);

    impl SaslUsers for At {
        fn password(&self, _: &str) -> Option<&str> {
            None
        }

        fn scram(&self, _: SaslMechanism, _: &str) -> Option<ScramCredential> {
            None
        }

        fn token(&self, token: &str) -> Result<SignedIn, String> {
            unsecured_token(token, self.0)
        }
    }

    fn token(header: &str, claims: &str) -> String {
        format!("{}.{}.", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims))
    }

    #[test]
    fn a_token_is_good_for_its_time_and_its_user() {
        let good = token(r#"{"alg":"none"}"#, r#"{"sub":"alice","iat":100,"exp":200.5}"#);
        let message = format!("n,,\u{1}auth=Bearer {good}\u{1}trace=x\u{1}\u{1}");
        let signed_in = SignedIn::new("alice").until(200_500);
        let step = sign_in(message.as_bytes(), &mut None, &At(150_000));
        assert_eq!(step, Ok(SaslStep::ends(Vec::new(), signed_in)));
        for at in [50_000, 202_000] {
            let mut refused = None;
            let step = sign_in(message.as_bytes(), &mut refused, &At(at)).unwrap();
            assert_eq!(step, SaslStep::goes_on(br#"{"status":"invalid_token"}"#.to_vec()));
            let told = SaslRefusal::Told(r#"{"status":"invalid_token"}"#.to_owned());
            assert_eq!(sign_in(ACKNOWLEDGEMENT, &mut refused, &At(at)), Err(told));
        }
        let other = message.replace("n,,", "n,a=bob,");
        assert!(matches!(sign_in(other.as_bytes(), &mut None, &At(150_000)), Err(SaslRefusal::Told(_))));
    }

    #[test]
    fn what_is_no_token_is_refused() {
        let none = r#"{"alg":"none"}"#;
        for bad in [
            token(r#"{"alg":"RS256"}"#, r#"{"sub":"alice","exp":200}"#),
            token(none, r#"{"exp":200}"#),
            token(none, r#"{"sub":" ","exp":200}"#),
            token(none, r#"{"sub":7,"exp":200}"#),
            token(none, r#"{"sub":"alice"}"#),
            token(none, r#"{"sub":"alice","iat":"x","exp":200}"#),
            token(none, r#"{"sub":"alice","iat":200,"exp":200}"#),
            token(none, r#"{"sub":"alice","exp":200}"#) + "c2ln",
            token(none, "[]"),
            "a.b".to_owned(),
            "....".to_owned(),
        ] {
            assert_eq!(unsecured_token(&bad, 100_000), Err("invalid_token".to_owned()), "{bad}");
        }
    }

    #[test]
    fn what_is_no_message_is_refused_untold() {
        for bad in [
            "",
            "\u{1}",
            "n,,",
            "n,,\u{1}\u{1}",
            "n,,\u{1}auth=Bearer x\u{1}",
            "n,,\u{1}auth=Basic x\u{1}\u{1}",
            "n,,\u{1}auth=Bearer \u{1}\u{1}",
            "n,,\u{1}auth=Bearer x y\u{1}\u{1}",
            "n,,\u{1}au-th=x\u{1}auth=Bearer x\u{1}\u{1}",
            "y,,\u{1}auth=Bearer x\u{1}\u{1}",
        ] {
            let refused = sign_in(bad.as_bytes(), &mut None, &At(0));
            assert!(matches!(refused, Err(SaslRefusal::Untold(_))), "{bad:?}: {refused:?}");
        }
    }
}
