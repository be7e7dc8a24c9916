//! A broker's side of SASL in memory.

// Not every test program uses all of it.
#![allow(dead_code)]

pub(crate) mod http;
pub(crate) mod listener;

use std::collections::VecDeque;

use bytes::Bytes;
use kafka_core::net::{Address, BoxFuture, SaslChannel, SaslReply};
use kafka_core::{Error, ErrorKind, Result};

/// A broker that writes down what it gets and answers with what it was given; after that with `refusal`, if there is
/// one, and with nothing otherwise.
#[derive(Default)]
pub(crate) struct Scripted {
    pub(crate) mechanism: String,
    pub(crate) received: Vec<Bytes>,
    pub(crate) answers: VecDeque<Bytes>,
    pub(crate) refusal: Option<&'static str>,
}

impl Scripted {
    pub(crate) fn answering<A: Into<Bytes>>(answers: impl IntoIterator<Item = A>) -> Self {
        Self { answers: answers.into_iter().map(Into::into).collect(), ..Self::default() }
    }

    pub(crate) fn sent(&self, index: usize) -> String {
        String::from_utf8_lossy(&self.received[index]).into_owned()
    }
}

impl SaslChannel for Scripted {
    fn handshake<'a>(&'a mut self, mechanism: &'a str) -> BoxFuture<'a, Result<Vec<String>>> {
        self.mechanism = mechanism.to_owned();
        Box::pin(async move { Ok(vec![mechanism.to_owned()]) })
    }

    fn exchange(&mut self, token: Bytes) -> BoxFuture<'_, Result<SaslReply>> {
        self.received.push(token);
        let reply = match (self.answers.pop_front(), self.refusal) {
            (Some(token), _) => Ok(SaslReply { token, session_lifetime: None }),
            (None, Some(words)) => Err(Error::new(ErrorKind::Authentication, words).with_broker(broker())),
            (None, None) => Ok(SaslReply { token: Bytes::new(), session_lifetime: None }),
        };
        Box::pin(async move { reply })
    }
}

pub(crate) fn broker() -> Address {
    Address::new("broker1", 9092)
}
