use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::Shared;
use kafka_core::net::BoxFuture;
use kafka_core::{Error, ErrorKind, Result};
use parking_lot::Mutex;
use tokio::time::{Instant, sleep, sleep_until};

use super::{Token, TokenProvider};

/// The share of a token's life after which it is replaced, and how much is added at random, as Java's login does.
const REFRESH_AT: f64 = 0.80;
const JITTER: f64 = 0.05;

/// What is left of a token at least when it is replaced, if it lives long enough for that: a session lasts no longer than
/// its token, and brokers renew none that is less than a second old.
const REST: Duration = Duration::from_secs(3);

/// How long before its end a token is not used any more: it still has to reach the broker.
const MARGIN: Duration = Duration::from_secs(1);

/// The wait before a token that could not be replaced ahead of time is asked for again.
const RETRY: Duration = Duration::from_secs(5);

/// One token for all connections of a login: fetched once however many ask, and replaced before it ends.
pub(crate) struct TokenCache {
    provider: Arc<dyn TokenProvider>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    kept: Option<Kept>,
    fetching: Option<Shared<BoxFuture<'static, Result<Token>>>>,
}

struct Kept {
    token: Token,
    refresh_at: Instant,
    ends_at: Instant,
    is_used: bool,
}

impl TokenCache {
    pub(crate) fn new(provider: Arc<dyn TokenProvider>) -> Self {
        Self { provider, state: Mutex::default() }
    }

    /// What is wrong with the provider's settings.
    pub(crate) fn check(&self) -> Result<()> {
        self.provider.check()
    }

    /// A token that is good now.
    ///
    /// # Cancel safety
    /// A fetch that has begun goes on, for those who ask next.
    pub(crate) async fn token(self: &Arc<Self>) -> Result<Token> {
        let fetching = {
            let mut state = self.state.lock();
            if let Some(kept) = &mut state.kept
                && Instant::now() < kept.refresh_at
            {
                kept.is_used = true;
                return Ok(kept.token.clone());
            }
            self.fetch(&mut state)
        };
        let error = match fetching.await {
            Ok(token) => {
                if let Some(kept) = &mut self.state.lock().kept {
                    kept.is_used = true;
                }
                return Ok(token);
            }
            Err(error) => error,
        };
        match &self.state.lock().kept {
            Some(kept) if Instant::now() + MARGIN < kept.ends_at => {
                tracing::warn!(%error, "no new token; the one from before is used on");
                Ok(kept.token.clone())
            }
            _ => Err(error),
        }
    }

    /// Joins the fetch that is under way, or begins one.
    fn fetch(self: &Arc<Self>, state: &mut State) -> Shared<BoxFuture<'static, Result<Token>>> {
        if let Some(fetching) = &state.fetching {
            return fetching.clone();
        }
        let cache = Arc::clone(self);
        let fetching = tokio::spawn(async move {
            let fetched = cache.provider.token().await.and_then(|token| token.check().map(|()| token));
            cache.fetched(&fetched);
            fetched
        });
        let fetching = fetching.map(|ended| ended.unwrap_or_else(|_| Err(ended_early()))).boxed().shared();
        state.fetching = Some(fetching.clone());
        fetching
    }

    fn fetched(self: &Arc<Self>, fetched: &Result<Token>) {
        let mut state = self.state.lock();
        state.fetching = None;
        let Ok(token) = fetched else { return };
        let Some(lifetime) = token.lifetime else {
            state.kept = None;
            return;
        };
        let now = Instant::now();
        let share = lifetime.mul_f64(REFRESH_AT + JITTER * fastrand::f64());
        let refresh_at = now + share.min(lifetime.saturating_sub(REST).max(lifetime / 2));
        tracing::debug!(principal = token.principal, ?lifetime, "a new token");
        state.kept = Some(Kept { token: token.clone(), refresh_at, ends_at: now + lifetime, is_used: false });
        tokio::spawn(keep_fresh(Arc::downgrade(self), refresh_at));
    }
}

/// Replaces the token when it is time, so that no authentication has to wait for it; unless nobody used the last one.
async fn keep_fresh(cache: Weak<TokenCache>, refresh_at: Instant) {
    sleep_until(refresh_at).await;
    loop {
        let fetching = {
            let Some(cache) = cache.upgrade() else { return };
            let mut state = cache.state.lock();
            match &state.kept {
                Some(kept)
                    if kept.refresh_at == refresh_at && kept.is_used && Instant::now() < kept.ends_at =>
                {
                    cache.fetch(&mut state)
                }
                _ => return,
            }
        };
        match fetching.await {
            // Whoever fetched it has set up the next replacement.
            Ok(_) => return,
            Err(error) => {
                tracing::warn!(%error, "the token could not be replaced ahead of its end; trying again");
                sleep(RETRY).await;
            }
        }
    }
}

fn ended_early() -> Error {
    Error::new(ErrorKind::Connect, "the token provider ended without an answer (did it panic?)")
}
