#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = streaming_kafka::KafkaConfig::from_properties_reader("input", bytes);
});
