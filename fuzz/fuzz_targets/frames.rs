#![no_main]

use kafka_tests_fuzz::{Target, feed};

libfuzzer_sys::fuzz_target!(|input: &[u8]| feed(Target::Frames, input));
