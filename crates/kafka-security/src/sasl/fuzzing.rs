use crate::SaslMechanism;

use super::Credentials;
use super::oauth::challenge;
use super::rsasl_session::{RsaslSession, Shown};
use super::scram;

/// What stands for the client's nonce in a fuzzed message, which cannot know it.
const NONCE: u8 = b'%';

/// Answers a broker's messages, which zeros separate, by the mechanism that the first byte chooses; true if it was
/// convincing.
pub(crate) fn answer_broker(bytes: &[u8]) -> bool {
    let Some((&choice, messages)) = bytes.split_first() else { return false };
    let _ = challenge::describe(messages);
    let mechanism = match choice % 3 {
        0 => SaslMechanism::Plain,
        1 => SaslMechanism::ScramSha256,
        _ => SaslMechanism::ScramSha512,
    };
    let shown = Shown::Credentials(Credentials { username: "user".to_owned(), password: "pencil".into() });
    let Ok(mut session) = RsaslSession::start(mechanism, shown) else { return false };
    let Ok(first) = session.step(None) else { return false };
    let mut finished = first.is_finished;
    let sent = first.send.unwrap_or_default();
    let nonce = sent.rsplit(|byte| *byte == b'=').next().unwrap_or_default();
    for message in messages.split(|byte| *byte == 0) {
        if finished {
            break;
        }
        let message: Vec<u8> = message
            .iter()
            .flat_map(|byte| if *byte == NONCE { nonce } else { std::slice::from_ref(byte) })
            .copied()
            .collect();
        if mechanism != SaslMechanism::Plain && scram::check_message(&message).is_err() {
            return false;
        }
        match session.step(Some(&message)) {
            Ok(step) => finished = step.is_finished,
            Err(_) => return false,
        }
    }
    finished
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_with_the_nonce_gets_as_far_as_the_signature() {
        assert!(answer_broker(b"\0"), "PLAIN has nothing to answer");
        assert!(!answer_broker(b"\x01r=%x,s=c2FsdA==,i=4096\0v=AAAA"));
        assert!(!answer_broker(b"\x02r=%x,s=c2FsdA==,i=4096\0v=AAAA"));
        assert!(!answer_broker(b"\x01\0\0"));
        assert!(!answer_broker(b""));
    }
}
