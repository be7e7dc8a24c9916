//! The listeners that ask who is there, by Kafka's own client: what tests of our client's security rely on.
//!
//! Only on real clusters: they are about its listeners, by Java's own client.

// What is not as it must be ends the test, in its helpers too.
#![allow(clippy::unwrap_used)]

use std::{fs, path::PathBuf};

use kafka_tests::{Cluster, Tool, unique};

/// A client's settings in a file of their own, as Kafka's tools take them.
fn settings(lines: &[String]) -> PathBuf {
    let file = std::env::temp_dir().join(unique("client")).with_extension("properties");
    fs::write(&file, lines.join("\n")).unwrap();
    file
}

fn tls(cluster: &Cluster) -> [String; 2] {
    let authority = cluster.certificates().join("ca.pem");
    ["ssl.truststore.type=PEM".to_owned(), format!("ssl.truststore.location={}", authority.display())]
}

/// Key and certificate as text on one line each: Kafka 2.8 takes no file whose key has no password.
fn certificate(cluster: &Cluster, user: &str) -> [String; 3] {
    let line = |name: &str| {
        fs::read_to_string(cluster.certificates().join(name)).unwrap().trim_end().replace('\n', "\\n")
    };
    [
        "ssl.keystore.type=PEM".to_owned(),
        format!("ssl.keystore.key={}", line(&format!("{user}.key.pem"))),
        format!("ssl.keystore.certificate.chain={}", line(&format!("{user}.pem"))),
    ]
}

fn password(mechanism: &str, user: &str, password: &str) -> [String; 2] {
    let module = if mechanism == "PLAIN" { "plain.PlainLoginModule" } else { "scram.ScramLoginModule" };
    let login = format!(
        "org.apache.kafka.common.security.{module} required username=\"{user}\" password=\"{password}\";"
    );
    [format!("sasl.mechanism={mechanism}"), format!("sasl.jaas.config={login}")]
}

/// The login of who makes a token without a signature.
fn unsigned_token(claims: &str) -> [String; 2] {
    let module = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule";
    ["sasl.mechanism=OAUTHBEARER".to_owned(), format!("sasl.jaas.config={module} required {claims};")]
}

/// The login of who has a token signed by the endpoint at this address.
fn signed_token(cluster: &Cluster, endpoint: &str, user: &str, secret: &str) -> [String; 4] {
    let authority = cluster.certificates().join("ca.pem");
    let module = "org.apache.kafka.common.security.oauthbearer";
    [
        "sasl.mechanism=OAUTHBEARER".to_owned(),
        format!("sasl.login.callback.handler.class={module}.OAuthBearerLoginCallbackHandler"),
        format!("sasl.oauthbearer.token.endpoint.url={endpoint}"),
        format!(
            "sasl.jaas.config={module}.OAuthBearerLoginModule required clientId=\"{user}\" clientSecret=\"{secret}\" \
             scope=\"kafka\" ssl.truststore.type=\"PEM\" ssl.truststore.location=\"{}\";",
            authority.display()
        ),
    ]
}

/// Asks for the versions of the brokers of one listener; the answer, or what went wrong.
async fn ask(cluster: &Cluster, listener: &str, lines: &[String]) -> Result<String, String> {
    run(cluster, listener, lines, Tool::BrokerApiVersions, &[]).await
}

/// Runs one of Kafka's tools on a listener; what it says, or what went wrong.
async fn run(
    cluster: &Cluster,
    listener: &str,
    lines: &[String],
    tool: Tool,
    arguments: &[&str],
) -> Result<String, String> {
    let protocol = if listener == "REAUTH" { "SASL_SSL" } else { listener };
    let mut all = vec![
        format!("security.protocol={protocol}"),
        "request.timeout.ms=15000".to_owned(),
        "default.api.timeout.ms=30000".to_owned(),
    ];
    all.extend_from_slice(lines);
    let file = settings(&all);
    let servers = cluster.listener(listener).join(",");
    let path = file.display().to_string();
    let arguments = [&["--bootstrap-server", &servers, "--command-config", &path], arguments].concat();
    // Kafka's client asks for tokens only where it is told it may.
    let endpoint = lines.iter().find_map(|line| line.strip_prefix("sasl.oauthbearer.token.endpoint.url="));
    let allowed = format!("-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls={}", endpoint.unwrap_or("none"));
    let output = cluster.java_with(&[&allowed], cluster.class(tool), &arguments, "").await;
    fs::remove_file(file).unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() { Ok(said) } else { Err(said + &output.stderr) }
}

