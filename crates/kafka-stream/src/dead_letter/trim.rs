//! How a dead letter is made smaller: pure, from what the producer said of its size.

/// What the headers that tell of it take, at most.
const TOLD: usize = 160;

/// How much of a record is kept in its dead letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kept {
    /// Bytes of the value.
    pub(super) value: usize,
    /// Whether the record's own headers are kept.
    pub(super) headers: bool,
}

impl Kept {
    pub(super) fn all(value: usize) -> Self {
        Self { value, headers: true }
    }

    /// Less, for a letter that was refused; `None` when only the key and the story of the failure are left. `excess` is
    /// how many bytes it was too large, where that is known.
    pub(super) fn less(self, excess: Option<usize>) -> Option<Self> {
        match (self.value, self.headers) {
            (0, false) => None,
            (0, true) => Some(Self { headers: false, ..self }),
            (value, _) => {
                let half = value / 2;
                let fitting = excess.map_or(half, |excess| value.saturating_sub(excess.saturating_add(TOLD)));
                Some(Self { value: fitting.min(value - 1), ..self })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_value_goes_first_and_by_no_more_than_needed() {
        let kept = Kept::all(10_000).less(Some(1_000)).unwrap();
        assert_eq!(kept, Kept { value: 10_000 - 1_000 - TOLD, headers: true });
        assert_eq!(kept.less(None).unwrap().value, kept.value / 2);
        let none = Kept { value: 0, headers: true };
        assert_eq!(none.less(Some(1)), Some(Kept { value: 0, headers: false }));
        assert_eq!(none.less(Some(1)).unwrap().less(None), None);
    }

    proptest! {
        #[test]
        fn it_comes_to_an_end(value in 0_usize..2_000_000, excess in prop::option::of(0_usize..5_000)) {
            let mut kept = Kept::all(value);
            let (mut steps, mut at_half) = (0, false);
            // A producer that learns nothing of the limit halves; one that does says an excess that shrinks.
            while let Some(less) = kept.less(if at_half { None } else { excess }) {
                prop_assert!(less.value < kept.value || !less.headers && kept.headers);
                (kept, steps, at_half) = (less, steps + 1, true);
            }
            prop_assert!(steps <= 24);
        }
    }
}
