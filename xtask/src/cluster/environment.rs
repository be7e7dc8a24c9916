//! The environment that points a program, and the tests, at a cluster.

use anyhow::Result;

use super::state::State;

/// Variables by which the tests on a real cluster find one of each kind, with the path of its state file.
pub(crate) const SINGLE: &str = "KAFKA_TESTS_SINGLE";
/// See [`SINGLE`]: a cluster of three brokers.
pub(crate) const THREE: &str = "KAFKA_TESTS_THREE";
/// See [`SINGLE`]: a cluster of the oldest version that is supported.
pub(crate) const OLDEST: &str = "KAFKA_TESTS_OLDEST";
/// Where the tests find this program, to stop and start brokers.
const XTASK: &str = "KAFKA_TESTS_XTASK";

/// `NAME=value` pairs that clients read.
pub(crate) fn client(state: &State) -> Result<Vec<(String, String)>> {
    let servers = serde_json::to_string(&state.bootstrap_servers())?;
    Ok(vec![
        ("STREAMING_KAFKA__BOOTSTRAP_SERVERS".to_owned(), servers),
        ("STREAMING_KAFKA__SECURITY_PROTOCOL".to_owned(), "PLAINTEXT".to_owned()),
    ])
}

/// `NAME=value` pairs that `tests/` reads.
fn tests(state: &State) -> Result<Vec<(String, String)>> {
    let kind = match state.brokers {
        _ if state.version.uses_zookeeper() => OLDEST,
        1 => SINGLE,
        _ => THREE,
    };
    Ok(vec![(kind.to_owned(), state_file(state)?), program()?])
}

/// What the variable of a kind of cluster holds.
pub(crate) fn state_file(state: &State) -> Result<String> {
    Ok(State::file(&state.name)?.display().to_string())
}

/// Where this program is.
pub(crate) fn program() -> Result<(String, String)> {
    Ok((XTASK.to_owned(), crate::paths::program()?.display().to_string()))
}

/// Lines for a shell to evaluate.
pub(crate) fn exports(state: &State) -> Result<String> {
    let variables = [client(state)?, tests(state)?].concat();
    Ok(variables.iter().map(|(name, value)| format!("export {name}={}\n", quote(value))).collect())
}

fn quote(value: &str) -> String {
    format!("'{}'", value.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quoted_value_is_one_word_of_the_shell() {
        assert_eq!(quote(r#"["a:1"]"#), r#"'["a:1"]'"#);
        assert_eq!(quote("it's"), r"'it'\''s'");
    }
}
