//! Says where the cost of a period goes.

use domain::allocation::{Allocation, allocate};
use domain::amount::Currency;
use jiff::Timestamp;
use servicekit::{Caller, Error, Kit, Scope};

use crate::{error, store};

/// Most charges that one call allocates.
pub const MAX_CHARGES: usize = 200_000;

/// The cost from `start` to `end`, in one currency or in each. To a caller bound to a customer there is none.
pub async fn run(
    kit: &Kit,
    caller: &Caller,
    start: Timestamp,
    end: Timestamp,
    currency: Option<Currency>,
) -> Result<Vec<Allocation>, Error> {
    if caller.customer.is_some() {
        return Ok(Vec::new());
    }
    let mut connection = kit.database.get(&Scope::Everything).await?;
    let rules = store::allocation_rules(&mut connection).await?;
    let charges = store::charges(&mut connection, start, end, currency, MAX_CHARGES + 1).await?;
    drop(connection);
    if charges.len() > MAX_CHARGES {
        let message = format!("the ledger holds more than {MAX_CHARGES} charges for the period: choose a shorter one");
        return Err(Error::refused(error::PERIOD_TOO_LARGE, "", message));
    }
    let allocated = tokio::task::spawn_blocking(move || allocate(&charges, &rules, start, end));
    allocated.await.map_err(Error::internal)?.map_err(|fault| {
        Error::refused(error::AMOUNT_TOO_LARGE, "", format!("the cost of the period cannot be allocated: {fault}"))
    })
}
