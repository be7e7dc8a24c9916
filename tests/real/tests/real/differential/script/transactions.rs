//! Numbered producers and transactions.

use kafka_core::protocol::messages::add_partitions_to_txn_request::{
    AddPartitionsToTxnTopic, AddPartitionsToTxnTransaction,
};
use kafka_core::protocol::messages::describe_producers_request::TopicRequest;
use kafka_core::protocol::messages::txn_offset_commit_request::{
    TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic,
};
use kafka_core::protocol::messages::write_txn_markers_request::{WritableTxnMarker, WritableTxnMarkerTopic};
use kafka_core::protocol::messages::{
    AddOffsetsToTxnRequest, AddPartitionsToTxnRequest, AddPartitionsToTxnResponse, DescribeProducersRequest,
    DescribeTransactionsRequest, EndTxnRequest, EndTxnResponse, FetchRequest, InitProducerIdRequest,
    InitProducerIdResponse, ListTransactionsRequest, ListTransactionsResponse, ProduceRequest,
    TxnOffsetCommitRequest, WriteTxnMarkersRequest,
};
use kafka_core::protocol::{ErrorCode, Message};

use super::super::records::{batch, numbered, transactional};
use super::super::side::Side;
use super::fetch::fetch;
use super::groups::group_of_one;
use super::produce::{Target, produce, target};

/// A producer's name, id and epoch.
#[derive(Clone, Debug)]
struct Producer {
    name: String,
    id: i64,
    epoch: i16,
}

fn init(name: Option<&str>, timeout: i32) -> InitProducerIdRequest {
    InitProducerIdRequest {
        transactional_id: name.map(str::to_owned),
        transaction_timeout_ms: timeout,
        ..Default::default()
    }
}

/// Kafka may still be about to end the last transaction.
fn is_settled(code: i16) -> bool {
    ![ErrorCode::CONCURRENT_TRANSACTIONS, ErrorCode::COORDINATOR_NOT_AVAILABLE, ErrorCode::NOT_COORDINATOR]
        .contains(&ErrorCode(code))
}

fn initialised(answer: &InitProducerIdResponse) -> bool {
    is_settled(answer.error_code)
}

fn added(answer: &AddPartitionsToTxnResponse) -> bool {
    let old = answer.results_by_topic_v3_and_below.iter();
    let new = answer.results_by_transaction.iter().flat_map(|result| &result.topic_results);
    is_settled(answer.error_code)
        && old
            .chain(new)
            .flat_map(|topic| &topic.results_by_partition)
            .all(|part| is_settled(part.partition_error_code))
}

async fn producer(side: &mut Side, name: &str) -> Producer {
    let name = side.name(name);
    let answer = side.quietly(5, init(Some(&name), 60_000), |answer| answer.error_code == 0).await;
    Producer { name, id: answer.producer_id, epoch: answer.producer_epoch }
}

fn add(version: i16, producer: &Producer, topic: &str, partitions: &[i32]) -> AddPartitionsToTxnRequest {
    let topics = vec![AddPartitionsToTxnTopic { name: topic.to_owned(), partitions: partitions.to_vec() }];
    if version < 4 {
        return AddPartitionsToTxnRequest {
            v3_and_below_transactional_id: producer.name.clone(),
            v3_and_below_producer_id: producer.id,
            v3_and_below_producer_epoch: producer.epoch,
            v3_and_below_topics: topics,
            ..Default::default()
        };
    }
    AddPartitionsToTxnRequest {
        transactions: vec![AddPartitionsToTxnTransaction {
            transactional_id: producer.name.clone(),
            producer_id: producer.id,
            producer_epoch: producer.epoch,
            verify_only: false,
            topics,
        }],
        ..Default::default()
    }
}

fn end(producer: &Producer, committed: bool) -> EndTxnRequest {
    EndTxnRequest {
        transactional_id: producer.name.clone(),
        producer_id: producer.id,
        producer_epoch: producer.epoch,
        committed,
    }
}

fn ended(answer: &EndTxnResponse) -> bool {
    is_settled(answer.error_code)
}

