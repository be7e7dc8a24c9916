//! New certificates from the authority of a running cluster, for tests of what happens when old ones are replaced.

use std::{
    net::TcpStream,
    path::PathBuf,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use rustls::{ClientConfig, ClientConnection, RootCertStore};
use rustls_pki_types::{CertificateDer, ServerName, pem::PemObject};

use super::{
    certificates::Files,
    commands::Named,
    description::Audience,
    security,
    state::{Node, State},
    wire::{self, put_array, put_string},
};

const INCREMENTAL_ALTER_CONFIGS: i16 = 44;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    named: Named,
    /// Whose: `broker` (which the brokers then use at once), `alice`, `bob`, or any other name
    #[arg(required = true)]
    names: Vec<String>,
    /// Where to write NAME.pem, NAME.key.pem and NAME.store.pem; without it, the cluster's own are replaced
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
}

/// Makes the certificates; brokers are told if it is theirs.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let name = &arguments.named.name;
    let _lock = State::lock(name)?;
    let state = State::get(name)?;
    let own = state.certificates()?;
    let authority = own.load_authority()?;
    let target = arguments.folder.as_deref().map_or(own.clone(), Files::in_folder);
    for certificate in &arguments.names {
        if certificate == security::BROKER {
            target.make_one(security::server(), &authority)?;
        } else {
            target.make_one(security::client(certificate), &authority)?;
        }
    }
    if arguments.folder.is_none() && arguments.names.iter().any(|name| name == security::BROKER) {
        reload(&state)?;
    }
    Ok(())
}

/// Has each broker read its key store again (it does when it is told where the store is, even if it knew), and waits
/// until it shows the new certificate.
fn reload(state: &State) -> Result<()> {
    let cluster = state.cluster();
    if !cluster.version.reads_keys_without_password() {
        bail!("brokers of Kafka {} hold their key in their settings: restart them", state.version);
    }
    let store = state.certificates()?.store(security::BROKER).display().to_string();
    let encrypted: Vec<&str> = cluster
        .listeners()
        .filter(|listener| listener.protocol.ends_with("SSL"))
        .map(|listener| listener.name)
        .collect();
    let settings: Vec<String> = encrypted
        .iter()
        .map(|name| format!("listener.name.{}.ssl.keystore.location", name.to_lowercase()))
        .collect();
    let plain = cluster.listener_for(Audience::Clients);
    for broker in state.brokers() {
        reload_one(broker, plain, &settings, &store)
            .and_then(|()| wait_until_shown(&state.certificates()?, broker, &encrypted))
            .with_context(|| format!("broker {} does not take its new certificate", broker.id))?;
    }
    Ok(())
}

/// Waits until every new connection sees the certificate in the file: each of a broker's network threads takes it up
/// by itself, and connections go to them in turn.
fn wait_until_shown(files: &Files, broker: &Node, listeners: &[&str]) -> Result<()> {
    const THREADS_TWICE: u32 = 16;
    let deadline = Instant::now() + Duration::from_secs(60);
    let wanted = CertificateDer::from_pem_file(files.certificate(security::BROKER))?;
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(files.authority())?)?;
    let config = ClientConfig::builder_with_provider(Arc::new(rustls_graviola::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let config = Arc::new(config);
    for listener in listeners {
        let address = broker.listeners.get(*listener).context("it lacks a listener")?;
        let mut seen = 0;
        while seen < THREADS_TWICE {
            if shown(address, Arc::clone(&config))? == wanted {
                seen += 1;
                continue;
            }
            seen = 0;
            if Instant::now() >= deadline {
                bail!("{address} ({listener}) still shows the old one");
            }
            thread::sleep(Duration::from_millis(50));
        }
    }
    Ok(())
}

/// The certificate that a listener shows. It may end the connection after that, for want of ours.
fn shown(address: &str, config: Arc<ClientConfig>) -> Result<CertificateDer<'static>> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    let mut connection = ClientConnection::new(config, ServerName::try_from("localhost")?)?;
    while connection.peer_certificates().is_none() {
        connection.complete_io(&mut stream).with_context(|| format!("TLS with {address}"))?;
    }
    let chain = connection.peer_certificates().unwrap_or_default();
    Ok(chain.first().context("the broker shows no certificate")?.clone().into_owned())
}

/// `IncrementalAlterConfigs` version 0 for one broker.
fn reload_one(broker: &Node, listener: &str, settings: &[String], store: &str) -> Result<()> {
    const BROKER: u8 = 4;
    const SET: u8 = 0;
    let mut body = Vec::new();
    put_array(&mut body, &[broker.id], |body, id| {
        body.push(BROKER);
        put_string(body, &id.to_string());
        put_array(body, settings, |body, setting| {
            put_string(body, setting);
            body.push(SET);
            put_string(body, store);
        });
    });
    body.push(0); // not only to validate
    let address = broker.listeners.get(listener).context("it has no listener to ask on")?;
    let answer = wire::call(address, Duration::from_secs(20), INCREMENTAL_ALTER_CONFIGS, 0, &body)?;
    // Behind each error there are the resource's type and name.
    let error = wire::first_error(&answer, |rest| {
        *rest = rest.get(1..)?;
        wire::string(rest).map(drop)
    });
    match error.context("the answer is cut off")? {
        None => Ok(()),
        Some((code, message)) => bail!("{message} (error {code})"),
    }
}
