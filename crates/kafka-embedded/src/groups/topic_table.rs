use kafka_core::protocol::Uuid;

/// A partition as coordinators name it.
pub(crate) type Place = (Uuid, i32);

/// What a coordinator must know of a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TopicShape {
    pub(crate) id: Uuid,
    pub(crate) partitions: i32,
}

/// Which topics there are.
pub(crate) trait TopicTable {
    /// The topic of this name.
    fn shape(&self, name: &str) -> Option<TopicShape>;

    /// The name of the topic with this id.
    fn name(&self, id: Uuid) -> Option<&str>;

    /// The names of all topics, in order.
    fn names(&self) -> Box<dyn Iterator<Item = &str> + '_>;
}

/// Topics that a test makes up.
#[cfg(test)]
#[derive(Clone, Debug, Default)]
pub(crate) struct TopicMap(pub(crate) std::collections::BTreeMap<String, TopicShape>);

#[cfg(test)]
impl TopicTable for TopicMap {
    fn shape(&self, name: &str) -> Option<TopicShape> {
        self.0.get(name).copied()
    }

    fn name(&self, id: Uuid) -> Option<&str> {
        self.0.iter().find(|(_, shape)| shape.id == id).map(|(name, _)| name.as_str())
    }

    fn names(&self) -> Box<dyn Iterator<Item = &str> + '_> {
        Box::new(self.0.keys().map(String::as_str))
    }
}
