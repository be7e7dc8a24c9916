//! The table of faults in `docs/reliability.md` names tests and scenarios that exist.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The names of all tests below a folder.
fn tests(folder: &Path, names: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() && !path.ends_with("target") {
            tests(&path, names);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            names.extend(tests_of(&fs::read_to_string(&path).unwrap()));
        }
    }
}

/// The functions behind attributes that make them tests.
fn tests_of(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut lines = text.lines().map(str::trim_start);
    while lines.by_ref().any(|line| line.starts_with("#[tokio::test") || line == "#[test]") {
        let declared = lines.by_ref().find_map(|line| line.split_once("fn "));
        let name = declared.and_then(|(_, rest)| rest.split(['(', '<']).next());
        found.extend(name.map(str::to_owned));
    }
    found
}

/// The names of the scenarios of an enum, as its command line has them: `HalfOpen` is `half-open`.
fn scenarios_of(text: &str) -> BTreeSet<String> {
    let variants = text.split_once("pub(crate) enum Scenario {").and_then(|(_, rest)| rest.split_once('}'));
    let lines = variants.map_or("", |(variants, _)| variants).lines().map(str::trim);
    lines.filter(|line| !line.is_empty() && !line.starts_with("//")).map(kebab_case).collect()
}

fn kebab_case(variant: &str) -> String {
    let mut name = String::new();
    for letter in variant.trim_end_matches(',').chars() {
        if letter.is_uppercase() && !name.is_empty() {
            name.push('-');
        }
        name.extend(letter.to_lowercase());
    }
    name
}

/// What stands between backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

#[test]
fn every_row_names_tests_and_scenarios_that_exist_or_says_what_is_open() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut known = BTreeSet::new();
    for folder in ["crates", "tests", "xtask/src"] {
        tests(&root.join(folder), &mut known);
    }
    assert!(known.len() > 800, "{} tests were found", known.len());
    let scenarios = scenarios_of(&fs::read_to_string(root.join("xtask/src/torture/scenario.rs")).unwrap());
    let text = fs::read_to_string(root.join("docs/reliability.md")).unwrap();
    let mut number = 0;
    for line in text.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| #")) {
        number += 1;
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").collect();
        let [row, _, shown] = cells.as_slice() else { panic!("{line}") };
        assert_eq!(row.trim(), number.to_string(), "{line}");
        let names: Vec<&str> = quoted(shown).collect();
        assert!(!names.is_empty() || shown.contains("Open: "), "row {number} shows nothing");
        for name in names {
            let exists = match name.strip_prefix("torture ") {
                Some(scenario) => scenarios.contains(scenario),
                None => known.contains(name),
            };
            assert!(exists, "row {number} names `{name}`, which does not exist");
        }
    }
    assert_eq!(number, 20, "every fault has its row");
}

#[test]
fn tests_are_found_with_and_without_a_runtime_and_inside_of_macros() {
    let text = "    #[test]\n    fn one(seed: u64) {}\n#[tokio::test(start_paused = true)]\n// why\nasync fn two() {}\nfn three() {}";
    assert_eq!(tests_of(text), ["one", "two"]);
}

#[test]
fn scenarios_are_named_as_on_the_command_line() {
    let text = "pub(crate) enum Scenario {\n    /// Half.\n    HalfOpen,\n    Kill,\n}\nimpl Other {}";
    assert_eq!(scenarios_of(text), BTreeSet::from(["half-open".to_owned(), "kill".to_owned()]));
}
