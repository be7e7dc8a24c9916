use regex_lite::Regex;

/// A subscription by regular expression, which the coordinator resolves; a topic's whole name must match.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pattern {
    text: String,
    /// `None` for an empty text, which matches nothing.
    regex: Option<Regex>,
}

impl Pattern {
    /// # Errors
    /// What is wrong with the expression.
    pub(crate) fn new(text: &str) -> Result<Self, String> {
        let regex = if text.is_empty() {
            None
        } else {
            Some(Regex::new(&format!("^(?:{text})$")).map_err(|error| error.to_string())?)
        };
        Ok(Self { text: text.to_owned(), regex })
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn matches(&self, topic: &str) -> bool {
        self.regex.as_ref().is_some_and(|regex| regex.is_match(topic))
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}
