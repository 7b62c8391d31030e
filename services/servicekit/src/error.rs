//! What can go wrong, without transport: one enum, one table of reasons, one way out to `tonic::Status`.
//! The client gets a sentence and a reason; what only the operator may see goes to the log.

use std::time::Duration;

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

/// The `domain` of every `google.rpc.ErrorInfo` of the suite.
pub const DOMAIN: &str = "itsm";

/// A stable fact about why a request was refused; programs branch on its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reason {
    /// `UPPER_SNAKE`, never renamed: `ETAG_MISMATCH`.
    pub name: &'static str,
    /// The status code it travels with, always the same one.
    pub code: Code,
    /// What it means and what to do, for the table in the documentation.
    pub meaning: &'static str,
    /// Keys of the metadata that may come with it, for the same table.
    pub metadata: &'static [&'static str],
}

impl Reason {
    /// States a reason; services keep theirs in a table `REASONS` beside their error type.
    pub const fn new(name: &'static str, code: Code, meaning: &'static str) -> Self {
        Self { name, code, meaning, metadata: &[] }
    }

    /// The same reason with the keys of its metadata.
    #[must_use]
    pub const fn carrying(self, metadata: &'static [&'static str]) -> Self {
        Self { metadata, ..self }
    }
}

/// States the reasons of a crate, one a line: name, code, meaning, and the keys of the metadata if there are any. Makes
/// a constant of each, and the table `REASONS`.
#[macro_export]
macro_rules! reasons {
    ($($name:ident, $code:ident, $meaning:literal $(, [$($key:literal),*])?;)*) => {
        $(#[doc = $meaning] pub const $name: $crate::error::Reason =
            $crate::error::Reason::new(stringify!($name), tonic::Code::$code, $meaning)$(.carrying(&[$($key),*]))?;)*
        /// Every reason that is stated here.
        pub const REASONS: &[$crate::error::Reason] = &[$($name),*];
    };
}

reasons! {
    FIELD_INVALID, InvalidArgument, "one or more fields do not hold what they must: mend every field violation listed";
    FILTER_INVALID, InvalidArgument, "filter or order_by cannot be read: the message names field and column";
    PAGE_TOKEN_INVALID, InvalidArgument, "the token does not belong to this method, caller, filter and order: start again without one";
    UNAUTHENTICATED, Unauthenticated, "no credentials came with the request: send a bearer token in the authorization metadata, or a client certificate that is listed";
    TOKEN_INVALID, Unauthenticated, "the token is not accepted here: it is unknown, forged, not valid yet, or made for another server; the log says which";
    TOKEN_EXPIRED, Unauthenticated, "the token was good and has expired: ask for a new one";
    KEYS_UNAVAILABLE, Unavailable, "the token names a key that is not known here and the issuer's keys cannot be read: try again";
    PERMISSION_DENIED, PermissionDenied, "the caller lacks the role that the metadata names", ["role"];
    RESOURCE_NOT_FOUND, NotFound, "no such resource, or the caller may not see it", ["resource"];
    RESOURCE_EXISTS, AlreadyExists, "the name, or another value that must be unique, is taken", ["resource", "source_id"];
    RESOURCE_DELETED, FailedPrecondition, "the resource is deleted and takes no more changes", ["resource"];
    REFERENCE_INVALID, FailedPrecondition, "a resource that is referred to does not exist, or others still refer to this one", ["resource", "used_by"];
    REQUEST_ID_REUSED, FailedPrecondition, "the request id was used for another request within 24 hours: take a new UUID", ["request_id"];
    REVISION_IN_THE_PAST, FailedPrecondition, "only a first revision may take effect in the past: what was promised is never rewritten", ["resource"];
    REVISION_TIME_TAKEN, FailedPrecondition, "another revision takes effect at the same instant, and revisions are never edited", ["resource"];
    ETAG_MISMATCH, Aborted, "the resource has changed since it was read: read it again and decide anew", ["resource", "etag"];
    CONFLICT, Aborted, "another change came first, several times: try again", ["resource"];
    RESUME_TOKEN_TOO_OLD, OutOfRange, "the journal no longer streams from there: the message names the oldest token available", ["oldest_token"];
    LIMIT_REACHED, ResourceExhausted, "as many of these exist as one schema keeps: delete one first", ["resource"];
    RESUME_TOKEN_UNKNOWN, OutOfRange, "the journal was restored from a back-up that is older than the token: start anew";
    RATE_EXCEEDED, ResourceExhausted, "the caller makes more calls than the server takes from one: try again after the delay in RetryInfo, and more slowly";
    STREAMS_EXCEEDED, ResourceExhausted, "the caller has as many streams open as the server serves to one: close one first";
    TOO_BUSY, ResourceExhausted, "more requests are queued than can be served: try again after the delay in RetryInfo";
    DEADLINE_EXCEEDED, DeadlineExceeded, "the deadline passed; a write may have happened all the same: repeat it with the same request id";
    DATABASE_UNAVAILABLE, Unavailable, "the database cannot be reached; a write may have happened all the same: repeat it with the same request id", ["reference"];
    MESSAGE_TOO_LARGE, OutOfRange, "the message is larger than the limit in GetServerInfo: send less at once";
    MESSAGE_MALFORMED, Internal, "the bytes received are not the message that the method takes";
    SERVER_STOPPING, Unavailable, "the server is stopping: connect again and resume where the stream ended";
    METHOD_UNKNOWN, Unimplemented, "this server has no such method";
    INTERNAL, Internal, "a fault of the server; its log has the cause under the reference in the metadata", ["reference"];
    SCHEMA_NEWER, FailedPrecondition, "the database was migrated by a newer program: start that one", ["schema"];
    SCHEMA_PENDING, FailedPrecondition, "the database lacks migrations: run itsm migrate", ["schema"];
    CONFIGURATION_INVALID, FailedPrecondition, "a setting cannot work: the message names it";
    LISTEN_FAILED, FailedPrecondition, "the address cannot be listened on";
}

