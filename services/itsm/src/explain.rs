//! `itsm explain`: the clocks of a ticket as a time line that can be read and added up.

use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp};
use pb::ticket_service_client::TicketServiceClient;
use proto::operations::v1 as pb;

use crate::client::{Channel, sentence};
use crate::import::{Problem, timestamp};

/// Explains the clocks of a ticket at an instant (now if none is given), by what was known at another (now likewise).
pub async fn explain(
    channel: Channel,
    ticket: &str,
    at: Option<Timestamp>,
    known: Option<Timestamp>,
) -> Result<String, Problem> {
    let name = if ticket.contains('/') { ticket.to_owned() } else { format!("tickets/{ticket}") };
    let request =
        pb::ExplainClocksRequest { name: name.clone(), read_time: at.map(timestamp), known_time: known.map(timestamp) };
    let answer = TicketServiceClient::new(channel)
        .explain_clocks(request)
        .await
        .map_err(|status| Problem::new(sentence(&status)))?
        .into_inner();
    Ok(render(&name, known, &answer))
}

/// The answer as text.
pub fn render(name: &str, known: Option<Timestamp>, answer: &pb::ExplainClocksResponse) -> String {
    let known = known.map(|at| format!(", by what was known at {at}")).unwrap_or_default();
    let mut text = format!("{name}, read at {}{known}\n", time(answer.read_time.as_ref()));
    if answer.clocks.is_empty() {
        text.push_str("\nNo promise covers this ticket.\n");
    }
    for explanation in &answer.clocks {
        let clock = explanation.clock.clone().unwrap_or_default();
        let _ = writeln!(
            text,
            "\n{} {} · {} revision {}, {} · {}",
            word(clock.kind().as_str_name(), "AGREEMENT_KIND_"),
            word(clock.metric().as_str_name(), "METRIC_").to_lowercase(),
            clock.agreement,
            clock.agreement_revision,
            clock.objective,
            if clock.calendar.is_empty() { "24x7" } else { &clock.calendar },
        );
        let _ = writeln!(
            text,
            "  {}{}: {} of {} used ({}.{:03} %), {}",
            word(clock.state().as_str_name(), "CLOCK_STATE_").to_lowercase(),
            if clock.stopped { ", stopped" } else { "" },
            span(clock.elapsed_duration.as_ref()),
            span(clock.target_duration.as_ref()),
            clock.elapsed_millipercent / 1000,
            clock.elapsed_millipercent % 1000,
            match (&clock.due_time, &clock.breach_time) {
                (_, Some(at)) => format!("breached {}", time(Some(at))),
                (Some(at), None) => format!("due {}", time(Some(at))),
                (None, None) => "no due time".to_owned(),
            },
        );
        if let Some(exclusion) = &clock.exclusion {
            let _ = writeln!(text, "  {}", excuse(exclusion));
        }
        for segment in &explanation.segments {
            let reason = lower(segment.reason().as_str_name(), "SEGMENT_REASON_");
            let detail = if segment.detail.is_empty() { String::new() } else { format!(" ({})", segment.detail) };
            let _ = writeln!(
                text,
                "  {} → {}  {:>14}  {} {reason}{detail}",
                time(segment.start_time.as_ref()),
                time(segment.end_time.as_ref()),
                span(length(segment).as_ref()),
                if segment.counted { "+" } else { "·" },
            );
        }
        let counted: i64 = explanation.segments.iter().filter(|segment| segment.counted).map(micros).sum();
        let _ = writeln!(text, "  {:>62}  = counted", human(SignedDuration::from_micros(counted)));
        let thresholds: Vec<_> = explanation
            .thresholds
            .iter()
            .map(|threshold| {
                let at = match (&threshold.reach_time, threshold.reached) {
                    (Some(at), true) => time(Some(at)),
                    (Some(at), false) => format!("would be {}", time(Some(at))),
                    (None, _) => "not reached".to_owned(),
                };
                let recorded = threshold.record_time.as_ref();
                let recorded = recorded.map(|at| format!(", recorded {}", time(Some(at)))).unwrap_or_default();
                format!("{} % {at}{recorded}", threshold.percent)
            })
            .collect();
        if !thresholds.is_empty() {
            let _ = writeln!(text, "  thresholds: {}", thresholds.join("; "));
        }
    }
    for duty in &answer.duties {
        let _ = writeln!(text, "\n{} {} · {}", law(duty.regulation()), report(duty.report()), verdict(duty));
        for limit in &duty.limits {
            let _ = writeln!(text, "  {} {}", if limit.decides { "→" } else { " " }, bound(limit));
        }
        if let Some(shift) = &duty.shift {
            let (from, to) = (time(shift.original_time.as_ref()), time(shift.shifted_time.as_ref()));
            let _ = writeln!(text, "  → shifted from {from} to {to}: {} ({})", shift.reason, shift.clause);
        }
    }
    for lost in &answer.lost_objectives {
        let _ = writeln!(text, "\nnot governing: {} {}: {}", lost.agreement, lost.objective, lost.reason);
    }
    text
}

/// An excuse in a sentence.
pub fn excuse(exclusion: &pb::ClockExclusion) -> String {
    let reason = lower(exclusion.reason().as_str_name(), "EXCLUSION_REASON_");
    let mut text = format!("excused: {reason}");
    match &exclusion.interval {
        Some(interval) => {
            let (from, to) = (time(interval.start_time.as_ref()), time(interval.end_time.as_ref()));
            let state = lower(exclusion.adjusted_state().as_str_name(), "CLOCK_STATE_");
            let used = span(exclusion.adjusted_elapsed_duration.as_ref());
            let _ = write!(text, ", {from} to {to}; without that time {state} with {used} used");
        }
        None => text.push_str(", as a whole"),
    }
    if !exclusion.approver.is_empty() {
        let at = time(exclusion.approve_time.as_ref());
        let _ = write!(text, "; approved by {} at {at}: {}", exclusion.approver, exclusion.evidence);
    }
    text
}

