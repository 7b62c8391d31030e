//! A calendar with its revisions, read piecewise: at each instant the one that is effective then.

use std::sync::{Arc, LazyLock};

use jiff::{SignedDuration, Timestamp};

use super::{Calendar, Definition, Hours, LocalTime, Span, Weekday, instant};

/// A published revision of a calendar.
#[derive(Debug, Clone)]
pub struct Revision {
    /// Its number.
    pub number: u32,
    /// From when it is in force, until the next one is. The first also holds for the time before.
    pub effective_from: Timestamp,
    /// Its content.
    pub calendar: Arc<Calendar>,
}

/// The revisions of one calendar as one cumulative function. Without revisions it is never open.
#[derive(Debug, Clone, Default)]
pub struct Timeline {
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone)]
struct Piece {
    number: u32,
    from: i64,
    /// What to add to the open time of its own calendar for that of the timeline.
    shift: i64,
    calendar: Arc<Calendar>,
}

impl Timeline {
    /// Joins revisions, in any order. Of two that take effect at once the higher number counts.
    pub fn new(revisions: impl IntoIterator<Item = Revision>) -> Self {
        let mut revisions: Vec<Revision> = revisions.into_iter().collect();
        revisions.sort_by_key(|revision| (revision.effective_from, revision.number));
        let mut timeline = Self::default();
        for Revision { number, effective_from, calendar } in revisions {
            let at = effective_from.as_microsecond();
            if timeline.pieces.last().is_some_and(|last| last.from == at) {
                timeline.pieces.pop();
            }
            let first = timeline.pieces.is_empty();
            let shift = if first { 0 } else { timeline.open(at) - calendar.open(at) };
            let from = if first { i64::MIN } else { at };
            timeline.pieces.push(Piece { number, from, shift, calendar });
        }
        timeline
    }

    /// Around the clock.
    pub fn always() -> &'static Self {
        static ALWAYS: LazyLock<Timeline> = LazyLock::new(|| {
            let whole_day = LocalTime::new(0, 0).zip(LocalTime::new(24, 0));
            let hours: Vec<Hours> = whole_day.map(|(opens, closes)| Hours { opens, closes }).into_iter().collect();
            let definition = Definition {
                time_zone: "UTC".to_owned(),
                weekly: Weekday::ALL.map(|day| (day, hours.clone())).into(),
                exceptions: Vec::new(),
            };
            Calendar::compile(&definition).map(Timeline::from).unwrap_or_default()
        });
        &ALWAYS
    }

    /// Never open.
    pub fn never() -> &'static Self {
        static NEVER: Timeline = Timeline { pieces: Vec::new() };
        &NEVER
    }

    /// Whether the instant is open time.
    pub fn is_open(&self, at: Timestamp) -> bool {
        self.piece(at.as_microsecond()).is_some_and(|piece| piece.calendar.is_open(at))
    }

    /// The open time from `start` to `end`; negative if `end` comes first.
    pub fn elapsed(&self, start: Timestamp, end: Timestamp) -> SignedDuration {
        SignedDuration::from_micros(self.open(end.as_microsecond()) - self.open(start.as_microsecond()))
    }

    /// The first instant, `start` or later, at which `duration` of open time has passed since
    /// `start`. Empty: not before the horizon.
    pub fn due(&self, start: Timestamp, duration: SignedDuration) -> Option<Timestamp> {
        let duration = i64::try_from(duration.as_micros()).ok()?;
        self.due_micros(start.as_microsecond(), duration).map(instant)
    }

    /// What the calendar says between two instants, without gaps.
    pub fn spans(&self, start: Timestamp, end: Timestamp) -> Vec<Span<'_>> {
        let pieces = self.revisions(start, end);
        pieces.flat_map(|(_, calendar, from, to)| calendar.spans(from, to)).collect()
    }

    /// The revisions in force between two instants, and from when to when within them.
    pub fn revisions(
        &self,
        start: Timestamp,
        end: Timestamp,
    ) -> impl Iterator<Item = (u32, &Arc<Calendar>, Timestamp, Timestamp)> {
        self.pieces.iter().enumerate().filter_map(move |(index, piece)| {
            let from = instant(piece.from).max(start);
            let to = self.pieces.get(index + 1).map_or(end, |next| instant(next.from).min(end));
            (from < to).then_some((piece.number, &piece.calendar, from, to))
        })
    }

    /// The calendar effective at an instant. Empty: there are no revisions.
    pub fn calendar(&self, at: Timestamp) -> Option<&Arc<Calendar>> {
        self.piece(at.as_microsecond()).map(|piece| &piece.calendar)
    }

    /// The definition that is effective last. Empty: there are no revisions.
    pub fn latest(&self) -> Option<&Definition> {
        self.pieces.last().map(|piece| piece.calendar.definition())
    }

    /// Open microseconds up to `at`, from a beginning that is the same for every `at`.
    pub(crate) fn open(&self, at: i64) -> i64 {
        self.piece(at).map_or(0, |piece| piece.shift + piece.calendar.open(at))
    }

    /// [`Timeline::due`] in microseconds.
    pub(crate) fn due_micros(&self, start: i64, duration: i64) -> Option<i64> {
        if duration <= 0 {
            return Some(start);
        }
        let open = self.open(start).checked_add(duration)?;
        let first = self.pieces.iter().rposition(|piece| piece.from <= start)?;
        self.pieces[first..].iter().enumerate().find_map(|(index, piece)| {
            let due = piece.calendar.reaches(open - piece.shift, start.max(piece.from))?;
            let next = self.pieces.get(first + index + 1);
            next.is_none_or(|next| due <= next.from).then_some(due)
        })
    }

    fn piece(&self, at: i64) -> Option<&Piece> {
        self.pieces.iter().rfind(|piece| piece.from <= at)
    }
}

impl From<Calendar> for Timeline {
    /// The calendar as the only revision, number 1.
    fn from(calendar: Calendar) -> Self {
        Self::new([Revision { number: 1, effective_from: Timestamp::UNIX_EPOCH, calendar: Arc::new(calendar) }])
    }
}
