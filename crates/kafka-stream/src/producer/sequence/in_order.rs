use std::collections::VecDeque;

use super::{Identity, advance};

/// The batches of one partition that were sent and are not settled, oldest first.
#[derive(Debug)]
pub(crate) struct InOrder<B> {
    entries: VecDeque<Entry<B>>,
    idempotent: bool,
    limit: u64,
    identity: Option<Identity>,
    next_sequence: i32,
    /// Whether the broker has acknowledged something of this identity, and so checks what follows.
    established: bool,
    /// Set when the identity itself is of no use any more, so that the next restart must bring another.
    stale: bool,
    /// The producer id that was given up, and must not come back.
    retired: Option<i64>,
    next_number: u64,
    /// Batches numbered so far under this identity.
    next_place: u64,
}

#[derive(Debug)]
struct Entry<B> {
    number: u64,
    /// How many batches were numbered before it.
    place: u64,
    /// `None` once its outcome was reported while the entry is still needed to keep the order.
    batch: Option<B>,
    sequence: i32,
    count: i32,
    state: State,
    /// An attempt under the current sequence may have been written, though no answer said so.
    maybe_written: bool,
    /// Sent to a log that is not the partition's any more.
    elsewhere: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Sent to this broker, not answered.
    OnWire(i32),
    /// To be sent again.
    Waiting,
    /// Refused because something before it is missing, when nothing before it was left: a certain gap.
    BehindGap,
    /// Given up; remembered for what comes after it.
    Gap,
}

/// What goes into a batch's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) identity: Identity,
    pub(crate) sequence: i32,
}

/// What a broker, or its silence, said to one attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It is in the log.
    Written,
    /// It may succeed later; `maybe_written` unless the broker has certainly not written it.
    Retriable { maybe_written: bool },
    /// A sequence before it is missing (`OUT_OF_ORDER_SEQUENCE_NUMBER`).
    OutOfOrder,
    /// The broker knows nothing of the producer (`UNKNOWN_PRODUCER_ID`), so nor whether the batch was written before.
    Forgotten,
    /// The broker knows a newer epoch (`INVALID_PRODUCER_EPOCH`).
    StaleEpoch,
    /// It will never be accepted.
    Final { maybe_written: bool },
}

/// What follows from an answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict<B> {
    /// The batch is in the log: tell its senders.
    Acked(B),
    /// The batch is given up: tell its senders.
    Failed { batch: B, maybe_written: bool },
    /// It will be sent again. `counted` where the attempt uses up one of `retries`.
    Retry { counted: bool },
    /// Its senders were told before.
    Nothing,
}

impl<B> InOrder<B> {
    /// An idempotent order where `idempotent`; otherwise batches carry no sequence, and a retry may be overtaken by what
    /// was in flight beside it unless `limit`, the most batches in flight, is 1.
    pub(crate) fn new(idempotent: bool, limit: u64) -> Self {
        Self {
            entries: VecDeque::new(),
            idempotent,
            limit,
            identity: None,
            next_sequence: 0,
            established: false,
            stale: false,
            retired: None,
            next_number: 0,
            next_place: 0,
        }
    }

    /// Whether an identity has to be given by [`adopt`](Self::adopt) before anything can be sent.
    pub(crate) fn needs_identity(&self) -> bool {
        self.idempotent && self.identity.is_none()
    }

    /// Takes `identity` if one is needed and it is not the one that was given up; returns whether none is needed now.
    pub(crate) fn adopt(&mut self, identity: Identity) -> bool {
        if self.needs_identity() && self.retired != Some(identity.producer_id) {
            self.identity = Some(identity);
        }
        !self.needs_identity()
    }

    /// Whether every batch has its outcome.
    pub(crate) fn is_settled(&self) -> bool {
        self.batches().next().is_none()
    }

    /// How many batches are sent and not answered.
    pub(crate) fn on_wire(&self) -> usize {
        self.entries.iter().filter(|entry| matches!(entry.state, State::OnWire(_))).count()
    }

    /// Whether a batch that was never sent may go to `broker` now.
    pub(crate) fn may_send_new(&self, broker: i32) -> bool {
        // A broker remembers the last five batches of a producer: beyond that it cannot tell a repetition.
        let oldest = self.entries.front().map_or(self.next_place, |entry| entry.place);
        let free = self.next_place - oldest < self.limit
            && self.entries.iter().all(|entry| entry.state == State::OnWire(broker));
        if !self.idempotent {
            return free;
        }
        free && self.identity.is_some() && (self.established || self.entries.is_empty())
    }

    /// Counts a new batch of `count` records as sent; returns its number and, where idempotent, its stamp.
    pub(crate) fn send_new(&mut self, broker: i32, batch: B, count: i32) -> (u64, Option<Stamp>) {
        let number = self.number();
        let sequence = self.next_sequence;
        if self.idempotent {
            self.next_sequence = advance(sequence, count);
        }
        let (state, place) = (State::OnWire(broker), self.next_place);
        self.next_place += 1;
        self.entries.push_back(Entry {
            number,
            place,
            batch: Some(batch),
            sequence,
            count,
            state,
            maybe_written: false,
            elsewhere: false,
        });
        (number, self.stamp(sequence))
    }

