//! A name for the state of all SQL that makes a database, so that a prepared one is never used with other SQL.

use std::{
    fs,
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

/// Sixteen hexadecimal digits that change with the name or the text of any SQL file of any service: migrations, roles.
pub fn fingerprint_of_migrations() -> String {
    fingerprint(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../services"))
}

fn fingerprint(services: &Path) -> String {
    let mut hash = Sha256::new();
    for file in files(services).iter().filter(|file| file.extension().is_some_and(|end| end == "sql")) {
        let text = fs::read(file).unwrap_or_else(|error| panic!("cannot read {}: {error}", file.display()));
        let name = file.strip_prefix(services).unwrap_or(file);
        for part in [name.as_os_str().as_encoded_bytes(), &text] {
            hash.update(part.len().to_le_bytes());
            hash.update(part);
        }
    }
    hex::encode(&hash.finalize()[..8])
}

/// All files below `folder`, sorted.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("cannot read {}: {error}", folder.display()));
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    paths.into_iter().flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{fingerprint, fingerprint_of_migrations};
    use crate::Scratch;

    #[test]
    fn a_fingerprint_changes_with_the_migrations_and_with_nothing_else() {
        let services = Scratch::new();
        let write = |path: &str, text: &str| {
            let path = services.join(path);
            fs::create_dir_all(path.parent().expect("a file has a folder")).expect("the folder is ours");
            fs::write(path, text).expect("the folder is ours");
            fingerprint(&services)
        };
        let first = write("catalog/migrations/0001_a/up.sql", "a");
        assert_ne!(first, write("catalog/migrations/0001_a/up.sql", "b"));
        assert_eq!(first, write("catalog/migrations/0001_a/up.sql", "a"));
        assert_eq!(first, write("catalog/src/store/ticket.rs", "c"));
        assert_ne!(first, write("supplier/migrations/0001_a/up.sql", "a"));
        assert_eq!(fingerprint_of_migrations().len(), 16);
    }
}
