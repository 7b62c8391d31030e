//! `itsm docs`: the process handbook, as HTML, from what the catalog has published: what is described is what is enforced.
//! The same catalog and day give the same bytes.

mod diagram;
mod page;
mod published;

use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::client::Channel;
use crate::import::Problem;

/// Writes the handbook as of a day (today unless given) into a folder, which is made if it is missing: an index, a page
/// for each process, one for roles. Answers the files.
pub async fn write(channel: Channel, folder: &Path, on: Option<Date>, now: Timestamp) -> Result<Vec<PathBuf>, Problem> {
    let on = on.unwrap_or_else(|| now.to_zoned(TimeZone::UTC).date());
    let published = published::read(channel, on, now).await?;
    let cannot = |what: &Path, error: std::io::Error| Problem::new(format!("cannot write {}: {error}", what.display()));
    fs::create_dir_all(folder).map_err(|error| cannot(folder, error))?;
    let mut written = Vec::new();
    for (name, text) in page::all(&published) {
        let path = folder.join(name);
        fs::write(&path, text).map_err(|error| cannot(&path, error))?;
        written.push(path);
    }
    Ok(written)
}
