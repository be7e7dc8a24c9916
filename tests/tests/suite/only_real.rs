//! The list of tests that real clusters alone can run is what the sources say.

use std::fs;
use std::path::Path;

const MARK: &str = "//! Only on real clusters: ";
const LIST: &str = "<!-- list -->\n";

/// For each file that has tests: its reason, and their names.
fn list(folder: &Path) -> String {
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    // Folders hold what those files are made of.
    files.retain(|file| file.is_file());
    files.sort();
    let mut list = String::new();
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let names = names(&text);
        if names.is_empty() {
            continue;
        }
        let name = file.file_stem().unwrap().to_string_lossy();
        let from = text.find(MARK).unwrap_or_else(|| panic!("{name}: no line begins with {MARK:?}"));
        let mut lines = text[from + MARK.len()..].lines();
        let mut reason = lines.next().unwrap_or_default().to_owned();
        for line in lines.map_while(|line| line.strip_prefix("//! ")) {
            reason = reason + " " + line;
        }
        assert!(reason.ends_with('.'), "{name}: the reason is a sentence, and not {reason:?}");
        list += &format!("\n**{name}**: {reason}\n\n");
        list.extend(names.into_iter().map(|name| format!("- `{name}`\n")));
    }
    list
}

/// The functions behind attributes that make them tests.
fn names(text: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut lines = text.lines();
    while lines.by_ref().any(|line| line.starts_with("#[tokio::test") || line == "#[test]") {
        let declared = lines.by_ref().find_map(|line| line.split_once("fn "));
        names.extend(declared.and_then(|(_, rest)| rest.split_once('(')).map(|(name, _)| name));
    }
    names
}

#[test]
fn the_list_names_each_test_with_its_reason() {
    let package = Path::new(env!("CARGO_MANIFEST_DIR")).join("real");
    let file = package.join("README.md");
    let text = fs::read_to_string(&file).unwrap();
    let (before, written) = text.split_once(LIST).unwrap();
    let list = list(&package.join("tests/real"));
    if std::env::var_os("UPDATE_README").is_some() {
        fs::write(&file, format!("{before}{LIST}{list}")).unwrap();
    } else {
        let how = "run `UPDATE_README=1 cargo test -p kafka-tests only_real`";
        assert!(written == list, "{} is not up to date: {how}", file.display());
    }
}

#[test]
fn every_kind_of_test_is_found() {
    let text = "#[test]\nfn one() {}\n#[tokio::test(flavor = \"multi_thread\")]\n// why\nasync fn two() {\n}\nfn three() {}";
    assert_eq!(names(text), ["one", "two"]);
}
