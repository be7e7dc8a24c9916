use std::time::Duration;

use kafka_core::protocol::ErrorCode;

use super::Moment;

/// What a fault does to a request that it meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    Reply(ErrorCode),
    ReplyAfterApplying(ErrorCode),
    Delay(Duration),
    DropConnection(Moment),
    Truncate(usize),
    Corrupt(usize),
    Overwrite(usize, [u8; 4]),
    NeverAnswer,
    Throttle(Duration),
}