    /// The partition has another log, whose broker knows no producer: its topic was deleted and created anew.
    pub(crate) fn log_replaced(&mut self) {
        self.established = false;
        self.entries.iter_mut().for_each(|entry| entry.elsewhere = true);
    }

    /// The batch that has to be sent again before anything else, once that is allowed.
    pub(crate) fn retry(&self) -> Option<&B> {
        self.retry_index().and_then(|index| self.entries.get(index)?.batch.as_ref())
    }

    /// Counts the batch of [`retry`](Self::retry) as sent again.
    pub(crate) fn send_retry(&mut self, broker: i32) -> Option<(u64, &mut B, Option<Stamp>)> {
        let index = self.retry_index()?;
        let stamp = self.entries.get(index).and_then(|entry| self.stamp(entry.sequence));
        let entry = self.entries.get_mut(index)?;
        entry.state = State::OnWire(broker);
        entry.elsewhere = false;
        entry.batch.as_mut().map(|batch| (entry.number, batch, stamp))
    }

    fn retry_index(&self) -> Option<usize> {
        if self.needs_identity() {
            return None;
        }
        if self.has_certain_gap() {
            return None;
        }
        let first = self.entries.iter().position(|entry| entry.state != State::Gap)?;
        (self.entries.get(first)?.state == State::Waiting).then_some(first)
    }

    /// Takes in the answer to the attempt `number`. `may_retry` says whether time and retries are left for another.
    pub(crate) fn answered(&mut self, number: u64, answer: Answer, may_retry: bool) -> Verdict<B> {
        let Some(index) = self.entries.iter().position(|entry| entry.number == number) else {
            return Verdict::Nothing;
        };
        let verdict = self.take_in(index, answer, may_retry);
        self.close_gaps();
        verdict
    }

    fn take_in(&mut self, index: usize, answer: Answer, may_retry: bool) -> Verdict<B> {
        let first = self.entries.iter().take(index).all(|entry| entry.state == State::Gap);
        let idempotent = self.idempotent;
        let Some(entry) = self.entries.get_mut(index) else { return Verdict::Nothing };
        let answer = match answer {
            // What may have been written must not come again under another number.
            Answer::Forgotten if idempotent && entry.maybe_written => Answer::Final { maybe_written: true },
            Answer::Forgotten => Answer::OutOfOrder,
            answer => answer,
        };
        match answer {
            Answer::Written => return self.written(index),
            Answer::Retriable { maybe_written } => {
                entry.maybe_written |= maybe_written;
                if may_retry && entry.batch.is_some() {
                    entry.state = State::Waiting;
                    return Verdict::Retry { counted: true };
                }
            }
            Answer::OutOfOrder if idempotent && !first => {
                // Something before it is under way again; its own turn comes after that.
                if entry.batch.is_some() {
                    entry.state = State::Waiting;
                    return Verdict::Retry { counted: false };
                }
            }
            Answer::OutOfOrder if idempotent => {
                entry.maybe_written = false;
                // Behind what was given up here it is not this batch that failed.
                let counted = index == 0;
                if (may_retry || !counted) && entry.batch.is_some() {
                    entry.state = State::BehindGap;
                    return Verdict::Retry { counted };
                }
            }
            Answer::StaleEpoch if idempotent => {
                let retry = may_retry && entry.batch.is_some() && !entry.maybe_written;
                if retry {
                    entry.state = State::BehindGap;
                }
                self.stale = true;
                if retry {
                    return Verdict::Retry { counted: true };
                }
            }
            Answer::OutOfOrder | Answer::StaleEpoch | Answer::Forgotten => {}
            Answer::Final { maybe_written } => entry.maybe_written |= maybe_written,
        }
        self.give_up_at(index)
    }

    fn written(&mut self, index: usize) -> Verdict<B> {
        self.established |= self.entries.get(index).is_some_and(|entry| !entry.elsewhere);
        let batch = self.entries.remove(index).and_then(|entry| entry.batch);
        // The broker accepts nothing behind a gap, so whatever was given up before this one is written too.
        let mut position = 0;
        self.entries.retain(|entry| {
            position += 1;
            position > index || entry.state != State::Gap
        });
        batch.map_or(Verdict::Nothing, Verdict::Acked)
    }

    /// Gives up the first batch that `expired` picks; returns it and whether it may be written.
    ///
    /// One that is on its way is reported now, and its answer is still taken in for the sake of those behind it.
    pub(crate) fn give_up(&mut self, expired: impl Fn(&B) -> bool) -> Option<(B, bool)> {
        let index = self.entries.iter().position(|entry| entry.batch.as_ref().is_some_and(&expired))?;
        let entry = self.entries.get_mut(index)?;
        if matches!(entry.state, State::OnWire(_)) {
            return entry.batch.take().map(|batch| (batch, true));
        }
        let given_up = match self.give_up_at(index) {
            Verdict::Failed { batch, maybe_written } => Some((batch, maybe_written)),
            _ => None,
        };
        self.close_gaps();
        given_up
    }

