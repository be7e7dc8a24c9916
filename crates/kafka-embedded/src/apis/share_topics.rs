//! What requests of share groups have in common.

use kafka_core::protocol::ErrorCode;

use crate::fetching::Verdicts;
use crate::groups::Verdict;

/// A member's words on records from the first to the last offset: one for all, or one for each.
pub(super) fn verdicts<'a>(
    batches: impl Iterator<Item = (i64, i64, &'a [i8])>,
    may_renew: bool,
) -> Result<Verdicts, ErrorCode> {
    let mut verdicts = Verdicts::new();
    let mut next = i64::MIN;
    for (first, last, kinds) in batches {
        let length = last.checked_sub(first).and_then(|more| usize::try_from(more).ok());
        let fits = length.is_some_and(|more| kinds.len() == 1 || kinds.len() == more + 1);
        let known: Option<Vec<Verdict>> = kinds.iter().map(|kind| Verdict::of(*kind)).collect();
        match known {
            Some(known) if fits && first >= next && (may_renew || !known.contains(&Verdict::Renew)) => {
                next = last.saturating_add(1);
                verdicts.push((first..=last, known));
            }
            // The record before has its verdict by then.
            Some(_) if fits && first.checked_add(1) == Some(next) => {
                return Err(ErrorCode::INVALID_RECORD_STATE);
            }
            _ => return Err(ErrorCode::INVALID_REQUEST),
        }
    }
    Ok(verdicts)
}
