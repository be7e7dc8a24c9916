//! Who the client is: every way to say it, and everything that does not go together.

use kafka_security::{Credentials, SaslLogin, SaslMechanism, Token};

use super::*;
use crate::config::ConfigErrorKind::{
    self, Contradiction, Duplicate, File, Incomplete, Malformed, OutOfRange,
};

const PLAIN: &str = "org.apache.kafka.common.security.plain.PlainLoginModule";
const SCRAM: &str = "org.apache.kafka.common.security.scram.ScramLoginModule";
const OAUTH: &str = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule";
const SECRET: &str = "hunter2";

/// Variables by their names without the prefix, over SASL_PLAINTEXT.
fn sasl(vars: &[(&str, &str)]) -> Result<KafkaConfig, ConfigError> {
    let all = [("SECURITY_PROTOCOL", "SASL_PLAINTEXT")].iter().chain(vars);
    let all: Vec<_> = all.map(|(name, value)| (format!("STREAMING_KAFKA__{name}"), *value)).collect();
    KafkaConfig::from_vars(all)
}

fn properties(lines: &[&str]) -> Result<KafkaConfig, ConfigError> {
    let text = lines.join("\n");
    KafkaConfig::from_properties_reader("client.properties", text.as_bytes())
}

#[test]
fn every_way_to_sign_in_is_understood() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("password");
    std::fs::write(&file, format!("{SECRET}\n")).unwrap();
    let unsecured =
        format!("{OAUTH} required unsecuredLoginStringClaim_sub=\"me\" unsecuredLoginExtension_a='b';");
    let url = ("SASL_OAUTHBEARER_TOKEN_ENDPOINT_URL", "http://localhost:1/token");
    let by_jaas = format!(
        "{OAUTH} required clientId=\"c\" clientSecret=\"{SECRET}\" scope=s extension_logicalCluster=x;"
    );
    let cases: &[&[(&str, &str)]] = &[
        &[("SASL_MECHANISM", "plain"), ("SASL_USERNAME", "me"), ("SASL_PASSWORD", SECRET)],
        &[
            ("SASL_MECHANISM", "SCRAM-SHA-256"),
            ("SASL_USERNAME", "me"),
            ("SASL_PASSWORD_FILE", file.to_str().unwrap()),
        ],
        &[
            ("SASL_MECHANISM", "PLAIN"),
            ("SASL_JAAS_CONFIG", &format!("{PLAIN} required username=\"me\" password=\"{SECRET}\";")),
        ],
        &[
            ("SASL_MECHANISM", "SCRAM-SHA-512"),
            (
                "SASL_JAAS_CONFIG",
                &format!("{SCRAM} required username=me password='{SECRET}' tokenauth=false;"),
            ),
        ],
        &[("SASL_MECHANISM", "OAUTHBEARER"), ("SASL_JAAS_CONFIG", &unsecured)],
        &[("SASL_MECHANISM", "OAUTHBEARER"), ("SASL_JAAS_CONFIG", &by_jaas), url],
        &[
            ("SASL_MECHANISM", "OAUTHBEARER"),
            ("SASL_JAAS_CONFIG", &format!("{OAUTH} required extension_a=b;")),
            ("SASL_OAUTHBEARER_CLIENT_ID", "c"),
            ("SASL_OAUTHBEARER_CLIENT_SECRET", SECRET),
            ("SASL_OAUTHBEARER_SCOPE", "s"),
            url,
        ],
    ];
    for vars in cases {
        let config = sasl(vars).unwrap_or_else(|error| panic!("{vars:?}: {error}"));
        let security = config.security().unwrap();
        let (client, _) = config.producer_settings().unwrap();
        assert!(client.authenticator.is_some());
        let shown = format!("{config:?} {security:?} {client:?}");
        assert!(!shown.contains(SECRET), "{shown}");
    }
}

