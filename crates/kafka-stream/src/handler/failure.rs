use std::any::type_name;
use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;

/// Why a record could not be handled.
///
/// Any error becomes one with `?`, and the handler is tried again. [`Failure::poison`] says that trying again cannot
/// help: the record goes to the dead letter topic at once.
pub struct Failure {
    class: Cow<'static, str>,
    message: String,
    retriable: bool,
}

impl Failure {
    /// A failure that may pass: the handler is tried again.
    pub fn retry<E: fmt::Display>(error: E) -> Self {
        Self { class: type_name::<E>().into(), message: error.to_string(), retriable: true }
    }

    /// A failure that lies in the record: it is not tried again.
    pub fn poison<E: fmt::Display>(error: E) -> Self {
        Self { retriable: false, ..Self::retry(error) }
    }

    /// Names the class of the failure, in place of the error's type.
    #[must_use]
    pub fn with_class(mut self, class: impl Into<Cow<'static, str>>) -> Self {
        self.class = class.into();
        self
    }

    /// The class of the failure: by default the error's Rust type.
    pub fn class(&self) -> &str {
        &self.class
    }

    /// What failed, with the errors beneath.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Whether the handler is tried again.
    pub fn is_retriable(&self) -> bool {
        self.retriable
    }

    /// A handler that panicked. It may have been the record or the moment, so it is tried again.
    pub(crate) fn panicked(payload: &(dyn std::any::Any + Send)) -> Self {
        let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
        let message = format!("the handler panicked: {}", text.as_deref().unwrap_or("no message"));
        Self { class: "panic".into(), message, retriable: true }
    }
}

impl<E: StdError + Send + Sync + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        let mut message = error.to_string();
        let mut source = error.source();
        while let Some(beneath) = source {
            message = format!("{message}: {beneath}");
            source = beneath.source();
        }
        Self { class: type_name::<E>().into(), message, retriable: true }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.class)
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Failure")
            .field("class", &self.class)
            .field("message", &self.message)
            .field("retriable", &self.retriable)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_becomes_a_failure_with_its_type_and_all_that_is_beneath() {
        let beneath = "x".parse::<i32>().unwrap_err();
        let failure = Failure::from(std::io::Error::other(beneath));
        assert_eq!(failure.class(), "std::io::error::Error");
        assert!(failure.message().contains("invalid digit"), "{failure}");
        assert!(failure.is_retriable());
        assert!(!Failure::poison("no").is_retriable());
        assert_eq!(Failure::retry("no").with_class("mine").class(), "mine");
    }
}
