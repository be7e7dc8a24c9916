use std::future::{Future, Ready, ready};
use std::marker::PhantomData;

use futures_util::TryFutureExt;
use futures_util::future::{Either, ErrInto};
use serde::de::DeserializeOwned;

use super::{Failure, Handler};
use crate::consumer::ConsumerRecord;

/// Makes a handler of a function on a value that is read from JSON.
///
/// A value that does not parse is poison: it goes to the dead letter topic at once, as the bytes that it is. A null
/// value is read as JSON's `null`, so `Option<T>` takes tombstones.
///
/// ```
/// use kafka_stream::consumer::ConsumerRecord;
/// use kafka_stream::handler::json;
/// use serde::Deserialize;
///
/// #[derive(Deserialize)]
/// struct Event {
///     event_id: String,
/// }
///
/// let handler = json(async |event: Event, _record: ConsumerRecord| {
///     println!("{}", event.event_id);
///     Ok::<_, std::io::Error>(())
/// });
/// # drop(handler);
/// ```
pub fn json<T, F, Fut, E>(function: F) -> Json<T, F>
where
    T: DeserializeOwned + Send + 'static,
    F: Fn(T, ConsumerRecord) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<(), E>> + Send,
    E: Into<Failure>,
{
    Json { function, value: PhantomData }
}

/// A handler of JSON values; made by [`json`].
pub struct Json<T, F> {
    function: F,
    value: PhantomData<fn() -> T>,
}

impl<T, F, Fut, E> Handler for Json<T, F>
where
    T: DeserializeOwned + Send + 'static,
    F: Fn(T, ConsumerRecord) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<(), E>> + Send,
    E: Into<Failure>,
{
    type Future = Either<Ready<Result<(), Failure>>, ErrInto<Fut, Failure>>;

    fn handle(&self, record: ConsumerRecord) -> Self::Future {
        match serde_json::from_slice(record.value.as_deref().unwrap_or(b"null")) {
            Ok(value) => Either::Right((self.function)(value, record).err_into()),
            Err(error) => Either::Left(ready(Err(Failure::poison(error).with_class("serde_json::Error")))),
        }
    }
}
