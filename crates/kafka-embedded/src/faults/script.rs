use kafka_core::protocol::ApiKey;

use super::rule::Kind;
use super::{Effect, Fault, FaultBuilder, FaultId, Link, LinkEffect};

/// The faults that are in force, in the order in which they were injected.
#[derive(Debug, Default)]
pub(crate) struct Script {
    requests: Vec<(FaultId, FaultBuilder, Effect)>,
    links: Vec<(FaultId, Link, LinkEffect)>,
    last_id: u64,
}

impl Script {
    pub(crate) fn add(&mut self, fault: Fault) -> FaultId {
        self.last_id += 1;
        let id = FaultId(self.last_id);
        match fault.0 {
            Kind::Requests(matching, effect) => self.requests.push((id, matching, effect)),
            Kind::Link(link, effect) => self.links.push((id, link, effect)),
        }
        id
    }

    /// Ends one fault; false if it is over.
    pub(crate) fn end(&mut self, id: FaultId) -> bool {
        let before = self.requests.len() + self.links.len();
        self.requests.retain(|(known, ..)| *known != id);
        self.links.retain(|(known, ..)| *known != id);
        before > self.requests.len() + self.links.len()
    }

    pub(crate) fn clear(&mut self) {
        self.requests.clear();
        self.links.clear();
    }

    pub(crate) fn has_links(&self) -> bool {
        !self.links.is_empty()
    }

    /// What is wrong with a connection of this client to this broker: the oldest fault that meets it says so.
    pub(crate) fn link(&self, broker: i32, client: Option<&str>) -> Option<LinkEffect> {
        self.links.iter().find(|(_, link, _)| link.meets(broker, client)).map(|(.., effect)| *effect)
    }

    /// What happens to a request: the first fault that meets it says so, and is used up a little.
    pub(crate) fn meet(
        &mut self,
        api: ApiKey,
        broker: i32,
        client: Option<&str>,
        topics: &[String],
        random: &mut fastrand::Rng,
    ) -> Option<Effect> {
        let at = self.requests.iter_mut().position(|(_, matching, _)| {
            let meets = matching.api.is_none_or(|key| key == api)
                && matching.broker.is_none_or(|id| id == broker)
                && matching.client.as_deref().is_none_or(|id| client == Some(id))
                && matching.topic.as_ref().is_none_or(|topic| topics.contains(topic))
                && (matching.chance >= 1.0 || random.f64() < matching.chance);
            if meets && matching.skip > 0 {
                matching.skip -= 1;
                return false;
            }
            meets && matching.times > 0
        })?;
        let (_, matching, effect) = self.requests.get_mut(at)?;
        let effect = *effect;
        matching.times = match matching.times {
            u32::MAX => u32::MAX,
            times => times - 1,
        };
        if matching.times == 0 {
            let _used_up = self.requests.remove(at);
        }
        Some(effect)
    }
}

#[cfg(test)]
mod tests {
    use kafka_core::protocol::ErrorCode;

    use super::*;
    use crate::faults::{link, on, on_any};

    const CODE: ErrorCode = ErrorCode::NOT_ENOUGH_REPLICAS;

    fn meet(script: &mut Script, api: ApiKey, broker: i32, topics: &[&str]) -> Option<Effect> {
        let topics: Vec<String> = topics.iter().map(|&topic| topic.to_owned()).collect();
        script.meet(api, broker, Some("c"), &topics, &mut fastrand::Rng::with_seed(1))
    }

    #[test]
    fn a_fault_meets_what_it_names_as_often_as_it_says() {
        let mut script = Script::default();
        script.add(on(ApiKey::Produce).broker(1).topic("t").skip(1).times(2).reply(CODE));
        assert_eq!(meet(&mut script, ApiKey::Fetch, 1, &["s", "t"]), None);
        assert_eq!(meet(&mut script, ApiKey::Produce, 2, &["s", "t"]), None);
        assert_eq!(meet(&mut script, ApiKey::Produce, 1, &["s"]), None);
        assert_eq!(meet(&mut script, ApiKey::Produce, 1, &["s", "t"]), None, "the first is left alone");
        assert_eq!(meet(&mut script, ApiKey::Produce, 1, &["s", "t"]), Some(Effect::Reply(CODE)));
        assert_eq!(meet(&mut script, ApiKey::Produce, 1, &["s", "t"]), Some(Effect::Reply(CODE)));
        assert_eq!(meet(&mut script, ApiKey::Produce, 1, &["s", "t"]), None);
        assert!(script.requests.is_empty(), "it is used up");
    }

    #[test]
    fn a_fault_may_concern_one_client_and_all_apis() {
        let mut script = Script::default();
        script.add(on_any().client("d").reply(CODE));
        assert_eq!(meet(&mut script, ApiKey::Fetch, 1, &[]), None);
        let id = script.add(on_any().client("c").reply(CODE));
        assert_eq!(meet(&mut script, ApiKey::Fetch, 1, &[]), Some(Effect::Reply(CODE)));
        assert!(script.end(id) && !script.end(id));
        assert_eq!(meet(&mut script, ApiKey::Fetch, 1, &[]), None);
    }

    #[test]
    fn a_fault_by_chance_meets_about_as_many_as_it_says() {
        let (mut script, mut random) = (Script::default(), fastrand::Rng::with_seed(7));
        script.add(on_any().chance(0.25).times(5000).reply(CODE));
        let mut meet = || script.meet(ApiKey::Fetch, 1, None, &[], &mut random);
        let met = (0..10_000).filter(|_| meet().is_some()).count();
        assert!((2300..2700).contains(&met), "{met}");
    }

    #[test]
    fn the_oldest_fault_of_a_link_has_its_way() {
        let mut script = Script::default();
        let cut = script.add(link().client("c").broker(2).cut());
        script.add(link().half_open());
        assert_eq!(script.link(2, Some("c")), Some(LinkEffect::Cut));
        assert_eq!(script.link(1, Some("c")), Some(LinkEffect::HalfOpen));
        assert!(script.end(cut));
        assert_eq!(script.link(2, Some("c")), Some(LinkEffect::HalfOpen));
        script.clear();
        assert_eq!((script.link(2, None), script.has_links()), (None, false));
    }
}
