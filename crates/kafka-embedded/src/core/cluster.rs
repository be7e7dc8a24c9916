use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

use kafka_core::protocol::{ApiKey, Uuid};
use kafka_core::records::Decompressor;

use super::{Answer, AnyRequest, Api, Broker, Call, Reply, Ticket, Time, Timer, Timers};
use crate::access::Authorizer;
use crate::durable::Durable;
use crate::faults::{Asked, Effect, History, Script};
use crate::fetching::{ShareWaiting, Waiting};
use crate::groups::Groups;
use crate::quotas::{Limits, Meters, ask_for_silence};
use crate::sasl::ScramCredentials;
#[cfg(feature = "security")]
use crate::sasl::{Admission, Passwords, SignIns};
use crate::settings::Settings;
use crate::topics::Topics;
use crate::transactions::Transactions;

/// What the shell does with a request.
#[derive(Debug)]
pub(crate) enum Outcome {
    Answer(Answer),
    /// The answer comes later, under the call's ticket.
    Later,
    /// There will be no answer; nothing more is read for so long.
    Silence(Duration),
    /// The connection ends after it.
    Last(Answer),
    /// The connection ends.
    Close,
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
    /// What was set for brokers while they run, by id; for all of them under the empty name.
    pub(crate) broker_configs: BTreeMap<String, BTreeMap<String, String>>,
    pub(crate) groups: Groups,
    pub(crate) transactions: Transactions,
    pub(crate) waiting: Waiting,
    pub(crate) share_waiting: ShareWaiting,
    pub(crate) faults: Script,
    pub(crate) history: History,
    pub(crate) timers: Timers,
    /// What the disk is told of, if there is one.
    pub(crate) durable: Option<Durable>,
    /// Who may do what; without it, everybody anything.
    pub(crate) authorizer: Option<Authorizer>,
    pub(crate) limits: Limits,
    pub(crate) meters: Meters,
    pub(crate) scram_credentials: ScramCredentials,
    /// Looks into what producers compressed; its tables are large, so they are kept.
    pub(crate) decompressor: Decompressor,
    #[cfg(feature = "security")]
    pub(crate) passwords: Passwords,
    #[cfg(feature = "security")]
    pub(crate) sign_ins: SignIns,
    next_producer_id: i64,
    answers: Vec<(Ticket, Answer)>,
}

impl Cluster {
    /// A cluster whose brokers listen at these addresses, one list per broker with one place per listener.
    pub(crate) fn new(settings: Settings, addresses: &[Vec<SocketAddr>]) -> Self {
        let mut random = fastrand::Rng::with_seed(settings.seed);
        let id = random_uuid(&mut random).to_string();
        let brokers = (1..).zip(addresses).map(|(id, own)| (id, Broker::new(id, own.clone()))).collect();
        let mut timers = Timers::default();
        timers.set(settings.retention_check_interval, Timer::Retention);
        timers.set(settings.compaction_interval, Timer::Compaction);
        Self {
            authorizer: settings.authorizer.clone().map(Authorizer::from),
            limits: Limits::default(),
            meters: Meters::default(),
            scram_credentials: ScramCredentials::default(),
            decompressor: Decompressor::default(),
            #[cfg(feature = "security")]
            passwords: Passwords::default(),
            #[cfg(feature = "security")]
            sign_ins: SignIns::default(),
            settings,
            id,
            now: Time::ZERO,
            random,
            brokers,
            topics: Topics::default(),
            broker_configs: BTreeMap::new(),
            groups: Groups::default(),
            transactions: Transactions::default(),
            waiting: Waiting::default(),
            share_waiting: ShareWaiting::default(),
            faults: Script::default(),
            history: History::default(),
            timers,
            durable: None,
            next_producer_id: 0,
            answers: Vec::new(),
        }
    }

    /// Notes a request, and says which fault meets it.
    pub(crate) fn meet(&mut self, now: Time, call: &Call, request: &dyn AnyRequest) -> Option<Effect> {
        self.tick(now);
        let sessions = self.brokers.get(&call.broker).map(|broker| &broker.sessions);
        let continued = request.session().zip(sessions).map(|(id, sessions)| sessions.topics(id));
        let named = request.topics().into_iter().chain(continued.into_iter().flatten());
        let mut topics: Vec<String> = named
            .filter_map(|(name, id)| if name.is_empty() { self.topics.name_of(id) } else { Some(name) })
            .map(str::to_owned)
            .collect();
        topics.sort_unstable();
        topics.dedup();
        let (api, client) = (request.api_key(), call.client_id.as_deref());
        let effect = self.faults.meet(api, call.broker, client, &topics, &mut self.random);
        self.history.note(Asked {
            at: self.now,
            broker: call.broker,
            api,
            version: call.version,
            client_id: call.client_id.clone(),
            topics,
            faulted: effect.is_some(),
        });
        effect
    }

