//! Several members, one coordinator and an unreliable network in made-up time.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use kafka_core::TopicPartition;
use kafka_core::backoff::ExponentialBackoff;
use tokio::time::Instant;

use super::super::*;
use super::coordinator::Coordinator;
use crate::consumer::AssignmentStrategy;
use crate::consumer::assignor::built_in;
use crate::consumer::group::LossReason;

pub(super) const TOPICS: &[(&str, i32)] = &[("t", 7), ("u", 3)];
pub(super) const SESSION: Duration = Duration::from_secs(30);
pub(super) const MAX_POLL: Duration = Duration::from_secs(60);

#[derive(Debug)]
enum Event {
    Request(usize, Ticket, Request),
    Answer(usize, Ticket, Answer),
    Deliver(usize, Input),
    RevokeDone(usize, Ticket),
    Poll(usize),
}

/// What a consumer has seen of its group.
#[derive(Debug)]
pub(super) struct Client {
    machine: Membership,
    instance: Option<String>,
    topics: BTreeSet<Arc<str>>,
    pub(super) alive: bool,
    polls: bool,
    pub(super) held: BTreeSet<TopicPartition>,
    revoking: Option<(Ticket, Vec<TopicPartition>)>,
    pub(super) revoked: usize,
    pub(super) lost: Vec<LossReason>,
    pub(super) failed: bool,
    pub(super) refused: usize,
    /// Requests sent and not yet answered, so that each gets an answer or a time-out, once.
    waiting: BTreeSet<Ticket>,
    watched: Option<BTreeSet<Arc<str>>>,
}

pub(super) struct World {
    pub(super) now: Instant,
    started: Instant,
    random: fastrand::Rng,
    seed: u64,
    queue: BTreeMap<(Instant, u64), Event>,
    sequence: u64,
    pub(super) coordinator: Coordinator,
    pub(super) clients: Vec<Client>,
    pub(super) counts: TopicPartitionCounts,
    /// Of 100 messages, so many are lost.
    pub(super) loss: u32,
    /// Whether no two may ever hold a partition at the same time: only a lost message excuses that.
    pub(super) strict: bool,
    history: Vec<String>,
    keeps_history: bool,
}

/// Runs a scenario with each seed; one that fails runs again with its history.
pub(super) fn for_seeds(seeds: std::ops::Range<u64>, scenario: fn(&mut World)) {
    for seed in seeds {
        let mut world = World::new(seed, TOPICS);
        let run = std::panic::AssertUnwindSafe(|| scenario(&mut world));
        if std::panic::catch_unwind(run).is_err() {
            let mut world = World::new(seed, TOPICS);
            world.keeps_history = true;
            scenario(&mut world);
        }
    }
}

impl World {
    pub(super) fn new(seed: u64, counts: &[(&str, i32)]) -> Self {
        let now = Instant::now();
        Self {
            now,
            started: now,
            random: fastrand::Rng::with_seed(seed),
            seed,
            queue: BTreeMap::new(),
            sequence: 0,
            coordinator: Coordinator::new(SESSION, MAX_POLL),
            clients: Vec::new(),
            counts: counts.iter().map(|&(topic, n)| (topic.into(), n)).collect(),
            loss: 0,
            strict: true,
            history: Vec::new(),
            keeps_history: false,
        }
    }

    pub(super) fn random(&mut self, below: usize) -> usize {
        self.random.usize(0..below)
    }

    fn log(&mut self, who: usize, what: &dyn fmt::Debug) {
        if self.keeps_history {
            let at = (self.now - self.started).as_millis();
            self.history.push(format!("{at:>8} ms {who} {what:?}"));
        }
    }

    pub(super) fn fail(&self, what: &str) -> ! {
        let tail = self.history.len().saturating_sub(80);
        panic!("seed {}: {what}\n{}", self.seed, self.history[tail..].join("\n"));
    }

    pub(super) fn start(
        &mut self,
        strategies: &[AssignmentStrategy],
        topics: &[&str],
        instance: Option<&str>,
    ) -> usize {
        let settings = Settings {
            protocol: crate::consumer::GroupProtocol::Classic,
            remote_assignor: None,
            group_id: "g".into(),
            instance_id: instance.map(str::to_owned),
            rack: None,
            session_timeout: SESSION,
            heartbeat_interval: Duration::from_secs(3),
            max_poll_interval: MAX_POLL,
            request_timeout: Duration::from_secs(30),
            backoff: ExponentialBackoff::new(Duration::from_millis(100), Duration::from_secs(1)),
            assignors: strategies.iter().map(|&strategy| built_in(strategy)).collect(),
        };
        let topics: BTreeSet<Arc<str>> = topics.iter().map(|&t| t.into()).collect();
        let who = self.clients.len();
        self.clients.push(Client {
            machine: Membership::new(settings, self.now, self.seed + who as u64),
            instance: instance.map(str::to_owned),
            topics: topics.clone(),
            alive: true,
            polls: true,
            held: BTreeSet::new(),
            revoking: None,
            revoked: 0,
            lost: Vec::new(),
            failed: false,
            refused: 0,
            waiting: BTreeSet::new(),
            watched: None,
        });
        self.tell(who, Input::Subscribe(topics));
        self.schedule(Duration::from_secs(5), Event::Poll(who));
        who
    }