#[test]
fn what_is_half_there_or_given_in_vain_is_refused_by_name() {
    let mechanism = |name| ("SASL_MECHANISM", name);
    let (plain, oauth) = (mechanism("PLAIN"), mechanism("OAUTHBEARER"));
    let (user, password) = (("SASL_USERNAME", "me"), ("SASL_PASSWORD", SECRET));
    let url = ("SASL_OAUTHBEARER_TOKEN_ENDPOINT_URL", "http://localhost/token");
    let id = ("SASL_OAUTHBEARER_CLIENT_ID", "c");
    let secret = ("SASL_OAUTHBEARER_CLIENT_SECRET", SECRET);
    let jaas = |text: &str| -> &'static str { Box::leak(text.to_owned().into_boxed_str()) };
    let jaas = |text: &str| ("SASL_JAAS_CONFIG", jaas(text));
    let in_plain = jaas(&format!("{PLAIN} required username=me password={SECRET};"));
    let unsecured = jaas(&format!("{OAUTH} required unsecuredLoginStringClaim_sub=me;"));
    type Case<'a> = (&'a [(&'a str, &'a str)], ConfigErrorKind, &'a [&'a str]);
    let cases: &[Case<'_>] = &[
        (&[plain, user], Incomplete, &["SASL_PASSWORD:", "SASL_PASSWORD_FILE"]),
        (&[plain, password], Incomplete, &["SASL_USERNAME", "`PLAIN`"]),
        (
            &[plain, user, password, ("SASL_PASSWORD_FILE", "/tmp/x")],
            Duplicate,
            &["SASL_PASSWORD_FILE", "SASL_PASSWORD says"],
        ),
        (
            &[plain, user, ("SASL_PASSWORD_FILE", "/nonexistent")],
            File,
            &["SASL_PASSWORD_FILE", "No such file"],
        ),
        (&[plain, user, ("SASL_PASSWORD", "")], OutOfRange, &["SASL_PASSWORD", "not empty"]),
        (&[plain, user, ("SASL_PASSWORD", "a\0b")], OutOfRange, &["SASL_PASSWORD", "NUL"]),
        (&[plain, user, password, url], Contradiction, &["TOKEN_ENDPOINT_URL", "`OAUTHBEARER`"]),
        (&[plain, user, in_plain], Duplicate, &["SASL_USERNAME", "SASL_JAAS_CONFIG"]),
        (&[plain, unsecured], Contradiction, &["SASL_JAAS_CONFIG", "***", "`PLAIN`"]),
        (&[mechanism("SCRAM-SHA-256"), in_plain], Contradiction, &["SASL_JAAS_CONFIG", "`SCRAM-SHA-256`"]),
        (&[plain, jaas("nonsense")], Malformed, &["SASL_JAAS_CONFIG", "`required`"]),
        (
            &[plain, jaas("com.example.Mine required a=b;")],
            Malformed,
            &["com.example.Mine", "PlainLoginModule"],
        ),
        (
            &[plain, jaas(&format!("{PLAIN} required username=me pasword={SECRET};"))],
            Malformed,
            &["`password`"],
        ),
        (
            &[plain, jaas(&format!("{PLAIN} required username=me password={SECRET} realm=x;"))],
            Malformed,
            &["unknown option `realm` of `PlainLoginModule`"],
        ),
        (
            &[mechanism("SCRAM-SHA-256"), jaas(&format!("{SCRAM} required tokenauth=true;"))],
            Malformed,
            &["tokenauth"],
        ),
        (&[mechanism("GSSAPI")], OutOfRange, &["SASL_MECHANISM", "`GSSAPI`", "`OAUTHBEARER`"]),
        (&[oauth], Incomplete, &["TOKEN_ENDPOINT_URL", "unsecuredLoginStringClaim_sub"]),
        (&[oauth, user, password], Contradiction, &["SASL_USERNAME", "token"]),
        (&[oauth, url], Incomplete, &["CLIENT_ID", "TOKEN_ENDPOINT_URL"]),
        (&[oauth, url, id], Incomplete, &["CLIENT_SECRET"]),
        (&[oauth, id, secret], Incomplete, &["CLIENT_ID", "needs", "TOKEN_ENDPOINT_URL"]),
        (&[oauth, jaas(&format!("{OAUTH} required;"))], Incomplete, &["TOKEN_ENDPOINT_URL"]),
        (
            &[oauth, jaas(&format!("{OAUTH} required clientId=c clientSecret={SECRET};"))],
            Incomplete,
            &["TOKEN_ENDPOINT_URL"],
        ),
        (&[oauth, unsecured, url], Contradiction, &["SASL_JAAS_CONFIG", "without a signature"]),
        (
            &[oauth, url, id, secret, jaas(&format!("{OAUTH} required clientId=c;"))],
            Duplicate,
            &["CLIENT_ID"],
        ),
        (
            &[oauth, ("SASL_OAUTHBEARER_TOKEN_ENDPOINT_URL", "idp/token"), id, secret],
            OutOfRange,
            &["https://host/path"],
        ),
        (
            &[oauth, jaas(&format!("{OAUTH} required unsecuredLoginNumberClaim_exp=\"1\";"))],
            Malformed,
            &["unsecuredLoginStringClaim_sub"],
        ),
        (
            &[
                oauth,
                jaas(&format!(
                    "{OAUTH} required unsecuredLoginStringClaim_sub=me unsecuredLoginExtension_auth=x;"
                )),
            ],
            Malformed,
            &["`auth`"],
        ),
    ];
    for (vars, kind, parts) in cases {
        let error = match sasl(vars) {
            Ok(config) => panic!("{vars:?} was taken as {config:?}"),
            Err(error) => error,
        };
        assert_eq!(error.kind(), *kind, "{vars:?}: {error}");
        assert_says(&error, parts);
        assert!(!format!("{error}{error:?}").contains(SECRET), "{error}");
    }
}

