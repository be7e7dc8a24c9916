use std::sync::Arc;

use super::Shared;
use crate::core::Principal;
#[cfg(feature = "security")]
use crate::core::SignInId;

/// Who is at the other end of a connection. Once it is gone, so is its sign-in.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) broker: i32,
    /// By which of the broker's listeners it came.
    pub(super) listener: usize,
    /// Its address without its port.
    pub(super) host: String,
    /// Who it is, as far as its certificate says.
    pub(super) principal: Principal,
    #[cfg(feature = "security")]
    pub(super) sign_in: Option<SignInId>,
    #[cfg(feature = "security")]
    shared: Arc<Shared>,
}

impl Client {
    /// Somebody who has just come.
    #[cfg(not(feature = "security"))]
    pub(super) fn new(_: &Arc<Shared>, broker: i32, listener: usize, host: String) -> Self {
        Self { broker, listener, host, principal: Principal::default() }
    }
}

#[cfg(feature = "security")]
mod secured {
    use std::io;
    use std::sync::Arc;

    use bytes::Bytes;

    use super::Client;
    use crate::core::Principal;
    use crate::shell::Shared;

    impl Client {
        /// Somebody who has just come.
        pub(in crate::shell) fn new(
            shared: &Arc<Shared>,
            broker: i32,
            listener: usize,
            host: String,
        ) -> Self {
            let sign_in = shared.with(|cluster| {
                let wants_sign_in = cluster.settings.listeners.get(listener)?.sasl().is_some();
                wants_sign_in.then(|| cluster.begin_sign_in(listener))
            });
            let (principal, shared) = (Principal::default(), Arc::clone(shared));
            Self { broker, listener, host, principal, sign_in, shared }
        }

        /// It has shown a certificate with this subject. Where it signs in too, that says who it is.
        pub(in crate::shell) fn shows_certificate(&mut self, subject: &str) {
            let names =
                self.shared.with(|cluster| cluster.settings.listeners.get(self.listener)?.names.clone());
            let name = names.map_or_else(|| subject.to_owned(), |names| names.of(subject));
            self.principal = Principal::user(&name);
        }

        /// The answer to a frame that is nothing but a token of a sign-in; `None` if it is a request.
        pub(in crate::shell) fn bare_token(&self, frame: &Bytes) -> Option<io::Result<Vec<Bytes>>> {
            let id = self.sign_in?;
            let answer = self
                .shared
                .with(|cluster| cluster.expects_bare_token(id).then(|| cluster.bare_token(id, frame)))?;
            let refused = || io::Error::new(io::ErrorKind::PermissionDenied, "the client cannot sign in");
            Some(answer.ok_or_else(refused).map(|token| {
                let length = i32::try_from(token.len()).unwrap_or(i32::MAX);
                vec![Bytes::copy_from_slice(&length.to_be_bytes()), token]
            }))
        }
    }

    impl Drop for Client {
        fn drop(&mut self) {
            if let Some(id) = self.sign_in {
                self.shared.with(|cluster| cluster.end_sign_in(id));
            }
        }
    }
}
