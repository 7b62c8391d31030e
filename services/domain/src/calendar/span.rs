//! Open and closed time in order, with the name of what closes it: the words of an explanation.

use jiff::Timestamp;
use jiff::civil::Date;

use super::{Calendar, instant};

/// A stretch of time of one kind; half-open and never empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span<'a> {
    /// Where it begins, inclusive.
    pub start: Timestamp,
    /// Where it ends, exclusive.
    pub end: Timestamp,
    /// What it is.
    pub kind: SpanKind<'a>,
}

/// What a stretch of time is to a calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpanKind<'a> {
    /// Open time.
    Open,
    /// Outside the weekly hours.
    OutsideHours,
    /// Closed by the exception of that name: a whole day, or hours that would be open without it.
    Holiday(&'a str),
}

impl Calendar {
    /// What the calendar says between two instants, without gaps. Neighbours differ in kind.
    pub fn spans(&self, start: Timestamp, end: Timestamp) -> Vec<Span<'_>> {
        let (start, end) = (start.as_microsecond(), end.as_microsecond());
        let mut spans = Spans { at: start, list: Vec::new() };
        for (opens, closes) in self.open_between(start, end) {
            self.closed(&mut spans, opens);
            spans.push(closes, SpanKind::Open);
        }
        self.closed(&mut spans, end);
        spans.list
    }

    /// Fills closed time up to `end`.
    fn closed<'a>(&'a self, spans: &mut Spans<'a>, end: i64) {
        if spans.at >= end {
            return;
        }
        // Hours of the evening before may have been meant to last until now.
        let mut day = self.date(spans.at).yesterday().unwrap_or(Date::MIN);
        let last = self.date(end);
        while day <= last {
            for (opens, closes) in self.taken_away(day) {
                spans.push(opens.min(end), SpanKind::OutsideHours);
                if let Some(exception) = self.definition().on(day).1 {
                    spans.push(closes.min(end), SpanKind::Holiday(&exception.name));
                }
            }
            match day.tomorrow() {
                Ok(next) => day = next,
                Err(_) => break,
            }
        }
        spans.push(end, SpanKind::OutsideHours);
    }

    /// What the exception of a date closes, in order: the whole day if it has no hours, and the weekly
    /// hours in any case.
    fn taken_away(&self, day: Date) -> Vec<(i64, i64)> {
        let definition = self.definition();
        let Some(exception) = definition.on(day).1 else {
            return Vec::new();
        };
        let whole_day = exception.hours.is_empty().then_some((0, 24 * 60));
        let weekly = definition.weekly_on(day).iter().map(|hours| hours.minutes());
        let mut taken: Vec<_> = whole_day.into_iter().chain(weekly).map(|hours| self.bounds(day, hours)).collect();
        taken.sort_unstable();
        taken
    }
}

/// Spans up to `at`.
struct Spans<'a> {
    at: i64,
    list: Vec<Span<'a>>,
}

impl<'a> Spans<'a> {
    /// Adds a span up to `end`, or lengthens the last one of the same kind; nothing if it would be empty.
    fn push(&mut self, end: i64, kind: SpanKind<'a>) {
        if end <= self.at {
            return;
        }
        match self.list.last_mut() {
            Some(last) if last.kind == kind => last.end = instant(end),
            _ => self.list.push(Span { start: instant(self.at), end: instant(end), kind }),
        }
        self.at = end;
    }
}
