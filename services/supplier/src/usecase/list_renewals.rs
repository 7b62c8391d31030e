//! Contracts that need a decision: by the last day on which notice can be given, earliest first.

use diesel::sql_types::Date as SqlDate;
use jiff::ToSpan;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use servicekit::page::{self, Page};
use servicekit::resource::{self, List, Stored};
use servicekit::{Caller, Error, Kit};

use crate::store::Contract;

/// How many days are looked ahead when nothing is said.
const AHEAD_DAYS: i32 = 90;

/// The deadlines asked for, both days inclusive.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    /// First day. None: today, in UTC, the same on every page.
    pub start: Option<Date>,
    /// Last day. None: 90 days after the first.
    pub end: Option<Date>,
}

/// One page of the contracts whose deadline lies in the window.
pub async fn run(
    kit: &Kit,
    caller: &Caller,
    window: Window,
    request: page::Request<'_>,
) -> Result<Page<Stored<Contract>>, Error> {
    if let (Some(start), Some(end)) = (window.start, window.end)
        && end < start
    {
        return Err(Error::invalid("end_date", format!("{end} is before the first day {start}: swap or mend them")));
    }
    let selection = format!("{:?} {:?}", window.start, window.end);
    let request = page::Request { order_by: "notice_deadline_date", selection: &selection, ..request };
    let list = List { request, ..List::default() };
    resource::list_within(kit, caller, list, |now, sql| {
        let start = window.start.unwrap_or_else(|| now.to_zoned(TimeZone::UTC).date());
        let end = window.end.unwrap_or_else(|| start.saturating_add(AHEAD_DAYS.days()));
        sql.push(" AND notice_deadline_on BETWEEN ").bind::<SqlDate, _>(jiff_diesel::Date::from(start));
        sql.push(" AND ").bind::<SqlDate, _>(jiff_diesel::Date::from(end));
    })
    .await
}
