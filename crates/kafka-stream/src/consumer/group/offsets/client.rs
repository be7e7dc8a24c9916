use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use kafka_core::backoff::ExponentialBackoff;
use kafka_core::cluster::{Client, CoordinatorKind, Lane};
use kafka_core::net::CallOptions;
use kafka_core::protocol::{ErrorCode, Request};
use kafka_core::watch;
use kafka_core::{Error, ErrorKind, Result, TopicPartition};
use tokio::sync::{Mutex, mpsc};
use tokio::time::{Instant, sleep, timeout_at};

use super::topic_ids::TopicIds;
use super::{CommitError, OffsetAndMetadata};
use super::{commit, fetch};
use crate::consumer::group::handle::Command;
use crate::consumer::group::standing::{Losses, Snapshot, Standing};
use crate::consumer::group::state::Settings;

/// Commits offsets in a group's name, and says what was committed. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Offsets {
    client: Client,
    group_id: Arc<str>,
    request_timeout: Duration,
    backoff: ExponentialBackoff,
    snapshot: watch::Receiver<Snapshot>,
    losses: Arc<Losses>,
    commands: mpsc::WeakUnboundedSender<Command>,
    /// Held by the commit under way, so that no commit overtakes an earlier one that is tried again.
    turn: Arc<Mutex<()>>,
}

impl Offsets {
    pub(in crate::consumer::group) fn new(
        client: Client,
        settings: &Settings,
        (snapshot, losses): (watch::Receiver<Snapshot>, Arc<Losses>),
        commands: mpsc::WeakUnboundedSender<Command>,
    ) -> Self {
        Self {
            client,
            group_id: settings.group_id.as_str().into(),
            request_timeout: settings.request_timeout,
            backoff: settings.backoff,
            snapshot,
            losses,
            commands,
            turn: Arc::default(),
        }
    }

    /// Commits these offsets: in the member's name if it subscribed, else outside of any generation. What passes is
    /// tried again within `timeout`; a rebalance is waited for as long as it may leave the partitions with this member.
    /// Commits are carried out one after the other, in the order of these calls.
    ///
    /// # Errors
    /// See [`CommitError`].
    ///
    /// # Cancel safety
    /// If dropped, the commit may or may not have been made.
    pub(crate) async fn commit(
        &self,
        offsets: BTreeMap<TopicPartition, OffsetAndMetadata>,
        timeout: Duration,
    ) -> Result<(), CommitError> {
        if offsets.is_empty() {
            return Ok(());
        }
        // Of this moment, before it waits for anything: that is what the offsets belong to.
        let (losses, ids) = (self.losses.all_heard(), self.topic_ids(offsets.keys()));
        let mut attempts = Attempts::new(self.backoff, timeout);
        let deadline = attempts.deadline;
        let Ok(_turn) = timeout_at(deadline, self.turn.lock()).await else {
            return Err(attempts.late().into());
        };
        loop {
            if ids.are_outdated(&self.topic_ids(offsets.keys())) {
                return Err(Error::new(
                    ErrorKind::Broker(ErrorCode::UNKNOWN_TOPIC_ID),
                    "commit failed: a topic was deleted and created again meanwhile, and the offsets mean nothing there",
                )
                .into());
            }
            let snapshot = self.snapshot.borrow().clone();
            if losses.is_none() || self.losses.all_heard() != losses {
                // Others may have handled more of these partitions, even if the member has them again.
                return Err(CommitError::NotMember { code: ErrorCode::UNKNOWN_MEMBER_ID });
            }
            may_commit(&snapshot, &offsets)?;
            let mut member = snapshot.member.clone();
            if snapshot.standing == Standing::Outside {
                // An instance id would make the coordinator look for a member.
                member.group_instance_id = None;
            }
            let build = |version| commit::request(&member, &offsets, &ids, version);
            let answer = timeout_at(deadline, self.call(ids.max_version(), build)).await;
            let outcome = match answer {
                Ok(Ok(response)) => commit::outcome(&response, &ids),
                Ok(Err(error)) if error.is_retriable() => commit::Outcome::Again { moved: true, error },
                Ok(Err(error)) => return Err(self.named(error).into()),
                Err(_) => return Err(attempts.late().into()),
            };
            match outcome {
                commit::Outcome::Done => return Ok(()),
                commit::Outcome::Again { moved, error } => self.again(&mut attempts, moved, error).await?,
                commit::Outcome::Rebalancing => self.rebalanced(&snapshot, &mut attempts).await?,
                commit::Outcome::Failed(CommitError::NotMember { .. }) if self.is_overtaken(&snapshot) => {
                    self.rebalanced(&snapshot, &mut attempts).await?;
                }
                commit::Outcome::Failed(CommitError::Other(error)) => return Err(self.named(error).into()),
                commit::Outcome::Failed(error) => {
                    self.refused(&snapshot, &error);
                    return Err(error);
                }
            }
        }
    }

