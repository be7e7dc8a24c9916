use std::iter::Peekable;
use std::str::CharIndices;

use zeroize::Zeroizing;

use crate::Secret;

/// One login module.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) module: String,
    /// Names and values, in their order.
    pub(super) options: Vec<(String, Secret)>,
}

/// Reads the one entry that a client's configuration holds.
///
/// Words, quotes, escapes and comments are those of `java.io.StreamTokenizer` as Kafka sets it up. Where that class
/// would go on with something that the author can hardly have meant (an open quote, a number for a word), this does not.
pub(super) fn parse(text: &str) -> Result<Entry, String> {
    let mut tokens = Tokens { chars: text.char_indices().peekable() };
    let Some(Token::Word(module)) = tokens.next()? else {
        return Err("expected the name of a login module".to_owned());
    };
    let module = module.expose().to_owned();
    let flag = match tokens.next()? {
        Some(Token::Word(flag)) => flag.expose().to_ascii_lowercase(),
        _ => String::new(),
    };
    if !["required", "requisite", "sufficient", "optional"].contains(&flag.as_str()) {
        return Err("expected `required` behind the login module".to_owned());
    }
    let mut options = Vec::new();
    loop {
        let name = match tokens.next()? {
            Some(Token::Semicolon) => break,
            Some(Token::Word(name)) => name,
            Some(Token::Equals) => return Err("expected an option's name before `=`".to_owned()),
            None => return Err("expected `;` at the end".to_owned()),
        };
        // What has no `=` behind it may as well be the rest of a password that is not in quotes.
        let Some(Token::Equals) = tokens.next()? else {
            return Err(format!(
                "expected `=` behind the name of option {}; a value with other characters than letters goes in quotes",
                options.len() + 1
            ));
        };
        let name = name.expose().to_owned();
        match tokens.next()? {
            Some(Token::Word(value)) => options.push((name, value)),
            _ => return Err(format!("expected a value in quotes for the option `{}`", name.escape_debug())),
        }
    }
    match tokens.next()? {
        None => Ok(Entry { module, options }),
        Some(_) => Err("expected one login module and no more".to_owned()),
    }
}

enum Token {
    Word(Secret),
    Equals,
    Semicolon,
}

struct Tokens<'a> {
    chars: Peekable<CharIndices<'a>>,
}