/// What each listener wants, and what it does without.
async fn every_listener_knows_its_users(cluster: &Cluster) {
    let tls = tls(cluster);
    let right: [(&str, Vec<String>); 5] = [
        ("SSL", [tls.as_slice(), &certificate(cluster, "alice")].concat()),
        ("SASL_PLAINTEXT", password("SCRAM-SHA-256", "alice", "alice-secret").to_vec()),
        ("SASL_PLAINTEXT", unsigned_token("unsecuredLoginStringClaim_sub=\"alice\"").to_vec()),
        ("SASL_SSL", [tls.clone(), password("PLAIN", "bob", "bob-secret")].concat()),
        ("REAUTH", [tls.clone(), password("SCRAM-SHA-512", "bob", "bob-secret")].concat()),
    ];
    for (listener, lines) in right {
        let answer = ask(cluster, listener, &lines).await;
        assert!(answer.as_ref().is_ok_and(|said| said.contains("Produce(0)")), "{listener}: {answer:?}");
    }
    let wrong = password("SCRAM-SHA-256", "alice", "bob-secret");
    let refused = ask(cluster, "SASL_PLAINTEXT", &wrong).await.unwrap_err();
    assert!(refused.contains("SaslAuthenticationException"), "{refused}");
    let nameless = ask(cluster, "SSL", &tls).await;
    assert!(nameless.is_err(), "a client without a certificate got {nameless:?}");
}

/// What is `alice`'s alone is not `bob`'s, and what is nobody's is everybody's.
async fn users_may_do_what_the_rules_say(cluster: &Cluster) {
    let create = async |user: &str, topic: &str| {
        let login = password("PLAIN", user, &format!("{user}-secret"));
        let arguments = ["--create", "--topic", topic, "--partitions", "1"];
        run(cluster, "SASL_PLAINTEXT", &login, Tool::Topics, &arguments).await
    };
    let (private, open) = (unique("private-topic"), unique("open-topic"));
    let denied = create("bob", &private).await.unwrap_err();
    assert!(denied.contains("Authorization failed"), "{denied}");
    assert!(create("alice", &private).await.is_ok_and(|said| said.contains("Created")), "{private}");
    assert!(create("bob", &open).await.is_ok_and(|said| said.contains("Created")), "{open}");
    let group = ["--describe", "--group", &unique("private-group")];
    let login = password("PLAIN", "bob", "bob-secret");
    // The tool says that it failed, and ends as if it had not.
    let denied = run(cluster, "SASL_PLAINTEXT", &login, Tool::ConsumerGroups, &group).await;
    let denied = denied.unwrap_or_else(|said| said);
    assert!(denied.contains("GroupAuthorizationException"), "{denied}");
}

#[tokio::test]
async fn the_newest_broker_keeps_users_to_the_rules() {
    users_may_do_what_the_rules_say(&Cluster::real_single()).await;
}

#[tokio::test]
async fn the_oldest_broker_keeps_users_to_the_rules() {
    users_may_do_what_the_rules_say(&Cluster::oldest()).await;
}

#[tokio::test]
async fn the_newest_broker_shows_a_renewed_certificate_and_goes_on() {
    let cluster = Cluster::real_single();
    let login = [tls(&cluster).to_vec(), password("PLAIN", "bob", "bob-secret").to_vec()].concat();
    let before = fs::read(cluster.certificates().join("broker.pem")).unwrap();
    cluster.renew_broker_certificate().await;
    assert_ne!(fs::read(cluster.certificates().join("broker.pem")).unwrap(), before);
    ask(&cluster, "SASL_SSL", &login).await.unwrap();
}

#[tokio::test]
async fn the_newest_broker_takes_the_endpoints_tokens_and_no_others() {
    let cluster = Cluster::real_single();
    let endpoint = cluster.token_endpoint();
    let tls = tls(&cluster);
    let ask_with =
        async |login: &[String]| ask(&cluster, "SASL_SSL", &[tls.as_slice(), login].concat()).await;
    let answer = ask_with(&signed_token(&cluster, &endpoint, "alice", "alice-secret")).await;
    assert!(answer.as_ref().is_ok_and(|said| said.contains("Produce(0)")), "{answer:?}");
    for (query, reason) in [
        ("?signer=stranger", "SaslAuthenticationException"),
        ("?audience=somebody-else", "SaslAuthenticationException"),
        ("?status=400", "400"),
    ] {
        let endpoint = format!("{endpoint}{query}");
        let refused =
            ask_with(&signed_token(&cluster, &endpoint, "alice", "alice-secret")).await.unwrap_err();
        assert!(refused.contains(reason), "{query}: {refused}");
    }
    let stranger = ask_with(&signed_token(&cluster, &endpoint, "alice", "bob-secret")).await.unwrap_err();
    assert!(stranger.contains("invalid_client"), "{stranger}");
    let unsigned = ask_with(&unsigned_token("unsecuredLoginStringClaim_sub=\"alice\"")).await.unwrap_err();
    assert!(unsigned.contains("SaslAuthenticationException"), "{unsigned}");
    let expired =
        unsigned_token("unsecuredLoginStringClaim_sub=\"alice\" unsecuredLoginLifetimeSeconds=\"-9\"");
    let expired = ask(&cluster, "SASL_PLAINTEXT", &expired).await;
    assert!(expired.is_err(), "an expired token was taken: {expired:?}");
}

#[tokio::test]
async fn the_newest_broker_knows_its_users_on_every_listener() {
    every_listener_knows_its_users(&Cluster::real_single()).await;
}

#[tokio::test]
async fn the_oldest_broker_knows_its_users_on_every_listener() {
    every_listener_knows_its_users(&Cluster::oldest()).await;
}
