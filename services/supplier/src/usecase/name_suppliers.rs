//! Finds the suppliers that a register calls by their names for people, and creates those that are not known.
//! Two writings that differ in case or white space only are one supplier.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use domain::name::{distinct_slug, slug};
use servicekit::db::Connection;
use servicekit::error;
use servicekit::resource::{self, Outcome};
use servicekit::serve::MAX_BATCH;
use servicekit::{Caller, Error, Kit, Scope};

use crate::store::{Supplier, recorded_names, suppliers_called};

/// How often names are chosen anew when somebody else takes them meanwhile.
const ATTEMPTS: u32 = 3;

/// Names of suppliers by their names for people.
#[derive(Debug, Default)]
pub struct Directory {
    named: HashMap<String, String>,
    /// Suppliers that are not there yet, with what to call them.
    new: BTreeMap<String, String>,
}

impl Directory {
    /// Name of the supplier of that display name. None: no name is free for it.
    pub fn name_of(&self, display_name: &str) -> Option<&str> {
        self.named.get(display_name).map(String::as_str)
    }
}

/// Names every supplier that is called for and creates those of `wanted` that are not there. The display names have
/// single spaces; a supplier is known by the one it has, and by the one that it was created with under a name made of it.
pub async fn run(
    kit: &Kit,
    caller: &Caller,
    display_names: &BTreeSet<&str>,
    wanted: &BTreeSet<&str>,
) -> Result<Directory, Error> {
    for _ in 0..ATTEMPTS {
        let directory = look_up(&mut kit.database.get(&Scope::Everything).await?, display_names).await?;
        if create(kit, caller, &directory, wanted).await? {
            return Ok(directory);
        }
    }
    Err(Error::refused(error::CONFLICT, "", "others create suppliers of the same names: try again"))
}

/// Creates what is wanted and new; false when a name was taken meanwhile.
async fn create(kit: &Kit, caller: &Caller, directory: &Directory, wanted: &BTreeSet<&str>) -> Result<bool, Error> {
    let names: BTreeSet<&str> = wanted.iter().filter_map(|display_name| directory.name_of(display_name)).collect();
    let new = directory.new.iter().filter(|(name, _)| names.contains(name.as_str()));
    let members: Vec<(String, Supplier)> = new.map(|(name, called)| (name.clone(), supplier(called))).collect();
    for members in members.chunks(MAX_BATCH) {
        let added = resource::add(kit, caller, members, false).await?;
        if added.iter().any(|member| member.outcome == Outcome::Different) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// A supplier of which only the name for people is known.
pub fn supplier(display_name: &str) -> Supplier {
    let display_name = display_name.to_owned();
    Supplier(domain::contract::Supplier { display_name, ..domain::contract::Supplier::default() })
}

async fn look_up(connection: &mut Connection, display_names: &BTreeSet<&str>) -> Result<Directory, Error> {
    let asked = display_names.iter().map(|name| (*name).to_owned()).collect();
    let known = suppliers_called(connection, asked).await?;
    let unknown = known.iter().filter(|known| known.supplier.is_none());
    let possible = unknown.flat_map(|known| candidates(&known.same_name)).collect();
    let recorded = recorded_names(connection, possible).await?;
    let mut taken: HashMap<String, String> =
        recorded.into_iter().map(|recorded| (recorded.name, recorded.first_called)).collect();
    let mut directory = Directory::default();
    for known in known {
        let name = known.supplier.or_else(|| {
            let fits = |name: &String| taken.get(name).is_none_or(|first_called| *first_called == known.same_name);
            let name = candidates(&known.same_name).into_iter().find(fits)?;
            if !taken.contains_key(&name) {
                taken.insert(name.clone(), known.same_name.clone());
                directory.new.insert(name.clone(), known.display_name.clone());
            }
            Some(name)
        });
        directory.named.extend(name.map(|name| (known.display_name, name)));
    }
    Ok(directory)
}

/// Names that a supplier so called may get, the shorter one first.
fn candidates(same_name: &str) -> [String; 2] {
    [slug(same_name), distinct_slug(same_name)].map(|id| format!("suppliers/{id}"))
}
