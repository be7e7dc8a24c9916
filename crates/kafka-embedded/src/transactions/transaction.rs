use std::collections::BTreeSet;
use std::time::Duration;

use kafka_core::protocol::ErrorCode;
use serde::{Deserialize, Serialize};

use crate::core::Time;
use crate::storage::Tracked;

/// From this version of each transactional request on, a fenced producer is told by its own code (KIP-588).
const FENCED_HAS_A_CODE: i16 = 2;

/// Where a transactional id stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) enum State {
    Empty,
    Ongoing,
    CompleteCommit,
    CompleteAbort,
}

impl State {
    /// As Kafka calls it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Empty => "Empty",
            Self::Ongoing => "Ongoing",
            Self::CompleteCommit => "CompleteCommit",
            Self::CompleteAbort => "CompleteAbort",
        }
    }
}

/// What is known of a transactional id.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Transaction {
    pub(crate) producer_id: i64,
    pub(crate) epoch: i16,
    /// The id and epoch before the last change, to know a repeated request.
    pub(crate) former: Option<(i64, i16)>,
    pub(crate) timeout: Duration,
    pub(crate) state: State,
    /// Milliseconds since 1970 when the last transaction began; -1 if there was none yet.
    #[serde(default = "never")]
    pub(crate) started_at: i64,
    /// What the open transaction wrote to.
    pub(crate) partitions: BTreeSet<(String, i32)>,
    /// The groups whose offsets it is to commit.
    pub(crate) groups: BTreeSet<String>,
    /// When it is aborted, unless it ends before.
    #[serde(skip)]
    pub(crate) deadline: Option<Time>,
}

impl Transaction {
    pub(crate) fn new(producer_id: i64, timeout: Duration) -> Self {
        Self {
            producer_id,
            epoch: 0,
            former: None,
            timeout,
            state: State::Empty,
            started_at: never(),
            partitions: BTreeSet::new(),
            groups: BTreeSet::new(),
            deadline: None,
        }
    }

    /// Whether a request comes from the present owner of the id.
    pub(crate) fn check(&self, producer_id: i64, epoch: i16, version: i16) -> Result<(), ErrorCode> {
        if producer_id != self.producer_id {
            return Err(ErrorCode::INVALID_PRODUCER_ID_MAPPING);
        }
        if epoch == self.epoch {
            return Ok(());
        }
        let told = version >= FENCED_HAS_A_CODE;
        Err(if told { ErrorCode::PRODUCER_FENCED } else { ErrorCode::INVALID_PRODUCER_EPOCH })
    }

    /// The next epoch; when there is none left, a new id, which `new_id` gives.
    pub(crate) fn next_epoch(&mut self, new_id: impl FnOnce() -> i64) {
        self.former = Some((self.producer_id, self.epoch));
        if self.epoch >= i16::MAX - 1 {
            self.producer_id = new_id();
            self.epoch = 0;
        } else {
            self.epoch += 1;
        }
    }
}

fn never() -> i64 {
    -1
}

/// All transactional ids.
pub(crate) type Transactions = Tracked<Transaction>;