#[test]
fn javas_properties_of_each_mechanism_are_understood() {
    let protocol = "security.protocol=SASL_PLAINTEXT";
    let url = "sasl.oauthbearer.token.endpoint.url=http://localhost/token";
    let handler = "sasl.login.callback.handler.class=\
                   org.apache.kafka.common.security.oauthbearer.secured.OAuthBearerLoginCallbackHandler";
    let jaas =
        format!("sasl.jaas.config={PLAIN} required \\\n  username=\"me\" \\\n  password=\"a\\\\\"b\";");
    let config = properties(&[protocol, "sasl.mechanism=PLAIN", &jaas]).unwrap();
    // What is left of the escapes of the file is an escape of the quoted text.
    assert!(config.sasl_jaas_config.as_ref().unwrap().expose().ends_with(r#"password="a\"b";"#));

    let kip_1139 = [
        protocol,
        "sasl.mechanism=OAUTHBEARER",
        url,
        handler,
        "sasl.oauthbearer.client.credentials.client.id=c",
        "sasl.oauthbearer.client.credentials.client.secret=s",
        "sasl.oauthbearer.scope=kafka",
    ];
    let config = properties(&kip_1139).unwrap();
    assert_eq!(config.sasl_oauthbearer_client_id.as_deref(), Some("c"));
    assert_eq!(config.sasl_oauthbearer_scope.as_deref(), Some("kafka"));
    let jaas = format!("sasl.jaas.config={OAUTH} required clientId=c clientSecret=\"s\";");
    properties(&[protocol, "sasl.mechanism=OAUTHBEARER", url, &jaas]).unwrap();

    let twice = [&kip_1139[..], &["sasl.oauthbearer.client.id=c"]].concat();
    assert_says(&properties(&twice).unwrap_err(), &["sasl.oauthbearer.client.id", "line 5"]);
    let other = [protocol, "sasl.login.callback.handler.class=com.example.Mine"];
    assert_says(&properties(&other).unwrap_err(), &["com.example.Mine", "OAuthBearerLoginCallbackHandler"]);
}

#[test]
fn callbacks_stand_in_for_all_other_settings() {
    let mut config =
        sasl(&[("SASL_MECHANISM", "PLAIN"), ("SASL_USERNAME", "me"), ("SASL_PASSWORD", "x")]).unwrap();
    config.sasl_login = Some(SaslLogin::with_tokens(|| async { Ok(Token::new("abc")) }));
    assert_says(&config.validate().unwrap_err(), &["sasl_username".to_uppercase().as_str(), "sasl_login"]);
    (config.sasl_username, config.sasl_password) = (None, None);
    assert_says(&config.validate().unwrap_err(), &["SASL_MECHANISM", "`PLAIN`", "`OAUTHBEARER`"]);
    config.sasl_mechanism = None;
    assert!(config.producer_settings().unwrap().0.authenticator.is_some());
    config.sasl_login =
        Some(SaslLogin::with_credentials(SaslMechanism::Plain, || async { Ok(Credentials::new("me", "x")) }));
    config.validate().unwrap();
    config.security_protocol = kafka_security::SecurityProtocol::Ssl;
    assert_eq!(config.validate().unwrap_err().kind(), Contradiction);
}
