//! Amounts by item: lying bars from zero, what is below zero to the left of it.

use super::axis::Scale;
use super::paint::width;
use super::scene::{Anchor, Ink, Layout, SIZE, Scene};
use crate::report::chart::Bars;
use crate::stats::wilson::count;

const ROW: f64 = 23.0;

pub(super) fn draw(bars: &Bars, layout: Layout) -> Scene {
    let widest = bars.rows.iter().map(|bar| width(&bar.label, SIZE, false)).fold(0.0, f64::max) + 14.0;
    // Where there is little room, names stand above their bars.
    let above = layout == Layout::Narrow && widest > layout.width() * 0.4;
    let row = if above { ROW + 19.0 } else { ROW };
    let mut scene = Scene::new(layout, row * count(bars.rows.len() as u64) + 8.0);
    let label = if above { 0.0 } else { widest.min(scene.width * 0.52) };
    let beside = bars.rows.iter().map(|bar| width(&bar.text, SIZE, false)).fold(0.0, f64::max) + 12.0;
    let least = bars.rows.iter().map(|bar| bar.value).fold(0.0, f64::min);
    let most = bars.rows.iter().map(|bar| bar.value).fold(0.0, f64::max);
    // Bars to the left need room for their amount on that side.
    let start = label + if least < 0.0 { beside } else { 0.0 };
    let scale = Scale { from: least, to: most, start, end: scene.width - beside };
    let zero = scale.at(0.0);
    scene.line((zero, 0.0), (zero, scene.height), Ink::Axis, 1.0);
    for (index, bar) in bars.rows.iter().enumerate() {
        let bottom = row * count(index as u64 + 1) + 4.0;
        let (y, room) = if above { (bottom - 31.0, scene.width) } else { (bottom - ROW / 2.0, label - 14.0) };
        scene.words((0.0, y), &shortened(&bar.label, room), Anchor::Start, Ink::Text);
        let y = if above { bottom - 12.0 } else { y };
        let end = scale.at(bar.value);
        let ink = if bar.value < 0.0 { Ink::Light } else { Ink::Actual };
        scene.rect(zero.min(end), y - 7.5, (end - zero).abs(), 15.0, ink);
        let (at, anchor) = if bar.value < 0.0 { (end - 6.0, Anchor::End) } else { (end + 6.0, Anchor::Start) };
        scene.words((at, y), &bar.text, anchor, Ink::Text);
    }
    scene
}

/// A text cut to a width, with dots for what is missing.
fn shortened(text: &str, room: f64) -> String {
    if width(text, SIZE, false) <= room {
        return text.to_owned();
    }
    let mut short = text.to_owned();
    while !short.is_empty() && width(&format!("{short}…"), SIZE, false) > room {
        short.pop();
    }
    format!("{}…", short.trim_end())
}
