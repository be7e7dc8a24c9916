use std::collections::BTreeSet;
use std::sync::Arc;

use regex_lite::Regex;

use super::group::TopicFilter;
use super::{ConsumerError, ConsumerErrorKind};

/// Topics that Kafka keeps for itself.
const INTERNAL_TOPICS: [&str; 3] = ["__consumer_offsets", "__transaction_state", "__share_group_state"];

/// What the user wants to read.
#[derive(Debug, Default)]
pub(crate) enum Wanted {
    #[default]
    Nothing,
    Topics(BTreeSet<Arc<str>>),
    Pattern(Arc<str>),
    /// Assigned by hand.
    Partitions,
    Closed,
}

impl Wanted {
    /// Takes over another wish, unless one of the other sort is in force.
    pub(crate) fn change(&mut self, to: Self) -> Result<(), ConsumerError> {
        let refused = match (&*self, &to) {
            (Self::Closed, _) => return Err(ConsumerError::closed()),
            (Self::Partitions, Self::Topics(_) | Self::Pattern(_)) => {
                "partitions are assigned by hand; unsubscribe() before subscribing to topics"
            }
            (Self::Topics(_) | Self::Pattern(_), Self::Partitions) => {
                "topics are subscribed; unsubscribe() before assigning partitions by hand"
            }
            _ => {
                *self = to;
                return Ok(());
            }
        };
        Err(ConsumerError::new(ConsumerErrorKind::NoSubscription, refused))
    }

    /// Whether there is something to poll for.
    pub(crate) fn check(&self) -> Result<(), ConsumerError> {
        match self {
            Self::Nothing => Err(ConsumerError::new(
                ConsumerErrorKind::NoSubscription,
                "nothing is subscribed or assigned; call subscribe() or assign() before poll()",
            )),
            Self::Closed => Err(ConsumerError::closed()),
            _ => Ok(()),
        }
    }
}

/// Says which topics' whole names match a regular expression.
pub(crate) fn topic_filter(pattern: &str, exclude_internal: bool) -> Result<TopicFilter, ConsumerError> {
    let regex = Regex::new(&format!("^(?:{pattern})$")).map_err(|error| {
        ConsumerError::new(
            ConsumerErrorKind::InvalidInput,
            format!("pattern {pattern:?} is not a regular expression: {error}"),
        )
    })?;
    Ok(Arc::new(move |topic| {
        !(exclude_internal && INTERNAL_TOPICS.contains(&topic)) && regex.is_match(topic)
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_whole_names_and_leaves_internal_topics_out() {
        let filter = topic_filter("a|b.*|__consumer_offsets", true).unwrap();
        let matched = ["a", "ab", "b", "bcd", "xb", "__consumer_offsets"].map(|topic| filter(topic));
        assert_eq!(matched, [true, false, true, true, false, false]);
        assert!(topic_filter("__.*", false).unwrap()("__consumer_offsets"));
    }

    #[test]
    fn a_pattern_that_does_not_parse_is_refused() {
        let Err(error) = topic_filter("a(", true) else { panic!("accepted") };
        assert_eq!(error.kind(), ConsumerErrorKind::InvalidInput);
        assert!(error.to_string().contains("a("), "{error}");
    }

    #[test]
    fn subscribing_and_assigning_exclude_each_other_until_unsubscribed() {
        let mut wanted = Wanted::default();
        assert_eq!(wanted.check().unwrap_err().kind(), ConsumerErrorKind::NoSubscription);
        wanted.change(Wanted::Partitions).unwrap();
        wanted.check().unwrap();
        let refused = wanted.change(Wanted::Pattern("a".into())).unwrap_err();
        assert_eq!(refused.kind(), ConsumerErrorKind::NoSubscription);
        wanted = Wanted::default();
        wanted.change(Wanted::Pattern("a".into())).unwrap();
        wanted.change(Wanted::Topics(["t".into()].into())).unwrap();
        assert!(wanted.change(Wanted::Partitions).is_err());
        wanted = Wanted::Closed;
        assert_eq!(wanted.change(Wanted::Partitions).unwrap_err().kind(), ConsumerErrorKind::Closed);
    }
}
