use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::split;
use tokio::time::{Instant, timeout_at};
use tracing::{Instrument, debug, debug_span};

use super::connection::Handle;
use super::driver::Driver;
use super::metrics::{Counters, count};
use super::pipeline::after;
use super::reauthentication::{Channel, keep_authenticated};
use super::renewal::retire_when_renewed;
use super::shared::Shared;
use super::{
    Address, ApiVersions, Authenticator, ClientMetrics, Connection, Connector, Opened, Session, Stage,
    TcpConnector,
};
use crate::protocol::messages::{ApiVersionsRequest, ApiVersionsResponse};
use crate::protocol::{ApiKey, ErrorCode, RequestBody};
use crate::{Error, ErrorKind, Result};

const SOFTWARE_NAME: &str = "streaming-kafka";
const SOFTWARE_VERSION: &str = env!("CARGO_PKG_VERSION");

/// Sets up connections: bytes, versions, identity, in this order, within one time limit.
#[derive(Clone, Debug)]
pub struct Dialer {
    connector: Arc<dyn Connector>,
    authenticator: Option<Arc<dyn Authenticator>>,
    client_id: Arc<str>,
    request_timeout: Duration,
    max_idle: Duration,
    max_response_size: usize,
    counters: Arc<Counters>,
}

impl Dialer {
    /// A dialer for plain TCP and listeners that ask for no identity, with Kafka's defaults.
    pub fn new(client_id: impl Into<Arc<str>>) -> Self {
        Self {
            connector: Arc::new(TcpConnector::new()),
            authenticator: None,
            client_id: client_id.into(),
            request_timeout: Duration::from_secs(30),
            max_idle: Duration::from_secs(540),
            max_response_size: 104_857_600,
            counters: Arc::default(),
        }
    }

    /// Opens byte streams by `connector`.
    #[must_use]
    pub fn with_connector(mut self, connector: Arc<dyn Connector>) -> Self {
        self.connector = connector;
        self
    }

    /// Proves who the client is by `authenticator`, where there is one.
    #[must_use]
    pub fn with_authenticator(mut self, authenticator: Option<Arc<dyn Authenticator>>) -> Self {
        self.authenticator = authenticator;
        self
    }

    /// How long an answer in a later re-authentication may take.
    #[must_use]
    pub fn with_request_timeout(mut self, timeout: Duration) -> Self {
        self.request_timeout = timeout;
        self
    }

    /// `connections.max.idle.ms`: an unused connection ends after this time.
    #[must_use]
    pub fn with_max_idle(mut self, max_idle: Duration) -> Self {
        self.max_idle = max_idle;
        self
    }

    /// The largest answer accepted, in bytes.
    #[must_use]
    pub fn with_max_response_size(mut self, bytes: usize) -> Self {
        self.max_response_size = bytes;
        self
    }

    /// What all connections of this dialer and its clones have done so far.
    pub fn metrics(&self) -> ClientMetrics {
        self.counters.snapshot()
    }

    /// Sets up a connection to `address` within `limit`.
    ///
    /// Spawns the connection's task: it must be called within a tokio runtime.
    ///
    /// # Errors
    /// [`Connect`](ErrorKind::Connect), [`Tls`](ErrorKind::Tls), [`Authentication`](ErrorKind::Authentication),
    /// [`Unsupported`](ErrorKind::Unsupported) for what is no Kafka broker of ours.
    ///
    /// # Cancel safety
    /// Dropping the future closes what was opened.
    pub async fn open(&self, address: &Address, limit: Duration) -> Result<Connection> {
        let deadline = after(Instant::now(), limit);
        let stage = Stage::default();
        let opened = match timeout_at(deadline, self.set_up(address, limit, &stage)).await {
            Ok(opened) => opened,
            Err(_) => Err(Error::new(
                ErrorKind::Connect,
                format!("cannot connect to {address} ({} took longer than {limit:?})", stage.name()),
            )),
        };
        match &opened {
            Ok(_) => count(&self.counters.connections_opened, 1),
            Err(error) => {
                count(&self.counters.connection_failures, 1);
                debug!(broker = %address, %error, "no connection");
            }
        }
        opened
    }

