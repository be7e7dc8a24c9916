//! The order against a model: a broker that checks sequences as Kafka does, behind a network that loses, refuses and
//! delays, with batches that expire at any moment.

use std::collections::{BTreeMap, HashMap, VecDeque};

use fastrand::Rng;
use proptest::prelude::*;

use super::{Answer, Identity, InOrder, Stamp, Verdict, advance};

const LIMIT: u64 = 5;

/// One partition's log and what it remembers of producers: epoch and the last five batches, as `ProducerStateEntry`.
#[derive(Default)]
struct Broker {
    log: Vec<u32>,
    producers: HashMap<i64, (i16, VecDeque<(i32, i32)>)>,
}

impl Broker {
    fn append(&mut self, stamp: Stamp, ids: &[u32]) -> Answer {
        let count = i32::try_from(ids.len()).unwrap();
        let last = advance(stamp.sequence, count - 1);
        let known = self.producers.get(&stamp.identity.producer_id);
        if let Some((epoch, batches)) = known {
            if *epoch == stamp.identity.epoch && batches.contains(&(stamp.sequence, last)) {
                return Answer::Written;
            }
            if stamp.identity.epoch < *epoch {
                return Answer::StaleEpoch;
            }
            if stamp.identity.epoch > *epoch {
                if stamp.sequence != 0 {
                    return Answer::OutOfOrder;
                }
            } else if batches.back().is_some_and(|(_, last)| advance(*last, 1) != stamp.sequence) {
                return Answer::OutOfOrder;
            }
        }
        let (epoch, batches) = self.producers.entry(stamp.identity.producer_id).or_default();
        if *epoch != stamp.identity.epoch {
            batches.clear();
        }
        *epoch = stamp.identity.epoch;
        batches.push_back((stamp.sequence, last));
        if batches.len() > 5 {
            batches.pop_front();
        }
        self.log.extend(ids);
        Answer::Written
    }
}

#[derive(Clone, Debug)]
struct Request {
    number: u64,
    stamp: Stamp,
    ids: Vec<u32>,
}

struct World {
    rng: Rng,
    order: InOrder<Vec<u32>>,
    broker: Broker,
    leader: i32,
    next_id: u32,
    next_producer: i64,
    requests: VecDeque<Request>,
    answers: VecDeque<(u64, Answer)>,
    /// What the senders were told: `Ok`, or whether it may be written.
    told: BTreeMap<u32, Result<(), bool>>,
    history: Vec<String>,
}

impl World {
    fn new(seed: u64, epoch: i16) -> Self {
        let mut order = InOrder::new(true, LIMIT);
        assert!(order.adopt(Identity { producer_id: 1, epoch }));
        Self {
            rng: Rng::with_seed(seed),
            order,
            broker: Broker::default(),
            leader: 1,
            next_id: 0,
            next_producer: 2,
            requests: VecDeque::new(),
            answers: VecDeque::new(),
            told: BTreeMap::new(),
            history: Vec::new(),
        }
    }

    fn note(&mut self, line: impl Into<String>) {
        self.history.push(line.into());
    }

    fn tell(&mut self, ids: &[u32], result: Result<(), bool>) {
        self.note(format!("tell {ids:?} {result:?}"));
        for id in ids {
            assert!(self.told.insert(*id, result).is_none(), "{id} was told twice\n{:#?}", self.history);
        }
    }

    fn send(&mut self, allow_new: bool) -> bool {
        if self.order.needs_identity() {
            let identity = Identity { producer_id: self.next_producer, epoch: 0 };
            self.next_producer += 1;
            self.order.adopt(identity);
        }
        let leader = self.leader;
        let request = if self.order.retry().is_some() {
            let (number, ids, stamp) = self.order.send_retry(leader).unwrap();
            Request { number, stamp: stamp.unwrap(), ids: ids.clone() }
        } else if allow_new && self.order.may_send_new(leader) {
            let count = self.rng.u32(1..4);
            let ids: Vec<u32> = (self.next_id..self.next_id + count).collect();
            self.next_id += count;
            let (number, stamp) = self.order.send_new(leader, ids.clone(), i32::try_from(count).unwrap());
            Request { number, stamp: stamp.unwrap(), ids }
        } else {
            return false;
        };
        self.note(format!("send {request:?}"));
        self.requests.push_back(request);
        true
    }

