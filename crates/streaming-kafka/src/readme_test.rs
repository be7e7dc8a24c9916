use std::path::PathBuf;

use crate::config::settings_table_markdown;

const START: &str = "<!-- settings: ";
const END: &str = "<!-- /settings -->";

#[test]
fn the_readme_has_the_settings_as_the_code_has_them() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../README.md");
    let readme = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = readme.split_once(START).unwrap();
    let (comment, rest) = rest.split_once('\n').unwrap();
    let (found, after) = rest.split_once(END).unwrap();
    let expected = format!("\n{}\n", settings_table_markdown());
    if std::env::var_os("UPDATE_README").is_some() {
        std::fs::write(&path, format!("{before}{START}{comment}\n{expected}{END}{after}")).unwrap();
    } else {
        assert!(found == expected, "run `UPDATE_README=1 cargo test -p streaming-kafka readme`");
    }
}
