//! A TLS stream until its first answer, where an end means something else than later.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use kafka_core::net::Address;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client;

use super::handshake_error;
use super::observer::Seen;

/// Tells a broker that refuses the client's certificate, or its lack, from one that just hangs up.
pub(crate) struct TlsStream {
    inner: client::TlsStream<TcpStream>,
    /// `None` after the first bytes.
    start: Option<Box<Start>>,
}

struct Start {
    address: Address,
    seen: Seen,
    /// Whether a broker has ever talked to this client without a certificate: then it does not insist on one.
    is_optional: Arc<AtomicBool>,
}

impl TlsStream {
    pub(crate) fn new(
        inner: client::TlsStream<TcpStream>,
        address: &Address,
        seen: Seen,
        is_optional: Arc<AtomicBool>,
    ) -> Self {
        Self { inner, start: Some(Box::new(Start { address: address.clone(), seen, is_optional })) }
    }
}

impl Start {
    /// What an end before the first bytes means.
    fn end(self, error: Option<io::Error>) -> io::Result<()> {
        let Self { address, seen, is_optional } = self;
        let tls = error.as_ref().and_then(|error| error.get_ref()?.downcast_ref::<rustls::Error>());
        let has_reason = match tls {
            Some(rustls::Error::AlertReceived(_)) => true,
            Some(rustls::Error::DecryptError) => seen.was_asked,
            _ => false,
        };
        let lacks_one = seen.was_asked && !seen.has_shown && !is_optional.load(Ordering::Relaxed);
        match error {
            Some(error) if has_reason || lacks_one => {
                let error = handshake_error::refused_after_handshake(&address, error, &seen);
                Err(io::Error::new(io::ErrorKind::ConnectionAborted, error))
            }
            None if lacks_one => {
                let error = handshake_error::ended(&address, None, &seen);
                Err(io::Error::new(io::ErrorKind::ConnectionAborted, error))
            }
            Some(error) => Err(error),
            None => Ok(()),
        }
    }
}

impl AsyncRead for TlsStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let outcome = ready!(Pin::new(&mut self.inner).poll_read(cx, buffer));
        let Some(start) = self.start.take() else {
            return Poll::Ready(outcome);
        };
        match outcome {
            Ok(()) if buffer.filled().len() > before => {
                if start.seen.was_asked && !start.seen.has_shown {
                    start.is_optional.store(true, Ordering::Relaxed);
                }
                Poll::Ready(Ok(()))
            }
            Ok(()) => Poll::Ready(start.end(None)),
            Err(error) => Poll::Ready(start.end(Some(error))),
        }
    }
}

impl AsyncWrite for TlsStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
