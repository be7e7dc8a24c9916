/// At which offset each leader epoch began (KIP-101, KIP-320).
#[derive(Clone, Debug, Default)]
pub(crate) struct Epochs(Vec<(i32, i64)>);

impl Epochs {
    /// A new epoch begins at `start`; epochs that hold no record make room.
    pub(crate) fn begin(&mut self, epoch: i32, start: i64) {
        if self.0.last().is_some_and(|&(last, _)| last >= epoch) {
            return;
        }
        self.0.retain(|&(_, begun)| begun < start);
        self.0.push((epoch, start));
    }

    pub(crate) fn latest(&self) -> Option<i32> {
        self.0.last().map(|&(epoch, _)| epoch)
    }

    /// The epoch of the record at `offset`.
    pub(crate) fn at(&self, offset: i64) -> Option<i32> {
        self.0.iter().rev().find(|&&(_, start)| start <= offset).map(|&(epoch, _)| epoch)
    }

    /// The largest epoch up to the asked one, and where it ended; `end` is the end of the log.
    pub(crate) fn end_of(&self, asked: i32, end: i64) -> Option<(i32, i64)> {
        if self.latest()? == asked {
            return Some((asked, end));
        }
        let &(_, start_of_next) = self.0.iter().find(|&&(epoch, _)| epoch > asked)?;
        let floor = self.0.iter().rev().find(|&&(epoch, _)| epoch <= asked);
        Some((floor.map_or(asked, |&(epoch, _)| epoch), start_of_next))
    }

    /// Forgets what began at or after `end`.
    pub(crate) fn truncate(&mut self, end: i64) {
        self.0.retain(|&(_, start)| start < end);
    }

    /// The log now starts at `start`: the epoch there begins there.
    pub(crate) fn advance_start(&mut self, start: i64) {
        let Some(epoch) = self.at(start) else { return };
        self.0.retain(|&(_, begun)| begun > start);
        self.0.insert(0, (epoch, start));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn epochs() -> Epochs {
        let mut epochs = Epochs::default();
        epochs.begin(0, 0);
        epochs.begin(2, 10);
        epochs.begin(3, 10);
        epochs.begin(5, 30);
        epochs
    }

    #[test]
    fn an_epoch_ends_where_the_next_begins() {
        let epochs = epochs();
        assert_eq!(epochs.end_of(0, 40), Some((0, 10)));
        assert_eq!(epochs.end_of(1, 40), Some((0, 10)));
        assert_eq!(epochs.end_of(2, 40), Some((0, 10)), "epoch 2 wrote nothing");
        assert_eq!(epochs.end_of(4, 40), Some((3, 30)));
        assert_eq!(epochs.end_of(5, 40), Some((5, 40)));
        assert_eq!(epochs.end_of(6, 40), None);
    }

    #[test]
    fn deleted_records_take_their_epochs_along() {
        let mut epochs = epochs();
        epochs.advance_start(20);
        assert_eq!((epochs.at(5), epochs.at(20), epochs.at(30)), (None, Some(3), Some(5)));
        assert_eq!(epochs.end_of(1, 40), Some((1, 20)));
        epochs.truncate(25);
        assert_eq!(epochs.latest(), Some(3));
    }
}