/// One field that does not hold what it must.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Path of the field in the request, proto names: `service.display_name`.
    pub field: String,
    /// What is wrong and what would be right: `is empty: give it a name for people`.
    pub description: String,
}

impl Violation {
    /// States a violation of one field.
    pub fn new(field: impl Into<String>, description: impl Into<String>) -> Self {
        Self { field: field.into(), description: description.into() }
    }
}

/// Everything servicekit can fail with. Services wrap it (`#[error(transparent)] Kit(#[from] servicekit::Error)`).
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The request itself is wrong, whatever the state of the server: all violations at once.
    #[error("{}", in_words(violations))]
    Invalid {
        /// Why, usually [`FIELD_INVALID`].
        reason: Reason,
        /// Never empty.
        violations: Vec<Violation>,
    },
    /// No such resource, or not for this caller.
    #[error("{resource} does not exist")]
    NotFound {
        /// Its name: `tickets/INC-000042`.
        resource: String,
    },
    /// A unique value is taken.
    #[error("{resource} exists already: choose another name or update it")]
    AlreadyExists {
        /// Name of the resource that stands in the way.
        resource: String,
    },
    /// A rule refuses the request: the general case, with any reason of any table.
    #[error("{message}")]
    Refused {
        /// Why; its code is the status code.
        reason: Reason,
        /// The resource concerned. Empty: none.
        subject: String,
        /// One sentence: names the thing and the way out.
        message: Box<str>,
        /// Values that a program needs to react.
        metadata: Vec<(String, String)>,
    },
    /// More is queued than can be served.
    #[error("{what} is busy: try again in {} ms", retry_after.as_millis())]
    Busy {
        /// What is full.
        what: &'static str,
        /// When another attempt makes sense.
        retry_after: Duration,
    },
    /// One caller asks for more than its share.
    #[error("{message}")]
    Limited {
        /// Of what.
        reason: Reason,
        /// One sentence: names the limit and the way out.
        message: String,
        /// When another attempt makes sense.
        retry_after: Duration,
    },
    /// The database cannot be reached. A commit that was under way may have happened.
    #[error("the database cannot be reached: try again, a write with the same request id")]
    Unavailable {
        /// For the log only.
        cause: String,
    },
    /// A constraint of the database refused a row; services map the ones they know with [`Error::on_constraint`].
    #[error("a constraint of the database refused the change")]
    Constraint {
        /// What kind of constraint.
        kind: Constraint,
        /// Its name: `ticket_source_key`.
        name: String,
        /// For the log only.
        cause: String,
    },
    /// Two changes came at once, and this one lost: repeated by the unit of work before anyone sees it.
    #[error("another change came first: try again")]
    Conflict,
    /// A fault of ours.
    #[error("the server failed: its log has the cause")]
    Internal {
        /// For the log only.
        cause: String,
    },
}

