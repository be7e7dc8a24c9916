//! What is checked of a SCRAM server's messages before any work is done for it.

use std::ops::RangeInclusive;

use super::oauth::challenge::shown;

/// RFC 7677's least, and what Kafka's brokers refuse to go below; at the upper end a login costs a core about a second.
const ITERATIONS: RangeInclusive<u32> = 4_096..=1_000_000;

/// Refuses what is no SCRAM message, which the mechanism does not survive, and numbers of iterations that give the password
/// away or are there to burn our processor.
///
/// What else is wrong with the message is found by the mechanism itself.
pub(super) fn check_message(message: &[u8]) -> Result<(), String> {
    if let Some(error) = message.strip_prefix(b"e=") {
        return Err(format!("the broker refuses: `{}`", shown(&String::from_utf8_lossy(error))));
    }
    let mut parts = message.split(|byte| *byte == b',');
    if !parts.all(|part| matches!(part, [name, b'=', ..] if name.is_ascii_alphabetic())) {
        let message = shown(&String::from_utf8_lossy(message));
        return Err(format!("the broker's answer is no message of SCRAM: `{message}`"));
    }
    let counts = message.split(|byte| *byte == b',').filter_map(|part| part.strip_prefix(b"i="));
    for count in counts {
        let number = std::str::from_utf8(count).ok().and_then(|text| text.parse::<u32>().ok());
        match number {
            Some(number) if number < *ITERATIONS.start() => {
                return Err(format!(
                    "the broker asks for {number} iterations, with which a password is found too quickly; {} is \
                     the least that is accepted",
                    ITERATIONS.start()
                ));
            }
            Some(number) if ITERATIONS.contains(&number) => {}
            _ => {
                return Err(format!(
                    "the broker asks for `{}` iterations; {} is the most that is accepted",
                    shown(&String::from_utf8_lossy(count)),
                    ITERATIONS.end()
                ));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_sensible_numbers_of_iterations_are_worked_for() {
        for good in
            ["i=4096", "r=x,s=y,i=4096", "r=x,s=y,i=1000000", "r=x,s=y,i=16384,m=1", "r=x", "v=", "v=abc=,x="]
        {
            assert_eq!(check_message(good.as_bytes()), Ok(()), "{good}");
        }
        for (bad, says) in [
            ("r=x,s=y,i=4095", "4095 iterations"),
            ("r=x,s=y,i=0", "0 iterations"),
            ("r=x,s=y,i=1000001", "`1000001` iterations"),
            ("r=x,s=y,i=4294967296", "the most"),
            ("r=x,s=y,i=-1", "`-1`"),
            ("r=x,s=y,i=", "``"),
            ("r=x,s=y,i=\u{1b}[2J", r"\u{1b}[2J"),
            ("r=x,s=y,i=4096,i=1", "1 iterations"),
            ("e=other-error", "refuses: `other-error`"),
            ("", "no message"),
            ("v", "no message"),
            ("r=x,", "no message"),
            ("r=x,s", "no message"),
            ("r=x,,i=4096", "no message"),
            ("{\"a\":1}", "no message"),
        ] {
            let refused = check_message(bad.as_bytes()).unwrap_err();
            assert!(refused.contains(says), "{bad}: {refused}");
        }
    }
}
