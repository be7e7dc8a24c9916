use std::time::Duration;

use kafka_core::protocol::{ApiKey, ErrorCode};

use super::{Effect, Link, LinkEffect};

/// When a connection is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// The request is lost: nothing of it is done.
    BeforeApplying,
    /// The answer is lost: all of the request is done, and the client cannot know it.
    AfterApplying,
}

/// Names a fault that was injected, so that it can be [ended](crate::EmbeddedCluster::end) alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FaultId(pub(super) u64);

/// Begins a fault for requests of one API:
/// `on(ApiKey::Produce).broker(1).topic("t").times(3).reply(ErrorCode::NOT_ENOUGH_REPLICAS)`.
pub fn on(api: ApiKey) -> FaultBuilder {
    FaultBuilder { api: Some(api), ..on_any() }
}

/// Begins a fault for requests of all APIs: `on_any().chance(0.01).drop_connection(Moment::AfterApplying)`.
pub fn on_any() -> FaultBuilder {
    FaultBuilder { api: None, broker: None, client: None, topic: None, skip: 0, times: u32::MAX, chance: 1.0 }
}

/// Which requests a fault meets: all of its API, unless told otherwise.
#[derive(Clone, Debug)]
#[must_use = "it becomes a fault by what it does, such as `reply`"]
pub struct FaultBuilder {
    pub(super) api: Option<ApiKey>,
    pub(super) broker: Option<i32>,
    pub(super) client: Option<String>,
    pub(super) topic: Option<String>,
    pub(super) skip: u32,
    pub(super) times: u32,
    pub(super) chance: f64,
}

/// A fault: what it meets, and what it does to that. Give it to a cluster by
/// [`inject`](crate::EmbeddedCluster::inject).
#[derive(Clone, Debug)]
#[must_use = "a fault does nothing until it is injected into a cluster"]
pub struct Fault(pub(super) Kind);

#[derive(Clone, Debug)]
pub(super) enum Kind {
    Requests(FaultBuilder, Effect),
    Link(Link, LinkEffect),
}

impl FaultBuilder {
    /// Only requests to this broker.
    pub fn broker(mut self, id: i32) -> Self {
        self.broker = Some(id);
        self
    }

    /// Only requests of clients with this `client.id`.
    pub fn client(mut self, id: impl Into<String>) -> Self {
        self.client = Some(id.into());
        self
    }

    /// Only requests that name this topic, by name or by id; for `Fetch`, also those whose session has it.
    pub fn topic(mut self, name: impl Into<String>) -> Self {
        self.topic = Some(name.into());
        self
    }

    /// The first so many requests are left alone.
    pub fn skip(mut self, requests: u32) -> Self {
        self.skip = requests;
        self
    }

    /// Only so many requests are met; without this, all.
    pub fn times(mut self, requests: u32) -> Self {
        self.times = requests;
        self
    }

    /// Each request is met with this probability, between 0 and 1, drawn by the cluster's
    /// [seed](crate::EmbeddedClusterBuilder::seed). Those that are not met do not count for [`times`](Self::times).
    pub fn chance(mut self, probability: f64) -> Self {
        self.chance = probability;
        self
    }

    /// All of the request is answered with the code, and nothing of it is done.
    pub fn reply(self, code: ErrorCode) -> Fault {
        self.does(Effect::Reply(code))
    }

    /// All of the request is answered with the code although it is done: what a broker says that gave up waiting, as with
    /// `NOT_ENOUGH_REPLICAS_AFTER_APPEND`. A request whose answer has to wait gets its true one.
    pub fn reply_after_applying(self, code: ErrorCode) -> Fault {
        self.does(Effect::ReplyAfterApplying(code))
    }

    /// The request is done at once, and answered so much later.
    pub fn delay(self, time: Duration) -> Fault {
        self.does(Effect::Delay(time))
    }

    /// The connection is closed in place of an answer.
    pub fn drop_connection(self, moment: Moment) -> Fault {
        self.does(Effect::DropConnection(moment))
    }

    /// The request is done, and the connection closed after the first so many bytes of the answer's frame.
    pub fn truncate(self, bytes: usize) -> Fault {
        self.does(Effect::Truncate(bytes))
    }

    /// The request is done, and the byte at this place of the answer's frame (its length counted, the last byte at most) is
    /// changed on its way.
    pub fn corrupt(self, at: usize) -> Fault {
        self.does(Effect::Corrupt(at))
    }

    /// The request is done, and four bytes of the answer's frame, from this place on, are these: a length (at 0, that of the
    /// frame), a correlation id (at 4), or whatever lies there. Nothing is written behind the frame's end.
    pub fn overwrite(self, at: usize, bytes: [u8; 4]) -> Fault {
        self.does(Effect::Overwrite(at, bytes))
    }

    /// The request is done, and neither it nor any later one of its connection is ever answered.
    pub fn never_answer(self) -> Fault {
        self.does(Effect::NeverAnswer)
    }

    /// The answer asks the client to be silent for so long (KIP-219), where its version can say so.
    pub fn throttle(self, time: Duration) -> Fault {
        self.does(Effect::Throttle(time))
    }

    fn does(self, effect: Effect) -> Fault {
        Fault(Kind::Requests(self, effect))
    }
}
