use kafka_core::protocol::ApiKey;

use super::{Effect, Fault};

/// The faults that are in force, in the order in which they were injected.
#[derive(Debug, Default)]
pub(crate) struct Script(Vec<Fault>);

impl Script {
    pub(crate) fn add(&mut self, fault: Fault) {
        self.0.push(fault);
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// What happens to a request: the first fault that meets it says so, and is used up a little.
    pub(crate) fn meet(&mut self, api: ApiKey, broker: i32, topics: &[String]) -> Option<Effect> {
        let at = self.0.iter_mut().position(|fault| {
            let matching = &mut fault.matching;
            let meets = matching.api == api
                && matching.broker.is_none_or(|id| id == broker)
                && matching.topic.as_ref().is_none_or(|topic| topics.contains(topic));
            if meets && matching.skip > 0 {
                matching.skip -= 1;
                return false;
            }
            meets && matching.times > 0
        })?;
        let fault = self.0.get_mut(at)?;
        let effect = fault.effect;
        fault.matching.times = match fault.matching.times {
            u32::MAX => u32::MAX,
            times => times - 1,
        };
        if fault.matching.times == 0 {
            let _used_up = self.0.remove(at);
        }
        Some(effect)
    }
}

#[cfg(test)]
mod tests {
    use kafka_core::protocol::ErrorCode;

    use super::*;
    use crate::faults::on;

    #[test]
    fn a_fault_meets_what_it_names_as_often_as_it_says() {
        let mut script = Script::default();
        let code = ErrorCode::NOT_ENOUGH_REPLICAS;
        script.add(on(ApiKey::Produce).broker(1).topic("t").skip(1).times(2).reply(code));
        let topics = ["s".to_owned(), "t".to_owned()];
        assert_eq!(script.meet(ApiKey::Fetch, 1, &topics), None);
        assert_eq!(script.meet(ApiKey::Produce, 2, &topics), None);
        assert_eq!(script.meet(ApiKey::Produce, 1, &topics[..1]), None);
        assert_eq!(script.meet(ApiKey::Produce, 1, &topics), None, "the first is left alone");
        assert_eq!(script.meet(ApiKey::Produce, 1, &topics), Some(Effect::Reply(code)));
        assert_eq!(script.meet(ApiKey::Produce, 1, &topics), Some(Effect::Reply(code)));
        assert_eq!(script.meet(ApiKey::Produce, 1, &topics), None);
        assert!(script.0.is_empty(), "it is used up");
    }
}
