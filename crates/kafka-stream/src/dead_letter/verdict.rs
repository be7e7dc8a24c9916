//! Which dead letters are put back: pure, from what their headers say.

use kafka_core::TopicPartition;

use super::Provenance;
use crate::consumer::ConsumerError;
use crate::handler::FailureStats;
use crate::producer::ProduceError;
use std::sync::Arc;

/// What a redrive did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RedriveReport {
    /// Whether nothing was changed: the other numbers are what would have been.
    pub dry_run: bool,
    /// Records that were looked at in the dead letter topic.
    pub read: u64,
    /// Letters that were put back, acknowledged.
    pub redriven: u64,
    /// Letters that the filter left out.
    pub filtered: u64,
    /// Letters that were put back as often as allowed before.
    pub exhausted: u64,
    /// Letters that lack a part of their record.
    pub trimmed: u64,
    /// Records without the headers of a dead letter.
    pub no_letters: u64,
    /// Letters that were put back, by topic and class of the error.
    pub failures: Vec<FailureStats>,
}

/// Why a redrive ended early. What was put back before is committed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RedriveError {
    /// The dead letter topic cannot be read, or its offsets cannot be committed.
    #[error(transparent)]
    Consumer(#[from] ConsumerError),
    /// A letter cannot be written to where it came from.
    #[error(
        "the dead letter at offset {offset} of {partition} cannot be put back into `{topic}`: {source}; the redrive stopped there"
    )]
    Produce {
        /// Where the letter is.
        partition: TopicPartition,
        /// Where the letter is.
        offset: i64,
        /// Where it came from.
        topic: Arc<str>,
        /// What the producer said.
        source: ProduceError,
    },
}

/// What is done with a record of a dead letter topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    PutBack,
    Filtered,
    Exhausted,
    Trimmed,
    NoLetter,
}

pub(super) fn judge(
    from: Option<&Provenance>,
    max_redrives: u32,
    filter: impl FnOnce(&Provenance) -> bool,
) -> Verdict {
    match from {
        None => Verdict::NoLetter,
        Some(from) if from.is_trimmed() => Verdict::Trimmed,
        Some(from) if from.redrives >= max_redrives => Verdict::Exhausted,
        Some(from) if !filter(from) => Verdict::Filtered,
        Some(_) => Verdict::PutBack,
    }
}

impl RedriveReport {
    pub(super) fn count(&mut self, verdict: Verdict) {
        self.read += 1;
        *match verdict {
            Verdict::PutBack => &mut self.redriven,
            Verdict::Filtered => &mut self.filtered,
            Verdict::Exhausted => &mut self.exhausted,
            Verdict::Trimmed => &mut self.trimmed,
            Verdict::NoLetter => &mut self.no_letters,
        } += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_letters_that_were_not_put_back_too_often_and_are_wanted_are_put_back() {
        let letter = Provenance { topic: "orders".into(), redrives: 2, ..Default::default() };
        let trimmed = Provenance { value_size: Some(1), ..letter.clone() };
        assert_eq!(judge(None, 3, |_| true), Verdict::NoLetter);
        assert_eq!(judge(Some(&letter), 3, |_| true), Verdict::PutBack);
        assert_eq!(judge(Some(&letter), 2, |_| true), Verdict::Exhausted);
        assert_eq!(judge(Some(&letter), 3, |from| from.topic != "orders"), Verdict::Filtered);
        assert_eq!(judge(Some(&trimmed), 3, |_| true), Verdict::Trimmed);
    }
}
