//! Working time: what people write, compiled to a cumulative function `open(t)`, so that elapsed
//! time is a subtraction and a due instant its inverse: no walk over days.

mod check;
mod compiled;
mod definition;
mod difference;
mod span;
mod timeline;
mod zone;

use jiff::Timestamp;

pub use self::compiled::{Calendar, Error, HORIZON};
pub use self::definition::{Definition, Exception, Hours, LocalTime, ParseError, Weekday};
pub use self::span::{Span, SpanKind};
pub use self::timeline::{Revision, Timeline};
pub use self::zone::database_version;

/// Microseconds in a second.
const SECOND: i64 = 1_000_000;

/// The instant `micros` microseconds after 1970 began; beyond what a timestamp can hold, the nearest.
pub(crate) fn instant(micros: i64) -> Timestamp {
    let nearest = if micros < 0 { Timestamp::MIN } else { Timestamp::MAX };
    Timestamp::from_microsecond(micros).unwrap_or(nearest)
}
