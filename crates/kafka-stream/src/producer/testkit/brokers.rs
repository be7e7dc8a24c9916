use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use kafka_core::net::{Address, BoxFuture, ByteStream, Connector};
use kafka_core::protocol::messages::api_versions_response::ApiVersion as ApiRange;
use kafka_core::protocol::messages::metadata_response::{
    MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use kafka_core::protocol::messages::produce_response::{
    LeaderIdAndEpoch, PartitionProduceResponse, TopicProduceResponse,
};
use kafka_core::protocol::messages::{
    ApiVersionsRequest, ApiVersionsResponse, InitProducerIdRequest, InitProducerIdResponse, MetadataRequest,
    MetadataResponse, ProduceRequest, ProduceResponse,
};
use kafka_core::protocol::{
    ApiKey, ApiVersion, Decoder, Encoder, ErrorCode, Int16, ReadVersionedType, RequestBody, RequestHeader,
    WriteVersionedType, encode_response,
};
use kafka_core::{Error, ErrorKind, Result};
use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::sleep;

use super::arrival::{Arrival, Parsed};
use super::{Reply, State};

/// Opens connections to the brokers of a fake cluster: the port is the broker's id.
pub(super) struct InMemory {
    pub(super) state: Arc<Mutex<State>>,
}

impl fmt::Debug for InMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InMemory").finish_non_exhaustive()
    }
}

impl Connector for InMemory {
    fn connect<'a>(&'a self, address: &'a Address) -> BoxFuture<'a, Result<Box<dyn ByteStream>>> {
        Box::pin(async move {
            let broker = i32::from(address.port);
            if self.state.lock().down.contains(&broker) {
                return Err(Error::new(ErrorKind::Connect, format!("cannot connect to {address} (refused)")));
            }
            let (ours, theirs) = duplex(64 * 1024);
            tokio::spawn(serve(broker, theirs, self.state.clone()));
            Ok(Box::new(ours) as Box<dyn ByteStream>)
        })
    }
}

/// What comes of a request.
enum Served {
    Answer(Vec<u8>),
    NoAnswer,
    HangUp,
    Silence,
}

async fn serve(broker: i32, mut stream: DuplexStream, state: Arc<Mutex<State>>) {
    while let Ok(size) = stream.read_i32().await {
        let mut frame = vec![0; usize::try_from(size).unwrap()];
        if stream.read_exact(&mut frame).await.is_err() {
            return;
        }
        while state.lock().down.contains(&broker) {
            sleep(Duration::from_millis(10)).await;
        }
        let request = Incoming::new(frame.into());
        let served = match request.header.api_key {
            ApiKey::Produce => produce(broker, &request, &state).await,
            _ => Served::Answer(answer(&request, &mut state.lock())),
        };
        match served {
            Served::Answer(bytes) => {
                if stream.write_all(&bytes).await.is_err() {
                    return;
                }
            }
            Served::NoAnswer => {}
            Served::HangUp => return,
            Served::Silence => std::future::pending().await,
        }
    }
}

struct Incoming {
    header: RequestHeader,
    frame: Bytes,
}

impl Incoming {
    fn new(frame: Bytes) -> Self {
        let header = RequestHeader::read(&mut Decoder::new(frame.clone()), |_| i16::MAX).unwrap();
        Self { header, frame }
    }

    fn body<R: RequestBody + ReadVersionedType<Decoder>>(&self) -> R {
        let mut decoder = Decoder::new(self.frame.clone());
        let flexible = R::FIRST_TAGGED_FIELD_IN_REQUEST_VERSION.0.0;
        let header = RequestHeader::read(&mut decoder, |_| flexible).unwrap();
        R::read_versioned(&mut decoder, ApiVersion(Int16(header.api_version))).unwrap()
    }

    fn answer<R>(&self, response: &R::ResponseBody) -> Vec<u8>
    where
        R: RequestBody<ResponseBody: WriteVersionedType<Encoder>>,
    {
        let (version, id) = (self.header.api_version, self.header.correlation_id);
        encode_response::<R>(response, version, id).unwrap().concat()
    }
}

fn answer(request: &Incoming, state: &mut State) -> Vec<u8> {
    match request.header.api_key {
        ApiKey::ApiVersions => {
            let range = |api: &ApiKey| {
                let max = if *api == ApiKey::Produce { state.max_produce_version } else { i16::MAX };
                ApiRange { api_key: api.code(), min_version: 0, max_version: max }
            };
            request.answer::<ApiVersionsRequest>(&ApiVersionsResponse {
                api_keys: ApiKey::ALL.iter().map(range).collect(),
                ..Default::default()
            })
        }
        ApiKey::Metadata => {
            let asked = request.body::<MetadataRequest>().topics;
            let names: Vec<String> = match asked {
                Some(topics) => topics.into_iter().filter_map(|topic| topic.name).collect(),
                None => state.topics.keys().cloned().collect(),
            };
            request.answer::<MetadataRequest>(&metadata(names, state))
        }
        ApiKey::InitProducerId => {
            let error = if state.identity_errors.is_empty() {
                ErrorCode::NONE
            } else {
                state.identity_errors.remove(0)
            };
            state.next_producer_id += i64::from(error.is_ok());
            let producer_id = state.next_producer_id;
            request.answer::<InitProducerIdRequest>(&InitProducerIdResponse {
                error_code: error.0,
                producer_id,
                ..Default::default()
            })
        }
        other => panic!("the producer does not send {other:?}"),
    }
}