    async fn set_up(&self, address: &Address, limit: Duration, stage: &Stage) -> Result<Connection> {
        let Opened { stream, renewals } = self.connector.open(address, stage).await?;
        let (read, write) = split(stream);
        let shared = Arc::new(Shared::new(address.clone(), write, self.counters.clone(), self.max_idle));
        let driver = Driver::new(shared.clone(), read, self.max_response_size);
        tokio::spawn(driver.run().instrument(debug_span!("connection", broker = %address)));
        let handle = Handle { shared, client_id: self.client_id.clone(), api_versions: OnceLock::new() };
        let connection = Connection { handle: Arc::new(handle) };

        stage.enter("asking which versions the broker speaks");
        let versions = api_versions(&connection, limit).await.map_err(|error| not_kafka(address, error))?;
        let _ = connection.handle.api_versions.set(versions);
        let mut session = Session::default();
        let credentials = self.authenticator.as_ref().and_then(|authenticator| authenticator.renewals());
        if let Some(authenticator) = &self.authenticator {
            stage.enter("authenticating");
            let mut channel = Channel::new(&connection, limit);
            session = authenticator.authenticate(address, &mut channel).await?;
        }
        connection.handle.shared.opened();
        debug!(broker = %address, "connected");
        if renewals.is_some() || credentials.is_some() {
            let retire = retire_when_renewed(connection.handle.shared.clone(), renewals, credentials);
            tokio::spawn(retire.instrument(debug_span!("renewal", broker = %address)));
        }
        if let (Some(authenticator), Some(lifetime)) = (&self.authenticator, session.lifetime) {
            let again =
                keep_authenticated(&connection, authenticator.clone(), lifetime, self.request_timeout);
            tokio::spawn(again.instrument(debug_span!("reauthentication", broker = %address)));
        }
        Ok(connection)
    }
}

/// The broker closed the connection on our first request: the likeliest cause is worth a hint.
fn not_kafka(address: &Address, error: Error) -> Error {
    match error.kind() {
        ErrorKind::Disconnected => Error::new(
            ErrorKind::Connect,
            format!(
                "cannot connect to {address} (it ended the connection when asked for its versions: does this listener \
                 expect what `security.protocol` says?)"
            ),
        )
        .with_source(error),
        _ => error,
    }
}

/// Asks for the broker's versions, first as newly as we can, then as newly as it can (KIP-511).
async fn api_versions(connection: &Connection, timeout: Duration) -> Result<ApiVersions> {
    let request = ApiVersionsRequest {
        client_software_name: SOFTWARE_NAME.to_owned(),
        client_software_version: SOFTWARE_VERSION.to_owned(),
    };
    let mut version = ApiVersionsRequest::API_VERSION_RANGE.max().0.0;
    loop {
        let answer = connection.call_first(&request, version, timeout).await?;
        // A broker that does not know the version says so in version 0, together with what it knows since 2.4.
        if version > 0 && error_code(&answer) == Some(ErrorCode::UNSUPPORTED_VERSION) {
            let response: ApiVersionsResponse = connection.decode::<ApiVersionsRequest>(answer, 0)?;
            let theirs = response.api_keys.iter().find(|api| api.api_key == ApiKey::ApiVersions.code());
            version = theirs.map_or(0, |api| api.max_version).clamp(0, version - 1);
            continue;
        }
        let response = connection.decode::<ApiVersionsRequest>(answer, version)?;
        let code = ErrorCode(response.error_code);
        if code != ErrorCode::NONE {
            return Err(Error::from_code(code).with_broker(connection.address()));
        }
        return Ok(ApiVersions::new(
            response.api_keys.iter().map(|api| (api.api_key, api.min_version, api.max_version)),
            response.finalized_features.into_iter().map(|feature| (feature.name, feature.max_version_level)),
        ));
    }
}

/// The error code, which every version of the answer has right behind the correlation id.
fn error_code(frame: &Bytes) -> Option<ErrorCode> {
    frame.get(4..)?.first_chunk::<2>().map(|code| ErrorCode(i16::from_be_bytes(*code)))
}
