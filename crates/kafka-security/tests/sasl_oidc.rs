//! Tokens from a token endpoint: what is asked, what is understood, what is told when it refuses.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests may fail the test")]

mod support;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use kafka_core::net::Authenticator;
use kafka_core::{Error, ErrorKind, Result};
use kafka_security::{OidcTokens, SaslAuthenticator, SaslLogin, Token, TokenProvider};
use support::http::{Reply, TokenEndpoint};
use support::{Scripted, broker};

const SECRET: &str = "hunter2/+& more";

fn tokens(endpoint: &TokenEndpoint) -> OidcTokens {
    OidcTokens::new(&endpoint.url, "the client", SECRET).unwrap()
}

fn ok(body: impl Into<String>) -> Reply {
    Reply::Answer("200 OK", body.into())
}

async fn token_of(body: String) -> Result<Token> {
    let endpoint = TokenEndpoint::start([ok(body)]).await;
    tokens(&endpoint).token().await
}

/// A JWT with these claims, signed by nobody that matters here.
fn jwt(claims: &serde_json::Value) -> String {
    format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims.to_string()))
}

fn in_seconds(seconds: u64) -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() + seconds
}

#[tokio::test]
async fn the_request_is_that_of_kip_768() {
    let endpoint = TokenEndpoint::start([ok(r#"{"access_token":"abc","expires_in":60}"#)]).await;
    let token = tokens(&endpoint).with_scope("kafka read&write").token().await.unwrap();
    assert_eq!(token, Token::new("abc").with_lifetime(Duration::from_secs(60)));
    let plain = endpoint.requests().remove(0);
    let (head, body) = plain.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("POST /token?tenant=1 HTTP/1.1\r\n"), "{head}");
    assert_eq!(body, "grant_type=client_credentials&scope=kafka+read%26write");
    let header = |name: &str| {
        let line = head.lines().find(|line| line.to_ascii_lowercase().starts_with(name)).unwrap_or_default();
        line.split_once(": ").unwrap_or_default().1.to_owned()
    };
    assert_eq!(header("content-type"), "application/x-www-form-urlencoded");
    assert_eq!(header("accept"), "application/json");
    assert!(endpoint.url.contains(&header("host")));
    assert_eq!(header("authorization"), format!("Basic {}", STANDARD.encode(format!("the client:{SECRET}"))));

    let endpoint = TokenEndpoint::start([ok(r#"{"access_token":"abc"}"#)]).await;
    let token = tokens(&endpoint).with_encoded_header(true).token().await.unwrap();
    assert_eq!(token.lifetime, None);
    let request = endpoint.requests().remove(0);
    assert!(request.ends_with("grant_type=client_credentials"), "{request}");
    assert!(request.contains(&STANDARD.encode("the+client:hunter2%2F%2B%26+more")), "{request}");
}

#[tokio::test]
async fn the_lifetime_is_the_shorter_of_what_answer_and_token_say() {
    let long = jwt(&serde_json::json!({"sub": "alice", "exp": in_seconds(500)}));
    let cases = [
        (format!(r#"{{"access_token":"{long}","expires_in":60}}"#), 58..=60),
        (format!(r#"{{"access_token":"{long}","expires_in":"70"}}"#), 68..=70),
        (format!(r#"{{"access_token":"{long}","expires_in":3600,"token_type":"Bearer","x":[]}}"#), 495..=500),
        (format!(r#"{{"access_token":"{long}"}}"#), 495..=500),
        (format!(r#"{{"access_token":"{long}","expires_in":-1}}"#), 495..=500),
        (format!(r#"{{"access_token":"{long}","expires_in":1e300}}"#), 495..=500),
    ];
    for (body, lifetime) in cases {
        let token = token_of(body.clone()).await.unwrap();
        assert!(lifetime.contains(&token.lifetime.unwrap().as_secs()), "{body}: {:?}", token.lifetime);
        assert_eq!(token.principal.as_deref(), Some("alice"));
    }
    for opaque in ["a.b.c", "a.bm9uZQ.c", "..", "abc"] {
        let token = token_of(format!(r#"{{"access_token":"{opaque}"}}"#)).await.unwrap();
        assert_eq!((token.lifetime, token.principal), (None, None));
    }
}

#[tokio::test]
async fn an_answer_without_a_good_token_is_final_and_not_shown() {
    let expired = jwt(&serde_json::json!({"exp": 1_000_000}));
    for (body, says) in [
        (r#"{"acess_token":"hidden"}"#.to_owned(), "without an `access_token`"),
        (r#"{"access_token":""}"#.to_owned(), "without an `access_token`"),
        (r#"["hidden"]"#.to_owned(), "no JSON object"),
        ("hidden".to_owned(), "no JSON object"),
        (r#"{"access_token":7,"x":"hidden"}"#.to_owned(), "no JSON object"),
        (format!(r#"{{"access_token":"{expired}"}}"#), "has expired"),
    ] {
        let error = token_of(body.clone()).await.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::Authentication, "{body}: {error}");
        assert!(error.to_string().contains(says), "{body}: {error}");
        assert!(!format!("{error}{error:?}").contains("hidden"), "{body}: {error}");
    }
}

fn assert_shows_no_secret(error: &Error) {
    let text = format!("{error} {error:?} {error:#?}");
    for secret in [SECRET, "hunter2", &STANDARD.encode(format!("the client:{SECRET}"))] {
        assert!(!text.contains(secret), "{text}");
    }
}

#[tokio::test]
async fn a_refusal_is_told_in_the_endpoints_words_without_the_secret() {
    let echo = format!("I do not know {SECRET} nor hunter2%2F%2B%26+more");
    for (status, body, says) in [
        (
            "401 Unauthorized",
            r#"{"error":"invalid_client","error_description":"who is that\u001b[2J"}"#.to_owned(),
            &["401", r"invalid_client: who is that\u{1b}"][..],
        ),
        ("400 Bad Request", r#"{"error":"invalid_scope"}"#.to_owned(), &["400", "invalid_scope"]),
        ("403 Forbidden", echo, &["403", "I do not know *** nor ***"]),
        ("404 Not Found", format!("<html>{}</html>", "x".repeat(5_000)), &["404", "<html>xxx", "…"]),
        ("302 Found", String::new(), &["302"]),
    ] {
        let endpoint = TokenEndpoint::start([Reply::Answer(status, body)]).await;
        let error = tokens(&endpoint).token().await.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::Authentication, "{error}");
        let text = error.to_string();
        for part in says.iter().chain(&["token endpoint http://127.0.0.1:"]) {
            assert!(text.contains(part), "`{part}` is not in {text}");
        }
        assert!(text.len() < 1_000 && !text.contains('\x1b') && !text.contains("tenant"), "{text}");
        assert_shows_no_secret(&error);
        assert_eq!(endpoint.requests().len(), 1, "a refusal is final");
    }
}

#[tokio::test]
async fn what_may_pass_is_tried_again() {
    let busy = |status| Reply::Answer(status, r#"{"error":"temporarily_unavailable"}"#.to_owned());
    let endpoint = TokenEndpoint::start([
        busy("503 Service Unavailable"),
        Reply::HangUp,
        busy("429 Too Many Requests"),
        Reply::Raw(b"nonsense\r\n\r\n".to_vec()),
        ok(r#"{"access_token":"abc"}"#),
    ])
    .await;
    let tokens = tokens(&endpoint).with_deadline(Duration::from_secs(30));
    assert_eq!(tokens.token().await.unwrap(), Token::new("abc"));
    assert_eq!(endpoint.requests().len(), 5);
}

#[tokio::test]
async fn the_deadline_ends_all_tries_with_the_last_reason() {
    let busy = Reply::Answer("500 Internal Server Error", r#"{"error":"out of order"}"#.to_owned());
    for (replies, says) in [
        (vec![busy.clone()], "500 Internal Server Error: out of order"),
        (vec![busy, Reply::Stall], "500 Internal Server Error: out of order"),
        (vec![Reply::Stall], "did not answer within"),
        (vec![Reply::HangUp], "does not answer"),
        (vec![Reply::Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n{".to_vec())], "does not answer"),
        (
            vec![Reply::Raw(
                [b"HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n", &[b' '; 3_000_000][..]].concat(),
            )],
            "length limit exceeded",
        ),
    ] {
        let endpoint = TokenEndpoint::start(replies).await;
        let error = tokens(&endpoint).with_deadline(Duration::from_millis(700)).token().await.unwrap_err();
        assert!(error.is_retriable() && error.to_string().contains(says), "{says}: {error}");
        assert_shows_no_secret(&error);
    }
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let away = OidcTokens::new(&format!("http://{free}/"), "c", SECRET).unwrap();
    let error = away.with_deadline(Duration::from_millis(300)).token().await.unwrap_err();
    assert!(error.is_retriable() && error.to_string().contains("refused"), "{error}");
}

#[tokio::test]
async fn a_brokers_connection_gets_the_endpoints_token() {
    let endpoint = TokenEndpoint::start([ok(r#"{"access_token":"abc","expires_in":60}"#)]).await;
    let login = SaslLogin::with_tokens(tokens(&endpoint).with_extension("logicalCluster", "lkc-1"));
    login.check().unwrap();
    for _ in 0..3 {
        let mut channel = Scripted::default();
        SaslAuthenticator::from(login.clone()).authenticate(&broker(), &mut channel).await.unwrap();
        assert_eq!(channel.sent(0), "n,,\x01logicalCluster=lkc-1\x01auth=Bearer abc\x01\x01");
    }
    assert_eq!(endpoint.requests().len(), 1);
}

#[test]
fn wrong_settings_are_refused_at_once() {
    for url in [
        "",
        "nonsense",
        "/token",
        "ftp://idp/token",
        "https://",
        "https:///token",
        "https://me:pw@idp/",
        "http://h:99999/",
    ] {
        let error = OidcTokens::new(url, "c", SECRET).unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::InvalidInput, "{url}");
        assert!(
            error.to_string().contains("https://host/path") && !error.to_string().contains("pw"),
            "{error}"
        );
    }
    assert!(OidcTokens::new("https://idp", "", SECRET).is_err());
    assert!(OidcTokens::new("https://idp", "c", "").is_err());
    let broken = OidcTokens::new("https://idp", "c", "a\nb").unwrap();
    assert!(SaslLogin::with_tokens(broken).check().is_ok(), "base64 hides the line end");
    let shown = format!("{:?}", OidcTokens::new("https://[::1]:8443/token?key=1", "c", SECRET).unwrap());
    assert!(
        shown.contains("https://[::1]:8443/token") && !shown.contains("hunter2") && !shown.contains("key=1")
    );
}