fn metadata(names: Vec<String>, state: &State) -> MetadataResponse {
    let broker = |id: i32| MetadataResponseBroker {
        node_id: id,
        host: "broker".to_owned(),
        port: id,
        ..Default::default()
    };
    let topic = |name: String| {
        let known = state.topics.get(&name);
        let partitions =
            known.into_iter().flatten().zip(0..).map(|(partition, index)| MetadataResponsePartition {
                partition_index: index,
                leader_id: partition.leader,
                leader_epoch: partition.leader_epoch,
                ..Default::default()
            });
        let code = if known.is_some() { ErrorCode::NONE } else { ErrorCode::UNKNOWN_TOPIC_OR_PARTITION };
        MetadataResponseTopic {
            error_code: code.0,
            partitions: partitions.collect(),
            name: Some(name),
            ..Default::default()
        }
    };
    MetadataResponse {
        brokers: vec![broker(1), broker(2)],
        controller_id: 1,
        topics: names.into_iter().map(topic).collect(),
        ..Default::default()
    }
}

async fn produce(broker: i32, request: &Incoming, state: &Mutex<State>) -> Served {
    let body = request.body::<ProduceRequest>();
    let mut responses = Vec::new();
    for topic in &body.topic_data {
        let mut partition_responses = Vec::new();
        for data in &topic.partition_data {
            let records = data.records.as_ref().unwrap();
            let Parsed { producer_id, epoch, sequence, compression, values } = Parsed::of(records);
            let arrival = Arrival {
                broker,
                topic: topic.name.clone(),
                partition: usize::try_from(data.index).unwrap(),
                acks: body.acks,
                timeout_ms: body.timeout_ms,
                request_size: request.frame.len(),
                producer_id,
                epoch,
                sequence,
                compression,
                size: records.len(),
                values,
            };
            let reply = {
                let mut state = state.lock();
                state.arrivals.push(arrival.clone());
                (state.script)(&arrival)
            };
            if let Reply::Late(by) = reply {
                sleep(by).await;
            }
            match decide(&reply, &arrival, &mut state.lock()) {
                Ok(answer) => {
                    partition_responses.push(PartitionProduceResponse { index: data.index, ..answer })
                }
                Err(served) => return served,
            }
        }
        responses.push(TopicProduceResponse {
            name: topic.name.clone(),
            partition_responses,
            ..Default::default()
        });
    }
    if body.acks == 0 {
        return Served::NoAnswer;
    }
    Served::Answer(request.answer::<ProduceRequest>(&ProduceResponse { responses, ..Default::default() }))
}

fn decide(
    reply: &Reply,
    arrival: &Arrival,
    state: &mut State,
) -> std::result::Result<PartitionProduceResponse, Served> {
    let partition = &mut state.topics.get_mut(&arrival.topic).unwrap()[arrival.partition];
    let refused = |code: ErrorCode| PartitionProduceResponse {
        error_code: code.0,
        base_offset: -1,
        ..Default::default()
    };
    if partition.leader != arrival.broker
        && !matches!(reply, Reply::HangUp | Reply::Silence | Reply::Redirect { .. })
    {
        return Ok(refused(ErrorCode::NOT_LEADER_OR_FOLLOWER));
    }
    let mut append = || partition.append(arrival);
    match reply {
        Reply::Normal | Reply::Late(_) => Ok(match append() {
            Ok(base_offset) => PartitionProduceResponse { base_offset, ..Default::default() },
            Err(code) => refused(code),
        }),
        Reply::Refuse(code) => Ok(refused(*code)),
        Reply::Redirect { leader, epoch } => Ok(PartitionProduceResponse {
            current_leader: LeaderIdAndEpoch { leader_id: *leader, leader_epoch: *epoch },
            ..refused(ErrorCode::NOT_LEADER_OR_FOLLOWER)
        }),
        Reply::AppendThen(code) => Ok(refused(append().err().unwrap_or(*code))),
        Reply::AppendAndHangUp => {
            let _ = append();
            Err(Served::HangUp)
        }
        Reply::HangUp => Err(Served::HangUp),
        Reply::Silence => Err(Served::Silence),
    }
}
