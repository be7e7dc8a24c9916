//! The default cryptography, where this processor can run it.

use std::sync::Arc;

use kafka_core::Result;
use rustls::crypto::CryptoProvider;

/// `rustls-graviola`.
///
/// # Errors
/// What the processor lacks, and the way out: the provider itself would crash.
pub(crate) fn default_provider() -> Result<Arc<CryptoProvider>> {
    #[cfg(target_arch = "x86_64")]
    {
        let features = [
            ("aes", std::arch::is_x86_feature_detected!("aes")),
            ("ssse3", std::arch::is_x86_feature_detected!("ssse3")),
            ("avx", std::arch::is_x86_feature_detected!("avx")),
            ("avx2", std::arch::is_x86_feature_detected!("avx2")),
            ("adx", std::arch::is_x86_feature_detected!("adx")),
            ("bmi2", std::arch::is_x86_feature_detected!("bmi2")),
            ("pclmulqdq", std::arch::is_x86_feature_detected!("pclmulqdq")),
        ];
        let missing: Vec<_> = features.iter().filter(|(_, there)| !there).map(|(name, _)| *name).collect();
        if !missing.is_empty() {
            let message = format!(
                "this processor lacks {}, which the default cryptography needs: give another with \
                 `TlsConfig::crypto_provider`",
                missing.join(", ")
            );
            return Err(crate::TlsError::new(crate::TlsErrorKind::Cryptography).into_error(message));
        }
    }
    Ok(Arc::new(rustls_graviola::default_provider()))
}
