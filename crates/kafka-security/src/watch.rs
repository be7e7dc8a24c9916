//! What is read from files, and read again when they change.
//!
//! Files are looked at before each new connection and by a timer, by their metadata: that costs a few microseconds, works on
//! every system and file system, and sees through the symbolic links that Kubernetes swaps. Notifications of the system
//! (inotify and its like) would have to follow each link on the way, lose track when a directory is replaced, and do not
//! exist for network file systems. Knows neither TLS nor SASL.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant, SystemTime};

use kafka_core::Result;
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// A file that was changed so recently may be changed again without its metadata telling.
const UNSETTLED: Duration = Duration::from_secs(2);

/// A value that files hold, as they hold it now.
///
/// What cannot be read keeps the value before it. It is logged as one error once it has lasted for the interval, so that two
/// files that belong together may be replaced one after the other.
pub(crate) struct Watched<T> {
    what: &'static str,
    paths: Vec<PathBuf>,
    interval: Duration,
    read: Box<dyn Fn() -> Result<T> + Send + Sync>,
    state: Mutex<State<T>>,
    generation: watch::Sender<u64>,
    timer: Mutex<Option<JoinHandle<()>>>,
}

struct State<T> {
    value: Arc<T>,
    stamp: Stamp,
    broken: Option<Broken>,
}

/// What could not be read, since when, and what of it was logged.
struct Broken {
    since: Instant,
    logged: Option<String>,
}

/// A value, and the news of the next one.
pub(crate) struct Fresh<T> {
    pub(crate) value: Arc<T>,
    /// Changes when there is a newer value than this.
    pub(crate) renewals: watch::Receiver<u64>,
}

impl<T: PartialEq + Send + Sync + 'static> Watched<T> {
    /// Reads the value by `read`, which uses the files at `paths`. `what` names it in logs.
    ///
    /// # Errors
    /// That of `read`: there is no older value to keep.
    pub(crate) fn new(
        what: &'static str,
        paths: Vec<PathBuf>,
        interval: Duration,
        read: impl Fn() -> Result<T> + Send + Sync + 'static,
    ) -> Result<Arc<Self>> {
        let stamp = Stamp::of(&paths);
        let value = Arc::new(read()?);
        Ok(Arc::new(Self {
            what,
            paths,
            interval: interval.max(Duration::from_millis(10)),
            read: Box::new(read),
            state: Mutex::new(State { value, stamp, broken: None }),
            generation: watch::Sender::new(0),
            timer: Mutex::default(),
        }))
    }

    /// The value that the files hold now, or the last one that could be read.
    ///
    /// Must be called within a tokio runtime, which then also looks at the files from time to time.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub(crate) async fn fresh(self: &Arc<Self>) -> Fresh<T> {
        if !self.paths.is_empty() {
            self.start_timer();
            let this = self.clone();
            // Files can be slow, and so can be the key that a pass phrase gives.
            let _ = tokio::task::spawn_blocking(move || this.look()).await;
        }
        let state = self.state.lock();
        Fresh { value: state.value.clone(), renewals: self.renewals() }
    }

    /// News of newer values than the present one.
    pub(crate) fn renewals(&self) -> watch::Receiver<u64> {
        self.generation.subscribe()
    }

    /// Reads again if the files seem to have changed.
    fn look(&self) {
        // Others wait meanwhile: they want to know what comes of it.
        let mut state = self.state.lock();
        let stamp = Stamp::of(&self.paths);
        if state.broken.is_none() && stamp.is_settled && stamp == state.stamp {
            return;
        }
        let read = (self.read)();
        state.stamp = stamp;
        match read {
            Ok(value) => {
                let recovered = state.broken.take().is_some_and(|broken| broken.logged.is_some());
                if value != *state.value {
                    state.value = Arc::new(value);
                    self.generation.send_modify(|generation| *generation += 1);
                    tracing::info!(
                        what = self.what,
                        "files have changed and were read again; connections are renewed"
                    );
                } else if recovered {
                    tracing::info!(what = self.what, "files can be read again");
                }
            }
            Err(error) => {
                let broken =
                    state.broken.get_or_insert_with(|| Broken { since: Instant::now(), logged: None });
                let message = error.to_string();
                if broken.since.elapsed() >= self.interval && broken.logged.as_ref() != Some(&message) {
                    tracing::error!(what = self.what, %error, "changed files cannot be used; what was read before stays in use");
                    broken.logged = Some(message);
                }
            }
        }
    }

    fn start_timer(self: &Arc<Self>) {
        let mut timer = self.timer.lock();
        if timer.as_ref().is_none_or(JoinHandle::is_finished) {
            *timer = Some(tokio::spawn(look_now_and_then(Arc::downgrade(self), self.interval)));
        }
    }
}

/// Ends when nobody uses the value any more.
async fn look_now_and_then<T: PartialEq + Send + Sync + 'static>(
    watched: Weak<Watched<T>>,
    interval: Duration,
) {
    loop {
        tokio::time::sleep(interval).await;
        let Some(watched) = watched.upgrade() else { return };
        let _ = tokio::task::spawn_blocking(move || watched.look()).await;
    }
}

impl<T> fmt::Debug for Watched<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watched")
            .field("what", &self.what)
            .field("paths", &self.paths)
            .field("generation", &*self.generation.borrow())
            .finish_non_exhaustive()
    }
}

/// What the metadata of some files says.
#[derive(Debug, Eq)]
struct Stamp {
    files: Vec<Option<FileStamp>>,
    /// Whether a later change would show.
    is_settled: bool,
}

impl PartialEq for Stamp {
    fn eq(&self, other: &Self) -> bool {
        self.files == other.files
    }
}

impl Stamp {
    /// Directories count with what is in them.
    fn of(paths: &[PathBuf]) -> Self {
        let mut files = Vec::new();
        for path in paths {
            files.push(FileStamp::of(path));
            if let Ok(entries) = std::fs::read_dir(path) {
                let mut entries: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
                entries.sort_unstable();
                files.extend(entries.iter().map(|entry| FileStamp::of(entry)));
            }
        }
        let recent = SystemTime::now().checked_sub(UNSETTLED);
        let is_settled =
            files.iter().flatten().all(|file| recent.is_some_and(|recent| file.changed < recent));
        Self { files, is_settled }
    }
}

#[derive(Debug, PartialEq, Eq)]
struct FileStamp {
    /// Where on which device, and when its metadata changed: what even a restored modification time cannot hide.
    identity: (u64, u64, i64, i64),
    length: u64,
    changed: SystemTime,
}

impl FileStamp {
    /// That of the file behind all links; `None` where there is none.
    fn of(path: &Path) -> Option<Self> {
        let metadata = std::fs::metadata(path).ok()?;
        #[cfg(unix)]
        let identity = {
            use std::os::unix::fs::MetadataExt;
            (metadata.dev(), metadata.ino(), metadata.ctime(), metadata.ctime_nsec())
        };
        #[cfg(not(unix))]
        let identity = (0, 0, 0, 0);
        let changed = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
        Some(Self { identity, length: metadata.len(), changed })
    }
}
