//! Values over time with the limits of what is usual; what lies beyond the record is shaded.

use super::axis::{Scale, grid, label, ticks};
use super::paint::width;
use super::scene::{Anchor, Ink, Layout, SIZE, Scene};
use crate::report::chart::{Limits, Run, Runs};
use crate::stats::wilson::count;

const HEAD: f64 = 34.0;
const BODY: f64 = 108.0;
const FOOT: f64 = 24.0;
const LEFT: f64 = 52.0;

pub(super) fn draw(runs: &Runs, layout: Layout) -> Scene {
    let panels = count(runs.panels.len() as u64);
    let mut scene = Scene::new(layout, panels * (HEAD + BODY) + FOOT);
    let limited = runs.panels.iter().any(|panel| panel.limits.is_some());
    let widest =
        runs.panels.iter().flat_map(limits).map(|(_, text, _)| width(&text, SIZE - 1.5, false)).fold(0.0, f64::max);
    let right = scene.width - if limited { widest + 10.0 } else { 12.0 };
    let step = (right - LEFT) / count(runs.steps.len().max(1) as u64);
    for (index, panel) in runs.panels.iter().enumerate() {
        let top = count(index as u64) * (HEAD + BODY) + HEAD;
        if let Some(edge) = runs.edge_from {
            let x = LEFT + step * count(edge as u64);
            scene.rect(x, top - 6.0, right - x, BODY + 6.0, Ink::Shade);
            if index == 0 {
                scene.small((right, top - 20.0), "shaded: after the extract's end", Anchor::End, Ink::Muted);
            }
        }
        draw_panel(&mut scene, panel, top, step, right);
    }
    let bottom = scene.height - FOOT;
    let mut free = 0.0;
    for (index, name) in &runs.ticks {
        let x = LEFT + step * (count(*index as u64) + 0.5);
        scene.line((x, bottom), (x, bottom + 4.0), Ink::Axis, 1.0);
        if x > free {
            scene.small((x, bottom + 14.0), name, Anchor::Middle, Ink::Muted);
            free = x + width(name, SIZE, false) + 10.0;
        }
    }
    scene
}

/// The lines of what is usual: value, name and dash. A count is never below zero.
fn limits(panel: &Run) -> Vec<(f64, String, (f64, f64))> {
    let Some(Limits { mean, lower, upper }) = panel.limits else { return Vec::new() };
    let line = |value: f64, name: &str, dash| (value, format!("{name} {}", label(value.round())), dash);
    vec![
        line(upper, "upper limit", (2.0, 3.0)),
        line(mean, "mean", (7.0, 4.0)),
        line(lower.max(0.0), "lower limit", (2.0, 3.0)),
    ]
}

fn draw_panel(scene: &mut Scene, panel: &Run, top: f64, step: f64, right: f64) {
    let highest = panel.values.iter().copied().chain(panel.limits.map(|limits| limits.upper)).fold(0.0, f64::max);
    let ticks = ticks(highest, 3.0);
    let most = ticks.last().copied().unwrap_or(1.0).max(1.0);
    let scale = Scale { from: 0.0, to: most, start: top + BODY - 12.0, end: top + 4.0 };
    scene.heading((0.0, top - 20.0), &panel.title);
    grid(scene, &scale, &ticks, LEFT, right);
    for (value, text, dash) in limits(panel) {
        let y = scale.at(value);
        scene.path(vec![(LEFT, y), (right, y)], Ink::Muted, 1.2, Some(dash));
        scene.small((right + 6.0, y), &text, Anchor::Start, Ink::Muted);
    }
    let x = |index: usize| LEFT + step * (count(index as u64) + 0.5);
    if panel.columns {
        let width = (step * 0.62).clamp(1.0, 36.0);
        for (index, value) in panel.values.iter().enumerate() {
            let y = scale.at(*value);
            scene.rect(x(index) - width / 2.0, y, width, scale.start - y, Ink::Actual);
        }
    } else {
        let points = panel.values.iter().enumerate().map(|(index, value)| (x(index), scale.at(*value))).collect();
        scene.path(points, Ink::Actual, 1.6, None);
        for (index, value) in panel.values.iter().enumerate() {
            let at = (x(index), scale.at(*value));
            if panel.signals.contains(&index) {
                scene.disc(at, 5.0, Ink::Vermillion, true);
            } else {
                scene.disc(at, 3.0, Ink::Actual, false);
            }
        }
    }
}
