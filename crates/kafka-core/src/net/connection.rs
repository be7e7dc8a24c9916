use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::oneshot;

use super::shared::Shared;
use super::{Address, ApiVersions};
use crate::protocol::{ApiKey, Message, Request, decode_response, encode_request};
use crate::{Error, ErrorKind, Result};

/// How one request is made.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct CallOptions {
    /// How long the broker may take to answer, counted from when the request is handed to the connection. A connection
    /// whose broker takes longer is closed.
    pub timeout: Duration,
    /// The newest version to use, where a newer one means something else than the caller wants.
    pub max_version: Option<i16>,
}

impl CallOptions {
    /// Any version, and an answer within `timeout`.
    pub fn new(timeout: Duration) -> Self {
        Self { timeout, max_version: None }
    }

    /// Uses `version` or older.
    #[must_use]
    pub fn with_max_version(mut self, version: i16) -> Self {
        self.max_version = Some(version);
        self
    }
}

/// A connection to one broker that is set up: versions are known, and the client has authenticated where asked to.
///
/// Cheap to clone. It ends when the broker ends it, breaks the protocol or is late with an answer, when it is idle for
/// long, or when the last clone is dropped.
#[derive(Clone)]
pub struct Connection {
    pub(super) handle: Arc<Handle>,
}

/// Closes the connection when the last one who could send on it is gone.
pub(super) struct Handle {
    pub(super) shared: Arc<Shared>,
    pub(super) client_id: Arc<str>,
    pub(super) api_versions: OnceLock<ApiVersions>,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shared.release();
    }
}

impl Connection {
    /// Where the broker listens.
    pub fn address(&self) -> &Address {
        self.handle.shared.address()
    }

    /// Whether nothing more should be sent: it has ended, or certificates or credentials have changed since it was opened.
    /// In the second case answers that are under way still come.
    pub fn is_closed(&self) -> bool {
        self.handle.shared.is_closed()
    }

    /// How many requests are not answered.
    pub fn load(&self) -> usize {
        self.handle.shared.load()
    }

    /// What the broker speaks.
    pub fn api_versions(&self) -> &ApiVersions {
        static NONE: ApiVersions = ApiVersions::none();
        self.handle.api_versions.get().unwrap_or(&NONE)
    }

    /// Sends the request that `build` makes for the negotiated version, and returns the wait for its answer.
    ///
    /// The request is handed to the connection before this returns: two requests go out in the order of these calls,
    /// whoever awaits their answers when.
    ///
    /// # Errors
    /// [`Unsupported`](ErrorKind::Unsupported) if no version fits, [`InvalidInput`](ErrorKind::InvalidInput) if the
    /// request cannot be written in it, [`Disconnected`](ErrorKind::Disconnected) if the connection has ended. In each
    /// case nothing was sent.
    pub fn send<R: Request>(
        &self,
        options: CallOptions,
        build: impl FnOnce(i16) -> R,
    ) -> Result<Response<R>> {
        let version = self.api_versions().negotiate::<R>(options.max_version)?;
        let answer = self.enqueue(&build(version), version, options.timeout, Kind::Normal)?;
        Ok(Response { answer, version, connection: self.clone(), request: PhantomData })
    }

    /// Sends a request that gets no answer (a produce request with `acks=0`) and waits until it is written.
    ///
    /// # Errors
    /// As [`send`](Self::send); [`Disconnected`](ErrorKind::Disconnected) or [`Timeout`](ErrorKind::Timeout) if it could
    /// not be written as a whole.
    ///
    /// # Cancel safety
    /// Once polled, the request is sent even if the future is dropped.
    pub async fn send_one_way<R: Request>(
        &self,
        options: CallOptions,
        build: impl FnOnce(i16) -> R,
    ) -> Result<()> {
        let version = self.api_versions().negotiate::<R>(options.max_version)?;
        let written = self.enqueue(&build(version), version, options.timeout, Kind::OneWay)?;
        self.received::<R>(written.await).map(|_| ())
    }

