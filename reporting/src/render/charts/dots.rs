//! Shares with their intervals against goals: where the interval lies tells more than the point.

use super::paint::width;
use super::scene::{Anchor, Ink, Layout, SIZE, Scene};
use crate::report::Mark;
use crate::report::chart::{Dot, DotPanel, Dots};

const ROW: f64 = 25.0;
const HEAD: f64 = 34.0;
const FOOT: f64 = 30.0;
const GAP: f64 = 36.0;

pub(super) fn draw(dots: &Dots, layout: Layout) -> Scene {
    let side_by_side = layout == Layout::Wide && dots.panels.len() == 2;
    let columns = if side_by_side { 2 } else { 1 };
    let height = |panel: &DotPanel| HEAD + FOOT + ROW * crate::stats::wilson::count(panel.rows.len() as u64);
    let total = if side_by_side {
        dots.panels.iter().map(height).fold(0.0, f64::max)
    } else {
        dots.panels.iter().map(height).sum()
    };
    let mut scene = Scene::new(layout, total);
    let panel_width = if columns == 2 { (scene.width - GAP) / 2.0 } else { scene.width };
    let mut origin = (0.0, 0.0);
    // One frame for all panels, so that they can be compared.
    let rows = || dots.panels.iter().flat_map(|panel| &panel.rows);
    let label = rows().map(|dot| width(&dot.label, SIZE, false)).fold(0.0, f64::max) + 14.0;
    let beside = rows().map(|dot| width(&dot.beside, SIZE, false)).fold(0.0, f64::max) + 14.0;
    for panel in &dots.panels {
        draw_panel(&mut scene, panel, origin, panel_width, label, beside);
        if columns == 2 {
            origin.0 += panel_width + GAP;
        } else {
            origin.1 += height(panel);
        }
    }
    scene
}

fn draw_panel(scene: &mut Scene, panel: &DotPanel, origin: (f64, f64), width: f64, label: f64, beside: f64) {
    let (left, right) = (origin.0 + label, origin.0 + width - beside);
    let top = origin.1 + HEAD;
    let bottom = top + ROW * crate::stats::wilson::count(panel.rows.len() as u64);
    let x = |share: f64| left + share * (right - left);
    scene.heading((origin.0, origin.1 + 10.0), &panel.title);
    for (share, name) in [(0.0, "0"), (0.25, "25"), (0.5, "50"), (0.75, "75"), (1.0, "100 %")] {
        let ink = if share == 0.0 { Ink::Axis } else { Ink::Grid };
        scene.line((x(share), top - 4.0), (x(share), bottom), ink, 1.0);
        // Where there is little room, the quarters go without their names.
        if right - left > 160.0 || share.fract() == 0.0 || (share - 0.5).abs() < 0.1 {
            scene.small((x(share), bottom + 12.0), name, Anchor::Middle, Ink::Muted);
        }
    }
    let goals: Vec<f64> = panel.rows.iter().filter_map(|dot| dot.goal).collect();
    if let Some(goal) = goals.first().filter(|goal| goals.iter().all(|other| (other - *goal).abs() < 1e-9)) {
        let name = format!("goal {}", crate::report::text::goal(*goal));
        scene.small((x(*goal), top - 12.0), &name, Anchor::Middle, Ink::Muted);
    }
    for (index, dot) in panel.rows.iter().enumerate() {
        let y = top + ROW * (crate::stats::wilson::count(index as u64) + 0.5);
        draw_dot(scene, dot, origin.0, y, &x, right);
    }
}

fn draw_dot(scene: &mut Scene, dot: &Dot, left: f64, y: f64, x: &impl Fn(f64) -> f64, right: f64) {
    let quiet = if dot.edge { Ink::Muted } else { Ink::Text };
    scene.words((left, y), &dot.label, Anchor::Start, quiet);
    if let Some(goal) = dot.goal {
        // What was planned is outlined, not filled.
        scene.outline(x(goal) - 2.5, y - 9.0, 5.0, 18.0, Ink::Axis);
    }
    let ink = match (dot.edge, dot.mark) {
        (true, _) | (_, Mark::Unsure | Mark::NoGoal) => Ink::Actual,
        (_, Mark::Met) => Ink::Blue,
        (_, Mark::Missed) => Ink::Vermillion,
    };
    let [low, high] = dot.interval;
    scene.line((x(low), y), (x(high), y), ink, 2.0);
    for end in [low, high] {
        scene.line((x(end), y - 4.0), (x(end), y + 4.0), ink, 2.0);
    }
    let at = (x(dot.value), y);
    match dot.mark {
        Mark::Missed => diamond(scene, at, 6.5, ink),
        Mark::Met | Mark::NoGoal => scene.disc(at, 5.0, ink, false),
        Mark::Unsure => scene.disc(at, 5.0, ink, true),
    }
    scene.words((right + 14.0, y), &dot.beside, Anchor::Start, quiet);
}

fn diamond(scene: &mut Scene, (x, y): (f64, f64), reach: f64, ink: Ink) {
    scene.area(vec![(x, y - reach), (x + reach, y), (x, y + reach), (x - reach, y)], ink, 1.0);
}
