//! The examples as programs.

use std::path::PathBuf;

/// Cargo builds examples along with tests, beside the folder that this test runs from.
#[allow(clippy::expect_used)] // A helper of the test, which clippy does not take for one.
pub(crate) fn example(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a test knows its own path");
    let target = test.ancestors().nth(2).expect("a test lies in a folder of the target folder");
    let path = target.join("examples").join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    assert!(path.exists(), "{} is not built: run `cargo build --examples` first", path.display());
    path
}