    /// Sends a request in a version that was not negotiated, ahead of all others that wait, and returns the raw answer.
    pub(super) async fn call_first<R: Request>(
        &self,
        request: &R,
        version: i16,
        timeout: Duration,
    ) -> Result<Bytes> {
        let answer = self.enqueue(request, version, timeout, Kind::First)?;
        self.received::<R>(answer.await)
    }

    /// Decodes the answer to a request.
    pub(super) fn decode<R: Request>(&self, answer: Bytes, version: i16) -> Result<R::ResponseBody> {
        decode_response::<R>(answer, version).map(|(_, body)| body).map_err(|error| {
            let error = Error::new(
                ErrorKind::Malformed,
                format!("the broker's answer (version {version}) cannot be decoded: {error}"),
            );
            self.handle.shared.fail(error.clone());
            self.at(error).with_api(ApiKey::of::<R>())
        })
    }

    /// Keeps ordinary requests back while the client authenticates again (KIP-368).
    pub(super) fn hold(&self, held: bool) {
        self.handle.shared.hold(held);
    }

    /// Ends the connection at once; whoever waits for an answer gets `reason`.
    pub(crate) fn close(&self, reason: Error) {
        self.handle.shared.fail(reason);
    }

    fn enqueue<R: Request>(
        &self,
        request: &R,
        version: i16,
        timeout: Duration,
        kind: Kind,
    ) -> Result<oneshot::Receiver<Result<Bytes>>> {
        let shared = &self.handle.shared;
        let correlation_id = shared.next_correlation_id();
        let frame = encode_request(request, version, correlation_id, Some(&self.handle.client_id)).map_err(
            |error| {
                let message = format!("the request cannot be written in version {version}: {error}");
                self.at(Error::new(ErrorKind::InvalidInput, message)).with_api(ApiKey::of::<R>())
            },
        )?;
        shared
            .enqueue(ApiKey::of::<R>(), correlation_id, timeout, kind, frame)
            .map_err(|error| self.at(error))
    }

    fn received<R: Request>(
        &self,
        answer: Result<Result<Bytes>, oneshot::error::RecvError>,
    ) -> Result<Bytes> {
        answer
            .unwrap_or_else(|_| Err(Error::new(ErrorKind::Disconnected, "the connection was dropped")))
            .map_err(|error| {
                let error = if error.broker().is_none() { self.at(error) } else { error };
                error.with_api(ApiKey::of::<R>())
            })
    }

    fn at(&self, error: Error) -> Error {
        error.with_broker(self.address())
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("address", self.address())
            .field("closed", &self.is_closed())
            .field("load", &self.load())
            .finish_non_exhaustive()
    }
}

/// How a request is queued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Behind those before it, with an answer.
    Normal,
    /// Ahead of all that wait: it is part of setting up or authenticating.
    First,
    /// Behind those before it, without an answer.
    OneWay,
}

/// The wait for the answer to a request that was sent.
///
/// # Cancel safety
/// Dropping it leaves the request sent, and its answer is thrown away when it comes.
#[must_use = "the answer says whether the request succeeded"]
pub struct Response<R> {
    answer: oneshot::Receiver<Result<Bytes>>,
    version: i16,
    connection: Connection,
    request: PhantomData<fn() -> R>,
}

impl<R> Response<R> {
    /// The version in which the request was sent.
    pub fn version(&self) -> i16 {
        self.version
    }
}

impl<R: Request> Future for Response<R> {
    /// # Errors
    /// [`Timeout`](ErrorKind::Timeout) or [`Disconnected`](ErrorKind::Disconnected), where the outcome is unknown, or
    /// [`Malformed`](ErrorKind::Malformed).
    type Output = Result<R::ResponseBody>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let answer = ready!(Pin::new(&mut self.answer).poll(cx));
        let connection = &self.connection;
        let decoded =
            connection.received::<R>(answer).and_then(|bytes| connection.decode::<R>(bytes, self.version));
        if let Ok(response) = &decoded {
            let throttle = response.throttle_time_ms();
            if throttle > 0 {
                connection.handle.shared.mute(Duration::from_millis(throttle.unsigned_abs().into()));
            }
        }
        Poll::Ready(decoded)
    }
}

impl<R> fmt::Debug for Response<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response").field("version", &self.version).finish_non_exhaustive()
    }
}
