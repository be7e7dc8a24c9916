//! The task that a member lives in: it brings the state machine what happens, and does what the machine says.

use std::sync::Arc;

use kafka_core::cluster::{Client, CoordinatorKind};
use kafka_core::watch;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::calls;
use super::handle::{Command, Told};
use super::machine::Machine;
use super::polls::Polls;
use super::standing::{Losses, Snapshot};
use super::state::{Action, Answer, Input, Request, Settings, Ticket};
use super::topics::{self, TopicWatch};
use super::{GroupEvent, Subscription};
use crate::consumer::ConsumerConfig;

/// See the module.
#[derive(Debug)]
pub(super) struct Driver {
    client: Client,
    settings: Arc<Settings>,
    machine: Machine,
    events: mpsc::UnboundedSender<Told>,
    publish: watch::Sender<Snapshot>,
    losses: Arc<Losses>,
    polls: Arc<Polls>,
    answers: JoinSet<(Ticket, Answer)>,
    topics: TopicWatch,
    /// Who waits for a leave that is about to be sent.
    leaving: Option<oneshot::Sender<()>>,
}

impl Driver {
    pub(super) fn new(
        client: Client,
        config: &ConsumerConfig,
        settings: Settings,
        events: mpsc::UnboundedSender<Told>,
        (publish, losses): (watch::Sender<Snapshot>, Arc<Losses>),
        polls: Arc<Polls>,
    ) -> Self {
        let topics = TopicWatch::new(client.clone(), config, settings.backoff);
        let machine = Machine::new(settings.clone(), Instant::now(), fastrand::u64(..));
        let settings = Arc::new(settings);
        let answers = JoinSet::new();
        Self { client, settings, machine, events, publish, losses, polls, answers, topics, leaving: None }
    }

    /// Runs until the handle is dropped.
    pub(super) async fn run(mut self, mut commands: mpsc::UnboundedReceiver<Command>) {
        loop {
            let timer = self.machine.deadline().map(|at| at.max(Instant::now()));
            let input = tokio::select! {
                biased;
                command = commands.recv() => match command {
                    Some(command) => self.on_command(command),
                    None => return,
                },
                Some(done) = self.answers.join_next() => match done {
                    Ok((ticket, answer)) => Some(Input::Answer(ticket, answer)),
                    // A call that panicked; its request is sent again when its time is up.
                    Err(error) => {
                        tracing::error!(%error, "a request of the consumer group ended without an answer");
                        None
                    }
                },
                found = self.topics.changed() => self.on_topics(found),
                () = self.polls.polled(), if self.machine.awaits_poll() => None,
                () = sleep_until(timer) => None,
            };
            let now = Instant::now();
            // Polls are not told one by one: the last one counts, and only when something else happens.
            let polled = Input::Polled(self.polls.last(now));
            for input in [Some(polled), input, Some(Input::Tick)].into_iter().flatten() {
                let actions = self.machine.on_event(now, input);
                for _ in actions.iter().filter(|action| is_loss(action)) {
                    self.losses.tell();
                }
                // First, so that who hears of partitions can commit for them at once.
                self.publish();
                for action in actions {
                    self.act(action);
                }
            }
            // Nobody left for whom to wait: a static member, or one that never joined.
            self.leaving = None;
        }
    }

    fn on_command(&mut self, command: Command) -> Option<Input> {
        match command {
            Command::Subscribe(Subscription::Topics(topics)) => {
                self.topics.forget_pattern();
                Some(Input::Subscribe(topics))
            }
            Command::Subscribe(Subscription::Pattern(pattern, _)) if self.machine.takes_patterns() => {
                Some(Input::SubscribePattern(pattern))
            }
            Command::Subscribe(Subscription::Pattern(_, filter)) => {
                self.topics.watch_pattern(filter);
                None
            }
            Command::RevokeDone(ticket) => Some(Input::RevokeDone(ticket)),
            Command::CommitRefused { code, generation } => Some(Input::CommitRefused { code, generation }),
            Command::Leave { reason, done } => {
                self.topics.forget_pattern();
                self.leaving = Some(done);
                Some(Input::Leave(reason))
            }
        }
    }

    fn on_topics(&mut self, found: topics::Found) -> Option<Input> {
        match found {
            topics::Found::Counts(counts, racks) => Some(Input::Topics(counts, racks)),
            topics::Found::Matching(topics) => Some(Input::Subscribe(topics)),
        }
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Send(_, leave @ (Request::Leave { .. } | Request::LeaveByEpoch { .. })) => {
                let (client, settings) = (self.client.clone(), Arc::clone(&self.settings));
                let done = self.leaving.take();
                // Not among the answers: it goes on when this task ends.
                tokio::spawn(async move {
                    calls::call(&client, &settings, leave).await;
                    drop(done);
                });
            }
            Action::Send(ticket, request) => {
                let (client, settings) = (self.client.clone(), Arc::clone(&self.settings));
                self.answers.spawn(async move { (ticket, calls::call(&client, &settings, request).await) });
            }
            Action::ForgetCoordinator => {
                self.client.forget_coordinator(CoordinatorKind::Group, &self.settings.group_id);
            }
            Action::LookUpTopics(topics) => self.topics.watch_counts(topics),
            Action::Revoke(ticket, event) => self.tell((ticket, event)),
            Action::Emit(event) => self.tell((0, event)),
        }
    }

    fn tell(&self, told: Told) {
        tracing::debug!(group = self.settings.group_id, event = ?told.1, "consumer group");
        // Fails only when the handle is gone, which ends this task too.
        let _ = self.events.send(told);
    }

    fn publish(&self) {
        self.polls.expect(self.machine.awaits_poll());
        let (member, standing) = (self.machine.metadata(), self.machine.standing());
        self.publish.send_if_modified(|last| {
            let changed =
                last.member != member || last.standing != standing || *last.owned != *self.machine.owned();
            if *last.owned != *self.machine.owned() {
                last.owned = Arc::new(self.machine.owned().clone());
            }
            last.member = member;
            last.standing = standing;
            changed
        });
    }
}

fn is_loss(action: &Action) -> bool {
    matches!(action, Action::Emit(GroupEvent::Lost { .. }))
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
