use anyhow::{Context as _, Result, bail};

/// A closed range of versions; the schemas' `4+` ends at [`Versions::LAST`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Versions {
    pub(super) first: i16,
    pub(super) last: i16,
}

impl Versions {
    const LAST: i16 = i16::MAX;

    /// Reads `none` (as `None`), `3`, `3-5` or `3+`.
    pub(super) fn parse(text: &str) -> Result<Option<Self>> {
        let number = |text: &str| text.parse::<i16>().with_context(|| format!("`{text}` is no version"));
        let versions = if text == "none" {
            return Ok(None);
        } else if let Some(first) = text.strip_suffix('+') {
            Self { first: number(first)?, last: Self::LAST }
        } else if let Some((first, last)) = text.split_once('-') {
            Self { first: number(first)?, last: number(last)? }
        } else {
            Self { first: number(text)?, last: number(text)? }
        };
        if versions.first > versions.last {
            bail!("versions `{text}` end before they begin");
        }
        Ok(Some(versions))
    }

    /// The versions in both; `None` if there are none.
    pub(super) fn within(self, other: Self) -> Option<Self> {
        let both = Self { first: self.first.max(other.first), last: self.last.min(other.last) };
        (both.first <= both.last).then_some(both)
    }

    /// The shortest Rust range that selects these versions out of `scope`; `None` if they are all of it.
    pub(super) fn condition(self, scope: Self) -> Option<String> {
        match (self.first > scope.first, self.last < scope.last) {
            (false, false) => None,
            (true, false) => Some(format!("{}..", self.first)),
            (false, true) => Some(format!("..={}", self.last)),
            (true, true) => Some(format!("{}..={}", self.first, self.last)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Versions;

    #[test]
    fn the_notations_of_the_schemas_are_read() {
        let parse = |text| Versions::parse(text).unwrap().map(|v| (v.first, v.last));
        assert_eq!(parse("none"), None);
        assert_eq!(parse("3"), Some((3, 3)));
        assert_eq!(parse("3-5"), Some((3, 5)));
        assert_eq!(parse("3+"), Some((3, i16::MAX)));
        assert!(Versions::parse("5-3").is_err());
        assert!(Versions::parse("x").is_err());
    }

    #[test]
    fn conditions_say_no_more_than_the_scope_needs() {
        let scope = Versions { first: 4, last: 18 };
        let condition = |first, last| Versions { first, last }.within(scope).unwrap().condition(scope);
        assert_eq!(condition(0, i16::MAX), None);
        assert_eq!(condition(7, i16::MAX).as_deref(), Some("7.."));
        assert_eq!(condition(0, 14).as_deref(), Some("..=14"));
        assert_eq!(condition(7, 12).as_deref(), Some("7..=12"));
        assert_eq!(Versions { first: 0, last: 3 }.within(scope), None);
    }
}
