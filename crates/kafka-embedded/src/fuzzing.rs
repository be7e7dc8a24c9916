//! The brokers without sockets and clock, for tests that feed them anything. Not part of the API.

use std::collections::{BTreeMap, HashMap};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use kafka_core::protocol::{ApiKey, Uuid};

use crate::apis::{Incoming, read, supported};
use crate::core::{Answer, Call, Cluster, Outcome, Ticket, Time};
use crate::settings::Settings;

/// What a frame came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Served {
    /// The connection ends.
    Closed,
    /// An answer of so many bytes.
    Answered(usize),
    /// The answer comes later.
    Waiting,
    /// There is none.
    Silence,
}

/// Three brokers that share what they know, as always, and are asked one thing after the other.
#[derive(Debug)]
pub struct Brokers {
    cluster: Cluster,
    now: Time,
    tickets: u64,
    /// In which version those are answered who wait.
    waiting: HashMap<Ticket, (ApiKey, i16)>,
}

impl Brokers {
    /// Brokers that keep at most `max_bytes` of records.
    pub fn new(seed: u64, max_bytes: u64) -> Self {
        let settings = Settings { seed, max_bytes, sockets: false, ..Settings::default() };
        let addresses: Vec<_> =
            (9092..9095).map(|port| vec![SocketAddr::from((Ipv4Addr::LOCALHOST, port))]).collect();
        let cluster = Cluster::new(settings, &addresses);
        Self { cluster, now: Time::ZERO, tickets: 0, waiting: HashMap::new() }
    }

    /// What is to be on disk is collected too, as with a data folder.
    #[must_use]
    pub fn durable(mut self) -> Self {
        let restored = self.cluster.restore(&BTreeMap::new(), BTreeMap::new());
        debug_assert!(restored.is_ok(), "there is nothing to restore");
        self
    }

    /// Adds a topic.
    #[must_use]
    pub fn topic(mut self, name: &str, partitions: usize) -> Self {
        let assignment = self.cluster.place_replicas(partitions, 3, 0);
        self.cluster.add_topic(name, assignment, BTreeMap::new());
        self
    }

    /// The ids of all topics.
    pub fn topic_ids(&self) -> Vec<Uuid> {
        self.cluster.topics.iter().map(|topic| topic.id).collect()
    }

    /// Hands a frame, without its length, to a broker, some time after the one before.
    ///
    /// # Errors
    /// An answer, perhaps to another frame, that cannot be written in its version.
    pub fn serve(&mut self, broker: i32, frame: Bytes, after: Duration) -> Result<Served, String> {
        self.now += after;
        let size = frame.len();
        let (header, request) = match read(frame) {
            Ok(Incoming::Request(header, request)) => (header, request),
            Ok(Incoming::TooNew(frame)) => return Ok(Served::Answered(frame.iter().map(Bytes::len).sum())),
            Err(_) => return Ok(Served::Closed),
        };
        self.tickets += 1;
        let (ticket, version) = (Ticket(self.tickets), header.api_version);
        let mut call = Call {
            ticket,
            broker,
            version,
            client_id: header.client_id,
            host: "127.0.0.1".to_owned(),
            size,
            ..Call::default()
        };
        self.cluster.meet(self.now, &call, request.as_ref());
        let mut outcome = self.cluster.handle(self.now, &mut call, request);
        self.cluster.charge(&call, header.api_key, Duration::from_micros(50), &mut outcome);
        let served = match outcome {
            Outcome::Answer(answer) | Outcome::Last(answer) => {
                Served::Answered(written(&answer, header.api_key, version)?)
            }
            Outcome::Later => {
                self.waiting.insert(ticket, (header.api_key, version));
                Served::Waiting
            }
            Outcome::Silence(_) => Served::Silence,
            Outcome::Close => Served::Closed,
        };
        drop(self.cluster.take_changes());
        for (ticket, answer) in self.cluster.take_answers() {
            if let Some((api, version)) = self.waiting.remove(&ticket) {
                written(&answer, api, version)?;
            }
        }
        Ok(served)
    }
}

/// How many bytes the answer has.
fn written(answer: &Answer, api: ApiKey, version: i16) -> Result<usize, String> {
    let frame = answer.encode(version, 7);
    let frame = frame.map_err(|error| format!("the answer to {api} {version} cannot be written: {error}"))?;
    Ok(frame.iter().map(Bytes::len).sum())
}

/// Whether the brokers offer this version of the API.
pub fn offers(api: ApiKey, version: i16) -> bool {
    supported().iter().any(|offered| offered.key == api && (offered.min..=offered.max).contains(&version))
}

/// Whether the frame, without its length, holds a request that is served.
pub fn can_read(frame: Bytes) -> bool {
    read(frame).is_ok()
}