/// Kind of a constraint that refused a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Constraint {
    /// UNIQUE, PRIMARY KEY or EXCLUDE.
    Unique,
    /// FOREIGN KEY.
    Reference,
    /// CHECK or NOT NULL: validation should have caught it.
    Check,
}

fn in_words(violations: &[Violation]) -> String {
    let all: Vec<String> = violations.iter().map(|v| format!("{}: {}", v.field, v.description)).collect();
    all.join("; ")
}

impl Error {
    /// One field violation.
    pub fn invalid(field: impl Into<String>, description: impl Into<String>) -> Self {
        Self::Invalid { reason: FIELD_INVALID, violations: vec![Violation::new(field, description)] }
    }

    /// Fails with all violations at once, if there are any.
    pub fn check(violations: Vec<Violation>) -> Result<(), Self> {
        if violations.is_empty() { Ok(()) } else { Err(Self::Invalid { reason: FIELD_INVALID, violations }) }
    }

    /// No such resource, or not for this caller.
    pub fn not_found(resource: impl Into<String>) -> Self {
        Self::NotFound { resource: resource.into() }
    }

    /// A name that is taken.
    pub fn already_exists(resource: impl Into<String>) -> Self {
        Self::AlreadyExists { resource: resource.into() }
    }

    /// A rule refuses the request; `subject` is the resource concerned, or empty.
    pub fn refused(reason: Reason, subject: impl Into<String>, message: impl Into<Box<str>>) -> Self {
        Self::Refused { reason, subject: subject.into(), message: message.into(), metadata: Vec::new() }
    }

