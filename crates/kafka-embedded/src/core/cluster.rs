use std::collections::BTreeMap;
use std::net::SocketAddr;

use kafka_core::protocol::Uuid;

use super::{Answer, AnyRequest, Api, Broker, Call, Reply, Ticket, Time, Timer, Timers};
use crate::faults::{Asked, Effect, History, Script};
use crate::fetching::Waiting;
use crate::groups::Groups;
use crate::settings::Settings;
use crate::topics::Topics;
use crate::transactions::Transactions;

/// What the shell does with a request.
#[derive(Debug)]
pub(crate) enum Outcome {
    Answer(Answer),
    /// The answer comes later, under the call's ticket.
    Later,
    /// There will be no answer.
    Silence,
}

/// All that the brokers of the cluster know.
#[derive(Debug)]
pub(crate) struct Cluster {
    pub(crate) settings: Settings,
    pub(crate) id: String,
    pub(crate) now: Time,
    pub(crate) random: fastrand::Rng,
    pub(crate) brokers: BTreeMap<i32, Broker>,
    pub(crate) topics: Topics,
    pub(crate) groups: Groups,
    pub(crate) transactions: Transactions,
    pub(crate) waiting: Waiting,
    pub(crate) faults: Script,
    pub(crate) history: History,
    pub(crate) timers: Timers,
    next_producer_id: i64,
    answers: Vec<(Ticket, Answer)>,
}

impl Cluster {
    pub(crate) fn new(settings: Settings, addresses: &[SocketAddr]) -> Self {
        let mut random = fastrand::Rng::with_seed(settings.seed);
        let id = new_uuid(&mut random).to_string();
        let brokers = (1..).zip(addresses).map(|(id, &address)| (id, Broker::new(id, address))).collect();
        let mut timers = Timers::default();
        timers.set(settings.retention_check_interval, Timer::Retention);
        Self {
            settings,
            id,
            now: Time::ZERO,
            random,
            brokers,
            topics: Topics::default(),
            groups: Groups::default(),
            transactions: Transactions::default(),
            waiting: Waiting::default(),
            faults: Script::default(),
            history: History::default(),
            timers,
            next_producer_id: 0,
            answers: Vec::new(),
        }
    }

    /// Notes a request, and says which fault meets it.
    pub(crate) fn meet(&mut self, call: &Call, request: &dyn AnyRequest) -> Option<Effect> {
        let sessions = self.brokers.get(&call.broker).map(|broker| &broker.sessions);
        let continued = request.session().zip(sessions).map(|(id, sessions)| sessions.topics(id));
        let named = request.topics().into_iter().chain(continued.into_iter().flatten());
        let mut topics: Vec<String> = named
            .filter_map(|(name, id)| if name.is_empty() { self.topics.name_of(id) } else { Some(name) })
            .map(str::to_owned)
            .collect();
        topics.sort_unstable();
        topics.dedup();
        let effect = self.faults.meet(request.api_key(), call.broker, &topics);
        self.history.note(Asked {
            broker: call.broker,
            api: request.api_key(),
            version: call.version,
            client_id: call.client_id.clone(),
            topics,
            faulted: effect.is_some(),
        });
        effect
    }

    /// Serves one request. Time never goes backwards: an earlier `now` than before counts as that one.
    pub(crate) fn handle(&mut self, now: Time, call: &Call, request: Box<dyn AnyRequest>) -> Outcome {
        self.tick(now);
        match request.handle(self, call) {
            Reply::Now(answer) => Outcome::Answer(answer),
            Reply::Later => Outcome::Later,
            Reply::Never => Outcome::Silence,
        }
    }

    /// Does what is due by `now`.
    pub(crate) fn tick(&mut self, now: Time) {
        self.now = self.now.max(now);
        while let Some(timer) = self.timers.pop(self.now) {
            match timer {
                Timer::Fetch(ticket) => self.fetch_is_due(ticket),
                Timer::Group(group) => self.group_is_due(&group),
                Timer::Transaction(id) => self.transaction_is_due(&id),
                Timer::Retention => self.remove_old_records(),
            }
        }
    }

    /// When [`tick`](Self::tick) has something to do next.
    pub(crate) fn next_deadline(&self) -> Option<Time> {
        self.timers.next()
    }

    /// Answers a request that was kept.
    pub(crate) fn answer<R: Api>(&mut self, ticket: Ticket, response: R::ResponseBody) {
        self.answers.push((ticket, Answer::of::<R>(response)));
    }

    /// The answers that became ready since the last time.
    pub(crate) fn take_answers(&mut self) -> Vec<(Ticket, Answer)> {
        std::mem::take(&mut self.answers)
    }

    /// Milliseconds since 1970 by the cluster's clock.
    pub(crate) fn wall_clock(&self) -> i64 {
        let since = i64::try_from(self.now.as_millis()).unwrap_or(i64::MAX);
        self.settings.started_at.saturating_add(since)
    }

    pub(crate) fn new_uuid(&mut self) -> Uuid {
        new_uuid(&mut self.random)
    }

    pub(crate) fn new_producer_id(&mut self) -> i64 {
        let id = self.next_producer_id;
        self.next_producer_id += 1;
        id
    }

    pub(crate) fn live_brokers(&self) -> impl Iterator<Item = &Broker> {
        self.brokers.values().filter(|broker| broker.alive)
    }

    pub(crate) fn is_alive(&self, broker: i32) -> bool {
        self.brokers.get(&broker).is_some_and(|broker| broker.alive)
    }

    /// The broker that clients are told is the controller: the first that lives.
    pub(crate) fn controller(&self) -> i32 {
        self.live_brokers().map(|broker| broker.id).next().unwrap_or(-1)
    }

    fn remove_old_records(&mut self) {
        let now = self.wall_clock();
        self.topics.remove_old_records(now);
        self.timers.set(self.now + self.settings.retention_check_interval, Timer::Retention);
    }
}

/// A random id of version 4, which never starts with a dash, so that tools do not take it for an option.
fn new_uuid(random: &mut fastrand::Rng) -> Uuid {
    loop {
        let mut bytes = random.u128(..).to_be_bytes();
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        let uuid = Uuid(bytes);
        if !uuid.to_string().starts_with('-') {
            return uuid;
        }
    }
}
