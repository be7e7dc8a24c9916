//! Records into batches: sizes, memory, and what the sender is told.

use kafka_core::records::BATCH_OVERHEAD;

use super::*;
use crate::producer::partitioner::KeyHash;

fn accumulator(partitions: u32, configure: impl FnOnce(&mut ProducerConfig)) -> Accumulator {
    let mut config = ProducerConfig { batch_size: 1_000, ..Default::default() };
    configure(&mut config);
    let accumulator = Accumulator::new(&config);
    accumulator.set_partitions("t", partitions);
    assert_eq!(announced(&accumulator).len(), partitions as usize, "the sender knows of every partition");
    accumulator
}

fn append(accumulator: &Accumulator, partition: Option<i32>, bytes: usize) -> Attempt {
    append_with(accumulator, partition, bytes, None)
}

fn append_with(
    accumulator: &Accumulator,
    partition: Option<i32>,
    bytes: usize,
    grant: Option<Reservation>,
) -> Attempt {
    let value = vec![b'v'; bytes];
    let record = ProducerRecord::to("t").value(&value);
    let record = partition.into_iter().fold(record, ProducerRecord::partition);
    accumulator.append(&record, &KeyHash, grant)
}

fn done(attempt: Attempt) -> i32 {
    match attempt {
        Attempt::Done(delivery) => delivery.partition(),
        other => panic!("should be accepted: {other:?}"),
    }
}

fn announced(accumulator: &Accumulator) -> Vec<i32> {
    let mut queues = Vec::new();
    accumulator.take_announced(&mut queues);
    queues.iter().map(|queue| queue.partition()).collect()
}

#[test]
fn a_batch_holds_what_batch_size_allows() {
    let accumulator = accumulator(1, |_| {});
    for _ in 0..9 {
        done(append(&accumulator, Some(0), 200));
    }
    let topic = accumulator.topic("t").unwrap();
    let queue = topic.queue(0).unwrap();
    assert_eq!(queue.len(), 3);
    while let Some(batch) = queue.take() {
        assert!(batch.size() <= 1_000);
        assert_eq!(batch.count(), if queue.len() > 0 { 4 } else { 1 });
    }
}

#[test]
fn a_record_larger_than_a_batch_has_one_of_its_own() {
    let accumulator = accumulator(1, |_| {});
    for bytes in [10, 5_000, 10] {
        done(append(&accumulator, Some(0), bytes));
    }
    let topic = accumulator.topic("t").unwrap();
    let sizes: Vec<usize> =
        std::iter::from_fn(|| topic.queue(0)?.take()).map(|batch| batch.reserved.bytes()).collect();
    assert_eq!(sizes.len(), 3);
    assert!(sizes[1] > 5_000 && sizes[0] == 1_000 && sizes[2] == 1_000, "{sizes:?}");
}

#[test]
fn the_sender_is_told_of_a_first_and_of_a_complete_batch_only() {
    let accumulator = accumulator(2, |_| {});
    done(append(&accumulator, Some(1), 200));
    assert_eq!(announced(&accumulator), [1]);
    for _ in 0..3 {
        done(append(&accumulator, Some(1), 200));
        assert!(announced(&accumulator).is_empty());
    }
    // The fifth does not fit: the first batch is complete.
    done(append(&accumulator, Some(1), 200));
    assert_eq!(announced(&accumulator), [1]);
    done(append(&accumulator, Some(1), 200));
    assert!(announced(&accumulator).is_empty(), "the sender knows that there is something to do");
}

#[test]
fn records_without_a_key_fill_one_partition_before_the_next() {
    let accumulator = accumulator(8, |_| {});
    let partitions: Vec<i32> = (0..400).map(|_| done(append(&accumulator, None, 200))).collect();
    let switches = partitions.windows(2).filter(|pair| pair[0] != pair[1]).count();
    assert!(switches <= 400 / 4, "{switches}");
    let used: std::collections::BTreeSet<_> = partitions.iter().collect();
    assert_eq!(used.len(), 8, "all partitions get their share");
}

#[test]
fn a_partition_has_had_its_turn_after_a_batch_of_bytes_however_they_were_sent() {
    let accumulator = accumulator(8, |_| {});
    let topic = accumulator.topic("t").unwrap();
    let mut partitions = Vec::new();
    for _ in 0..400 {
        let partition = done(append(&accumulator, None, 200));
        // What chose its partition does not count, and all is sent at once.
        done(append(&accumulator, Some(partition), 900));
        while topic.queue(partition as u32).unwrap().take().is_some() {}
        partitions.push(partition);
    }
    // The fifth makes it 1,000. A partition may have several turns in a row.
    assert!(partitions.chunk_by(i32::eq).all(|turns| turns.len() % 5 == 0), "{partitions:?}");
    assert!(partitions.chunk_by(i32::eq).count() > 400 / 5 / 2, "{partitions:?}");
}

#[test]
fn with_one_partition_records_without_a_key_have_nowhere_else_to_go() {
    let accumulator = accumulator(1, |_| {});
    assert!((0..50).all(|_| done(append(&accumulator, None, 300)) == 0));
}

