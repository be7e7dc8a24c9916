#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = kafka_security::fuzzing::read_jaas(bytes);
});
