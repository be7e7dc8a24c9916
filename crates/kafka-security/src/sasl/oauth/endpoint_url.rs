use std::fmt;

use kafka_core::net::Address;
use kafka_core::{Error, ErrorKind, Result};

/// Where tokens are asked for: `https://host:port/path`, or `http://` where nobody else can listen.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct EndpointUrl {
    pub(super) is_tls: bool,
    pub(super) address: Address,
    /// What the request's `Host` says: without the scheme's own port.
    pub(super) authority: String,
    /// Path and query.
    pub(super) path: String,
}

impl EndpointUrl {
    pub(super) fn parse(text: &str) -> Result<Self> {
        let refuse = |problem: &str| {
            Error::new(
                ErrorKind::InvalidInput,
                format!("the token endpoint's URL {problem}; expected `https://host/path`"),
            )
        };
        let text = text.trim();
        let uri: hyper::Uri = text.parse().map_err(|_| refuse("is none"))?;
        let is_tls = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(refuse("begins with neither `https://` nor `http://`")),
        };
        let authority = uri.authority().ok_or_else(|| refuse("names no host"))?;
        if authority.as_str().contains('@') {
            return Err(refuse("holds a user: client id and secret are settings of their own"));
        }
        let host = authority.host();
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        if host.is_empty() {
            return Err(refuse("names no host"));
        }
        let port = authority.as_str().strip_prefix(authority.host()).unwrap_or_default();
        let port = match port.strip_prefix(':') {
            Some(port) => port.parse().map_err(|_| refuse("has a port that is none"))?,
            None if is_tls => 443,
            None => 80,
        };
        Ok(Self {
            is_tls,
            address: Address::new(host, port),
            authority: authority.as_str().to_owned(),
            path: uri.path_and_query().map_or("/", |path| path.as_str()).to_owned(),
        })
    }
}

/// Without the query, which may hold anything.
impl fmt::Display for EndpointUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_tls { "https" } else { "http" };
        let path = self.path.split('?').next().unwrap_or_default();
        write!(f, "{scheme}://{}{path}", self.authority)
    }
}

impl fmt::Debug for EndpointUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