fn offsets(producer: &Producer, group: &str) -> AddOffsetsToTxnRequest {
    AddOffsetsToTxnRequest {
        transactional_id: producer.name.clone(),
        producer_id: producer.id,
        producer_epoch: producer.epoch,
        group_id: group.to_owned(),
    }
}

fn commit(producer: &Producer, group: &str, topic: &str, partition: i32) -> TxnOffsetCommitRequest {
    TxnOffsetCommitRequest {
        transactional_id: producer.name.clone(),
        group_id: group.to_owned(),
        producer_id: producer.id,
        producer_epoch: producer.epoch,
        topics: vec![TxnOffsetCommitRequestTopic {
            name: topic.to_owned(),
            partitions: vec![TxnOffsetCommitRequestPartition {
                partition_index: partition,
                committed_offset: 5,
                ..Default::default()
            }],
        }],
        ..Default::default()
    }
}

fn write(producer: &Producer, target: &Target, partition: i32, sequence: i32) -> ProduceRequest {
    ProduceRequest {
        transactional_id: Some(producer.name.clone()),
        ..produce(target, partition, Some(transactional(producer.id, producer.epoch, sequence, 2)))
    }
}

pub(super) async fn run(side: &mut Side) {
    initialising(side).await;
    old_protocol(side).await;
    new_protocol(side).await;
    refused(side).await;
    with_offsets(side).await;
    told(side).await;
    markers(side).await;
}

async fn initialising(side: &mut Side) {
    for version in 0..=5 {
        side.ask("anonymous", version, init(None, 60_000)).await;
        side.ask("anonymous without a time", version, init(None, 0)).await;
        side.ask("an empty name", version, init(Some(""), 60_000)).await;
        let name = side.name(&format!("init-{version}"));
        side.until("a name", version, init(Some(&name), 60_000), initialised).await;
        side.until("a name again", version, init(Some(&name), 60_000), initialised).await;
        side.ask("no time", version, init(Some(&name), 0)).await;
        side.ask("less than no time", version, init(Some(&name), -1)).await;
        side.ask("too long a time", version, init(Some(&name), 900_001)).await;
        side.until("the longest time", version, init(Some(&name), 900_000), initialised).await;
    }
    let Producer { name, id, epoch } = producer(side, "init-more").await;
    for version in [3, 4, 5] {
        for (label, id, epoch) in [
            ("with id and epoch", id, epoch),
            ("with an epoch that was", id, epoch),
            ("with an epoch to come", id, epoch + 9),
            ("with another id", id + 1_000_000, epoch),
            ("with an id and no epoch", id, -1),
            ("with an epoch and no id", -1, epoch),
            ("with a negative id", -7, epoch),
        ] {
            let request =
                InitProducerIdRequest { producer_id: id, producer_epoch: epoch, ..init(Some(&name), 60_000) };
            side.until(label, version, request, initialised).await;
        }
        let anonymous =
            InitProducerIdRequest { producer_id: id, producer_epoch: epoch, ..init(None, 60_000) };
        side.ask("anonymous, with id and epoch", version, anonymous).await;
    }
}

/// Transactions as before KIP-890.
async fn old_protocol(side: &mut Side) {
    let topic = target(side, "old-transactions", 2).await;
    let read = |level: i8| FetchRequest { isolation_level: level, ..fetch(&topic, 0, 0) };
    for (version, committed) in [(0, true), (1, false), (2, true), (3, false)] {
        let producer = producer(side, &format!("old-{version}")).await;
        side.ask("before any", version, end(&producer, committed)).await;
        side.until("", version, add(version, &producer, &topic.name, &[0]), added).await;
        side.until("again", version, add(version, &producer, &topic.name, &[0]), added).await;
        side.ask("in it", 11, write(&producer, &topic, 0, 0)).await;
        side.ask("a partition that is not in it", 11, write(&producer, &topic, 1, 0)).await;
        let stray = produce(&topic, 0, Some(numbered(producer.id, producer.epoch, 2, 1)));
        side.ask("outside of it, by its producer", 11, stray).await;
        side.ask("open", 12, read(1)).await;
        side.until("", version, end(&producer, committed), ended).await;
        side.until("again", version, end(&producer, committed), ended).await;
        side.until("the other way", version, end(&producer, !committed), ended).await;
        side.ask("ended", 12, read(1)).await;
        side.ask("ended", 12, read(0)).await;
    }
}

