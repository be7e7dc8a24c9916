//! What is broken.

use std::{fmt, time::Duration};

use clap::ValueEnum;

/// A way to break a cluster, the way to it, or its clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scenario {
    /// Brokers are killed in turn, and started again
    Kill,
    /// Brokers are shut down in turn, in an orderly way, and started again
    Restart,
    /// Brokers are frozen in turn, for longer than the cluster waits for them
    Pause,
    /// Leaders move, every few seconds
    Move,
    /// All brokers are killed, and come back after a while
    Blackout,
    /// All brokers are killed, and come back on other ports
    Addresses,
    /// Connections become half-open: packets are swallowed, and nobody is told
    HalfOpen,
    /// Connections become slow: late, few bytes a second, one byte at a time
    Slow,
    /// Connections end after some bytes, before, within and after requests and answers
    Cut,
    /// Connections are reset
    Reset,
    /// Members of the group are killed, and others come
    MemberKill,
    /// Members of the group are frozen for longer than their session
    MemberPause,
    /// Handlers take longer than max.poll.interval.ms
    SlowHandler,
    /// Fifty members come at once, and leave at once
    JoinStorm,
    /// The broker that coordinates the group is killed
    Coordinator,
    /// Static members are killed and come back before their session ends
    StaticMember,
    /// Members go from an eager assignor to a cooperative one and back, one by one
    Upgrade,
    /// Partitions are added to the topic
    Partitions,
    /// The topic is deleted and made anew
    Recreate,
    /// Records are removed that members have still to read
    Retention,
    /// All clients are frozen for a minute, as a suspended machine is
    Suspend,
    /// A producer that writes as fast as it can meets slow brokers
    Memory,
    /// 20,000 records a second, and one broker is restarted in the midst
    Soak,
    /// A few of the above, in quick succession
    Mixed,
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.to_possible_value();
        f.write_str(value.as_ref().map_or("", |value| value.get_name()))
    }
}

impl Scenario {
    /// What it does, as its help says.
    pub(crate) fn purpose(self) -> String {
        let value = self.to_possible_value();
        value.and_then(|value| value.get_help().map(ToString::to_string)).unwrap_or_default()
    }

    /// About how long a round takes: none is begun that would outlast the load.
    pub(crate) fn length(self) -> Duration {
        Duration::from_secs(match self {
            Self::Reset | Self::Move | Self::Cut => 5,
            Self::Mixed => 12,
            Self::Partitions | Self::Restart | Self::StaticMember | Self::Upgrade | Self::Memory => 15,
            Self::HalfOpen | Self::Slow | Self::JoinStorm | Self::Retention | Self::MemberKill => 20,
            Self::Kill | Self::Blackout | Self::Coordinator | Self::Addresses | Self::MemberPause => 25,
            Self::Recreate | Self::SlowHandler | Self::Soak | Self::Pause => 30,
            Self::Suspend => 75,
        })
    }
}
