//! Why the catalog refuses what the kit would let pass: reasons beside those of `servicekit::error`, and which is when.

use domain::portfolio::StateError;
use servicekit::Error;
use servicekit::error::Reason;
use tonic::Code;

/// A definition with errors cannot be published.
pub const DEFINITION_INVALID: Reason = Reason::new(
    "DEFINITION_INVALID",
    Code::FailedPrecondition,
    "the check of the definition found errors: mend every finding listed, then publish",
);
/// A service without an owner cannot go live.
pub const OWNER_MISSING: Reason =
    Reason::new("OWNER_MISSING", Code::FailedPrecondition, "nobody answers for the service: name an owner first");
/// More tickets than one simulation takes.
pub const PERIOD_TOO_LARGE: Reason = Reason::new(
    "PERIOD_TOO_LARGE",
    Code::OutOfRange,
    "more tickets were opened in the period than one simulation takes: choose a shorter one",
);
/// A service is in another state than the change starts from.
pub const SERVICE_STATE_WRONG: Reason = Reason::new(
    "SERVICE_STATE_WRONG",
    Code::FailedPrecondition,
    "the service is not in the state that the change starts from: the metadata names the one it is in",
);

/// Every reason of the catalog.
pub const REASONS: &[Reason] = &[DEFINITION_INVALID, OWNER_MISSING, PERIOD_TOO_LARGE, SERVICE_STATE_WRONG];

/// The refusal to change the state of a service.
pub fn state(service: &str, fault: &StateError) -> Error {
    let message = format!("{service}: {fault}");
    match fault {
        StateError::NoOwner => Error::refused(OWNER_MISSING, service, message),
        StateError::WrongState { current, .. } => {
            Error::refused(SERVICE_STATE_WRONG, service, message).with("state", current.as_str())
        }
    }
}
