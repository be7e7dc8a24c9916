use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use crate::protocol::{ApiKey, Request};
use crate::{Error, ErrorKind, Result};

/// What a broker speaks: the versions of each API, and the features that its cluster has finalized (KIP-584).
#[derive(Clone, Debug, Default)]
pub struct ApiVersions {
    ranges: BTreeMap<i16, (i16, i16)>,
    features: BTreeMap<String, i16>,
}

impl ApiVersions {
    /// Nothing known yet.
    pub(super) const fn none() -> Self {
        Self { ranges: BTreeMap::new(), features: BTreeMap::new() }
    }

    pub(super) fn new(
        ranges: impl IntoIterator<Item = (i16, i16, i16)>,
        features: impl IntoIterator<Item = (String, i16)>,
    ) -> Self {
        Self {
            ranges: ranges.into_iter().map(|(key, min, max)| (key, (min, max))).collect(),
            features: features.into_iter().collect(),
        }
    }

    /// The versions of `api` that the broker speaks; `None` if it does not know the API.
    pub fn range(&self, api: ApiKey) -> Option<RangeInclusive<i16>> {
        self.ranges.get(&api.code()).map(|&(min, max)| min..=max)
    }

    /// The finalized level of a cluster feature such as `group.version` or `transaction.version`; `None` if the cluster
    /// does not have it.
    pub fn feature(&self, name: &str) -> Option<i16> {
        self.features.get(name).copied()
    }

    /// The newest version of a request that the broker and this client know, at most `limit`.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`], with both ranges, if there is none.
    pub fn negotiate<R: Request>(&self, limit: Option<i16>) -> Result<i16> {
        let (ours_min, ours_max) = (R::API_VERSION_RANGE.min().0.0, R::API_VERSION_RANGE.max().0.0);
        let unsupported = |what: String| {
            let message = format!("the broker cannot do what is asked: {what}; upgrade the brokers");
            Err(Error::new(ErrorKind::Unsupported, message).with_api(ApiKey::of::<R>()))
        };
        let Some(&(theirs_min, theirs_max)) = self.ranges.get(&ApiKey::of::<R>().code()) else {
            return unsupported("it does not know this API".to_owned());
        };
        let version = ours_max.min(theirs_max).min(limit.unwrap_or(i16::MAX));
        if version < ours_min.max(theirs_min) {
            let limited = limit.map(|limit| format!(", at most {limit} here")).unwrap_or_default();
            return unsupported(format!(
                "it speaks versions {theirs_min} to {theirs_max}, this client {ours_min} to {ours_max}{limited}"
            ));
        }
        Ok(version)
    }
}
