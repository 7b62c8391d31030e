//! Says what one revision of a resource says otherwise than another.

use domain::difference::Difference;
use servicekit::resource::{self, Revisioned};
use servicekit::{Caller, Error, Kit, Scope};

/// The differences of two revisions, of which 0 is the working copy.
pub async fn run<R: Revisioned>(
    kit: &Kit,
    caller: &Caller,
    name: &str,
    (base, compared): (i32, i32),
    differences: fn(&R, &R) -> Vec<Difference>,
) -> Result<Vec<Difference>, Error> {
    let mut connection = kit.database.get(&Scope::Everything).await?;
    let before = resource::content::<R>(&mut connection, caller, name, base).await?;
    let after = resource::content::<R>(&mut connection, caller, name, compared).await?;
    Ok(differences(&before, &after))
}
