use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use kafka_core::net::{Address, BoxFuture, ByteStream, Connector, TcpConnector};
use kafka_core::{Error, ErrorKind, Result};
use rustls::client::WebPkiServerVerifier;
use rustls::crypto::CryptoProvider;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::ServerName;

use crate::TlsConfig;

/// Opens TLS streams over TCP. The broker's certificate must be trusted and carry the name that was asked for.
pub struct TlsConnector {
    tcp: TcpConnector,
    tls: tokio_rustls::TlsConnector,
}

impl TlsConnector {
    /// Reads the files that `config` names.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] where a file cannot be read, holds nothing that fits, or the key is not the
    /// certificate's; also where this processor cannot run the default cryptography.
    pub fn new(config: &TlsConfig, tcp: TcpConnector) -> Result<Self> {
        let provider = match &config.provider {
            Some(provider) => Arc::clone(provider),
            None => default_provider()?,
        };
        let invalid = |what: &str, error: rustls::Error| {
            Error::new(ErrorKind::InvalidInput, format!("{what}: {error}")).with_source(error)
        };
        let verifier =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots(config)?), Arc::clone(&provider))
                .build()
                .map_err(|error| {
                    Error::new(
                        ErrorKind::InvalidInput,
                        format!("the trusted authorities cannot be used: {error}"),
                    )
                })?;
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| invalid("the cryptography lacks TLS 1.2 and 1.3", error))?
            .with_webpki_verifier(verifier);
        let tls = match config.read_identity()? {
            Some((certificates, key)) => builder
                .with_client_auth_cert(certificates, key)
                .map_err(|error| invalid("the client's certificate and key cannot be used", error))?,
            None => builder.with_no_client_auth(),
        };
        Ok(Self { tcp, tls: tokio_rustls::TlsConnector::from(Arc::new(tls)) })
    }
}

impl Connector for TlsConnector {
    fn connect<'a>(&'a self, address: &'a Address) -> BoxFuture<'a, Result<Box<dyn ByteStream>>> {
        Box::pin(async move {
            let stream = self.tcp.connect_tcp(address).await?;
            let name = server_name(address)?;
            let stream =
                self.tls.connect(name, stream).await.map_err(|error| handshake_error(address, error))?;
            Ok(Box::new(stream) as Box<dyn ByteStream>)
        })
    }
}

impl fmt::Debug for TlsConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsConnector").field("tcp", &self.tcp).finish_non_exhaustive()
    }
}

fn roots(config: &TlsConfig) -> Result<RootCertStore> {
    let Some(certificates) = config.read_roots()? else {
        return Ok(RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() });
    };
    let mut store = RootCertStore::empty();
    for certificate in certificates {
        store.add(certificate).map_err(|error| {
            let message = format!("an authority in {:?} cannot be used: {error}", config.roots);
            Error::new(ErrorKind::InvalidInput, message).with_source(error)
        })?;
    }
    Ok(store)
}

fn server_name(address: &Address) -> Result<ServerName<'static>> {
    match address.host.parse::<IpAddr>() {
        Ok(ip) => Ok(ServerName::IpAddress(ip.into())),
        Err(_) => ServerName::try_from(address.host.to_string()).map_err(|error| {
            let message = format!("`{}` cannot stand in a certificate", address.host);
            Error::new(ErrorKind::InvalidInput, message).with_source(error)
        }),
    }
}

/// A broker's certificate that does not pass is final; a connection that ended in between may do better next time.
fn handshake_error(address: &Address, error: std::io::Error) -> Error {
    let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    let (kind, advice) = match tls {
        Some(rustls::Error::InvalidCertificate(_)) => {
            (ErrorKind::Tls, "; check `ssl_ca_location` and the names in the broker's certificate")
        }
        Some(rustls::Error::InvalidMessage(_)) => {
            (ErrorKind::Tls, "; does this port speak TLS? `security_protocol` must fit the listener")
        }
        Some(rustls::Error::AlertReceived(_)) => {
            (ErrorKind::Tls, "; the broker refused: does it ask for a client certificate?")
        }
        Some(_) => (ErrorKind::Tls, ""),
        None => (ErrorKind::Connect, "; does this port speak TLS? `security_protocol` must fit the listener"),
    };
    Error::new(kind, format!("the TLS handshake failed: {error}{advice}"))
        .with_broker(address)
        .with_source(error)
}

/// The default cryptography, where this processor can run it.
fn default_provider() -> Result<Arc<CryptoProvider>> {
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
            return Err(Error::new(ErrorKind::InvalidInput, message));
        }
    }
    Ok(Arc::new(rustls_graviola::default_provider()))
}