    /// Serves one request. Time never goes backwards: an earlier `now` than before counts as that one.
    pub(crate) fn handle(&mut self, now: Time, call: &mut Call, request: Box<dyn AnyRequest>) -> Outcome {
        self.tick(now);
        #[cfg(feature = "security")]
        match self.admit(call, request.api_key()) {
            Admission::Admitted => {}
            Admission::Refused(code) => return Outcome::Last(request.fail(self, call, code)),
            Admission::Closed => return Outcome::Close,
        }
        match request.handle(self, call) {
            Reply::Now(answer) => Outcome::Answer(answer),
            Reply::Later => Outcome::Later,
            Reply::Never => Outcome::Silence(Duration::ZERO),
            Reply::Last(answer) => Outcome::Last(answer),
            Reply::Close => Outcome::Close,
        }
    }

    /// Counts a request that has just been served and took `spent`, and has its client be silent if there were too many.
    pub(crate) fn charge(&mut self, call: &Call, key: ApiKey, spent: Duration, outcome: &mut Outcome) {
        match outcome {
            Outcome::Answer(answer) => ask_for_silence(answer, self.charge_request(call, key, spent)),
            Outcome::Silence(silence) => *silence = self.charge_request(call, key, spent),
            Outcome::Later => self.charge_later(call, key, spent),
            Outcome::Last(_) | Outcome::Close => {}
        }
    }

    /// Does what is due by `now`, each at its time.
    pub(crate) fn tick(&mut self, now: Time) {
        while let Some((at, timer)) = self.timers.pop(now) {
            self.now = self.now.max(at);
            match timer {
                Timer::Fetch(ticket) => self.fetch_is_due(ticket),
                Timer::ShareFetch(ticket) => self.share_fetch_is_due(ticket),
                Timer::Group(group) => self.group_is_due(&group),
                Timer::Transaction(id) => self.transaction_is_due(&id),
                Timer::Retention => self.remove_old_records(),
                Timer::Compaction => self.compact_logs(),
            }
        }
        self.now = self.now.max(now);
    }

    /// When [`tick`](Self::tick) has something to do next.
    pub(crate) fn next_deadline(&self) -> Option<Time> {
        self.timers.next()
    }

    /// Answers a request that was kept.
    pub(crate) fn answer<R: Api>(&mut self, ticket: Ticket, response: R::ResponseBody) {
        let mut answer = Answer::of::<R>(response);
        self.collect(ticket, &mut answer);
        self.answers.push((ticket, answer));
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
        random_uuid(&mut self.random)
    }

    pub(crate) fn new_producer_id(&mut self) -> i64 {
        let id = self.next_producer_id;
        self.next_producer_id += 1;
        id
    }

    /// Ids below this one were given to producers.
    pub(crate) fn producer_ids_given(&self) -> i64 {
        self.next_producer_id
    }

    pub(crate) fn give_producer_ids_from(&mut self, first: i64) {
        self.next_producer_id = first;
    }

    pub(crate) fn live_brokers(&self) -> impl Iterator<Item = &Broker> {
        self.brokers.values().filter(|broker| broker.alive)
    }

    pub(crate) fn is_alive(&self, broker: i32) -> bool {
        self.brokers.get(&broker).is_some_and(|broker| broker.alive)
    }

    /// The brokers among these ids, each once, by rising id: where the leaders are that an answer names (KIP-951).
    pub(crate) fn distinct_brokers(&self, ids: impl Iterator<Item = i32>) -> impl Iterator<Item = &Broker> {
        let ids: BTreeSet<i32> = ids.collect();
        ids.into_iter().filter_map(|id| self.brokers.get(&id))
    }

    /// How often the cluster's metadata has changed, or more: stands for the end of the log that Kafka keeps it in.
    pub(crate) fn metadata_offset(&self) -> i64 {
        let epochs = self.topics.iter().flat_map(|topic| &topic.partitions);
        epochs.map(|partition| i64::from(partition.partition_epoch) + 1).sum::<i64>() + 1
    }

    /// The broker that clients are told is the controller: the first that lives.
    pub(crate) fn controller(&self) -> i32 {
        self.live_brokers().map(|broker| broker.id).next().unwrap_or(-1)
    }

    fn compact_logs(&mut self) {
        let now = self.wall_clock();
        self.topics.tend_logs(|log, settings| {
            log.compact(settings, now);
            false
        });
        self.timers.set(self.now + self.settings.compaction_interval, Timer::Compaction);
    }

    fn remove_old_records(&mut self) {
        let now = self.wall_clock();
        let expiration = i64::try_from(self.settings.producer_expiration.as_millis()).unwrap_or(i64::MAX);
        self.topics.tend_logs(|log, settings| {
            log.expire_producers(now.saturating_sub(expiration));
            log.apply_retention(settings, now)
        });
        self.expire_groups();
        self.timers.set(self.now + self.settings.retention_check_interval, Timer::Retention);
    }
}

/// A random id of version 4, which never starts with a dash, so that tools do not take it for an option.
pub(crate) fn random_uuid(random: &mut fastrand::Rng) -> Uuid {
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
