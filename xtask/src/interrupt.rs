//! Ctrl-C, SIGTERM and SIGHUP: noted, so that what was started can be ended before this program is.

use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result, bail};

static REQUESTED: AtomicBool = AtomicBool::new(false);

/// From now on those signals no longer end this program at once.
pub(crate) fn install() -> Result<()> {
    ctrlc::set_handler(|| REQUESTED.store(true, Ordering::SeqCst)).context("cannot handle Ctrl-C")
}

/// Whether the user wants this program to end.
pub(crate) fn requested() -> bool {
    REQUESTED.load(Ordering::SeqCst)
}

/// Fails when the user wants this program to end.
pub(crate) fn check() -> Result<()> {
    if requested() { bail!("interrupted") } else { Ok(()) }
}
