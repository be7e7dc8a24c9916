use std::time::Duration;

use super::Fault;
use super::rule::Kind;

/// Begins a fault of the network between clients and brokers:
/// `link().client("billing").broker(2).cut()`.
///
/// Unlike a fault of single [requests](crate::on), it is in force until it is
/// [ended](crate::EmbeddedCluster::end).
pub fn link() -> Link {
    Link { broker: None, client: None }
}

/// Which connections a fault of the network meets: all, unless told otherwise.
#[derive(Clone, Debug)]
#[must_use = "it becomes a fault by what it does, such as `cut`"]
pub struct Link {
    broker: Option<i32>,
    client: Option<String>,
}

impl Link {
    /// Only connections to this broker.
    pub fn broker(mut self, id: i32) -> Self {
        self.broker = Some(id);
        self
    }

    /// Only connections of clients with this `client.id`.
    pub fn client(mut self, id: impl Into<String>) -> Self {
        self.client = Some(id.into());
        self
    }

    /// Nothing passes in either direction. As TCP would, the network delivers late what it could not deliver in time:
    /// requests under way arrive once the fault is over, even if their client has given them up and gone.
    ///
    /// New connections are accepted all the same, and silent.
    pub fn cut(self) -> Fault {
        self.is(LinkEffect::Cut)
    }

    /// Requests arrive and are done; their answers do not pass before the fault is over.
    pub fn hold_answers(self) -> Fault {
        self.is(LinkEffect::HoldAnswers)
    }

    /// The other end is gone without a word: a connection accepts what is sent, and neither does nor answers any of it, not
    /// even when the fault is over. Connections opened after that are well.
    pub fn half_open(self) -> Fault {
        self.is(LinkEffect::HalfOpen)
    }

    /// Each request and each answer takes `latency` and the time that its bytes need.
    pub fn slow(self, latency: Duration, bytes_per_second: u64) -> Fault {
        self.is(LinkEffect::Slow { latency, bytes_per_second })
    }

    pub(super) fn meets(&self, broker: i32, client: Option<&str>) -> bool {
        self.broker.is_none_or(|id| id == broker)
            && self.client.as_deref().is_none_or(|id| client == Some(id))
    }

    fn is(self, effect: LinkEffect) -> Fault {
        Fault(Kind::Link(self, effect))
    }
}

/// What is wrong with a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LinkEffect {
    Cut,
    HoldAnswers,
    HalfOpen,
    Slow { latency: Duration, bytes_per_second: u64 },
}

impl LinkEffect {
    /// How long a frame is under way.
    pub(crate) fn time_for(self, bytes: usize) -> Duration {
        let Self::Slow { latency, bytes_per_second } = self else { return Duration::ZERO };
        let micros = (bytes as u64).saturating_mul(1_000_000) / bytes_per_second.max(1);
        latency.saturating_add(Duration::from_micros(micros))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_link_takes_its_latency_and_what_the_bytes_need() {
        let slow = LinkEffect::Slow { latency: Duration::from_millis(20), bytes_per_second: 1000 };
        assert_eq!(slow.time_for(500), Duration::from_millis(520));
        assert_eq!(
            LinkEffect::Slow { latency: Duration::ZERO, bytes_per_second: 0 }.time_for(1).as_secs(),
            1
        );
        assert_eq!(LinkEffect::Cut.time_for(500), Duration::ZERO);
    }
}
