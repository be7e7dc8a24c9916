use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use kafka_core::protocol::{
    ApiKey, Decoder, Encoder, ErrorCode, Message, ReadVersionedType, RequestBody, Uuid, WriteVersionedError,
    WriteVersionedType, encode_response,
};

use super::Cluster;

/// Names a request until it is answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Ticket(pub(crate) u64);

/// Who asks, and how.
#[derive(Clone, Debug, Default)]
pub(crate) struct Call {
    pub(crate) ticket: Ticket,
    /// The broker that was asked.
    pub(crate) broker: i32,
    pub(crate) version: i16,
    pub(crate) client_id: Option<String>,
    /// The client's address without its port.
    pub(crate) host: String,
    /// By which of the broker's listeners the client came.
    pub(crate) listener: usize,
    /// Who the client is.
    pub(crate) principal: Principal,
    /// The client's sign-in, where the listener wants one.
    #[cfg(feature = "security")]
    pub(crate) sign_in: Option<SignInId>,
    /// The request's bytes, its header included.
    pub(crate) size: usize,
}

/// Who a client is, as access rules name it: `User:alice`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Principal(Arc<str>);

impl Principal {
    #[cfg(feature = "security")]
    pub(crate) fn user(name: &str) -> Self {
        Self(format!("User:{name}").into())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Without its type.
    pub(crate) fn name(&self) -> &str {
        self.0.split_once(':').map_or(&*self.0, |(_, name)| name)
    }
}

impl Default for Principal {
    /// Who was not asked for a name.
    fn default() -> Self {
        static ANONYMOUS: LazyLock<Arc<str>> = LazyLock::new(|| "User:ANONYMOUS".into());
        Self(Arc::clone(&ANONYMOUS))
    }
}

/// Names a connection whose client has to sign in.
#[cfg(feature = "security")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SignInId(pub(crate) u64);

/// What becomes of a request.
#[derive(Debug)]
pub(crate) enum Reply<T> {
    /// It is answered at once.
    Now(T),
    /// It is kept; the answer comes by [`Cluster::answer`].
    Later,
    /// It wants no answer (`acks=0`).
    Never,
    /// It is answered, and its connection ends.
    #[cfg_attr(not(feature = "security"), allow(dead_code, reason = "only sign-ins end so"))]
    Last(T),
    /// Its connection ends without an answer.
    Close,
}

impl<T> From<T> for Reply<T> {
    fn from(response: T) -> Self {
        Self::Now(response)
    }
}

/// One request that the cluster serves: each file in `apis` implements it for the request it is named after.
pub(crate) trait Api:
    RequestBody<ResponseBody: WriteVersionedType<Encoder> + Message + Send + 'static>
    + ReadVersionedType<Decoder>
    + Clone
    + Send
    + 'static
{
    /// Does what the request asks for.
    fn handle(self, cluster: &mut Cluster, call: &Call) -> Reply<Self::ResponseBody>;

    /// The answer that says `code` to all of the request.
    fn refuse(self, call: &Call, code: ErrorCode) -> Self::ResponseBody;

    /// As [`refuse`](Self::refuse), where that takes what the cluster remembers of the client.
    fn fail(self, _: &mut Cluster, call: &Call, code: ErrorCode) -> Self::ResponseBody {
        self.refuse(call, code)
    }

    /// The topics that the request names, by name or by id: what a fault for one topic looks at.
    fn topics(&self) -> Vec<(&str, Uuid)> {
        Vec::new()
    }

    /// The fetch session that the request continues, which has topics too.
    fn session(&self) -> Option<i32> {
        None
    }
}

/// An answer that knows how to write itself.
pub(crate) struct Answer(Box<dyn Encode>);

trait Encode: Send {
    fn throttle_time(&self) -> i32;

    fn throttle(&mut self, millis: i32);

    fn encode(&self, version: i16, correlation_id: i32) -> Result<Vec<Bytes>, WriteVersionedError>;
}

impl Answer {
    pub(crate) fn of<R: Api>(response: R::ResponseBody) -> Self {
        Self(Box::new(Response::<R>(response)))
    }

    /// For how many milliseconds the client is asked to be silent.
    pub(crate) fn throttle_time(&self) -> i32 {
        self.0.throttle_time()
    }

    /// Asks the client to be silent for so long.
    pub(crate) fn throttle(&mut self, millis: i32) {
        self.0.throttle(millis);
    }

    /// The frame that carries the answer, as segments for a vectored write.
    pub(crate) fn encode(
        &self,
        version: i16,
        correlation_id: i32,
    ) -> Result<Vec<Bytes>, WriteVersionedError> {
        self.0.encode(version, correlation_id)
    }
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Answer")
    }
}

struct Response<R: RequestBody>(R::ResponseBody);

impl<R: Api> Encode for Response<R> {
    fn throttle_time(&self) -> i32 {
        self.0.throttle_time_ms()
    }

    fn throttle(&mut self, millis: i32) {
        self.0.set_throttle_time_ms(millis);
    }

    fn encode(&self, version: i16, correlation_id: i32) -> Result<Vec<Bytes>, WriteVersionedError> {
        encode_response::<R>(&self.0, version, correlation_id)
    }
}

/// A decoded request of any API.
pub(crate) trait AnyRequest: Send {
    fn api_key(&self) -> ApiKey;
    fn topics(&self) -> Vec<(&str, Uuid)>;
    fn session(&self) -> Option<i32>;
    fn duplicate(&self) -> Box<dyn AnyRequest>;
    fn handle(self: Box<Self>, cluster: &mut Cluster, call: &Call) -> Reply<Answer>;
    fn fail(self: Box<Self>, cluster: &mut Cluster, call: &Call, code: ErrorCode) -> Answer;
}

/// An [`Api`] as [`AnyRequest`].
pub(crate) struct Typed<R>(pub(crate) R);

impl<R: Api> AnyRequest for Typed<R> {
    fn api_key(&self) -> ApiKey {
        ApiKey::of::<R>()
    }

    fn topics(&self) -> Vec<(&str, Uuid)> {
        self.0.topics()
    }

    fn session(&self) -> Option<i32> {
        self.0.session()
    }

    fn duplicate(&self) -> Box<dyn AnyRequest> {
        Box::new(Self(self.0.clone()))
    }

    fn handle(self: Box<Self>, cluster: &mut Cluster, call: &Call) -> Reply<Answer> {
        match self.0.handle(cluster, call) {
            Reply::Now(response) => Reply::Now(Answer::of::<R>(response)),
            Reply::Later => Reply::Later,
            Reply::Never => Reply::Never,
            Reply::Last(response) => Reply::Last(Answer::of::<R>(response)),
            Reply::Close => Reply::Close,
        }
    }

    fn fail(self: Box<Self>, cluster: &mut Cluster, call: &Call, code: ErrorCode) -> Answer {
        Answer::of::<R>(self.0.fail(cluster, call, code))
    }
}