    /// What is committed for these partitions; `None` where nothing is. Offsets of transactions that are not decided yet
    /// are waited for.
    ///
    /// # Errors
    /// The coordinator's if it is final, else the last one when `timeout` is over.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub(crate) async fn committed(
        &self,
        partitions: &[TopicPartition],
        timeout: Duration,
    ) -> Result<BTreeMap<TopicPartition, Option<OffsetAndMetadata>>> {
        if partitions.is_empty() {
            return Ok(BTreeMap::new());
        }
        let mut attempts = Attempts::new(self.backoff, timeout);
        let deadline = attempts.deadline;
        loop {
            // Each time anew: the topic may be another one of that name by now.
            let ids = self.topic_ids(partitions);
            let mut negotiated = 0;
            let build = |version| {
                negotiated = version;
                fetch::request(&self.group_id, partitions, &ids, version)
            };
            let answer = timeout_at(deadline, self.call(ids.max_version(), build)).await;
            let outcome = match answer {
                Ok(Ok(response)) => fetch::outcome(&response, partitions, &ids, negotiated),
                Ok(Err(error)) if error.is_retriable() => fetch::Outcome::Again { moved: true, error },
                Ok(Err(error)) => return Err(self.named(error)),
                Err(_) => return Err(attempts.late()),
            };
            match outcome {
                fetch::Outcome::Done(committed) => return Ok(committed),
                fetch::Outcome::Again { moved, error } => self.again(&mut attempts, moved, error).await?,
                fetch::Outcome::Failed(error) => return Err(self.named(error)),
            }
        }
    }

    /// A refusal that is about the group names it.
    fn named(&self, error: Error) -> Error {
        if error.code() != Some(ErrorCode::GROUP_AUTHORIZATION_FAILED) {
            return error;
        }
        let message = format!("group `{}`: {}", self.group_id, error.message());
        Error::new(error.kind().clone(), message).with_source(error)
    }

    /// On a connection that no join holds up.
    async fn call<R: Request>(
        &self,
        max_version: Option<i16>,
        build: impl FnOnce(i16) -> R,
    ) -> Result<R::ResponseBody> {
        let broker = self.client.coordinator(CoordinatorKind::Group, &self.group_id).await?;
        // Not the caller's time, which may be short: a connection whose broker is late is closed.
        let mut options = CallOptions::new(self.request_timeout);
        options.max_version = max_version;
        self.client.call(broker, Lane::Admin, options, build).await
    }

    fn topic_ids<'a>(&self, partitions: impl IntoIterator<Item = &'a TopicPartition>) -> TopicIds {
        let metadata = self.client.metadata();
        TopicIds::new(partitions, |topic| metadata.topic(topic)?.id)
    }

    async fn again(&self, attempts: &mut Attempts, moved: bool, error: Error) -> Result<()> {
        if moved {
            self.client.forget_coordinator(CoordinatorKind::Group, &self.group_id);
        }
        if error.code() == Some(ErrorCode::UNKNOWN_TOPIC_ID) {
            self.client.request_metadata_update();
        }
        attempts.again(error).await
    }

    /// Whether the member has gone on since `sent`, so that a refusal of the old generation says nothing of the new.
    fn is_overtaken(&self, sent: &Snapshot) -> bool {
        let now = self.snapshot.borrow();
        matches!(now.standing, Standing::Rebalancing) || now.member.generation_id > sent.member.generation_id
    }

    /// Waits for the end of the rebalance that refused the commit of `sent`.
    async fn rebalanced(&self, sent: &Snapshot, attempts: &mut Attempts) -> Result<(), CommitError> {
        if sent.standing == Standing::Revoking {
            // The rebalance waits for whoever commits here.
            return Err(CommitError::RebalanceInProgress);
        }
        let mut snapshot = self.snapshot.clone();
        let settled = snapshot.wait_for(|now| now.standing != Standing::Rebalancing);
        match timeout_at(attempts.deadline, settled).await {
            Ok(Ok(_)) => {}
            Ok(Err(_)) => return Err(attempts.late().into()),
            Err(_) => return Err(CommitError::RebalanceInProgress),
        }
        match attempts.again(Error::from_code(ErrorCode::REBALANCE_IN_PROGRESS)).await {
            Ok(()) => Ok(()),
            Err(_) => Err(CommitError::RebalanceInProgress),
        }
    }

    /// Lets the member know what a commit learned of its standing.
    fn refused(&self, sent: &Snapshot, error: &CommitError) {
        let code = match error {
            CommitError::NotMember { code } => *code,
            CommitError::Fenced => ErrorCode::FENCED_INSTANCE_ID,
            CommitError::RebalanceInProgress | CommitError::Other(_) => return,
        };
        if let Some(commands) = self.commands.upgrade() {
            let generation = sent.member.generation_id;
            // Fails only when the task has ended, and the membership with it.
            let _ = commands.send(Command::CommitRefused { code, generation });
        }
    }
}