    pub(super) fn subscribe(&mut self, who: usize, topics: &[&str]) {
        let topics: BTreeSet<Arc<str>> = topics.iter().map(|&t| t.into()).collect();
        self.clients[who].topics.clone_from(&topics);
        self.tell(who, Input::Subscribe(topics));
    }

    /// Leaves as a consumer that closes does.
    pub(super) fn leave(&mut self, who: usize) {
        self.clients[who].held.clear();
        self.tell(who, Input::Leave("closed".into()));
        self.clients[who].alive = false;
    }

    pub(super) fn kill(&mut self, who: usize) {
        self.log(who, &"is killed");
        self.clients[who].alive = false;
        self.clients[who].held.clear();
    }

    pub(super) fn set_polling(&mut self, who: usize, polls: bool) {
        self.log(who, &("polls", polls));
        self.clients[who].polls = polls;
    }

    pub(super) fn set_partitions(&mut self, topic: &str, count: i32) {
        self.log(0, &("partitions", topic, count));
        self.counts.insert(topic.into(), count);
        for who in 0..self.clients.len() {
            if let Some(watched) = self.clients[who].watched.clone() {
                self.look_up(who, &watched);
            }
        }
    }

    fn look_up(&mut self, who: usize, topics: &BTreeSet<Arc<str>>) {
        let counts = self.counts.iter().filter(|(topic, _)| topics.contains(*topic));
        let counts = counts.map(|(topic, &n)| (Arc::clone(topic), n)).collect();
        let delay = Duration::from_millis(self.random.u64(1..300));
        self.schedule(delay, Event::Deliver(who, Input::Topics(counts, Default::default())));
    }

    fn schedule(&mut self, delay: Duration, event: Event) {
        self.sequence += 1;
        self.queue.insert((self.now + delay, self.sequence), event);
    }

    fn delay(&mut self) -> Duration {
        let slow = self.loss > 0 && self.random.u32(0..10) == 0;
        Duration::from_millis(self.random.u64(1..if slow { 5_000 } else { 50 }))
    }

    fn lose_it(&mut self) -> bool {
        self.random.u32(0..100) < self.loss
    }

    fn tell(&mut self, who: usize, input: Input) {
        if !self.clients[who].alive {
            return;
        }
        if !matches!(input, Input::Tick | Input::Polled(_) | Input::Answer(_, Answer::Heartbeat(Ok(())))) {
            self.log(who, &input);
        }
        let now = self.now;
        let actions = self.clients[who].machine.on_event(now, input);
        for action in actions {
            self.act(who, action);
        }
    }

    fn act(&mut self, who: usize, action: Action) {
        if !matches!(action, Action::Send(_, Request::Heartbeat { .. })) {
            self.log(who, &action);
        }
        match action {
            Action::Send(ticket, request) => {
                let (delay, lost) = (self.delay(), self.lose_it());
                if !matches!(request, Request::Leave { .. }) {
                    self.clients[who].waiting.insert(ticket);
                    let (answer, timeout): (fn(Failure) -> Answer, _) = match request {
                        Request::Join(_) => (|f| Answer::Join(Err(f)), MAX_POLL + Duration::from_secs(5)),
                        Request::Sync { .. } => (|f| Answer::Sync(Err(f)), Duration::from_secs(30)),
                        _ => (|f| Answer::Heartbeat(Err(f)), Duration::from_secs(10)),
                    };
                    self.schedule(timeout, Event::Answer(who, ticket, answer(Failure::Unreachable)));
                }
                if !lost {
                    self.schedule(delay, Event::Request(who, ticket, request));
                }
            }
            Action::ForgetCoordinator => {}
            Action::LookUpTopics(topics) => {
                self.look_up(who, &topics);
                self.clients[who].watched = Some(topics);
            }
            Action::Revoke(ticket, event) => {
                let GroupEvent::Revoke { partitions } = event else { self.fail("not a revoke") };
                let client = &mut self.clients[who];
                let held = partitions.iter().all(|tp| client.held.contains(tp));
                if partitions.is_empty() || !held || client.revoking.is_some() {
                    self.fail(&format!("{who} must revoke {partitions:?} out of order"));
                }
                client.revoking = Some((ticket, partitions));
                let delay = Duration::from_millis(self.random.u64(1..2_000));
                self.schedule(delay, Event::RevokeDone(who, ticket));
            }
            Action::Emit(event) => self.on_event(who, event),
        }
    }

