use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use tokio::sync::watch;
use tracing::error;

use super::Folder;
use super::journal::{Journal, State};
use super::log_folder::{LogFolder, remove_log};
use crate::Error;
use crate::storage::{Change, LogPlace};

/// More files than this are not kept open.
const MAX_OPEN: usize = 256;

/// The thread that writes, seen from outside. Dropping it waits until all is on disk.
#[derive(Debug)]
pub(crate) struct Disk {
    changes: Option<Sender<(u64, Vec<Change>)>>,
    thread: Option<JoinHandle<()>>,
    /// The number of the last group that was handed in.
    last: u64,
    done: watch::Receiver<u64>,
}

impl Disk {
    /// Reads the journal of a folder, and starts to write there.
    pub(super) fn start(folder: Folder) -> Result<(Self, State), Error> {
        let (journal, state) = Journal::open(&folder.path)?;
        let (changes, receiver) = channel();
        let (progress, done) = watch::channel(0);
        let path = folder.path.clone();
        let thread = std::thread::Builder::new().name("kafka-embedded-disk".to_owned()).spawn(move || {
            let mut writer = Writer { folder, journal, logs: HashMap::new() };
            if let Err(error) = writer.run(&receiver, &progress) {
                // The end of `progress` tells all who wait.
                error!(folder = %writer.folder.path.display(), %error, "records cannot be written any more");
            }
        });
        let thread =
            thread.map_err(|error| Error::data(&path, format!("no thread can be started: {error}")))?;
        Ok((Self { changes: Some(changes), thread: Some(thread), last: 0, done }, state))
    }

    /// Hands in what is to be written, if it is anything. What was known at this moment is on disk once [`Done`] says so.
    pub(crate) fn write(&mut self, changes: Vec<Change>) -> u64 {
        if !changes.is_empty()
            && let Some(sender) = &self.changes
        {
            self.last += 1;
            // A writer that has failed is noticed by whoever waits.
            let _failed = sender.send((self.last, changes));
        }
        self.last
    }

    pub(crate) fn done(&self) -> Done {
        Done(self.done.clone())
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        self.changes = None;
        if let Some(thread) = self.thread.take() {
            let _panicked = thread.join();
        }
    }
}

/// Tells what is on disk.
#[derive(Clone, Debug)]
pub(crate) struct Done(watch::Receiver<u64>);

impl Done {
    /// Waits until a group of changes is on disk.
    ///
    /// # Errors
    /// If it never will be.
    pub(crate) async fn wait(&self, group: u64) -> io::Result<()> {
        if *self.0.borrow() >= group {
            return Ok(());
        }
        let reached = self.0.clone().wait_for(|done| *done >= group).await.map(drop);
        reached.map_err(|_| io::Error::other("records cannot be written any more"))
    }

    /// Waits until nothing can be written any more.
    pub(crate) async fn failed(mut self) {
        while self.0.changed().await.is_ok() {}
    }
}

struct Writer {
    folder: Folder,
    journal: Journal,
    logs: HashMap<Arc<LogPlace>, LogFolder>,
}

impl Writer {
    fn run(
        &mut self,
        changes: &Receiver<(u64, Vec<Change>)>,
        progress: &watch::Sender<u64>,
    ) -> io::Result<()> {
        while let Ok((mut last, mut group)) = changes.recv() {
            while let Ok((number, more)) = changes.try_recv() {
                last = number;
                group.extend(more);
            }
            self.write(&group)?;
            progress.send_replace(last);
        }
        Ok(())
    }

    /// Writes a group and sees that it lasts. The journal comes first: a log that it does not know is nobody's, and a
    /// transaction that it knows to be over can be ended again in the logs.
    fn write(&mut self, group: &[Change]) -> io::Result<()> {
        let mut journaled = false;
        for change in group {
            match change {
                Change::State(changes) => {
                    self.journal.append(changes)?;
                    journaled = true;
                }
                Change::Snapshot(state) => self.journal.begin_with(state)?,
                _ => {}
            }
        }
        if journaled {
            self.journal.sync()?;
        }
        for change in group {
            self.apply(change)?;
        }
        for log in self.logs.values_mut() {
            log.sync()?;
        }
        if self.logs.len() > MAX_OPEN {
            self.logs.clear();
        }
        Ok(())
    }

    fn apply(&mut self, change: &Change) -> io::Result<()> {
        match change {
            Change::Begin { log, segment } => self.log(log)?.begin(*segment),
            Change::Append { log, segment, batch } => self.log(log)?.append(*segment, batch),
            Change::Remove { log, segment } => self.log(log)?.remove(*segment),
            Change::Replace { log, segments, batches } => self.log(log)?.replace(segments, batches),
            Change::Truncate { log, segment, size } => self.log(log)?.truncate(*segment, *size),
            Change::RemoveLog { log } => {
                self.logs.remove(log);
                remove_log(&self.folder.path, log)
            }
            Change::State(_) | Change::Snapshot(_) => Ok(()),
        }
    }

    fn log(&mut self, place: &Arc<LogPlace>) -> io::Result<&mut LogFolder> {
        use std::collections::hash_map::Entry;

        match self.logs.entry(Arc::clone(place)) {
            Entry::Occupied(entry) => Ok(entry.into_mut()),
            Entry::Vacant(entry) => Ok(entry.insert(LogFolder::open(&self.folder.path, place)?)),
        }
    }
}