    /// The broker takes one request, which may meet one of the faults.
    fn serve(&mut self, faults: bool) {
        let Some(request) = self.requests.pop_front() else { return };
        let fault = if faults { self.rng.u32(0..12) } else { u32::MAX };
        let answer = match fault {
            0 => Answer::Retriable { maybe_written: false },
            1 => Answer::Retriable { maybe_written: true },
            2 => Answer::Final { maybe_written: false },
            3 => match self.broker.append(request.stamp, &request.ids) {
                Answer::Written => Answer::Retriable { maybe_written: true },
                other => other,
            },
            _ => self.broker.append(request.stamp, &request.ids),
        };
        self.note(format!("serve {:?} -> {answer:?}", request.ids));
        self.answers.push_back((request.number, answer));
    }

    fn hear(&mut self, faults: bool) {
        let Some((number, answer)) = self.answers.pop_front() else { return };
        let may_retry = !faults || self.rng.u32(0..10) > 0;
        if answer == (Answer::Final { maybe_written: false }) && self.rng.bool() {
            let cut = |ids: &mut Vec<u32>| ids.iter().map(|id| (vec![*id], 1)).collect();
            if self.order.split(number, cut).is_some() {
                self.note(format!("split {number}"));
                return;
            }
        }
        self.note(format!("hear {number} {answer:?} may retry {may_retry}"));
        match self.order.answered(number, answer, may_retry) {
            Verdict::Acked(ids) => self.tell(&ids, Ok(())),
            Verdict::Failed { batch, maybe_written } => self.tell(&batch, Err(maybe_written)),
            Verdict::Retry { .. } | Verdict::Nothing => {}
        }
    }

    /// The connection breaks: the broker may have applied the first of what was on its way, and nobody will say so.
    fn cut(&mut self) {
        let applied = self.rng.usize(0..=self.requests.len());
        self.note(format!("cut after {applied}"));
        let lost = (0..self.answers.len()).map(|_| self.rng.bool()).collect::<Vec<_>>();
        let first_lost = lost.iter().position(|lost| *lost).unwrap_or(lost.len());
        for (_, answer) in self.answers.iter_mut().skip(first_lost) {
            *answer = Answer::Retriable { maybe_written: true };
        }
        for (at, request) in std::mem::take(&mut self.requests).into_iter().enumerate() {
            if at < applied {
                self.broker.append(request.stamp, &request.ids);
            }
            self.answers.push_back((request.number, Answer::Retriable { maybe_written: true }));
        }
    }

    fn expire(&mut self) {
        let count = self.order.batches().count();
        if count == 0 {
            return;
        }
        let victim = self.order.batches().nth(self.rng.usize(0..count)).cloned().unwrap();
        if let Some((ids, maybe_written)) = self.order.give_up(|ids| *ids == victim) {
            self.tell(&ids, Err(maybe_written));
        }
    }

    fn run(mut self, steps: u32) {
        for _ in 0..steps {
            match self.rng.u32(0..100) {
                0..40 => drop(self.send(true)),
                40..65 => self.serve(true),
                65..90 => self.hear(true),
                90..94 => self.cut(),
                94..97 => self.expire(),
                _ => self.leader = self.rng.i32(1..4),
            }
        }
        for _ in 0..10_000 {
            self.send(false);
            self.serve(false);
            self.hear(false);
        }
        self.check();
    }

    fn check(&self) {
        let history = || format!("log {:?}\n{:#?}", self.broker.log, self.history);
        assert_eq!(self.order.batches().count(), 0, "all are settled\n{}", history());
        assert!(self.order.may_send_new(1), "and more may be sent\n{}", history());
        assert_eq!(self.told.len(), self.next_id as usize, "every sender was told\n{}", history());
        let ascending = self.broker.log.windows(2).all(|pair| pair[0] < pair[1]);
        assert!(ascending, "nothing is written twice or out of order\n{}", history());
        for (id, told) in &self.told {
            let written = self.broker.log.binary_search(id).is_ok();
            match told {
                Ok(()) => assert!(written, "{id} was acked and is missing\n{}", history()),
                Err(false) => assert!(!written, "{id} was reported as not written\n{}", history()),
                Err(true) => {}
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, ..ProptestConfig::default() })]

    #[test]
    fn whatever_fails_nothing_is_lost_repeated_or_reordered(seed: u64, steps in 10_u32..400) {
        World::new(seed, 0).run(steps);
    }

    #[test]
    fn an_epoch_that_cannot_rise_is_followed_by_another_producer(seed: u64) {
        World::new(seed, i16::MAX - 1).run(200);
    }
}
