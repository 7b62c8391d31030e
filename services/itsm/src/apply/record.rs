//! What earlier runs made of a set of files: each resource by name and uid, which is never given twice. Only what stands
//! there is ever deleted.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::import::Problem;

/// Name of the record in a folder of files.
pub const FILE: &str = ".applied.json";

/// What was made of a set of files.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// The resources, by name.
    pub made: Vec<Made>,
}

/// A resource that was made.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Made {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: String,
    /// Its uid: the same name elsewhere is something else.
    pub uid: String,
}

/// Where the record of these files is: in the folder, if there is one and nothing else.
pub fn place(files: &[PathBuf], record: Option<&Path>) -> Option<PathBuf> {
    match (record, files) {
        (Some(record), _) => Some(record.to_owned()),
        (None, [folder]) if folder.is_dir() => Some(folder.join(FILE)),
        _ => None,
    }
}

impl Record {
    /// Reads a record; one that is not there yet is empty.
    pub fn read(path: &Path) -> Result<Self, Problem> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(Problem::new(format!("cannot read {}: {error}", path.display()))),
        };
        serde_json::from_str(&text)
            .map_err(|error| Problem::new(format!("{} is no record of what was applied: {error}", path.display())))
    }

    /// Writes it, whole or not at all.
    pub fn write(&mut self, path: &Path) -> Result<(), Problem> {
        self.made.sort();
        self.made.dedup();
        let fails = |error: std::io::Error| {
            Problem::new(format!("cannot keep the record of what was made in {}: {error}", path.display()))
        };
        let text = serde_json::to_string_pretty(self).map_err(|error| Problem::new(error.to_string()))?;
        let draft = path.with_extension("new");
        let mut file = std::fs::File::create(&draft).map_err(fails)?;
        file.write_all(text.as_bytes()).and_then(|()| file.write_all(b"\n")).map_err(fails)?;
        file.sync_all().and_then(|()| std::fs::rename(&draft, path)).map_err(fails)
    }
}
