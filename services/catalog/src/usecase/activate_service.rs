//! Takes a service live.

use jiff::Timestamp;
use servicekit::Error;
use servicekit::resource::Stored;

use crate::error;
use crate::store::Service;

/// The service as it is when live; refused unless it is in the pipeline and has an owner.
pub fn edit(service: &Stored<Service>, _now: Timestamp) -> Result<Service, Error> {
    let activated = service.body.0.clone().activate();
    activated.map(Service).map_err(|fault| error::state(&service.name, &fault))
}