/// A law by its short name.
pub fn law(regulation: pb::Regulation) -> &'static str {
    match regulation {
        pb::Regulation::EuDora2025301 => "DORA (EU) 2025/301",
        pb::Regulation::EuNis220222555 => "NIS2 (EU) 2022/2555",
        pb::Regulation::Unspecified => "unknown law",
    }
}

/// A report as people say it.
pub fn report(report: pb::DutyReport) -> &'static str {
    match report {
        pb::DutyReport::EarlyWarning => "early warning",
        pb::DutyReport::Initial => "initial notification",
        pb::DutyReport::Intermediate => "intermediate report",
        pb::DutyReport::Progress => "progress report",
        pb::DutyReport::Final => "final report",
        pb::DutyReport::Unspecified => "unknown report",
    }
}

/// How a duty stands, in a few words.
pub fn verdict(duty: &pb::DutyDeadline) -> String {
    let due = time(duty.due_time.as_ref());
    let submitted = time(duty.submit_time.as_ref());
    match (duty.state(), &duty.submit_time) {
        (pb::DutyState::Met, Some(_)) => format!("met: submitted {submitted}, due {due} ({})", duty.reference),
        (pb::DutyState::Breached, Some(_)) => format!("late: submitted {submitted}, due {due} ({})", duty.reference),
        (pb::DutyState::Breached, None) => format!("overdue since {due}"),
        (pb::DutyState::Running, _) => format!("due {due}"),
        _ => "not owed yet".to_owned(),
    }
}

/// A limit of the law in a line.
pub fn bound(limit: &pb::DutyLimit) -> String {
    let anchor = match limit.anchor() {
        pb::DutyAnchor::Aware => "awareness".to_owned(),
        pb::DutyAnchor::Classified => "classification as major".to_owned(),
        pb::DutyAnchor::Handled => "handling".to_owned(),
        pb::DutyAnchor::Submitted => format!("the {}", report(limit.anchor_report())),
        pb::DutyAnchor::LastSubmitted => format!("the latest {}", report(limit.anchor_report())),
        pb::DutyAnchor::Unspecified => "something unknown".to_owned(),
    };
    let within = match limit.within.as_str() {
        "P1M" => "1 month".to_owned(),
        hours => hours.trim_start_matches("PT").replace('H', " h"),
    };
    let ends = match (&limit.anchor_time, &limit.end_time) {
        (Some(from), Some(end)) => format!(" at {}: {}", time(Some(from)), time(Some(end))),
        _ => ", which has not happened".to_owned(),
    };
    let lapsed =
        if limit.lapse_reason.is_empty() { String::new() } else { format!("; does not apply, {}", limit.lapse_reason) };
    format!("{within} from {anchor}{ends} ({}){lapsed}", limit.clause)
}

/// An enum value as words in lower case.
pub fn lower(name: &str, prefix: &str) -> String {
    word(name, prefix).to_lowercase().replace('_', " ")
}

/// An enum value as a word: its name without the prefix of its type.
pub fn word<'a>(name: &'a str, prefix: &str) -> &'a str {
    name.strip_prefix(prefix).unwrap_or(name)
}

/// An instant of a message in UTC, to the second unless it is finer.
pub fn time(at: Option<&prost_types::Timestamp>) -> String {
    at.and_then(|at| Timestamp::new(at.seconds, at.nanos).ok()).map_or_else(|| "—".to_owned(), |at| at.to_string())
}

/// Length of a segment.
fn length(segment: &pb::ClockSegment) -> Option<prost_types::Duration> {
    let micros = micros(segment);
    Some(prost_types::Duration {
        seconds: micros / 1_000_000,
        nanos: i32::try_from(micros % 1_000_000 * 1_000).unwrap_or_default(),
    })
}

fn micros(segment: &pb::ClockSegment) -> i64 {
    let at = |time: &Option<prost_types::Timestamp>| {
        time.as_ref().map_or(0, |time| time.seconds * 1_000_000 + i64::from(time.nanos) / 1_000)
    };
    at(&segment.end_time) - at(&segment.start_time)
}

/// A duration of a message as people say it: `3d 4h 05m`.
pub fn span(duration: Option<&prost_types::Duration>) -> String {
    duration.map_or_else(|| "—".to_owned(), |duration| human(SignedDuration::new(duration.seconds, duration.nanos)))
}

/// A duration as people say it: hours and minutes, seconds and their parts only where there are any.
pub fn human(duration: SignedDuration) -> String {
    let sign = if duration.is_negative() { "-" } else { "" };
    let total = duration.unsigned_abs();
    let (hours, minutes, seconds) = (total.as_secs() / 3600, total.as_secs() / 60 % 60, total.as_secs() % 60);
    let mut text = format!("{sign}{hours}h {minutes:02}m");
    if seconds > 0 || total.subsec_micros() > 0 {
        let _ = write!(text, " {seconds:02}");
        if total.subsec_micros() > 0 {
            let _ = write!(text, ".{:06}", total.subsec_micros());
        }
        text.push('s');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_people_say_them() {
        assert_eq!(human(SignedDuration::from_secs(4 * 3600)), "4h 00m");
        assert_eq!(human(SignedDuration::from_micros(-90_500_000)), "-0h 01m 30.500000s");
    }
}