    /// Adds a value that a program needs to react; only [`Error::Refused`] carries any.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<String>) -> Self {
        if let Self::Refused { metadata, .. } = &mut self {
            metadata.push((key.to_owned(), value.into()));
        }
        self
    }

    /// A fault of ours; the cause goes to the log under a reference, the client gets the reference.
    pub fn internal(cause: impl std::fmt::Display) -> Self {
        Self::Internal { cause: cause.to_string() }
    }

    /// The database cannot be reached.
    pub fn unavailable(cause: impl std::fmt::Display) -> Self {
        Self::Unavailable { cause: cause.to_string() }
    }

    /// Replaces a violation of the named constraint by what it means.
    #[must_use]
    pub fn on_constraint(self, constraint: &str, meaning: impl FnOnce() -> Self) -> Self {
        match &self {
            Self::Constraint { name, .. } if name == constraint => meaning(),
            _ => self,
        }
    }

    /// Whether the same work may succeed when it is simply done again.
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Conflict) || self.is_repetition()
    }

    /// Whether the same request came twice at once and this was the second: its answer is that of the first.
    pub fn is_repetition(&self) -> bool {
        matches!(self, Self::Constraint { name, .. } if name == crate::idempotency::PRIMARY_KEY)
    }

    /// The reason that a client sees.
    pub fn reason(&self) -> Reason {
        match self {
            Self::Invalid { reason, .. } | Self::Refused { reason, .. } | Self::Limited { reason, .. } => *reason,
            Self::NotFound { .. } => RESOURCE_NOT_FOUND,
            repetition @ Self::Constraint { .. } if repetition.is_repetition() => CONFLICT,
            Self::AlreadyExists { .. } | Self::Constraint { kind: Constraint::Unique, .. } => RESOURCE_EXISTS,
            Self::Constraint { kind: Constraint::Reference, .. } => REFERENCE_INVALID,
            Self::Busy { .. } => TOO_BUSY,
            Self::Unavailable { .. } => DATABASE_UNAVAILABLE,
            Self::Conflict => CONFLICT,
            Self::Internal { .. } | Self::Constraint { kind: Constraint::Check, .. } => INTERNAL,
        }
    }

    /// The sentence for whoever runs the program: with the cause that clients are not shown.
    pub fn for_operator(&self) -> String {
        match self {
            Self::Unavailable { cause } => format!("the database cannot be reached: {cause}"),
            Self::Internal { cause } | Self::Constraint { cause, .. } => cause.clone(),
            _ => self.to_string(),
        }
    }

    /// What only the operator may read: database text and the like.
    fn hidden_cause(&self) -> Option<&str> {
        match self {
            Self::Unavailable { cause } | Self::Internal { cause } | Self::Constraint { cause, .. } => Some(cause),
            _ => None,
        }
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        let reason = error.reason();
        let mut message = error.to_string();
        let mut metadata = std::collections::HashMap::new();
        let mut details = ErrorDetails::new();
        if let Some(cause) = error.hidden_cause() {
            let reference = crate::clock::reference();
            if reason.code == Code::Unavailable {
                tracing::warn!(reason = reason.name, %reference, cause, "{message}");
            } else {
                tracing::error!(reason = reason.name, %reference, cause, "{message}");
            }
            if reason == INTERNAL {
                message = format!("the server failed: its log has the cause under {reference}");
            }
            metadata.insert("reference".to_owned(), reference);
        }
        match error {
            Error::Invalid { violations, .. } => {
                for violation in violations {
                    details.add_bad_request_violation(violation.field, violation.description);
                }
            }
            Error::NotFound { resource } | Error::AlreadyExists { resource } => {
                details.set_resource_info(collection(&resource), resource.clone(), "", message.clone());
                metadata.insert("resource".to_owned(), resource);
            }
            Error::Refused { reason, subject, metadata: values, .. } => {
                if reason.code == Code::FailedPrecondition {
                    details.add_precondition_failure_violation(reason.name, subject.clone(), message.clone());
                }
                if reason.code == Code::Aborted {
                    details.set_resource_info(collection(&subject), subject.clone(), "", message.clone());
                }
                metadata.extend(values);
                if !subject.is_empty() {
                    metadata.insert("resource".to_owned(), subject);
                }
            }
            Error::Busy { retry_after, .. } | Error::Limited { retry_after, .. } => {
                details.set_retry_info(Some(retry_after));
            }
            Error::Unavailable { .. } => {
                details.set_retry_info(Some(Duration::from_secs(1)));
            }
            Error::Conflict | Error::Constraint { .. } | Error::Internal { .. } => {}
        }
        details.set_error_info(reason.name, DOMAIN, metadata);
        Self::with_error_details(reason.code, message, details)
    }
}

/// `tickets` of `tickets/INC-000042`; of a nested name, the innermost collection.
fn collection(resource: &str) -> &str {
    let mut segments = resource.rsplit('/');
    segments.next();
    segments.next().unwrap_or_default()
}

/// What Postgres says when it has run out of something that an operator can give it more of (class 53).
const OUT_OF: [&str; 4] = ["No space left on device", "out of memory", "out of shared memory", "too many clients"];

impl From<diesel::result::Error> for Error {
    fn from(error: diesel::result::Error) -> Self {
        use diesel::result::{DatabaseErrorKind as Kind, Error as Diesel};
        let cause = error.to_string();
        let (kind, info) = match error {
            Diesel::DatabaseError(kind, info) => (kind, info),
            Diesel::RollbackErrorOnCommit { commit_error, .. } => return Self::from(*commit_error),
            Diesel::BrokenTransactionManager => return Self::Unavailable { cause },
            _ => return Self::Internal { cause },
        };
        let name = info.constraint_name().unwrap_or_default().to_owned();
        let cause = format!("{cause} (constraint {name:?}, details {:?})", info.details().unwrap_or_default());
        match kind {
            Kind::SerializationFailure => Self::Conflict,
            Kind::UniqueViolation | Kind::ExclusionViolation => {
                Self::Constraint { kind: Constraint::Unique, name, cause }
            }
            Kind::ForeignKeyViolation | Kind::RestrictViolation => {
                Self::Constraint { kind: Constraint::Reference, name, cause }
            }
            Kind::CheckViolation | Kind::NotNullViolation => Self::Constraint { kind: Constraint::Check, name, cause },
            // Read-only: the server that answers is no longer the primary.
            Kind::UnableToSendCommand | Kind::ClosedConnection | Kind::ReadOnlyTransaction => {
                Self::Unavailable { cause }
            }
            // The driver keeps no SQLSTATE for these; connections ask for untranslated messages (see db).
            _ if info.message() == "deadlock detected" => Self::Conflict,
            _ if info.message().starts_with("terminating connection") => Self::Unavailable { cause },
            _ if OUT_OF.iter().any(|text| info.message().contains(text)) => Self::Unavailable { cause },
            _ if info.message().starts_with("canceling statement due to statement timeout") => Self::Refused {
                reason: DEADLINE_EXCEEDED,
                subject: String::new(),
                message: "the database took too long: ask for less, or narrow the filter".into(),
                metadata: Vec::new(),
            },
            _ => Self::Internal { cause },
        }
    }
}

