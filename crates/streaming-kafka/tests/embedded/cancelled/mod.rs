//! Public futures dropped at each of their await points: what is documented holds, and nothing is left behind.
//!
//! Each test polls a future no times and drops it, then once, then twice, and so on until it has ended by itself; in
//! between the future is woken by what it waits for, on a paused clock.

mod asking;
mod consuming;
mod handling;
mod producing;

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use kafka_embedded::EmbeddedCluster;
use streaming_kafka::Client;
use streaming_kafka::consumer::{Consumer, ConsumerConfig};
use tokio::time::sleep;

use crate::support::in_memory_client;

/// More await points than any future here has.
const ENOUGH: usize = 500;
/// Until what was dropped has ended all that it began: requests, sessions of groups, idle waits.
const SETTLED: Duration = Duration::from_secs(200);

/// Polls `future` up to `polls` times, each time when it asks for it, and drops it; its output if it ended before.
async fn cut_off<T>(future: impl Future<Output = T>, polls: usize) -> Option<T> {
    let (mut future, mut left) = (pin!(future), polls);
    poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        future.as_mut().poll(context).map(Some)
    })
    .await
}

/// Runs `attempt` with 0, 1, 2, ... polls until it says that the future ended by itself; holds each to leaving no task.
async fn at_each_await_point(what: &str, mut attempt: impl AsyncFnMut(usize) -> bool) {
    sleep(SETTLED).await;
    let before = tasks();
    for polls in 0..ENOUGH {
        let ended = attempt(polls).await;
        sleep(SETTLED).await;
        assert_eq!(tasks(), before, "{what}: tasks are left after {polls} polls");
        if ended {
            assert!(polls > 1, "{what}: it never waited");
            return;
        }
    }
    panic!("{what} does not end");
}

fn tasks() -> usize {
    tokio::runtime::Handle::current().metrics().num_alive_tasks()
}

async fn cluster(topics: &[(&str, i32)]) -> EmbeddedCluster {
    let builder = EmbeddedCluster::builder().brokers(2).seed(7).in_memory();
    topics.iter().fold(builder, |builder, (name, count)| builder.topic(*name, *count)).start().await.unwrap()
}

/// A client of its own for one attempt, so that nothing is known beforehand.
fn client(cluster: &EmbeddedCluster, attempt: usize) -> Client {
    in_memory_client(cluster, &format!("client-{attempt}"))
}

fn group_config(group: &str) -> ConsumerConfig {
    let mut config = ConsumerConfig::default();
    config.group_id = Some(group.to_owned());
    config.fetch_min_bytes = 1;
    config.session_timeout = Duration::from_secs(6);
    config.heartbeat_interval = Duration::from_secs(1);
    config
}

fn member(client: &Client, group: &str) -> Consumer {
    Consumer::new(client.clone(), group_config(group)).unwrap()
}