#[test]
fn full_memory_refuses_and_takes_nothing() {
    let accumulator = accumulator(1, |config| config.buffer_memory = 2_000);
    for _ in 0..8 {
        done(append(&accumulator, Some(0), 200));
    }
    let free = accumulator.memory.available();
    let Attempt::NoMemory(wanted) = append(&accumulator, Some(0), 500) else { panic!("should be refused") };
    assert!(wanted >= 500 && accumulator.memory.available() == free);
    // What was waited for is used, and what is not needed of it goes back.
    drop(accumulator.topic("t").unwrap().queue(0).unwrap().take());
    let mut grant = accumulator.memory.empty();
    assert!(grant.try_extend(1_000));
    done(append_with(&accumulator, Some(0), 500, Some(grant)));
    let topic = accumulator.topic("t").unwrap();
    while topic.queue(0).unwrap().take().is_some() {}
    assert_eq!(accumulator.memory.available(), 2_000);
}

#[test]
fn where_memory_is_scarce_batches_start_small_and_grow() {
    let accumulator = accumulator(100, |config| {
        config.batch_size = 16_384;
        config.buffer_memory = 200_000;
    });
    // Whole batches for all of them would be twice what there is.
    for partition in 0..25 {
        done(append(&accumulator, Some(partition), 100));
    }
    let topic = accumulator.topic("t").unwrap();
    let queue = topic.queue(24).unwrap();
    for _ in 0..100 {
        done(append(&accumulator, Some(24), 100));
    }
    let batch = queue.take().unwrap();
    assert!(batch.count() > 100 && batch.size() <= batch.reserved.bytes());
}

#[test]
fn what_can_never_be_sent_is_refused_by_its_limit() {
    let accumulator = accumulator(1, |config| {
        config.max_request_size = 5_000;
        config.buffer_memory = 3_000;
    });
    let which = |bytes| match append(&accumulator, Some(0), bytes) {
        Attempt::Refused(error) => match error.kind() {
            ProduceErrorKind::RecordTooLarge { which, .. } => which,
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    };
    assert_eq!(which(6_000), SizeLimit::MaxRequestSize);
    assert_eq!(which(4_000), SizeLimit::BufferMemory);
    let record = ProducerRecord::to("t").value("v").timestamp(-1);
    let Attempt::Refused(error) = accumulator.append(&record, &KeyHash, None) else { panic!() };
    assert_eq!(error.kind(), ProduceErrorKind::InvalidRecord);
    assert_eq!(accumulator.memory.available(), 3_000);
    assert!(announced(&accumulator).is_empty());
}

#[test]
fn partitions_are_learnt_and_never_forgotten() {
    let accumulator = accumulator(2, |_| {});
    assert!(matches!(append(&accumulator, Some(2), 1), Attempt::UnknownPartition { known: 2 }));
    assert!(matches!(append(&accumulator, Some(-1), 1), Attempt::UnknownPartition { known: 2 }));
    done(append(&accumulator, Some(1), 1));
    accumulator.set_partitions("t", 3);
    accumulator.set_partitions("t", 1);
    assert_eq!(done(append(&accumulator, Some(2), 1)), 2);
    assert_eq!(accumulator.topic("t").unwrap().queue(1).unwrap().records(), 1, "what waited still waits");
    let record = ProducerRecord::to("other").value("v");
    assert!(matches!(accumulator.append(&record, &KeyHash, None), Attempt::UnknownTopic));
}

#[test]
fn after_the_close_nothing_is_accepted() {
    let accumulator = accumulator(1, |_| {});
    done(append(&accumulator, Some(0), 1));
    accumulator.close();
    assert!(
        matches!(append(&accumulator, Some(0), 1), Attempt::Refused(error) if error.kind() == ProduceErrorKind::Closed)
    );
    accumulator.set_partitions("t", 2);
    assert!(
        matches!(append(&accumulator, Some(1), 1), Attempt::Refused(_)),
        "nor by partitions that come later"
    );
    assert_eq!(accumulator.topic("t").unwrap().queue(0).unwrap().take().unwrap().count(), 1);
}

#[test]
fn keys_choose_the_partition_unless_they_are_ignored() {
    let keyed = accumulator(16, |_| {});
    let place = |accumulator: &Accumulator, key: &str| {
        done(accumulator.append(&ProducerRecord::to("t").key(key).value("v"), &KeyHash, None))
    };
    let spread: std::collections::BTreeSet<_> =
        (0..100).map(|index| place(&keyed, &index.to_string())).collect();
    assert!(spread.len() > 8);
    assert_eq!(place(&keyed, "user-1"), place(&keyed, "user-1"));
    let ignored = accumulator(16, |config| config.partitioner_ignore_keys = true);
    let spread: std::collections::BTreeSet<_> =
        (0..5).map(|index| place(&ignored, &index.to_string())).collect();
    assert_eq!(spread.len(), 1, "small records stay in one batch whatever their keys");
}

#[test]
fn a_batch_accounts_for_its_header() {
    let accumulator = accumulator(1, |config| config.batch_size = 100);
    done(append(&accumulator, Some(0), 1));
    let batch = accumulator.topic("t").unwrap().queue(0).unwrap().take().unwrap();
    assert!(batch.size() > BATCH_OVERHEAD && batch.size() < 100);
}
