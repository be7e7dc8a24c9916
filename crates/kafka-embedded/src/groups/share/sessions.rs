use std::collections::{BTreeMap, BTreeSet};

use kafka_core::protocol::ErrorCode;

use crate::groups::Place;

/// Opens a session.
const FIRST: i32 = 0;
/// Closes it.
const LAST: i32 = -1;

/// What a member asks of one broker without saying it each time.
#[derive(Clone, Debug)]
struct Session {
    epoch: i32,
    places: BTreeSet<Place>,
}

/// The share sessions that a broker keeps, by group and member.
#[derive(Debug, Default)]
pub(crate) struct ShareSessions(BTreeMap<(String, String), Session>);

/// What a request makes of its session.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// It is open, and these partitions are wanted.
    Open(Vec<Place>),
    /// It is over.
    Closed,
}

impl ShareSessions {
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// A request to fetch, which may change what is wanted.
    pub(crate) fn fetch(
        &mut self,
        who: (&str, &str),
        epoch: i32,
        added: &[Place],
        forgotten: &[Place],
        limit: usize,
    ) -> Result<Turn, ErrorCode> {
        let key = (who.0.to_owned(), who.1.to_owned());
        if epoch == FIRST {
            if !self.0.contains_key(&key) && self.0.len() >= limit {
                return Err(ErrorCode::SHARE_SESSION_LIMIT_REACHED);
            }
            self.0.insert(key, Session { epoch: 1, places: added.iter().copied().collect() });
            return Ok(Turn::Open(added.to_vec()));
        }
        let turn = self.turn(&key, epoch)?;
        let Some(session) = self.0.get_mut(&key).filter(|_| turn != Turn::Closed) else { return Ok(turn) };
        session.places.extend(added);
        for place in forgotten {
            session.places.remove(place);
        }
        Ok(Turn::Open(session.places.iter().copied().collect()))
    }

    /// A request that only acknowledges.
    pub(crate) fn acknowledge(&mut self, who: (&str, &str), epoch: i32) -> Result<Turn, ErrorCode> {
        if epoch == FIRST {
            return Err(ErrorCode::INVALID_SHARE_SESSION_EPOCH);
        }
        self.turn(&(who.0.to_owned(), who.1.to_owned()), epoch)
    }

    fn turn(&mut self, key: &(String, String), epoch: i32) -> Result<Turn, ErrorCode> {
        let session = self.0.get_mut(key).ok_or(ErrorCode::SHARE_SESSION_NOT_FOUND)?;
        if epoch == LAST {
            self.0.remove(key);
            return Ok(Turn::Closed);
        }
        if epoch != session.epoch {
            return Err(ErrorCode::INVALID_SHARE_SESSION_EPOCH);
        }
        session.epoch = if epoch == i32::MAX { 1 } else { epoch + 1 };
        Ok(Turn::Open(session.places.iter().copied().collect()))
    }
}
