//! Signed OAUTHBEARER tokens: the key that signs them, and the key set by which brokers check them.
//!
//! Who gets one is decided in [`super::token_endpoint`].

use std::{
    fs,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, Result};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use p256::{
    ecdsa::{Signature, SigningKey, signature::Signer},
    elliptic_curve::Generate,
    pkcs8::{DecodePrivateKey, EncodePrivateKey, LineEnding},
};
use serde_json::json;

use super::state::write;

/// Who says that a token is right.
pub(crate) const ISSUER: &str = "https://tokens.streaming-kafka.test";
/// Whom a token is for.
pub(crate) const AUDIENCE: &str = "kafka";
/// What a token lets its bearer do, unless other words are asked for.
pub(crate) const SCOPE: &str = "kafka";

/// The name of the key, in tokens and in the key set.
const KEY_ID: &str = "test";

/// The files of a cluster that have to do with tokens.
#[derive(Debug, Clone)]
pub(crate) struct TokenFiles {
    folder: PathBuf,
}

impl TokenFiles {
    pub(crate) fn in_folder(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// The public keys, as a JSON Web Key Set (RFC 7517).
    pub(crate) fn key_set(&self) -> PathBuf {
        self.folder.join("jwks.json")
    }

    /// The key that signs, PKCS#8.
    fn key(&self) -> PathBuf {
        self.folder.join("token.key.pem")
    }

    /// Makes both.
    pub(crate) fn make(&self) -> Result<()> {
        let signer = TokenSigner::generate()?;
        let secret = signer.key.to_pkcs8_pem(LineEnding::LF).context("cannot encode a key")?;
        write(&self.key(), &secret)?;
        write(&self.key_set(), &serde_json::to_string_pretty(&signer.key_set())?)
    }

    /// Who signs with the key in the file.
    pub(crate) fn signer(&self) -> Result<TokenSigner> {
        let file = self.key();
        let text = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        let key = SigningKey::from_pkcs8_pem(&text)
            .map_err(|error| anyhow::anyhow!("{} holds no key: {error}", file.display()))?;
        Ok(TokenSigner { key })
    }
}

/// What a token says.
#[derive(Debug, Clone)]
pub(crate) struct Claims<'a> {
    pub(crate) subject: &'a str,
    pub(crate) audience: &'a str,
    pub(crate) scope: &'a str,
    /// Seconds from now until it ends.
    pub(crate) lifetime: u64,
}

/// Signs tokens by ES256.
#[derive(Debug)]
pub(crate) struct TokenSigner {
    key: SigningKey,
}

impl TokenSigner {
    /// A signer that nobody trusts yet.
    pub(crate) fn generate() -> Result<Self> {
        let key = SigningKey::try_generate().context("the system gives no random numbers")?;
        Ok(Self { key })
    }

    fn key_set(&self) -> serde_json::Value {
        // The uncompressed point: a byte that says so, then both coordinates.
        let point = self.key.verifying_key().to_sec1_point(false);
        let (x, y) = point.as_bytes().get(1..).unwrap_or_default().split_at(32);
        let text = |coordinate: &[u8]| URL_SAFE_NO_PAD.encode(coordinate);
        json!({"keys": [{
            "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": KEY_ID, "x": text(x), "y": text(y),
        }]})
    }

    /// A token (RFC 7519), valid from now.
    pub(crate) fn token(&self, claims: &Claims<'_>) -> Result<String> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).context("the clock")?.as_secs();
        let header = json!({"alg": "ES256", "typ": "JWT", "kid": KEY_ID});
        let claims = json!({
            "iss": ISSUER,
            "aud": claims.audience,
            "sub": claims.subject,
            "scope": claims.scope,
            "iat": now,
            "exp": now.saturating_add(claims.lifetime),
            "jti": format!("{:016x}", fastrand::u64(..)),
        });
        let encode = |part: &serde_json::Value| URL_SAFE_NO_PAD.encode(part.to_string());
        let signed = format!("{}.{}", encode(&header), encode(&claims));
        let signature: Signature = self.key.try_sign(signed.as_bytes()).context("cannot sign a token")?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes())))
    }
}

#[cfg(test)]
mod tests {
    use p256::ecdsa::signature::Verifier;

    use super::*;

    fn part(token: &str, index: usize) -> Vec<u8> {
        URL_SAFE_NO_PAD.decode(token.split('.').nth(index).unwrap()).unwrap()
    }

    #[test]
    fn a_token_says_what_it_was_told_and_its_signature_is_that_of_the_key_in_the_file() {
        let folder = std::env::temp_dir().join(format!("xtask-tokens-{}", fastrand::u64(..)));
        let files = TokenFiles::in_folder(&folder);
        files.make().unwrap();
        let signer = files.signer().unwrap();
        let claims = Claims { subject: "alice", audience: AUDIENCE, scope: "read write", lifetime: 60 };
        let token = signer.token(&claims).unwrap();
        let said: serde_json::Value = serde_json::from_slice(&part(&token, 1)).unwrap();
        assert_eq!(said["sub"], "alice");
        assert_eq!(said["aud"], AUDIENCE);
        assert_eq!(said["iss"], ISSUER);
        assert_eq!(said["scope"], "read write");
        assert_eq!(said["exp"].as_u64().unwrap() - said["iat"].as_u64().unwrap(), 60);
        let (signed, _) = token.rsplit_once('.').unwrap();
        let signature = Signature::from_slice(&part(&token, 2)).unwrap();
        signer.key.verifying_key().verify(signed.as_bytes(), &signature).unwrap();
        let keys: serde_json::Value =
            serde_json::from_str(&fs::read_to_string(files.key_set()).unwrap()).unwrap();
        assert_eq!(keys, signer.key_set());
        assert_eq!(URL_SAFE_NO_PAD.decode(keys["keys"][0]["x"].as_str().unwrap()).unwrap().len(), 32);
        fs::remove_dir_all(folder).unwrap();
    }
}
