//! Why the catalog refuses what the kit would let pass: reasons beside those of `servicekit::error`, and which is when.

use domain::portfolio::StateError;
use servicekit::Error;

servicekit::reasons! {
    ALLOCATION_OVERLAPS, FailedPrecondition, "another rule shares out the same pool or service on some of the same days: end one before the other begins", ["resource", "used_by"];
    AMOUNT_TOO_LARGE, OutOfRange, "a sum exceeds what an amount of money holds: choose a shorter period";
    DEFINITION_INVALID, FailedPrecondition, "the check of the definition found errors: mend every finding listed, then publish";
    OWNER_MISSING, FailedPrecondition, "nobody answers for the service: name an owner first", ["resource"];
    PERIOD_TOO_LARGE, OutOfRange, "more is on record for the period than one call takes, which the message names: choose a shorter one";
    SERVICE_STATE_WRONG, FailedPrecondition, "the service is not in the state that the change starts from: the metadata names the one it is in", ["resource", "state"];
}

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
