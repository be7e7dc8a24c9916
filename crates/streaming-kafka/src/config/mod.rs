//! The configuration: from the environment or a file to typed settings, or to an error that says what would be right.
//!
//! `env` and `files` collect what was given, `variables` and `settings` are the tables of what there is, `build` joins
//! the two, `checks`, `security`, `sasl` and `tls` look at how settings go together. Nothing here connects to anything.

mod build;
mod checks;
mod docs;
mod env;
mod error;
mod files;
mod handler_config;
mod json;
mod kafka_config;
mod presets;
mod properties;
mod sasl;
mod security;
mod settings;
mod tls;
mod topics;
mod variables;

#[cfg(test)]
mod tests;

pub use docs::settings_table_markdown;
pub use error::{ConfigError, ConfigErrorKind};
pub use handler_config::HandlerConfig;
pub use kafka_config::KafkaConfig;
pub use presets::{ConsumerPreset, ProducerPreset};
pub use settings::SettingValue;
pub use topics::{TopicNames, recommended_partitions};
