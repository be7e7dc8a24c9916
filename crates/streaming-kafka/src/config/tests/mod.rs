mod any_input;
mod guide;
mod handlers;
mod sasl;
mod secrets;
mod sources;
mod tls;
mod together;
mod wrong_forms;

use super::{ConfigError, KafkaConfig};

const PRODUCER: &str = "STREAMING_KAFKA__PRODUCER_CONFIG";
const CONSUMER: &str = "STREAMING_KAFKA__CONSUMER_CONFIG";
const HANDLER: &str = "STREAMING_KAFKA__HANDLER_CONFIG";

fn read(vars: &[(&str, &str)]) -> Result<KafkaConfig, ConfigError> {
    KafkaConfig::from_vars(vars.iter().copied())
}

fn refused(vars: &[(&str, &str)]) -> ConfigError {
    match read(vars) {
        Ok(config) => panic!("{vars:?} was taken as {config:?}"),
        Err(error) => error,
    }
}

/// Checks that an error names the variable, the key and the value, and says what is right.
fn assert_says(error: &ConfigError, parts: &[&str]) {
    let message = error.to_string();
    for part in parts {
        assert!(message.contains(part), "`{part}` is not in: {message}");
    }
}
