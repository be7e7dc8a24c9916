use std::ops::RangeInclusive;

use rskafka::protocol::messages::{ReadVersionedError, WriteVersionedError};

use super::decoder::{Decoder, malformed};
use super::encoder::{Encoder, not_available};
use super::wire::Structure;

/// What is known of every message: requests, responses, and the data that travels inside them.
pub trait Message {
    /// Its name in Kafka's schemas.
    const NAME: &str;
    /// The versions that can be read and written.
    const VERSIONS: RangeInclusive<i16>;
    /// The first version with compact lengths and tagged fields (KIP-482); `i16::MAX` if there is none.
    const FLEXIBLE_FROM: i16;

    /// For how long, in milliseconds, the broker asks the client to be silent (KIP-219); 0 in messages without it.
    fn throttle_time_ms(&self) -> i32;

    /// Sets it; nothing in messages without it.
    fn set_throttle_time_ms(&mut self, millis: i32);
}

pub(super) fn read<M: Message + Structure>(
    decoder: &mut Decoder,
    version: i16,
) -> Result<M, ReadVersionedError> {
    if !M::VERSIONS.contains(&version) {
        return Err(malformed("the message has no such version").into());
    }
    decoder.set_flexible(version >= M::FLEXIBLE_FROM);
    Ok(M::read_fields(decoder, version)?)
}

pub(super) fn write<M: Message + Structure>(
    message: &M,
    encoder: &mut Encoder,
    version: i16,
) -> Result<(), WriteVersionedError> {
    if !M::VERSIONS.contains(&version) {
        return Err(not_available(M::NAME, version));
    }
    encoder.set_flexible(version >= M::FLEXIBLE_FROM);
    message.write_fields(encoder, version)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::messages::{HeartbeatRequest, HeartbeatResponse, ProduceResponse};

    #[test]
    fn messages_with_a_throttle_time_say_it() {
        assert_eq!(
            Message::throttle_time_ms(&HeartbeatResponse { throttle_time_ms: 7, ..Default::default() }),
            7
        );
        assert_eq!(
            Message::throttle_time_ms(&ProduceResponse { throttle_time_ms: 8, ..Default::default() }),
            8
        );
        assert_eq!(Message::throttle_time_ms(&HeartbeatRequest::default()), 0);
    }
}
