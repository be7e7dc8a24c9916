//! An answer's values by their paths, after all that may differ has a name: the first topic's id in the third
//! answer is `topic id 3.1` on both sides.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{SystemTime, UNIX_EPOCH};

use super::tree::Tree;

/// What is this near to now is a time of this run.
const NEAR: i64 = 15 * 60 * 1000;
/// The fields by which the elements of a list are told apart, the best first.
const KEYS: [&str; 14] = [
    "name",
    "topic",
    "topic_name",
    "topic_id",
    "group_id",
    "transactional_id",
    "partition_index",
    "partition",
    "index",
    "api_key",
    "feature",
    "member_id",
    "key",
    "mechanism",
];
/// Lists whose order Kafka leaves to its hash maps.
const UNORDERED: [&str; 4] = ["credential_infos", "finalized_features", "members", "supported_features"];

/// The value of an element of a list, beside those of its fields.
pub(crate) const PRESENT: &str = "there";

/// What a field's values stand for, where each run and each broker has its own.
fn kind(field: &str) -> Option<&'static str> {
    Some(match field {
        "topic_id" => "topic id",
        "member_id" | "leader" => "member id",
        "producer_id" => "producer id",
        "session_id" => "session id",
        "cluster_id" => "cluster id",
        "host" => "host",
        "port" => "port",
        "client_instance_id" => "client instance",
        "log_dir" => "folder",
        _ => return None,
    })
}

/// The names that one side's ids have so far.
#[derive(Debug, Default)]
pub(crate) struct Names {
    given: BTreeMap<(&'static str, String), String>,
    exchange: usize,
    count: usize,
}

impl Names {
    fn of(&mut self, field: &str, value: &str) -> String {
        let stands_for_none = ["-1", "\"\"", "None", ""].contains(&value)
            || is_zero_id(value)
            || (value == "0" && field == "session_id");
        if let (Some(kind), false) = (kind(field), stands_for_none) {
            let given = self.given.entry((kind, value.to_owned())).or_insert_with(|| {
                self.count += 1;
                format!("<{kind} {}.{}>", self.exchange, self.count)
            });
            return given.clone();
        }
        if ["finalized_features_epoch", "subscription_id"].contains(&field) {
            return "<number>".to_owned();
        }
        // What it says is each broker's own, whether it says anything is not.
        if ["error_message", "batch_index_error_message"].contains(&field)
            && !["None", "\"\"", "\"NONE\""].contains(&value)
        {
            return "<words>".to_owned();
        }
        if value.parse().is_ok_and(|time: i64| (time - now()).abs() < NEAR) {
            return "<now>".to_owned();
        }
        if value.len() < 10 {
            return value.to_owned();
        }
        let long = self.given.iter().filter(|((_, raw), _)| raw.len() > 10);
        long.fold(value.to_owned(), |text, ((_, raw), name)| text.replace(raw.trim_matches('"'), name))
    }

    /// Each value of the next answer by its path.
    pub(crate) fn fields(&mut self, exchange: usize, tree: &Tree) -> BTreeMap<String, String> {
        (self.exchange, self.count) = (exchange, 0);
        let mut fields = BTreeMap::new();
        self.walk("", "", tree, &mut fields);
        fields
    }

    fn walk(&mut self, path: &str, field: &str, tree: &Tree, into: &mut BTreeMap<String, String>) {
        match tree {
            Tree::Leaf(value) => {
                into.insert(path.to_owned(), self.of(field, value));
            }
            Tree::Fields(fields) => {
                for (name, value) in fields {
                    let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                    self.walk(&path, name, value, into);
                }
            }
            Tree::List(items) => {
                let keys = self.keys(field, items);
                let mut order: Vec<&str> = keys.iter().map(String::as_str).collect();
                if UNORDERED.contains(&field) {
                    order.sort_unstable();
                }
                into.insert(path.to_owned(), format!("[{}]", order.join(", ")));
                for (key, item) in keys.iter().zip(items) {
                    if matches!(item, Tree::Fields(_)) {
                        let path = format!("{path}[{key}]");
                        self.walk(&path, field, item, into);
                        into.insert(path, PRESENT.to_owned());
                    }
                }
            }
        }
    }

    /// What tells the elements of a list apart: a field's value, or their place. Plain values stand for themselves.
    fn keys(&mut self, field: &str, items: &[Tree]) -> Vec<String> {
        let key = |item: &Tree, names: &mut Self| match item {
            Tree::Fields(fields) => {
                let find = |key: &str| {
                    fields.iter().find_map(|(name, value)| match value {
                        Tree::Leaf(value) if name == key => Some((name, value)),
                        _ => None,
                    })
                };
                let found = KEYS.iter().find_map(|key| find(key));
                found.map(|(name, value)| names.of(name, value))
            }
            Tree::Leaf(value) => Some(names.of(field, value)),
            Tree::List(_) => Some(item.line()),
        };
        let keys: Vec<String> = items.iter().filter_map(|item| key(item, self)).collect();
        let different: BTreeSet<&String> = keys.iter().collect();
        let plain = items.iter().all(|item| !matches!(item, Tree::Fields(_)));
        if plain || different.len() == items.len() {
            return keys;
        }
        (0..items.len()).map(|place| place.to_string()).collect()
    }
}

/// The path without what tells the elements of lists apart.
pub(crate) fn pattern(path: &str) -> String {
    let mut depth = 0;
    path.chars()
        .filter(|letter| {
            depth += i32::from(*letter == '[');
            let keep = depth == 0;
            depth -= i32::from(*letter == ']');
            keep
        })
        .collect()
}

fn is_zero_id(value: &str) -> bool {
    value.len() == 32 && value.bytes().all(|digit| digit == b'0')
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or_default()
}
