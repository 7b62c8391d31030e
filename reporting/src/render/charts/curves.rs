//! Shares that rise with time, as steps on a logarithmic axis of hours, each with its interval and its name.

use super::axis::Scale;
use super::paint::width;
use super::scene::{Anchor, Ink, Layout, SIZE, Scene};
use crate::report::chart::{CurveLine, Curves};

const TOP: f64 = 20.0;
const FOOT: f64 = 30.0;
const LEFT: f64 = 52.0;

/// Series are told apart by dash as well as by colour.
const SERIES: [(Ink, Option<(f64, f64)>); 5] = [
    (Ink::Vermillion, None),
    (Ink::Orange, Some((10.0, 4.0))),
    (Ink::Blue, None),
    (Ink::Green, Some((3.0, 3.0))),
    (Ink::Purple, Some((8.0, 3.0))),
];

/// Marks on the axis of time, in hours.
const TIMES: [(f64, &str); 9] = [
    (0.25, "15 min"),
    (1.0, "1 h"),
    (4.0, "4 h"),
    (24.0, "1 day"),
    (72.0, "3 days"),
    (168.0, "1 week"),
    (672.0, "4 weeks"),
    (2184.0, "13 weeks"),
    (8736.0, "52 weeks"),
];

pub(super) fn draw(curves: &Curves, layout: Layout) -> Scene {
    let body = if layout == Layout::Wide { 290.0 } else { 260.0 };
    let mut scene = Scene::new(layout, TOP + body + FOOT);
    let names = curves.curves.iter().map(|curve| width(&curve.label, SIZE, true)).fold(0.0, f64::max);
    let right = scene.width - names - 26.0;
    let last = curves.curves.iter().map(|curve| curve.last).fold(1.0, f64::max);
    let end = TIMES.iter().map(|(hours, _)| *hours).find(|hours| *hours >= last).unwrap_or(last);
    let time = Scale { from: TIMES[0].0.ln(), to: end.ln(), start: LEFT, end: right };
    let x = |hours: f64| time.at(hours.max(TIMES[0].0).ln());
    let share = Scale { from: 0.0, to: 1.0, start: TOP + body, end: TOP };
    for (value, name, ink) in [
        (0.0, "0 %", Ink::Axis),
        (0.25, "25 %", Ink::Grid),
        (0.5, "50 %", Ink::Axis),
        (0.75, "75 %", Ink::Grid),
        (1.0, "100 %", Ink::Grid),
    ] {
        let y = share.at(value);
        scene.line((LEFT, y), (right, y), ink, 1.0);
        scene.small((LEFT - 8.0, y), name, Anchor::End, Ink::Muted);
    }
    let mut free = 0.0;
    for (hours, name) in TIMES.iter().filter(|(hours, _)| *hours <= end) {
        let at = x(*hours);
        scene.line((at, TOP), (at, TOP + body), Ink::Grid, 1.0);
        let half = width(name, SIZE, false) / 2.0;
        if at - half > free {
            scene.small((at, TOP + body + 14.0), name, Anchor::Middle, Ink::Muted);
            free = at + half + 6.0;
        }
    }
    for curve in &curves.curves {
        let (ink, _) = SERIES[curve.series % SERIES.len()];
        scene.area(band(curve, &x, &share), ink, 0.13);
    }
    let mut labels = Vec::new();
    for curve in &curves.curves {
        let (ink, dash) = SERIES[curve.series % SERIES.len()];
        let points = steps(curve, &x, |(_, value, _)| share.at(*value));
        if let Some(end) = points.last() {
            labels.push((end.1, *end, &curve.label, ink));
        }
        scene.path(points, ink, 2.2, dash);
    }
    labels.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut free = 0.0;
    for (y, end, name, ink) in labels {
        let y = y.max(free);
        free = y + 18.0;
        scene.line(end, (right + 14.0, y), ink, 1.0);
        scene.words((right + 18.0, y), name, Anchor::Start, Ink::Text);
    }
    scene
}

type Point = (f64, f64, [f64; 2]);

/// The corners of a step curve; steps narrower than half a pixel are joined.
fn steps(curve: &CurveLine, x: &impl Fn(f64) -> f64, y: impl Fn(&Point) -> f64) -> Vec<(f64, f64)> {
    let start = (0.0, 0.0, [0.0, 0.0]);
    let mut corners = vec![(x(0.0), y(&start))];
    let mut height = y(&start);
    for point in &curve.points {
        let at = x(point.0);
        if corners.last().is_none_or(|last| at - last.0 >= 0.5) {
            corners.push((at, height));
            corners.push((at, y(point)));
        } else if let Some(last) = corners.last_mut() {
            last.1 = y(point);
        }
        height = y(point);
    }
    corners.push((x(curve.last), height));
    corners
}

fn band(curve: &CurveLine, x: &impl Fn(f64) -> f64, share: &Scale) -> Vec<(f64, f64)> {
    let mut outline = steps(curve, x, |(_, _, [low, _])| share.at(*low));
    let mut upper = steps(curve, x, |(_, _, [_, high])| share.at(*high));
    upper.reverse();
    outline.extend(upper);
    outline
}
