//! The environment variables besides the topics' names: one list from which reading, suggestions and documentation derive.

use serde::Deserialize;

/// What all variables of the connection begin with.
pub(crate) const PREFIX: &str = "STREAMING_KAFKA__";

/// An environment variable, without [`PREFIX`] and in lower case.
pub(crate) struct Variable {
    pub(crate) field: &'static str,
    pub(crate) default: &'static str,
    pub(crate) expects: &'static str,
    pub(crate) doc: &'static str,
}

impl Variable {
    pub(crate) fn env(&self) -> String {
        format!("{PREFIX}{}", self.field.to_ascii_uppercase())
    }

    pub(crate) fn dotted(&self) -> String {
        self.field.replace('_', ".")
    }
}

macro_rules! variables {
    ($($field:ident: $default:literal, $expects:literal, $doc:literal;)*) => {
        /// Their values as `envy` hands them over; what they mean is found out afterwards, to tell what is wrong with them.
        #[derive(Default, Deserialize)]
        pub(crate) struct Raw {
            $(pub(crate) $field: Option<String>,)*
        }

        impl Raw {
            /// The same from a properties file, where the key is a field's name with dots. False if there is none.
            pub(crate) fn set(&mut self, field: &str, value: String) -> bool {
                match field {
                    $(stringify!($field) => self.$field = Some(value),)*
                    _ => return false,
                }
                true
            }
        }

        pub(crate) static ALL: &[Variable] = &[
            $(Variable { field: stringify!($field), default: $default, expects: $expects, doc: $doc },)*
        ];
    };
}

variables! {
    bootstrap_servers: r#"["localhost:9092"]"#, "a JSON list of `host:port`, or `host:port,host:port`",
        "where to ask for the cluster's brokers";
    security_protocol: "PLAINTEXT", "one of `PLAINTEXT`, `SSL`, `SASL_PLAINTEXT`, `SASL_SSL`",
        "whether connections are encrypted, and whether the client says who it is";
    sasl_mechanism: "", "one of `PLAIN`, `SCRAM-SHA-256`, `SCRAM-SHA-512`, `OAUTHBEARER`",
        "how the client says who it is; needed by both SASL protocols";
    sasl_username: "", "a text that is not empty", "the user";
    sasl_password: "", "a text that is not empty", "the user's password; never shown";
    sasl_password_file: "", "the path of a file", "the password is in this file, which is read at each authentication";
    sasl_jaas_config: "", "`Module required name=\"value\" ...;`",
        "user and password, or how tokens are got, as Java's clients take it; never shown";
    sasl_oauthbearer_token_endpoint_url: "", "an `https://` URL",
        "where `OAUTHBEARER` asks for tokens; needs the client's id and secret";
    sasl_oauthbearer_client_id: "", "a text that is not empty", "the client at the token endpoint";
    sasl_oauthbearer_client_secret: "", "a text that is not empty", "the client's secret; never shown";
    sasl_oauthbearer_scope: "", "a text that is not empty", "the scope that is asked for";
    ssl_ca_location: "", "the path of a PEM file, of a directory of them, or of a PKCS#12 trust store",
        "whose certificates are trusted; without it, those that browsers trust";
    ssl_truststore_password: "", "a text", "the password of a PKCS#12 trust store; never shown";
    ssl_truststore_certificates: "", "PEM", "whose certificates are trusted, without a file";
    ssl_cert_location: "", "the path of a PEM file", "the client's certificate, for mutual TLS; needs the key";
    ssl_key_location: "", "the path of a PEM file", "the key of the client's certificate";
    ssl_key_password: "", "a text", "the pass phrase of that key; never shown";
    ssl_keystore_location: "", "the path of a PEM file or of a PKCS#12 key store",
        "the client's certificate and its key in one file";
    ssl_keystore_password: "", "a text", "the password of a PKCS#12 key store; never shown";
    ssl_keystore_certificate_chain: "", "PEM", "the client's certificate, without a file; needs the key";
    ssl_keystore_key: "", "PEM", "the key of the client's certificate, without a file; never shown";
    ssl_endpoint_identification_algorithm: "https", "`https`, or nothing",
        "whether the name in a broker's certificate is checked; nothing switches that off, with a warning";
    ssl_enabled_protocols: "TLSv1.2,TLSv1.3", "a list of `TLSv1.2` and `TLSv1.3`", "the versions that are offered";
    producer_config: "{}", "a JSON object of producer settings", "see the table of settings";
    consumer_config: "{}", "a JSON object of consumer settings", "see the table of settings";
    handler_config: "{}", "a JSON object of handler settings", "see the table of settings";
    enable_dead_letter_queue: "true", "`true` or `false`",
        "what cannot be handled or produced goes to the dead letter topic";
    dead_letter_topic_suffix: ".dlq", "1 to 100 of the characters `a-z`, `A-Z`, `0-9`, `.`, `_`, `-`",
        "what a topic's name is given to become that of its dead letter topic";
}
