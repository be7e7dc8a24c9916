//! With which clients a scenario is played.

use super::{members::Options, scenario::Scenario};

/// The way to the brokers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Direct,
    /// By proxies, one before each broker.
    Proxied,
    /// Only the first connections are by proxies, whose addresses stay when those of brokers change.
    Bootstrap,
}

/// Clients and what is asked of them.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub(super) way: Way,
    pub(super) partitions: u16,
    pub(super) members: Vec<Options>,
    /// Arguments of every client.
    pub(super) common: Vec<&'static str>,
    /// Arguments of the writer.
    pub(super) writer: Vec<&'static str>,
    /// Arguments of the check.
    pub(super) check: Vec<&'static str>,
    /// In place of the rate that is asked for.
    pub(super) rate: Option<u64>,
}

impl Plan {
    pub(super) fn of(scenario: Scenario) -> Self {
        let member = Options::default();
        let handler = Options { by_handler: true, ..member.clone() };
        let mut plan = Self {
            way: Way::Direct,
            partitions: 6,
            members: vec![member.clone(), member.clone(), handler.clone()],
            common: Vec::new(),
            writer: Vec::new(),
            check: Vec::new(),
            rate: None,
        };
        let each = |plan: &mut Self, change: &dyn Fn(usize, &mut Options)| {
            plan.members.iter_mut().enumerate().for_each(|(index, member)| change(index, member));
        };
        match scenario {
            Scenario::HalfOpen => {
                plan.way = Way::Proxied;
                // What keeps silent is noticed well before a session ends.
                plan.common = vec!["--request-timeout-ms", "6000"];
                each(&mut plan, &|_, member| member.session_timeout_ms = 20_000);
            }
            // A coordinator that wakes up counts its sleep against its members: sessions are longer than that.
            Scenario::Pause => each(&mut plan, &|_, member| member.session_timeout_ms = 30_000),
            Scenario::Slow => {
                plan.way = Way::Proxied;
                each(&mut plan, &|_, member| member.session_timeout_ms = 20_000);
            }
            Scenario::Cut | Scenario::Reset | Scenario::Mixed => plan.way = Way::Proxied,
            Scenario::Addresses => plan.way = Way::Bootstrap,
            Scenario::SlowHandler => {
                plan.members.push(handler);
                each(&mut plan, &|index, member| {
                    member.session_timeout_ms = 6_000;
                    member.max_poll_interval_ms = 6_000;
                    member.slow_ms = match index {
                        0 => Some(12_000),
                        // Polling goes on meanwhile.
                        3 => Some(8_000),
                        _ => None,
                    };
                });
            }
            Scenario::JoinStorm => plan.partitions = 24,
            Scenario::StaticMember => each(&mut plan, &|_, member| {
                member.is_static = true;
                member.session_timeout_ms = 30_000;
            }),
            Scenario::Upgrade => each(&mut plan, &|_, member| {
                member.strategies = "range".to_owned();
                member.by_handler = false;
            }),
            Scenario::Partitions => plan.common = vec!["--metadata-max-age-ms", "2000"],
            Scenario::Recreate => plan.check = vec!["--made-anew"],
            Scenario::Retention => {
                plan.check = vec!["--removed"];
                // Nobody is thought to be gone for being frozen a while.
                each(&mut plan, &|_, member| member.session_timeout_ms = 45_000);
            }
            Scenario::Memory => {
                plan.way = Way::Proxied;
                plan.rate = Some(20_000);
                plan.members.truncate(1);
                plan.writer = vec!["--buffer-memory", "8388608", "--padding", "1000"];
                plan.check = vec!["--memory-limit-mib", "64"];
            }
            Scenario::Soak => {
                plan.rate = Some(20_000);
                plan.members.truncate(2);
                plan.check = vec!["--flat-percent", "5"];
            }
            _ => {}
        }
        plan
    }
}