    fn give_up_at(&mut self, index: usize) -> Verdict<B> {
        let last = index + 1 == self.entries.len();
        let Some(entry) = self.entries.get_mut(index) else { return Verdict::Nothing };
        let (batch, maybe_written) = (entry.batch.take(), entry.maybe_written);
        entry.state = State::Gap;
        let (sequence, place) = (entry.sequence, entry.place);
        if !self.idempotent {
            self.entries.remove(index);
        } else if last && !maybe_written && !self.stale {
            // Nothing was numbered after it and it was not written: the next batch takes its place.
            self.entries.remove(index);
            self.next_sequence = sequence;
            self.next_place = place;
        }
        batch.map_or(Verdict::Nothing, |batch| Verdict::Failed { batch, maybe_written })
    }

    /// Puts the parts that `cut` makes, each with its number of records, where the batch `number` was, which was refused
    /// as too large.
    ///
    /// Returns the batch, or `None` if it may have been written before and so must not be cut.
    pub(crate) fn split(&mut self, number: u64, cut: impl FnOnce(&mut B) -> Vec<(B, i32)>) -> Option<B> {
        let index = self.entries.iter().position(|entry| entry.number == number)?;
        let entry = self.entries.get_mut(index).filter(|entry| !entry.maybe_written)?;
        let parts = cut(entry.batch.as_mut()?);
        if parts.len() < 2 || parts.iter().map(|(_, count)| *count).sum::<i32>() != entry.count {
            return None;
        }
        let whole = self.entries.remove(index)?;
        let mut sequence = whole.sequence;
        for (offset, (batch, count)) in parts.into_iter().enumerate() {
            let (number, place, state) = (self.number(), 0, State::Waiting);
            let (maybe_written, elsewhere) = (false, false);
            let part =
                Entry { number, place, batch: Some(batch), sequence, count, state, maybe_written, elsewhere };
            self.entries.insert(index + offset, part);
            sequence = advance(sequence, count);
        }
        // None behind it can be written, so their places may move.
        for (place, entry) in (whole.place..).zip(self.entries.iter_mut().skip(index)) {
            entry.place = place;
            self.next_place = place + 1;
        }
        self.close_gaps();
        whole.batch
    }

    /// Starts the next epoch where a gap is certain and nothing of the old one is on its way.
    fn close_gaps(&mut self) {
        if !self.idempotent || self.on_wire() > 0 {
            return;
        }
        let gap = self.entries.front().is_some_and(|entry| entry.state == State::Gap);
        // The first behind the gap decides: if it is certainly not written, neither is any behind it.
        let next = self.entries.iter().find(|entry| entry.state != State::Gap);
        let certain = match next {
            Some(entry) => entry.state == State::BehindGap || (gap && !entry.maybe_written),
            None => gap || self.stale,
        };
        if certain || self.has_certain_gap() {
            self.restart();
        }
    }

    /// Whether something certainly not written was given up before all that is left.
    fn has_certain_gap(&self) -> bool {
        self.entries.iter().take_while(|entry| entry.state == State::Gap).any(|entry| !entry.maybe_written)
    }

    fn restart(&mut self) {
        self.entries.retain(|entry| entry.state != State::Gap);
        if let Some(identity) = self.identity {
            let next = identity.epoch.checked_add(1).filter(|_| !self.stale);
            self.identity = next.map(|epoch| Identity { epoch, ..identity });
            if self.identity.is_none() {
                self.retired = Some(identity.producer_id);
            }
        }
        self.stale = false;
        self.established = false;
        self.next_sequence = 0;
        self.next_place = 0;
        for entry in &mut self.entries {
            entry.place = self.next_place;
            self.next_place += 1;
            entry.sequence = self.next_sequence;
            entry.state = State::Waiting;
            entry.maybe_written = false;
            self.next_sequence = advance(self.next_sequence, entry.count);
        }
    }

    /// The batch `number`, if its outcome is still owed.
    pub(crate) fn batch_mut(&mut self, number: u64) -> Option<&mut B> {
        self.entries.iter_mut().find(|entry| entry.number == number)?.batch.as_mut()
    }

    /// As [`batches`](Self::batches), to be changed.
    pub(crate) fn batches_mut(&mut self) -> impl Iterator<Item = &mut B> {
        self.entries.iter_mut().filter_map(|entry| entry.batch.as_mut())
    }

    /// The batches whose outcome is still owed, oldest first.
    pub(crate) fn batches(&self) -> impl Iterator<Item = &B> {
        self.entries.iter().filter_map(|entry| entry.batch.as_ref())
    }

    fn stamp(&self, sequence: i32) -> Option<Stamp> {
        self.identity.filter(|_| self.idempotent).map(|identity| Stamp { identity, sequence })
    }

    fn number(&mut self) -> u64 {
        let number = self.next_number;
        self.next_number += 1;
        number
    }
}
