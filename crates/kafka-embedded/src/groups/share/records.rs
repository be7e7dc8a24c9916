//! What has become of each record of a partition in a share group.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use kafka_core::protocol::ErrorCode;

use super::ShareSettings;
use crate::core::Time;

#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    /// Given back, or its lock ran out.
    Available,
    /// A member has it, until then.
    Acquired { member: String, until: Time },
    /// Done with: accepted, rejected, not there, or tried too often.
    Finished,
}

#[derive(Clone, Debug)]
struct Flight {
    state: State,
    deliveries: i16,
}

/// What a member says of a record that it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// There is no record at the offset.
    Gap,
    /// It is done.
    Accept,
    /// Another may try it.
    Release,
    /// Nobody can do it.
    Reject,
    /// More time is needed.
    Renew,
}

impl Verdict {
    pub(crate) fn of(code: i8) -> Option<Self> {
        Some(match code {
            0 => Self::Gap,
            1 => Self::Accept,
            2 => Self::Release,
            3 => Self::Reject,
            4 => Self::Renew,
            _ => return None,
        })
    }
}

/// Records that a member got, all for the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Acquired {
    pub(crate) first: i64,
    pub(crate) last: i64,
    pub(crate) deliveries: i16,
}

/// How much a member takes at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wish {
    pub(crate) records: usize,
    /// Not one more, where otherwise a batch is taken whole.
    pub(crate) exact: bool,
}

/// The records of a partition from the first that is not finished to the last that was given out.
#[derive(Clone, Debug)]
pub(crate) struct ShareRecords {
    /// All before are finished.
    start: i64,
    /// None from here on was given out.
    next: i64,
    flights: BTreeMap<i64, Flight>,
    /// Whether the place is kept: records were given out, or it was set.
    kept: bool,
}

impl ShareRecords {
    /// Reading begins here, unless it is set otherwise before the first record.
    pub(crate) fn from(offset: i64) -> Self {
        Self { start: offset, next: offset, flights: BTreeMap::new(), kept: false }
    }

    /// Somebody says that reading begins here.
    pub(crate) fn set_to(offset: i64) -> Self {
        Self { kept: true, ..Self::from(offset) }
    }

    pub(crate) fn is_kept(&self) -> bool {
        self.kept
    }

    pub(crate) fn start(&self) -> i64 {
        self.start
    }

    /// How many records before `end` are not finished.
    pub(crate) fn lag(&self, end: i64) -> i64 {
        let finished = self.flights.values().filter(|flight| flight.state == State::Finished).count();
        end.saturating_sub(self.start).saturating_sub(i64::try_from(finished).unwrap_or(i64::MAX)).max(0)
    }

    /// The first offset before `end` that a member may get.
    pub(crate) fn first_available(&self, end: i64, settings: &ShareSettings) -> Option<i64> {
        let given_back = self.flights.iter().find(|(_, flight)| flight.state == State::Available);
        let new = self.next < end && self.flights.len() < settings.record_locks;
        given_back.map(|(offset, _)| *offset).or_else(|| new.then_some(self.next))
    }

    /// Gives records of these batches to a member.
    pub(crate) fn acquire(
        &mut self,
        member: &str,
        batches: &[RangeInclusive<i64>],
        wish: Wish,
        settings: &ShareSettings,
        now: Time,
    ) -> Vec<Acquired> {
        let mut acquired: Vec<Acquired> = Vec::new();
        let mut count = 0;
        for batch in batches {
            self.skip_to(*batch.start());
            for offset in batch.clone().skip_while(|offset| *offset < self.start) {
                if count >= wish.records && (wish.exact || offset == *batch.start()) {
                    return acquired;
                }
                if offset >= self.next {
                    if self.flights.len() >= settings.record_locks {
                        return acquired;
                    }
                    self.next = offset + 1;
                    self.flights.insert(offset, Flight { state: State::Available, deliveries: 0 });
                }
                let Some(flight) = self.flights.get_mut(&offset) else { continue };
                if flight.state != State::Available {
                    continue;
                }
                self.kept = true;
                flight.deliveries += 1;
                flight.state =
                    State::Acquired { member: member.to_owned(), until: now + settings.record_lock };
                count += 1;
                let deliveries = flight.deliveries;
                match acquired.last_mut() {
                    Some(run) if run.last + 1 == offset && run.deliveries == deliveries => run.last = offset,
                    _ => acquired.push(Acquired { first: offset, last: offset, deliveries }),
                }
            }
        }
        acquired
    }

