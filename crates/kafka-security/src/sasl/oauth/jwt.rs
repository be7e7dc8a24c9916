//! As much of JSON web tokens as a client needs: their claims, unchecked. What they prove is the broker's matter.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

/// The claims of a JWT; `None` if it is none, since a token may be anything.
pub(super) fn claims(token: &str) -> Option<Value> {
    let mut parts = token.split('.');
    let (_header, claims, _signature) = (parts.next()?, parts.next()?, parts.next()?);
    let claims = URL_SAFE_NO_PAD.decode(claims.trim_end_matches('=')).ok()?;
    serde_json::from_slice(&claims).ok().filter(Value::is_object)
}

/// How long it is good from `now`, by its claim `exp`.
pub(super) fn remaining(claims: &Value, now: SystemTime) -> Option<Duration> {
    let ends = Duration::try_from_secs_f64(claims.get("exp")?.as_f64()?).ok()?;
    Some(ends.saturating_sub(now.duration_since(UNIX_EPOCH).ok()?))
}

/// A JWT that nobody signed (RFC 7515, `alg` `none`).
pub(super) fn unsecured(claims: &Value) -> String {
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#);
    format!("{header}.{}.", URL_SAFE_NO_PAD.encode(claims.to_string()))
}
