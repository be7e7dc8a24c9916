//! OAUTHBEARER (KIP-255): tokens, how they are got, kept and replaced, and what a broker says about one.
//!
//! [`TokenProvider`] is where tokens come from: the user's own, [`UnsecuredTokens`] for tests, or [`OidcTokens`] from a
//! token endpoint (KIP-768), which `endpoint.rs` talks HTTP to. `cache.rs` holds one token for all connections.

mod cache;
pub(super) mod challenge;
mod endpoint;
mod endpoint_url;
mod jwt;
mod oidc;
mod token;
mod unsecured;

pub(super) use cache::TokenCache;
pub use oidc::OidcTokens;
pub use token::{Token, TokenProvider};
pub use unsecured::UnsecuredTokens;