/// Transactions whose epoch grows with each (KIP-890).
async fn new_protocol(side: &mut Side) {
    let topic = target(side, "new-transactions", 2).await;
    let read = |level: i8| FetchRequest { isolation_level: level, ..fetch(&topic, 0, 0) };
    for (version, committed) in [(12, true), (13, false)] {
        let mut producer = producer(side, &format!("new-{version}")).await;
        side.ask("before any", 5, end(&producer, !committed)).await;
        let known = InitProducerIdRequest {
            producer_id: producer.id,
            producer_epoch: producer.epoch,
            ..init(Some(&producer.name), 60_000)
        };
        let again = side.until("after that", 5, known, initialised).await;
        if again.error_code == 0 {
            (producer.id, producer.epoch) = (again.producer_id, again.producer_epoch);
        }
        side.ask("the first", version, write(&producer, &topic, 0, 0)).await;
        side.ask("the next", version, write(&producer, &topic, 0, 2)).await;
        side.ask("another partition", version, write(&producer, &topic, 1, 0)).await;
        side.ask("open", 12, read(1)).await;
        let answer = side.until("", 5, end(&producer, committed), ended).await;
        side.until("again", 5, end(&producer, committed), ended).await;
        side.ask("of an epoch that was", version, write(&producer, &topic, 0, 4)).await;
        (producer.id, producer.epoch) = (answer.producer_id, answer.producer_epoch);
        side.until("empty", 5, end(&producer, committed), ended).await;
        side.ask("ended", 12, read(1)).await;
        side.ask("ended", 12, read(0)).await;
    }
}

async fn refused(side: &mut Side) {
    let topic = target(side, "refused-transactions", 1).await;
    let unknown = side.name("unknown");
    let good = producer(side, "refused").await;
    let other = |change: fn(&mut Producer)| {
        let mut producer = good.clone();
        change(&mut producer);
        producer
    };
    let strangers = [
        ("an unknown name", Producer { name: unknown.clone(), ..good.clone() }),
        ("no name", other(|producer| producer.name.clear())),
        ("another id", other(|producer| producer.id += 1_000_000)),
        ("an earlier epoch", other(|producer| producer.epoch -= 1)),
        ("a later epoch", other(|producer| producer.epoch += 1)),
        ("a negative id", other(|producer| producer.id = -1)),
    ];
    for (label, producer) in &strangers {
        for version in AddPartitionsToTxnRequest::VERSIONS {
            if version < 4 || version == 5 {
                side.ask(label, version, add(version, producer, &topic.name, &[0])).await;
            }
        }
        for version in EndTxnRequest::VERSIONS {
            side.ask(label, version, end(producer, true)).await;
        }
        for version in AddOffsetsToTxnRequest::VERSIONS {
            side.ask(label, version, offsets(producer, &unknown)).await;
        }
        for version in [11, 12] {
            side.ask(label, version, write(producer, &topic, 0, 0)).await;
        }
        for version in TxnOffsetCommitRequest::VERSIONS {
            side.ask(label, version, commit(producer, &unknown, &topic.name, 0)).await;
        }
    }
    for version in [0, 3, 4, 5] {
        side.ask("an unknown topic", version, add(version, &good, &unknown, &[0])).await;
        side.ask_for("an unknown partition", version, add(version, &good, &topic.name, &[0, 9]), |answer| {
            let old = answer.results_by_topic_v3_and_below.iter_mut();
            let new = answer.results_by_transaction.iter_mut().flat_map(|result| &mut result.topic_results);
            for topic in old.chain(new) {
                topic.results_by_partition.sort_by_key(|part| part.partition_index);
            }
        })
        .await;
        side.ask("no partition", version, add(version, &good, &topic.name, &[])).await;
    }
    // Kafka answers once all of them are.
    side.tell("no transactions", 5, AddPartitionsToTxnRequest::default()).await;
    let mut verified = add(4, &good, &topic.name, &[0]);
    verified.transactions[0].verify_only = true;
    side.until("only verified", 4, verified, added).await;
    let plain = ProduceRequest { transactional_id: None, ..write(&good, &topic, 0, 0) };
    side.ask("without its name", 11, plain).await;
    let empty =
        ProduceRequest { transactional_id: Some(good.name.clone()), ..produce(&topic, 0, Some(batch(1))) };
    side.ask("a name and no transaction", 11, empty).await;
}

