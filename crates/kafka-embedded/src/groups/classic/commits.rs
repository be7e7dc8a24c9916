use kafka_core::protocol::ErrorCode;

use super::{ClassicGroup, State};
use crate::groups::Commit;

impl ClassicGroup {
    /// Whether offsets may be committed: by a member of this generation, or by anybody while there are none.
    pub(crate) fn check_commit(&self, commit: &Commit<'_>) -> Result<(), ErrorCode> {
        let Commit { member, instance, generation, transactional, .. } = *commit;
        if generation < 0 && self.state == State::Empty {
            return Ok(());
        }
        if generation >= 0 || !member.is_empty() || instance.is_some() {
            self.check_member(member, instance)?;
            self.check_generation(generation)?;
        } else if !transactional {
            return Err(ErrorCode::UNKNOWN_MEMBER_ID);
        }
        if !transactional && self.state == State::CompletingRebalance {
            return Err(ErrorCode::REBALANCE_IN_PROGRESS);
        }
        Ok(())
    }
}
