use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use kafka_core::protocol::messages::{SaslAuthenticateResponse, SaslHandshakeResponse};
use kafka_core::protocol::{ApiKey, ErrorCode};
use kafka_security::SaslMechanism;
use kafka_security::server::{SaslRefusal, SaslServer, SaslStep, SignedIn};

use super::users::Known;
use crate::core::{Call, Cluster, Principal, Reply, SignInId, Time};
use crate::listeners::Sasl;

/// From this version of the handshake on, tokens travel in requests of their own; before, they are frames of nothing else.
const TOKENS_IN_REQUESTS: i16 = 1;

/// How long a client must wait before it signs in anew.
const BETWEEN_SIGN_INS: Duration = Duration::from_secs(1);

/// The sign-ins of all connections that need one.
#[derive(Debug, Default)]
pub(crate) struct SignIns {
    by_id: BTreeMap<SignInId, SignIn>,
    next: u64,
}

/// How far the client of a connection has come.
#[derive(Debug)]
struct SignIn {
    listener: usize,
    state: State,
    /// Who it is since the last time that it signed in.
    who: Option<Identity>,
    /// When it last began to sign in anew.
    renewed_at: Option<Time>,
}

#[derive(Debug)]
enum State {
    /// Nothing was said, or only versions were asked for.
    Begun { asked_versions: bool },
    /// The mechanism is agreed upon.
    Tokens { server: SaslServer, in_requests: bool },
    /// Another mechanism than the last time was asked for; whatever comes now ends the connection.
    OtherMechanism,
    /// It is clear who it is.
    Done,
}

#[derive(Clone, Debug)]
struct Identity {
    principal: Principal,
    mechanism: SaslMechanism,
    /// When it has to have signed in anew.
    until: Option<Time>,
}

/// Whether a request is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    Admitted,
    /// It is answered with this code, and the connection ends.
    Refused(ErrorCode),
    /// The connection ends.
    Closed,
}

impl Cluster {
    /// A client has come by a listener that wants it to sign in.
    pub(crate) fn begin_sign_in(&mut self, listener: usize) -> SignInId {
        let id = SignInId(self.sign_ins.next);
        self.sign_ins.next += 1;
        let state = State::Begun { asked_versions: false };
        self.sign_ins.by_id.insert(id, SignIn { listener, state, who: None, renewed_at: None });
        id
    }

    /// The connection is gone.
    pub(crate) fn end_sign_in(&mut self, id: SignInId) {
        self.sign_ins.by_id.remove(&id);
    }

    /// Says who asks, and whether they may ask this now.
    pub(crate) fn admit(&mut self, call: &mut Call, key: ApiKey) -> Admission {
        let Some(id) = call.sign_in else { return Admission::Admitted };
        let Some(sign_in) = self.sign_ins.by_id.get_mut(&id) else { return Admission::Closed };
        if let Some(who) = &sign_in.who {
            call.principal = who.principal.clone();
        }
        let (may_renew, is_over) = (sign_in.may_renew(self.now), sign_in.is_over(self.now));
        match (&mut sign_in.state, key) {
            (State::Begun { .. }, ApiKey::SaslHandshake) => Admission::Admitted,
            (State::Begun { asked_versions: asked @ false }, ApiKey::ApiVersions) => {
                *asked = true;
                Admission::Admitted
            }
            (State::Begun { .. } | State::OtherMechanism, _) => Admission::Closed,
            (State::Tokens { .. }, ApiKey::SaslAuthenticate) => Admission::Admitted,
            (State::Tokens { .. }, _) => Admission::Refused(ErrorCode::ILLEGAL_SASL_STATE),
            (State::Done, ApiKey::SaslHandshake) if may_renew => Admission::Admitted,
            (State::Done, _) if is_over => Admission::Closed,
            (State::Done, _) => Admission::Admitted,
        }
    }

    /// Whether the next frame of a connection is a token and nothing else.
    pub(crate) fn expects_bare_token(&self, id: SignInId) -> bool {
        let sign_in = self.sign_ins.by_id.get(&id);
        sign_in.is_some_and(|sign_in| matches!(sign_in.state, State::Tokens { in_requests: false, .. }))
    }

    /// Answers a handshake; `None` if there is nothing to sign in to.
    pub(crate) fn sasl_handshake(
        &mut self,
        call: &Call,
        mechanism: &str,
    ) -> Option<Reply<SaslHandshakeResponse>> {
        let sign_in = self.sign_ins.by_id.get_mut(&call.sign_in?)?;
        let sasl = self.settings.listeners.get(sign_in.listener)?.sasl()?;
        let mechanisms = sasl.mechanisms.iter().map(|known| known.name().to_owned()).collect();
        let renews = matches!(sign_in.state, State::Done);
        if renews && !sign_in.may_renew(self.now) {
            return None;
        }
        if renews {
            sign_in.renewed_at = Some(self.now);
        }
        let wanted = sasl.mechanisms.iter().copied().find(|known| known.name() == mechanism);
        let Some(wanted) = wanted else {
            let error_code = ErrorCode::UNSUPPORTED_SASL_MECHANISM.0;
            return Some(Reply::Last(SaslHandshakeResponse { error_code, mechanisms }));
        };
        let is_other = sign_in.who.as_ref().is_some_and(|who| who.mechanism != wanted);
        sign_in.state = if is_other {
            State::OtherMechanism
        } else {
            let nonce: String = std::iter::repeat_with(|| self.random.alphanumeric()).take(24).collect();
            let in_requests = call.version >= TOKENS_IN_REQUESTS;
            State::Tokens { server: SaslServer::new(wanted, nonce), in_requests }
        };
        Some(Reply::Now(SaslHandshakeResponse { error_code: 0, mechanisms }))
    }

