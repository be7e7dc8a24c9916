use std::io;
use std::sync::Arc;

use bytes::Bytes;
use kafka_core::protocol::messages::ApiVersionsRequest;
use kafka_core::protocol::{ApiKey, Decoder, ErrorCode, RequestHeader, encode_response};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tracing::debug;

use super::Shared;
use super::frames::Frames;
use super::segments::Segments;
use super::shared::Submitted;
use crate::apis;
use crate::core::{Call, Ticket};
use crate::faults::{Effect, Moment};

/// One client's connection to one broker.
#[derive(Debug)]
pub(super) struct Connection<S> {
    pub(super) stream: S,
    pub(super) shared: Arc<Shared>,
    pub(super) broker: i32,
    /// The client's address without its port.
    pub(super) host: String,
    pub(super) max_request_bytes: usize,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    /// Serves the client until it goes or sends what cannot be read.
    pub(super) async fn run(mut self) {
        let mut frames = Frames::new(self.max_request_bytes);
        loop {
            let frame = match frames.next(&mut self.stream).await {
                Ok(Some(frame)) => frame,
                Ok(None) => return,
                Err(error) => return self.ends(&error),
            };
            let served = match self.serve(frame).await {
                Ok(Some(answer)) => self.stream.write_all_buf(&mut Segments::new(answer)).await,
                Ok(None) => Ok(()),
                Err(error) => Err(error),
            };
            if let Err(error) = served {
                return self.ends(&error);
            }
        }
    }

    fn ends(&self, error: &io::Error) {
        debug!(broker = self.broker, client = self.host, %error, "a client's connection ends");
    }

    /// One request's answer, if it gets one.
    async fn serve(&mut self, frame: Bytes) -> io::Result<Option<Vec<Bytes>>> {
        let mut decoder = Decoder::new(frame);
        let flexible_from = |key| apis::find(key).map_or(i16::MAX, |api| api.flexible_from);
        let header = RequestHeader::read(&mut decoder, flexible_from).map_err(invalid)?;
        if header.api_key == ApiKey::ApiVersions && is_too_new(header.api_version) {
            // The client cannot know our versions yet, so it is answered in the oldest.
            let offer = apis::offer(ErrorCode::UNSUPPORTED_VERSION);
            return encode_response::<ApiVersionsRequest>(&offer, 0, header.correlation_id)
                .map(Some)
                .map_err(invalid);
        }
        let request = apis::decode(&mut decoder, header.api_key, header.api_version).map_err(invalid)?;
        drop(decoder);
        let call = Call {
            ticket: Ticket(0),
            broker: self.broker,
            version: header.api_version,
            client_id: header.client_id,
            host: self.host.clone(),
        };
        let (submitted, effect) = self.shared.submit(call, request);
        if effect == Some(Effect::DropConnection(Moment::BeforeApplying)) {
            return Err(faulted());
        }
        let mut answer = match submitted {
            Submitted::Answer(answer) => answer,
            Submitted::Silence => return Ok(None),
            Submitted::Later(answer) => answer.await.map_err(invalid)?,
        };
        match effect {
            Some(Effect::Delay(time)) => tokio::time::sleep(time).await,
            Some(Effect::DropConnection(_)) => return Err(faulted()),
            Some(Effect::NeverAnswer) => return self.swallow().await,
            Some(Effect::Throttle(time)) => {
                answer.throttle(i32::try_from(time.as_millis()).unwrap_or(i32::MAX))
            }
            _ => {}
        }
        let frame = answer.encode(header.api_version, header.correlation_id).map_err(invalid)?;
        match effect {
            Some(Effect::Truncate(bytes)) => {
                let mut part = frame.concat();
                part.truncate(bytes);
                self.stream.write_all(&part).await?;
                Err(faulted())
            }
            Some(Effect::Corrupt(at)) => {
                let mut whole = frame.concat();
                let at = at.min(whole.len().saturating_sub(1));
                if let Some(byte) = whole.get_mut(at) {
                    *byte ^= 0xff;
                }
                Ok(Some(vec![Bytes::from(whole)]))
            }
            _ => Ok(Some(frame)),
        }
    }

    /// Reads, and answers nothing, until the client goes.
    async fn swallow(&mut self) -> io::Result<Option<Vec<Bytes>>> {
        tokio::io::copy(&mut self.stream, &mut tokio::io::sink()).await?;
        Err(faulted())
    }
}

fn is_too_new(version: i16) -> bool {
    apis::find(ApiKey::ApiVersions).is_none_or(|api| !(api.min..=api.max).contains(&version))
}

fn faulted() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, "a fault ends the connection")
}

fn invalid(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}
