//! Shut while there is too much behind it.

use crate::sync::{AtomicBool, Mutex, Ordering};

/// Whether a partition is paused by what piles up. Whoever adds may shut it and whoever takes away may open it, from several
/// threads: it never stays shut while there is room.
#[derive(Debug)]
pub(crate) struct Valve {
    /// Written while `turn` is held, together with what it stands for.
    is_shut: AtomicBool,
    turn: Mutex<()>,
}

impl Valve {
    pub(crate) fn new() -> Self {
        Self { is_shut: AtomicBool::new(false), turn: Mutex::new(()) }
    }

    /// Shuts it by `shut`, unless it is; says whether it did. To be asked for [room](Self::open_if) afterwards: all may be
    /// taken away while it shuts.
    pub(crate) fn shut(&self, shut: impl FnOnce()) -> bool {
        let _turn = self.turn.lock();
        let was_open = !self.is_shut.load(Ordering::Acquire);
        if was_open {
            shut();
            self.is_shut.store(true, Ordering::Release);
        }
        was_open
    }

    /// Opens it by `open`, if it is shut and there is room.
    pub(crate) fn open_if(&self, has_room: impl Fn() -> bool, open: impl FnOnce()) {
        if !self.is_shut.load(Ordering::Acquire) || !has_room() {
            return;
        }
        let _turn = self.turn.lock();
        // Meanwhile it may have been opened, filled and shut again.
        if self.is_shut.load(Ordering::Acquire) && has_room() {
            open();
            self.is_shut.store(false, Ordering::Release);
        }
    }
}