async fn with_offsets(side: &mut Side) {
    let topic = target(side, "transactions-with-offsets", 1).await;
    let unknown = side.name("unknown");
    for version in 0..=5 {
        let producer = producer(side, &format!("offsets-{version}")).await;
        let (group, member) = group_of_one(side, &format!("txn-group-{version}")).await;
        if version < 5 {
            side.until("", version.min(4), offsets(&producer, &group), |answer| {
                is_settled(answer.error_code)
            })
            .await;
            side.until("no group", version.min(4), offsets(&producer, ""), |answer| {
                is_settled(answer.error_code)
            })
            .await;
        }
        side.ask("", version, commit(&producer, &group, &topic.name, 0)).await;
        side.ask("an unknown topic", version, commit(&producer, &group, &unknown, 0)).await;
        side.ask("an unknown partition", version, commit(&producer, &group, &topic.name, 9)).await;
        side.ask("no group", version, commit(&producer, "", &topic.name, 0)).await;
        if version >= 3 {
            let by = |generation_id: i32, member: &str| TxnOffsetCommitRequest {
                generation_id,
                member_id: member.to_owned(),
                ..commit(&producer, &group, &topic.name, 0)
            };
            side.ask("by the member", version, by(1, &member)).await;
            side.ask("by another generation", version, by(9, &member)).await;
            side.ask("by an unknown member", version, by(1, "unknown")).await;
            side.ask("by a generation alone", version, by(1, "")).await;
        }
        let fetch = |stable: bool| kafka_core::protocol::messages::OffsetFetchRequest {
            require_stable: stable,
            ..super::offsets::fetch(7, &group, Some(&[(&topic, &[0])]))
        };
        side.ask("open", 7, fetch(false)).await;
        side.ask("open, stable ones", 7, fetch(true)).await;
        side.until("", version.min(5), end(&producer, true), ended).await;
        let committed = |answer: &kafka_core::protocol::messages::OffsetFetchResponse| {
            answer.topics.iter().flat_map(|topic| &topic.partitions).all(|part| part.committed_offset >= 0)
        };
        side.until("committed", 7, fetch(true), committed).await;
    }
}

