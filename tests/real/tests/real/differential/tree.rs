//! An answer as a tree of named values, from how it prints itself: the same for each of the messages.

use std::iter::Peekable;
use std::str::Lines;

use super::records;

/// A value in an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Tree {
    Leaf(String),
    Fields(Vec<(String, Tree)>),
    List(Vec<Tree>),
}

impl Tree {
    /// What `{:#?}` printed.
    pub(crate) fn parse(printed: &str) -> Self {
        let mut lines = printed.lines().peekable();
        let first = lines.next().unwrap_or_default().to_owned();
        value(&first, "", &mut lines)
    }

    /// As one line, for those who look for one value among others.
    pub(crate) fn line(&self) -> String {
        match self {
            Self::Leaf(text) => text.clone(),
            Self::Fields(fields) => {
                let fields = fields.iter().map(|(name, value)| format!("{name}: {}", value.line()));
                format!("{{{}}}", fields.collect::<Vec<_>>().join(", "))
            }
            Self::List(items) => {
                format!("[{}]", items.iter().map(Self::line).collect::<Vec<_>>().join(", "))
            }
        }
    }
}

fn value(text: &str, field: &str, lines: &mut Peekable<Lines<'_>>) -> Tree {
    let text = text.trim().trim_end_matches(',');
    if text.ends_with('"') {
        return leaf(text, field);
    }
    if text.ends_with('[') {
        let mut items = Vec::new();
        while let Some(line) = within(lines, ']') {
            items.push(value(&line, field, lines));
        }
        return Tree::List(items);
    }
    if let Some(kind) = text.strip_suffix('(') {
        let inner = within(lines, ')').map(|line| value(&line, field, lines));
        let inner = inner.unwrap_or(Tree::Leaf(String::new()));
        let _end = within(lines, ')');
        return match (kind, inner) {
            ("Uuid", Tree::List(bytes)) => Tree::Leaf(bytes.iter().map(hex).collect()),
            (_, inner) => inner,
        };
    }
    if text.ends_with(" {") {
        let mut fields = Vec::new();
        while let Some(line) = within(lines, '}') {
            let (name, rest) = line.split_once(": ").expect("a field has a value");
            let name = name.trim().to_owned();
            let value = value(rest, &name, lines);
            fields.push((name, value));
        }
        return Tree::Fields(fields);
    }
    leaf(text, field)
}

/// The next line, unless it is the one that ends the value.
fn within(lines: &mut Peekable<Lines<'_>>, end: char) -> Option<String> {
    let line = lines.next()?;
    let is_end = line.trim().trim_end_matches(',') == end.to_string();
    (!is_end).then(|| line.to_owned())
}

fn leaf(text: &str, field: &str) -> Tree {
    match text.strip_prefix("b\"").and_then(|text| text.strip_suffix('"')) {
        Some(escaped) if field == "records" => records::describe(&unescape(escaped)),
        _ => Tree::Leaf(text.to_owned()),
    }
}

fn hex(byte: &Tree) -> String {
    let Tree::Leaf(text) = byte else { return String::new() };
    format!("{:02x}", text.parse::<u8>().expect("a byte"))
}

/// The bytes of what `Bytes` prints.
fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        bytes.push(match rest.next().expect("something is escaped") {
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'0' => 0,
            b'x' => {
                let digits = [rest.next().unwrap(), rest.next().unwrap()];
                u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap()
            }
            other => other,
        });
    }
    bytes
}
