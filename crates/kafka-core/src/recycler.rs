//! Memory of what was given out, used again once nobody holds it any more.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

/// Keeps handles to what was given out last, and finds one whose other handles are all gone. Allocators give large blocks back
/// to the system, musl's all of them and at once, and fresh memory costs a page fault for every 4 KiB.
#[derive(Debug)]
pub(crate) struct Recycler {
    kept: VecDeque<Bytes>,
    bytes: usize,
    limit: usize,
}

impl Recycler {
    /// Keeps the last handles to `limit` bytes together: so much may stay in use when nobody else needs it.
    pub(crate) fn new(limit: usize) -> Self {
        Self { kept: VecDeque::new(), bytes: 0, limit }
    }

    /// Remembers what is given out.
    pub(crate) fn keep(&mut self, given: &Bytes) {
        self.kept.push_back(given.clone());
        self.bytes += given.len();
        while self.bytes > self.limit
            && let Some(oldest) = self.kept.pop_front()
        {
            self.bytes -= oldest.len();
        }
    }

    /// The memory of what nobody else holds and `suits`, the last first: it is the likeliest to be in the processor's cache
    /// still. What was in it is in it still. It is no `Vec`, for which all of it would be moved to where it is.
    pub(crate) fn take(&mut self, suits: impl Fn(usize) -> bool) -> Option<BytesMut> {
        let place = self.kept.iter().rposition(|kept| kept.is_unique() && suits(kept.len()))?;
        let found = self.kept.remove(place)?;
        self.bytes -= found.len();
        found.try_into_mut().ok()
    }

    /// Lets go of everything.
    pub(crate) fn clear(&mut self) {
        self.kept.clear();
        self.bytes = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn give(recycler: &mut Recycler, size: usize) -> Bytes {
        let given = Bytes::from(vec![7; size]);
        recycler.keep(&given);
        given
    }

    #[test]
    fn what_is_still_held_is_not_used_again() {
        let mut recycler = Recycler::new(1_000);
        let (first, second) = (give(&mut recycler, 100), give(&mut recycler, 200));
        assert_eq!(recycler.take(|_| true), None);
        let (place, slice) = (first.as_ptr(), first.slice(10..20));
        drop(first);
        assert_eq!(recycler.take(|_| true), None, "a slice holds all of it");
        drop(slice);
        let found = recycler.take(|_| true).unwrap();
        assert_eq!((found.as_ptr(), found.len()), (place, 100));
        drop(second);
        assert_eq!(recycler.take(|size| size > 200), None);
        assert_eq!(recycler.take(|size| size == 200).map(|found| found.len()), Some(200));
        assert_eq!(recycler.bytes, 0);
    }

    #[test]
    fn no_more_is_kept_than_its_limit() {
        let mut recycler = Recycler::new(1_000);
        for size in [400, 400, 400, 2_000] {
            drop(give(&mut recycler, size));
            assert!(
                recycler.bytes <= 1_000
                    && recycler.kept.iter().map(Bytes::len).sum::<usize>() == recycler.bytes
            );
        }
        assert_eq!(recycler.take(|_| true), None, "what is larger than all of it is not kept");
        drop(give(&mut recycler, 400));
        recycler.clear();
        assert_eq!(recycler.take(|_| true), None);
    }
}