async fn told(side: &mut Side) {
    let topic = target(side, "told-transactions", 2).await;
    let producer = producer(side, "told").await;
    side.quietly(3, add(3, &producer, &topic.name, &[0]), |answer| {
        added(answer)
            && answer
                .results_by_topic_v3_and_below
                .iter()
                .all(|topic| topic.results_by_partition[0].partition_error_code == 0)
    })
    .await;
    side.ask("to be told of", 11, write(&producer, &topic, 0, 0)).await;
    let unknown = side.name("unknown");
    let describe = |names: &[&str]| DescribeTransactionsRequest {
        transactional_ids: names.iter().map(|name| (*name).to_owned()).collect(),
    };
    for (label, names) in [
        ("one", &[producer.name.as_str()][..]),
        ("an unknown one", &[unknown.as_str()]),
        ("no name", &[""]),
        ("none", &[]),
        ("the same twice", &[producer.name.as_str(), &producer.name]),
    ] {
        side.ask(label, 0, describe(names)).await;
    }
    let producers = |name: &str, partitions: &[i32]| DescribeProducersRequest {
        topics: vec![TopicRequest { name: name.to_owned(), partition_indexes: partitions.to_vec() }],
    };
    for (label, request) in [
        ("with one", producers(&topic.name, &[0])),
        ("without one", producers(&topic.name, &[1])),
        ("of an unknown partition", producers(&topic.name, &[9])),
        ("of an unknown topic", producers(&unknown, &[0])),
        ("of a bad topic's name", producers("a b", &[0])),
        ("of no partition", producers(&topic.name, &[])),
        ("of none", DescribeProducersRequest::default()),
    ] {
        side.ask(label, 0, request).await;
    }
    let ours = side.name("told");
    let part = |answer: &mut ListTransactionsResponse| {
        answer.transaction_states.retain(|found| found.transactional_id.starts_with(&ours));
    };
    for version in ListTransactionsRequest::VERSIONS {
        side.ask_for("all", version, ListTransactionsRequest::default(), part).await;
    }
    let list = ListTransactionsRequest::default;
    for (label, request) in [
        ("ongoing", ListTransactionsRequest { state_filters: vec!["Ongoing".to_owned()], ..list() }),
        ("empty", ListTransactionsRequest { state_filters: vec!["Empty".to_owned()], ..list() }),
        (
            "of an unknown state",
            ListTransactionsRequest { state_filters: vec!["Sleepy".to_owned()], ..list() },
        ),
        ("in small letters", ListTransactionsRequest { state_filters: vec!["ongoing".to_owned()], ..list() }),
        ("of the producer", ListTransactionsRequest { producer_id_filters: vec![producer.id], ..list() }),
        ("of another producer", ListTransactionsRequest { producer_id_filters: vec![1 << 50], ..list() }),
        ("of a negative producer", ListTransactionsRequest { producer_id_filters: vec![-1], ..list() }),
        ("of an hour", ListTransactionsRequest { duration_filter: 3_600_000, ..list() }),
        ("of no time", ListTransactionsRequest { duration_filter: 0, ..list() }),
        ("of a negative time", ListTransactionsRequest { duration_filter: -5, ..list() }),
        (
            "of a pattern",
            ListTransactionsRequest { transactional_id_pattern: Some(format!("{ours}.*")), ..list() },
        ),
        (
            "of a part of a name",
            ListTransactionsRequest { transactional_id_pattern: Some("told".to_owned()), ..list() },
        ),
        (
            "of an empty pattern",
            ListTransactionsRequest { transactional_id_pattern: Some(String::new()), ..list() },
        ),
        (
            "of a broken pattern",
            ListTransactionsRequest { transactional_id_pattern: Some("(".to_owned()), ..list() },
        ),
    ] {
        side.ask_for(label, 2, request, part).await;
    }
    side.until("to be told of no more", 3, end(&producer, false), ended).await;
}

async fn markers(side: &mut Side) {
    let topic = target(side, "markers", 1).await;
    let unknown = side.name("unknown");
    let producer = producer(side, "markers").await;
    let marker = |name: &str, partitions: &[i32], epoch: i16| WriteTxnMarkersRequest {
        markers: vec![WritableTxnMarker {
            producer_id: producer.id,
            producer_epoch: epoch,
            transaction_result: false,
            topics: vec![WritableTxnMarkerTopic {
                name: name.to_owned(),
                partition_indexes: partitions.to_vec(),
            }],
            coordinator_epoch: 0,
            ..Default::default()
        }],
    };
    for version in WriteTxnMarkersRequest::VERSIONS {
        side.ask("of no transaction", version, marker(&topic.name, &[0], producer.epoch)).await;
        side.ask("of a later epoch", version, marker(&topic.name, &[0], producer.epoch + 2)).await;
        side.ask("of an earlier epoch", version, marker(&topic.name, &[0], producer.epoch)).await;
        side.ask("of an unknown partition", version, marker(&topic.name, &[9], producer.epoch + 2)).await;
        side.ask("of an unknown topic", version, marker(&unknown, &[0], producer.epoch + 2)).await;
        side.ask("of none", version, WriteTxnMarkersRequest::default()).await;
    }
    side.ask("with markers", 12, fetch(&topic, 0, 0)).await;
}