    fn on_event(&mut self, who: usize, event: GroupEvent) {
        let client = &mut self.clients[who];
        match event {
            GroupEvent::Assign { added, owned, .. } => {
                let again = added.iter().any(|tp| !client.held.insert(tp.clone()));
                let all = client.held.iter().eq(owned.iter());
                if again || !all || client.revoking.is_some() {
                    self.fail(&format!("{who} was assigned {added:?} out of order"));
                }
            }
            GroupEvent::Lost { partitions, reason } => {
                let all = client.held.iter().eq(partitions.iter());
                client.held.clear();
                client.revoking = None;
                client.lost.push(reason);
                if !all {
                    self.fail(&format!("{who} lost other partitions than it had: {partitions:?}"));
                }
            }
            GroupEvent::Refused(_) => client.refused += 1,
            GroupEvent::Failed(_) => client.failed = true,
            GroupEvent::Revoke { .. } => self.fail("a revoke without a ticket"),
        }
        if self.strict {
            self.check_exclusive();
        }
    }

    /// No partition is held by two.
    pub(super) fn check_exclusive(&self) {
        let mut seen = BTreeSet::new();
        for client in &self.clients {
            for tp in &client.held {
                if !seen.insert(tp) {
                    self.fail(&format!("{tp} is held by two"));
                }
            }
        }
    }

    /// Lets time go by.
    pub(super) fn run(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            let event = self.queue.first_key_value().map(|((at, _), _)| *at);
            let machines = self.clients.iter().filter(|c| c.alive).filter_map(|c| c.machine.deadline()).min();
            let next = [event, machines, self.coordinator.deadline()].into_iter().flatten().min();
            let Some(next) = next.filter(|next| *next <= end) else { break };
            self.now = self.now.max(next);
            let answers = self.coordinator.on_time(self.now);
            self.deliver(answers);
            for who in 0..self.clients.len() {
                let due = self.clients[who].machine.deadline().is_some_and(|at| at <= self.now);
                if due && self.clients[who].alive {
                    self.tell(who, Input::Tick);
                }
            }
            while let Some(entry) = self.queue.first_entry().filter(|e| e.key().0 <= self.now) {
                let event = entry.remove();
                self.handle(event);
            }
        }
        self.now = end;
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::Request(who, ticket, request) => {
                let instance = self.clients[who].instance.clone();
                let answers =
                    self.coordinator.on_request(self.now, (who, ticket), instance.as_deref(), request);
                self.deliver(answers);
            }
            Event::Answer(who, ticket, answer) => {
                if self.clients[who].waiting.remove(&ticket) {
                    self.tell(who, Input::Answer(ticket, answer));
                }
            }
            Event::Deliver(who, input) => self.tell(who, input),
            Event::RevokeDone(who, ticket) => {
                let client = &mut self.clients[who];
                if client.revoking.as_ref().is_some_and(|(t, _)| *t == ticket)
                    && let Some((_, partitions)) = client.revoking.take()
                {
                    client.revoked += partitions.len();
                    client.held.retain(|tp| !partitions.contains(tp));
                }
                self.tell(who, Input::RevokeDone(ticket));
            }
            Event::Poll(who) => {
                if self.clients[who].polls {
                    self.tell(who, Input::Polled(self.now));
                }
                if self.clients[who].alive {
                    self.schedule(Duration::from_secs(5), Event::Poll(who));
                }
            }
        }
    }

    fn deliver(&mut self, answers: Vec<((usize, Ticket), Answer)>) {
        for ((who, ticket), answer) in answers {
            if !self.lose_it() {
                let delay = self.delay();
                self.schedule(delay, Event::Answer(who, ticket, answer));
            }
        }
    }

    /// Every partition that a living member wants has exactly one owner, who wants it; nobody is stuck.
    pub(super) fn check_settled(&self) {
        self.check_exclusive();
        let alive: Vec<_> = self.clients.iter().filter(|c| c.alive && !c.failed).collect();
        if !self.coordinator.is_stable() || self.coordinator.size() != alive.len() {
            self.fail(&format!("the group did not settle: {} members", self.coordinator.size()));
        }
        let mut expected = BTreeSet::new();
        for client in &alive {
            if !matches!(client.machine.phase, Phase::Stable) || client.machine.owned() != &client.held {
                self.fail(&format!("a member is stuck: {:?}", client.machine.phase));
            }
            if client.held.iter().any(|tp| !client.topics.contains(&tp.topic)) {
                self.fail("a member holds what it does not want");
            }
            for topic in &client.topics {
                let count = self.counts.get(topic).copied().unwrap_or(0);
                expected.extend((0..count).map(|p| TopicPartition::new(Arc::clone(topic), p)));
            }
        }
        let held: BTreeSet<_> = alive.iter().flat_map(|c| c.held.iter().cloned()).collect();
        if held != expected {
            self.fail(&format!("held: {held:?}, expected: {expected:?}"));
        }
    }
}
