//! Amounts over ordered classes: columns from zero, each with its label; lying bars where there is no room.

use super::paint::width;
use super::scene::{Anchor, Ink, Layout, SIZE, Scene};
use super::{bars, scene};
use crate::report::chart::{Bar, Bars, Columns};
use crate::stats::wilson::count;

const HEAD: f64 = 36.0;
const BODY: f64 = 106.0;

pub(super) fn draw(columns: &Columns, layout: Layout) -> Scene {
    if layout == Layout::Narrow {
        return lying(columns);
    }
    let panels = count(columns.panels.len() as u64);
    let foot = if columns.groups.is_empty() { 22.0 } else { 42.0 };
    let mut scene = Scene::new(layout, panels * (HEAD + BODY) + foot);
    let step = scene.width / count(columns.classes.len().max(1) as u64);
    let centre = |index: usize| step * (count(index as u64) + 0.5);
    for (row, panel) in columns.panels.iter().enumerate() {
        let top = count(row as u64) * (HEAD + BODY) + HEAD;
        scene.heading((0.0, top - 26.0), &panel.title);
        let most = panel.values.iter().filter_map(|(value, _)| *value).fold(0.0, f64::max);
        let zero = top + BODY - 4.0;
        let body = (step * 0.68).min(64.0);
        for (index, (value, label)) in panel.values.iter().enumerate() {
            let height = if most > 0.0 { value.unwrap_or_default() / most * (BODY - 26.0) } else { 0.0 };
            if height > 0.0 {
                scene.rect(centre(index) - body / 2.0, zero - height, body, height, Ink::Actual);
            }
            let ink = if value.is_some() { Ink::Text } else { Ink::Muted };
            scene.small((centre(index), zero - height - 9.0), label, Anchor::Middle, ink);
        }
        scene.line((0.0, zero), (scene.width, zero), Ink::Axis, 1.0);
    }
    let bottom = scene.height - foot;
    for (index, name) in columns.classes.iter().enumerate() {
        if width(name, SIZE, false) < step * 1.2 {
            scene.small((centre(index), bottom + 10.0), name, Anchor::Middle, Ink::Muted);
        }
    }
    for (index, name) in &columns.groups {
        let x = step * count(*index as u64);
        scene.line((x, bottom), (x, bottom + 34.0), Ink::Axis, 1.0);
        scene.words((x + 6.0, bottom + 28.0), name, Anchor::Start, Ink::Text);
    }
    scene
}

/// The same as lying bars, one panel below the other.
fn lying(columns: &Columns) -> Scene {
    let mut all = Scene::new(Layout::Narrow, 0.0);
    for panel in &columns.panels {
        let mut group = String::new();
        let rows = columns.classes.iter().enumerate().zip(&panel.values).map(|((index, class), (value, text))| {
            if let Some((_, name)) = columns.groups.iter().find(|(start, _)| *start == index) {
                group.clone_from(name);
            }
            let label = if group.is_empty() { class.clone() } else { format!("{group} {class}") };
            Bar { label, group: String::new(), value: value.unwrap_or_default(), text: text.clone() }
        });
        let part = bars::draw(&Bars { rows: rows.collect() }, Layout::Narrow);
        all.heading((0.0, all.height + 10.0), &panel.title);
        let below = all.height + 26.0;
        all.height = below + part.height + 14.0;
        all.shapes.extend(part.shapes.into_iter().map(|shape| scene::moved(shape, (0.0, below))));
    }
    all
}
