//! Takes a batch of a register of contracts: those that are not there yet, each with its suppliers.
//! A place in a source belongs to one contract, whatever its name.

use std::collections::{BTreeSet, HashMap, HashSet};

use domain::name::{distinct_slug, slug};
use servicekit::intake::{self, Candidate, ROW_INVALID, SOURCE_ID_CONFLICT, Tally};
use servicekit::{Caller, Error, Kit, Scope};

use super::name_suppliers;
use crate::store::{Contract, FromSource, recorded_contracts, recorded_names};

/// A row that can be read.
#[derive(Debug)]
pub struct Entry {
    /// Number of the row.
    pub sequence: i64,
    /// Name of the contract. Empty: made of its place in the source.
    pub name: String,
    /// What the row says, its source included. Suppliers that have names already come before those of the register.
    pub contract: Contract,
    /// Suppliers as the register writes them, with single spaces, the main one first.
    pub supplier_display_names: Vec<String>,
}

impl Entry {
    fn place(&self) -> (String, String) {
        (self.contract.0.source.clone(), self.contract.0.source_id.clone())
    }

    fn called(&self) -> impl Iterator<Item = &str> {
        self.supplier_display_names.iter().map(String::as_str)
    }
}

/// Names suppliers and contracts, and adds what is not there.
pub async fn run(kit: &Kit, caller: &Caller, entries: Vec<Entry>, tally: &mut Tally) -> Result<(), Error> {
    let recorded = recorded(kit, &entries).await?;
    let called: BTreeSet<&str> = entries.iter().flat_map(Entry::called).collect();
    let fresh = entries.iter().filter(|entry| !recorded.contains_key(&entry.place()));
    let wanted: BTreeSet<&str> = fresh.flat_map(Entry::called).collect();
    let directory = name_suppliers::run(kit, caller, &called, &wanted).await?;
    let mut names = Names::look_up(kit, &entries).await?;

    let mut candidates = Vec::with_capacity(entries.len());
    for mut entry in entries {
        let suppliers: Option<Vec<&str>> = entry.called().map(|called| directory.name_of(called)).collect();
        let Some(suppliers) = suppliers else {
            let message = "holds a supplier for which no name is free: create it, and name it in contract.supplier";
            tally.fail(entry.sequence, ROW_INVALID, "supplier_display_names", message);
            continue;
        };
        let suppliers: Vec<String> = suppliers.into_iter().map(str::to_owned).collect();
        assign(&mut entry.contract, suppliers);
        let name = match recorded.get(&entry.place()) {
            Some(known) if !entry.name.is_empty() && entry.name != known.name => {
                let message = format!("stands for {}, and the row names {}", known.name, entry.name);
                tally.fail(entry.sequence, SOURCE_ID_CONFLICT, "source_id", message);
                continue;
            }
            Some(known) => known.name.clone(),
            None => names.name(&entry),
        };
        candidates.push(Candidate { sequence: entry.sequence, name, body: entry.contract });
    }
    intake::add(kit, caller, candidates, tally).await
}

/// Puts the suppliers that were found into the contract, each once: one that the row names stays the main one.
fn assign(contract: &mut Contract, found: Vec<String>) {
    let mut suppliers: Vec<String> = Vec::new();
    let named = std::mem::take(&mut contract.0.supplier);
    let further = std::mem::take(&mut contract.0.additional_suppliers);
    for supplier in std::iter::once(named).chain(found).chain(further).filter(|name| !name.is_empty()) {
        if !suppliers.contains(&supplier) {
            suppliers.push(supplier);
        }
    }
    let mut suppliers = suppliers.into_iter();
    contract.0.supplier = suppliers.next().unwrap_or_default();
    contract.0.additional_suppliers = suppliers.collect();
}

/// The contracts that came from the places of the entries, by place.
async fn recorded(kit: &Kit, entries: &[Entry]) -> Result<HashMap<(String, String), FromSource>, Error> {
    let places: Vec<(&str, &str)> = entries.iter().filter_map(|entry| entry.contract.place()).collect();
    let recorded = recorded_contracts(&mut kit.database.get(&Scope::Everything).await?, &places).await?;
    let by_place = recorded.into_iter().map(|known| ((known.source.clone(), known.source_id.clone()), known));
    Ok(by_place.collect())
}

/// Names for contracts that are new, one for each place.
struct Names {
    taken: HashSet<String>,
    given: HashMap<(String, String), String>,
}

impl Names {
    async fn look_up(kit: &Kit, entries: &[Entry]) -> Result<Self, Error> {
        let wanted = entries.iter().map(|entry| plain(&entry.place())).collect();
        let recorded = recorded_names(&mut kit.database.get(&Scope::Everything).await?, wanted).await?;
        let taken = recorded.into_iter().map(|recorded| recorded.name).collect();
        Ok(Self { taken, given: HashMap::new() })
    }

    /// The name that the row gives, or one made of its place: a distinct one where the plain one is another place's.
    fn name(&mut self, entry: &Entry) -> String {
        if !entry.name.is_empty() {
            return entry.name.clone();
        }
        let place = entry.place();
        if let Some(name) = self.given.get(&place) {
            return name.clone();
        }
        let plain = plain(&place);
        let (source, id) = &place;
        let name = if self.taken.insert(plain.clone()) {
            plain
        } else {
            format!("contracts/{}", distinct_slug(&format!("{source} {id}")))
        };
        self.given.insert(place, name.clone());
        name
    }
}

fn plain((source, id): &(String, String)) -> String {
    format!("contracts/{}", slug(&format!("{source} {id}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(source: &str, source_id: &str) -> Entry {
        let contract = domain::contract::Contract {
            source: source.to_owned(),
            source_id: source_id.to_owned(),
            ..domain::contract::Contract::default()
        };
        Entry { sequence: 1, name: String::new(), contract: Contract(contract), supplier_display_names: Vec::new() }
    }

    fn names() -> Names {
        Names { taken: HashSet::new(), given: HashMap::new() }
    }

    #[test]
    fn a_contract_is_named_after_its_place_in_the_source() {
        let name = names().name(&entry("act_contracts_2025.csv", "228088"));
        assert_eq!(name, "contracts/act-contracts-2025-csv-228088");
    }

    #[test]
    fn places_that_look_alike_get_different_names_and_the_same_place_the_same() {
        let mut names = names();
        let [first, second] = ["1.1", "1-1"].map(|id| names.name(&entry("a.csv", id)));
        assert_ne!(first, second);
        assert_eq!(names.name(&entry("a.csv", "1-1")), second);
    }

    #[test]
    fn each_supplier_stands_once_and_the_one_that_is_named_first() {
        let mut contract = Contract(domain::contract::Contract {
            supplier: "suppliers/b".to_owned(),
            additional_suppliers: vec!["suppliers/c".to_owned()],
            ..domain::contract::Contract::default()
        });
        assign(&mut contract, ["a", "b", "c", "a"].map(|id| format!("suppliers/{id}")).to_vec());
        assert_eq!(contract.0.supplier, "suppliers/b");
        assert_eq!(contract.0.additional_suppliers, ["suppliers/a", "suppliers/c"]);
    }
}
