//! One HTTP request: a form is posted, a small answer comes back. Knows no OAuth.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use kafka_core::net::Connector;
use kafka_core::{Error, ErrorKind, Result};

use super::endpoint_url::EndpointUrl;

/// The largest answer that is read, in bytes.
const MAX_ANSWER: usize = 1 << 20;

/// An HTTP server that is asked seldom: each request has a connection of its own.
pub(super) struct Endpoint {
    pub(super) url: EndpointUrl,
    pub(super) connector: Arc<dyn Connector>,
}

pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) body: Bytes,
}

impl Endpoint {
    pub(super) async fn post(&self, authorization: HeaderValue, form: String) -> Result<Answer> {
        let stream = self.connector.connect(&self.url.address).await?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| self.failed(&error))?;
        let request = Request::post(self.url.path.as_str())
            .header(HOST, self.url.authority.as_str())
            .header(AUTHORIZATION, authorization)
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Full::new(Bytes::from(form)))
            .map_err(|error| self.failed(&error))?;
        let exchange = async {
            let response = sender.send_request(request).await.map_err(|error| self.failed(&error))?;
            let status = response.status();
            let body = Limited::new(response.into_body(), MAX_ANSWER).collect().await;
            let body = body.map_err(|error| self.failed(&*error))?.to_bytes();
            Ok(Answer { status, body })
        };
        tokio::pin!(exchange);
        tokio::select! {
            biased;
            answer = &mut exchange => answer,
            // What has been read by then still counts; what has not is an error there.
            _ = connection => exchange.await,
        }
    }

    fn failed(&self, problem: &dyn std::fmt::Display) -> Error {
        Error::new(ErrorKind::Connect, format!("the token endpoint {} does not answer: {problem}", self.url))
    }
}
