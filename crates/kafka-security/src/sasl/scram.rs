//! What is checked of a SCRAM server's first message before any work is done for it.

use std::ops::RangeInclusive;

/// RFC 7677's least, and what Kafka's brokers refuse to go below; at the upper end a login costs a core about a second.
const ITERATIONS: RangeInclusive<u32> = 4_096..=1_000_000;

/// Refuses a number of iterations that gives the password away, or that is there to burn our processor.
///
/// What else is wrong with the message is found by the mechanism itself, without such a cost.
pub(super) fn check_server_first(message: &[u8]) -> Result<(), String> {
    let counts = message.split(|byte| *byte == b',').filter_map(|part| part.strip_prefix(b"i="));
    for count in counts {
        let shown = String::from_utf8_lossy(count.get(..count.len().min(20)).unwrap_or_default());
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
                    shown.escape_debug(),
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
            ["i=4096", "r=x,s=y,i=4096", "r=x,s=y,i=1000000", "r=x,s=y,i=16384,more=1", "", "r=x", "e=no"]
        {
            assert_eq!(check_server_first(good.as_bytes()), Ok(()), "{good}");
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
        ] {
            let refused = check_server_first(bad.as_bytes()).unwrap_err();
            assert!(refused.contains(says), "{bad}: {refused}");
        }
    }
}
