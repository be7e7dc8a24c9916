//! Members that poll and commit, and do besides what users do: pause, seek, listen, leave, overrun, drop what they wait for.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fastrand::Rng;
use streaming_kafka::TopicPartition;
use streaming_kafka::consumer::{
    Consumer, ConsumerError, ConsumerHandle, ConsumerRecords, ListenerFuture, RebalanceListener,
};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::consumers::{CLOSE, done};
use super::scenario::{GroupPlan, Mode, Scenario, millis};
use super::world::World;

pub(super) struct Polling<'a> {
    pub(super) world: &'a Arc<World>,
    pub(super) scenario: &'a Scenario,
    pub(super) plan: &'a GroupPlan,
    pub(super) index: usize,
    pub(super) consumer: Consumer,
    pub(super) random: &'a mut Rng,
}

/// Commits what it gives up, and takes its time: once too much of it, now and then.
struct Listener {
    world: Arc<World>,
    commits: bool,
    slow: Duration,
    overrun: Mutex<Option<Duration>>,
}

impl RebalanceListener for Listener {
    fn on_partitions_revoked<'a>(
        &'a self,
        consumer: &'a ConsumerHandle,
        _partitions: &'a [TopicPartition],
    ) -> ListenerFuture<'a> {
        Box::pin(async move {
            sleep(self.slow).await;
            let calm = self.world.calm.load(Ordering::Relaxed);
            let overrun = self.overrun.lock().unwrap().take_if(|_| !calm);
            if let Some(overrun) = overrun {
                sleep(overrun).await;
            }
            if self.commits {
                // What is refused comes again.
                let _ = consumer.commit_sync().await;
            }
        })
    }
}

impl Polling<'_> {
    /// Whether something happens now that happens one time in `odds`, or never for 0, as long as all is not calm.
    fn happens(&mut self, odds: u32) -> bool {
        odds > 0 && !self.world.calm.load(Ordering::Relaxed) && self.random.u32(..odds) == 0
    }

    fn note(&self, what: impl std::fmt::Display) {
        self.world.note(format!("{}-{}: {what}", self.plan.name, self.index));
    }

    fn wrong(&self, what: &str) {
        self.world.wrong(format!("{}-{}: {what}", self.plan.name, self.index));
    }

    pub(super) async fn run(mut self, stop: &CancellationToken) -> Result<(), String> {
        self.subscribe().map_err(|error| error.to_string())?;
        let mut failures = 0;
        while !stop.is_cancelled() {
            match self.poll(stop).await? {
                None => {}
                Some(Ok(records)) => {
                    for record in records {
                        done(self.world, self.plan.name, &record);
                    }
                }
                Some(Err(error)) if error.is_fatal() => return Err(error.to_string()),
                Some(Err(error)) => {
                    self.note(error);
                    failures += 1;
                    sleep(Duration::from_millis(100)).await;
                }
            }
            if self.plan.mode == Mode::Commits && self.random.u8(..3) == 0 {
                self.commit().await;
            }
            self.antics().await?;
        }
        if failures > 1000 {
            self.wrong(&format!("{failures} failures"));
        }
        if self.plan.mode == Mode::Commits {
            self.commit().await;
        }
        match timeout(CLOSE + Duration::from_secs(5) + self.scenario.jumps(), self.consumer.close(CLOSE))
            .await
        {
            Ok(Ok(())) => {}
            Ok(Err(error)) => self.note(format!("closing: {error}")),
            Err(_) => self.wrong("it does not close"),
        }
        Ok(())
    }

    fn subscribe(&mut self) -> Result<(), ConsumerError> {
        let topics = self.scenario.topics.iter().map(|topic| topic.name);
        let listener = self.plan.antics.listens.then(|| {
            let slow = millis(self.random, 0..2_000);
            let overruns = slow.as_millis().is_multiple_of(4);
            Listener {
                world: Arc::clone(self.world),
                commits: self.plan.mode == Mode::Commits,
                slow,
                overrun: Mutex::new(overruns.then_some(self.plan.max_poll_interval)),
            }
        });
        match (self.plan.pattern, listener) {
            (true, Some(listener)) => self.consumer.subscribe_pattern_with("(alpha|beta)", listener),
            (true, None) => self.consumer.subscribe_pattern("(alpha|beta)"),
            (false, Some(listener)) => self.consumer.subscribe_with(topics, listener),
            (false, None) => self.consumer.subscribe(topics),
        }
    }

    /// One poll; `None` if it was dropped.
    async fn poll(
        &mut self,
        stop: &CancellationToken,
    ) -> Result<Option<Result<ConsumerRecords, ConsumerError>>, String> {
        let patience = Duration::from_millis(self.random.u64(..1000));
        let drops = self.happens(self.plan.antics.drops);
        let dropped_after = if drops { millis(self.random, 0..200) } else { Duration::MAX };
        let limit = patience + Duration::from_secs(330) + self.scenario.jumps();
        let polled = tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(None),
            polled = timeout(limit, self.consumer.poll(patience)) => polled,
            () = sleep(dropped_after) => return Ok(None),
        };
        match polled {
            Ok(polled) => Ok(Some(polled)),
            Err(_) => {
                self.wrong("poll does not end");
                Err("poll".to_owned())
            }
        }
    }

    async fn commit(&mut self) {
        let limit = self.plan.api_timeout + Duration::from_secs(1) + self.scenario.jumps();
        if self.happens(self.plan.antics.drops) {
            let _dropped = timeout(millis(self.random, 0..20), self.consumer.commit_sync()).await;
            return;
        }
        match timeout(limit, self.consumer.commit_sync()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => self.note(error),
            Err(_) => self.wrong("commit does not end"),
        }
    }

    async fn antics(&mut self) -> Result<(), String> {
        let antics = self.plan.antics;
        if self.random.u8(..20) == 0 {
            sleep(millis(self.random, 0..3_000)).await;
        }
        if self.happens(antics.overruns) {
            self.note("overruns");
            sleep(self.plan.max_poll_interval + millis(self.random, 0..10_000)).await;
        }
        let paused = self.consumer.paused();
        if !paused.is_empty() && self.random.bool() {
            // They may have gone to others meanwhile.
            let _ = self.consumer.resume(&paused);
        }
        let assigned = self.consumer.assignment();
        if self.happens(antics.pauses) {
            let some: Vec<_> = assigned.iter().filter(|_| self.random.bool()).cloned().collect();
            let _ = self.consumer.pause(&some);
        }
        if self.happens(antics.seeks)
            // Where the log is cut off, whoever says where to go on may skip what replaced the rest.
            && let Some(tp) = assigned.iter().find(|tp| !self.scenario.is_lossy(&tp.topic))
            && let Ok(Some(position)) = self.consumer.position(tp)
        {
            let to = self.random.i64(0..=position);
            self.note(format!("seeks {tp} from {position} to {to}"));
            let _ = self.consumer.seek(tp, to);
        }
        if self.happens(antics.leaves) {
            self.note("leaves");
            let limit = Duration::from_secs(330) + self.scenario.jumps();
            if timeout(limit, self.consumer.unsubscribe()).await.is_err() {
                self.wrong("unsubscribe does not end");
            }
            sleep(millis(self.random, 0..3_000)).await;
            self.subscribe().map_err(|error| error.to_string())?;
        }
        Ok(())
    }
}
