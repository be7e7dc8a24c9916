/// How likely each partition is to be chosen next: the longer its queue, the less (KIP-794).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Weights {
    partitions: Vec<u32>,
    /// Running sums of the weights; empty if all are equal.
    cumulative: Vec<u32>,
}

impl Weights {
    /// Weights from `(partition, batches waiting)`; an equal chance for all where `adaptive` is false.
    pub(crate) fn new(queues: impl IntoIterator<Item = (u32, u32)>, adaptive: bool) -> Self {
        let (partitions, lengths): (Vec<u32>, Vec<u32>) = queues.into_iter().unzip();
        let longest = lengths.iter().copied().max().unwrap_or(0);
        let uneven = lengths.iter().any(|length| *length != longest);
        let cumulative = if adaptive && uneven {
            let mut sum = 0_u32;
            lengths
                .iter()
                .map(|length| {
                    sum = sum.saturating_add(longest - length + 1);
                    sum
                })
                .collect()
        } else {
            Vec::new()
        };
        Self { partitions, cumulative }
    }

    /// The partition that `random` falls on; `None` where there is none to choose from.
    pub(crate) fn pick(&self, random: u32) -> Option<u32> {
        let index = match self.cumulative.last() {
            Some(total) => {
                let point = random.checked_rem(*total)?;
                self.cumulative.partition_point(|sum| *sum <= point)
            }
            None => random.checked_rem(u32::try_from(self.partitions.len()).ok()?)? as usize,
        };
        self.partitions.get(index).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shares(weights: &Weights, draws: u32) -> Vec<u32> {
        let mut counts = vec![0; 10];
        for random in 0..draws {
            counts[weights.pick(random).unwrap() as usize] += 1;
        }
        counts
    }

    #[test]
    fn equal_queues_are_chosen_equally() {
        let weights = Weights::new([(0, 4), (3, 4), (5, 4)], true);
        assert_eq!(shares(&weights, 300), [100, 0, 0, 100, 0, 100, 0, 0, 0, 0]);
    }

    #[test]
    fn a_longer_queue_is_chosen_less_but_never_starves() {
        let weights = Weights::new([(0, 0), (1, 3), (2, 1)], true);
        // Weights 4, 1 and 3, as the KIP's example of queue sizes computes them.
        assert_eq!(&shares(&weights, 800)[..3], [400, 100, 300]);
    }

    #[test]
    fn without_adaptation_queues_do_not_matter() {
        let weights = Weights::new([(0, 0), (1, 3)], false);
        assert_eq!(&shares(&weights, 200)[..2], [100, 100]);
        assert_eq!(Weights::new([], true).pick(7), None);
    }
}
