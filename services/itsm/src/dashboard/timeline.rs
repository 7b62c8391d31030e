//! A clock drawn as a line: what counted, what did not and why, with its thresholds.

use maud::{Markup, html};
use proto::operations::v1 as pb;

use super::page::minute;

/// Width of the drawing in its own units.
const WIDTH: f64 = 1000.0;
/// Height of the bar and where it starts.
const BAR: (f64, f64) = (14.0, 22.0);

/// How a reason is drawn: its class, a height so that colour is not needed, and its name.
fn look(reason: pb::SegmentReason) -> (&'static str, f64, &'static str) {
    match reason {
        pb::SegmentReason::Running => ("run", 1.0, "running"),
        pb::SegmentReason::Paused => ("pause", 0.55, "paused"),
        pb::SegmentReason::OutsideHours => ("shut", 0.35, "outside hours"),
        pb::SegmentReason::Holiday => ("shut", 0.35, "holiday"),
        pb::SegmentReason::NotStarted => ("stop", 0.2, "not started"),
        pb::SegmentReason::Stopped | pb::SegmentReason::Unspecified => ("stop", 0.2, "stopped"),
    }
}

/// The key to the drawing.
pub(super) fn key() -> Markup {
    let shown = [
        pb::SegmentReason::Running,
        pb::SegmentReason::Paused,
        pb::SegmentReason::OutsideHours,
        pb::SegmentReason::Stopped,
    ];
    html! {
        ul.key aria-hidden="true" {
            @for reason in shown {
                @let (class, height, name) = look(reason);
                li {
                    svg viewBox="0 0 18 12" {
                        rect x="0" y=(12.0 - 12.0 * height) width="18" height=(12.0 * height) class=(class) {}
                    }
                    (name)
                }
            }
        }
    }
}

/// Draws the segments of one clock. What comes after the clock stopped is cut to a short end.
pub(super) fn draw(explanation: &pb::ClockExplanation) -> Markup {
    let segments: Vec<_> = explanation
        .segments
        .iter()
        .filter_map(|segment| {
            Some((seconds(segment.start_time.as_ref()?), seconds(segment.end_time.as_ref()?), segment))
        })
        .collect();
    let Some(start) = segments.first().map(|segment| segment.0) else { return html! {} };
    let stopped = |segment: &pb::ClockSegment| segment.reason() == pb::SegmentReason::Stopped;
    let lived = segments.iter().filter(|segment| !stopped(segment.2)).map(|segment| segment.1).fold(start, f64::max);
    let last = segments.last().map_or(lived, |segment| segment.1);
    let end = last.min(lived + (lived - start).max(60.0) * 0.05);
    let place = |at: f64| ((at - start) / (end - start).max(1.0) * WIDTH).clamp(0.0, WIDTH);
    let label = describe(explanation);
    html! {
        svg.line viewBox={ "0 0 " (WIDTH) " 54" } preserveAspectRatio="none" role="img" aria-label=(label) {
            @for (from, until, segment) in &segments {
                @let (class, height, name) = look(segment.reason());
                @let width = place(*until) - place(*from);
                @if width > 0.0 {
                    rect x=(place(*from)) width=(width.max(0.5)) y=(BAR.0 + BAR.1 * (1.0 - height)) height=(BAR.1 * height)
                        class=(class) {
                        title {
                            (name) @if !segment.detail.is_empty() { " (" (segment.detail) ")" }
                            ": " (minute(segment.start_time.as_ref())) " to " (minute(segment.end_time.as_ref()))
                        }
                    }
                }
            }
            @if let Some((from, until)) = excused(explanation) {
                @let (x, width) = (place(from), place(until) - place(from));
                @if width > 0.0 {
                    rect x=(x) width=(width) y="44" height="4" class="pause" {
                        title { "excused" }
                    }
                }
            }
            @for threshold in explanation.thresholds.iter().filter(|threshold| threshold.reached) {
                @if let Some(at) = &threshold.reach_time {
                    @let x = place(seconds(at));
                    line x1=(x) x2=(x) y1="10" y2="40" class="mark" {
                        title {
                            (threshold.percent) " % at " (minute(Some(at)))
                            @if threshold.record_time.is_some() { ", recorded " (minute(threshold.record_time.as_ref())) }
                        }
                    }
                }
            }
        }
    }
}

/// The time that an approver has excused.
fn excused(explanation: &pb::ClockExplanation) -> Option<(f64, f64)> {
    let interval = explanation.clock.as_ref()?.exclusion.as_ref()?.interval.as_ref()?;
    Some((seconds(interval.start_time.as_ref()?), seconds(interval.end_time.as_ref()?)))
}

fn describe(explanation: &pb::ClockExplanation) -> String {
    let counted = explanation.segments.iter().filter(|segment| segment.counted).count();
    format!("{} intervals, {counted} of them counted; the table below lists them", explanation.segments.len())
}

fn seconds(at: &prost_types::Timestamp) -> f64 {
    // Seconds since 1970 have eleven digits: a double holds them with microseconds.
    #[allow(clippy::cast_precision_loss)]
    let seconds = at.seconds as f64;
    seconds + f64::from(at.nanos) / 1e9
}
