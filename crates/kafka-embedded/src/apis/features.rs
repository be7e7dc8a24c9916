/// A feature of the cluster: the levels that its brokers support, and the one in force (KIP-584).
#[derive(Clone, Copy, Debug)]
pub(super) struct Feature {
    pub(super) name: &'static str,
    pub(super) min: i16,
    pub(super) max: i16,
    pub(super) level: i16,
}

const fn feature(name: &'static str, min: i16, max: i16, level: i16) -> Feature {
    Feature { name, min, max, level }
}

/// What a new cluster of Kafka 4.3 has.
pub(super) const FEATURES: &[Feature] = &[
    feature("eligible.leader.replicas.version", 0, 1, 1),
    feature("group.version", 0, 1, 1),
    feature("kraft.version", 0, 1, 0),
    feature("metadata.version", 7, 30, 30),
    feature("share.version", 0, 1, 1),
    feature("streams.version", 0, 1, 1),
    feature("transaction.version", 0, 2, 2),
];