impl From<diesel_async::pooled_connection::deadpool::PoolError> for Error {
    fn from(error: diesel_async::pooled_connection::deadpool::PoolError) -> Self {
        use diesel_async::pooled_connection::deadpool::PoolError;
        match error {
            PoolError::Timeout(_) => {
                Self::Busy { what: "the connection pool", retry_after: Duration::from_millis(200) }
            }
            other => Self::unavailable(other),
        }
    }
}

impl From<tokio_postgres::Error> for Error {
    fn from(error: tokio_postgres::Error) -> Self {
        let cause = error.as_db_error().map_or_else(|| error.to_string(), ToString::to_string);
        let passes = |state: &str| ["53", "57P"].iter().any(|class| state.starts_with(class));
        let unavailable = error.code().is_none_or(|state| passes(state.code()));
        if unavailable { Self::Unavailable { cause } } else { Self::Internal { cause } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_is_stated_once_in_upper_snake() {
        let mut seen = std::collections::BTreeSet::new();
        for reason in REASONS {
            assert!(seen.insert(reason.name), "{} twice", reason.name);
            assert!(reason.name.chars().all(|c| c.is_ascii_uppercase() || c == '_'), "{}", reason.name);
            assert!(!reason.meaning.is_empty() && !reason.meaning.ends_with('.'), "{}", reason.name);
            assert_ne!(reason.code, Code::Ok, "{}", reason.name);
        }
    }

    #[test]
    fn every_status_carries_reason_and_domain() {
        let errors = [
            Error::invalid("title", "is empty"),
            Error::not_found("things/a"),
            Error::already_exists("things/a"),
            Error::refused(ETAG_MISMATCH, "things/a", "things/a has changed"),
            Error::Busy { what: "the writer", retry_after: Duration::from_millis(5) },
            Error::unavailable("no route"),
            Error::Conflict,
            Error::internal("disk"),
        ];
        for error in errors {
            let reason = error.reason();
            let status = Status::from(error);
            assert_eq!(status.code(), reason.code);
            let info = status.get_details_error_info().unwrap();
            assert_eq!((info.reason.as_str(), info.domain.as_str()), (reason.name, DOMAIN));
        }
    }

    #[test]
    fn all_violations_travel_at_once() {
        let status = Status::from(
            Error::check(vec![Violation::new("a", "is empty"), Violation::new("b", "is negative")]).unwrap_err(),
        );
        assert_eq!(status.get_details_bad_request().unwrap().field_violations.len(), 2);
    }

    #[test]
    fn database_text_never_reaches_the_client() {
        for error in [
            Error::internal("relation secret_table"),
            Error::unavailable("host secret_table"),
            Error::Constraint {
                kind: Constraint::Unique,
                name: "secret_table".to_owned(),
                cause: "secret_table".to_owned(),
            },
        ] {
            let status = Status::from(error);
            assert!(!status.message().contains("secret_table"), "{}", status.message());
            assert!(!String::from_utf8_lossy(status.details()).contains("secret_table"));
        }
    }

    #[test]
    fn a_constraint_is_given_its_meaning_by_name() {
        let error = Error::Constraint { kind: Constraint::Unique, name: "thing_pkey".to_owned(), cause: String::new() };
        let mapped = error.clone().on_constraint("thing_pkey", || Error::already_exists("things/a"));
        assert_eq!(mapped.to_string(), "things/a exists already: choose another name or update it");
        assert!(matches!(error.on_constraint("other", || Error::Conflict), Error::Constraint { .. }));
    }
}
