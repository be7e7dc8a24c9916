use serde::{Deserialize, Serialize};

/// How often an event is poison.
const POISON_EVERY: u32 = 1_000;

/// What the service handles.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Event {
    pub(crate) event_id: String,
    pub(crate) event_type: String,
    pub(crate) timestamp: String,
    pub(crate) data: Data,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Data {
    pub(crate) user: u32,
    pub(crate) page: String,
    pub(crate) duration_ms: u32,
}

/// What no service of this kind can read: the data is no object.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Poison {
    pub(crate) event_id: String,
    pub(crate) data: String,
}

/// One run of this program, whose events are told from those of others by their ids.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    id: String,
    pub(crate) events: u32,
}

impl Run {
    pub(crate) fn new(events: u32) -> Self {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Self { id: format!("{:x}-{:x}", now.as_millis(), std::process::id()), events }
    }

    /// The consumer group of this run.
    pub(crate) fn group(&self) -> String {
        format!("quickstart-{}", self.id)
    }

    pub(crate) fn is_poison(number: u32) -> bool {
        number.is_multiple_of(POISON_EVERY)
    }

    /// How many events are poison.
    pub(crate) fn poison(&self) -> u32 {
        self.events / POISON_EVERY
    }

    pub(crate) fn event_id(&self, number: u32) -> String {
        format!("{}/{number}", self.id)
    }

    /// The number of an event of this run, from 1; `None` if it is another's.
    pub(crate) fn number(&self, event_id: &str) -> Option<u32> {
        let number = event_id.strip_prefix(&self.id)?.strip_prefix('/')?.parse().ok()?;
        (1..=self.events).contains(&number).then_some(number)
    }

    pub(crate) fn event(&self, number: u32) -> Event {
        Event {
            event_id: self.event_id(number),
            event_type: "page_view".to_owned(),
            timestamp: "2024-01-01T00:00:00Z".to_owned(),
            data: Data {
                user: number % 977,
                page: format!("/products/{}", number % 131),
                duration_ms: number % 30_011,
            },
        }
    }

    pub(crate) fn poison_event(&self, number: u32) -> Poison {
        Poison { event_id: self.event_id(number), data: "not what anybody expects".to_owned() }
    }
}
