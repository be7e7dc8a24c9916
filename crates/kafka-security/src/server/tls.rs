use std::fmt;
use std::io;
use std::sync::Arc;

use kafka_core::{Error, ErrorKind, Result};
use rustls::crypto::CryptoProvider;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;

use super::principal::distinguished_name;
use crate::TlsConfig;
use crate::tls::connector::versions;
use crate::tls::material::Material;
use crate::tls::provider;
use crate::watch::Watched;

/// Whether clients show a certificate (`ssl.client.auth`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClientAuth {
    /// They are not asked.
    #[default]
    None,
    /// They are asked, and may have none.
    Requested,
    /// Without one nobody comes in.
    Required,
}

/// A connection that a client opened.
pub type ServerTlsStream<S> = tokio_rustls::server::TlsStream<S>;

/// The broker's side of TLS. Cheap to clone.
///
/// A [`TlsConfig`] names what the broker shows and whom it trusts, as it does for a client. Files that change are read again
/// before the next connection.
#[derive(Clone)]
pub struct ServerTls(Arc<Watched<Ready>>);

/// What the files hold, and what was made of it.
struct Ready {
    material: Material,
    acceptor: TlsAcceptor,
}

impl PartialEq for Ready {
    fn eq(&self, other: &Self) -> bool {
        self.material == other.material
    }
}

impl ServerTls {
    /// Reads the files that `config` names.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] where a file cannot be read or holds nothing that fits, where there is no certificate, or
    /// nobody to trust while clients are asked for one.
    pub fn new(config: &TlsConfig, client_auth: ClientAuth) -> Result<Self> {
        let provider = match &config.provider {
            Some(provider) => Arc::clone(provider),
            None => provider::default_provider()?,
        };
        let (paths, interval, config) = (Material::paths(config), config.watch_interval, config.clone());
        let read = move || {
            let material = Material::read(&config)?;
            let config = server_config(&config, &material, client_auth, &provider)?;
            Ok(Ready { material, acceptor: TlsAcceptor::from(Arc::new(config)) })
        };
        Ok(Self(Watched::new("TLS certificates and key of a broker", paths, interval, read)?))
    }

    /// Shakes hands with who opened `stream`. Gives the stream and, if the client has shown a certificate, whose it is, as
    /// Java writes it: `CN=alice,O=Example`.
    ///
    /// # Errors
    /// Those of the stream and of TLS.
    ///
    /// # Cancel safety
    /// Dropping the future drops the stream.
    pub async fn accept<S>(&self, stream: S) -> io::Result<(ServerTlsStream<S>, Option<String>)>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let ready = self.0.fresh().await.value;
        let stream = ready.acceptor.accept(stream).await?;
        let certificates = stream.get_ref().1.peer_certificates();
        let shown = certificates.and_then(<[_]>::first).and_then(distinguished_name);
        Ok((stream, shown))
    }
}

impl fmt::Debug for ServerTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ServerTls").field(&self.0).finish()
    }
}

fn server_config(
    config: &TlsConfig,
    material: &Material,
    client_auth: ClientAuth,
    provider: &Arc<CryptoProvider>,
) -> Result<ServerConfig> {
    let unusable = |what: &str, error: &dyn fmt::Display| {
        Error::new(ErrorKind::InvalidInput, format!("the broker's TLS: {what}: {error}"))
    };
    let builder = ServerConfig::builder_with_provider(Arc::clone(provider))
        .with_protocol_versions(&versions(config))
        .map_err(|error| unusable("the versions cannot be offered", &error))?;
    let builder = match client_auth {
        ClientAuth::None => builder.with_no_client_auth(),
        ClientAuth::Requested | ClientAuth::Required => {
            let mut roots = RootCertStore::empty();
            for certificate in material.roots.iter().flatten() {
                roots
                    .add(certificate.clone())
                    .map_err(|error| unusable("an authority is damaged", &error))?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider));
            let verifier = match client_auth {
                ClientAuth::Requested => verifier.allow_unauthenticated(),
                _ => verifier,
            };
            let verifier = verifier.build().map_err(|error| {
                unusable("whose certificates clients may show must be said by `ca_location`", &error)
            })?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    let identity = material.identity.as_ref().ok_or_else(|| {
        let message = "the broker's TLS needs a certificate and its key: set `identity_location`";
        Error::new(ErrorKind::InvalidInput, message)
    })?;
    builder
        .with_single_cert(identity.chain.clone(), identity.key())
        .map_err(|error| unusable("certificate and key cannot be used", &error))
}
