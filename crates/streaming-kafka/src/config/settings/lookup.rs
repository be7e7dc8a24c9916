use std::collections::BTreeMap;

use kafka_core::cluster::ClientConfig;
use kafka_stream::consumer::ConsumerConfig;
use kafka_stream::producer::ProducerConfig;

use super::client::CLIENT;
use super::consumer::CONSUMER;
use super::handler::HANDLER;
use super::kind::{Kind, Refused};
use super::producer::PRODUCER;
use super::{Place, Setting, SettingValue};
use crate::config::{ConfigError, ConfigErrorKind, HandlerConfig, variables};

/// All settings: the producer's, the consumer's, those both have, and the handlers'.
pub(crate) fn all() -> impl Iterator<Item = &'static Setting> {
    PRODUCER.iter().chain(CONSUMER).chain(CLIENT).chain(HANDLER)
}

/// Kafka's name in `snake_case`.
pub(crate) fn snake(name: &str) -> String {
    name.replace('.', "_")
}

impl Setting {
    /// What values are right.
    pub(crate) fn expects(&self) -> String {
        match &self.place {
            Place::Producer(kind) => kind.expects(),
            Place::Consumer(kind) => kind.expects(),
            Place::Handler(kind) => kind.expects(),
            Place::Client(kind) => kind.expects(),
        }
    }

    /// Whether `T` has this setting.
    pub(crate) fn is_of<T: Role>(&self) -> bool {
        (T::CONNECTS && matches!(self.place, Place::Client(_))) || T::kind(&self.place).is_some()
    }

    pub(crate) fn is_called(&self, key: &str) -> bool {
        // Kafka's names hold no underscore, so a key is either one spelling or the other.
        key == self.name || key == snake(self.name)
    }
}

/// A typed config that settings go to: the producer's, the consumer's or the handlers'.
pub(crate) trait Role: Sized + 'static {
    /// `producer`, `consumer` or `handler`.
    const NAME: &'static str;
    /// Whether it has connections of its own, with their settings.
    const CONNECTS: bool = true;
    fn kind(place: &Place) -> Option<&Kind<Self>>;
}

impl Role for ProducerConfig {
    const NAME: &'static str = "producer";

    fn kind(place: &Place) -> Option<&Kind<Self>> {
        match place {
            Place::Producer(kind) => Some(kind),
            _ => None,
        }
    }
}

impl Role for ConsumerConfig {
    const NAME: &'static str = "consumer";

    fn kind(place: &Place) -> Option<&Kind<Self>> {
        match place {
            Place::Consumer(kind) => Some(kind),
            _ => None,
        }
    }
}

impl Role for HandlerConfig {
    const NAME: &'static str = "handler";
    const CONNECTS: bool = false;

    fn kind(place: &Place) -> Option<&Kind<Self>> {
        match place {
            Place::Handler(kind) => Some(kind),
            _ => None,
        }
    }
}

/// Where a role's settings are written to.
pub(crate) struct Side<'a, T> {
    pub(crate) config: &'a mut T,
    /// That of its connections, if it has any.
    pub(crate) client: Option<&'a mut ClientConfig>,
    /// The settings that were given, as against left at their defaults, with their names as spelled.
    pub(crate) given: &'a mut BTreeMap<&'static str, String>,
}

impl<T: Role> Side<'_, T> {
    /// Finds the setting `key` in either spelling.
    pub(crate) fn find(
        variable: &str,
        key: &str,
        value: &SettingValue,
    ) -> Result<&'static Setting, ConfigError> {
        all().find(|setting| setting.is_of::<T>() && setting.is_called(key)).ok_or_else(|| {
            ConfigError::new(ConfigErrorKind::UnknownKey, variable, unknown::<T>(key))
                .with_key(key)
                .with_value(value.to_string())
        })
    }

    /// Writes `value` to `setting`; `key` is how it was spelled.
    pub(crate) fn apply(
        &mut self,
        variable: &str,
        key: &str,
        setting: &'static Setting,
        value: &SettingValue,
    ) -> Result<(), ConfigError> {
        let applied = match (&setting.place, self.client.as_deref_mut()) {
            (Place::Client(kind), Some(client)) => kind.apply(client, value),
            (place, _) => match T::kind(place) {
                Some(kind) => kind.apply(self.config, value),
                None => Err(Refused(ConfigErrorKind::UnknownKey)),
            },
        };
        applied.map_err(|Refused(kind)| {
            ConfigError::new(kind, variable, format!("expected {}", setting.expects()))
                .with_key(key)
                .with_value(value.to_string())
        })?;
        self.given.insert(setting.name, key.to_owned());
        Ok(())
    }

    /// [`find`](Self::find) and [`apply`](Self::apply).
    pub(crate) fn set(&mut self, variable: &str, key: &str, value: &SettingValue) -> Result<(), ConfigError> {
        let setting = Self::find(variable, key, value)?;
        self.apply(variable, key, setting, value)
    }
}

/// Whether any role has the setting `key`.
pub(crate) fn is_known(key: &str) -> bool {
    all().any(|setting| setting.is_called(key))
}

fn unknown<T: Role>(key: &str) -> String {
    if let Some(other) = all().find(|setting| setting.is_called(key)) {
        let role = match other.place {
            Place::Producer(_) => "producer",
            Place::Consumer(_) => "consumer",
            Place::Handler(_) => "handler",
            Place::Client(_) => "producer and of the consumer",
        };
        return format!("this is a setting of the {role}; a {} has none of that name", T::NAME);
    }
    let dotted = key.replace('_', ".");
    if let Some(variable) = variables::ALL.iter().find(|variable| variable.dotted() == dotted) {
        return format!("connections are set up outside of this: set `{}`", variable.env());
    }
    let names = all().filter(|setting| setting.is_of::<T>()).map(|setting| setting.name);
    match nearest(&dotted, names) {
        Some(name) if key.contains('.') => format!("unknown {} setting; did you mean `{name}`?", T::NAME),
        Some(name) => format!("unknown {} setting; did you mean `{}`?", T::NAME, snake(name)),
        None => format!("unknown {} setting", T::NAME),
    }
}

/// The name that needs the fewest edits to be `given`; one that was begun and not finished comes first.
pub(crate) fn nearest<'a>(given: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    // A name that is thousands of characters long is near to nothing, and comparing it takes its length times ours.
    let given: String = given.chars().take(128).collect::<String>().to_ascii_lowercase();
    names.min_by_key(|name| {
        let name = name.to_ascii_lowercase();
        let begun = given.len() > 3 && name.starts_with(&given);
        (!begun, strsim::damerau_levenshtein(&given, &name))
    })
}