    /// No record stands between what was given out and `offset`.
    fn skip_to(&mut self, offset: i64) {
        if offset <= self.next {
            return;
        }
        if self.flights.is_empty() {
            self.start = offset;
        } else {
            let gap = Flight { state: State::Finished, deliveries: 0 };
            self.flights.extend((self.next..offset).map(|missing| (missing, gap.clone())));
        }
        self.next = offset;
        self.advance();
    }

    /// Takes in what a member says of the records from `first` to `last`: all of it, or nothing.
    pub(crate) fn acknowledge(
        &mut self,
        member: &str,
        verdicts: &[(RangeInclusive<i64>, Vec<Verdict>)],
        settings: &ShareSettings,
        now: Time,
    ) -> Result<(), ErrorCode> {
        let has = |offset: i64| {
            let flight = self.flights.get(&offset);
            flight.is_some_and(
                |flight| matches!(&flight.state, State::Acquired { member: of, .. } if of == member),
            )
        };
        for (range, _) in verdicts {
            // What is finished may be told again.
            if *range.end() >= self.next || range.clone().any(|offset| offset >= self.start && !has(offset)) {
                return Err(ErrorCode::INVALID_RECORD_STATE);
            }
        }
        for (range, kinds) in verdicts {
            let repeated = kinds.last().copied().into_iter().cycle();
            for (offset, verdict) in range.clone().zip(kinds.iter().copied().chain(repeated)) {
                let Some(flight) = self.flights.get_mut(&offset) else { continue };
                match verdict {
                    Verdict::Gap | Verdict::Accept | Verdict::Reject => flight.state = State::Finished,
                    Verdict::Release => flight.give_back(settings),
                    Verdict::Renew => {
                        let until = now + settings.record_lock;
                        flight.state = State::Acquired { member: member.to_owned(), until };
                    }
                }
            }
        }
        self.advance();
        Ok(())
    }

    /// What the member has goes back as if it had never had it.
    pub(crate) fn release(&mut self, member: &str) {
        for flight in self.flights.values_mut() {
            if matches!(&flight.state, State::Acquired { member: of, .. } if of == member) {
                flight.state = State::Available;
                flight.deliveries -= 1;
            }
        }
    }

    /// When [`due`](Self::due) has something to do next.
    pub(crate) fn next_deadline(&self) -> Option<Time> {
        let until = |flight: &Flight| match &flight.state {
            State::Acquired { until, .. } => Some(*until),
            _ => None,
        };
        self.flights.values().filter_map(until).min()
    }

    /// Locks that ran out by now are gone.
    pub(crate) fn due(&mut self, settings: &ShareSettings, now: Time) {
        for flight in self.flights.values_mut() {
            if matches!(&flight.state, State::Acquired { until, .. } if *until <= now) {
                flight.give_back(settings);
            }
        }
        self.advance();
    }

    /// The log begins here now.
    pub(crate) fn log_starts_at(&mut self, offset: i64) {
        if offset > self.start {
            self.flights = self.flights.split_off(&offset);
            self.start = offset;
            self.next = self.next.max(offset);
            self.advance();
        }
    }

    fn advance(&mut self) {
        while let Some(first) = self.flights.first_entry() {
            if first.get().state != State::Finished {
                break;
            }
            self.start = first.key() + 1;
            first.remove();
        }
    }
}

impl Flight {
    fn give_back(&mut self, settings: &ShareSettings) {
        let again = self.deliveries < settings.delivery_limit;
        self.state = if again { State::Available } else { State::Finished };
    }
}