    /// Answers a token; `None` if none is expected.
    pub(crate) fn sasl_authenticate(
        &mut self,
        call: &Call,
        token: &[u8],
    ) -> Option<Reply<SaslAuthenticateResponse>> {
        let id = call.sign_in?;
        let taken = self.take_token(id, token)?;
        Some(match taken {
            Ok((token, lifetime)) => Reply::Now(SaslAuthenticateResponse {
                error_code: 0,
                error_message: None,
                auth_bytes: token.into(),
                session_lifetime_ms: lifetime,
            }),
            Err(words) => Reply::Last(SaslAuthenticateResponse {
                error_code: ErrorCode::SASL_AUTHENTICATION_FAILED.0,
                error_message: Some(words),
                ..Default::default()
            }),
        })
    }

    /// Answers a token that came alone; `None` ends the connection, without a word as it is the custom here.
    pub(crate) fn bare_token(&mut self, id: SignInId, token: &[u8]) -> Option<Bytes> {
        let (token, _) = self.take_token(id, token)?.ok()?;
        Some(token.into())
    }

    /// The answer to a token and how long the client may stay, in milliseconds; otherwise what it is told.
    fn take_token(&mut self, id: SignInId, token: &[u8]) -> Option<Result<(Vec<u8>, i64), String>> {
        let wall_clock = self.wall_clock();
        let sign_in = self.sign_ins.by_id.get_mut(&id)?;
        let sasl = self.settings.listeners.get(sign_in.listener)?.sasl()?;
        let State::Tokens { server, .. } = &mut sign_in.state else { return None };
        let known = Known {
            passwords: &self.passwords,
            scram: &self.scram_credentials,
            tokens: sasl.tokens.as_ref(),
            now: wall_clock,
        };
        let mechanism = server.mechanism();
        let refused = match server.step(token, &known) {
            Ok(SaslStep { token, signed_in: None, .. }) => return Some(Ok((token, 0))),
            Ok(SaslStep { token, signed_in: Some(signed_in), .. }) => {
                match sign_in.succeed(sasl, mechanism, &signed_in, self.now, wall_clock) {
                    Ok(lifetime) => return Some(Ok((token, lifetime))),
                    Err(words) => words,
                }
            }
            Err(SaslRefusal::Told(words)) => words,
            // Why exactly is not said: it would tell which users there are.
            Err(SaslRefusal::Untold(_)) => {
                let again = if sign_in.who.is_some() { "re-authentication" } else { "authentication" };
                format!(
                    "Authentication failed during {again} due to invalid credentials with SASL mechanism {mechanism}"
                )
            }
        };
        Some(Err(refused))
    }
}

impl SignIn {
    /// Whether its time is up.
    fn is_over(&self, now: Time) -> bool {
        self.who.as_ref().and_then(|who| who.until).is_some_and(|until| until < now)
    }

    /// Whether it may sign in anew: where its time is limited, and not all the time.
    fn may_renew(&self, now: Time) -> bool {
        self.who.as_ref().is_some_and(|who| who.until.is_some())
            && self.renewed_at.is_none_or(|at| now.saturating_sub(at) >= BETWEEN_SIGN_INS)
    }

    /// It is clear who it is: for how many milliseconds, or why that cannot be; 0 is for ever.
    fn succeed(
        &mut self,
        sasl: &Sasl,
        mechanism: SaslMechanism,
        signed_in: &SignedIn,
        now: Time,
        wall_clock: i64,
    ) -> Result<i64, String> {
        let principal = Principal::user(&signed_in.user);
        if let Some(before) = self.who.as_ref().filter(|who| who.principal != principal) {
            let written = |principal: &Principal| principal.as_str().replacen(':', ".", 1);
            return Err(format!(
                "Cannot change principals during re-authentication from {}: {}",
                written(&before.principal),
                written(&principal)
            ));
        }
        let remaining =
            signed_in.expires_at.map(|at| u64::try_from(at.saturating_sub(wall_clock)).unwrap_or(0));
        let remaining = remaining.map(Duration::from_millis);
        let lifetime = remaining.into_iter().chain(sasl.max_reauth).min();
        self.who = Some(Identity { principal, mechanism, until: lifetime.map(|lifetime| now + lifetime) });
        self.state = State::Done;
        Ok(lifetime.map_or(0, |lifetime| i64::try_from(lifetime.as_millis()).unwrap_or(i64::MAX)))
    }
}
