use crate::{Error, ErrorKind, Result};

/// The longest name that Kafka allows, in characters.
const MAX_LENGTH: usize = 249;

/// Checks a topic's name as the broker would: 1 to 249 of `a-z`, `A-Z`, `0-9`, `.`, `_` and `-`, and neither `.` nor `..`.
///
/// # Errors
/// [`ErrorKind::InvalidInput`], with what is wrong with the name.
pub fn validate_topic_name(name: &str) -> Result<()> {
    let complaint = if name.is_empty() {
        "it is empty".to_owned()
    } else if name == "." || name == ".." {
        "`.` and `..` are not allowed".to_owned()
    } else if name.len() > MAX_LENGTH {
        format!("it has {} bytes, {MAX_LENGTH} are allowed", name.len())
    } else if let Some(c) =
        name.chars().find(|c| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-')))
    {
        format!("{c:?} is not allowed, only letters, digits, `.`, `_` and `-`")
    } else {
        return Ok(());
    };
    // A name of any length may have come from outside; the message shows no more than its start.
    let shown: String = name.chars().take(MAX_LENGTH).collect();
    Err(Error::new(ErrorKind::InvalidInput, format!("{shown:?} is not a valid topic name: {complaint}")))
}

#[cfg(test)]
mod tests {
    use super::validate_topic_name;

    #[test]
    fn names_that_kafka_allows_pass() {
        for name in ["a", "analytics-events", "a.b_c-D9", "...", &"x".repeat(249)] {
            assert!(validate_topic_name(name).is_ok(), "{name}");
        }
    }

    #[test]
    fn names_that_kafka_refuses_are_refused_with_the_reason() {
        for (name, reason) in [
            ("", "empty"),
            (".", "not allowed"),
            ("..", "not allowed"),
            ("a b", "' ' is not allowed"),
            ("tøpic", "'ø' is not allowed"),
            ("a/b", "'/' is not allowed"),
            (&"x".repeat(250), "has 250 bytes"),
        ] {
            let error = validate_topic_name(name).expect_err(name);
            assert!(error.to_string().contains(reason), "{error}");
        }
    }
}
