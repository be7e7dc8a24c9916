//! Java's `.properties` format, as `java.util.Properties.load` documents it. Knows no Kafka.

use std::iter::Peekable;
use std::str::Chars;

/// One `key=value`, with the line it begins on.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Property {
    pub(super) line: usize,
    pub(super) key: String,
    pub(super) value: String,
}

/// A `\u` escape that is none, on this line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct BadEscape {
    pub(super) line: usize,
}

/// Reads all properties in their order; the same key may come twice.
pub(super) fn parse(text: &str) -> Result<Vec<Property>, BadEscape> {
    let mut properties = Vec::new();
    let mut lines = Lines(text).enumerate().peekable();
    while let Some((index, first)) = lines.next() {
        let first = first.trim_start_matches(is_blank);
        if first.is_empty() || first.starts_with(['#', '!']) {
            continue;
        }
        let mut logical = first.to_owned();
        while ends_in_continuation(&logical) {
            logical.pop();
            match lines.next() {
                Some((_, next)) => logical.push_str(next.trim_start_matches(is_blank)),
                None => break,
            }
        }
        let line = index + 1;
        let (key, value) = split(&logical);
        let read = |text: &str| unescape(text).ok_or(BadEscape { line });
        properties.push(Property { line, key: read(key)?, value: read(value)? });
    }
    Ok(properties)
}

/// Lines that end in `\n`, `\r` or both.
struct Lines<'a>(&'a str);

impl<'a> Iterator for Lines<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        if self.0.is_empty() {
            return None;
        }
        let (line, rest) = match self.0.split_once(['\n', '\r']) {
            Some((line, rest)) => {
                let crlf = self.0.get(line.len()..).is_some_and(|end| end.starts_with("\r\n"));
                (line, if crlf { rest.strip_prefix('\n').unwrap_or(rest) } else { rest })
            }
            None => (self.0, ""),
        };
        self.0 = rest;
        Some(line)
    }
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\x0c')
}

fn ends_in_continuation(line: &str) -> bool {
    line.bytes().rev().take_while(|b| *b == b'\\').count() % 2 == 1
}

/// The key ends at the first `=`, `:` or blank that is not escaped; one separator with blanks around it is skipped.
fn split(line: &str) -> (&str, &str) {
    let mut escaped = false;
    let end = line.find(|c: char| {
        let ends = !escaped && (is_blank(c) || c == '=' || c == ':');
        escaped = c == '\\' && !escaped;
        ends
    });
    let (key, rest) = line.split_at_checked(end.unwrap_or(line.len())).unwrap_or((line, ""));
    let rest = rest.trim_start_matches(is_blank);
    let value = rest.strip_prefix(['=', ':']).unwrap_or(rest);
    (key, value.trim_start_matches(is_blank))
}

fn unescape(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('t') => out.push('\t'),
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some('f') => out.push('\x0c'),
            Some('u') => out.push(code_point(&mut chars)?),
            Some(other) => out.push(other),
            None => {}
        }
    }
    Some(out)
}

/// Four hexadecimal digits, or two such escapes that are a surrogate pair.
fn code_point(chars: &mut Peekable<Chars<'_>>) -> Option<char> {
    let high = unit(chars)?;
    if !(0xD800..0xDC00).contains(&high) {
        return char::from_u32(high);
    }
    if chars.next() != Some('\\') || chars.next() != Some('u') {
        return None;
    }
    let low = unit(chars)?;
    let low = low.checked_sub(0xDC00).filter(|low| *low < 0x400)?;
    char::from_u32(0x10000 + ((high - 0xD800) << 10) + low)
}

fn unit(chars: &mut Peekable<Chars<'_>>) -> Option<u32> {
    (0..4).try_fold(0, |unit, _| Some(unit * 16 + chars.next()?.to_digit(16)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(text: &str) -> Vec<(String, String)> {
        parse(text).unwrap().into_iter().map(|p| (p.key, p.value)).collect()
    }

    #[test]
    fn every_way_to_write_a_pair_is_read_as_java_reads_it() {
        let cases = [
            ("a=b", "a", "b"),
            ("a:b", "a", "b"),
            ("a b", "a", "b"),
            ("  a \t = \x0c b ", "a", "b "),
            ("a==b", "a", "=b"),
            ("a", "a", ""),
            ("a=", "a", ""),
            ("=b", "", "b"),
            (r"a\=b=c", "a=b", "c"),
            (r"a\ b\:c=d", "a b:c", "d"),
            (r"a=\t\n\r\f\\\z", "a", "\t\n\r\x0c\\z"),
            (r"a=\u00e9\u20ac\ud83d\ude00", "a", "é€😀"),
            ("a=b\\\n   c\\\r\n\td", "a", "bcd"),
            ("a=b\\\\\nc=d", "a", "b\\"),
            ("a=b\\", "a", "b"),
        ];
        for (text, key, value) in cases {
            let first = pairs(text).into_iter().next().unwrap();
            assert_eq!(first, (key.to_owned(), value.to_owned()), "{text:?}");
        }
    }

    #[test]
    fn comments_and_blank_lines_are_skipped_and_lines_are_counted() {
        let read = parse("# one\r\n! two\n\n  # three\ra=1\n\\\n#b=2\n").unwrap();
        let found: Vec<_> = read.iter().map(|p| (p.line, p.key.as_str(), p.value.as_str())).collect();
        assert_eq!(found, [(5, "a", "1"), (6, "#b", "2")]);
    }

    #[test]
    fn an_escape_that_is_none_is_named_by_its_line() {
        for text in [r"\u12", r"a=\uzzzz", r"a=\ud83d", r"a=\ud83dx", r"a=\ude00", r"a=\ud83d\u0041"] {
            assert_eq!(parse(&format!("ok=1\n{text}")), Err(BadEscape { line: 2 }), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[ -~\\n\\r\\\\=:#u]*|.*") {
            let _ = parse(&text);
        }
    }
}
