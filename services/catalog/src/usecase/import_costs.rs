//! Takes a batch of a bill: lines that are not there yet, each under a name made of its place in the source.

use domain::name::distinct_slug;
use servicekit::intake::{self, Candidate, ROW_INVALID, Tally};
use servicekit::{Caller, Error, Kit};

use crate::store::CostEntry;

/// Names the candidates and adds them; a line without a source is reported.
pub async fn run(
    kit: &Kit,
    caller: &Caller,
    candidates: Vec<Candidate<CostEntry>>,
    tally: &mut Tally,
) -> Result<(), Error> {
    let mut named = Vec::with_capacity(candidates.len());
    for Candidate { sequence, body, .. } in candidates {
        if body.0.source.is_empty() {
            let message = "is required: an import is told apart by its source and the place in it";
            tally.fail(sequence, ROW_INVALID, "cost_entry.source", message);
            continue;
        }
        named.push(Candidate { sequence, name: name(&body.0.source, &body.0.source_id), body });
    }
    intake::add(kit, caller, named, tally).await
}

/// The name of the line at that place of a source: the same for the same place, different for different ones.
fn name(source: &str, source_id: &str) -> String {
    format!("costEntries/{}", distinct_slug(&format!("{source} {source_id}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_named_after_its_place_in_the_source() {
        let first = name("focus_1.0_sample_1000.csv", "11472");
        assert_eq!(first, name("focus_1.0_sample_1000.csv", "11472"));
        assert!(first.starts_with("costEntries/focus-1-0-sample-1000-csv-11472-"), "{first}");
        assert_ne!(name("a.csv", "1.1"), name("a.csv", "1-1"));
    }
}
