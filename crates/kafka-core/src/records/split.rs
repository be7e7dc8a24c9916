use crate::Result;
use crate::records::{Batch, BatchBuilder, Decompressor, HeaderView};

impl crate::records::AsHeader for HeaderView<'_> {
    fn key(&self) -> &str {
        // What is split was encoded from `str` keys.
        std::str::from_utf8(self.key_bytes()).unwrap_or_default()
    }

    fn value(&self) -> Option<&[u8]> {
        HeaderView::value(self)
    }
}

/// Spreads the records of `batch` over builders of at most `target_size` uncompressed bytes each (KIP-126: what to do
/// when a broker answers MESSAGE_TOO_LARGE). The records keep their order; a record that is larger gets a batch alone.
///
/// # Errors
/// As [`Batch::records`].
pub fn split(
    batch: &Batch,
    target_size: usize,
    decompressor: &mut Decompressor,
) -> Result<Vec<BatchBuilder>> {
    let records = batch.records(decompressor)?;
    let mut builders: Vec<BatchBuilder> = Vec::new();
    for view in records.views() {
        let view = view?;
        let headers: Vec<_> = view.headers().collect();
        let (timestamp, key, value) = (view.timestamp(), view.key(), view.value());
        let fits = builders.last().is_some_and(|last| {
            last.size() + last.size_of_next(timestamp, key, value, &headers).bytes() <= target_size
        });
        if !fits {
            builders.push(BatchBuilder::with_capacity(target_size.min(records.payload().len())));
        }
        if let Some(last) = builders.last_mut() {
            last.append(timestamp, key, value, &headers)?;
        }
    }
    Ok(builders)
}
