//! What a broker answers to a token that it does not take (RFC 7628, section 3.2.2).

use serde::Deserialize;

/// The dummy answer that a broker waits for before it ends the conversation with an error.
pub(in crate::sasl) const ACKNOWLEDGEMENT: &[u8] = b"\x01";

/// The most that is repeated of what a broker says, in characters.
const SHOWN: usize = 200;

#[derive(Deserialize)]
struct Challenge {
    status: String,
    scope: Option<String>,
    #[serde(rename = "openid-configuration")]
    openid_configuration: Option<String>,
}

/// The broker's words.
pub(in crate::sasl) fn describe(message: &[u8]) -> String {
    let Ok(challenge) = serde_json::from_slice::<Challenge>(message) else {
        return format!("`{}`", shown(&String::from_utf8_lossy(message)));
    };
    let mut words = format!("status `{}`", shown(&challenge.status));
    if let Some(scope) = &challenge.scope {
        words.push_str(&format!(", it wants the scope `{}`", shown(scope)));
    }
    if let Some(address) = &challenge.openid_configuration {
        words.push_str(&format!(", it trusts the issuer described at `{}`", shown(address)));
    }
    words
}

/// Without control characters, and not without end.
pub(in crate::sasl) fn shown(text: &str) -> String {
    let mut shown: String = text.chars().take(SHOWN).flat_map(char::escape_debug).collect();
    if text.chars().nth(SHOWN).is_some() {
        shown.push('…');
    }
    shown
}
