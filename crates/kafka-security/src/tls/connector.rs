use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use kafka_core::net::{Address, BoxFuture, ByteStream, Connector, Opened, Stage, TcpConnector};
use kafka_core::{Error, ErrorKind, Result};
use rustls::client::WebPkiServerVerifier;
use rustls::crypto::CryptoProvider;
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, InconsistentKeys, RootCertStore, SupportedProtocolVersion};
use rustls_pki_types::ServerName;

use super::handshake_error::handshake_failed;
use super::material::{Identity, Material};
use super::observer::{Identification, Verifier, observe};
use super::provider;
use super::stream::TlsStream;
use crate::watch::Watched;
use crate::{TlsConfig, TlsError, TlsErrorKind, TlsVersion};

/// Opens TLS streams over TCP. The broker's certificate must be trusted and carry the name that was asked for.
///
/// Files that change are read again before the next connection.
pub struct TlsConnector {
    tcp: TcpConnector,
    tls: Arc<Watched<Ready>>,
    /// Whether a broker that asked for a certificate went on without one.
    certificate_is_optional: Arc<AtomicBool>,
}

/// What the files hold, and what was made of it.
struct Ready {
    material: Material,
    config: Arc<ClientConfig>,
}

impl PartialEq for Ready {
    fn eq(&self, other: &Self) -> bool {
        self.material == other.material
    }
}

impl TlsConnector {
    /// Reads the files that `config` names.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] where a file cannot be read, holds nothing that fits, or the key is not the
    /// certificate's; also where this processor cannot run the default cryptography. [`TlsError::of`] tells them apart.
    pub fn new(config: &TlsConfig, tcp: TcpConnector) -> Result<Self> {
        if !config.endpoint_identification {
            tracing::warn!(
                "`ssl_endpoint_identification_algorithm` is empty: the names in brokers' certificates are not checked, so \
                 anybody with a certificate of a trusted authority can pose as a broker"
            );
        }
        let provider = match &config.provider {
            Some(provider) => Arc::clone(provider),
            None => provider::default_provider()?,
        };
        let (paths, interval, config) = (Material::paths(config), config.watch_interval, config.clone());
        let read = move || {
            let material = Material::read(&config)?;
            let config = Arc::new(client_config(&config, &material, &provider)?);
            Ok(Ready { material, config })
        };
        Ok(Self {
            tcp,
            tls: Watched::new("TLS certificates and key", paths, interval, read)?,
            certificate_is_optional: Arc::default(),
        })
    }
}

impl Connector for TlsConnector {
    fn connect<'a>(&'a self, address: &'a Address) -> BoxFuture<'a, Result<Box<dyn ByteStream>>> {
        Box::pin(async move { Ok(self.open(address, &Stage::default()).await?.stream) })
    }

    fn open<'a>(&'a self, address: &'a Address, stage: &'a Stage) -> BoxFuture<'a, Result<Opened>> {
        Box::pin(async move {
            let name = server_name(address)?;
            let tls = self.tls.fresh().await;
            let stream = self.tcp.connect_tcp(address).await?;
            stage.enter("the TLS handshake");
            let connector = tokio_rustls::TlsConnector::from(Arc::clone(&tls.value.config));
            let (stream, seen) = observe(connector.connect(name, stream)).await;
            let stream = stream.map_err(|error| handshake_failed(address, error, &seen))?;
            let stream = TlsStream::new(stream, address, seen, Arc::clone(&self.certificate_is_optional));
            Ok(Opened { stream: Box::new(stream), renewals: Some(tls.renewals) })
        })
    }
}

impl fmt::Debug for TlsConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsConnector").field("tcp", &self.tcp).field("tls", &self.tls).finish_non_exhaustive()
    }
}

fn client_config(
    config: &TlsConfig,
    material: &Material,
    provider: &Arc<CryptoProvider>,
) -> Result<ClientConfig> {
    let roots = Arc::new(roots(config, material)?);
    let inner = WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(provider)).build().map_err(
        |error| {
            let message = format!("the trusted authorities cannot be used: {error}");
            TlsError::new(TlsErrorKind::NoCertificate).with_source(error).into_error(message)
        },
    )?;
    let verifier = Verifier { inner, checks_name: config.endpoint_identification };
    let identity =
        material.identity.as_ref().map(|identity| certified_key(config, identity, provider)).transpose()?;
    let builder = ClientConfig::builder_with_provider(Arc::clone(provider))
        .with_protocol_versions(&versions(config))
        .map_err(|error| {
            let message = format!(
                "the TLS versions of `ssl_enabled_protocols` cannot be offered: {error}; known are TLSv1.2 and TLSv1.3"
            );
            TlsError::new(TlsErrorKind::Cryptography).with_source(error).into_error(message)
        })?;
    Ok(builder
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_client_cert_resolver(Arc::new(Identification(identity))))
}

pub(crate) fn versions(config: &TlsConfig) -> Vec<&'static SupportedProtocolVersion> {
    let version = |version: &TlsVersion| match version {
        TlsVersion::Tls12 => &rustls::version::TLS12,
        TlsVersion::Tls13 => &rustls::version::TLS13,
    };
    config.protocols.iter().map(version).collect()
}

/// # Errors
/// Where the key is not that of the first certificate, or of a sort that the provider does not know.
fn certified_key(
    config: &TlsConfig,
    identity: &Identity,
    provider: &CryptoProvider,
) -> Result<Arc<CertifiedKey>> {
    let whose = config.identity.as_ref().map(|source| format!("{source}")).unwrap_or_default();
    match CertifiedKey::from_der(identity.chain.clone(), identity.key(), provider) {
        Ok(key) => Ok(Arc::new(key)),
        Err(error @ rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch)) => {
            let message = format!(
                "the client's certificate and key cannot be used: the private key is not the certificate's ({whose})"
            );
            Err(TlsError::new(TlsErrorKind::KeyMismatch).with_source(error).into_error(message))
        }
        Err(error) => {
            let message = format!(
                "the client's certificate and key cannot be used ({whose}): {error}; the default cryptography takes RSA of \
                 2,048 bits and more, P-256, P-384 and Ed25519"
            );
            Err(TlsError::new(TlsErrorKind::UnsupportedFormat).with_source(error).into_error(message))
        }
    }
}

fn roots(config: &TlsConfig, material: &Material) -> Result<RootCertStore> {
    let Some(certificates) = &material.roots else {
        return Ok(RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() });
    };
    let mut store = RootCertStore::empty();
    for certificate in certificates {
        store.add(certificate.clone()).map_err(|error| {
            let message = format!("an authority in {:?} cannot be used: {error}", config.roots);
            TlsError::new(TlsErrorKind::Garbage).with_source(error).into_error(message)
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