impl Tokens<'_> {
    fn next(&mut self) -> Result<Option<Token>, String> {
        while let Some((at, c)) = self.chars.next() {
            match c {
                '\0'..=' ' => {}
                '/' => self.comment()?,
                '"' | '\'' => return self.quoted(c).map(|word| Some(Token::Word(word))),
                '=' => return Ok(Some(Token::Equals)),
                ';' => return Ok(Some(Token::Semicolon)),
                '0'..='9' | '.' | '-' => {
                    return Err(format!("expected quotes around what begins at character {}", at + 1));
                }
                c if is_word(c) => return Ok(Some(Token::Word(self.word(c)))),
                _ => {
                    return Err(format!(
                        "expected no such character outside of quotes as character {}",
                        at + 1
                    ));
                }
            }
        }
        Ok(None)
    }

    fn word(&mut self, first: char) -> Secret {
        let mut word = Zeroizing::new(String::from(first));
        while let Some((_, c)) = self.chars.next_if(|(_, c)| is_word(*c) || matches!(c, '0'..='9' | '.')) {
            word.push(c);
        }
        Secret::from(word.as_str())
    }

    /// `//` and `/` to the end of the line, `/* */`.
    fn comment(&mut self) -> Result<(), String> {
        if self.chars.next_if(|(_, c)| *c == '*').is_none() {
            while self.chars.next_if(|(_, c)| !matches!(c, '\n' | '\r')).is_some() {}
            return Ok(());
        }
        let mut last = ' ';
        for (_, c) in self.chars.by_ref() {
            if last == '*' && c == '/' {
                return Ok(());
            }
            last = c;
        }
        Err("expected `*/` at the end of the comment".to_owned())
    }

    fn quoted(&mut self, quote: char) -> Result<Secret, String> {
        let mut text = Zeroizing::new(String::with_capacity(64));
        while let Some((_, c)) = self.chars.next() {
            match c {
                c if c == quote => return Ok(Secret::from(text.as_str())),
                '\n' | '\r' => break,
                '\\' => match self.chars.next() {
                    Some((_, c)) => text.push(self.escaped(c)),
                    None => break,
                },
                c => text.push(c),
            }
        }
        Err(format!("expected {quote} at the end of a value, on the line that it begins on"))
    }

    fn escaped(&mut self, c: char) -> char {
        match c {
            '0'..='7' => self.octal(c),
            'a' => '\x07',
            'b' => '\x08',
            'f' => '\x0c',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\x0b',
            other => other,
        }
    }

    /// Up to `\377`.
    fn octal(&mut self, first: char) -> char {
        let mut code = first.to_digit(8).unwrap_or_default();
        let more = if first <= '3' { 2 } else { 1 };
        for _ in 0..more {
            let Some((_, c)) = self.chars.next_if(|(_, c)| c.is_digit(8)) else { break };
            code = code * 8 + c.to_digit(8).unwrap_or_default();
        }
        char::from_u32(code).unwrap_or_default()
    }
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphabetic() || matches!(c, '_' | '-' | '$') || c >= '\u{a0}'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(text: &str) -> Vec<(String, String)> {
        let entry = parse(text).unwrap_or_else(|problem| panic!("{text}: {problem}"));
        entry.options.into_iter().map(|(name, value)| (name, value.expose().to_owned())).collect()
    }

    fn value(text: &str) -> String {
        options(&format!("M required a={text};")).remove(0).1
    }

    #[test]
    fn a_module_and_its_options_are_read_as_java_reads_them() {
        let entry = parse("a.b.C$D_1 REQUIRED user-name = 'me'\n password=secret2 ;").unwrap();
        assert_eq!(entry.module, "a.b.C$D_1");
        let names: Vec<_> =
            entry.options.iter().map(|(name, value)| (name.as_str(), value.expose())).collect();
        assert_eq!(names, [("user-name", "me"), ("password", "secret2")]);
        assert_eq!(options("M required;"), []);
        assert_eq!(options("/*a*/M//b\nrequired /c\r;// d"), []);
        for (text, read) in [
            (r#""a b;=/#""#, "a b;=/#"),
            (r#""\"\\\'""#, r#""\'"#),
            (r#"'a"b'"#, "a\"b"),
            (r#""\a\b\f\n\r\t\v\z""#, "\x07\x08\x0c\n\r\t\x0bz"),
            (r#""\101\1018\7\77\477\0""#, "AA8\x07?\x277\0"),
            ("\"ä€😀\"", "ä€😀"),
            ("über", "über"),
            ("\"\"", ""),
        ] {
            assert_eq!(value(text), read, "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_without_a_value() {
        for (text, says) in [
            ("", "a login module"),
            ("=", "a login module"),
            ("M", "`required`"),
            ("M needed;", "`required`"),
            ("M required", "`;`"),
            ("M required a=\"hunter2\"", "`;`"),
            ("M required a;", "option 1"),
            ("M required a=b hunter2;", "option 2"),
            ("M required a=;", "`a`"),
            ("M required a==hunter2;", "`a`"),
            ("M required a=2hunter2;", "quotes"),
            ("M required a=#hunter2;", "character 14"),
            ("M required a=\"hunter2;", "at the end of a value"),
            ("M required a=\"hunter2\nb\";", "at the end of a value"),
            ("M required a=\"hunter2\\", "at the end of a value"),
            ("M required; N required;", "one login module"),
            ("M required; /* hunter2", "`*/`"),
        ] {
            let problem = parse(text).unwrap_err();
            assert!(problem.contains(says) && !problem.contains("hunter2"), "{text}: {problem}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in r#"([a-zA-Z.$]{1,9}|required|[ =;"'\\/*\n0-7-]|\PC){0,40}"#) {
            let _ = parse(&text);
            let _ = crate::Jaas::parse(&format!(
                "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required {text}"
            ));
        }

        #[test]
        fn a_quoted_value_comes_back_as_it_was(secret in "\\PC*") {
            let quoted = secret.replace('\\', r"\\").replace('"', "\\\"");
            let text = format!("M required a=\"{quoted}\";");
            proptest::prop_assert_eq!(value(&format!("\"{quoted}\"")), secret, "{}", text);
        }
    }
}