/// Whether a commit has a chance: a member commits for what it owns, in its generation.
fn may_commit(
    snapshot: &Snapshot,
    offsets: &BTreeMap<TopicPartition, OffsetAndMetadata>,
) -> Result<(), CommitError> {
    let owns_all = offsets.keys().all(|tp| snapshot.owned.contains(tp));
    match snapshot.standing {
        Standing::Outside => Ok(()),
        _ if owns_all && snapshot.member.generation_id >= 0 => Ok(()),
        Standing::Rebalancing if snapshot.member.generation_id < 0 => Err(CommitError::RebalanceInProgress),
        Standing::Lost => Err(CommitError::NotMember { code: ErrorCode::UNKNOWN_MEMBER_ID }),
        _ => Err(CommitError::NotMember { code: ErrorCode::ILLEGAL_GENERATION }),
    }
}

/// The tries of one call.
#[derive(Debug)]
struct Attempts {
    backoff: ExponentialBackoff,
    failures: u32,
    timeout: Duration,
    deadline: Instant,
}

impl Attempts {
    fn new(backoff: ExponentialBackoff, timeout: Duration) -> Self {
        let now = Instant::now();
        let deadline = now.checked_add(timeout).unwrap_or(now + Duration::from_secs(86_400 * 365));
        Self { backoff, failures: 0, timeout, deadline }
    }

    /// Waits before the next try; the error itself if there is no time for one.
    async fn again(&mut self, error: Error) -> Result<()> {
        let wait = self.backoff.delay(self.failures);
        if Instant::now() + wait >= self.deadline {
            return Err(error);
        }
        tracing::debug!(%error, "a request for offsets is tried again");
        self.failures = self.failures.saturating_add(1);
        sleep(wait).await;
        Ok(())
    }

    fn late(&self) -> Error {
        let message = format!(
            "the group's coordinator did not answer within {} ms; check that the brokers are up, or raise the timeout",
            self.timeout.as_millis()
        );
        Error::new(ErrorKind::Timeout(self.timeout), message)
    }
}
