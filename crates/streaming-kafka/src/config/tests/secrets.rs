//! No secret in any output, however the settings around it are wrong.

use super::*;

const SECRET: &str = "hunter2-and-more";

#[test]
fn no_error_and_no_debug_output_shows_a_secret() {
    let json = format!(r#"{{"sasl.password":"{SECRET}"}}"#);
    let broken = format!(r#"{{"sasl_password":"{SECRET}""#);
    let jaas = format!(r#"{{"sasl.jaas.config":"PlainLoginModule required password=\"{SECRET}\";"}}"#);
    let cases: &[&[(&str, &str)]] = &[
        &[("STREAMING_KAFKA__SASL_PASSWORD", SECRET)],
        &[("STREAMING_KAFKA__SASL_PASSWRD", SECRET)],
        &[("STREAMING_KAFKA__SASL_PWD", SECRET)],
        &[("STREAMING_KAFKA_SASL_PASSWORD", SECRET)],
        &[("STREAMING_KAFKA__SASL_PASSWORD", SECRET), ("streaming_kafka__sasl_password", SECRET)],
        &[("STREAMING_KAFKA__SASL_PASSWORD_FILE", SECRET)],
        &[(PRODUCER, &json)],
        &[(CONSUMER, &broken)],
        &[(CONSUMER, &jaas)],
        &[("STREAMING_KAFKA__PRODUCER_CONFIG__SASL_PASSWORD", SECRET)],
    ];
    for vars in cases {
        let error = refused(vars);
        assert!(!format!("{error} {error:?} {error:#?}").contains(SECRET), "{error}");
    }

    let config = read(&[
        ("STREAMING_KAFKA__SECURITY_PROTOCOL", "SASL_PLAINTEXT"),
        ("STREAMING_KAFKA__SASL_MECHANISM", "SCRAM-SHA-512"),
        ("STREAMING_KAFKA__SASL_USERNAME", "me"),
        ("STREAMING_KAFKA__SASL_PASSWORD", SECRET),
    ])
    .unwrap();
    assert!(!format!("{config:?}{config:#?}").contains(SECRET));
    assert_eq!(config.sasl_password.unwrap().expose(), SECRET);

    let text = format!("sasl.pasword={SECRET}\n");
    let error = KafkaConfig::from_properties_reader("client.properties", text.as_bytes()).unwrap_err();
    assert!(!error.to_string().contains(SECRET), "{error}");
}

#[cfg(unix)]
#[test]
fn bytes_that_are_not_utf8_are_refused_by_name() {
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;

    let bad = OsString::from_vec(b"a\xffb".to_vec());
    let error =
        KafkaConfig::from_vars([(OsString::from("STREAMING_EVENTS_TOPIC"), bad.clone())]).unwrap_err();
    assert_says(&error, &["STREAMING_EVENTS_TOPIC", "not UTF-8"]);
    let error = KafkaConfig::from_vars([(OsString::from("STREAMING_KAFKA__SASL_PASSWORD"), bad.clone())])
        .unwrap_err();
    assert_says(&error, &["STREAMING_KAFKA__SASL_PASSWORD", "`***`", "not UTF-8"]);
    let name = OsString::from_vec(b"STREAMING_KAFKA__\xff".to_vec());
    let error = KafkaConfig::from_vars([(name, OsString::from("x"))]).unwrap_err();
    assert_says(&error, &["STREAMING_KAFKA__", "not UTF-8"]);

    let others = [(bad.clone(), bad.clone()), (OsString::from("PATH"), bad)];
    assert!(KafkaConfig::from_vars(others).is_ok());
}
