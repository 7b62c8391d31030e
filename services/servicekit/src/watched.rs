//! Values that are read from files and follow them: tokens, keys and certificates change without a restart.

use std::fmt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::error::{self, Error};

/// How old a look at the files may be. A change counts for whatever comes this much later.
pub const LOOK: Duration = Duration::from_secs(1);

type Read<T> = Box<dyn Fn() -> Result<T, Error> + Send + Sync>;

/// A value that is read again when one of its files changes. What cannot be read leaves the value as it was, and the
/// log says so.
pub struct Watched<T> {
    files: Vec<PathBuf>,
    read: Read<T>,
    state: Mutex<State<T>>,
}

struct State<T> {
    value: Arc<T>,
    seen: Vec<Option<Stamp>>,
    looked: Instant,
}

/// What changes with the content of a file: inode, time of the last change of any kind, and length.
type Stamp = (u64, i64, i64, u64);

impl<T> Watched<T> {
    /// Reads the value for the first time. `read` reads all of the files.
    pub fn new(
        files: Vec<PathBuf>,
        read: impl Fn() -> Result<T, Error> + Send + Sync + 'static,
    ) -> Result<Self, Error> {
        let seen = stamps(&files);
        let state = State { value: Arc::new(read()?), seen, looked: Instant::now() };
        Ok(Self { files, read: Box::new(read), state: Mutex::new(state) })
    }

    /// The value as of at most [`LOOK`] ago.
    pub fn now(&self) -> Arc<T> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.looked.elapsed() >= LOOK {
            state.looked = Instant::now();
            // Looked at before they are read: what changes in between is seen by the next look.
            let found = stamps(&self.files);
            if found != state.seen {
                state.seen = found;
                match (self.read)() {
                    Ok(value) => {
                        state.value = Arc::new(value);
                        tracing::info!(files = ?self.files, "read again after a change");
                    }
                    Err(error) => tracing::error!("a change is not taken over: {}", error.for_operator()),
                }
            }
        }
        state.value.clone()
    }
}

impl<T> fmt::Debug for Watched<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watched").field("files", &self.files).finish_non_exhaustive()
    }
}

fn stamps(files: &[PathBuf]) -> Vec<Option<Stamp>> {
    let stamp = |path: &PathBuf| {
        let found = std::fs::metadata(path).ok()?;
        Some((found.ino(), found.ctime(), found.ctime_nsec(), found.len()))
    };
    files.iter().map(stamp).collect()
}

/// The content of a file that a setting names; `what` it is goes into the refusal.
pub(crate) fn content(what: &str, path: &Path) -> Result<Vec<u8>, Error> {
    std::fs::read(path).map_err(|cause| misconfigured(format!("{what} {} cannot be read: {cause}", path.display())))
}

/// A setting that cannot work.
pub(crate) fn misconfigured(message: impl Into<Box<str>>) -> Error {
    Error::refused(error::CONFIGURATION_INVALID, "", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file of its own, gone at the end.
    struct File(PathBuf);

    impl File {
        fn new(name: &str) -> Self {
            Self(std::env::temp_dir().join(format!("itsm-watched-{}-{name}", std::process::id())))
        }

        fn watched(&self) -> Watched<i64> {
            let path = self.0.clone();
            let read = move || {
                let text = String::from_utf8(content("number", &path)?).unwrap();
                text.parse().map_err(|_| misconfigured("no number"))
            };
            Watched::new(vec![self.0.clone()], read).unwrap()
        }
    }

    impl Drop for File {
        fn drop(&mut self) {
            let _ = std::fs::remove_file(&self.0);
        }
    }

    /// Makes the last look too old.
    fn later(watched: &Watched<i64>) -> Arc<i64> {
        let mut state = watched.state.lock().unwrap();
        state.looked = state.looked.checked_sub(LOOK).unwrap();
        drop(state);
        watched.now()
    }

    #[test]
    fn a_change_is_taken_over_at_the_next_look() {
        let file = File::new("change");
        std::fs::write(&file.0, "1").unwrap();
        let watched = file.watched();
        std::fs::write(&file.0, "22").unwrap();
        assert_eq!(*watched.now(), 1);
        assert_eq!(*later(&watched), 22);
    }

    #[test]
    fn what_cannot_be_read_leaves_the_value_as_it_was() {
        let file = File::new("broken");
        std::fs::write(&file.0, "1").unwrap();
        let watched = file.watched();
        std::fs::write(&file.0, "nothing").unwrap();
        assert_eq!(*later(&watched), 1);
        std::fs::remove_file(&file.0).unwrap();
        assert_eq!(*later(&watched), 1);
        std::fs::write(&file.0, "3").unwrap();
        assert_eq!(*later(&watched), 3);
    }
}
