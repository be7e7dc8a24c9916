//! A small OAuth token endpoint (RFC 6749, client credentials), run as one more process of a cluster.
//!
//! `POST https://<address>/token` with `grant_type=client_credentials`; the client is named by HTTP Basic or by
//! `client_id` and `client_secret` in the form: the users of the cluster and their passwords. What tests need beyond
//! that is asked for in the query: `?lifetime=5` seconds, `?audience=other`, `?signer=stranger` (a key that no broker
//! knows), `?status=503` (no token, but that status).

use std::{net::SocketAddr, path::PathBuf, sync::Arc};

use anyhow::{Context, Result};
use base64::{Engine, engine::general_purpose::STANDARD};
use http_body_util::{BodyExt, Full, Limited};
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Bytes, Incoming},
    header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, WWW_AUTHENTICATE},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::{
    certificates::Files,
    security::{self, User},
    tokens::{self, Claims, TokenFiles, TokenSigner},
};

const PATH: &str = "/token";

/// Where the endpoint at this address is.
pub(crate) fn url(address: &str) -> String {
    format!("https://{address}{PATH}")
}

/// How long a token lives unless a request says otherwise, in seconds.
const LIFETIME: u64 = 3600;

/// The largest form that is read.
const LARGEST_FORM: usize = 64 * 1024;

/// How it is started; never by hand.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Where to listen
    #[arg(long)]
    address: SocketAddr,
    /// The folder with the cluster's certificates and token key
    #[arg(long)]
    certificates: PathBuf,
    /// Any text, by which the process is found again
    #[arg(long)]
    marker: String,
}

/// Answers until the process is ended.
pub(crate) fn serve(arguments: &Arguments) -> Result<()> {
    let files = TokenFiles::in_folder(&arguments.certificates);
    let endpoint = Arc::new(Endpoint { trusted: files.signer()?, stranger: TokenSigner::generate()? });
    let certificates = Files::in_folder(&arguments.certificates);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(arguments.address)
            .await
            .with_context(|| format!("cannot listen on {}", arguments.address))?;
        println!("tokens: {}", url(&arguments.address.to_string()));
        loop {
            let (stream, client) = listener.accept().await?;
            // Read for each connection, so that a renewed certificate is used at once.
            let acceptor = acceptor(&certificates)?;
            let endpoint = Arc::clone(&endpoint);
            tokio::spawn(async move {
                if let Err(error) = talk(stream, acceptor, endpoint).await {
                    println!("{client}: {error:#}");
                }
            });
        }
    })
}

