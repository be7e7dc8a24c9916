//! Ends the process if a seed never ends: a loop without a pause stands still in simulated time.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;

use super::world::Notes;

/// Only a hang takes longer.
const LIMIT: Duration = Duration::from_secs(240);

pub(super) struct Watch(#[allow(dead_code, reason = "dropping it ends the watch")] Sender<()>);

impl Watch {
    pub(super) fn begin(seed: u64, notes: Notes) -> Self {
        let (sender, receiver) = channel();
        std::thread::spawn(move || {
            if receiver.recv_timeout(LIMIT) == Err(RecvTimeoutError::Timeout) {
                notes.lock().unwrap().iter().for_each(|note| eprintln!("{note}"));
                eprintln!("seed {seed} does not end: run it alone with SEED={seed}");
                std::process::abort();
            }
        });
        Self(sender)
    }
}
