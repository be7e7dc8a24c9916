use std::time::Duration;

use bytes::Bytes;
use kafka_core::protocol::messages::JoinGroupRequest;

use crate::core::{Call, Ticket, Time};

/// A request of a member that waits for an answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Waiting {
    pub(crate) ticket: Ticket,
    pub(crate) version: i16,
    /// The broker that was asked.
    pub(crate) broker: i32,
}

impl Waiting {
    pub(super) fn new(call: &Call) -> Self {
        Self { ticket: call.ticket, version: call.version, broker: call.broker }
    }
}

/// A member of a group.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) id: String,
    /// `group.instance.id`: it may come back under another id without a rebalance.
    pub(crate) instance: Option<String>,
    pub(crate) client_id: String,
    pub(crate) host: String,
    pub(crate) session_timeout: Duration,
    pub(crate) rebalance_timeout: Duration,
    /// The assignors that it offers, the preferred one first, and what it says to each.
    pub(crate) protocols: Vec<(String, Bytes)>,
    pub(crate) assignment: Bytes,
    pub(crate) joining: Option<Waiting>,
    pub(crate) syncing: Option<Waiting>,
    /// When it counts as gone, unless it is heard of before.
    pub(crate) expires: Time,
}

impl Member {
    pub(super) fn new(id: String, request: &JoinGroupRequest, call: &Call, now: Time) -> Self {
        let mut member = Self {
            id,
            instance: request.group_instance_id.clone(),
            client_id: call.client_id.clone().unwrap_or_default(),
            host: format!("/{}", call.host),
            session_timeout: Duration::ZERO,
            rebalance_timeout: Duration::ZERO,
            protocols: Vec::new(),
            assignment: Bytes::new(),
            joining: None,
            syncing: None,
            expires: now,
        };
        member.update(request);
        member.heard_of(now);
        member
    }

    pub(super) fn update(&mut self, request: &JoinGroupRequest) {
        let millis = |value: i32| Duration::from_millis(u64::try_from(value).unwrap_or_default());
        self.session_timeout = millis(request.session_timeout_ms);
        // Version 0 has one time-out for both.
        let rebalance = if request.rebalance_timeout_ms < 0 {
            request.session_timeout_ms
        } else {
            request.rebalance_timeout_ms
        };
        self.rebalance_timeout = millis(rebalance);
        self.protocols = protocols_of(request);
    }

    pub(super) fn heard_of(&mut self, now: Time) {
        self.expires = now + self.session_timeout;
    }

    /// Whether it waits for an answer, and so is known to live.
    pub(super) fn waits(&self) -> bool {
        self.joining.is_some() || self.syncing.is_some()
    }

    pub(crate) fn metadata_for(&self, protocol: &str) -> Bytes {
        let found = self.protocols.iter().find(|(name, _)| name == protocol);
        found.map(|(_, metadata)| metadata.clone()).unwrap_or_default()
    }

    pub(super) fn supports(&self, protocol: &str) -> bool {
        self.protocols.iter().any(|(name, _)| name == protocol)
    }
}

pub(crate) fn protocols_of(request: &JoinGroupRequest) -> Vec<(String, Bytes)> {
    // Copied: a membership outlives the request that its bytes lie in.
    let copy = |bytes: &Bytes| Bytes::copy_from_slice(bytes);
    request.protocols.iter().map(|protocol| (protocol.name.clone(), copy(&protocol.metadata))).collect()
}