fn acceptor(files: &Files) -> Result<TlsAcceptor> {
    let certificate = files.certificate(security::BROKER);
    let chain: Vec<_> = CertificateDer::pem_file_iter(&certificate)
        .and_then(Iterator::collect)
        .with_context(|| format!("cannot read {}", certificate.display()))?;
    let key =
        PrivateKeyDer::from_pem_file(files.key(security::BROKER)).context("cannot read the brokers' key")?;
    let config = ServerConfig::builder_with_provider(Arc::new(rustls_graviola::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

async fn talk(stream: TcpStream, acceptor: TlsAcceptor, endpoint: Arc<Endpoint>) -> Result<()> {
    let stream = acceptor.accept(stream).await.context("TLS")?;
    let answer = service_fn(move |request| {
        let endpoint = Arc::clone(&endpoint);
        async move { endpoint.answer(request).await }
    });
    http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await.context("HTTP")
}

#[derive(Debug)]
struct Endpoint {
    /// Whose tokens the brokers take.
    trusted: TokenSigner,
    /// Whose tokens no broker takes.
    stranger: TokenSigner,
}

/// A token, or what RFC 6749 5.2 calls the lack of one.
type Outcome = std::result::Result<Value, (StatusCode, &'static str)>;

impl Endpoint {
    async fn answer(&self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>> {
        let (head, body) = request.into_parts();
        if head.uri.path() != PATH {
            return respond(StatusCode::NOT_FOUND, &json!({"error": "there is only /token here"}));
        }
        if head.method != Method::POST {
            return respond(
                StatusCode::METHOD_NOT_ALLOWED,
                &json!({"error": "tokens are asked for by POST"}),
            );
        }
        let authorization = head.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let outcome = match Limited::new(body, LARGEST_FORM).collect().await {
            Ok(form) => self.token(head.uri.query().unwrap_or_default(), authorization, &form.to_bytes()),
            Err(_) => Err((StatusCode::BAD_REQUEST, "invalid_request")),
        };
        match outcome {
            Ok(token) => respond(StatusCode::OK, &token),
            Err((status, error)) => respond(status, &json!({ "error": error })),
        }
    }

    fn token(&self, query: &str, authorization: Option<&str>, form: &[u8]) -> Outcome {
        let wanted = |name: &str| value(query.as_bytes(), name);
        if let Some(status) = wanted("status").and_then(|status| status.parse::<StatusCode>().ok()) {
            return Err((status, "temporarily_unavailable"));
        }
        let user = client(authorization, form).ok_or((StatusCode::UNAUTHORIZED, "invalid_client"))?;
        if value(form, "grant_type").as_deref() != Some("client_credentials") {
            return Err((StatusCode::BAD_REQUEST, "unsupported_grant_type"));
        }
        let lifetime = match wanted("lifetime").map(|seconds| seconds.parse()) {
            None => LIFETIME,
            Some(Ok(seconds)) => seconds,
            Some(Err(_)) => return Err((StatusCode::BAD_REQUEST, "invalid_request")),
        };
        let scope = value(form, "scope").filter(|scope| !scope.is_empty());
        let scope = scope.as_deref().unwrap_or(tokens::SCOPE);
        let audience = wanted("audience");
        let claims = Claims {
            subject: user.name,
            audience: audience.as_deref().unwrap_or(tokens::AUDIENCE),
            scope,
            lifetime,
        };
        let signer =
            if wanted("signer").as_deref() == Some("stranger") { &self.stranger } else { &self.trusted };
        let token =
            signer.token(&claims).map_err(|_error| (StatusCode::INTERNAL_SERVER_ERROR, "server_error"))?;
        Ok(json!({"access_token": token, "token_type": "Bearer", "expires_in": lifetime, "scope": scope}))
    }
}

/// The user whose name and password the request has, by HTTP Basic or in the form.
fn client(authorization: Option<&str>, form: &[u8]) -> Option<User> {
    let (id, secret) = match authorization {
        Some(header) => {
            let (scheme, credentials) = header.split_once(' ')?;
            if !scheme.eq_ignore_ascii_case("basic") {
                return None;
            }
            let text = String::from_utf8(STANDARD.decode(credentials.trim()).ok()?).ok()?;
            let (id, secret) = text.split_once(':')?;
            // RFC 6749 2.3.1: both are form-encoded before they are joined.
            (decoded(id), decoded(secret))
        }
        None => (value(form, "client_id")?, value(form, "client_secret")?),
    };
    security::USERS.into_iter().find(|user| user.name == id && user.password == secret)
}

fn decoded(text: &str) -> String {
    form_urlencoded::parse(text.as_bytes()).map(|(name, _)| name.into_owned()).collect()
}

fn value(form: &[u8], name: &str) -> Option<String> {
    form_urlencoded::parse(form).find(|(found, _)| found == name).map(|(_, value)| value.into_owned())
}

fn respond(status: StatusCode, body: &Value) -> Result<Response<Full<Bytes>>> {
    let mut response = Response::builder()
        .status(status)
        .header(CONTENT_TYPE, "application/json")
        .header(CACHE_CONTROL, "no-store");
    if status == StatusCode::UNAUTHORIZED {
        response = response.header(WWW_AUTHENTICATE, "Basic realm=\"tokens\"");
    }
    Ok(response.body(Full::new(Bytes::from(body.to_string())))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint() -> Endpoint {
        Endpoint { trusted: TokenSigner::generate().unwrap(), stranger: TokenSigner::generate().unwrap() }
    }

    const FORM: &[u8] = b"grant_type=client_credentials&client_id=alice&client_secret=alice-secret&scope=a+b";

    #[test]
    fn a_client_is_known_by_its_form_or_by_basic() {
        let found =
            |authorization: Option<&str>, form: &[u8]| client(authorization, form).map(|user| user.name);
        assert_eq!(found(None, FORM), Some("alice"));
        let basic = format!("Basic {}", STANDARD.encode("bob:bob%2Dsecret"));
        assert_eq!(found(Some(&basic), b""), Some("bob"));
        let wrong = format!("Basic {}", STANDARD.encode("bob:alice-secret"));
        assert_eq!(found(Some(&wrong), b""), None);
        assert_eq!(found(Some("Bearer x"), FORM), None);
        assert_eq!(found(Some("Basic %%"), b""), None);
        assert_eq!(found(None, b"client_id=alice"), None);
    }

    #[test]
    fn a_token_has_the_scope_of_the_form_and_the_lifetime_of_the_query() {
        let answer = endpoint().token("lifetime=7", None, FORM).unwrap();
        assert_eq!(answer["scope"], "a b");
        assert_eq!(answer["expires_in"], 7);
        assert_eq!(answer["token_type"], "Bearer");
        assert_eq!(endpoint().token("", None, FORM).unwrap()["expires_in"], LIFETIME);
    }

    #[test]
    fn what_is_wrong_is_said_by_the_words_of_the_standard() {
        let refused = |query: &str, form: &[u8]| endpoint().token(query, None, form).unwrap_err();
        let wrong = b"grant_type=client_credentials&client_id=alice&client_secret=no";
        assert_eq!(refused("", wrong), (StatusCode::UNAUTHORIZED, "invalid_client"));
        let grant = b"grant_type=password&client_id=alice&client_secret=alice-secret";
        assert_eq!(refused("", grant), (StatusCode::BAD_REQUEST, "unsupported_grant_type"));
        assert_eq!(refused("lifetime=soon", FORM), (StatusCode::BAD_REQUEST, "invalid_request"));
        assert_eq!(refused("status=503", FORM).0, StatusCode::SERVICE_UNAVAILABLE);
    }
}
