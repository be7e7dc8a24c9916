/// Chooses a partition by how many batches wait in each: the longer its queue, the less likely (KIP-794).
///
/// `lengths` has one item per partition, `None` where nothing should go. Without `adaptive` all others are as likely.
/// Allocates nothing, and looks at each partition twice at most. `None` where there is none to choose from.
pub(crate) fn pick(
    lengths: impl Iterator<Item = Option<u32>> + Clone,
    adaptive: bool,
    random: u32,
) -> Option<u32> {
    let (mut all, mut usable, mut sum, mut longest, mut shortest) = (0_u32, 0_u32, 0_u64, 0_u32, u32::MAX);
    for length in lengths.clone() {
        all += 1;
        if let Some(length) = length {
            usable += 1;
            sum += u64::from(length);
            longest = longest.max(length);
            shortest = shortest.min(length);
        }
    }
    let even = !adaptive || shortest == longest;
    if even && usable == all {
        return random.checked_rem(all);
    }
    let weight = |length: u32| if even { 1 } else { u64::from(longest.saturating_sub(length)) + 1 };
    let total = if even { u64::from(usable) } else { u64::from(usable) * (u64::from(longest) + 1) - sum };
    let mut point = u64::from(random).checked_rem(total)?;
    let mut last = None;
    for (partition, length) in (0..).zip(lengths) {
        let Some(length) = length else { continue };
        if point < weight(length) {
            return Some(partition);
        }
        point -= weight(length);
        last = Some(partition);
    }
    // Queues have grown since the first look.
    last
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shares<const N: usize>(lengths: [Option<u32>; N], adaptive: bool, draws: u32) -> [u32; N] {
        let mut counts = [0; N];
        for random in 0..draws {
            counts[pick(lengths.into_iter(), adaptive, random).unwrap() as usize] += 1;
        }
        counts
    }

    #[test]
    fn equal_queues_are_chosen_equally() {
        assert_eq!(shares([Some(4), Some(4), Some(4)], true, 300), [100, 100, 100]);
        assert_eq!(shares([Some(4), None, Some(4), None, Some(4)], true, 300), [100, 0, 100, 0, 100]);
    }

    #[test]
    fn a_longer_queue_is_chosen_less_but_never_starves() {
        // Weights 4, 1 and 3, as the KIP's example of queue sizes computes them.
        assert_eq!(shares([Some(0), Some(3), Some(1)], true, 800), [400, 100, 300]);
        assert_eq!(shares([None, Some(0), Some(3), None, Some(1)], true, 800), [0, 400, 100, 0, 300]);
    }

    #[test]
    fn without_adaptation_queues_do_not_matter() {
        assert_eq!(shares([Some(0), Some(3)], false, 200), [100, 100]);
        assert_eq!(shares([Some(0), None, Some(3)], false, 200), [100, 0, 100]);
    }

    #[test]
    fn without_a_choice_nothing_is_chosen() {
        assert_eq!(pick([].into_iter(), true, 7), None);
        assert_eq!(pick([None, None].into_iter(), true, 7), None);
    }
}
