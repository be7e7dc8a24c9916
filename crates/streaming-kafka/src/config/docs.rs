use std::fmt::Write;

use kafka_stream::consumer::ConsumerConfig;
use kafka_stream::producer::ProducerConfig;

use super::HandlerConfig;
use super::settings::{Setting, all};
use super::topics::TOPIC_VARIABLES;
use super::variables::ALL;

/// All variables and settings as Markdown, from the tables that reading them uses.
///
/// The project's README holds it, and a test compares the two.
pub fn settings_table_markdown() -> String {
    let mut out = String::from("| variable | default | value | what it does |\n|---|---|---|---|\n");
    for variable in ALL {
        row(&mut out, &variable.env(), variable.default, variable.expects, variable.doc);
    }
    for (name, default, doc) in TOPIC_VARIABLES {
        row(&mut out, name, default, "a topic name", doc);
    }
    section(&mut out, "`STREAMING_KAFKA__PRODUCER_CONFIG`", |s| {
        s.is_of::<ProducerConfig>() && !s.is_of::<ConsumerConfig>()
    });
    section(&mut out, "`STREAMING_KAFKA__CONSUMER_CONFIG`", |s| {
        s.is_of::<ConsumerConfig>() && !s.is_of::<ProducerConfig>()
    });
    section(&mut out, "`STREAMING_KAFKA__HANDLER_CONFIG`", |s| s.is_of::<HandlerConfig>());
    section(&mut out, "both `PRODUCER_CONFIG` and `CONSUMER_CONFIG`", |s| {
        s.is_of::<ConsumerConfig>() && s.is_of::<ProducerConfig>()
    });
    out
}

fn section(out: &mut String, place: &str, belongs: impl Fn(&Setting) -> bool) {
    // Writing to a String cannot fail.
    let _ = writeln!(out, "\n| key in {place} | default | value | what it does |\n|---|---|---|---|");
    for setting in all().filter(|setting| belongs(setting)) {
        row(out, setting.name, setting.default, &setting.expects(), setting.doc);
    }
}

fn row(out: &mut String, name: &str, default: &str, expects: &str, doc: &str) {
    let default = if default.is_empty() { String::new() } else { format!("`{default}`") };
    let _ = writeln!(out, "| `{name}` | {default} | {expects} | {doc} |");
}
