//! Retires a service.

use jiff::Timestamp;
use servicekit::Error;
use servicekit::resource::Stored;

use crate::error;
use crate::store::Service;

/// The service as it is when retired; refused unless it is live.
pub fn edit(service: &Stored<Service>, _now: Timestamp) -> Result<Service, Error> {
    let retired = service.body.0.clone().retire();
    retired.map(Service).map_err(|fault| error::state(&service.name, &fault))
}
