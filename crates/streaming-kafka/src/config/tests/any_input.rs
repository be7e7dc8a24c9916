//! No text, however odd, does anything but give a config or an error.

use proptest::prelude::*;

use super::*;
use crate::config::settings::all;
use crate::config::variables::ALL;

fn names() -> impl Strategy<Value = String> {
    let known: Vec<String> = ALL
        .iter()
        .map(|variable| variable.env())
        .chain(["STREAMING_EVENTS_TOPIC".to_owned(), format!("{PRODUCER}__ACKS")])
        .collect();
    prop_oneof![
        4 => prop::sample::select(known),
        1 => "STREAMING_(KAFKA__)?\\PC{0,20}",
        1 => "\\PC{0,40}",
    ]
}

fn keys() -> impl Strategy<Value = String> {
    let known: Vec<String> = all().map(|setting| setting.name.to_owned()).collect();
    prop_oneof![4 => prop::sample::select(known), 1 => ".{0,30}"]
}

proptest! {
    #[test]
    fn any_variables_give_a_config_or_an_error(vars in prop::collection::vec((names(), ".{0,60}"), 0..4)) {
        if let Err(error) = KafkaConfig::from_vars(vars) {
            prop_assert!(!error.variable().is_empty() && !error.right().is_empty());
        }
    }

    #[test]
    fn any_value_of_any_key_gives_a_config_or_an_error_that_names_it(
        key in keys(),
        value in prop_oneof![
            any::<i64>().prop_map(serde_json::Value::from),
            any::<f64>().prop_map(serde_json::Value::from),
            any::<bool>().prop_map(serde_json::Value::from),
            ".{0,40}".prop_map(serde_json::Value::from),
            Just(serde_json::Value::Null),
        ],
        variable in prop::sample::select(vec![PRODUCER, CONSUMER, HANDLER]),
    ) {
        let text = serde_json::json!({ key.as_str(): value }).to_string();
        if let Err(error) = KafkaConfig::from_vars([(variable, text)]) {
            prop_assert_eq!(error.variable(), variable);
            prop_assert!(error.key().is_some() && error.value().is_some());
        }
    }

    #[test]
    fn any_object_like_text_gives_a_config_or_an_error(text in "[{}\\[\\]\":,a-z0-9.\\\\ -]{0,60}") {
        let _ = KafkaConfig::from_vars([(PRODUCER, text.as_str()), (CONSUMER, text.as_str()), (HANDLER, text.as_str())]);
        let _ = KafkaConfig::from_vars([("STREAMING_KAFKA__BOOTSTRAP_SERVERS", text.as_str())]);
    }

    #[test]
    fn any_file_gives_a_config_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = KafkaConfig::from_properties_reader("any", bytes.as_slice());
    }

    #[test]
    fn any_number_of_partitions_is_at_least_six(consumers in any::<u32>(), mb_per_s in any::<f64>()) {
        prop_assert!(crate::recommended_partitions(consumers, mb_per_s) >= 6);
    }
}
